"""How many records a query finds: counted once, then kept up with what was written since.

A count reads every row that matches, which at a million takes far longer than a page does. What a worker has
counted once it remembers with the revision it counted at. At a later revision, only records that were written
in between can have come or gone: those are counted in the old state and in the new one, and their difference
added. The history is what makes this exact: every state can still be asked.
"""

import uuid
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import asyncpg
from sqlalchemy import BigInteger, ColumnElement, Select, Table, Text, any_, func, literal, select, union
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.selectable import SelectBase

from db.models.index import ExchangeIndex
from db.normalising import table
from db.queries.conditions import Condition, Snapshot, where
from db.queries.shapes import Kept, Pattern, Slot, fetch

REMEMBERED = 4000
MANY = 2000  # records written in between, from which on counting all is no slower


@dataclass(frozen=True)
class Moment:
    """What a total is true of. What names mean and what was blanked changes past states too."""

    epoch: uuid.UUID
    vocabulary_revision: int
    revision: int


@dataclass(frozen=True)
class Counted:
    """The rows of a table that are counted, with the column that names their exchange, and what they meet.

    `pinned`: the one dataset revision that is asked for, if it is not the newest one.
    """

    table: Table
    exchange: str
    pattern: Pattern
    pinned: int | None

    @property
    def written(self) -> Table:
        """The index of the records with which the rows are written."""
        return table(ExchangeIndex) if self.exchange != "id" else self.table

    @cached_property
    def key(self) -> Hashable:
        """What tells it from all others."""
        return (self.table, self.pinned, self.pattern.key, *self.pattern.values)


class Totals:
    """The totals that a worker remembers."""

    def __init__(self) -> None:
        self._known: Kept[Hashable, tuple[Moment, int]] = Kept(REMEMBERED)
        self._written: Kept[tuple[Table, Moment, int], list[str]] = Kept(8)

    def known(self, counted: Counted) -> int | None:
        """Give the total when it was counted last."""
        known = self._known.get(counted.key)
        return None if known is None else known[1]

    def remember(self, counted: Counted, moment: Moment, total: int) -> None:
        """Keep a total."""
        self._known.put(counted.key, (moment, total))

    async def at(self, connection: asyncpg.Connection, counted: Counted, moment: Moment) -> int:
        """Give the total at a moment."""
        known = self._known.get(counted.key)
        if known is None or not _same_past(known[0], moment):
            total = await _count(connection, counted, moment.revision)
        elif known[0].revision == moment.revision:
            return known[1]
        else:
            before, total = known
            written = await self._written_since(connection, counted.written, before, moment.revision)
            if len(written) > MANY:
                total = await _count(connection, counted, moment.revision)
            elif written:
                total += await _change(connection, counted, written, before.revision, moment.revision)
        self.remember(counted, moment, total)
        return total

    async def _written_since(
        self, connection: asyncpg.Connection, index: Table, before: Moment, revision: int
    ) -> list[str]:
        """Give the records that were written after a moment, or enough of them to tell that it is many."""
        key = (index, before, revision)
        ids = self._written.get(key)
        if ids is None:
            values = (before.revision, revision, MANY + 1)
            rows = await fetch(connection, ("written", index), lambda: _written_between(index), values)
            ids = [row[0] for row in rows]
            self._written.put(key, ids)
        return ids


def _same_past(one: Moment, other: Moment) -> bool:
    return (
        one.epoch == other.epoch
        and one.vocabulary_revision == other.vocabulary_revision
        and one.revision <= other.revision
    )


def _written_between(index: Table) -> SelectBase:
    since, until, limit = (literal(Slot(place), BigInteger) for place in range(3))

    def between(column: ColumnElement[Any]) -> Select[Any]:
        # each is cut short: to tell doubles apart takes all rows, and a load may have written millions
        return select(index.c.id).where(column > since, column <= until).limit(limit)

    ids = union(between(index.c.from_revision), between(index.c.to_revision)).subquery("written")
    return select(ids).limit(limit)


async def _count(connection: asyncpg.Connection, counted: Counted, revision: int) -> int:
    """Count in the state of a dataset revision."""

    def make() -> SelectBase:
        return _counting(counted, counted.pattern.slotted(1), Slot(0))

    key = ("count", counted.table, counted.pattern.key)
    [(total,)] = await fetch(connection, key, make, (revision, *counted.pattern.values))
    return int(total)


async def _change(
    connection: asyncpg.Connection, counted: Counted, written: Sequence[str], before: int, after: int
) -> int:
    """Count how many more rows records have in one state than in another."""

    def make() -> SelectBase:
        slotted, owner = counted.pattern.slotted(3), counted.table.c[counted.exchange]
        of_written = owner == any_(literal(Slot(0), ARRAY(Text)))
        old, new = (
            _counting(counted, slotted, Slot(place)).where(of_written).scalar_subquery() for place in (1, 2)
        )
        return select(new - old)

    key = ("change", counted.table, counted.pattern.key)
    [(change,)] = await fetch(connection, key, make, (written, before, after, *counted.pattern.values))
    return int(change)


def _counting(counted: Counted, conditions: Sequence[Condition], revision: Any) -> Select[Any]:
    snapshot = Snapshot(revision)
    met = where(conditions, counted.table, counted.exchange, snapshot)
    return select(func.count()).select_from(counted.table).where(snapshot.holds(counted.table), *met)
