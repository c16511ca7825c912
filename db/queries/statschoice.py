"""What statistics are made of: which exchanges a query chooses, and which directions and rows of these.

How the rows are summed is in `db/queries/statsql.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, cast, exists, func, or_, select
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.sql.expression import ColumnClause
from sqlalchemy.sql.visitors import replacement_traverse

from db.enums import ExchangeKind, ExchangeStatus
from db.models.index import NONE, ExchangeIndex, FacetIndex, FigureIndex, OwnValueIndex
from db.normalising import table
from db.queries.conditions import Clause, Condition, Group, Snapshot, where

EXCHANGE, FIGURE, OWN = table(ExchangeIndex), table(FigureIndex), table(OwnValueIndex)


class StatsDimension(StrEnum):
    """What statistics can be grouped by."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    MEDIATOR = "mediator"
    MEDIATOR_ROLE = "mediator_role"
    RELEASED_BY = "released_by"
    RECEIVED_BY = "received_by"
    DIRECTION = "direction"
    KIND = "kind"
    CLAIMANT = "claimant"
    AGREEMENT = "agreement"
    PUBLISHER = "publisher"


class StatsMeasure(StrEnum):
    """What statistics sum: exchanges, or a measure of figures."""

    EXCHANGES = "exchanges"
    PERSONS = "persons"
    REMAINS = "remains"
    MILITARY = "military"
    CIVILIAN = "civilian"
    CHILD = "child"
    WOUNDED = "wounded"


D = StatsDimension
DIRECTIONAL = frozenset({D.RELEASED_BY, D.RECEIVED_BY, D.DIRECTION})
_DAY = cast(EXCHANGE.c.date, TIMESTAMP)
OF_EXCHANGE: Mapping[D, ColumnElement[Any]] = {
    D.YEAR: EXCHANGE.c.year,
    D.QUARTER: func.date_trunc("quarter", _DAY, type_=TIMESTAMP),
    D.MONTH: func.date_trunc("month", _DAY, type_=TIMESTAMP),
    D.KIND: EXCHANGE.c.kind,
    D.AGREEMENT: EXCHANGE.c.agreement,
}


@dataclass(frozen=True, kw_only=True)
class StatsQuery:
    """What is summed.

    `exchanges` choose exchanges, completed ones unless they ask for a status themselves, and `directions`,
    about columns of `figure_index`, directions of figures.
    `several`: whose rows the values of a dimension are, and in which column, where an exchange has several.
    `claimants`: None sums the figures; else only what claimants themselves state, of all of them if empty;
    each with every id that it ever had. `common` keeps directions that all of them state.
    """

    exchanges: Sequence[Condition]
    directions: Sequence[Condition]
    snapshot: Snapshot
    measure: StatsMeasure
    dimensions: tuple[StatsDimension, ...]
    several: Mapping[StatsDimension, tuple[Group, str]]
    claimants: Mapping[str, tuple[str, ...]] | None = None
    common: bool = False

    @property
    def chooses(self) -> bool:
        """Whether something is asked for, so that many exchanges may not be chosen."""
        return bool(self.exchanges or self.directions)

    @property
    def completed_only(self) -> bool:
        """Whether exchanges that did not take place are left out, as nothing is asked for about that."""
        return all(condition.field != EXCHANGE.c.status.name for condition in self.exchanges)

    @property
    def of_exchange(self) -> tuple[StatsDimension, ...]:
        """The dimensions of which an exchange has one value."""
        return tuple(each for each in self.dimensions if each in OF_EXCHANGE)

    @property
    def directional(self) -> tuple[StatsDimension, ...]:
        """The dimensions of which a figure has one value."""
        return tuple(each for each in self.dimensions if each in DIRECTIONAL)


def direction_clauses(query: StatsQuery) -> list[Clause]:
    """Give what a row of `figure_index` must be to be of a chosen direction."""
    return where(query.directions, FIGURE, "exchange_id", query.snapshot)


def replace_columns(
    clause: Clause, source: Table, target: FromClause, names: Mapping[str, str] | None = None
) -> Clause:
    """Give a clause on columns of a table as one on the columns of another, of the same names or these."""

    def replaced(element: Any, **_: Any) -> Any:
        if isinstance(element, ColumnClause) and getattr(element.table, "name", None) == source.name:
            return target.c[(names or {}).get(element.name, element.name)]
        return None

    return replacement_traverse(clause, {}, replaced)


def chosen_exchanges(query: StatsQuery, *more: Clause) -> Select[Any]:
    """Give the chosen exchanges with the values of the dimensions that they have one of."""
    default = [EXCHANGE.c.status == ExchangeStatus.COMPLETED] if query.completed_only else []
    return _asked_for(query, *default, *more)


