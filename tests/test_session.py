"""The connections of the read path: which of them are used again after an error."""

import asyncio
import logging
import select
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import asyncpg
import pytest
from sqlalchemy.exc import InternalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.errors import HANDLERS, database_problem
from api.problems import ProblemCode
from db.lag import LaggingError
from db.queries.conditions import Snapshot
from db.queries.pages import Version, read_state
from db.reader import Reader
from db.session import driver_of, read_engine, write_engine
from tests.deployment import program, running
from tests.embedded_users import IS_ROOT
from tests.live import apart
from tests.serving import free_port

pytestmark = pytest.mark.anyio


@pytest.fixture
async def reader(read_only_url: str) -> AsyncIterator[Reader]:
    engine = read_engine(read_only_url, pool_size=1)
    yield Reader(engine)
    await engine.dispose()


async def server_process(reader: Reader) -> int:
    async with reader.driver() as driver:
        return int(driver.get_server_pid())


async def test_a_connection_whose_statement_was_cut_off_is_not_used_again(reader: Reader) -> None:
    before = await server_process(reader)
    begun = asyncio.Event()

    async def sleep(timeout: float | None = None) -> None:  # noqa: ASYNC109  (the driver's own)
        async with reader.driver() as driver:
            begun.set()
            await driver.fetchval("SELECT pg_sleep(60)", timeout=timeout)

    with pytest.raises(TimeoutError):
        await sleep(timeout=0.05)
    after = await server_process(reader)
    assert after != before
    begun.clear()
    sleeping = asyncio.create_task(sleep())
    await begun.wait()
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert await server_process(reader) != after


async def by_library(connection: AsyncConnection) -> None:
    await connection.exec_driver_sql("SELECT 1")


async def by_driver(connection: AsyncConnection) -> None:
    async with driver_of(connection) as driver:
        await driver.fetch("SELECT 1")


@pytest.mark.parametrize("make", [read_engine, write_engine])
@pytest.mark.parametrize("ask", [by_library, by_driver])
async def test_a_server_that_has_only_said_farewell_is_lost(
    read_only_url: str, make: Callable[..., AsyncEngine], ask: Callable[[AsyncConnection], Awaitable[None]]
) -> None:
    """Between its last words and the end of the connection the driver fails in a way of its own."""

    async def end(process: int) -> None:
        other = await asyncpg.connect(read_only_url)
        await other.execute("SELECT pg_terminate_backend($1)", process)
        await other.close()

    engine = make(read_only_url, pool_size=1)
    async with engine.connect() as connection:
        await ask(connection)
        async with driver_of(connection) as driver:
            socket = driver._transport.get_extra_info("socket").fileno()
        apart(end(driver.get_server_pid()))  # the loop stands still: nothing of it is read yet
        assert select.select([socket], [], [], 60)[0]
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the last words have been read, and the end has not
        with pytest.raises(Exception, match=r"another operation .* in progress") as raised:
            await ask(connection)
        assert isinstance(raised.value, InternalError | asyncpg.InternalClientError)
        assert database_problem(raised.value) is ProblemCode.DATABASE_UNAVAILABLE
        assert type(raised.value) in HANDLERS or isinstance(raised.value, SQLAlchemyError)
        assert connection.invalidated
    async with engine.connect() as connection:
        await ask(connection)
    await engine.dispose()


async def test_pools_that_come_and_go_are_not_logged(
    reader: Reader, read_only_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    engine = write_engine(read_only_url, pool_size=1)
    async with engine.connect():
        await server_process(reader)
    await engine.dispose()
    await reader.engine.dispose()
    assert caplog.records == []


@asynccontextmanager
async def bouncer(url: str, folder: Path) -> AsyncIterator[str]:
    """Run a PgBouncer in transaction mode before a database, and give the URL by which it is reached."""
    asked = await asyncpg.connect(url)
    to = {name: await asked.fetchval(f"SHOW {name}") for name in ("port", "unix_socket_directories")}
    name, user = await asked.fetchval("SELECT current_database()"), await asked.fetchval("SELECT user")
    await asked.close()
    parts, port = urlsplit(url), free_port()
    folders = to["unix_socket_directories"]
    account = "nobody" if parts.hostname else await anyio.Path(folders).owner()
    login = {"host": parts.hostname or folders, "port": to["port"], "user": user}
    login |= {"password": parts.password} if parts.password else {}
    told = " ".join(f"{key}={value}" for key, value in login.items())
    file = folder / "pgbouncer.ini"
    file.write_text(
        f"[databases]\n{name} = {told}\n[pgbouncer]\npool_mode = transaction\nauth_type = any\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        # It does not run as root, and into the folder of a socket nobody else may get.
        + (f"user = {account}\n" if IS_ROOT else "")
    )
    passing = f"postgresql://{user}@127.0.0.1:{port}/{name}"
    with running([program("pgbouncer"), "--quiet", str(file)], folder / "pgbouncer.log") as process:
        async with asyncio.timeout(60):
            while process.poll() is None:
                with suppress(OSError):
                    await (await asyncpg.connect(passing)).close()
                    break
        yield passing


async def kept_prepared(url: str) -> list[str]:
    """Ask something by the driver, and give the statements that the server keeps prepared then."""
    engine = write_engine(url, pool_size=1)
    async with engine.connect() as connection:
        await by_library(connection)
        await by_driver(connection)
        async with driver_of(connection) as driver:
            kept = await driver.fetch("SELECT statement FROM pg_prepared_statements")
    await engine.dispose()
    return [row["statement"] for row in kept]


async def test_a_server_keeps_prepared_what_nothing_passes_on(read_only_url: str, tmp_path: Path) -> None:
    """Behind a PgBouncer the next transaction may go to another server, which knows no such name."""
    assert "SELECT 1" in await kept_prepared(read_only_url)
    async with bouncer(read_only_url, tmp_path) as url:
        assert await kept_prepared(url) == []


async def renumbered(reader: Reader, statement: str) -> None:
    """Change the row of the dataset as a restored backup would, and nothing else."""
    async with reader.driver() as driver:
        await driver.execute(f"ALTER TABLE dataset DISABLE TRIGGER USER; UPDATE dataset SET {statement}")


async def test_names_of_another_epoch_are_let_go_of(loaded_url: str) -> None:
    """A dataset that was restored has fewer revisions than before, and other names."""
    reader = Reader(read_engine(loaded_url, pool_size=2))
    async with reader.connection() as connection:
        before = await reader.vocabulary(connection)
        known = Version(before.epoch, before.revision, before.revision)
        assert not reader.forget_before(known)
        assert not await reader.forget_if_stale(connection)
        await renumbered(reader, "epoch = gen_random_uuid(), vocabulary_revision = 0")
        assert await reader.forget_if_stale(connection)
        after = await reader.vocabulary(connection)
        assert (after.revision, after.epoch) == (0, (await read_state(connection, Snapshot())).epoch)
        assert reader.forget_before(known), "and the other way round"
        with pytest.raises(LaggingError):  # once: the server may not have been restored yet
            await reader.vocabulary(connection)
        assert await reader.vocabulary(connection) == after
    await reader.engine.dispose()
