"""Whether articles and exchanges of given ids exist, and which ids are spelt most like one that does not."""

from collections.abc import Collection
from difflib import get_close_matches

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import Resource
from db.indexing import RECORD_TABLE

CANDIDATES = 500
PREFIX = 4


async def unknown_ids(connection: AsyncConnection, resource: Resource, ids: Collection[str]) -> set[str]:
    """Give those of the ids that no record, current or past, has ever had."""
    column = RECORD_TABLE[resource].c.id
    known = await connection.execute(select(column).distinct().where(column.in_(ids)))
    return set(ids).difference(known.scalars())


async def near_ids(connection: AsyncConnection, resource: Resource, wanted: str) -> tuple[str, ...]:
    """Give the ids of current records that begin alike and are spelt most like this one."""
    index = RECORD_TABLE[resource]
    alike = (
        select(index.c.id)
        .where(index.c.to_revision.is_(None), func.starts_with(index.c.id, wanted[:PREFIX]))
        .order_by(index.c.id)
        .limit(CANDIDATES)
    )
    candidates = list((await connection.execute(alike)).scalars())
    return tuple(get_close_matches(wanted, candidates, n=3))
