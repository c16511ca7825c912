"""Misses: one is worked out, and whoever asks the same meanwhile waits for it, comes and goes.

What is kept then is `tests/test_caching.py`'s.
"""

import asyncio
import io
import json

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from api.accesslog import configure_logging
from api.caching import KEEPING, MOST_FLIGHTS, NEWEST, CacheMiddleware
from api.leaving import DISCONNECT
from db.newest import Newest
from tests.applications import Queries
from tests.keeping import version

pytestmark = pytest.mark.anyio


async def nothing() -> Message:
    return {"type": "http.request"}


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


class Told:
    """Answers with the status that it is told, each time anew, or fails so."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[int]] = []

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.asked.append(asyncio.get_running_loop().create_future())
        status = await self.asked[-1]
        if status == 200 and KEEPING in scope:
            scope[KEEPING].version = version(1)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % status, "more_body": False})


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


@pytest.mark.parametrize("failure", [500, 429, ValueError("no"), asyncio.CancelledError()], ids=repr)
async def test_after_a_failure_one_computes_again_and_the_others_wait(
    known: Newest, failure: int | BaseException
) -> None:
    app = Told()
    cache = CacheMiddleware(app, size=1_000_000)
    first, *others = [Visitor(cache, known) for _ in range(6)]
    await ticks(20)
    assert len(app.asked) == 1
    if isinstance(failure, int):
        app.asked[0].set_result(failure)
    else:
        app.asked[0].set_exception(failure)
    await ticks(20)
    assert len(app.asked) == 2
    app.asked[1].set_result(200)
    await asyncio.gather(first.request, *(other.request for other in others), return_exceptions=True)
    assert [other.sent[-1]["body"] for other in others] == [b"200"] * 5
    assert len(app.asked) == 2


async def test_what_a_write_overtakes_is_computed_again_for_all_that_wait(known: Newest) -> None:
    app = Told()
    cache = CacheMiddleware(app, size=1_000_000)
    visitors = [Visitor(cache, known) for _ in range(6)]
    await ticks(20)
    known.outdated()
    for number, asked in enumerate((1, 2)):
        app.asked[number].set_result(200)
        await ticks(20)
        assert len(app.asked) == asked + (number == 0)
    assert [visitor.sent[-1]["body"] for visitor in visitors] == [b"200"] * 6


@pytest.mark.parametrize("status", [404, 422, 503, 204])
async def test_an_answer_that_would_be_no_other_frees_all_that_wait(known: Newest, status: int) -> None:
    app = Told()
    cache = CacheMiddleware(app, size=1_000_000)
    visitors = [Visitor(cache, known) for _ in range(6)]
    await ticks(20)
    app.asked[0].set_result(status)
    await ticks(20)
    assert len(app.asked) == 6
    for asked in app.asked[1:]:
        asked.set_result(status)
    await asyncio.gather(*(visitor.request for visitor in visitors))


async def test_a_failure_that_stays_keeps_nobody_for_ever(known: Newest) -> None:
    app = Told()
    cache = CacheMiddleware(app, size=1_000_000)
    visitors = [Visitor(cache, known) for _ in range(MOST_FLIGHTS + 5)]
    for number in range(MOST_FLIGHTS):
        await ticks(20)
        assert len(app.asked) == number + 1
        app.asked[number].set_result(500)
    await ticks(20)
    assert len(app.asked) == len(visitors)
    for asked in app.asked[MOST_FLIGHTS:]:
        asked.set_result(500)
    await asyncio.gather(*(visitor.request for visitor in visitors))
    assert [visitor.sent[-1]["body"] for visitor in visitors] == [b"500"] * len(visitors)
