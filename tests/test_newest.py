"""What is kept becomes old: by a write of this process at once, by that of another soon, and for good."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import Resource
from db.newest import Newest
from tests.curating import CACHED, Curator, curating
from tests.keeping import version
from tests.writing import changed, put, put_small

pytestmark = pytest.mark.anyio


@pytest.fixture
async def curator(engine: AsyncEngine, server_url: str) -> AsyncIterator[Curator]:
    """A curator of a small dataset, through an application that keeps answers."""
    await put_small(engine)
    async with curating(engine, server_url, CACHED) as made:
        yield made


async def seen(curator: Curator, text: str) -> None:
    """Wait until the list tells of a text."""
    for _ in range(3000):
        if text in (await curator.get("/v1/exchanges")).text:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{text!r} does not come")


async def test_a_write_is_seen_by_the_next_read(curator: Curator) -> None:
    path = "/v1/exchanges/first"
    for number in range(20):
        summary = f"Handover {number}."
        before = await curator.get("/v1/exchanges")
        await curator.change("PATCH", path, {"summary": summary})
        one, all_ = await curator.get(path), await curator.get("/v1/exchanges")
        assert one.json()["summary"] == summary
        assert summary in all_.text
        seen_revision = int(all_.headers["x-dataset-revision"])
        assert seen_revision > int(before.headers["x-dataset-revision"])


async def test_reads_beside_writes_never_go_back(curator: Curator) -> None:
    """Reads that began before a write, and end after it, must not make what they saw the newest again."""
    over = asyncio.Event()

    async def read() -> None:
        while not over.is_set():
            await curator.get("/v1/exchanges")
            await asyncio.sleep(0)  # what is kept is answered without a pause

    readers = [asyncio.create_task(read()) for _ in range(4)]
    for number in range(20):
        summary = f"Handover {number}."
        await curator.change("PATCH", "/v1/exchanges/first", {"summary": summary})
        assert summary in (await curator.get("/v1/exchanges")).text
    over.set()
    await asyncio.gather(*readers)


async def test_a_write_of_another_process_is_seen_soon(curator: Curator, engine: AsyncEngine) -> None:
    assert "Elsewhere." not in (await curator.get("/v1/exchanges")).text
    await put(engine, await changed(engine, Resource.EXCHANGE, "first", summary="Elsewhere."))
    await seen(curator, "Elsewhere.")


async def test_a_lost_connection_is_made_anew(curator: Curator, engine: AsyncEngine) -> None:
    await curator.get("/v1/exchanges")
    async with engine.connect() as connection:
        ended = await connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'exchanges-read' AND datname = current_database()"
        )
        assert all(ended.scalars())
    await put(engine, await changed(engine, Resource.EXCHANGE, "first", summary="After."))
    await seen(curator, "After.")


def test_the_newest_version_never_goes_back() -> None:
    newest = Newest()
    newest.looked(version(3), newest.writes)
    newest.seen(version(2), newest.writes)
    assert newest.version == version(3)
    newest.seen(version(3, names=2), newest.writes)
    assert newest.version == version(3, names=2)
    newest.seen(version(1, epoch=1), newest.writes)
    assert newest.version == version(1, epoch=1), "a restored backup begins anew"


def test_what_was_read_before_a_write_does_not_tell_the_newest_version() -> None:
    newest = Newest()
    newest.looked(version(2), newest.writes)
    before = newest.writes
    newest.outdated()
    newest.seen(version(2), before)
    assert newest.version is None
    newest.seen(version(3), newest.writes)
    assert newest.version == version(3)


def test_while_nobody_looks_nothing_is_known() -> None:
    newest = Newest()
    newest.seen(version(1), newest.writes)
    assert newest.version is None
    newest.looked(version(1), newest.writes)
    newest.lost()
    newest.seen(version(2), newest.writes)
    assert newest.version is None