def other_exchanges(query: StatsQuery, *more: Clause) -> Select[Any]:
    """Give the exchanges that would be chosen, were they completed."""
    return _asked_for(query, EXCHANGE.c.status != ExchangeStatus.COMPLETED, *more)


def not_completed(query: StatsQuery) -> Select[Any]:
    """Count the exchanges that would be chosen, were they completed."""
    clauses = []
    if query.common:
        figure = FIGURE.alias("in_common")
        clauses.append(exists().where(figure.c.exchange_id == EXCHANGE.c.id, *figure_clauses(query, figure)))
    return select(func.count()).select_from(other_exchanges(query, *clauses).subquery("not_completed"))


def _asked_for(query: StatsQuery, *more: Clause) -> Select[Any]:
    """Give the exchanges that a query asks for, of every status unless it asks for one."""
    # What is asked of figures beside, such as that they are disputed, is asked of the chosen directions.
    about = [replace(condition, context=True) for condition in query.directions]
    clauses = where([*query.exchanges, *about], EXCHANGE, "id", query.snapshot)
    if query.directions:
        clauses.append(_speaks_of_directions(query))
    labels = [OF_EXCHANGE[dimension].label(dimension) for dimension in query.of_exchange]
    return select(EXCHANGE.c.id, *labels).where(query.snapshot.holds(EXCHANGE), *clauses, *more)


def _speaks_of_directions(query: StatsQuery) -> Clause:
    """Give the clause that an exchange has a chosen direction, or may have one whose figure is not known.

    That is one between such parties, if it goes both ways by its kind, or if none of its figures is known.
    """
    figure, party = FIGURE.alias("of_direction"), table(FacetIndex).alias("party")
    here = [replace_columns(clause, FIGURE, figure) for clause in direction_clauses(query)]
    known = exists().where(figure.c.exchange_id == EXCHANGE.c.id, query.snapshot.holds(figure), *here)
    between = [
        exists().where(
            party.c.record_id == EXCHANGE.c.id,
            party.c.resource == "exchange",
            party.c.facet == "party",
            query.snapshot.holds(party),
            replace_columns(
                condition.clause(condition.any_of), FIGURE, party, {condition.field: party.c.value.name}
            ),
        )
        for condition in query.directions
        if condition.any_of
    ]
    open_ended = or_(~EXCHANGE.c.has_figures, EXCHANGE.c.kind == ExchangeKind.PRISONER_EXCHANGE)
    return or_(known, and_(open_ended, *between))


def figure_clauses(query: StatsQuery, figure: FromClause) -> list[Clause]:
    """Give what a row of `figure_index` must be to be summed."""
    clauses = [query.snapshot.holds(figure), *measure_clauses(query, figure)]
    clauses += [replace_columns(clause, FIGURE, figure) for clause in direction_clauses(query)]
    return [*clauses, *common_clauses(query, figure.c.id)]


def own_value_clauses(query: StatsQuery, own: FromClause) -> list[Clause]:
    """Give what a row of `own_value_index` must be to be summed."""
    clauses = [query.snapshot.holds(own), *measure_clauses(query, own)]
    clauses += [replace_columns(clause, FIGURE, own) for clause in direction_clauses(query)]
    if query.claimants:
        clauses.append(own.c.claimant.in_(claimant_ids(query)))
    return [*clauses, *common_clauses(query, own.c.figure_id)]


def measure_clauses(query: StatsQuery, figure: FromClause) -> list[Clause]:
    """Give what a row must be to be of the measure; of any, where exchanges are counted."""
    return [] if query.measure == StatsMeasure.EXCHANGES else [figure.c.measure == query.measure]


def common_clauses(query: StatsQuery, figure_id: ColumnElement[str]) -> Iterable[Clause]:
    """Give the clauses that each claimant states a figure, where that is asked for."""
    claimants = (query.claimants or {}) if query.common else {}
    for position, ids in enumerate(claimants.values()):
        own = OWN.alias(f"common_{position}")
        yield exists().where(own.c.figure_id == figure_id, query.snapshot.holds(own), own.c.claimant.in_(ids))


def claimant_ids(query: StatsQuery) -> list[str]:
    """Give every id of the claimants that are named."""
    return [old for ids in (query.claimants or {}).values() for old in ids]


def narrowing_clauses(query: StatsQuery, group: Group, part: FromClause) -> Iterable[Clause]:
    """Give the clauses that rows of a group are those that the query asks for, as its filters choose them."""
    asked = {
        condition.field: condition.clause(values)
        for condition in query.exchanges
        if condition.group is group and (values := _present(condition))
    }
    defaults = (default.clause for default in group.defaults if not default.unless & asked.keys())
    for clause in (group.fixed, *defaults, *asked.values()):
        yield replace_columns(clause, group.table, part)  # type: ignore[arg-type]  # a group of rows of a table


def _present(condition: Condition) -> list[Any]:
    return [value for value in condition.any_of if not (condition.absence and value == NONE)]
