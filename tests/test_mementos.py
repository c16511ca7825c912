"""Accept-Datetime on every read that takes `as_of` (RFC 7089), and what answers tell of their time."""

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.conditional import http_date
from db.enums import Resource
from db.models.history import Dataset
from db.session import write_engine
from tests.applications import application, running
from tests.asking import ask, walk
from tests.databases import own_database
from tests.synthetic import mediation
from tests.test_http_shell import problem_of
from tests.writing import changed, put, put_small

pytestmark = pytest.mark.anyio

R = Resource
SECOND = dt.timedelta(seconds=1)
APART = dt.timedelta(seconds=10)  # HTTP knows only whole seconds
RECORD = "/v1/exchanges/first"
PATHS = ["exchanges", "figures", "claims", "mediations", "mediators", "articles", "publishers", "actors"]
PATHS += ["agreements", "totals", "coverage", "dataset", "exchanges/first", "claims/first:c1", "actors/north"]
PATHS += ["mediators/east", "articles/page-1/exchanges", "exchanges/first/revisions"]


@dataclass(frozen=True)
class History:
    """A client of a dataset of three revisions, and when each was written.

    2 gives `first` another mediator, 3 changes `total-1`.
    """

    client: httpx.AsyncClient
    times: tuple[dt.datetime, ...]

    async def get(self, path: str, moment: dt.datetime | str | None = None, **query: str) -> httpx.Response:
        text = http_date(moment) if isinstance(moment, dt.datetime) else moment
        headers = {} if text is None else {"Accept_Datetime": text}
        return await ask(self.client, path if path.startswith("/") else f"/v1/{path}", query, **headers)


async def _move_on(engine: AsyncEngine, at: dt.datetime) -> None:
    """Let the next write be later than a moment."""
    async with engine.begin() as connection:
        await connection.execute(update(Dataset).values(updated_at=at))


@pytest.fixture(scope="module")
async def history(server_url: str, empty_template: str) -> AsyncIterator[History]:
    async with own_database(server_url, empty_template) as url:
        engine = write_engine(url)
        times = [(await put_small(engine)).at]
        brokered = [mediation("first:m1", actor="south", role="host")]
        for resource, record_id, fields in (
            (R.EXCHANGE, "first", {"mediations": brokered}),
            (R.TOTAL, "total-1", {"value": 99}),
        ):
            await _move_on(engine, times[-1] + APART)
            times.append((await put(engine, await changed(engine, resource, record_id, **fields))).at)
        await engine.dispose()
        async with running(application(url)) as client:
            yield History(client, tuple(times))


def varies(response: httpx.Response) -> set[str]:
    return set(response.headers["vary"].split(", "))


@pytest.mark.parametrize("path", PATHS)
async def test_a_time_in_the_header_is_as_of_that_time(history: History, path: str) -> None:
    for moment in (*history.times, *(at + 3 * SECOND for at in history.times)):
        by_header = await history.get(path, moment)
        as_of = {} if moment >= history.times[-1] else {"as_of": moment.isoformat()}
        by_query = await history.get(path, **as_of)
        assert by_header.status_code == 200, by_header.text
        told, asked = by_header.json(), by_query.json()
        for body in (told, asked):
            body.get("meta", {}).pop("query", None)
            body.get("meta", {}).pop("next", None)
        assert told == asked
        assert by_header.headers["x-dataset-revision"] == by_query.headers["x-dataset-revision"]
        assert by_header.headers["cache-control"] == by_query.headers["cache-control"]


@pytest.mark.parametrize("path", PATHS)
async def test_every_read_varies_with_the_header(history: History, path: str) -> None:
    for response in (await history.get(path), await history.get(path, as_of="1")):
        assert {"Accept", "Accept-Datetime", "Accept-Encoding"} <= varies(response)
    live = await history.get(path)
    again = await ask(history.client, f"/v1/{path}", If_None_Match=live.headers["etag"])
    assert (again.status_code, again.headers["vary"]) == (304, live.headers["vary"])


@pytest.mark.parametrize("path", PATHS)
async def test_the_time_told_can_be_sent_back(history: History, path: str) -> None:
    """What is told is of whole seconds, and yet names the state that it came with."""
    for number, at in enumerate(history.times, start=1):
        told = await history.get(path, as_of=str(number))
        back = await history.get(path, told.headers["memento-datetime"])
        if "/" in path:  # a record is as old as its own revision
            assert (back.status_code, back.json().get("data")) == (200, told.json().get("data"))
            continue
        assert told.headers["memento-datetime"] == http_date(at)
        assert back.headers["memento-datetime"] == http_date(at)
        assert back.headers["x-dataset-revision"] == str(number)


async def test_a_memento_of_a_record_is_as_old_as_its_revision(history: History) -> None:
    first, second = [await history.get(RECORD, at) for at in history.times[:2]]
    third = await history.get(RECORD, history.times[2])
    assert (first.headers["etag"], second.headers["etag"], third.headers["etag"]) == ('"1"', '"2"', '"2"')
    assert first.headers["memento-datetime"] == first.headers["last-modified"] == http_date(history.times[0])
    assert second.headers["memento-datetime"] == http_date(history.times[1])
    assert third.headers["memento-datetime"] == http_date(history.times[1])
    assert first.content != second.content == third.content


