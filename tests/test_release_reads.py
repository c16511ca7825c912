"""`release=` on every read: by name or as the latest, with all that a pinned answer keeps."""

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.conditional import http_date
from db.enums import Resource
from db.session import write_engine
from tests.applications import application, running
from tests.asking import ask
from tests.contract import LISTS, READS, Operation
from tests.curating import curating, refused
from tests.databases import own_database
from tests.releasing import release, touch
from tests.synthetic import exchange
from tests.test_releases import FIRST, make_three
from tests.writing import changed, made, put

pytestmark = pytest.mark.anyio

R = Resource
OLD, NEW = "2026.11", "2026.11.1"  # of the dataset revisions 1 and 3; the newest is 4


@dataclass(frozen=True)
class Releases:
    """A client of a dataset that has changed after its first release and after its second."""

    client: httpx.AsyncClient

    async def get(self, path: str, query: dict[str, object], **headers: str) -> httpx.Response:
        answer = await ask(self.client, path, query, **headers)
        assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture(scope="module")
async def releases(server_url: str, loaded_template: str) -> AsyncIterator[Releases]:
    async with own_database(server_url, loaded_template) as url:
        engine = write_engine(url)
        new = exchange("a-new-one", date="2024-12-31", parties=["russia", "ukraine"])
        new |= {"claims": [], "citations": ["al-jazeera-2024-12-30"]}
        await put(engine, made(R.EXCHANGE, new))
        await put(engine, await changed(engine, R.COVERAGE, "2014-autumn", statement="Nothing more."))
        await release(engine, NEW)
        await put(engine, await changed(engine, R.COVERAGE, "2014-autumn", statement="Nothing at all."))
        await engine.dispose()
        async with running(application(url)) as client:
            yield Releases(client)


def over(*operations: Operation) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", operations, ids=lambda operation: operation.template)


def needed(operation: Operation) -> dict[str, object]:
    """Give the parameters without which a read is not answered."""
    given = operation.spec["parameters"]
    return {each["name"]: each["example"] for each in given if each["in"] == "query" and each["required"]}


def tells_its_state(answer: httpx.Response) -> bool:
    """Tell whether an answer says which state it is of; records do not."""
    body = answer.json()
    return "dataset" in body.get("meta", body)


def release_of(answer: httpx.Response) -> object:
    """Give the release that an answer says it is of."""
    body = answer.json()
    return body.get("meta", body)["dataset"]["release"]


@over(*READS)
async def test_every_read_takes_a_release(releases: Releases, operation: Operation) -> None:
    path, asked = operation.path, needed(operation)
    live = await releases.get(path, asked)
    assert live.headers["x-dataset-revision"] == "4"
    tags = {live.headers["etag"]}
    for name, revision in ((OLD, "1"), (NEW, "3")):
        query = asked | {"release": name}
        answer = await releases.get(path, query)
        assert answer.headers["x-dataset-revision"] == revision
        assert answer.headers["cache-control"] == "public, max-age=86400"
        assert "memento-datetime" in answer.headers
        by_number = await releases.get(path, asked | {"as_of": revision})
        if tells_its_state(answer):
            assert release_of(answer) == name
            assert release_of(live) is None
            assert release_of(by_number) is None, "only what was asked for by name is told of by name"
            tags.add(answer.headers["etag"])
        else:
            assert answer.content == by_number.content
            assert answer.headers["etag"] == by_number.headers["etag"]
        again = await ask(releases.client, path, query, If_None_Match=answer.headers["etag"])
        assert again.status_code == 304
    assert len(tags) == (3 if tells_its_state(live) else 1)


@over(*READS)
async def test_the_latest_release_is_told_by_its_name(releases: Releases, operation: Operation) -> None:
    latest = await releases.get(operation.path, needed(operation) | {"release": "latest"})
    named = await releases.get(operation.path, needed(operation) | {"release": NEW})
    assert (latest.content, latest.headers["etag"]) == (named.content, named.headers["etag"])
    assert "must-revalidate" in latest.headers["cache-control"], "another release will be the latest"


@over(*READS)
async def test_releases_that_are_not_understood(releases: Releases, operation: Operation) -> None:
    asked = needed(operation)
    for name, near in (("2026.12", OLD), ("2026.1", OLD), ("2026.11.2", NEW)):
        answer = await ask(releases.client, operation.path, asked | {"release": name})
        [item] = refused(answer, 422, "invalid_query").errors
        assert (item.parameter, item.code) == ("release", "unknown_release")
        assert item.allowed == [OLD, NEW, "latest"]
        assert near in item.suggestions
    for query in ({"release": OLD, "as_of": "1"}, {"release": "latest", "as_of": "3"}):
        answer = await ask(releases.client, operation.path, asked | query)
        [item] = refused(answer, 422, "invalid_query").errors
        assert (item.parameter, item.code) == ("release", "contradiction")
    joint = "&" if "?" in operation.path else "?"
    twice = await releases.client.get(f"{operation.path}{joint}release={OLD}&release={NEW}")
    assert refused(twice, 422, "invalid_query").errors[0].code == "repeated"
    empty = await releases.client.get(f"{operation.path}{joint}release=")
    assert refused(empty, 422, "invalid_query").errors[0].code == "empty"


