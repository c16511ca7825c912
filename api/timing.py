"""How long an answer took, told in it: `Server-Timing`, which browsers and their tools show.

`total` is the time until the answer begins, `db` what of it the database took. An answer that is kept
(`api/caching.py`) says so instead, always in the same words.
"""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import tracing
from db.timing import watched

FIELD = b"server-timing"
HIT = (FIELD, b"cache;desc=hit")


class TimingMiddleware:
    """Prevents guessing where the time went."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request, and tell in its answer how long that took."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        database = 0.0

        def note(statement: str, seconds: float) -> None:
            nonlocal database
            database += seconds
            if tracing.active is not None:
                tracing.active.statement(statement, seconds)

        async def telling_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = f"total;dur={(time.perf_counter() - began) * 1000:.2f}"
                if database:
                    told += f", db;dur={database * 1000:.2f}"
                message = {**message, "headers": [*message.get("headers", ()), (FIELD, told.encode())]}
            await send(message)

        with watched(note):
            await self.app(scope, receive, telling_send)
