"""A database of a test's own on a primary and its replica, and curators who reach it through workers.

No test lives here; the servers are made by `tests/replicated.py`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from api.main import create_app
from db.access import create_key
from db.enums import Role
from db.session import write_engine
from db.settings import DatabaseSettings
from tests.applications import running
from tests.curating import UNLIMITED, Curator
from tests.replicated import Node


class Pair:
    """A database of the test's own on both servers, and curators of it through applications."""

    def __init__(self, primary: Node, replica: Node, database: str) -> None:
        self.primary, self.replica, self.database = primary, replica, database

    @property
    def settings(self) -> DatabaseSettings:
        ports = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.replica.port}"
        return DatabaseSettings(
            database_url=self.primary.url(self.database),
            database_read_url=f"postgresql://postgres@{ports}/{self.database}"
            "?target_session_attrs=prefer-standby",
        )

    @asynccontextmanager
    async def worker(self, settings: Any = UNLIMITED, **urls: str) -> AsyncIterator[Curator]:
        """Run an application of its own, as another worker would be."""
        engine = write_engine(self.primary.url(self.database))
        _, token = await create_key(engine, "curator", Role.CURATOR)
        await self.caught_up()
        try:
            async with running(create_app(settings, self.settings.model_copy(update=urls))) as client:
                yield Curator(client, engine, token)
        finally:
            await engine.dispose()

    async def pause(self) -> None:
        """Hold the replica back."""
        await self.caught_up()
        await self.replica.ask("SELECT pg_wal_replay_pause()")
        await until(lambda: self.replica.ask("SELECT pg_get_wal_replay_pause_state() = 'paused'"))

    async def resume(self) -> None:
        await self.replica.ask("SELECT pg_wal_replay_resume()")
        await self.caught_up()

    async def caught_up(self) -> None:
        """Wait until the replica has all that the primary has."""
        written = await self.primary.ask("SELECT pg_current_wal_flush_lsn()::text")
        statement = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn"
        await until(lambda: self.replica.ask(statement, written))


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    for _ in range(3000):
        with suppress(OSError):
            if found := await condition():
                return found
        await asyncio.sleep(0.01)
    raise AssertionError("what the test waits for does not come")
