"""Clients that leave before they are answered: what was begun for them is ended, in the database too.

Only reads under /v1 are, and only until their answer begins: a write is carried through, since whoever has
sent it may not know whether it was; pages are made once, for everybody; and answers that are sent while they
are read look after this by themselves (`api/streamed.py`). The server tells that a client has left at the
next `receive()`, and tells one request of a connection that closes: of several that came by one connection of
HTTP/2, the others are read to their end.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Self, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.reading import PREFIX

Item = TypeVar("Item")
DISCONNECT = "http.disconnect"
# A statement that is cut off costs its connection, of which there are few and whose replacement takes the
# database longer than nearly any statement. So what is about to be done anyway is let be: only what still
# runs after so long is worth ending.
SECONDS_OF_GRACE = 0.25
MOST_OF_A_BODY = 65_536  # bytes that are read, and dropped, to learn whether a client leaves


class Client:
    """Whoever an answer is for.

    The server tells only one that they have left: whoever else wants to know asks `receive`, which answers as
    the server does to a request without a body.
    """

    def __init__(self, leaving: asyncio.Task[None]) -> None:
        self.leaving = leaving
        self._asked = False

    @classmethod
    @contextmanager
    def of(cls, receive: Receive) -> Iterator[Self]:
        """Look after a client as long as the context lasts."""
        leaving = asyncio.create_task(_left(receive))
        try:
            yield cls(leaving)
        finally:
            leaving.cancel()

    async def while_there(self, items: AsyncIterator[Item]) -> AsyncIterator[Item]:
        """Give the items, until the client leaves.

        Raises:
            ClientDisconnect: the client has left.
        """
        async for each in items:
            if self.leaving.done():
                raise ClientDisconnect
            yield each

    async def receive(self) -> Message:
        """Give the request, and from then on wait until the client leaves."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.wait([self.leaving])
        return {"type": DISCONNECT}


async def _left(receive: Receive) -> None:
    """Wait until the client leaves, or for ever if it sends on and on what nobody reads."""
    read = 0
    while (message := await receive())["type"] != DISCONNECT:
        read += len(message.get("body", b""))
        if read > MOST_OF_A_BODY:
            await asyncio.get_running_loop().create_future()


class LeavingMiddleware:
    """Prevents the database from working on for those who are gone, of whom there may be ever more."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request, as long as its client is there.

        Raises:
            ClientDisconnect: the client has left, and nothing was sent.
        """
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(PREFIX):
            await self.app(scope, receive, send)
            return
        done = False  # or its answer has begun; a callback that is due already can no longer be removed
        with Client.of(receive) as client:
            try:
                async with asyncio.timeout(None) as patience:

                    def end_soon(_: asyncio.Task[None]) -> None:
                        if not done:
                            patience.reschedule(asyncio.get_running_loop().time() + SECONDS_OF_GRACE)

                    async def beginning_send(message: Message) -> None:
                        nonlocal done
                        if not done and not patience.expired():
                            patience.reschedule(None)
                        done = True
                        await send(message)

                    client.leaving.add_done_callback(end_soon)
                    try:
                        await self.app(scope, client.receive, beginning_send)
                    finally:
                        done = True
            except TimeoutError:
                if not patience.expired():
                    raise
                raise ClientDisconnect from None
