"""Exports that cannot be made, or break off: refused before they begin, seen to be broken after, and nothing
is left behind of them.

Who leaves or takes nothing is not worked for. What is refused because of the query alone is in
`tests/test_exports.py`.
"""

import asyncio
import http.client
import json
import socket
import tempfile
import threading
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from operator import itemgetter
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Message

from api import exporting, streamed
from api.columns import Column, Kind
from api.exports import EXPORTS
from api.formats import FORMATS, Sheet
from api.formats.xlsx import TEMPORARY
from api.gates import Gate
from api.main import create_app
from api.settings import HttpSettings
from db.enums import Resource
from db.session import write_engine
from db.settings import DatabaseSettings
from tests.asking import ask, refused
from tests.databases import own_database
from tests.embedded_users import eventually
from tests.synthetic import actor
from tests.test_http_server import Server
from tests.test_http_server import running as serving
from tests.test_http_shell import problem_of
from tests.writing import made, put

pytestmark = pytest.mark.anyio

LAST_ARTICLE = "zvezda-763230"


def temporary(folder: Path) -> list[Path]:
    return list(folder.glob(f"{TEMPORARY}*"))


async def test_more_rows_than_excel_reads_are_refused(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {**FORMATS, "xlsx": replace(FORMATS["xlsx"], most_rows=20)}
    monkeypatch.setattr(exporting, "FORMATS", few)
    [error] = await refused(client, "/v1/coverage.xlsx", {})
    assert (error["parameter"], error["code"]) == ("format", "too_large")
    assert "at most 20 rows, and there are 21" in str(error["message"])
    assert (await ask(client, "/v1/coverage.xlsx", {"scope": "remains"})).status_code == 200


async def test_a_text_too_long_for_excel_is_refused(
    own_client: httpx.AsyncClient, loaded_engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    aliases = [f"{number:04}{'x' * 190}" for number in range(200)]
    await put(loaded_engine, made(Resource.ACTOR, actor("wordy", aliases=aliases)))
    [error] = await refused(own_client, "/v1/actors.xlsx", {})
    assert error["code"] == "too_large"
    assert "32,767 characters in a cell, and aliases has more" in str(error["message"])
    assert temporary(tmp_path) == []
    others = [column.name for column in EXPORTS["actors"].columns if column.name != "aliases"]
    assert (await ask(own_client, "/v1/actors.xlsx", {"fields": others})).status_code == 200
    assert temporary(tmp_path) == []


@pytest.fixture(scope="module")
async def spoilt(
    server_url: str, loaded_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Server, Path]]:
    """A real server over a database in which the body of the last article is broken, and its temporary files.

    An export of articles fails where it comes to it.
    """
    async with own_database(server_url, loaded_template) as url:
        engine = write_engine(url)
        async with engine.begin() as connection:
            await connection.execute(text("ALTER TABLE revision DISABLE TRIGGER USER"))
            broken = text("UPDATE revision SET body = '{' WHERE record_id = :id")
            await connection.execute(broken, {"id": LAST_ARTICLE})
        await engine.dispose()
        folder = tmp_path_factory.mktemp("temporary")
        with serving("api.main:create_app", {"DATABASE_URL": url, "TMPDIR": str(folder)}) as server:
            yield server, folder


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonld"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_file_that_fails_midway_is_seen_to_be_broken(
    spoilt: tuple[Server, Path], form: str, encoding: str
) -> None:
    server, _ = spoilt

    def fetch() -> bytes:
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
            path = f"/v1/articles.{form}?sort=id"
            connection.request("GET", path, headers={"Accept-Encoding": encoding})
            with connection.getresponse() as answer:
                assert answer.status == 200
                with pytest.raises((http.client.IncompleteRead, ConnectionError)) as caught:
                    answer.read()
        return getattr(caught.value, "partial", b"")

    received = await asyncio.to_thread(fetch)
    if encoding == "gzip" and form != "parquet" and received:
        inflated = zlib.decompressobj(16 + zlib.MAX_WBITS)
        assert inflated.decompress(received)
        assert not inflated.eof


