"""The connections of the read path: which of them are used again after an error."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from db.reader import Reader
from db.session import read_engine

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
