"""Reading whole lists: every body that matches, batch by batch, in memory that does not grow with them."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.queries.conditions import Condition, Snapshot, where
from db.queries.pages import Listed, Sort

BATCH = 500


async def read_bodies(
    connection: AsyncConnection,
    listed: Listed,
    conditions: Sequence[Condition],
    snapshot: Snapshot,
    sort: Sort,
) -> AsyncIterator[Sequence[str]]:
    """Give the bodies of a whole list in its order, some hundred at a time.

    The connection must be in a transaction: the rows come through a cursor of the server's.
    """
    clauses = where(conditions, listed.table, listed.exchange, snapshot)
    key, id_ = sort.key, listed.table.c.id
    order = [key.desc(), id_.desc()] if sort.descending else [key.asc(), id_.asc()]
    statement = listed.bodies().where(snapshot.holds(listed.table), *clauses).order_by(*order)
    async with connection.stream(statement.execution_options(yield_per=BATCH)) as result:
        async for rows in result.scalars().partitions():
            yield rows


async def count_bodies(
    connection: AsyncConnection, listed: Listed, conditions: Sequence[Condition], snapshot: Snapshot
) -> int:
    """Tell how many bodies read_bodies() would give."""
    clauses = where(conditions, listed.table, listed.exchange, snapshot)
    counted = select(func.count()).select_from(listed.table).where(snapshot.holds(listed.table), *clauses)
    return (await connection.execute(counted)).scalar_one()
