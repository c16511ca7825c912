"""Clients that leave before they are answered: the database does not work on for them, nor for nobody else.

What takes long here is a lock that somebody else holds. Statements may wait for it longer than any test does.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import leaving
from api.charts import RenderGate
from api.leaving import DISCONNECT, Client, LeavingMiddleware
from tests.live import Live, live_over

pytestmark = pytest.mark.anyio

STATS = "/v1/stats?group_by=year"
CONNECTIONS = 10  # that a worker reads through, beside the one that looks for what is new
WAITING = """
SELECT pid, query_start FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' ORDER BY pid
"""
READERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"


class Leaver:
    """A client that asks and may leave: its connection is closed before there is an answer."""

    def __init__(self, base: str, path: str, headers: str = "") -> None:
        self._host, _, port = base.removeprefix("http://").partition(":")
        self._port = int(port)
        self._request = f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n{headers}\r\n".encode()

    async def __aenter__(self) -> "Leaver":
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        self._writer.write(self._request)
        await self._writer.drain()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def status(self) -> bytes:
        """Wait for the answer, and give its status."""
        return (await self._reader.readline()).split()[1]

    async def leave(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


@pytest.fixture
async def slow(loaded_url: str, tmp_path: Path) -> AsyncIterator[Live]:
    """A server over a database of the test's own whose statements may take ten minutes."""
    with live_over(loaded_url, tmp_path, DATABASE_STATEMENT_TIMEOUT="600") as made:
        yield made


@pytest.fixture
async def locked(loaded_url: str, slow: Live) -> AsyncIterator[asyncpg.Connection]:
    """What reads of exchanges need, held by somebody else until the transaction of this connection ends."""
    connection = await asyncpg.connect(loaded_url)
    await connection.execute("BEGIN; LOCK TABLE exchange_index, figure_index IN ACCESS EXCLUSIVE MODE")
    yield connection
    await connection.close()


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    """Wait until a condition holds, and give what it gave."""
    for _ in range(3000):
        if found := await condition():
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("what the test waits for does not come")


async def waiting(locked: asyncpg.Connection, count: int) -> list[asyncpg.Record]:
    """Wait until so many statements wait for the lock, and give them."""

    async def rows() -> list[asyncpg.Record] | None:
        await locked.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees the same for ever
        found: list[asyncpg.Record] = await locked.fetch(WAITING)
        return [*found, True] if len(found) == count else None

    return (await until(rows))[:-1]


async def others_have_come_and_gone(slow: Live, locked: asyncpg.Connection) -> None:
    """Wait until what was sent or closed before is known to the server, while one statement waits."""
    for number in range(1, 4):
        async with Leaver(slow.base, f"/v1/exchanges?limit={number}"):
            await waiting(locked, 2)
        await waiting(locked, 1)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/exchanges?mediator=UAE",
        "/v1/exchanges/2024-12-30-russia-ukraine",
        STATS,
        "/v1/exchanges.csv",
        "/v1/exchanges.xlsx",
        "/v1/exchanges.atom",
        "/v1/charts/timeline.svg",
    ],
)
async def test_a_statement_for_a_client_that_has_left_is_cancelled(
    slow: Live, locked: asyncpg.Connection, path: str
) -> None:
    async with Leaver(slow.base, path):
        await waiting(locked, 1)
    await waiting(locked, 0)


async def test_what_is_not_kept_is_cancelled_too(slow: Live, locked: asyncpg.Connection) -> None:
    for headers in ("X-Dataset-Revision: 1\r\n", f"Authorization: Bearer {slow.key()}\r\n"):
        async with Leaver(slow.base, STATS, headers):
            await waiting(locked, 1)
        await waiting(locked, 0)


