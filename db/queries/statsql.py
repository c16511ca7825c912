"""The statements behind statistics: how chosen figures are summed, and what the sums leave out.

Everything is summed by the database. What is chosen is in `db/queries/statschoice.py`, what the sums mean
together in `db/queries/stats.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    column,
    exists,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSON, aggregate_order_by
from sqlalchemy.sql.selectable import CompoundSelect

from db.base import among
from db.enums import Category, Covers, Measure, Rank
from db.models.history import Revision
from db.models.index import NONE, ClaimIndex
from db.normalising import table
from db.queries.conditions import Clause
from db.queries.statschoice import (
    EXCHANGE,
    FIGURE,
    OWN,
    D,
    StatsMeasure,
    StatsQuery,
    chosen_exchanges,
    claimant_ids,
    common_clauses,
    direction_clauses,
    figure_clauses,
    measure_clauses,
    narrowing_clauses,
    other_exchanges,
    own_value_clauses,
    replace_columns,
)

MOST_GROUPS = 10_000
NAMED = 20  # exchanges that a sentence names at most
SUMS = ("low", "best", "high")
ADDED = ("directions", *SUMS)
# Whom claims count that have to do with a measure.
_COUNTED: Mapping[Measure, tuple[Category, ...]] = {
    measure: (Category(measure),) for measure in Measure if measure != Measure.PERSONS
} | {Measure.PERSONS: tuple(category for category in Category if category != Category.REMAINS)}


def sums(query: StatsQuery) -> CompoundSelect[Any] | Select[Any]:
    """Sum the chosen figures over the dimensions, and in a last row (`is_total`) over all.

    `exchanges` are counted once in each row, `figured` are those with a figure. An exchange without a value
    of a dimension that it may have several of is in the group `none`. One group too many is given, to tell.
    """
    rows = _by_exchange(query)
    if not query.dimensions:
        return _summed(rows, ()).add_columns(true().label("is_total"))
    if query.directional:  # an exchange without a figure is in no group
        cells = _summed(_spread(query, _by_direction(query, rows)), query.dimensions)
        total = _summed(rows, ())
    else:  # to add groups up is less than to go through all exchanges once more
        parts = _summed(_spread(query, rows), (*query.dimensions, "is_first")).cte("parts")
        cells = _added_up(parts, query.dimensions)
        total = _added_up(parts, ()).where(parts.c.is_first)
    part, whole = cells.limit(MOST_GROUPS + 1).subquery("cells"), total.subquery("total")
    keys = [cast(null(), part.c[each].type).label(each) for each in query.dimensions]
    return union_all(
        select(*part.c, false().label("is_total")),
        select(*keys, *whole.c, true()),
    )


def stated_sums(query: StatsQuery, *, total: bool = False) -> Select[Any]:
    """Sum what claimants state, by claimant, over the dimensions or over all of them."""
    rows = _by_claimant(query, _by_exchange(query))
    if total:
        return _summed(rows, ("claimant",))
    return _summed(_spread(query, rows), (*query.dimensions, "claimant")).limit(MOST_GROUPS + 1)


def _by_exchange(query: StatsQuery) -> CTE:
    """Give one row for each chosen exchange, with the sums of its chosen figures.

    `directions` is how many of these there are; the sums are null where there is none.
    """
    if query.measure == StatsMeasure.PERSONS and not query.directions and query.claimants is None:
        return _by_exchange_of_persons(query)
    if not query.chooses:
        return _by_exchange_of_all(query)
    chosen, figure = chosen_exchanges(query).subquery("chosen"), FIGURE.alias("figure")
    here = and_(figure.c.exchange_id == chosen.c.id, *figure_clauses(query, figure))
    # Grouped by the id alone, so that the planner knows the rows to be as many as there are exchanges.
    once = [func.min(chosen.c[each]).label(each) for each in query.of_exchange]
    directions = func.count(figure.c.exchange_id).label("directions")
    rows = (
        select(chosen.c.id, *once, directions, *_added(query, figure))
        .select_from(chosen.join(figure, here, isouter=not query.common))
        .group_by(chosen.c.id)
    )
    return rows.cte("by_exchange")


def _by_exchange_of_persons(query: StatsQuery) -> CTE:
    """Do the same with the sums that are kept with exchanges; `directions` only tells whether there are any.

    Those that the version before them wrote, while the database was migrated below it, are summed here.
    """
    figure = FIGURE.alias("figure")
    here = (figure.c.exchange_id == EXCHANGE.c.id, *figure_clauses(query, figure))
    known, kept = EXCHANGE.c.persons.is_not(None), EXCHANGE.c.persons_low.is_not(None)

    def bound(name: str, of: ColumnElement[Any]) -> ColumnElement[Any]:
        summed = select(func.sum(figure.c[name])).where(*here).scalar_subquery()
        return case((known & ~kept, summed), else_=of).label(name)

    rows = chosen_exchanges(query).add_columns(
        case((known, 1), else_=0).label("directions"),
        bound("low", EXCHANGE.c.persons_low),
        EXCHANGE.c.persons.label("best"),
        bound("high", EXCHANGE.c.persons_high),
    )
    return rows.cte("by_exchange")


def _by_exchange_of_all(query: StatsQuery) -> CTE:
    """Do the same where nearly all are chosen: all figures are summed first, in the order of an index."""
    chosen, figure = chosen_exchanges(query).subquery("chosen"), FIGURE.alias("figure")
    added = _added(query, figure)
    summed = (
        select(figure.c.exchange_id, func.count().label("directions"), *added)
        .where(*figure_clauses(query, figure))
        .group_by(figure.c.exchange_id)
        .subquery("summed")
    )
    labels = [chosen.c[each] for each in query.of_exchange]
    directions = func.coalesce(summed.c.directions, 0).label("directions")
    rows = select(chosen.c.id, *labels, directions, *(summed.c[each.name] for each in added)).select_from(
        chosen.join(summed, summed.c.exchange_id == chosen.c.id, isouter=not query.common)
    )
    return rows.cte("by_exchange")


def _by_direction(query: StatsQuery, rows: FromClause) -> FromClause:
    """Give one row for each chosen exchange and value of the directional dimensions.

    A direction is there once it has a figure of any measure.
    """
    figure = FIGURE.alias("directed")
    measured = measure_clauses(query, figure)
    clauses = [query.snapshot.holds(figure)]
    clauses += [replace_columns(clause, FIGURE, figure) for clause in direction_clauses(query)]
    clauses += common_clauses(query, figure.c.id)
    keys = _keys(query, rows, figure)
    added = _added(query, figure, *measured)
    statement = (
        select(*keys, func.count().filter(*measured).label("directions"), *added)
        .select_from(rows.join(figure, and_(figure.c.exchange_id == rows.c.id, *clauses)))
        .group_by(*keys)
    )
    return statement.subquery("by_direction")


def _by_claimant(query: StatsQuery, rows: FromClause) -> FromClause:
    """Give one row for each chosen exchange, directional value and claimant that states something."""
    own = _own_values(query)
    keys = [*_keys(query, rows, own), own.c.claimant]
    statement = (
        select(*keys, func.count().label("directions"), *(func.sum(own.c.value).label(name) for name in SUMS))
        .select_from(rows.join(own, own.c.exchange_id == rows.c.id))
        .group_by(*keys)
    )
    return statement.subquery("by_claimant")


def _summed(rows: FromClause, keys: Sequence[str]) -> Select[Any]:
    """Sum rows, of which each is of another exchange within its group."""
    columns = [rows.c[key] for key in keys]
    return (
        select(
            *columns,
            func.count().label("exchanges"),
            func.count().filter(rows.c.directions > 0).label("figured"),
            *(func.sum(rows.c[name]).label(name) for name in ADDED if name in rows.c),
        )
        .select_from(rows)
        .group_by(*columns)
    )


def _added_up(sums: FromClause, keys: Sequence[str]) -> Select[Any]:
    """Add sums up that have no exchange in common, or none within a group."""
    columns = [sums.c[key] for key in keys]
    added = (name for name in ("exchanges", "figured", *ADDED) if name in sums.c)
    return select(*columns, *(func.sum(sums.c[name]).label(name) for name in added)).group_by(*columns)


def overlaps(query: StatsQuery) -> Select[Any]:
    """Give what chosen exchanges say of people whom others have already counted, in the measure asked for."""
    chosen = chosen_exchanges(query, EXCHANGE.c.has_overlaps).subquery("chosen")
    revision = table(Revision)
    here = and_(
        revision.c.dataset_revision == EXCHANGE.c.from_revision, revision.c.position == EXCHANGE.c.position
    )
    fields = ("exchange", "released_by", "received_by", "measure")
    told = (
        func.json_to_recordset(cast(revision.c.body, JSON)["overlaps"])
        .table_valued(*(column(name, String) for name in fields), column("count", Integer))
        .render_derived(name="told", with_types=True)
    )
    return (
        select(EXCHANGE.c.id, *(told.c[name] for name in fields[:3]), told.c["count"].label("people"))
        .select_from(EXCHANGE.join(revision, here).join(told, literal_column("true")))
        .where(
            query.snapshot.holds(EXCHANGE),
            EXCHANGE.c.has_overlaps,
            EXCHANGE.c.id.in_(select(chosen.c.id)),
            told.c.measure == query.measure,
        )
        .order_by(EXCHANGE.c.id, *told.c)
    )


def directions_of(query: StatsQuery, ids: Sequence[str]) -> Select[Any]:
    """Give the chosen directions of some exchanges, as far as these are chosen themselves."""
    chosen = chosen_exchanges(query, among(EXCHANGE.c.id, ids)).subquery("chosen")
    source = FIGURE if query.claimants is None else OWN
    figure = source.alias("figure")
    clauses = figure_clauses(query, figure) if query.claimants is None else own_value_clauses(query, figure)
    return (
        select(figure.c.exchange_id, figure.c.released_by, figure.c.received_by)
        .select_from(chosen.join(figure, and_(figure.c.exchange_id == chosen.c.id, *clauses)))
        .distinct()
    )


def left_out(query: StatsQuery) -> Select[Any]:
    """Count the claims about the measure that are in no sum, in the chosen directions of chosen exchanges.

    `fragments` and `deprecated` never count; `subsets` count for their own category, and not for persons.
    `exchanges` are how many they are in, and `named` the first of these.
    """
    claim = table(ClaimIndex).alias("claim")
    deprecated = claim.c.rank == Rank.DEPRECATED
    kinds = {
        "deprecated": deprecated,
        "fragments": and_(~deprecated, claim.c.covers == Covers.FRAGMENT),
        "subsets": and_(~deprecated, claim.c.covers == Covers.SUBSET),
    }
    # Written as what the rows are not, so that an index over these few may be used.
    whole = [or_(claim.c.covers != Covers.ALL, deprecated)]
    if query.measure != StatsMeasure.PERSONS:
        whole.append(~kinds["subsets"])
    if query.claimants:
        whole.append(claim.c.claimant.in_(claimant_ids(query)))
    clauses = (
        query.snapshot.holds(claim),
        claim.c.category.in_(_COUNTED[Measure(query.measure)]),
        *whole,
        *(replace_columns(clause, FIGURE, claim) for clause in direction_clauses(query)),
        _of_chosen(query, claim.c.exchange_id),
    )
    ids = select(claim.c.exchange_id).where(*clauses).distinct().order_by(claim.c.exchange_id)
    first = ids.limit(NAMED).subquery("first")
    named = func.array_agg(aggregate_order_by(first.c.exchange_id, first.c.exchange_id))
    return select(
        func.count(claim.c.exchange_id.distinct()).label("exchanges"),
        select(named).scalar_subquery().label("named"),
        *(func.count().filter(kind).label(name) for name, kind in kinds.items()),
    ).where(*clauses)


def _of_chosen(query: StatsQuery, exchange_id: ColumnElement[str]) -> Clause:
    """Give the clause that something is of a chosen exchange; of none of the few others, if that is less."""
    if query.chooses:
        return exchange_id.in_(select(chosen_exchanges(query).subquery("chosen").c.id))
    other = other_exchanges(query).subquery("other")
    return ~exists().where(other.c.id == exchange_id)


def _own_values(query: StatsQuery) -> FromClause:
    """Give what claimants state of figures, each claimant under the id that it has now, and once of a figure.

    Two that are one by now may both have stated a figure: what counts is said under the id that is left, or
    else under the first of the others.
    """
    own = OWN.alias("own")
    clauses = own_value_clauses(query, own)
    merged = {old: now for now, ids in (query.claimants or {}).items() for old in ids if old != now}
    if not merged:
        return select(own).where(*clauses).subquery("own_value")
    claimant = case(merged, value=own.c.claimant, else_=own.c.claimant)
    order = (own.c.claimant != claimant, own.c.claimant)
    place = func.row_number().over(partition_by=(own.c.figure_id, claimant), order_by=order)
    others = [each for each in own.c if each is not own.c.claimant]
    told = select(*others, claimant.label("claimant"), place.label("place")).where(*clauses).subquery("told")
    return select(told).where(told.c.place == 1).subquery("own_value")


def _added(query: StatsQuery, figure: FromClause, *only: Clause) -> list[ColumnElement[Any]]:
    """Give the sums of figures, where there is something to be summed: exchanges are only counted."""
    if query.measure == StatsMeasure.EXCHANGES:
        return []
    return [func.sum(figure.c[name]).filter(*only).label(name) for name in SUMS]


def _keys(query: StatsQuery, rows: FromClause, figure: FromClause) -> list[ColumnElement[Any]]:
    direction = func.concat(figure.c.released_by, ".", figure.c.received_by)
    return [
        rows.c.id,
        *(rows.c[each] for each in query.of_exchange),
        *((direction if each == D.DIRECTION else figure.c[each]).label(each) for each in query.directional),
    ]


def _spread(query: StatsQuery, rows: FromClause) -> FromClause:
    """Repeat each row for each value of the dimensions that an exchange has several of, once for each.

    Of the rows that one becomes, one `is_first`.
    """
    dimensions = [each for each in query.dimensions if each in query.several]
    joined, labels = rows, []
    first: list[Clause] = [true()]
    for group in {id(group): group for group, _ in query.several.values()}.values():
        columns = {each: query.several[each][1] for each in dimensions if query.several[each][0] is group}
        if not columns:
            continue
        part = group.table.alias("part")
        owner = part.c[group.owner].label("owner")
        clauses = [query.snapshot.holds(part), *narrowing_clauses(query, group, part)]
        if query.chooses:  # else most are of chosen exchanges, and to look is to read more
            clauses.append(owner.in_(select(rows.c.id)))
        values = [part.c[column].label(each) for each, column in columns.items()]
        place = func.row_number().over(partition_by=owner, order_by=values).label("place")
        each_once = select(owner, *values, place).where(*clauses).group_by(owner, *values)
        once = each_once.subquery(f"of_{'_'.join(columns)}")
        joined = joined.join(once, once.c.owner == rows.c.id, isouter=True)
        labels += [func.coalesce(once.c[each], NONE).label(each) for each in columns]
        first.append(func.coalesce(once.c.place, 1) == 1)
    return select(*rows.c, *labels, and_(*first).label("is_first")).select_from(joined).subquery("spread")
