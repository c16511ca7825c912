"""What differs between two states of the dataset: which records, how much that weighs, and yearly sums.

Which states have names is `db/releases.py`'s business; what differs between two revisions of one record, told
in words, `db/differences.py`'s.
"""

import json
from bisect import insort
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Integer, and_, cast, extract, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import ExchangeStatus, Measure, ReleaseLevel, Resource
from db.indexing import RECORD_TABLE
from db.models.history import Revision
from db.models.index import ExchangeIndex, FigureIndex
from db.normalising import table
from db.queries.bodies import BATCH
from db.queries.conditions import Snapshot
from db.queries.releases import read_blanked
from db.queries.revisions import STAMPED
from db.redacting import FREE

Body = Mapping[str, Any]

# Records that say where something is stated, and fields that only follow from them.
SOURCES = frozenset({Resource.ARTICLE, Resource.PUBLISHER})
OF_SOURCES = frozenset({"citations", "articles", "source_url", "independent_sources", "attestation", "links"})
# By which of its fields a thing in a list is known: the first of these that it has.
_NAMED_BY = (
    ("id",),
    ("exchange", "released_by", "received_by", "measure"),  # overlaps; figures have no `exchange`
    ("released_by", "received_by", "measure"),
    ("claimant",),
)


class _Difference(NamedTuple):
    """A record that differs: did it stand in the earlier state, does it in the later, and what it weighs."""

    id: str
    stood: bool
    stands: bool
    level: ReleaseLevel


@dataclass
class RecordChanges:
    """The ids of the records of one kind that were added, changed and removed, in order."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def enter(self, record: _Difference) -> None:
        """Enter a record that differs in its place."""
        of_kind = self.added if record.stands else self.removed
        insort(self.changed if record.stood and record.stands else of_kind, record.id)


class YearlyFigure(NamedTuple):
    """Living people handed over in one direction in one year: sums of `best`, and how many exchanges."""

    year: int
    released_by: str
    received_by: str
    before: int
    after: int
    exchanges_before: int
    exchanges_after: int


@dataclass(frozen=True)
class Comparison:
    """What differs. `level`: how much it weighs; none where no record differs.

    `figures`: the sums that moved; overlaps of exchanges are not subtracted, as in no cell of statistics.
    """

    records: Mapping[Resource, RecordChanges]
    figures: Sequence[YearlyFigure]
    level: ReleaseLevel | None


class _Pair(NamedTuple):
    """A record with its bodies in two states; null where it was not there."""

    id: str
    before: str | None
    after: str | None


async def compare(connection: AsyncConnection, earlier: int, later: int) -> Comparison:
    """Tell what differs between the states of two dataset revisions.

    What a record said that was blanked since cannot be told: it counts as changed where it stood in both
    states, unless as one and the same revision. The connection must be in a transaction.
    """
    found = {resource: RecordChanges() for resource in RECORD_TABLE}
    levels: set[ReleaseLevel] = set()
    for resource, changes in found.items():
        async for each in _differences(connection, resource, earlier, later):
            levels.add(each.level)
            changes.enter(each)
    heaviest = next((level for level in ReleaseLevel if level in levels), None)
    return Comparison(found, await _yearly(connection, earlier, later), heaviest)


def weight(resource: Resource, before: Body | None, after: Body | None) -> ReleaseLevel | None:
    """Tell how much a change of one record weighs; the heaviest change is the level of a release.

    This is the written rule, after what Croissant recommends for versions of datasets:

    - major: what was there is not the same any more, so that results may change. A record or a part of one
      (claim, mediation, term, figure) is gone; a number or a chosen word (date, kind, party, count, rank,
      low, best, high…) is another; a field is gone; the figures follow another version of their rule; or a
      record was blanked, so that it cannot be told.
    - minor: what was there is the same, and there is more: a record, a part, a field, a value that was null.
    - patch: only texts in our own words, names, links and citations; what is known of articles and
      publishers; and what follows from those (sources counted, attestation).

    The first release is major. None where nothing differs but the stamp of the write.
    """
    if before is None:
        return ReleaseLevel.MINOR
    if after is None:
        return ReleaseLevel.MAJOR
    levels = set(_weights(_unstamped(before), _unstamped(after)))
    if levels and resource in SOURCES:
        return ReleaseLevel.PATCH
    return next((level for level in ReleaseLevel if level in levels), None)


async def _differences(
    connection: AsyncConnection, resource: Resource, earlier: int, later: int
) -> AsyncIterator[_Difference]:
    """Give the records that differ; what was blanked is in no index table, and so partly in no pair."""
    old, new = [await read_blanked(connection, resource, state) for state in (earlier, later)]
    unread = {id_ for id_ in old.keys() | new.keys() if old.get(id_) != new.get(id_)}
    async for id_, before, after in _pairs(connection, resource, earlier, later):
        level = ReleaseLevel.MAJOR if id_ in unread else _weight_of(resource, before, after)
        unread.discard(id_)
        if level is not None:
            yield _Difference(id_, before is not None or id_ in old, after is not None or id_ in new, level)
    for id_ in unread:
        yield _Difference(id_, id_ in old, id_ in new, ReleaseLevel.MAJOR)


def _weight_of(resource: Resource, before: str | None, after: str | None) -> ReleaseLevel | None:
    old, new = (None if body is None else json.loads(body) for body in (before, after))
    return weight(resource, old, new)


def _unstamped(body: Body) -> Body:
    return {name: value for name, value in body.items() if name not in STAMPED}


def _weights(before: object, after: object) -> Iterator[ReleaseLevel]:
    """Give the weight of every place where two values differ."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _presence(before.keys(), after.keys())
        for name in before.keys() & after.keys():
            if name not in FREE | OF_SOURCES:
                yield from _weights(before[name], after[name])
            elif before[name] != after[name]:
                yield ReleaseLevel.PATCH
    elif isinstance(before, list) and isinstance(after, list):
        old, new = _by_name(before), _by_name(after)
        yield from _presence(old.keys(), new.keys())
        for key in old.keys() & new.keys():
            yield from _weights(old[key], new[key])
        if old == new:  # in another order
            yield ReleaseLevel.PATCH
    else:
        yield ReleaseLevel.MINOR if before is None else ReleaseLevel.MAJOR