async def test_a_workbook_that_fails_midway_is_a_problem(spoilt: tuple[Server, Path]) -> None:
    server, folder = spoilt
    answer = await asyncio.to_thread(server.send, b"/v1/articles.xlsx?sort=id")
    assert (answer.status, json.loads(answer.body)["code"]) == (500, "internal_error")
    assert temporary(folder) == []


async def test_nothing_is_left_when_the_client_leaves(read_only_url: str, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": read_only_url, "TMPDIR": str(tmp_path)}

    def leave_again_and_again() -> Server:
        with serving("api.main:create_app", environment) as server:
            with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
                connection.sendall(b"GET /v1/claims.xlsx HTTP/1.1\r\nHost: x\r\n\r\n")
                eventually(lambda: temporary(tmp_path))
            eventually(lambda: not temporary(tmp_path))
            for _ in range(12):  # more than there are connections: none is lost
                leave_in_the_middle(server.port)
            eventually(lambda: server.send(b"/v1/coverage.csv").status == 200)
        return server

    stopped = await asyncio.to_thread(leave_again_and_again)
    assert not [line for line in stopped.printed if '"ERROR"' in line or "Traceback" in line]


def leave_in_the_middle(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /v1/articles.ndjson HTTP/1.1\r\nHost: x\r\n\r\n")
        # those who left a moment ago may still be counted
        assert connection.recv(1024).startswith((b"HTTP/1.1 200", b"HTTP/1.1 503"))


class Held(list[str]):
    """Rows that a thread does not get to see before it is let go."""

    def __init__(self, *rows: str) -> None:
        super().__init__(rows)
        self.reached, self.free = threading.Event(), threading.Event()

    def __iter__(self) -> Iterator[str]:
        self.reached.set()
        self.free.wait()
        return super().__iter__()


async def test_the_folder_stays_while_a_thread_writes_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rows = Held('{"id": "one"}')

    async def batches() -> AsyncIterator[list[str]]:
        yield rows

    async def write() -> None:
        column = Column("id", Kind.TEXT, "What it is called.", required=True, read=itemgetter("id"))
        async for _ in FORMATS["xlsx"].write(Sheet(name="actors", columns=[column]), batches()):
            pass

    writing = asyncio.create_task(write())
    try:
        await asyncio.to_thread(rows.reached.wait)
        writing.cancel()
        for _ in range(20):
            await asyncio.sleep(0)
        assert temporary(tmp_path)
        assert not writing.done()
    finally:
        rows.free.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert temporary(tmp_path) == []


async def test_only_so_many_are_sent_at_once(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed, "GATE", Gate(1, "Too many."))
    with streamed.GATE.admitted():
        for path in ("/v1/exchanges.csv", "/v1/exchanges.ics"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
            assert answer.headers["retry-after"]
    assert (await client.get("/v1/exchanges.csv?year=2024")).status_code == 200
    assert (await client.get("/v1/exchanges.csv?nonsense=1")).status_code == 422
    assert (await client.get("/v1/exchanges.csv?year=2024")).status_code == 200


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "query",
    [
        "reconciliation.{}",
        "stats.{}?fill=true",
        "stats.{}?common=true",
        "stats.{}?group_by=claimant&measure=exchanges",
        "disagreements.{}?between=uae",
    ],
)
async def test_what_is_refused_when_rows_are_read_is_a_problem(
    client: httpx.AsyncClient, query: str, form: str
) -> None:
    assert problem_of(await client.get(f"/v1/{query.format(form)}")).code == "invalid_query"


async def test_one_who_takes_nothing_is_not_waited_for(read_only_url: str) -> None:
    settings = HttpSettings(log_level="error", stall_timeout=0.2)
    app = create_app(settings, DatabaseSettings(database_url=read_only_url))
    begun = asyncio.Event()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            begun.set()
            await asyncio.Event().wait()

    async def receive() -> Message:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async with app.router.lifespan_context(app) as state:
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/v1/claims.csv",
            "raw_path": b"/v1/claims.csv",
            "query_string": b"",
            "headers": [],
            "state": dict(state or {}),
            "root_path": "",
        }
        async with asyncio.timeout(60):
            await app(scope, receive, send)
    assert begun.is_set()
