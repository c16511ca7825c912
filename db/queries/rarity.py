"""Which of several values that are asked for fewest rows have, as the database's own statistics tell it."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import asyncpg
from sqlalchemy import Select, Table, select

from db.queries.conditions import Condition, Value
from db.queries.shapes import Kept, Pattern, shape_of

REMEMBERED = 4000
SECONDS_OF_AN_ESTIMATE = 600.0  # what is rare changes slowly, unless a great many records come at once
_ROWS = re.compile(r"rows=(\d+)")
Of = tuple[object, str, Value]


class Rarity:
    """How many rows values are expected to have, as it was asked for not long ago."""

    def __init__(self) -> None:
        self._expected: Kept[Of, tuple[float, int]] = Kept(REMEMBERED)

    async def rarest(
        self, connection: asyncpg.Connection, conditions: Sequence[Condition]
    ) -> tuple[Condition, int]:
        """Give the condition on one value that fewest rows are expected to meet, and how many these are."""
        expected = [await self._rows(connection, condition) for condition in conditions]
        return conditions[expected.index(min(expected))], min(expected)

    async def of_all(self, connection: asyncpg.Connection, listed: Table) -> int:
        """Give how many rows a list is expected to have."""
        everything = select(listed.c.id).where(listed.c.to_revision.is_(None))
        return await self._expect(connection, (listed, "", None), lambda: everything, ())

    async def _rows(self, connection: asyncpg.Connection, condition: Condition) -> int:
        value = (condition.any_of or condition.all_of)[0]
        pattern = Pattern([replace(condition, any_of=(value,), all_of=(), none_of=())])

        def statement() -> Select[Any]:
            table = condition.group.table
            [slotted] = pattern.slotted(0)
            met = (condition.group.fixed, table.c.to_revision.is_(None), slotted.clause(slotted.any_of))
            return select(table.c[condition.group.owner]).where(*met)

        key = (condition.group, condition.field, value)
        return await self._expect(connection, key, statement, pattern.values)

    async def _expect(
        self,
        connection: asyncpg.Connection,
        key: Of,
        statement: Callable[[], Select[Any]],
        values: Sequence[Value],
    ) -> int:
        known, now = self._expected.get(key), time.monotonic()
        if known is None or known[0] < now - SECONDS_OF_AN_ESTIMATE:
            known = now, await _explained(connection, statement(), values)
            self._expected.put(key, known)
        return known[1]


async def _explained(connection: asyncpg.Connection, statement: Select[Any], values: Sequence[Value]) -> int:
    shape = shape_of(statement)
    plan = await connection.fetchval(f"EXPLAIN {shape.sql}", *shape.arguments(values))
    expected = _ROWS.search(plan)  # in the first line, which is about the whole
    return int(expected[1]) if expected else 0
