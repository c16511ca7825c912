"""The answers that are kept: given out again byte for byte while nothing changes, and not longer."""

import asyncio
import io
import json
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Message, Receive, Scope, Send

from api.accesslog import configure_logging
from api.caching import (
    KEEPING,
    NEWEST,
    OVERHEAD,
    Answers,
    CacheMiddleware,
    Entry,
    Key,
    length_of,
    normalised,
)
from api.leaving import DISCONNECT
from db.enums import Resource
from db.newest import Newest
from db.queries.pages import Version
from tests.applications import Queries, application, running
from tests.curating import UNLIMITED, Curator, curating
from tests.writing import changed, put, put_small

pytestmark = pytest.mark.anyio

CACHED = UNLIMITED.model_copy(update={"cache_size": 1_000_000})
LIST = "/v1/exchanges?mediator=UAE&limit=5"
READS = [
    LIST,
    "/exchanges?mediator=UAE&limit=5",
    "/v1/exchanges/2024-12-30-russia-ukraine",
    "/v1/claims/2024-12-30-russia-ukraine:c1",
    "/v1/stats?group_by=mediator&year=2024",
    "/v1/disagreements",
    "/v1/mediators",
]


@pytest.fixture
async def cached(read_only_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that keeps answers, over the shipped dataset."""
    async with running(application(read_only_url, cache_size=1_000_000)) as made:
        for _ in range(3000):  # nothing is kept before somebody has looked
            if made._transport.app.state[NEWEST].version is not None:  # type: ignore[attr-defined]
                break
            await asyncio.sleep(0.01)
        yield made


@pytest.fixture
async def curator(engine: AsyncEngine, server_url: str) -> AsyncIterator[Curator]:
    """A curator of a small dataset, through an application that keeps answers."""
    await put_small(engine)
    async with curating(engine, server_url, CACHED) as made:
        yield made


def told(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Give all of an answer but the id of its request, and how long it took."""
    own = {"x-request-id", "server-timing"}
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in own]
    return answer.status_code, answer.content, headers


async def nothing() -> Message:
    return {"type": "http.request"}


async def seen(curator: Curator, text: str) -> None:
    """Wait until the list tells of a text."""
    for _ in range(3000):
        if text in (await curator.get("/v1/exchanges")).text:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{text!r} does not come")


@pytest.mark.parametrize("encoding", ["identity", "gzip", "br"])
@pytest.mark.parametrize("url", READS)
async def test_what_is_kept_is_what_was_answered(
    cached: httpx.AsyncClient, queries: Queries, url: str, encoding: str
) -> None:
    headers = {"Accept-Encoding": encoding}
    first = await cached.get(url, headers=headers)
    assert first.status_code == 200
    assert queries
    queries.clear()
    second = await cached.get(url, headers=headers)
    assert told(second) == told(first)
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    head = await cached.head(url, headers=headers)
    assert (head.status_code, head.content) == (200, b"")
    assert told(head)[2] == told(first)[2]
    assert not queries


async def test_what_is_kept_tells_no_time(cached: httpx.AsyncClient) -> None:
    first, second = await cached.get(LIST), await cached.get(LIST)
    unchanged = await cached.get(LIST, headers={"If-None-Match": first.headers["etag"]})
    parts = dict(part.split(";dur=") for part in first.headers["server-timing"].split(", "))
    assert 0 < float(parts["db"]) <= float(parts["total"])
    for each in (second, unchanged):
        assert each.headers.get_list("server-timing") == ["cache;desc=hit"]
    assert (second.status_code, unchanged.status_code) == (200, 304)
    assert second.headers["timing-allow-origin"] == "*"


@pytest.mark.parametrize("url", READS)
async def test_the_304_is_that_of_the_route(
    cached: httpx.AsyncClient, client: httpx.AsyncClient, queries: Queries, url: str
) -> None:
    first = await cached.get(url)
    headers = {"If-None-Match": first.headers["etag"]}
    fresh = await client.get(url, headers=headers)
    queries.clear()
    kept = await cached.get(url, headers=headers)
    assert kept.status_code == 304
    assert not queries
    status, content, names = told(kept)
    assert (status, content) == told(fresh)[:2]
    assert sorted(names) == sorted(told(fresh)[2])


