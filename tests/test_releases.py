"""Making releases, with the command and without, and what is told of them: list, record, history."""

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from db.amending import remove
from db.enums import Resource
from db.models.releases import Release
from db.releases import ReleaseError
from db.session import write_engine
from tests.applications import application, running
from tests.asking import ask
from tests.curating import curating, refused, url_of
from tests.databases import own_database
from tests.releasing import release, released, touch
from tests.serving import exchanges, refusal
from tests.synthetic import exchange
from tests.test_amending import run
from tests.writing import changed, everything, made, put, put_small

pytestmark = pytest.mark.anyio

R = Resource
FIRST = "/v1/exchanges/first"
NOTES = "Three exchanges of March, и текст."


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    file = tmp_path / "notes.md"
    file.write_text(f"{NOTES}\n", encoding="utf-8")
    return file


# Names


async def test_a_release_names_the_newest_revision(small: AsyncEngine) -> None:
    first = await release(small, "2026.10")
    await touch(small, 51)
    second = await release(small, "2026.11")
    await touch(small, 52)
    third = await release(small, "2026.11.1", "  More.\n")
    for made_, revision in ((first, 1), (second, 2), (third, 3)):
        stored = await released(small, made_.name)
        assert stored == made_
        assert (stored.dataset_revision, stored.remade_at) == (revision, None)
    assert first.at < second.at < third.at
    assert third.notes == "More."


UNFIT = {
    "2026": "a release is called year.month, such as 2026.11, or year.month.n",
    "2026.1": "a release is called year.month",
    "2026.13": "a release is called year.month",
    "2026.11.0": "a release is called year.month",
    "2026.11.01": "a release is called year.month",
    "v2026.11": "a release is called year.month",
    "latest": "a release is called year.month",
    "2026.11.2": "there is a release 2026.11.2 already, made on",
    "2026.11.1": "2026.11.1 would come before the last release, 2026.11.2",
    "2026.11": "2026.11 would come before the last release, 2026.11.2",
    "2026.12": "2026.12 names a month to come; today is 25 November 2026",
    "2027.01": "2027.01 names a month to come",
}


async def test_names_that_do_not_fit_are_refused(small: AsyncEngine) -> None:
    await release(small, "2026.11.2")
    await touch(small, 51)
    before = await everything(small)
    for name, said in UNFIT.items():
        with pytest.raises(ReleaseError) as refusal_:
            await release(small, name)
        assert said in str(refusal_.value)
        assert "\n" not in str(refusal_.value)
    assert await everything(small) == before


async def test_names_are_in_the_order_of_their_numbers(small: AsyncEngine) -> None:
    for place, name in enumerate(("2026.11.9", "2026.11.10", "2026.12", "2027.01.1")):
        await touch(small, 60 + place)
        assert (await release(small, name, today=dt.date(2027, 1, 1))).name == name


async def test_there_must_be_something_new(small: AsyncEngine) -> None:
    await release(small, "2026.10")
    with pytest.raises(ReleaseError, match=r"nothing is new since the last release, 2026\.10"):
        await release(small, "2026.11")
    await touch(small, 51)
    await touch(small, 50)  # there and back
    with pytest.raises(ReleaseError, match="nothing is new"):
        await release(small, "2026.11")


async def test_nothing_cannot_be_released(engine: AsyncEngine) -> None:
    with pytest.raises(ReleaseError, match="there is nothing to release"):
        await release(engine, "2026.11")


async def test_times_of_releases_increase_even_where_the_clock_steps_back(small: AsyncEngine) -> None:
    await release(small, "2026.10")
    ahead = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
    async with small.begin() as connection:
        await connection.execute(update(Release).values(at=ahead))
    await touch(small, 51)
    assert (await release(small, "2026.11")).at == ahead + dt.timedelta(microseconds=1)


# The command