@over(*READS)
async def test_a_header_must_name_the_same_state(releases: Releases, operation: Operation) -> None:
    future = "Fri, 31 Dec 2099 12:00:00 GMT"
    query = needed(operation) | {"release": OLD}
    answer = await ask(releases.client, operation.path, query, Accept_Datetime=future)
    [item] = refused(answer, 422, "invalid_query").errors
    assert (item.parameter, item.code) == ("release", "contradiction")
    assert "Accept-Datetime names another state" in item.message


@over(*LISTS)
async def test_a_walk_stays_in_its_release(releases: Releases, operation: Operation) -> None:
    for name in (OLD, NEW):
        page = await releases.get(operation.path, {"release": name, "limit": 2})
        whole = (await releases.get(operation.path, {"release": name, "limit": 1000})).json()
        assert page.json()["meta"]["query"] == {"release": [name]}
        following = page.json()["meta"]["next"]
        assert following is not None
        second = await releases.get(following, {})
        assert release_of(second) == name
        assert second.json()["meta"]["query"] == {"release": [name]}
        assert second.headers["cache-control"] == "public, max-age=86400"
        assert [*page.json()["data"], *second.json()["data"]] == whole["data"][:4]
        assert second.json()["meta"]["total"] == whole["meta"]["total"]
        cursor = page.json()["meta"]["next_cursor"]
        beside = await releases.get(operation.path, {"cursor": cursor, "release": name, "limit": 2})
        assert beside.json()["data"] == second.json()["data"]
        other = await ask(
            releases.client, operation.path, {"cursor": cursor, "release": NEW if name == OLD else OLD}
        )
        refused(other, 400, "invalid_cursor")


async def test_a_release_holds_what_stood_then(releases: Releases) -> None:
    async def count(**query: object) -> int:
        return int((await releases.get("/v1/exchanges", {"year": 2024, **query})).json()["meta"]["total"])

    assert await count(release=NEW) == await count() == await count(release=OLD) + 1
    assert (await ask(releases.client, "/v1/exchanges/a-new-one", {"release": OLD})).status_code == 404
    texts = [
        (await releases.get("/v1/coverage/2014-autumn", query)).json()["statement"]
        for query in ({"release": NEW}, {})
    ]
    assert texts == ["Nothing more.", "Nothing at all."]
    sizes = [
        (await releases.get("/v1/dataset", {"release": name})).json()["counts"]["exchanges"]
        for name in (OLD, NEW)
    ]
    assert sizes == [235, 236]


async def test_a_new_release_becomes_the_latest(own_client: httpx.AsyncClient, loaded_url: str) -> None:
    query = {"release": "latest"}
    first = await ask(own_client, "/v1/exchanges", query)
    assert release_of(first) == OLD
    engine = write_engine(loaded_url)
    await put(engine, await changed(engine, R.COVERAGE, "2014-autumn", statement="Nothing more."))
    await release(engine, NEW)
    await engine.dispose()
    second = await ask(own_client, "/v1/exchanges", query, If_None_Match=first.headers["etag"])
    assert (second.status_code, release_of(second)) == (200, NEW)
    cursor = first.json()["meta"]["next_cursor"]
    walked = await ask(own_client, "/v1/exchanges", {"cursor": cursor})
    assert release_of(walked) == OLD, "a walk stays where it began"


# What a release changes besides


async def test_no_time_speaks_for_what_a_release_changes(engine: AsyncEngine, server_url: str) -> None:
    await make_three(engine)
    async with curating(engine, server_url) as curator:
        client = curator.client
        await touch(engine, 54)
        query = {"from_revision": "release:latest"}
        paths: dict[str, dict[str, str]] = {
            "/v1/dataset": {},
            "/v1/releases": {},
            "/v1/totals/total-1/diff": query,
        }
        paths["/v1/totals/total-1/revisions"] = {}
        now = http_date(dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
        before = {path: await ask(client, path, query) for path, query in paths.items()}
        await touch(engine, 55)
        await release(engine, "2026.11.1")
        for path, query in paths.items():
            assert "last-modified" not in before[path].headers
            after = await ask(client, path, query, If_Modified_Since=now)
            assert after.status_code == 200, path
            assert after.content != before[path].content
        kept = await ask(client, "/v1/dataset", If_None_Match=before["/v1/dataset"].headers["etag"])
        assert kept.status_code == 200


async def test_the_citation_of_a_past_state_is_kept_once_a_release_holds_it(
    engine: AsyncEngine, server_url: str
) -> None:
    await make_three(engine)
    async with curating(engine, server_url) as curator:
        client = curator.client
        await put(engine, await changed(engine, R.EXCHANGE, "first", summary="A third text."))
        path, query = f"{FIRST}/citation", {"as_of": 5}
        before = await ask(client, path, query)
        assert (before.json()["release"], before.headers["cache-control"]) == (
            None,
            "public, max-age=0, must-revalidate",
        )
        await release(engine, "2026.11.1")
        after = await ask(client, path, query, If_None_Match=before.headers["etag"])
        assert (after.status_code, after.json()["release"]) == (200, "2026.11.1")
        assert after.headers["cache-control"] == "public, max-age=86400"
