"""The read side of a running service: its connections, and the vocabulary that it keeps in memory.

Statements are in `db/queries/`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.lag import LaggingError
from db.models.history import Dataset
from db.queries.walking import Memory
from db.session import BOUNDS, lent_driver
from db.vocabulary import Vocabulary, read_vocabulary


class LazyConnection(AsyncConnection):
    """A connection that is taken out of the pool by the first statement, if there is one."""

    __slots__ = ()

    async def execute(self, *given: Any, **options: Any) -> Any:
        """Run a statement."""
        if self.sync_connection is None:
            await self.start()
        return await super().execute(*given, **options)


class Reader:
    """Connections to read through, names that are never older than what is read with them, and totals.

    `bounded`: the engine is one of the write path, whose statements must be in transactions.
    """

    def __init__(self, engine: AsyncEngine, *, bounded: bool = False) -> None:
        self.engine = engine
        self.memory = Memory()
        self._bounded = bounded
        self._vocabulary: Vocabulary | None = None
        self._least = 0  # the revision of the vocabulary that something was read with

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection of the pool."""
        async with self.engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def lazy_connection(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection of the pool for what seldom needs one."""
        connection = LazyConnection(self.engine)
        try:
            yield connection
        finally:
            if connection.sync_connection is not None:
                await asyncio.shield(connection.close())

    @asynccontextmanager
    async def driver(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend the driver's own connection out of the pool, for statements that are SQL already."""
        async with lent_driver(self.engine) as connection:
            if not self._bounded:
                yield connection
                return
            async with connection.transaction(readonly=True):
                await connection.execute(BOUNDS)
                yield connection

    @asynccontextmanager
    async def unchanging(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection whose queries all see the state that the first one saw."""
        async with self.engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            async with connection.begin():
                yield connection

    async def vocabulary(self, connection: AsyncConnection) -> Vocabulary:
        """Give the vocabulary that is kept, read now if it is not kept yet.

        Raises:
            LaggingError: the server does not have the names yet that another one has told of.
        """
        if self._vocabulary is None:
            read = await read_vocabulary(connection)
            if read.revision < self._least:
                self._least = 0  # told once: should the dataset have been restored, older names are right
                raise LaggingError(f"the names are those of revision {read.revision}")
            self._vocabulary = read
        return self._vocabulary

    def forget_before(self, vocabulary_revision: int) -> bool:
        """Let go of a vocabulary that is older than a revision; tell whether it was."""
        if self._vocabulary is None or self._vocabulary.revision >= vocabulary_revision:
            return False
        self._vocabulary, self._least = None, vocabulary_revision
        return True

    async def forget_if_stale(self, connection: AsyncConnection) -> bool:
        """Ask the database whether names have changed since they were read, and let go of them if so."""
        newest = (await connection.execute(select(Dataset.vocabulary_revision))).scalar_one()
        return self.forget_before(newest)