async def test_the_command_makes_a_release_and_says_what(
    small: AsyncEngine, server_url: str, notes: Path
) -> None:
    url = await url_of(small, server_url)
    name = f"{dt.datetime.now(dt.UTC):%Y.%m}"
    before = await everything(small)
    planned = exchanges("release", name, "--notes", notes, "--dry-run", DATABASE_URL=url)
    assert planned.returncode == 0, planned.stderr
    level, counts, nothing = planned.stdout.splitlines()
    assert level == f"release {name}: major, dataset revision 1"
    assert {"exchanges 2", "claims 3", "actors 3"} <= set(counts.split(", "))
    assert nothing == "dry run, nothing stored"
    assert "warning: PUBLIC_URL is not set" in planned.stderr
    assert await everything(small) == before
    place = {"DATABASE_URL": url, "PUBLIC_URL": "https://data.example.org/"}
    done = exchanges("release", name, "--notes", notes, **place)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == [level, counts]
    assert f"GET /v1/releases/{name}/download" in done.stdout
    assert "data/exchanges.csv" in done.stderr, "the progress"
    assert "PUBLIC_URL" not in done.stderr
    stored = await released(small, name)
    assert (stored.notes, stored.base_url) == (NOTES, "https://data.example.org")
    assert "data/exchanges.csv" in [file["name"] for file in stored.files]
    assert f"there is a release {name} already" in refusal(
        "release", name, "--notes", notes, DATABASE_URL=url
    )
    assert f"nothing is new since the last release, {name}" in refusal(
        "release", f"{name}.1", "--notes", notes, DATABASE_URL=url
    )


async def test_what_the_command_cannot_read_is_told_in_a_line(
    small: AsyncEngine, server_url: str, tmp_path: Path
) -> None:
    url = await url_of(small, server_url)
    blank_notes, binary, missing = tmp_path / "blank", tmp_path / "binary", tmp_path / "missing"
    blank_notes.write_text(" \n")
    binary.write_bytes(b"\xff\xfe\x00")
    for notes, said in (
        ((), "say what is new with --notes FILE"),
        (("--notes", blank_notes), "the notes hold no text"),
        (("--notes", binary), f"{binary} is not UTF-8 text"),
        (("--notes", missing), f"{missing}: No such file or directory"),
    ):
        assert said in refusal("release", "2026.11", *notes, DATABASE_URL=url)


# What is told


Three = tuple[AsyncEngine, httpx.AsyncClient]


async def make_three(engine: AsyncEngine) -> None:
    """Make three releases: 2026.09 of dataset revision 1, 2026.10 of 3, 2026.11 of 4."""
    await put_small(engine)
    await release(engine, "2026.09", "The first.")
    await touch(engine, 51)
    await put(engine, await changed(engine, R.EXCHANGE, "first", summary="Another handover."))
    await release(engine, "2026.10")
    await put(engine, made(R.EXCHANGE, exchange("third", date="2021-05-01")))
    await release(engine, "2026.11")


