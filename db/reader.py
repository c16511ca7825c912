"""The read side of a running service: its connections, and the vocabulary that it keeps in memory.

Statements are in `db/queries/`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import select
from sqlalchemy.exc import EmulatedDBAPIException, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.lag import LaggingError
from db.models.history import Dataset
from db.queries.pages import Version
from db.queries.walking import Memory
from db.session import DatabaseUnavailableError, lent_driver
from db.vocabulary import Vocabulary, read_vocabulary

logger = logging.getLogger(__name__)


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
        self._told: Version | None = None  # what was read had names of this, and those that were kept went

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
            # refused once: should the dataset have been restored meanwhile, it is right
            told, self._told = self._told, None
            if told is not None and _is_before(read, told):
                raise LaggingError(f"the names are those of revision {read.revision}, epoch {read.epoch}")
            self._vocabulary = read
        return self._vocabulary

    def forget_before(self, version: Version) -> bool:
        """Let go of a vocabulary that is older than a version's, or of another epoch; tell whether it was."""
        if self._vocabulary is None or not _is_before(self._vocabulary, version):
            return False
        self._vocabulary, self._told = None, version
        return True

    async def forget_if_stale(self, connection: AsyncConnection) -> bool:
        """Ask the database whether names have changed since they were read, and let go of them if so."""
        newest = await connection.execute(
            select(Dataset.epoch, Dataset.revision, Dataset.vocabulary_revision)
        )
        return self.forget_before(Version(*newest.one()))


async def same_cluster(one: Reader, other: Reader) -> bool:
    """Tell whether two readers ask one server or its standbys; what cannot be found out is taken for a no.

    A yes tells of the time of the question. A server that another one was promoted over keeps the identifier
    that they share, and follows nobody: nothing here tells it from a primary.
    """
    try:
        found = [await _cluster(reader) for reader in (one, other)]
    except (
        DatabaseUnavailableError,
        EmulatedDBAPIException,  # what the driver says while it connects
        SQLAlchemyError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        OSError,
    ) as error:
        logger.info("it is not known whether the servers are of one cluster: %s", type(error).__name__)
        return False
    return found[0] == found[1]


async def _cluster(reader: Reader) -> int:
    async with reader.driver() as driver:
        return int(await driver.fetchval("SELECT system_identifier FROM pg_control_system()"))


def _is_before(names: Vocabulary, version: Version) -> bool:
    """Tell whether names are not those of a version: epochs have no order, revisions of one have."""
    return names.epoch != version.epoch or names.revision < version.vocabulary_revision
