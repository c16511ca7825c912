"""Reading a page of a list in one query that also tells the state it saw, in a time that does not grow.

Two ways lead to a page. In order: the rows of an index that stands in the order of the list are read until
the page is full, those of the rarest value that is asked for, or of the list itself. That is fast unless few
of them meet what else is asked. Gathered: all rows that match are found first and then sorted. That is fast
where they are few. Which of the two it is follows from the total, known from the page before or remembered,
and from how many rows the rarest value has; the first time, all that match must be found anyway, as they are
counted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    FromClause,
    LargeBinary,
    func,
    literal,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.sql.selectable import SelectBase
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from db.models.index import NONE
from db.queries.conditions import Clause, Condition, Group, Snapshot, demands, where
from db.queries.pages import After, Listed, ListQuery, Page, Sort, State, state_of, state_statement
from db.queries.rarity import Rarity
from db.queries.shapes import Pattern, Slot, fetch
from db.queries.totals import Counted, Moment, Totals

FEW = 5000  # so many rows are gathered and sorted, or passed over, in a few milliseconds
_REVISION, _KEY, _ID, _FIRST = range(4)  # the places of values


class Memory:
    """What a worker remembers to read pages faster."""

    def __init__(self) -> None:
        self.totals = Totals()
        self.rarity = Rarity()


@dataclass(frozen=True)
class Way:
    """How a page is read: gathered, or in order; `start`: from rows of a group, by one of their fields."""

    gathered: bool
    start: tuple[Group, str] | None = None


async def read_page(connection: asyncpg.Connection, listed: Listed, query: ListQuery, memory: Memory) -> Page:
    """Read a page: bodies and state are of one moment, and the total is that of the state.

    One query does it, unless records were written since the total was counted.
    """
    pattern, after, pinned = Pattern(query.conditions), query.after, query.snapshot.revision
    counted = Counted(listed.table, listed.exchange, pattern, pinned)
    known = memory.totals.known(counted) if after is None else after.total
    way = await _way(connection, listed, query, known, memory.rarity)
    key = (listed, query.sort, query.limit, pinned is None, after is None, known is None, way, pattern.key)
    begin = (None, None) if after is None else (after.key, after.id)
    values = (pinned, *begin, *pattern.values)

    def make() -> SelectBase:
        return _statement(listed, _slotted(query, pattern), way, with_total=known is None)

    found = await fetch(connection, key, make, values)
    state = state_of(found[0])
    if after is not None:
        total = after.total
    elif known is None:
        total = found[0]["total"]
        if state.revision <= state.newest:  # what is asked of a revision to come is refused by the caller
            memory.totals.remember(counted, _moment(state), total)
    else:
        total = await memory.totals.at(connection, counted, _moment(state))
    more = len(found) > query.limit
    last = found[query.limit - 1] if more else None
    return Page(
        state=state,
        bodies=[row["body"] for row in found[: query.limit] if row["id"] is not None],
        total=total,
        next=None if last is None else After(last["key"], last["id"], total),
    )


def _moment(state: State) -> Moment:
    return Moment(state.epoch, state.vocabulary_revision, state.revision)


async def _way(
    connection: asyncpg.Connection, listed: Listed, query: ListQuery, known: int | None, rarity: Rarity
) -> Way:
    first: Condition | None
    asked = [condition for condition in query.conditions if not condition.context]
    starts = [condition for condition in asked if query.sort.by_date and _in_order(condition)]
    if not asked or (len(asked) == len(starts) == 1 and _of_one_value(asked[0])):
        return _from(listed, starts[0] if starts else None)
    if known is None:
        return Way(gathered=True)
    if known > FEW and not starts:
        return Way(gathered=False)
    if starts:
        first, rows = await rarity.rarest(connection, starts)
    else:
        first, rows = None, await rarity.of_all(connection, listed.table)
    steps = query.limit * rows / max(query.limit, known)  # rows that are read until the page is full
    return Way(gathered=True) if known <= FEW < steps else _from(listed, first)


def _from(listed: Listed, first: Condition | None) -> Way:
    own = first is None or first.group.table is listed.table
    return Way(gathered=False, start=None if first is None or own else (first.group, first.field))


def _in_order(condition: Condition) -> bool:
    """Tell whether an index has the rows that a condition asks for in the order of dates."""
    values = condition.any_of or condition.all_of
    return (
        condition.field in condition.group.in_order
        and (len(condition.any_of) == 1 or (not condition.any_of and bool(condition.all_of)))
        and not (condition.absence and NONE in values)
        and not condition.reads_values
    )


def _of_one_value(condition: Condition) -> bool:
    return len(condition.any_of) + len(condition.all_of) == 1 and not condition.none_of


def _slotted(query: ListQuery, pattern: Pattern) -> ListQuery:
    """Give a query with slots in place of its values."""
    revision: Any = Slot(_REVISION)
    key: Any = Slot(_KEY)
    id_: Any = Slot(_ID)
    return replace(
        query,
        conditions=pattern.slotted(_FIRST),
        snapshot=Snapshot() if query.snapshot.revision is None else Snapshot(revision),
        after=None if query.after is None else After(key, id_, 0),
    )


def _statement(listed: Listed, query: ListQuery, way: Way, *, with_total: bool) -> SelectBase:
    """Make the statement of a page: the state, the rows of the page with their bodies, and the total."""
    holds, sort, after = query.snapshot.holds(listed.table), query.sort, query.after
    clauses, having = demands(query.conditions, listed.table, listed.exchange, query.snapshot)
    # None too where the absence of such rows is asked for besides
    start = next((each for each in having if way.start is not None and each.speaks_of(*way.start)), None)
    met = [holds, *clauses, *(each.exists() for each in having if each is not start)]
    key: ColumnElement[Any] = sort.key
    id_: ColumnElement[Any] = listed.table.c.id
    source: FromClause = listed.table
    if start is not None:
        first = start.rows("date")
        source, key = first.join(listed.table, first.c.owner == start.owner), first.c.date
        met += _of_date(clauses, key)
        if start.owner is id_:
            id_ = first.c.owner
        elif after is not None:  # what the index can begin at; the id is not in it
            met.append(
                key <= _literal(after.key, key) if sort.descending else key >= _literal(after.key, key)
            )
    if after is not None:
        here, there = tuple_(key, id_), tuple_(_literal(after.key, key), _literal(after.id, id_))
        met.append(here < there if sort.descending else here > there)
    found = select(key.label("key"), id_.label("id"), *listed.body_keys).select_from(source).where(*met)
    if start is not None:
        found = found.ext(distinct_on(key, id_))  # the rows of several claims, say, may be of one exchange
    counted = select(func.count())
    if way.gathered:
        hits = found.cte("hits").prefix_with("MATERIALIZED")
        found, key, id_ = select(hits), hits.c.key, hits.c.id
        counted = counted.select_from(hits)
    elif with_total:
        asked = where(query.conditions, listed.table, listed.exchange, query.snapshot)
        counted = counted.select_from(listed.table).where(holds, *asked)
    # written out: a plan for any limit would be one for a tenth of all rows
    page = found.order_by(*_order(sort, key, id_)).limit(query.limit + 1).subquery("page")
    state = state_statement(query.snapshot).subquery("state")
    body = func.convert_to(listed.body_of(page), literal_column("'UTF8'"), type_=LargeBinary)
    statement = select(body.label("body"), page.c.key, page.c.id, state)
    if with_total:
        statement = statement.add_columns(counted.scalar_subquery().label("total"))
    statement = statement.select_from(listed.with_body(state.outerjoin(page, true()), page))
    return statement.order_by(*_order(sort, page.c.key, page.c.id))


def _of_date(clauses: Iterable[Clause], date: ColumnElement[Any]) -> Iterator[Clause]:
    """Give clauses on the date alone as clauses on the same date elsewhere: an index can begin there."""
    for clause in clauses:
        columns = {each.name for each in iterate(clause) if isinstance(each, ColumnClause)}
        if columns == {"date"}:
            yield replacement_traverse(
                clause, {}, lambda element, **_: date if isinstance(element, ColumnClause) else None
            )


def _order(sort: Sort, key: ColumnElement[Any], id_: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    return [key.desc(), id_.desc()] if sort.descending else [key.asc(), id_.asc()]


def _literal(value: Any, like: ColumnElement[Any]) -> ColumnElement[Any]:
    return literal(value, like.type)
