"""How the service connects: one driver (asyncpg), engines made from a URL that is never parsed here.

Engines are made by whoever runs the service and travel by argument; nothing connects at import.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import greenlet_spawn

CONNECT_TIMEOUT = 10.0
STATEMENT_TIMEOUT_MS = 30_000


class DatabaseUnavailableError(Exception):
    """The database cannot be reached; the message is one line and holds no password."""


def read_engine(url: str, *, pool_size: int) -> AsyncEngine:
    """Make the engine of the read path: pooled, autocommit, statements prepared and bounded in time."""

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(
            url,
            timeout=CONNECT_TIMEOUT,
            server_settings={
                "application_name": "exchanges-read",
                "timezone": "UTC",
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
            },
        )

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=CONNECT_TIMEOUT,
        pool_pre_ping=False,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,  # what a driver's error quotes may be a text that is not public
    )


def write_engine(url: str, *, pool_size: int | None = None) -> AsyncEngine:
    """Make the engine of the write path: no named statements, so that it passes a PgBouncer.

    With `pool_size`, more writes than that wait for a connection instead of opening their own; writes are
    made one after the other anyway. A connection that the database has dropped is noticed before it is used.
    """

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT, statement_cache_size=0)

    pool: dict[str, Any] = {"poolclass": NullPool}
    if pool_size is not None:
        pool = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": CONNECT_TIMEOUT}
        pool |= {"pool_pre_ping": True}
    return create_async_engine(
        "postgresql+asyncpg://?prepared_statement_cache_size=0",
        async_creator=connect,
        connect_args={"prepared_statement_name_func": lambda: ""},
        hide_parameters=True,
        **pool,
    )


async def check_reachable(url: str) -> None:
    """Connect once.

    Raises:
        DatabaseUnavailableError: with the reason in one line.
    """
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT)
    except (OSError, ValueError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if isinstance(error, ValueError):  # what the driver says of a malformed URL may quote the password
            reason = "it is not of the form postgresql://user:password@host:port/database"
        else:
            reason = " ".join(str(error).split()) or type(error).__name__
        raise DatabaseUnavailableError(f"cannot reach the database of DATABASE_URL: {reason}") from error
    await connection.close()


async def driver_connection(connection: AsyncConnection) -> asyncpg.Connection:
    """Give the driver's own connection, for COPY, which SQLAlchemy does not speak."""
    raw = await connection.get_raw_connection()
    assert raw.driver_connection is not None  # noqa: S101  (a checked-out connection always has one)
    return raw.driver_connection


@asynccontextmanager
async def lent_driver(engine: AsyncEngine) -> AsyncIterator[asyncpg.Connection]:
    """Lend the driver's own connection out of the pool of an engine, for statements that are SQL already.

    This costs a third of what SQLAlchemy's connection does. One that the database has closed meanwhile is
    replaced, and one whose statement was cut off is not used again.
    """
    lent = await engine.raw_connection()
    driver: asyncpg.Connection = lent.driver_connection
    while driver.is_closed():
        await greenlet_spawn(lent.invalidate)
        lent = await engine.raw_connection()
        driver = lent.driver_connection
    try:
        yield driver
    except BaseException as error:
        if driver.is_closed() or not isinstance(error, asyncpg.PostgresError):
            await greenlet_spawn(lent.invalidate)
        raise
    finally:
        if lent.is_valid:
            await greenlet_spawn(lent.close)
