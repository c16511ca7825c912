"""How tests write records through the one door, and a small dataset that they write. No test lives here."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from db.base import Base
from db.enums import Resource
from db.indexing import RECORD_TABLE
from db.models.history import Revision
from db.normalising import table
from db.rendering import INPUT_OF, Input
from db.writes import Outcome, stored_input, write
from tests.synthetic import (
    Record,
    actor,
    agreement,
    article,
    claim,
    coverage,
    exchange,
    mediation,
    publisher,
    total,
)

R = Resource


def made(resource: Resource, record: Record) -> Input:
    """Validate a made-up record as a curator's input."""
    return INPUT_OF[resource].model_validate_json(json.dumps(record))


def small_dataset() -> list[Input]:
    """Give a few records of every kind: `first` cites page-1 only, `second` page-2 only."""
    term = {"id": "talks:t1", "category": "total", "count": 9, "qualifier": "exact", "each_side": True}
    term |= {"released_by": None, "received_by": None, "claimant": None, "note": None}
    second = exchange(
        "second",
        date="2020-03-01",
        claims=[claim("second:c1", count=7, citations=["page-2"])],
        mediations=[mediation("second:m1", citations=["page-2"])],
        citations=["page-2"],
    )
    return [
        *(made(R.ACTOR, actor(id_)) for id_ in ("north", "south", "east")),
        *(made(R.PUBLISHER, publisher(id_)) for id_ in ("gazette", "herald")),
        *(made(R.ARTICLE, article(id_)) for id_ in ("page-1", "page-2", "page-3")),
        made(R.AGREEMENT, agreement("talks", terms=[term | {"citations": ["page-1"]}])),
        made(R.EXCHANGE, exchange("first")),
        made(R.EXCHANGE, second),
        made(R.TOTAL, total("total-1")),
        made(R.TOTAL, total("total-2", citations=["page-2"])),
        made(R.COVERAGE, coverage("winter")),
    ]


async def stored_ids(engine: AsyncEngine) -> Mapping[Resource, frozenset[str]]:
    """Give the ids of all current records."""
    found = {}
    async with engine.connect() as connection:
        for resource, index in RECORD_TABLE.items():
            rows = await connection.execute(select(index.c.id).where(index.c.to_revision.is_(None)))
            found[resource] = frozenset(rows.scalars())
    return found


async def put(engine: AsyncEngine, *inputs: Input, reason: str = "a test") -> Outcome:
    return await write(engine, inputs, reason=reason)


async def put_small(engine: AsyncEngine) -> Outcome:
    return await put(engine, *small_dataset())


async def changed(engine: AsyncEngine, resource: Resource, record_id: str, **fields: Any) -> Input:
    """Give what is stored of a record, with some fields replaced, as an input to write."""
    (item,) = await stored(engine, resource, [record_id])
    return INPUT_OF[resource].model_validate_json(json.dumps(json.loads(item.model_dump_json()) | fields))


async def stored(engine: AsyncEngine, resource: Resource, ids: Iterable[str]) -> list[Input]:
    """Give the current records of these ids as inputs, in the order of the ids."""
    index, revision = RECORD_TABLE[resource], table(Revision)
    here = (revision.c.dataset_revision == index.c.from_revision) & (revision.c.position == index.c.position)
    statement = (
        select(index.c.id, revision.c.body)
        .join(revision, here)
        .where(index.c.id.in_(list(ids)), index.c.to_revision.is_(None))
        .order_by(index.c.id)
    )
    async with engine.connect() as connection:
        return [stored_input(resource, body) for _, body in (await connection.execute(statement)).all()]


async def busy(engine: AsyncEngine) -> None:
    """Write a good deal of everything, with parts that go, come back, change and stay."""
    await put_small(engine)
    await put(engine, await changed(engine, R.EXCHANGE, "first", claims=[claim("first:c1", count=6)]))
    await put(engine, await changed(engine, R.ARTICLE, "page-2", title="A page"))
    await put(engine, await changed(engine, R.EXCHANGE, "first", date="2020-02-02", mediations=[]))
    await put(engine, await changed(engine, R.EXCHANGE, "second", mediations=[]))
    claims = [claim("first:c1", count=6), claim("first:c2", category="military")]
    await put(engine, await changed(engine, R.EXCHANGE, "first", claims=claims))
    brokered = [mediation("second:m1", actor="north", citations=["page-2"])]
    await put(engine, await changed(engine, R.EXCHANGE, "second", mediations=brokered))
    await put(engine, await changed(engine, R.AGREEMENT, "talks", parties=["east", "south"]))
    await put(engine, await changed(engine, R.ACTOR, "east", aliases=["Orient"]))
    await put(engine, await changed(engine, R.TOTAL, "total-2", parties=["east", "south"]))


async def everything(engine: AsyncEngine) -> dict[str, list[tuple[Any, ...]]]:
    """Give the content of every table."""
    async with engine.connect() as connection:
        return {
            each.name: sorted(map(repr, (await connection.execute(select(each))).all()))  # type: ignore[misc]
            for each in Base.metadata.sorted_tables
        }
