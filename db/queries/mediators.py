"""Who is said to have brokered exchanges, and in how many: counted from the mediations of one state."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import MediationRole, Stance
from db.indexing import MEDIATING
from db.models.index import NONE, MediationIndex
from db.normalising import table
from db.queries.conditions import Snapshot
from db.queries.pages import State, read_state
from db.records import MediationCount, Mediator, WithExchangesLinks


async def read_mediators(connection: AsyncConnection, snapshot: Snapshot) -> tuple[State, Sequence[Mediator]]:
    """Give all mediators in the order of their ids, with their counts by role, stance and claimant."""
    state = await read_state(connection, snapshot)
    pinned = Snapshot(state.revision)  # so that the rows are of the state that is told
    mediation = table(MediationIndex)
    by_role = (mediation.c.role, mediation.c.stance, mediation.c.claimant)
    brokered = and_(mediation.c.stance == Stance.ASSERTS, mediation.c.role.in_(sorted(MEDIATING)))
    # An exchange that several sources or roles name the mediator of counts once.
    once = func.count(mediation.c.exchange_id.distinct()).filter(brokered)
    totals = select(mediation.c.actor, once).where(pinned.holds(mediation)).group_by(mediation.c.actor)
    exchanges: dict[str, int] = dict((await connection.execute(totals)).all())
    counts = (
        select(mediation.c.actor, *by_role, func.count(mediation.c.exchange_id.distinct()).label("exchanges"))
        .where(pinned.holds(mediation))
        .group_by(mediation.c.actor, *by_role)
        .order_by(mediation.c.actor, *by_role)
    )
    rows = (await connection.execute(counts)).all()
    return state, [
        _mediator(actor, exchanges[actor], [_count(row) for row in group])
        for actor, group in groupby(rows, key=lambda row: str(row.actor))
    ]


def _count(row: Any) -> MediationCount:
    return MediationCount(
        role=MediationRole(row.role),
        stance=Stance(row.stance),
        claimant=None if row.claimant == NONE else row.claimant,
        exchanges=row.exchanges,
    )


def _mediator(actor: str, exchanges: int, counts: Sequence[MediationCount]) -> Mediator:
    links = WithExchangesLinks(self=f"/v1/mediators/{actor}", exchanges=f"/v1/exchanges?mediator={actor}")
    return Mediator(id=actor, exchanges=exchanges, counts=tuple(counts), links=links)
