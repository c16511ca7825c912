"""Reading records: one page of a list, or one record, each in one query that also tells the state it saw.

Bodies come out as the text that was stored; nothing here parses them.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, literal, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from db.models.history import Dataset, DatasetRevision, Revision
from db.models.index import ExchangeIndex
from db.normalising import table
from db.queries.conditions import Clause, Condition, Snapshot, where


@dataclass(frozen=True)
class State:
    """The state of the dataset that an answer is made of.

    `revision` and `updated_at` are of the state read, `newest` and `vocabulary_revision` of the live one.
    """

    revision: int
    updated_at: dt.datetime
    newest: int
    vocabulary_revision: int
    epoch: uuid.UUID


Key = dt.date | dt.datetime | int | str


@dataclass(frozen=True)
class Sort:
    """An order of a list: a key that is never null, then the id, both in one direction.

    `parse` reads a key as a cursor keeps it: a number, or a text (ISO 8601 for days and moments).
    """

    key: ColumnElement[Any]
    descending: bool
    parse: Callable[[int | str], Key]


@dataclass(frozen=True, eq=False)
class Listed:
    """What is listed: the rows of an index table, in one of its orders (the first is the default).

    Rows of parts hold their bodies, and `exchange` is the column that names their exchange; the bodies of
    records are in the history.
    """

    table: Table
    sorts: Mapping[str, Sort]
    exchange: str = "id"

    @property
    def parts(self) -> bool:
        """Whether the rows are parts of exchanges rather than records."""
        return "body" in self.table.c

    def bodies(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Give a statement of bodies and other columns."""
        if self.parts:
            return select(self.table.c.body, *columns).select_from(self.table)
        revision = table(Revision)
        here = (revision.c.dataset_revision == self.table.c.from_revision) & (
            revision.c.position == self.table.c.position
        )
        return select(revision.c.body, *columns).select_from(self.table.join(revision, here))


@dataclass(frozen=True)
class After:
    """Where a page begins: after the row with this key and id; and the total that the walk began with."""

    key: Key
    id: str
    total: int


@dataclass(frozen=True)
class Page:
    """A page of bodies, the total of the whole list, and where the next page begins, if there is one."""

    state: State
    bodies: Sequence[str]
    total: int
    next: After | None


@dataclass(frozen=True)
class Found:
    """A record, its revision number and when it was written; nulls where there is none."""

    state: State
    body: str | None
    number: int | None
    updated_at: dt.datetime | None


@dataclass(frozen=True)
class ListQuery:
    """What is asked of a list."""

    conditions: Sequence[Condition]
    snapshot: Snapshot
    sort: Sort
    limit: int
    after: After | None = None
    clauses: Sequence[Clause] = field(default=())


async def read_page(connection: AsyncConnection, listed: Listed, query: ListQuery) -> Page:
    """Read a page in one query: bodies, total and state are of one moment."""
    clauses = where(query.conditions, listed.table, listed.exchange, query.snapshot)
    clauses = [query.snapshot.holds(listed.table), *clauses, *query.clauses]
    key, id_ = query.sort.key, listed.table.c.id
    order = [key.desc(), id_.desc()] if query.sort.descending else [key.asc(), id_.asc()]
    rows = listed.bodies(key.label("key"), id_.label("id")).where(*clauses).order_by(*order)
    total: ColumnElement[int]
    if query.after is None:
        total = select(func.count()).select_from(listed.table).where(*clauses).scalar_subquery()
    else:
        total = literal(query.after.total)
        here, there = tuple_(key, id_), tuple_(literal(query.after.key, key.type), literal(query.after.id))
        rows = rows.where(here < there if query.sort.descending else here > there)
    page = rows.limit(query.limit + 1).subquery("page")
    state = _state(query.snapshot).subquery("state")
    outer = [page.c.key.desc(), page.c.id.desc()] if query.sort.descending else [page.c.key, page.c.id]
    statement = (
        select(page.c.body, page.c.key, page.c.id, total.label("total"), state)
        .select_from(state.outerjoin(page, true()))
        .order_by(*outer)
    )
    found = (await connection.execute(statement)).all()
    bodies = [row.body for row in found[: query.limit] if row.id is not None]
    more = len(found) > query.limit
    last = found[query.limit - 1] if more else None
    return Page(
        state=_state_of(found[0]),
        bodies=bodies,
        total=found[0].total,
        next=None if last is None else After(last.key, last.id, last.total),
    )


async def read_record(
    connection: AsyncConnection, listed: Listed, record_id: str, snapshot: Snapshot
) -> Found:
    """Read one record, or a part of one: a part has the revision number of its exchange."""
    owner = table(ExchangeIndex) if listed.parts else listed.table
    record = listed.bodies(owner.c.number.label("number"), owner.c.updated_at.label("written_at")).where(
        listed.table.c.id == record_id, snapshot.holds(listed.table)
    )
    if listed.parts:
        record = record.where(owner.c.id == listed.table.c[listed.exchange], snapshot.holds(owner))
    found = record.subquery("found")
    state = _state(snapshot).subquery("state")
    statement = select(found, state).select_from(state.outerjoin(found, true()))
    row = (await connection.execute(statement)).one()
    return Found(_state_of(row), row.body, row.number, row.written_at)


async def read_state(connection: AsyncConnection, snapshot: Snapshot) -> State:
    """Read the state alone, for answers that are made of more than one query pinned to it."""
    return _state_of((await connection.execute(_state(snapshot))).one())


def _state(snapshot: Snapshot) -> Select[Any]:
    """Give the one row that tells the state; the dataset has a row even when nothing was written yet."""
    chosen: ColumnElement[int] = (
        table(Dataset).c.revision if snapshot.revision is None else literal(snapshot.revision)
    )
    dataset, made = table(Dataset), table(DatasetRevision)
    return select(
        dataset.c.revision.label("newest"),
        dataset.c.vocabulary_revision,
        dataset.c.epoch,
        chosen.label("revision"),
        func.coalesce(made.c.at, dataset.c.updated_at).label("updated_at"),
    ).select_from(dataset.outerjoin(made, made.c.revision == chosen))


def _state_of(row: Any) -> State:
    return State(row.revision, row.updated_at, row.newest, row.vocabulary_revision, row.epoch)
