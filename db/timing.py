"""What statements take, told to whoever watches while they run: all that one task sends, by either interface.

What the figure is for is the watcher's business. Time spent waiting for a connection is none of it; how many
wait is what `CountingPool` counts.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext, ExecutionContext
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

Watcher = Callable[[str, float], None]  # is given a statement and the seconds that it took

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Tell a watcher of every statement inside of the block."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


class TimedConnection(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
    """A connection whose statements are told of, where they are sent by the driver itself."""

    __slots__ = ()

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        """Run a statement."""
        began = time.perf_counter()
        try:
            status: str = await super().execute(query, *args, **options)
            return status
        finally:
            _tell(query, began)

    async def fetch(self, query: str, *args: Any, **options: Any) -> list[asyncpg.Record]:
        """Run a statement and give its rows."""
        began = time.perf_counter()
        try:
            rows: list[asyncpg.Record] = await super().fetch(query, *args, **options)
            return rows
        finally:
            _tell(query, began)


# Whose pools come and go tells nothing to who reads a log: as with the library's own, only what warns.
logging.getLogger(f"{__name__}.CountingPool").setLevel(logging.WARNING)


class CountingPool(AsyncAdaptedQueuePool):
    """A pool that knows how many wait for one of its connections, or for a new one to be made."""

    waiting = 0

    def _do_get(self) -> ConnectionPoolEntry:
        self.waiting += 1
        try:
            return super()._do_get()
        finally:
            self.waiting -= 1


def tell_of_statements(engine: AsyncEngine) -> None:
    """Tell of the statements that an engine sends, too."""
    event.listen(engine.sync_engine, "before_cursor_execute", _before)
    event.listen(engine.sync_engine, "after_cursor_execute", _after)
    event.listen(engine.sync_engine, "handle_error", _failed)


def _before(*told: Any) -> None:
    context: ExecutionContext = told[4]
    context._exchanges_began = time.perf_counter()  # type: ignore[attr-defined]


def _after(*told: Any) -> None:
    _tell(told[2], told[4]._exchanges_began)


def _failed(context: ExceptionContext) -> None:
    began = getattr(context.execution_context, "_exchanges_began", None)
    if began is not None:
        _tell(context.statement or "", began)


def _tell(statement: str, began: float) -> None:
    watcher = _watcher.get()
    if watcher is not None:
        watcher(statement, time.perf_counter() - began)
