"""What actors are called, as of one state: ids in records, names in words that people read."""

from collections.abc import Collection, Mapping

from sqlalchemy import true
from sqlalchemy.ext.asyncio import AsyncConnection

from db.models.index import ActorIndex
from db.normalising import table
from db.queries import lists
from db.queries.conditions import Snapshot
from db.records import Actor


async def read_names(
    connection: AsyncConnection, snapshot: Snapshot, actors: Collection[str] | None = None
) -> Mapping[str, str]:
    """Give the names of actors by id; of all, if none are named."""
    actor = table(ActorIndex)
    wanted = true() if actors is None else actor.c.id.in_(sorted(actors))
    statement = lists.ACTORS.bodies().where(snapshot.holds(actor), wanted)
    bodies = (await connection.execute(statement)).scalars()
    found = [Actor.model_validate_json(body) for body in bodies]
    return {each.id: each.name for each in found}
