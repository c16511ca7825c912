"""The change feed as a stream of server-sent events: what a client sees that stays, leaves and comes back."""

import asyncio
import contextlib
import json
import random
import re
import socket
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Message

from api import streams as streaming
from api.main import create_app
from api.settings import HttpSettings
from db.models.history import Dataset
from db.settings import DatabaseSettings
from tests.applications import running as running_app
from tests.asking import ask
from tests.test_changes import follow, summarise
from tests.test_http_server import running
from tests.test_http_shell import problem_of

pytestmark = pytest.mark.anyio

FEED = "/v1/changes"
SECONDS = 30  # after which a test fails that waits for something
STREAMS = 3


class Stream:
    """One request of an event stream, read while it is answered."""

    def __init__(
        self, client: httpx.AsyncClient, query: str, headers: Mapping[str, str], method: str = "GET"
    ) -> None:
        self._app = client._transport.app  # type: ignore[attr-defined]
        given = {"host": "testserver", "accept": "text/event-stream", **headers}
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "path": FEED,
            "raw_path": FEED.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
            "scheme": "http",
        }
        self._inward: asyncio.Queue[Message] = asyncio.Queue()
        self._outward: asyncio.Queue[Message] = asyncio.Queue()
        self._pieces = b""
        self.headers: dict[str, str] = {}
        self.status = 0
        self.comments = 0

    async def begin(self) -> None:
        self._inward.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        self._task = asyncio.create_task(self._app(self._scope, self._inward.get, self._outward.put))
        start = await self._message()
        self.status = start["status"]
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        self.headers = {name: value for name, value in told.items() if name != "server-timing"}

    async def _message(self) -> Message:
        with anyio.fail_after(SECONDS):
            return await self._outward.get()

    async def block(self) -> str | None:
        """Give what comes up to the next empty line; None once it has ended."""
        while b"\n\n" not in self._pieces:
            message = await self._message()
            self._pieces += message["body"]
            if not message.get("more_body", False):
                assert self._pieces == b"", "it ended in the middle of an event"
                return None
        block, _, self._pieces = self._pieces.partition(b"\n\n")
        return block.decode()

    async def event(self) -> dict[str, Any] | None:
        """Give the next event, as its fields; None once the stream has ended."""
        while (block := await self.block()) is not None:
            if block.startswith(":"):
                self.comments += 1
                continue
            fields: dict[str, Any] = dict(line.split(": ", 1) for line in block.split("\n"))
            assert list(fields) == ["event", "data", "id"]
            return fields | {"data": json.loads(fields["data"])}
        return None

    async def events(self, number: int) -> list[dict[str, Any]]:
        found = [await self.event() for _ in range(number)]
        assert None not in found
        return found  # type: ignore[return-value]

    async def leave(self) -> None:
        self._inward.put_nowait({"type": "http.disconnect"})
        with anyio.fail_after(SECONDS):
            await self._task

    async def end(self) -> None:
        """Wait until the service has ended it by itself."""
        assert await self.event() is None
        with anyio.fail_after(SECONDS):
            await self._task


