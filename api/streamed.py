"""Answers that are read and written while they are sent, on a connection that they hold so long.

What goes wrong before the first bytes is a problem as ever; later the answer breaks off, so that nothing that
was cut short seems whole. From then on, whether the client has left is looked at between batches: a statement
that is cut off in the middle costs its connection.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from api.bodies import settings_of
from api.conditional import is_not_modified
from api.expensive import spend_expensive
from api.gates import Gate
from api.leaving import Client
from api.target import BODILESS

Item = TypeVar("Item")
# A worker reads through ten connections: half of them are left to whoever does not stream.
AT_ONCE = 5
GATE = Gate(AT_ONCE, "More whole results are being sent than this service takes on at once.")


@dataclass(frozen=True)
class Opened:
    """What is to be sent: headers with an ETag, when it last changed if that is known, and its bytes."""

    headers: Mapping[str, str]
    changed_at: dt.datetime | None
    pieces: AsyncGenerator[bytes, None]


Opening = Callable[[Client], AbstractAsyncContextManager[Opened]]


class Streamed(Response):
    """An answer that is opened when it is sent, and closed when it was or its client has left."""

    def __init__(self, request: Request, media_type: str, opening: Opening) -> None:
        super().__init__()
        self._patience = settings_of(request).stall_timeout
        self._request = request
        self._type = media_type
        self._opening = opening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, or 304 where the client's copy still holds."""
        with Client.of(receive) as client:
            await self._answer(scope, client.receive, send, client)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, client: Client) -> None:
        await spend_expensive(self._request)
        with GATE.admitted():
            await self._send(scope, receive, send, client)

    async def _send(self, scope: Scope, receive: Receive, send: Send, client: Client) -> None:
        async with self._opening(client) as opened, aclosing(opened.pieces) as pieces:
            headers = dict(opened.headers)
            if is_not_modified(self._request.headers, headers["ETag"], opened.changed_at):
                await Response(status_code=304, headers=headers)(scope, receive, send)
                return
            # whoever asks for headers alone gets them without a file being made for nobody
            first = b"" if scope.get(BODILESS) else await anext(pieces, b"")
            rest = chained(first, client.while_there(pieces))

            async def send_patiently(message: Message) -> None:
                """Send a piece; one who takes none for long is as good as gone, and holds a connection."""
                try:
                    async with asyncio.timeout(self._patience):
                        await send(message)
                except TimeoutError as error:
                    raise ClientDisconnect from error

            answer = StreamingResponse(rest, headers=headers, media_type=self._type)
            await answer.stream_response(send_patiently)


async def chained(first: Item, others: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """Give an item that was taken from the others already, and then these."""
    yield first
    async for piece in others:
        yield piece
