"""Reading records: what a list is and a page of it, and one record in one query that also tells its state.

Bodies come out as the text that was stored; nothing here parses them. How a page is read is
`db/queries/walking.py`'s.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    RowMapping,
    Select,
    Table,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from db.lag import note
from db.models.history import Dataset, DatasetRevision, Revision
from db.models.index import ExchangeIndex
from db.normalising import table
from db.queries.conditions import Condition, Snapshot
from db.queries.releases import count_blanked


class Version(NamedTuple):
    """What tells two states of the dataset apart, names and redactions included; later ones are greater."""

    epoch: uuid.UUID
    revision: int
    vocabulary_revision: int


@dataclass(frozen=True)
class State:
    """The state of the dataset that an answer is made of.

    `revision` and `updated_at` are of the state read, `newest` and `vocabulary_revision` of the live one.
    `blanked` tells how many of its records were blanked since; nothing that stands ever is.
    """

    revision: int
    updated_at: dt.datetime
    newest: int
    vocabulary_revision: int
    epoch: uuid.UUID
    blanked: int

    @property
    def version(self) -> Version:
        """The version of the dataset that was the live one."""
        return Version(self.epoch, self.newest, self.vocabulary_revision)


Key = dt.date | dt.datetime | int | str


@dataclass(frozen=True, eq=False)
class Sort:
    """An order of a list: a key that is never null, then the id, both in one direction.

    `parse` reads a key as a cursor keeps it: a number, or a text (ISO 8601 for days and moments). `by_date`:
    the key is the date, in whose order the indexes of single values stand too.
    """

    key: ColumnElement[Any]
    descending: bool
    parse: Callable[[int | str], Key]
    by_date: bool = False


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

    @property
    def body_keys(self) -> Sequence[ColumnElement[Any]]:
        """The columns that tell where the body is, or hold it."""
        columns = self.table.c
        return [columns.body] if self.parts else [columns.from_revision, columns.position]

    def bodies(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Give a statement of bodies and other columns."""
        return select(self.body_of(self.table), *columns).select_from(self.with_body(self.table, self.table))

    def body_of(self, rows: FromClause) -> ColumnElement[str]:
        """Give the column that holds the bodies of rows that have the `body_keys`."""
        return rows.c.body if self.parts else table(Revision).c.body

    def with_body(self, source: FromClause, rows: FromClause) -> FromClause:
        """Join to something the bodies of rows of it that have the `body_keys`."""
        if self.parts:
            return source
        revision = table(Revision).c
        here = and_(revision.dataset_revision == rows.c.from_revision, revision.position == rows.c.position)
        return source.outerjoin(table(Revision), here)


@dataclass(frozen=True)
class After:
    """Where a page begins: after the row with this key and id; and the total that the walk began with."""

    key: Key
    id: str
    total: int


@dataclass(frozen=True)
class Page:
    """A page of bodies, the total of the whole list, and where the next page begins, if there is one.

    Bodies are as they go out: to make text of them, and bytes of that, would take a third of a page's time.
    """

    state: State
    bodies: Sequence[bytes]
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


async def read_record(
    connection: AsyncConnection, listed: Listed, record_id: str, snapshot: Snapshot
) -> Found:
    """Read one record, or a part of one: a part has the revision number of its exchange."""
    statement = _live_record(listed) if snapshot.revision is None else _record(listed, snapshot)
    row = (await connection.execute(statement, {"record_id": record_id})).mappings().one()
    return Found(state_of(row), row["body"], row["number"], row["written_at"])


def _record(listed: Listed, snapshot: Snapshot) -> Select[Any]:
    owner = table(ExchangeIndex) if listed.parts else listed.table
    record = listed.bodies(owner.c.number.label("number"), owner.c.updated_at.label("written_at")).where(
        listed.table.c.id == bindparam("record_id"), snapshot.holds(listed.table)
    )
    if listed.parts:
        record = record.where(owner.c.id == listed.table.c[listed.exchange], snapshot.holds(owner))
    found = record.subquery("found")
    state = state_statement(snapshot).subquery("state")
    return select(found, state).select_from(state.outerjoin(found, true()))


@cache
def _live_record(listed: Listed) -> Select[Any]:
    """Give the statement that is asked most; to make it takes as long as to run it."""
    return _record(listed, Snapshot())


async def read_state(connection: AsyncConnection, snapshot: Snapshot) -> State:
    """Read the state alone, for answers that are made of more than one query pinned to it."""
    return state_of((await connection.execute(state_statement(snapshot))).mappings().one())


def state_statement(snapshot: Snapshot) -> Select[Any]:
    """Give the one row that tells the state; the dataset has a row even when nothing was written yet."""
    chosen: ColumnElement[int] = table(Dataset).c.revision
    blanked: ColumnElement[int] = literal_column("0")
    if snapshot.revision is not None:
        chosen, blanked = literal(snapshot.revision, BigInteger), count_blanked(snapshot.revision)
    dataset, made = table(Dataset), table(DatasetRevision)
    return select(
        dataset.c.revision.label("newest"),
        dataset.c.vocabulary_revision,
        dataset.c.epoch,
        chosen.label("revision"),
        func.coalesce(made.c.at, dataset.c.updated_at).label("updated_at"),
        blanked.label("blanked"),
    ).select_from(dataset.outerjoin(made, made.c.revision == chosen))


def state_of(row: RowMapping | asyncpg.Record) -> State:
    """Give the state that is told in a row."""
    note(row["newest"])
    return State(
        row["revision"],
        row["updated_at"],
        row["newest"],
        row["vocabulary_revision"],
        row["epoch"],
        row["blanked"],
    )