@asynccontextmanager
async def streaming_from(client: httpx.AsyncClient, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    stream = Stream(client, query, {name.replace("_", "-"): value for name, value in headers.items()})
    await stream.begin()
    assert stream.status == 200
    try:
        yield stream
    finally:
        await stream.leave()


@pytest.fixture
async def client(loaded_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that looks often, keeps few streams and has one connection."""
    settings = HttpSettings(log_level="error", stream_interval=0.01, max_streams=STREAMS)
    database = DatabaseSettings(database_url=loaded_url, database_pool_size=1)
    async with running_app(create_app(settings, database)) as made:
        yield made


async def test_first_what_is_missed_then_what_comes(
    loaded_engine: AsyncEngine, client: httpx.AsyncClient
) -> None:
    await summarise(loaded_engine, "Synthetic 1.")
    await summarise(loaded_engine, "Synthetic 2.", reason="two\nlines\r\nof reason")
    async with streaming_from(client, "since=1") as stream:
        found = await stream.events(2)
        for number in (3, 4, 5):
            await summarise(loaded_engine, f"Synthetic {number}.")
            found += await stream.events(1)
    assert stream.headers["content-type"].partition(";")[0] == "text/event-stream"
    assert [each["data"] for each in found] == await follow(client, {"since": 1})
    assert [each["id"] for each in found] == [f"{number}-0" for number in (2, 3, 4, 5, 6)]
    assert {each["event"] for each in found} == {"updated"}


async def test_bodies_only_where_asked_for(loaded_engine: AsyncEngine, client: httpx.AsyncClient) -> None:
    await summarise(loaded_engine, "Synthetic 1.")
    for query, told in (("since=1", {"since": 1}), ("since=1&body=true", {"since": 1, "body": "true"})):
        async with streaming_from(client, query) as stream:
            [event] = await stream.events(1)
        assert [event["data"]] == await follow(client, told)
        assert (event["data"]["body"] is not None) is ("body" in query)


async def test_who_comes_back_misses_nothing_and_sees_nothing_twice(
    loaded_engine: AsyncEngine, client: httpx.AsyncClient
) -> None:
    chance = random.Random(11)
    found: list[dict[str, Any]] = []
    headers: dict[str, str] = {}
    written = 1
    while len(found) < 2112 + 6:
        async with streaming_from(client, "since=0", **headers) as stream:
            if written < 7:
                await summarise(loaded_engine, f"Synthetic {written}.")
                written += 1
            left = 2112 + written - 1 - len(found)
            found += await stream.events(min(left, chance.randint(1, 900)))
        headers = {"Last_Event_ID": found[-1]["id"]}
    assert [each["data"] for each in found] == await follow(client, {"limit": 1000})
    assert len({each["id"] for each in found}) == len(found)


async def test_the_last_event_wins_over_since(loaded_engine: AsyncEngine, client: httpx.AsyncClient) -> None:
    await summarise(loaded_engine, "Synthetic 1.")
    async with streaming_from(client, "since=2", Last_Event_ID="1-2110") as stream:
        assert [each["id"] for each in await stream.events(2)] == ["1-2111", "2-0"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1",
        "1-",
        "-1",
        "1-1-1",
        "1-x",
        "+1-0",
        "1 - 0",
        "٣-1",
        "2-0",
        "99999999999-0",
        "1-2147483648",
    ],
)
async def test_an_id_of_no_event_is_refused(client: httpx.AsyncClient, text: str) -> None:
    sent = {"Accept": "text/event-stream", "Last-Event-ID": text.encode()}
    response = await client.get(FEED, headers=sent)  # type: ignore[arg-type]
    assert response.status_code == 422, text
    assert [each.parameter for each in problem_of(response).errors] == ["Last-Event-ID"]


@pytest.mark.parametrize(
    ("query", "status", "parameter"),
    [
        ({"since": 99}, 422, "since"),
        ({"limit": 10}, 422, "limit"),
        ({"nonsense": 1}, 422, "nonsense"),
        ({"cursor": "abc"}, 400, "cursor"),
        ({"epoch": "0" * 32}, 409, None),
        ({"epoch": "X"}, 422, "epoch"),
    ],
)
async def test_what_is_not_understood_is_refused(
    client: httpx.AsyncClient, query: dict[str, object], status: int, parameter: str | None
) -> None:
    response = await ask(client, FEED, query, Accept="text/event-stream")
    assert response.status_code == status
    assert parameter is None or [each.parameter for each in problem_of(response).errors] == [parameter]


async def test_who_waits_holds_no_connection(loaded_engine: AsyncEngine, client: httpx.AsyncClient) -> None:
    """There is one connection for three streams and whoever reads besides."""
    async with contextlib.AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(streaming_from(client, "since=1")) for _ in range(STREAMS)]
        for number in range(3):
            await summarise(loaded_engine, f"Synthetic {number}.")
            assert (await ask(client, "/v1/exchanges")).status_code == 200
            told = [await stream.event() for stream in streams]
            assert told == [told[0]] * STREAMS


async def test_one_too_many_is_sent_away_until_another_leaves(client: httpx.AsyncClient) -> None:
    async with contextlib.AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(streaming_from(client, "since=1")) for _ in range(STREAMS)]
        refused = await ask(client, FEED, {"since": 1}, Accept="text/event-stream")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
        assert "3 streams" in problem_of(refused).detail
        assert (await ask(client, FEED)).status_code == 200
        await streams[0].leave()
        await stack.enter_async_context(streaming_from(client, "since=1"))


async def test_head_ends(client: httpx.AsyncClient) -> None:
    told = []
    for _ in range(STREAMS + 1):
        head = Stream(client, "", {"x-request-id": "the-same"}, "HEAD")
        await head.begin()
        await head.end()
        told.append((head.status, head.comments, head.headers))
    async with streaming_from(client, X_Request_ID="the-same") as stream:
        assert told == [(200, 0, stream.headers)] * len(told)


async def test_nothing_on_the_way_holds_it_back(
    loaded_engine: AsyncEngine, client: httpx.AsyncClient
) -> None:
    await summarise(loaded_engine, "Synthetic 1.")
    async with streaming_from(client, "since=1", Accept_Encoding="gzip, br, zstd") as stream:
        assert "content-encoding" not in stream.headers
        assert stream.headers["cache-control"] == "no-store, no-transform"
        assert stream.headers["x-accel-buffering"] == "no"
        assert {"Accept", "Accept-Encoding"} <= set(stream.headers["vary"].split(", "))
        assert [each["id"] for each in await stream.events(1)] == ["2-0"]


async def test_a_heart_beats_while_nothing_happens(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "SECONDS_BETWEEN_HEARTBEATS", 0.0)
    async with streaming_from(client, "since=1") as stream:
        blocks = [await stream.block() for _ in range(4)]
    assert all(re.fullmatch(r":.*", block or "") for block in blocks)


async def test_json_is_what_others_get(client: httpx.AsyncClient) -> None:
    for accept in ("*/*", "application/json", "text/event-stream;q=0.5, application/json"):
        response = await ask(client, FEED, Accept=accept, Last_Event_ID="nonsense")
        assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
        assert "Accept" in response.headers["vary"].split(", ")
    assert (await ask(client, FEED, Accept="text/html")).status_code == 406


async def test_a_restored_dataset_ends_it(loaded_engine: AsyncEngine, client: httpx.AsyncClient) -> None:
    epoch = (await ask(client, FEED)).json()["meta"]["epoch"]
    async with streaming_from(client, f"since=1&epoch={epoch}") as stream:
        async with loaded_engine.begin() as connection:
            await connection.execute(update(Dataset).values(epoch=uuid.uuid4()))
        await summarise(loaded_engine, "Synthetic.")
        await stream.end()
    again = await ask(client, FEED, {"epoch": epoch}, Accept="text/event-stream", Last_Event_ID="1-0")
    assert (again.status_code, problem_of(again).code) == (409, "conflict")


async def test_it_ends_when_the_database_cannot_be_asked(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with streaming_from(client, "since=1") as stream:
        await stream.block()

        def refuse(*_: object) -> None:
            raise ConnectionRefusedError

        with monkeypatch.context() as patched:
            patched.setattr("db.reader.Reader.connection", refuse)
            await stream.end()
    async with streaming_from(client, "since=1"):
        pass


def _receive_until(connection: socket.socket, wanted: bytes, received: bytes = b"") -> bytes:
    while wanted not in received:
        piece = connection.recv(65536)
        assert piece, received
        received += piece
    return received


async def test_a_server_that_stops_ends_its_streams(loaded_url: str, loaded_engine: AsyncEngine) -> None:
    """Otherwise it would wait for them, and be killed in the end."""
    environment = {"DATABASE_URL": loaded_url, "STREAM_INTERVAL": "0.05"}
    with running("api.main:create_app", environment) as server:
        connections = [socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) for _ in "ab"]
        for connection in connections:
            connection.sendall(
                b"GET /v1/changes?since=1 HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
            )
        for connection in connections:
            _receive_until(connection, b":")
        await summarise(loaded_engine, "Synthetic.")
        received = [_receive_until(connection, b"id: 2-0\n\n") for connection in connections]
        server.process.terminate()
        for connection, begun in zip(connections, received, strict=True):
            whole = begun + b"".join(iter(lambda: connection.recv(65536), b""))  # noqa: B023  (runs at once)
            assert whole.endswith(b"0\r\n\r\n"), "it was cut off rather than ended"
            connection.close()
    assert server.process.returncode == 0
    assert not [line for line in server.printed if "Traceback" in line]
