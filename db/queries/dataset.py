"""How large the dataset is in one state, and which days it spans."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.indexing import RECORD_TABLE
from db.models.index import ClaimIndex, ExchangeIndex, FigureIndex, MediationIndex
from db.normalising import table
from db.queries.conditions import Snapshot
from db.queries.pages import State, read_state
from db.rendering import PLURAL

COUNTED = {
    **{PLURAL[resource]: index for resource, index in RECORD_TABLE.items()},
    "claims": table(ClaimIndex),
    "mediations": table(MediationIndex),
    "figures": table(FigureIndex),
}


@dataclass(frozen=True)
class Size:
    """Numbers of records and parts by their plural names, and the days of the first and last exchange."""

    counts: Mapping[str, int]
    first: dt.date | None
    last: dt.date | None


async def read_size(connection: AsyncConnection, snapshot: Snapshot) -> tuple[State, Size]:
    """Count what there is in a state."""
    state = await read_state(connection, snapshot)
    pinned = Snapshot(state.revision)  # so that the counts are of the state that is told
    counts = [
        select(func.count()).select_from(index).where(pinned.holds(index)).scalar_subquery().label(name)
        for name, index in COUNTED.items()
    ]
    exchange = table(ExchangeIndex)
    days = select(func.min(exchange.c.date), func.max(exchange.c.date)).where(pinned.holds(exchange))
    row = (await connection.execute(select(*counts))).mappings().one()
    first, last = (await connection.execute(days)).one()
    return state, Size(dict(row), first, last)
