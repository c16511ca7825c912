"""How commands ask this API: a running service by its URL, or the application itself over a local database.

Both answer the same, since the application in this process is the one that `exchanges serve` runs.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO
from urllib.parse import quote

import httpx
from starlette.datastructures import Headers
from starlette.types import Message, Scope

from api.errors import AnswerCutShortError
from api.main import create_app
from api.settings import HttpSettings
from db.settings import DatabaseSettings

TIMEOUT = httpx.Timeout(60, connect=10)


class AskError(Exception):
    """The service cannot be reached, or broke off in the middle of its answer; the message is one line."""


@dataclass(frozen=True)
class Head:
    """What comes before the body of an answer."""

    status: int
    headers: Mapping[str, str]


Into = Callable[[Head], IO[bytes]]
# Sends a GET to a path with its query, and writes the body of the answer as it comes.
Ask = Callable[[str, Into], Awaitable[Head]]


@asynccontextmanager
async def asking_service(url: str) -> AsyncIterator[Ask]:
    """Ask a running service.

    Raises:
        AskError: it cannot be reached, or an answer did not arrive whole.
    """
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT, follow_redirects=True) as client:

        async def ask(target: str, into: Into) -> Head:
            try:
                async with client.stream("GET", target) as response:
                    head = Head(response.status_code, response.headers)
                    out = into(head)
                    async for piece in response.aiter_bytes():
                        out.write(piece)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                reason = " ".join(str(error).split()) or type(error).__name__
                raise AskError(f"no whole answer from {url}: {reason}") from error
            return head

        yield ask


@asynccontextmanager
async def asking_here(database_url: str) -> AsyncIterator[Ask]:
    """Ask the application over a database, in this process and without a port."""
    app = create_app(
        HttpSettings(log_level="error", cache_size=0), DatabaseSettings(database_url=database_url)
    )
    async with app.router.lifespan_context(app) as state:

        async def ask(target: str, into: Into) -> Head:
            path, _, query = target.partition("?")
            scope: Scope = {
                "type": "http",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "method": "GET",
                "scheme": "http",
                "server": ("localhost", 80),
                "client": ("127.0.0.1", 0),
                "root_path": "",
                "path": path,
                "raw_path": quote(path).encode(),
                "query_string": query.encode(),
                "headers": [(b"host", b"localhost")],
                "state": dict(state or {}),
            }
            begun: list[tuple[Head, IO[bytes]]] = []
            sent = asyncio.Event()

            async def receive() -> Message:
                if sent.is_set():  # what is told next is that the client left, and this one never does
                    await asyncio.Event().wait()
                sent.set()
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    head = Head(message["status"], Headers(raw=message["headers"]))
                    begun.append((head, into(head)))
                else:
                    begun[0][1].write(message.get("body", b""))

            try:
                await app(scope, receive, send)
            except AnswerCutShortError as error:
                raise AskError("the answer broke off; the log says why") from error
            return begun[0][0]

        yield ask