@pytest.mark.parametrize("path", PATHS)
async def test_only_who_asks_for_a_time_is_told_one(history: History, path: str) -> None:
    assert "memento-datetime" not in (await history.get(path)).headers
    assert "memento-datetime" in (await history.get(path, history.times[-1])).headers


async def test_the_future_is_the_present(history: History) -> None:
    for path in ("exchanges", "exchanges/first", "mediators", "dataset"):
        answer = await history.get(path, "Fri, 31 Dec 9999 23:59:59 GMT")
        assert answer.status_code == 200
        assert answer.content == (await history.get(path)).content
        assert answer.headers["cache-control"] == "public, max-age=0, must-revalidate"


@pytest.mark.parametrize("path", PATHS)
async def test_before_the_first_revision_the_first_is_read(history: History, path: str) -> None:
    """RFC 7089, section 4.5.3: who asks for a time before all mementos gets the first one."""
    first = await history.get(path, history.times[0])
    for moment in (history.times[0] - SECOND, "Thu, 01 Jan 1970 00:00:00 GMT"):
        answer = await history.get(path, moment)
        assert (answer.status_code, answer.content) == (200, first.content)
        assert answer.headers["memento-datetime"] == http_date(history.times[0])
        assert answer.headers["cache-control"] == "public, max-age=86400"
        assert (await history.get(path, moment, as_of="1")).status_code == 200
        assert (await history.get(path, moment, as_of="2")).status_code == 422


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2024-12-31", "2024-12-31T12:00:00Z", "1735646400", "1"),
        *("Tue, 31 Dec 2024 12:00:00", "Tue, 31 Dec 2024 12:00:00 +0000", "Tuesday, 31-Dec-24 12:00:00 GMT"),
        *("Tue, 32 Dec 2024 12:00:00 GMT", "Tue, 31 Foo 2024 12:00:00 GMT", "Tue, 31 Dec 2024 25:00:00 GMT"),
        "Tue, 31 Dec 2024 12:00:00 GMT, Tue, 31 Dec 2024 12:00:00 GMT",
    ],
)
async def test_what_is_no_http_date_is_400(history: History, text: str) -> None:
    for path in ("exchanges", "exchanges/first", "mediators", "mediators/east", "dataset"):
        answer = await history.get(path, text)
        assert answer.status_code == 400, text
        problem = problem_of(answer)
        assert problem.code == "bad_request"
        assert [error.parameter for error in problem.errors] == ["Accept-Datetime"]


async def test_two_spellings_of_one_state_are_one(history: History) -> None:
    for path in ("exchanges", "exchanges/first", "mediators", "dataset"):
        for number, at in enumerate(history.times, start=1):
            both = await history.get(path, at, as_of=str(number))
            assert (both.status_code, both.headers["x-dataset-revision"]) == (200, str(number))
        for as_of in ("3", history.times[1].isoformat()):
            answer = await history.get(path, history.times[0], as_of=as_of)
            assert answer.status_code == 422
            assert [error.parameter for error in problem_of(answer).errors] == ["as_of"]


async def test_a_walk_stays_in_its_state(history: History) -> None:
    for path in ("/v1/claims", "/v1/mediators"):
        query = {"limit": "1", "as_of": "2"}
        following = (await ask(history.client, path, query)).json()["meta"]["next"]
        if following is None:
            continue
        plain = await history.get(following)
        same = await history.get(following, history.times[1])
        assert same.json() == plain.json()
        for moment in (history.times[0], history.times[2]):
            answer = await history.get(following, moment)
            assert (answer.status_code, problem_of(answer).code) == (400, "invalid_cursor")
        assert (await history.get(following, "yesterday")).status_code == 400
    by_header = await history.get("/v1/claims?limit=1", history.times[0])
    records = by_header.json()["data"]
    while by_header.json()["meta"]["next"]:
        by_header = await history.get(by_header.json()["meta"]["next"], history.times[0])
        records += by_header.json()["data"]
    assert records == await walk(history.client, "/v1/claims", {"as_of": "1"})


async def test_links_of_a_record_lead_to_its_versions(history: History) -> None:
    live = (await history.get(RECORD)).links
    assert live["original timegate latest-version"]["url"] == RECORD
    assert live["version-history"]["url"] == f"{RECORD}/revisions"
    assert live["predecessor-version"]["url"] == f"{RECORD}/revisions/1"
    first = (await history.get(RECORD, history.times[0])).links
    assert "predecessor-version" not in first
    before = await history.get(live["predecessor-version"]["url"])
    assert before.content == (await history.get(RECORD, as_of="1")).content
    assert before.links["original timegate latest-version"]["url"] == RECORD
    assert before.links["successor-version"]["url"] == f"{RECORD}/revisions/2"
    for path in ("/v1/claims/first:c1", "/v1/mediators/east"):  # have no revisions of their own
        assert list((await history.get(path)).links) == ["original timegate"]


async def test_before_anything_was_written_there_is_no_past(server_url: str, empty_template: str) -> None:
    async with own_database(server_url, empty_template) as url, running(application(url)) as client:
        answer = await ask(client, "/v1/exchanges", Accept_Datetime=http_date(dt.datetime.now(dt.UTC)))
        assert answer.status_code == 422
