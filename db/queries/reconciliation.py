"""Reading what published totals are set against: the totals, and the exchanges that fit the scope of each.

What they add up to is worked out in `db/reconciling.py`.
"""

import datetime as dt
from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, and_, exists, false, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.checkrecords import ReconciliationSeries, SeriesScope
from db.enums import ExchangeKind, ExchangeStatus, MediationRole, Stance
from db.models.index import (
    NONE,
    CoverageIndex,
    ExchangeIndex,
    FacetIndex,
    FigureIndex,
    MediationIndex,
    OwnValueIndex,
)
from db.normalising import table
from db.queries import lists
from db.queries.conditions import Clause, Condition, Group, Snapshot
from db.queries.wholes import read_all
from db.reconciling import KIND_OF, OF_ANY_KIND, Candidate, Series, measure_of, reconciled, series_of
from db.records import CoverageNote, PublishedTotal

COVERAGE = Group(table(CoverageIndex), "id", of="listed")


async def read_reconciliation(
    connection: AsyncConnection, conditions: Sequence[Condition], snapshot: Snapshot
) -> list[ReconciliationSeries]:
    """Set the series of all published totals that match against our own sums, in the order of their ids.

    The connection must be in a transaction that sees one state.
    """
    totals = await read_all(connection, lists.TOTALS, conditions, snapshot, PublishedTotal)
    found = series_of(totals)
    notes = await _coverage(connection, {KIND_OF[series.scope.category] for series in found}, snapshot)
    return [
        reconciled(
            series,
            await _candidates(connection, series, snapshot),
            [note for note in notes if note.scope == KIND_OF[series.scope.category]],
        )
        for series in found
    ]


async def _coverage(
    connection: AsyncConnection, kinds: set[ExchangeKind], snapshot: Snapshot
) -> list[CoverageNote]:
    """Give the known gaps of exchanges of some kinds, by their first day."""
    of_kind = Condition("scope", COVERAGE, CoverageIndex.scope.in_, tuple(sorted(kinds)))
    return await read_all(connection, lists.COVERAGE, [of_kind], snapshot, CoverageNote)


async def _candidates(connection: AsyncConnection, series: Series, snapshot: Snapshot) -> list[Candidate]:
    """Give the exchanges that fit the scope of a series, from its beginning to its last step."""
    windows = series.windows
    if not windows:
        return []
    scope = series.scope
    exchange, figure, own = table(ExchangeIndex), table(FigureIndex), table(OwnValueIndex)
    claimant = scope.claimant or NONE
    measured = [
        figure.c.exchange_id == exchange.c.id,
        figure.c.measure == measure_of(scope.category),
        snapshot.holds(figure),
    ]
    if scope.released_by is not None:
        measured.append(figure.c.released_by == scope.released_by)
    if scope.received_by is not None:
        measured.append(figure.c.received_by == scope.received_by)
    stated = and_(own.c.figure_id == figure.c.id, own.c.claimant == claimant, snapshot.holds(own))
    of_kind: ColumnElement[bool] = exchange.c.kind == KIND_OF[scope.category]
    if scope.category in OF_ANY_KIND:
        of_kind = or_(of_kind, figure.c.id.is_not(None))
    mediation_stated: ColumnElement[bool] = (
        false()
        if scope.mediator is None
        else _brokered(scope.mediator, snapshot, table(MediationIndex).c.claimant == claimant)
    )
    statement = (
        select(
            exchange.c.id.label("exchange"),
            exchange.c.date,
            exchange.c.kind,
            figure.c.released_by,
            figure.c.received_by,
            figure.c.best,
            own.c.value.label("own"),
            mediation_stated.label("mediation_stated"),
        )
        .select_from(exchange.outerjoin(figure, and_(*measured)).outerjoin(own, stated))
        .where(of_kind, *_fits(scope, windows[0].after, windows[-1].total.as_of, snapshot))
        .order_by(exchange.c.date, exchange.c.id, figure.c.released_by, figure.c.received_by)
    )
    rows = (await connection.execute(statement)).mappings()
    return [Candidate(**{**row, "kind": ExchangeKind(row["kind"])}) for row in rows]


def _fits(scope: SeriesScope, after: dt.date | None, until: dt.date, snapshot: Snapshot) -> Iterator[Clause]:
    """Give the clauses that an exchange took place, between these days, and fits the scope."""
    exchange, facet = table(ExchangeIndex), table(FacetIndex)
    yield snapshot.holds(exchange)
    yield exchange.c.status == ExchangeStatus.COMPLETED
    yield exchange.c.date <= until
    if after is not None:
        yield exchange.c.date > after
    if scope.year is not None:
        yield exchange.c.year == scope.year
    if scope.agreement is not None:
        yield exchange.c.agreement == scope.agreement
    if scope.mediator is not None:
        yield _brokered(scope.mediator, snapshot)
    party = [
        facet.c.resource == "exchange",
        facet.c.facet == "party",
        facet.c.record_id == exchange.c.id,
        snapshot.holds(facet),
    ]
    for actor in scope.parties:
        yield exists().where(*party, facet.c.value == actor)
    yield ~exists().where(*party, facet.c.value.not_in(scope.parties))


def _brokered(mediator: str, snapshot: Snapshot, *more: Clause) -> Clause:
    """Give the clause that somebody asserts an actor to be the mediator of an exchange: no other role."""
    mediation = table(MediationIndex)
    return exists().where(
        mediation.c.exchange_id == table(ExchangeIndex).c.id,
        mediation.c.actor == mediator,
        mediation.c.role == MediationRole.MEDIATOR,
        mediation.c.stance == Stance.ASSERTS,
        snapshot.holds(mediation),
        *more,
    )
