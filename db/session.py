"""How the service connects: one driver (asyncpg), engines made from a URL that is never parsed here.

Engines are made by whoever runs the service and travel by argument; nothing connects at import.
"""

import math
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from asyncpg.exceptions import TargetServerAttributeNotMatched
from sqlalchemy import event
from sqlalchemy.engine import AdaptedConnection, ExceptionContext
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlalchemy.util import greenlet_spawn

from db.lag import note_standby
from db.timing import CountingPool, TimedConnection, tell_of_statements

CONNECT_TIMEOUT = 10.0
STATEMENT_TIMEOUT_MS = 30_000
LOCK_TIMEOUT_MS = 10_000  # writes are made one after the other: so long one waits for its turn
IDLE_TIMEOUT_MS = 60_000  # of a transaction whose process is gone without a word, and with it the lock
# A server that is gone without a word never cancels a statement: this is told from here, and later.
SECONDS_OF_GRACE = 5
COMMAND_TIMEOUT = STATEMENT_TIMEOUT_MS / 1000 + SECONDS_OF_GRACE
# The bounds of one transaction. PgBouncer refuses them as parameters of a connection, and what is set for
# longer than a transaction would stay with the server's connection, for whoever has it next.
BOUNDS = (
    f"SELECT set_config('statement_timeout', '{STATEMENT_TIMEOUT_MS}', true), "
    f"set_config('lock_timeout', '{LOCK_TIMEOUT_MS}', true), "
    f"set_config('idle_in_transaction_session_timeout', '{IDLE_TIMEOUT_MS}', true)"
)
READ_ONLY = "25006"  # what a server says to a write once it is no longer the primary

_OPENING = "opening"  # in what is known of a connection: the transaction in which it is set up
_HOSTS = re.compile(r"(postgres(?:ql)?://(?:[^@/?#]*@)?)([^@/?#]+)(.*)", re.DOTALL)


class BoundedConnection(TimedConnection):
    """A connection whose transactions are bounded in time, by the very message that begins them."""

    __slots__ = ()

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        """Run a statement."""
        if query.startswith("BEGIN"):
            query += BOUNDS
        return await super().execute(query, *args, **options)


class DatabaseUnavailableError(Exception):
    """The database cannot be reached; the message is one line and holds no password."""


class OutcomeUnknownError(Exception):
    """The database was lost in a commit: whether the transaction was committed cannot be told."""


def read_engine(
    url: str, *, pool_size: int, statement_timeout: float = STATEMENT_TIMEOUT_MS / 1000
) -> AsyncEngine:
    """Make the engine of the read path: pooled, autocommit, statements prepared and bounded in time.

    A URL may name several hosts: each connection begins at another one.
    """

    async def connect() -> asyncpg.Connection:
        return await _connected(
            shuffled(url),
            command_timeout=statement_timeout + SECONDS_OF_GRACE,
            server_settings={
                "application_name": "exchanges-read",
                "timezone": "UTC",
                "statement_timeout": str(math.ceil(statement_timeout * 1000)),
            },
        )

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        poolclass=CountingPool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=CONNECT_TIMEOUT,
        pool_pre_ping=False,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,  # what a driver's error quotes may be a text that is not public
    )
    _drop_what_is_lost(engine)
    event.listen(engine.sync_engine, "checkout", _note_standby)
    tell_of_statements(engine)
    return engine


def write_engine(
    url: str, *, pool_size: int | None = None, pool_timeout: float = CONNECT_TIMEOUT
) -> AsyncEngine:
    """Make the engine of the write path, which passes a PgBouncer: it names no statement there.

    With `pool_size`, what the driver is given by itself is prepared once for each connection to a server that
    nothing stands before, since planning a write takes longer than making it. And statements are bounded in
    time, and more writes than that wait for a connection instead of opening their own; writes are made one
    after the other anyway. A connection that the database has dropped is noticed before it is used.
    """

    settings = {"application_name": "exchanges-write", "timezone": "UTC"}

    async def connect() -> asyncpg.Connection:
        if pool_size is None:
            return await _connected(url, statement_cache_size=0, server_settings=settings)
        bounds = {"command_timeout": COMMAND_TIMEOUT, "server_settings": settings}
        connection = await _connected(url, BoundedConnection, **bounds)
        if await _is_passed_on(connection):
            await connection.close()
            return await _connected(url, BoundedConnection, statement_cache_size=0, **bounds)
        return connection

    pool: dict[str, Any] = {"poolclass": NullPool}
    if pool_size is not None:
        pool = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": pool_timeout}
        pool |= {"poolclass": CountingPool}
    engine = create_async_engine(
        "postgresql+asyncpg://?prepared_statement_cache_size=0",
        async_creator=connect,
        connect_args={"prepared_statement_name_func": lambda: ""},
        hide_parameters=True,
        **pool,
    )
    # Behind a PgBouncer, statements outside of a transaction may each go to another server, even the two
    # halves of one: what SQLAlchemy asks of a new connection is asked inside of one.
    event.listen(engine.sync_engine, "connect", _begin, insert=True)
    event.listen(engine.sync_engine, "connect", _end)
    if pool_size is not None:
        _drop_what_is_lost(engine)
        event.listen(engine.sync_engine, "checkout", _refuse_lost)
        tell_of_statements(engine)
    return engine