@pytest.fixture(scope="module")
async def client(server_url: str, empty_template: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a dataset with the three releases, for tests that only read."""
    async with own_database(server_url, empty_template) as url:
        engine = write_engine(url)
        await make_three(engine)
        await engine.dispose()
        async with running(application(url)) as client:
            yield client


@pytest.fixture
async def three(engine: AsyncEngine, server_url: str) -> AsyncIterator[Three]:
    """The same with a database of the test's own."""
    await make_three(engine)
    async with curating(engine, server_url) as curator:
        yield engine, curator.client


async def test_the_list_has_the_newest_first(client: httpx.AsyncClient) -> None:
    answer = await ask(client, "/v1/releases")
    page = answer.json()
    assert [each["name"] for each in page["data"]] == ["2026.11", "2026.10", "2026.09"]
    assert [each["level"] for each in page["data"]] == ["minor", "major", "major"]
    assert [each["dataset_revision"] for each in page["data"]] == [4, 3, 1]
    assert (page["meta"]["total"], page["meta"]["next"], page["meta"]["query"]) == (3, None, {})
    assert page["meta"]["dataset"] | {"updated_at": ""} == {"revision": 4, "release": None, "updated_at": ""}
    assert answer.headers["cache-control"] == "public, max-age=0, must-revalidate"
    first = page["data"][2]
    assert (first["id"], first["notes"], first["remade_at"], first["files"]) == (
        "2026.09",
        "The first.",
        None,
        [],
    )
    assert first["links"] == {
        "self": "/v1/releases/2026.09",
        "download": "/v1/releases/2026.09/download",
        "dataset": "/v1/dataset?release=2026.09",
        "previous": None,
        "changes": None,
    }
    for each in page["data"]:
        for link in each["links"].values():
            assert link is None or (await client.get(link)).status_code == 200, link
        alone = await ask(client, f"/v1/releases/{each['name']}")
        assert alone.json() == each
        assert alone.content in answer.content
    assert page["data"][0]["links"]["changes"] == "/v1/releases/2026.10/compare/2026.11"


async def test_the_list_is_walked_while_more_are_made(three: Three) -> None:
    engine, client = three
    pages = [await ask(client, "/v1/releases", {"limit": 1})]
    assert pages[0].headers["link"] == f'<{pages[0].json()["meta"]["next"]}>; rel="next"'
    await touch(engine, 53)
    await release(engine, "2026.11.1")
    while pages[-1].json()["meta"]["next"]:
        pages.append(await ask(client, pages[-1].json()["meta"]["next"]))
    assert [page.json()["data"][0]["name"] for page in pages] == ["2026.11", "2026.10", "2026.09"]
    assert {page.json()["meta"]["total"] for page in pages} == {3}
    foreign = pages[0].json()["meta"]["next_cursor"]
    refused(await ask(client, "/v1/exchanges", {"cursor": foreign}), 400, "invalid_cursor")
    other = (await ask(client, "/v1/exchanges", {"limit": 1})).json()["meta"]["next_cursor"]
    refused(await ask(client, "/v1/releases", {"cursor": other}), 400, "invalid_cursor")


async def test_a_copy_holds_until_something_is_released(
    three: Three,
) -> None:
    engine, client = three
    paths = ("/v1/releases", "/v1/releases/latest", "/v1/releases/2026.09", "/v1/releases/latest/download")
    tags = {path: (await ask(client, path)).headers["etag"] for path in paths}
    for path, tag in tags.items():
        assert (await ask(client, path, If_None_Match=tag)).status_code == 304
    await touch(engine, 54)
    await release(engine, "2026.11.1")
    statuses = {path: (await ask(client, path, If_None_Match=tag)).status_code for path, tag in tags.items()}
    assert [path for path, status in statuses.items() if status == 304] == ["/v1/releases/2026.09"]


async def test_the_latest_release_has_a_name_of_its_own(client: httpx.AsyncClient) -> None:
    latest = await ask(client, "/v1/releases/latest")
    assert latest.json()["name"] == "2026.11"
    assert latest.headers["content-location"] == "/v1/releases/2026.11"
    assert (await ask(client, "/releases/latest")).json() == latest.json()


async def test_releases_that_nobody_made(client: httpx.AsyncClient, empty_client: httpx.AsyncClient) -> None:
    for path in ("2026.1", "2026.12", "none", "LATEST", "2026.11.1"):
        for suffix in ("", "/download", "/compare/latest"):
            problem = refused(await ask(client, f"/v1/releases/{path}{suffix}"), 404, "not_found")
            assert f"There is no release '{path}'; there is 2026." in problem.detail
    assert (await ask(empty_client, "/v1/releases")).json()["data"] == []
    for path in ("latest", "2026.11"):
        problem = refused(await ask(empty_client, f"/v1/releases/{path}"), 404, "not_found")
        assert problem.detail == "There is no release yet."
    query = {"release": "latest"}
    refused(await ask(empty_client, "/v1/exchanges", query), 422, "invalid_query")


@pytest.fixture
async def empty_client(server_url: str, empty_template: str) -> AsyncIterator[httpx.AsyncClient]:
    async with own_database(server_url, empty_template) as url, running(application(url)) as client:
        yield client


@pytest.mark.parametrize("path", ["", "/2026.11", "/2026.11/download", "/2026.10/compare/2026.11"])
async def test_no_state_is_taken(client: httpx.AsyncClient, path: str) -> None:
    for query in ({"as_of": "1"}, {"release": "2026.11"}, {"q": "x"}):
        refused(await ask(client, f"/v1/releases{path}", query), 422, "invalid_query")


# The history of a record


async def test_revisions_name_the_first_release_that_holds_them(
    three: Three,
) -> None:
    engine, client = three

    async def holding_(path: str, **query: str) -> list[str | None]:
        page = (await ask(client, f"{path}/revisions", query)).json()
        return [each["release"] for each in page["data"]]

    assert await holding_(FIRST) == ["2026.09", "2026.10"]
    assert await holding_("/v1/totals/total-1") == ["2026.09", "2026.10"]
    assert await holding_("/v1/exchanges/second") == ["2026.09"]
    assert await holding_("/v1/exchanges/third") == ["2026.11"]
    await touch(engine, 60)
    await touch(engine, 61)
    assert await holding_("/v1/totals/total-1") == ["2026.09", "2026.10", None, None]
    await run(engine, lambda write: remove(write, R.EXCHANGE, "third"))
    await release(engine, "2026.11.1")
    assert await holding_("/v1/totals/total-1") == ["2026.09", "2026.10", None, "2026.11.1"]
    assert await holding_("/v1/exchanges/third") == ["2026.11", None], "a deleted record is in no release"
    assert await holding_("/v1/totals/total-1", as_of="6") == ["2026.09", "2026.10", None, None]


async def test_differences_between_releases(three: Three) -> None:
    engine, client = three
    await put(engine, await changed(engine, R.EXCHANGE, "first", summary="A third text."))

    async def between(**query: str) -> tuple[int, int]:
        answer = await ask(client, f"{FIRST}/diff", query)
        assert answer.status_code == 200, answer.text
        return answer.json()["from_revision"], answer.json()["to_revision"]

    assert await between(from_revision="release:2026.09", to_revision="release:2026.10") == (1, 2)
    assert await between(from_revision="release:2026.09") == (1, 3)
    assert await between(from_revision="release:2026.09", to_revision="2") == (1, 2)
    assert await between(from_revision="1", to_revision="release:latest") == (1, 2)
    assert await between(from_revision="release:latest") == (2, 3)
    assert await between(to_revision="release:2026.10") == (1, 2)
    for query, pinned in (
        ({"from_revision": "release:2026.09", "to_revision": "2"}, True),
        ({"from_revision": "release:latest", "to_revision": "3"}, False),
        ({"from_revision": "release:2026.09"}, False),
    ):
        kept = (await ask(client, f"{FIRST}/diff", query)).headers["cache-control"]
        assert ("max-age=86400" in kept) is pinned


@pytest.mark.parametrize(
    ("value", "code", "said"),
    [
        ("release:2026.08", "unknown_release", "there is no release '2026.08'"),
        ("release:2026.11.7", "unknown_release", "there is no release '2026.11.7'"),
        ("release:", "invalid_value", "must be the number of a revision, or release: and the name"),
        ("release:v1", "invalid_value", "must be the number of a revision, or release: and the name"),
        ("Release:2026.11", "invalid_value", "must be the number of a revision"),
        ("2026.11", "invalid_value", "must be the number of a revision"),
        ("-1", "invalid_value", "must be the number of a revision"),
        ("1.0", "invalid_value", "must be the number of a revision"),
        ("٣", "invalid_value", "must be the number of a revision"),
        ("99999999999", "invalid_value", "must be the number of a revision"),
        ("9999999999", "out_of_range", "the record has revision 1 only"),
        ("0", "out_of_range", "the record has revision 1 only"),
        ("release:2026.10", "out_of_range", "the record is not in release 2026.10"),
    ],
)
async def test_revisions_that_do_not_fit_are_refused(
    client: httpx.AsyncClient, value: str, code: str, said: str
) -> None:
    for name in ("from_revision", "to_revision"):
        answer = await ask(client, "/v1/exchanges/third/diff", {name: value})
        [item] = refused(answer, 422, "invalid_query").errors
        assert (item.parameter, item.code) == (name, code)
        assert said in item.message
        if code == "unknown_release":
            assert "release:2026.11" in item.allowed
            assert item.suggestions