async def test_a_tag_that_does_not_match_is_answered_from_what_is_kept(
    cached: httpx.AsyncClient, queries: Queries
) -> None:
    first = await cached.get(LIST)
    queries.clear()
    other = await cached.get(LIST, headers={"If-None-Match": '"another"'})
    assert told(other) == told(first)
    assert not queries


@pytest.mark.parametrize("form", ['"a", {}', "W/{}", "*"])
async def test_other_forms_of_tags_are_understood(cached: httpx.AsyncClient, form: str) -> None:
    tag = (await cached.get(LIST)).headers["etag"]
    answer = await cached.get(LIST, headers={"If-None-Match": form.format(tag)})
    assert answer.status_code == 304


async def test_the_tag_of_another_encoding_is_still_known(cached: httpx.AsyncClient) -> None:
    tag = (await cached.get(LIST, headers={"Accept-Encoding": "gzip"})).headers["etag"]
    await cached.get(LIST, headers={"Accept-Encoding": "gzip, br"})
    answer = await cached.get(LIST, headers={"Accept-Encoding": "gzip, br", "If-None-Match": tag})
    assert (answer.status_code, answer.headers["etag"]) == (304, tag)


async def test_orders_and_encodings_of_a_query_share_an_entry(
    cached: httpx.AsyncClient, queries: Queries
) -> None:
    first = await cached.get(LIST)
    queries.clear()
    for query in ("limit=5&mediator=UAE", "limit=5&&mediator=%55AE", "mediator=UA%45&limit=5&"):
        assert told(await cached.get(f"/v1/exchanges?{query}")) == told(first)
    assert not queries


@pytest.mark.parametrize(
    "query",
    ["limit=5%00mediator=UAE", "limit=5%26mediator=UAE", "limit=5&mediator%3DUAE"],
)
async def test_what_is_not_understood_never_passes_for_what_is_kept(
    cached: httpx.AsyncClient, query: str
) -> None:
    assert (await cached.get(LIST)).status_code == 200
    assert (await cached.get(f"/v1/exchanges?{query}")).status_code in {400, 422}


def test_queries_that_differ_have_keys_that_differ() -> None:
    queries = [
        b"a=1&b=2",
        b"a=1%00b=2",
        b"a=1&b",
        b"a=1&b=",
        b"a=1%26b=2",
        b"b=2&a=%",
        b"b=2&a=%25",
        b"a=1&a=2",
    ]
    queries += [b"a=2&a=1", b"", b"a=+1", b"a=%2B1"]
    assert len({normalised(query) for query in queries}) == len(queries)
    assert normalised(b"b=x+y&a=1") == normalised(b"a=1&b=x%20y")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer exk_0"},
        {"Accept-Datetime": "Mon, 30 Nov 2099 00:00:00 GMT"},
        {"X-Dataset-Revision": "1"},
        {"Range": "bytes=0-1"},
        {"If-Modified-Since": "Mon, 30 Nov 1998 00:00:00 GMT"},
    ],
    ids=lambda headers: next(iter(headers)),
)
async def test_requests_with_a_say_of_their_own_pass_by(
    cached: httpx.AsyncClient, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await cached.get(LIST)
    assert told(await cached.get(LIST, headers=headers)) == told(await client.get(LIST, headers=headers))


@pytest.mark.parametrize(
    "url",
    [
        "/v1/exchanges?mediator=nobody",
        "/v1/exchanges/nowhere",
        "/v1/exchanges?release=2026.11",
        "/v1/mediators?release=latest",
        "/v1/exchanges?as_of=1",
        "/v1/releases/2026.11",
        "/v1/exchanges.csv",
        "/v1/changes",
        "/readyz",
    ],
)
async def test_what_depends_on_more_than_the_dataset_is_not_kept(
    cached: httpx.AsyncClient, queries: Queries, url: str
) -> None:
    first = await cached.get(url)
    queries.clear()
    assert (await cached.get(url)).status_code == first.status_code
    assert queries


async def test_one_miss_computes_and_the_others_wait(cached: httpx.AsyncClient, queries: Queries) -> None:
    url = "/v1/exchanges?party=russia&limit=7"
    await cached.get("/v1/exchanges?limit=1")  # so that names are known
    queries.clear()
    answers = await asyncio.gather(*(cached.get(url) for _ in range(20)))
    assert {answer.content for answer in answers} == {answers[0].content}
    alone = len(queries)
    queries.clear()
    await cached.get(url.replace("7", "8"))
    assert alone == len(queries)


async def test_those_that_wait_for_a_failure_ask_themselves(cached: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(cached.get("/v1/exchanges/nowhere") for _ in range(5)))
    assert [answer.status_code for answer in answers] == [404] * 5


async def test_nobody_waits_for_a_stream_to_end() -> None:
    """An answer that is not kept lets go of those that wait as soon as it begins."""
    begun, over = asyncio.Semaphore(0), asyncio.Event()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        begun.release()
        await over.wait()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    cache = CacheMiddleware(app, size=1_000_000)
    scope = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b""}
    scope |= {"headers": [], "scheme": "http", "state": {NEWEST: Newest()}}
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    streams = [asyncio.create_task(cache(scope, nothing, send)) for _ in range(3)]
    for _ in streams:
        await begun.acquire()
    assert len(sent) == len(streams)
    over.set()
    await asyncio.gather(*streams)


