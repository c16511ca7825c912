"""What a redaction does to releases that held it: files made again, notices and notes that tell so."""

from collections.abc import AsyncIterator
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.releasing import zipped
from db.amending import remove
from db.enums import Resource
from db.session import write_engine
from tests.applications import application, running
from tests.asking import ask
from tests.blanking import NAME, REASON, blank, holding, named_then_mended
from tests.contract import NEW_YEAR, READS, Operation
from tests.curating import curating, refused, url_of
from tests.databases import own_database
from tests.releasing import release, released, touch
from tests.serving import exchanges
from tests.test_amending import run
from tests.writing import changed, put

pytestmark = pytest.mark.anyio

R = Resource
FIRST = "/v1/exchanges/first"


async def test_a_redaction_makes_the_files_of_releases_again(small: AsyncEngine, server_url: str) -> None:
    await release(small, "2026.08", files=True)
    await named_then_mended(small)  # revision 2 of `first` names somebody, in dataset revisions 2 and 3
    await put(small, await changed(small, R.EXCHANGE, "first", summary=f"{NAME} was freed."))
    named = await release(small, "2026.09", files=True)
    await put(small, await changed(small, R.EXCHANGE, "first", summary="Somebody was freed."))
    await release(small, "2026.10", files=True)
    before = {name: await released(small, name) for name in ("2026.08", "2026.09", "2026.10")}
    assert before["2026.09"] == named
    url = await url_of(small, server_url)
    arguments = ("redact", "exchange/first", "--revision", "4", "--reason", REASON)
    planned = exchanges(*arguments, "--dry-run", DATABASE_URL=url)
    assert planned.returncode == 0, planned.stderr
    assert await released(small, "2026.09") == named
    done = exchanges(*arguments, DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    assert "release 2026.09: its files were made again" in done.stdout.splitlines()
    assert NAME not in done.stdout + done.stderr
    after = {name: await released(small, name) for name in before}
    assert after["2026.08"] == before["2026.08"]
    assert after["2026.10"] == before["2026.10"]
    remade = after["2026.09"]
    assert remade.remade_at is not None
    assert (remade.at, remade.dataset_revision) == (named.at, named.dataset_revision)
    hashes, old = ({file["name"]: file["sha256"] for file in each.files} for each in (remade, named))
    assert hashes.keys() == old.keys()
    assert {name for name in hashes if hashes[name] != old[name]} >= {"data/exchanges.csv", "README.md"}
    assert hashes["data/actors.csv"] == old["data/actors.csv"]


async def test_releases_tell_what_was_blanked_in_them(small: AsyncEngine, server_url: str) -> None:
    await named_then_mended(small)
    await put(small, await changed(small, R.EXCHANGE, "first", summary=f"{NAME} was freed."))
    await release(small, "2026.09")
    await touch(small, 70)
    await release(small, "2026.10")
    await put(small, await changed(small, R.EXCHANGE, "first", summary="Somebody was freed."))
    await release(small, "2026.11")
    async with curating(small, server_url) as curator:
        tag = (await ask(curator.client, "/v1/releases/2026.09")).headers["etag"]
        await blank(small, R.EXCHANGE, "first", 4)
        await blank(small, R.EXCHANGE, "first", 2)  # which no release held
        page = (await ask(curator.client, "/v1/releases")).json()["data"]
        told = {each["name"]: each["notices"] for each in page}
        assert told["2026.11"] == []
        [notice] = told["2026.09"]
        assert told["2026.10"] == [notice]
        assert notice | {"at": ""} == {
            "resource": "exchange",
            "id": "first",
            "revision": 4,
            "reason": f"revision 4 blanked: {REASON}",
            "at": "",
            "history": "/v1/exchanges/first/revisions",
        }
        entries = (await ask(curator.client, notice["history"])).json()["data"]
        assert [each["release"] for each in entries] == [None, None, None, "2026.09", "2026.11", None, None]
        assert (await ask(curator.client, "/v1/releases/2026.09", If_None_Match=tag)).status_code == 200
        gone = await ask(curator.client, f"{FIRST}/diff", {"from_revision": "release:2026.10"})
        assert f"revision 4 blanked: {REASON}" in refused(gone, 410, "gone").detail
    assert await holding(small) == set()


async def test_what_no_release_held_is_told_in_none(small: AsyncEngine, server_url: str) -> None:
    await run(small, lambda write: remove(write, R.EXCHANGE, "second"))
    await release(small, "2026.09")
    await blank(small, R.EXCHANGE, "second", 1)
    async with curating(small, server_url) as curator:
        assert (await ask(curator.client, "/v1/releases/2026.09")).json()["notices"] == []


# Notes of reads


def blanked_since(answer: httpx.Response) -> list[str]:
    """Give the texts of the notes by which an answer tells that something was blanked."""
    assert answer.status_code == 200, answer.text
    meta: dict[str, Any] = answer.json()["meta"]
    return [note["text"] for note in meta["notes"] if note["code"] == "blanked_since"]


@pytest.fixture(scope="module")
async def mended(server_url: str, loaded_template: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the shipped dataset; the exchange of the codebook and a total were blanked since."""
    async with own_database(server_url, loaded_template) as url:
        engine = write_engine(url)
        for resource, id_, words in ((R.EXCHANGE, NEW_YEAR, "summary"), (R.TOTAL, "total-0002", "note")):
            await put(engine, await changed(engine, resource, id_, **{words: "In other words."}))
            await blank(engine, resource, id_, 1)
        await engine.dispose()
        async with running(application(url)) as client:
            yield client


NOTED = [operation for operation in READS if "meta" in operation.model.model_fields]


@pytest.mark.parametrize("operation", NOTED, ids=lambda operation: operation.template)
async def test_every_read_with_notes_tells_what_its_release_lost(
    mended: httpx.AsyncClient, operation: Operation
) -> None:
    query = operation.needed
    path = operation.path.partition("?")[0]
    [text] = blanked_since(await ask(mended, path, query | {"release": "2026.11"}))
    assert text.startswith("Since release 2026.11 was made, 2 of its records have been blanked for privacy.")
    assert text.endswith(" /v1/releases/2026.11 names them.")
    [text] = blanked_since(await ask(mended, path, query | {"as_of": 1}))
    assert text.startswith("Since dataset revision 1, 2 of the records that stood then have been blanked")
    assert text.endswith(" /v1/changes?since=1 tells of them as redacted.")
    for live in (query, query | {"as_of": 5}):
        assert blanked_since(await ask(mended, path, live)) == []


async def test_a_release_names_what_its_notes_count(mended: httpx.AsyncClient) -> None:
    notices = (await ask(mended, "/v1/releases/2026.11")).json()["notices"]
    assert {(each["resource"], each["id"]) for each in notices} == {
        ("exchange", NEW_YEAR),
        ("total", "total-0002"),
    }
    feed = (await ask(mended, "/v1/changes", {"since": 1})).json()["data"]
    assert [each["id"] for each in feed if each["action"] == "redacted"] == [NEW_YEAR, "total-0002"]


@pytest.mark.parametrize("query", [{}, {"year": 2024, "measure": "remains", "agreement": "none"}])
async def test_pictures_tell_it_too(mended: httpx.AsyncClient, query: dict[str, object]) -> None:
    path = "/v1/charts/timeline.svg"
    assert "blanked for privacy" in (await ask(mended, path, query | {"release": "2026.11"})).text
    assert "blanked for privacy" not in (await ask(mended, path, query)).text


async def test_a_walk_tells_of_what_is_blanked_meanwhile(small: AsyncEngine, server_url: str) -> None:
    await release(small, "2026.09")
    await put(small, await changed(small, R.EXCHANGE, "first", summary="Somebody was freed."))
    async with curating(small, server_url) as curator:
        client = curator.client
        begun = [
            await ask(client, "/v1/actors", {"limit": 1, **state}) for state in ({"release": "2026.09"}, {})
        ]
        await blank(small, R.EXCHANGE, "first", 1)
        pinned, live = [await ask(client, each.json()["meta"]["next"]) for each in begun]
        [text] = blanked_since(pinned)
        assert text == (
            "Since release 2026.09 was made, 1 of its records has been blanked for privacy. No read of the "
            "release holds it any more, and whether this query would have found it cannot be told. "
            "/v1/releases/2026.09 names it."
        )
        assert [blanked_since(each) for each in (*begun, live)] == [[], [], []]


async def test_what_no_longer_stood_is_not_missed(small: AsyncEngine, server_url: str) -> None:
    await run(small, lambda write: remove(write, R.EXCHANGE, "second"))
    await release(small, "2026.09")
    await touch(small, 70)
    await blank(small, R.EXCHANGE, "second", 1)
    async with curating(small, server_url) as curator:
        answers = [
            await ask(curator.client, "/v1/exchanges", state)
            for state in ({"release": "2026.09"}, {"as_of": 2}, {"as_of": 1})
        ]
        assert [len(blanked_since(answer)) for answer in answers] == [0, 0, 1]


# The example of the codebook


async def test_the_codebook_of_a_release_finds_another_example(mended: httpx.AsyncClient) -> None:
    query = {"release": "2026.11", "measure": "persons", "limit": 1000}
    disputed = (await ask(mended, "/v1/disagreements", query)).json()["data"]
    most = max(figure["spread"] for figure in disputed)
    answer = (await ask(mended, "/v1/codebook", {"release": "2026.11"})).json()
    example = answer["figures_rule"]["example"]
    assert example["exchange"] in {each["exchange"] for each in disputed if each["spread"] == most}
    assert (example["exchange"] != NEW_YEAR, len(example["figures"]) > 0) == (True, True)
    assert example["exchange"] in (await ask(mended, "/v1/codebook.md", {"release": "2026.11"})).text
    assert "The rule at work" in (await ask(mended, "/codebook?release=2026.11", Accept="text/html")).text
    live = (await ask(mended, "/v1/codebook")).json()
    assert live["figures_rule"]["example"]["exchange"] == NEW_YEAR


async def test_the_package_has_an_example_as_long_as_there_is_one(small: AsyncEngine) -> None:
    await release(small, "2026.09")
    for id_, left in (("first", "(`second`)"), ("second", "No exchange here has a figure of living people")):
        await put(small, await changed(small, R.EXCHANGE, id_, summary="Somebody was freed."))
        await blank(small, R.EXCHANGE, id_, 1)
        async with small.connect() as connection:
            file = await zipped(connection, await released(small, "2026.09"))
        with file, ZipFile(file) as package:
            assert left in package.read("codebook.md").decode()
