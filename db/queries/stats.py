"""Statistics of one state: sums over groups, their total, and what is counted twice or in no sum.

What a query chooses is in `db/queries/statschoice.py`, the statements in `db/queries/statsql.py`.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.models.index import CoverageIndex
from db.normalising import table
from db.queries import statsql
from db.queries.conditions import Snapshot
from db.queries.statschoice import StatsDimension, StatsMeasure, StatsQuery, not_completed
from db.queries.statsql import MOST_GROUPS

Labels = tuple[str, ...]
# For sums over a million rows: room to hash them, and no compiling, which costs more than it saves.
SETTINGS = {"work_mem": "32MB", "jit": "off"}


class TooManyGroupsError(Exception):
    """The groups are more than anybody reads."""


@dataclass(frozen=True)
class Sums:
    """What a group sums up to.

    `exchanges` are counted once, `figured` are those with a figure that is summed, `directions` how many
    such figures there are (where sums of persons are read with the exchange: the same as `figured`). Without
    one the sums are null, but zero where there is no exchange at all.
    """

    exchanges: int
    figured: int
    directions: int
    low: int | None
    best: int | None
    high: int | None


NOTHING = Sums(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Overlap:
    """People whom an exchange counts, and another one has already counted."""

    exchange: str
    other: str
    people: int


@dataclass(frozen=True)
class LeftOut:
    """How many claims are in no sum, and in how many exchanges, of which the first are `named`."""

    exchanges: int
    named: Sequence[str]
    fragments: int
    deprecated: int
    subsets: int


@dataclass(frozen=True)
class Gap:
    """A coverage note: which days and which kind of exchange it is about."""

    id: str
    date_from: dt.date
    date_to: dt.date
    scope: str


@dataclass(frozen=True)
class Stats:
    """Sums by the values of the dimensions; where claimants are asked, what each states beside.

    `total_stated` is by claimant. `not_completed` is how many exchanges are left out only because they did
    not take place, or not yet.
    """

    groups: Mapping[Labels, Sums]
    total: Sums
    stated: Mapping[tuple[Labels, str], Sums]
    total_stated: Mapping[str, Sums]
    overlaps: Sequence[Overlap]
    left_out: LeftOut | None
    not_completed: int


def period_label(dimension: StatsDimension, day: dt.date) -> str:
    """Name the period that a day is in: 2024, 2024-Q1 or 2024-03."""
    if dimension == StatsDimension.YEAR:
        return f"{day.year:04}"
    if dimension == StatsDimension.QUARTER:
        return f"{day.year:04}-Q{(day.month + 2) // 3}"
    return f"{day.year:04}-{day.month:02}"


async def read_sums(connection: AsyncConnection, query: StatsQuery) -> Stats:
    """Sum what a query chooses, in one state; overlaps are subtracted nowhere.

    The connection must be in a transaction, which has other settings from then on.

    Raises:
        TooManyGroupsError: there are more than `MOST_GROUPS`.
    """
    await connection.execute(select(*(func.set_config(*each, True) for each in SETTINGS.items())))
    rows = (await connection.execute(statsql.sums(query))).all()
    total = next(row for row in rows if row.is_total)
    groups = {_labels(query, row): _sums(query, row) for row in rows if not row.is_total}
    stated: dict[tuple[Labels, str], Sums] = {}
    total_stated: dict[str, Sums] = {}
    if query.claimants is not None:
        for row in await connection.execute(statsql.stated_sums(query)):
            stated[_labels(query, row), row.claimant] = _sums(query, row)
        for row in await connection.execute(statsql.stated_sums(query, total=True)):
            total_stated[row.claimant] = _sums(query, row)
    if max(len(groups), len(stated)) > MOST_GROUPS:
        raise TooManyGroupsError
    summed_once = query.claimants is None or len(query.claimants) == 1
    figures = query.measure != StatsMeasure.EXCHANGES
    return Stats(
        groups=groups,
        total=_sums(query, total),
        stated=stated,
        total_stated=total_stated,
        overlaps=await _overlaps(connection, query) if summed_once and figures else (),
        left_out=await _left_out(connection, query) if figures else None,
        not_completed=await connection.scalar(not_completed(query)) or 0 if query.completed_only else 0,
    )


async def read_gaps(connection: AsyncConnection, snapshot: Snapshot) -> Sequence[Gap]:
    """Give all coverage notes of a state, in the order of their ids."""
    note = table(CoverageIndex)
    statement = select(note.c.id, note.c.date, note.c.date_to, note.c.scope).where(snapshot.holds(note))
    return [Gap(*row) for row in await connection.execute(statement.order_by(note.c.id))]


async def _overlaps(connection: AsyncConnection, query: StatsQuery) -> Sequence[Overlap]:
    """Give the overlaps of which both figures are summed.

    The other exchange's figure is one of people who did not leave those that receive them here: the same
    people do not come to who lets them go. What two exchanges say of each other is one overlap, unless it is
    of people who went other ways, and told by the one that says more.
    """
    told = (await connection.execute(statsql.overlaps(query))).all()
    if not told:
        return ()
    ids = {row.id for row in told} | {row.exchange for row in told}
    summed: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in await connection.execute(statsql.directions_of(query, sorted(ids))):
        summed[row.exchange_id].add((row.released_by, row.received_by))
    between: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in told:
        here = (row.released_by, row.received_by) in summed[row.id]
        if here and any(released_by != row.received_by for released_by, _ in summed[row.exchange]):
            between[row.id, row.exchange].append(row)
    people = {pair: sum(row.people for row in rows) for pair, rows in between.items()}
    for (exchange, other), rows in between.items():
        if exchange < other:
            for row, back, count in _told_twice(rows, between.get((other, exchange), [])):
                less = min(row, back, key=lambda each: (each.people, each.id))
                people[less.id, less.exchange] -= count
    return [Overlap(*pair, count) for pair, count in people.items() if count]


def _told_twice(rows: Sequence[Any], backs: Sequence[Any]) -> Iterator[tuple[Any, Any, int]]:
    """Give what two exchanges say of the same people, each with the other's words and how many these are.

    Such people went the same way, or on from a third state: neither came to who lets the other go.
    """
    left = {row: row.people for row in (*rows, *backs)}
    pairs = [
        (row, back)
        for row, back in product(rows, backs)
        if row.released_by != back.received_by and back.released_by != row.received_by
    ]
    pairs.sort(key=lambda pair: pair[0][2:4] != pair[1][2:4])  # who went the same way comes first
    for row, back in pairs:
        count = min(left[row], left[back])
        left[row] -= count
        left[back] -= count
        yield row, back, count


async def _left_out(connection: AsyncConnection, query: StatsQuery) -> LeftOut:
    row = (await connection.execute(statsql.left_out(query))).one()
    return LeftOut(row.exchanges, row.named or (), row.fragments, row.deprecated, row.subsets)


def _sums(query: StatsQuery, row: Any) -> Sums:
    exchanges, figured, directions = (int(each or 0) for each in (row.exchanges, row.figured, row.directions))
    if query.measure == StatsMeasure.EXCHANGES or exchanges == 0:
        return Sums(exchanges, figured, directions, exchanges, exchanges, exchanges)
    return Sums(exchanges, figured, directions, *map(_whole, (row.low, row.best, row.high)))


def _whole(number: Any) -> int | None:
    return None if number is None else int(number)


_TOLD: Mapping[StatsDimension, Callable[[Any], str]] = {
    StatsDimension.YEAR: lambda year: f"{year:04}",
    StatsDimension.QUARTER: lambda day: period_label(StatsDimension.QUARTER, day),
    StatsDimension.MONTH: lambda day: period_label(StatsDimension.MONTH, day),
}


def _labels(query: StatsQuery, row: Any) -> Labels:
    """Give the values of the dimensions, which are the first columns, as words."""
    return tuple(_TOLD.get(dimension, str)(row[n]) for n, dimension in enumerate(query.dimensions))
