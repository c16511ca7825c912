"""Statistics: what a query for sums means, and how its answer is put together.

Sums come from `db/queries/stats.py`; empty periods and coverage are `api/statsperiods.py`'s, the notes
`api/statsnotes.py`'s.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from api import filterkinds as by
from api.answers import answer_meta
from api.asof import STATE
from api.errors import ApiError, ProblemItem
from api.filters import StatsFilters
from api.params import Param, Schema, Values, not_understood, problem, refuse
from api.statschemas import StatsAnswer, StatsCell, StatsTotal
from api.statsnotes import notes_of
from api.statsperiods import PERIODS, Periods, coverage_of
from api.understanding import Question, understood
from db.enums import Resource
from db.queries.conditions import Group
from db.queries.stats import NOTHING, Labels, Stats, Sums, TooManyGroupsError, read_gaps, read_sums
from db.queries.statschoice import StatsDimension, StatsMeasure, StatsQuery
from db.queries.statsql import MOST_GROUPS
from db.reader import Reader

MOST_DIMENSIONS = 2
SEVERAL: Mapping[StatsDimension, tuple[Group, str]] = {
    StatsDimension.MEDIATOR: (by.MEDIATION, "actor"),
    StatsDimension.MEDIATOR_ROLE: (by.MEDIATION, "role"),
    StatsDimension.PUBLISHER: (StatsFilters.publisher.group, "value"),
}
GROUP_BY = Param(
    name="group_by",
    type=StatsDimension,
    description="What to group by: one dimension or two. Without it there is only the total.",
    example="year",
    many=True,
    ordered=True,
)
MEASURE = Param(
    name="measure",
    type=StatsMeasure,
    description="What to sum: exchanges, or a measure of figures; `persons` if left out.",
    example="persons",
    usual=StatsMeasure.PERSONS,
)
COUNTED_BY = Param(
    name="counted_by",
    type=by.Name,
    description="Sum only what each of these claimants states itself; `none`: the articles' own voice.",
    example="uae",
    many=True,
    none=True,
    named="actor",
)
COMMON = Param(
    name="common",
    type=bool,
    description="Keep only the directions that all claimants of `counted_by` state.",
    example=False,  # true goes with `counted_by` only
    usual="false",
)
FILL = Param(
    name="fill",
    type=bool,
    description="Add the periods without exchanges, where a period is grouped by.",
    example=False,  # true goes with a period only
    usual="false",
)
STATS_SCHEMA = Schema.of(*StatsFilters.params.values(), GROUP_BY, MEASURE, COUNTED_BY, COMMON, FILL, *STATE)


@dataclass(frozen=True)
class _Asked:
    """What is asked for: `group_by` as it was sent, and the query with claimants beside its dimensions."""

    group_by: tuple[StatsDimension, ...]
    fill: bool
    query: StatsQuery


@asynccontextmanager
async def understood_stats(
    request: Request, reader: Reader, schema: Schema = STATS_SCHEMA
) -> AsyncIterator[tuple[AsyncConnection, Question]]:
    """Understand a query for statistics, as `understood` does.

    `schema` holds the parameters of `STATS_SCHEMA` at least.

    Raises:
        ApiError: naming every parameter that is not understood.
    """
    # What is said twice is one value for all other parameters: only the raw query tells.
    sent = parse_qsl(request.scope["query_string"].decode("latin-1"))
    dimensions = [value.strip() for name, value in sent if name == GROUP_BY.name]
    if len(set(dimensions)) < len(dimensions):
        raise not_understood([problem(GROUP_BY.name, "repeated", "names a dimension twice")])
    async with understood(request, reader, schema, StatsFilters) as found:
        yield found


async def read_stats(connection: AsyncConnection, question: Question) -> StatsAnswer:
    """Sum what a query asks for.

    Raises:
        ApiError: parameters make no sense together, or there are too many groups.
    """
    asked = _asked(question)
    try:
        stats = await read_sums(connection, asked.query)
    except TooManyGroupsError as error:
        raise _too_many() from error
    keys = _keys(asked, stats)
    periods = None
    if PERIODS.keys() & set(asked.group_by):
        gaps = await read_gaps(connection, question.snapshot)
        periods = Periods(asked.query.dimensions, question.values, gaps)
        if asked.fill:
            others = set(asked.query.claimants or ()) if asked.query.claimants is not None else {None}
            added = periods.missing(keys, others, MOST_GROUPS)
            if added is None:
                raise _too_many()
            keys |= added
    cells = [_cell(asked, stats, key, periods) for key in keys]
    cells.sort(key=lambda cell: (cell.group or "", cell.group2 or "", cell.claimant or ""))
    total = _total(asked.query, stats)
    notes = notes_of(asked.query, stats, cells, total, filled=asked.fill)
    return StatsAnswer(data=cells, total=total, meta=answer_meta(question, list(notes)))


def stats_query(question: Question, measure: StatsMeasure, *dimensions: StatsDimension) -> StatsQuery:
    """Give what is summed: the ends of directions choose these, all other filters exchanges."""
    return StatsQuery(
        exchanges=[each for each in question.conditions if each.field not in by.ENDS],
        directions=[each for each in question.conditions if each.field in by.ENDS],
        snapshot=question.snapshot,
        measure=measure,
        dimensions=dimensions,
        several=SEVERAL,
    )


Key = tuple[Labels, str | None]


def _asked(question: Question) -> _Asked:
    values, merges = question.values, question.vocabulary.merges
    group_by = tuple(StatsDimension(str(each)) for each in values.get(GROUP_BY.name, ()))
    measure = StatsMeasure(str(values[MEASURE.name][0])) if MEASURE.name in values else StatsMeasure.PERSONS
    refuse(list(_contradictions(values, group_by, measure)))
    claimants = None
    if COUNTED_BY.name in values or StatsDimension.CLAIMANT in group_by:
        named = [str(each) for each in values.get(COUNTED_BY.name, ())]
        names = question.vocabulary.revision
        claimants = {each: merges.once(Resource.ACTOR, each, names) for each in named}
    return _Asked(
        group_by=group_by,
        fill=values.get(FILL.name) == (True,),
        query=replace(
            stats_query(question, measure, *(each for each in group_by if each != StatsDimension.CLAIMANT)),
            claimants=claimants,
            common=values.get(COMMON.name) == (True,),
        ),
    )


def _contradictions(
    values: Values, group_by: tuple[StatsDimension, ...], measure: StatsMeasure
) -> Iterable[ProblemItem]:
    if len(group_by) > MOST_DIMENSIONS:
        yield problem(GROUP_BY.name, "too_many", f"takes at most {MOST_DIMENSIONS} dimensions")
    if values.get(FILL.name) == (True,) and not PERIODS.keys() & set(group_by):
        message = "adds empty periods, and nothing is grouped by a period; send group_by=year, for example"
        yield problem(FILL.name, "contradiction", message)
    if values.get(COMMON.name) == (True,) and COUNTED_BY.name not in values:
        message = "keeps what all claimants of counted_by state, and counted_by names none"
        yield problem(COMMON.name, "contradiction", message)
    if measure == StatsMeasure.EXCHANGES:
        message = "sums numbers that claimants state, and exchanges are counted by nobody but the dataset"
        if COUNTED_BY.name in values:
            yield problem(COUNTED_BY.name, "contradiction", f"{message}; choose another measure")
        if StatsDimension.CLAIMANT in group_by:
            yield problem(GROUP_BY.name, "contradiction", f"claimant {message}; choose another measure")


def _too_many() -> ApiError:
    message = f"makes more than {MOST_GROUPS:,} groups; narrow the query down, or group by something coarser"
    return not_understood([problem(GROUP_BY.name, "too_many_groups", message)])


def _keys(asked: _Asked, stats: Stats) -> set[Key]:
    """Give the groups that there are; one for each claimant that is named, whatever it states."""
    claimants = asked.query.claimants
    if claimants is None:
        return {(labels, None) for labels in stats.groups}
    if not claimants:
        return {(labels, claimant) for labels, claimant in stats.stated}
    groups = stats.groups if asked.query.dimensions else [()]
    return {(labels, claimant) for labels in groups for claimant in claimants}


def _cell(asked: _Asked, stats: Stats, key: Key, periods: Periods | None) -> StatsCell:
    labels, claimant = key
    values = dict(zip(asked.query.dimensions, labels, strict=True))
    told: list[str | None] = [values.get(each, claimant) for each in asked.group_by]
    group, group2 = [*told, None, None][:MOST_DIMENSIONS]
    sums = stats.groups.get(labels, NOTHING) if labels else stats.total
    own = None if claimant is None else _own(sums, stats.stated.get((labels, claimant)))
    shown = own or sums
    return StatsCell(
        group=group,
        group2=group2,
        claimant=claimant,
        low=shown.low,
        best=shown.best,
        high=shown.high,
        exchanges=sums.exchanges,
        without_figure=sums.exchanges - shown.figured,
        directions_stated=None if own is None else own.directions,
        directions_not_stated=None if own is None else sums.directions - own.directions,
        coverage=[] if periods is None else coverage_of(periods, labels),
    )


def _own(sums: Sums, stated: Sums | None) -> Sums:
    """Give what a claimant states of what is summed; it may be nothing."""
    if stated is not None:
        return stated
    value = None if sums.exchanges else 0
    return Sums(sums.exchanges, 0, 0, value, value, value)


def _total(query: StatsQuery, stats: Stats) -> StatsTotal:
    """Give the total. What several claimants state is never added up: they speak of the same people."""
    sums, overlap = stats.total, sum(each.people for each in stats.overlaps)
    own = None
    if query.claimants is not None and len(query.claimants) == 1:
        own = _own(sums, stats.total_stated.get(next(iter(query.claimants))))
    shown = own or sums
    several = query.claimants is not None and own is None

    def less(value: int | None) -> int | None:
        return None if value is None or several else value - overlap

    return StatsTotal(
        low=less(shown.low),
        best=less(shown.best),
        high=less(shown.high),
        exchanges=sums.exchanges,
        without_figure=sums.exchanges - shown.figured,
        overlap=overlap,
        directions_stated=None if own is None else own.directions,
        directions_not_stated=None if own is None else sums.directions - own.directions,
    )