def _presence(before: Any, after: Any) -> Iterator[ReleaseLevel]:
    if before - after:
        yield ReleaseLevel.MAJOR
    if after - before:
        yield ReleaseLevel.MINOR


def _by_name(values: Sequence[object]) -> dict[object, object]:
    """Give the values of a list by what they are known by; plain ones are known by themselves."""
    named: dict[object, object] = {}
    for value in values:
        key: object = value
        if isinstance(value, Mapping):
            names = next((names for names in _NAMED_BY if set(names) <= value.keys()), None)
            key = tuple(value[name] for name in names) if names else json.dumps(value, sort_keys=True)
        named[key] = value
    return named


async def _pairs(
    connection: AsyncConnection, resource: Resource, earlier: int, later: int
) -> AsyncIterator[_Pair]:
    """Give the records that are not at the same revision in both states, in the order of their ids."""
    index, revision = RECORD_TABLE[resource], table(Revision)
    old, new = (
        select(index.c.id, index.c.number, revision.c.body)
        .join(
            revision,
            and_(
                revision.c.dataset_revision == index.c.from_revision,
                revision.c.position == index.c.position,
            ),
        )
        .where(Snapshot(state).holds(index))
        .subquery(name)
        for name, state in (("old", earlier), ("new", later))
    )
    id_ = func.coalesce(old.c.id, new.c.id).label("id")
    statement = (
        select(id_, old.c.body, new.c.body)
        .select_from(old.join(new, old.c.id == new.c.id, full=True))
        .where(old.c.number.is_distinct_from(new.c.number))
        .order_by(id_)
    )
    async with connection.stream(statement.execution_options(yield_per=BATCH)) as rows:
        async for row in rows:
            yield _Pair(*row)


async def _yearly(connection: AsyncConnection, earlier: int, later: int) -> list[YearlyFigure]:
    """Give the yearly sums that moved, in order; they are of exchanges that were completed at the time."""
    figure, exchanges = table(FigureIndex), table(ExchangeIndex)
    rows: FromClause = figure
    states: list[ColumnElement[bool]] = []
    for name, revision in (("before", earlier), ("after", later)):
        state, exchange = Snapshot(revision), exchanges.alias(name)
        completed = and_(state.holds(exchange), exchange.c.status == ExchangeStatus.COMPLETED)
        rows = rows.join(exchange, and_(exchange.c.id == figure.c.exchange_id, completed), isouter=True)
        states.append(and_(state.holds(figure), exchange.c.id.is_not(None)))
    old, new = states
    year = cast(extract("year", figure.c.date), Integer).label("year")
    sums = [func.coalesce(func.sum(figure.c.best).filter(state), 0) for state in (old, new)]
    counts = [func.count().filter(state) for state in (old, new)]
    group = (year, figure.c.released_by, figure.c.received_by)
    statement = (
        select(*group, *sums, *counts)
        .select_from(rows)
        .where(figure.c.measure == Measure.PERSONS, or_(old, new))
        .group_by(*group)
        .having(or_(sums[0] != sums[1], counts[0] != counts[1]))
        .order_by(*group)
    )
    return [YearlyFigure(*row) for row in await connection.execute(statement)]