class Visitor:
    """A client of a cache, and what becomes of its request."""

    def __init__(self, cache: CacheMiddleware, newest: Newest) -> None:
        self.sent: list[Message] = []
        self._gone = asyncio.Event()
        scope = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b""}
        scope |= {"headers": [], "scheme": "http", "state": {NEWEST: newest}}
        self.request = asyncio.ensure_future(cache(scope, self._receive, self._send))

    def leave(self) -> None:
        self._gone.set()

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": DISCONNECT}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


class Slow:
    """Answers once it is told to, or ends if its client leaves: once it is told to, too."""

    def __init__(self) -> None:
        self.begun = self.ending = 0
        self.answer, self.end = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun += 1
        leaving, answering = asyncio.ensure_future(receive()), asyncio.ensure_future(self.answer.wait())
        await asyncio.wait([leaving, answering], return_when=asyncio.FIRST_COMPLETED)
        answering.cancel()
        if leaving.done():
            self.ending += 1
            await self.end.wait()
            return
        leaving.cancel()
        scope[KEEPING].version = version(1)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"all", "more_body": False})


@pytest.fixture
def known() -> Newest:
    newest = Newest()
    newest.looked(version(1), newest.writes)
    return newest


async def ticks(count: int) -> None:
    """Let all that can go on go on, so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_nobody_joins_what_is_being_ended(known: Newest) -> None:
    """It may take long, and makes nothing: whoever comes meanwhile begins anew, all of them together."""
    app = Slow()
    cache = CacheMiddleware(app, size=1_000_000)
    first = Visitor(cache, known)
    await ticks(10)
    first.leave()
    await ticks(10)
    assert (app.begun, app.ending) == (1, 1)
    others = [Visitor(cache, known) for _ in range(3)]
    await ticks(10)
    assert app.begun == 2
    app.end.set()
    await first.request
    others.append(Visitor(cache, known))
    await ticks(10)
    assert app.begun == 2, "what has ended does not end what was begun since"
    app.answer.set()
    await asyncio.gather(*(other.request for other in others))
    assert [other.sent[-1]["body"] for other in others] == [b"all"] * 4
    assert app.begun == 2


@pytest.mark.parametrize("after", range(12))
async def test_who_comes_when_the_last_one_leaves_is_not_left_alone(known: Newest, after: int) -> None:
    app = Slow()
    cache = CacheMiddleware(app, size=1_000_000)
    first, second = Visitor(cache, known), Visitor(cache, known)
    await ticks(10)
    first.leave()
    await ticks(10)
    assert (app.begun, app.ending) == (1, 0), "the second waits for it"
    second.leave()
    await ticks(after)
    third = Visitor(cache, known)
    await ticks(20)
    assert app.begun == 1 + app.ending, "either it goes on, or another one has begun"
    app.answer.set()
    await third.request
    assert third.sent[-1]["body"] == b"all"
    app.end.set()
    await asyncio.gather(first.request, second.request)


async def test_nothing_is_begun_for_those_that_stop_waiting(known: Newest) -> None:
    app, stream = Slow(), io.StringIO()
    cache = CacheMiddleware(app, size=1_000_000)
    first = Visitor(cache, known)
    await ticks(10)
    second = Visitor(cache, known)
    await ticks(10)
    with configure_logging("info", stream):
        second.leave()
        await ticks(20)
    assert (app.begun, second.request.done(), second.sent) == (1, True, [])
    [line] = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (line["logger"], line["path"], line["status"], line["bytes"]) == ("api.access", "/", 0, 0)
    assert line["request_id"]
    app.answer.set()
    await first.request
    assert first.sent[-1]["body"] == b"all"


async def test_a_304_is_kept_for_those_that_have_the_answer(
    cached: httpx.AsyncClient, client: httpx.AsyncClient, queries: Queries
) -> None:
    tag = {"If-None-Match": (await client.get(LIST)).headers["etag"]}
    first = await cached.get(LIST, headers=tag)
    queries.clear()
    assert told(await cached.get(LIST, headers=tag)) == told(first)
    assert not queries
    whole = await cached.get(LIST)
    assert (whole.status_code, whole.json()["meta"]["total"]) == (200, 26)
    assert queries
    queries.clear()
    assert (await cached.get(LIST, headers=tag)).status_code == 304
    assert told(await cached.get(LIST)) == told(whole)
    assert not queries


async def test_long_requests_are_not_remembered(cached: httpx.AsyncClient, queries: Queries) -> None:
    headers = {"Accept": "application/json" + ", text/plain" * 300}
    first = await cached.get(LIST, headers=headers)
    assert first.status_code == 200
    queries.clear()
    assert told(await cached.get(LIST, headers=headers)) == told(first)
    assert queries


@pytest.mark.parametrize(("name", "kept"), [("Accept", False), ("If-None-Match", False), ("Via", True)])
async def test_what_is_said_twice_passes_by_if_it_decides(
    cached: httpx.AsyncClient, queries: Queries, name: str, kept: bool
) -> None:
    first = await cached.get(LIST)
    queries.clear()
    again = await cached.get(LIST, headers=[(name, "*/*;q=0.1"), (name, "application/json")])
    assert again.status_code in {first.status_code, 304}
    assert bool(queries) is not kept


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PATCH"])
async def test_what_writes_nothing_makes_nothing_old(
    cached: httpx.AsyncClient, queries: Queries, method: str
) -> None:
    await cached.get(LIST)
    await cached.request(method, "/v1/exchanges")
    queries.clear()
    await cached.get(LIST)
    assert not queries


async def test_a_write_is_seen_by_the_next_read(curator: Curator) -> None:
    path = "/v1/exchanges/first"
    for number in range(20):
        summary = f"Handover {number}."
        before = await curator.get("/v1/exchanges")
        await curator.change("PATCH", path, {"summary": summary})
        one, all_ = await curator.get(path), await curator.get("/v1/exchanges")
        assert one.json()["summary"] == summary
        assert summary in all_.text
        seen_revision = int(all_.headers["x-dataset-revision"])
        assert seen_revision > int(before.headers["x-dataset-revision"])


async def test_reads_beside_writes_never_go_back(curator: Curator) -> None:
    """Reads that began before a write, and end after it, must not make what they saw the newest again."""
    over = asyncio.Event()

    async def read() -> None:
        while not over.is_set():
            await curator.get("/v1/exchanges")
            await asyncio.sleep(0)  # what is kept is answered without a pause

    readers = [asyncio.create_task(read()) for _ in range(4)]
    for number in range(20):
        summary = f"Handover {number}."
        await curator.change("PATCH", "/v1/exchanges/first", {"summary": summary})
        assert summary in (await curator.get("/v1/exchanges")).text
    over.set()
    await asyncio.gather(*readers)


async def test_a_write_of_another_process_is_seen_soon(curator: Curator, engine: AsyncEngine) -> None:
    assert "Elsewhere." not in (await curator.get("/v1/exchanges")).text
    await put(engine, await changed(engine, Resource.EXCHANGE, "first", summary="Elsewhere."))
    await seen(curator, "Elsewhere.")


async def test_a_lost_connection_is_made_anew(curator: Curator, engine: AsyncEngine) -> None:
    await curator.get("/v1/exchanges")
    async with engine.connect() as connection:
        ended = await connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'exchanges-read' AND datname = current_database()"
        )
        assert all(ended.scalars())
    await put(engine, await changed(engine, Resource.EXCHANGE, "first", summary="After."))
    await seen(curator, "After.")


def version(revision: int, *, names: int = 1, epoch: int = 0) -> Version:
    return Version(uuid.UUID(int=epoch), revision, names)


def test_the_newest_version_never_goes_back() -> None:
    newest = Newest()
    newest.looked(version(3), newest.writes)
    newest.seen(version(2), newest.writes)
    assert newest.version == version(3)
    newest.seen(version(3, names=2), newest.writes)
    assert newest.version == version(3, names=2)
    newest.seen(version(1, epoch=1), newest.writes)
    assert newest.version == version(1, epoch=1), "a restored backup begins anew"


def test_what_was_read_before_a_write_does_not_tell_the_newest_version() -> None:
    newest = Newest()
    newest.looked(version(2), newest.writes)
    before = newest.writes
    newest.outdated()
    newest.seen(version(2), before)
    assert newest.version is None
    newest.seen(version(3), newest.writes)
    assert newest.version == version(3)


def test_while_nobody_looks_nothing_is_known() -> None:
    newest = Newest()
    newest.seen(version(1), newest.writes)
    assert newest.version is None
    newest.looked(version(1), newest.writes)
    newest.lost()
    newest.seen(version(2), newest.writes)
    assert newest.version is None


def key(name: str) -> Key:
    return b"/v1/exchanges", (name.encode(),), b"", b"", b"", "http"


def entry(of: Version, tag: str = '"1"', size: int = 100) -> Entry:
    return Entry(of, [(b"etag", tag.encode()), (b"x-request-id", b"one")], b"x" * size)


def test_what_was_not_asked_for_longest_goes_first() -> None:
    now = version(1)
    kept = Answers(3 * (100 + OVERHEAD + length_of(key("a"))))
    for name in ("a", "b", "c"):
        kept.put(key(name), entry(now, f'"{name}"'))
    assert kept.get(key("a"), now) is not None
    kept.put(key("d"), entry(now, '"d"'))
    assert [name for name in ("a", "b", "c", "d") if kept.get(key(name), now)] == ["a", "c", "d"]
    assert kept.used == kept.size
    kept.put(key("e"), entry(now, '"e"', size=10_000))
    assert kept.get(key("e"), now) is None, "what is larger than all the room is not kept"
    assert kept.used == kept.size


def test_answers_that_are_equal_share_their_bytes() -> None:
    now, kept = version(1), Answers(1_000_000)
    kept.put(key("mediator=UAE"), entry(now))
    kept.put(key("mediator=uae"), entry(now))
    assert kept.get(key("mediator=UAE"), now) is kept.get(key("mediator=uae"), now)


def test_entries_of_another_version_are_let_go() -> None:
    old, now, kept = version(1), version(2), Answers(1_000_000)
    kept.put(key("a"), entry(old))
    assert kept.get(key("a"), now) is None
    kept.drop_others(now)
    assert kept.used == 0
