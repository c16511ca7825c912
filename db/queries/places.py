"""Where exchanges happened, in the widest sense: which states took part in them."""

from collections.abc import Sequence

from sqlalchemy import exists
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import ActorKind, Resource
from db.models.index import FacetIndex
from db.normalising import table
from db.queries.conditions import Snapshot
from db.queries.lists import ACTORS
from db.records import Actor


async def read_places(connection: AsyncConnection, snapshot: Snapshot) -> Sequence[str]:
    """Give the names of the states that are parties to an exchange, in order."""
    actor, facet = ACTORS.table, table(FacetIndex)
    party = exists().where(  # actors are few: one look into an index for each, however many exchanges
        facet.c.resource == Resource.EXCHANGE,
        facet.c.facet == "party",
        facet.c.value == actor.c.id,
        snapshot.holds(facet),
    )
    states = ACTORS.bodies().where(snapshot.holds(actor), actor.c.kind == ActorKind.STATE, party)
    bodies = (await connection.execute(states)).scalars()
    return sorted(Actor.model_validate_json(body).name for body in bodies)