def shuffled(url: str) -> str:
    """Give a URL with its hosts in another order: drivers always take the first of a list that will do.

    Nothing else of it is looked at. Ports that are not beside their hosts would go to others, so that such a
    URL stays as it is.
    """
    match = _HOSTS.fullmatch(url)
    if match is None or "port=" in match[3]:
        return url
    hosts = match[2].split(",")
    random.shuffle(hosts)
    return f"{match[1]}{','.join(hosts)}{match[3]}"


async def commit(connection: AsyncConnection) -> None:
    """Commit.

    Raises:
        OutcomeUnknownError: nobody can tell whether it was; else an error means that it was not.
    """
    try:
        await connection.commit()
    except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        sqlstate = str(getattr(cause, "sqlstate", None) or "")
        if sqlstate and sqlstate[:2] not in {"08", "57"}:
            raise
        raise OutcomeUnknownError("the database was lost in a commit") from error


async def _connected(
    url: str, connection_class: type[asyncpg.Connection] = TimedConnection, **options: Any
) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(
            url, timeout=CONNECT_TIMEOUT, connection_class=connection_class, **options
        )
    except TargetServerAttributeNotMatched as error:
        raise DatabaseUnavailableError(" ".join(str(error).split())) from error


async def _is_passed_on(connection: asyncpg.Connection) -> bool:
    """Tell whether statements may each go to another server: what passes them on names no process of one."""
    async with connection.transaction():
        statement = await connection.prepare("SELECT pg_backend_pid()", name="")
        return bool(await statement.fetchval() != connection.get_server_pid())


def _drop_what_is_lost(engine: AsyncEngine) -> None:
    """Let go of all connections of a pool once one turns out to be lost, so that no two requests fail."""
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    event.listen(engine.sync_engine, "handle_error", _note_lost)


def _refuse_closed(connection: AdaptedConnection, _record: object, _lent: object) -> None:
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError("the server has closed the connection")


def _refuse_lost(connection: AdaptedConnection, _record: object, _lent: object) -> None:
    """Refuse a connection that nobody answers at.

    SQLAlchemy's own test takes five messages where one will do.
    """
    try:
        connection.run_async(_answer)
    except (
        OSError,
        TimeoutError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
    ) as error:
        raise InvalidatePoolError("the server does not answer") from error


async def _answer(driver: asyncpg.Connection) -> None:
    await driver.execute("SELECT 1")


def _note_standby(connection: AdaptedConnection, _record: object, _lent: object) -> None:
    """Note what kind of server will be read from: it tells by itself, also when that changes."""
    if getattr(connection.driver_connection.get_settings(), "in_hot_standby", None) != "off":
        note_standby()


def _note_lost(context: ExceptionContext) -> None:
    error = context.original_exception
    if isinstance(error, TimeoutError) or getattr(error, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True


def _begin(connection: AdaptedConnection, record: ConnectionPoolEntry) -> None:
    async def begin(driver: asyncpg.Connection) -> None:
        record.info[_OPENING] = driver.transaction()
        await record.info[_OPENING].start()

    connection.run_async(begin)


def _end(connection: AdaptedConnection, record: ConnectionPoolEntry) -> None:
    connection.run_async(lambda _: record.info.pop(_OPENING).rollback())


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


@asynccontextmanager
async def driver_of(connection: AsyncConnection) -> AsyncIterator[asyncpg.Connection]:
    """Lend the driver's own connection: for COPY, which SQLAlchemy does not speak, and what it is slow at.

    One whose statement was cut off is not used again.
    """
    raw = await connection.get_raw_connection()
    assert raw.driver_connection is not None  # noqa: S101  (a checked-out connection always has one)
    try:
        yield raw.driver_connection
    except BaseException as error:
        if not isinstance(error, asyncpg.PostgresError):
            await connection.invalidate()
        raise


@asynccontextmanager
async def lent_driver(engine: AsyncEngine) -> AsyncIterator[asyncpg.Connection]:
    """Lend the driver's own connection out of the pool of an engine, for statements that are SQL already.

    This costs a third of what SQLAlchemy's connection does. One whose statement was cut off is not used
    again.
    """
    lent = await engine.raw_connection()
    driver: asyncpg.Connection = lent.driver_connection
    try:
        yield driver
    except BaseException as error:
        if driver.is_closed() or not isinstance(error, asyncpg.PostgresError):
            await greenlet_spawn(lent.invalidate)
        raise
    finally:
        if lent.is_valid:
            await greenlet_spawn(lent.close)
