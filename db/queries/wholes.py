"""Reading all records of a list that match, as records rather than text, for what is computed over them.

How a list is read as it is served is in `db/queries/pages.py` and `db/queries/bodies.py`.
"""

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from db.fields import Model
from db.queries.bodies import read_bodies
from db.queries.conditions import Condition, Snapshot
from db.queries.pages import Listed

Item = TypeVar("Item", bound=Model)


async def read_all(
    connection: AsyncConnection,
    listed: Listed,
    conditions: Sequence[Condition],
    snapshot: Snapshot,
    model: type[Item],
) -> list[Item]:
    """Give all records of a list with dates that match, in order of date.

    The connection must be in a transaction: the rows come through a cursor of the server's.
    """
    return [
        model.model_validate_json(body)
        async for bodies in read_bodies(connection, listed, conditions, snapshot, listed.sorts["date"])
        for body in bodies
    ]
