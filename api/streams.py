"""Streams of server-sent events: how many a worker keeps open, how they wait, and when they must end.

What a stream tells is its route's business.
"""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import FrameType

import anyio
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse
from starlette.types import Receive, Scope, Send

from api.errors import ApiError, ProblemCode
from db.queries.conditions import Snapshot
from db.queries.pages import read_state
from db.reader import Reader

EVENT_STREAM = "text/event-stream"
HEARTBEAT = KEEPALIVE_COMMENT
SECONDS_BETWEEN_HEARTBEATS = 15.0
SECONDS_TO_RETRY = 30

# Proxies must neither keep the stream nor hold parts of it back; without a transformation none is compressed
# either, as a hundred compressors would take more memory than the streams themselves.
HEADERS = {"Cache-Control": "no-store, no-transform", "Vary": "Accept", "X-Accel-Buffering": "no"}


class Streams:
    """The streams of one worker, which ask together how far the dataset has come."""

    def __init__(self, reader: Reader, *, limit: int, interval: float) -> None:
        self._reader = reader
        self._limit = limit
        self._interval = interval
        self.open = 0  # how many there are
        self._over = asyncio.Event()
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._newest = 0

    @property
    def over(self) -> bool:
        """Whether all streams must end."""
        return self._over.is_set()

    def check_room(self) -> None:
        """Refuse one stream too many.

        Raises:
            ApiError: with the time after which to try again.
        """
        if self.open >= self._limit:
            detail = (
                f"No more than {self._limit} streams are open at once here. Try again later, or ask for "
                "the feed as application/json."
            )
            headers = {"Retry-After": str(SECONDS_TO_RETRY)}
            raise ApiError(ProblemCode.OVERLOADED, detail, headers=headers)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a stream as open."""
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

    async def newest(self) -> int:
        """Give the newest dataset revision, asked for once in an interval, however many streams there are."""
        clock = asyncio.get_running_loop().time
        async with self._asking:
            if clock() >= self._asked_at + self._interval:
                async with self._reader.connection() as connection:
                    self._newest = (await read_state(connection, Snapshot())).revision
                self._asked_at = clock()
        return self._newest

    async def pause(self) -> bool:
        """Wait for the next time to look, and tell whether the stream goes on."""
        with anyio.move_on_after(self._interval):
            await self._over.wait()
        return not self.over

    @contextmanager
    def ended_by_signal(self) -> Iterator[None]:
        """End all streams on SIGTERM, since the server waits for every answer before it stops.

        The server's own handler still runs: loops learn of signals by a file descriptor, whatever the handler
        is, and others are called from here. Where nobody handles the signal, nothing is changed.
        """
        before = signal.getsignal(signal.SIGTERM)
        if not callable(before) or threading.current_thread() is not threading.main_thread():
            yield
            return
        loop, handle = asyncio.get_running_loop(), before

        def end(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._over.set)
            handle(number, frame)

        signal.signal(signal.SIGTERM, end)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)


class EventStream(EventSourceResponse):
    """An answer that ends when its client leaves, when its events end, or with the service."""

    def __init__(self, streams: Streams, events: AsyncIterator[bytes]) -> None:
        super().__init__(events, headers=HEADERS)
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        with self._streams.counted():
            await super().__call__(scope, receive, send)
