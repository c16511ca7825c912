"""Verification: a sound dataset has no fault, and each way of tampering is named."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import Resource
from db.rendering import INPUT_OF
from db.stored import read_stored
from db.storing import read_current
from db.verify import verify
from db.writes import stored_input, write
from tests.writing import stored_ids

pytestmark = pytest.mark.anyio

EXCHANGE = "2024-12-30-russia-ukraine"


async def faults(engine: AsyncEngine) -> list[str]:
    return [fault async for fault in verify(engine)]


async def tamper(engine: AsyncEngine, *statements: str) -> None:
    """Change rows as somebody could who owns the database and switches its triggers off."""
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            await connection.execute(text(statement), {"id": EXCHANGE})


async def test_the_shipped_dataset_is_sound(loaded_engine: AsyncEngine) -> None:
    assert await faults(loaded_engine) == []


async def test_an_empty_dataset_is_sound(engine: AsyncEngine) -> None:
    assert await faults(engine) == []


async def test_rows_tell_what_curators_wrote(loaded_engine: AsyncEngine) -> None:
    ids = await stored_ids(loaded_engine)
    async with loaded_engine.connect() as connection:
        for resource in INPUT_OF:
            named = sorted(ids[resource])
            served = await read_current(connection, resource, named)
            rows = {item.id: item for item in await read_stored(connection, resource, named)}
            assert rows == {id_: stored_input(resource, each.body) for id_, each in served.items()}


async def test_updates_are_sound(loaded_engine: AsyncEngine) -> None:
    async with loaded_engine.connect() as connection:
        (exchange,) = await read_stored(connection, Resource.EXCHANGE, [EXCHANGE])
    await write(loaded_engine, [exchange.model_copy(update={"summary": "Synthetic."})], reason="a test")
    assert await faults(loaded_engine) == []


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (
            ["UPDATE revision SET reason = 'another' WHERE record_id = :id"],
            [f"exchange {EXCHANGE} revision 1: the hash chain is broken at dataset revision 1"],
        ),
        (
            ["UPDATE revision SET body = replace(body, '189', '190') WHERE record_id = :id"],
            [
                f"exchange {EXCHANGE} revision 1: the body is not the one that was written",
                f"exchange {EXCHANGE}: what is served differs from its rows",
            ],
        ),
        (
            ["UPDATE claim SET count = count + 1 WHERE exchange_id = :id"],
            [f"exchange {EXCHANGE}: what is served differs from its rows"],
        ),
        (
            ["UPDATE exchange_citation SET position = -position WHERE exchange_id = :id"],
            [f"exchange {EXCHANGE}: what is served differs from its rows"],
        ),
        (
            ["DELETE FROM exchange WHERE id = :id"],
            [f"exchange {EXCHANGE}: is served, but has no rows"],
        ),
        (
            ["UPDATE exchange_index SET to_revision = 2 WHERE id = :id"],
            [f"exchange {EXCHANGE}: has rows, but is not served"],
        ),
        (["UPDATE dataset SET head = '\\x00'"], ["the head of the hash chain is not the hash"]),
        (["UPDATE dataset SET revision = 2"], ["dataset revisions are not numbered from 1 to 2"]),
        (["UPDATE dataset_revision SET entries = 3"], ["dataset revision 1 has 2112 changes where 3 were"]),
        (
            ["DELETE FROM revision WHERE record_id = :id"],
            ["the hash chain is broken", "something is missing before", "its last revision is missing"],
        ),
    ],
)
async def test_tampering_is_named(loaded_engine: AsyncEngine, statements: list[str], told: list[str]) -> None:
    await tamper(loaded_engine, *statements)
    found = await faults(loaded_engine)
    for part in told:
        assert any(part in fault for fault in found), found
