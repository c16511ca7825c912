"""The connections of the read path: which of them are used again after an error."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from db.lag import LaggingError
from db.queries.conditions import Snapshot
from db.queries.pages import Version, read_state
from db.reader import Reader
from db.session import read_engine, write_engine

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