async def test_connections_are_as_good_as_before(slow: Live, locked: asyncpg.Connection) -> None:
    for _ in range(2):
        async with asyncio.TaskGroup() as asking:
            leavers = [Leaver(slow.base, f"/v1/exchanges?limit={n}") for n in range(1, 3 * CONNECTIONS)]
            for leaver in leavers:
                asking.create_task(leaver.__aenter__())
        await waiting(locked, CONNECTIONS)  # and the others wait for a connection
        async with asyncio.TaskGroup() as asking:
            for leaver in leavers:
                asking.create_task(leaver.leave())
        await waiting(locked, 0)
    await locked.execute("ROLLBACK")
    async with httpx.AsyncClient(base_url=slow.base) as client:
        answers = await asyncio.gather(
            *(client.get(f"/v1/exchanges?limit={n}") for n in range(1, 3 * CONNECTIONS))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert await locked.fetchval(READERS, "exchanges-read") <= CONNECTIONS + 1


async def test_who_waits_for_the_same_answer_gets_it(slow: Live, locked: asyncpg.Connection) -> None:
    first = await Leaver(slow.base, STATS).__aenter__()
    [statement] = await waiting(locked, 1)
    async with Leaver(slow.base, STATS) as second:
        await others_have_come_and_gone(slow, locked)
        await first.leave()
        await others_have_come_and_gone(slow, locked)
        assert await waiting(locked, 1) == [statement], "it goes on"
        await locked.execute("ROLLBACK")
        assert await second.status() == b"200"


async def test_once_all_that_wait_have_left_it_is_cancelled(slow: Live, locked: asyncpg.Connection) -> None:
    first = await Leaver(slow.base, STATS).__aenter__()
    await waiting(locked, 1)
    async with Leaver(slow.base, STATS), Leaver(slow.base, STATS):
        await others_have_come_and_gone(slow, locked)
        await first.leave()
        await others_have_come_and_gone(slow, locked)
    await waiting(locked, 0)


class Reader:
    """A client of the layer that ends what is not wanted, and what becomes of its request."""

    def __init__(self, app: ASGIApp) -> None:
        self.sent: list[str] = []
        self._gone = asyncio.Event()
        scope = {"type": "http", "method": "GET", "path": "/v1/exchanges"}
        self.request = asyncio.ensure_future(LeavingMiddleware(app)(scope, self._receive, self._send))

    async def leave(self) -> None:
        """Leave, and wait for the moment in which that is known and has no consequence yet."""
        self._gone.set()
        await asyncio.sleep(0)

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": DISCONNECT}

    async def _send(self, message: Message) -> None:
        self.sent.append(message["type"])


@pytest.fixture
async def unhandled() -> list[dict[str, Any]]:
    """What goes wrong in the loop where nobody catches it."""
    found: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: found.append(context))
    return found


async def test_what_is_done_in_a_moment_is_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that is cut off costs its connection."""
    monkeypatch.setattr(leaving, "SECONDS_OF_GRACE", 600)

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await reader.leave()
        for _ in range(20):
            await asyncio.sleep(0)
        await send({"type": "http.response.start"})

    reader = Reader(app)
    await reader.request
    assert reader.sent == ["http.response.start"]


async def test_what_takes_longer_is_ended() -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await reader.leave()
        await asyncio.get_running_loop().create_future()

    reader = Reader(app)
    with pytest.raises(ClientDisconnect):
        await reader.request


async def test_to_leave_in_the_moment_of_the_end_is_no_failure(unhandled: list[dict[str, Any]]) -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await reader.leave()

    reader = Reader(app)
    await reader.request
    await asyncio.sleep(0)
    assert unhandled == []


@pytest.mark.parametrize("moments", range(4))
async def test_an_answer_that_has_begun_is_sent_to_its_end(
    monkeypatch: pytest.MonkeyPatch, moments: int
) -> None:
    grace = 0.01
    monkeypatch.setattr(leaving, "SECONDS_OF_GRACE", grace)

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await reader.leave()
        for _ in range(moments):
            await asyncio.sleep(0)
        await send({"type": "http.response.start"})
        await asyncio.sleep(2 * grace)  # what is to happen earlier has happened
        await send({"type": "http.response.body"})

    reader = Reader(app)
    await reader.request
    assert reader.sent == ["http.response.start", "http.response.body"]


async def test_a_body_without_an_end_is_not_read_on_and_on() -> None:
    read = 0

    async def receive() -> Message:
        nonlocal read
        await asyncio.sleep(0)
        read += 10_000
        return {"type": "http.request", "body": bytes(10_000), "more_body": True}

    with Client.of(receive) as client:
        for _ in range(100):
            await asyncio.sleep(0)
        assert read < 100_000
        assert not client.leaving.done()


async def test_a_picture_is_drawn_to_its_end() -> None:
    """A process that is stopped half-way would cost whoever draws next many times what it saves."""
    gate = RenderGate(at_once=1, waiting=1)
    spec = {"data": {"values": []}, "mark": "point", "description": "Nothing.", "usermeta": {"told": "None."}}
    await gate.render(spec, "image/svg+xml", 1)

    def processes() -> list[int]:
        return [child.pid for child in psutil.Process().children() if "anyio.to_process" in child.cmdline()]

    before = processes()
    drawing = asyncio.create_task(gate.render(spec, "image/svg+xml", 1))
    while not gate._limiter.borrowed_tokens:  # noqa: ASYNC110  (a turn, which comes without a pause)
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    drawing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drawing
    assert before
    assert processes() == before
