"""Statements that are made once for each shape of query, and then only filled with values.

Making SQL out of a query takes SQLAlchemy many times longer than running it does, and its connection as long
again. A statement is therefore made with slots in place of values and kept as text; what follows is the text
and the arguments, given to the driver, which prepares it.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import asyncpg
from sqlalchemy import ARRAY, BindParameter, ColumnElement, Text, literal
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.selectable import SelectBase
from sqlalchemy.sql.visitors import cloned_traverse

from db.models.index import NONE
from db.queries.conditions import Condition, Value

Key = TypeVar("Key", bound=Hashable)
Thing = TypeVar("Thing")
_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


class Kept(Generic[Key, Thing]):
    """A number of things by their keys; what was not asked for the longest gives way."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._things: OrderedDict[Key, Thing] = OrderedDict()

    def get(self, key: Key) -> Thing | None:
        """Give what is kept under a key."""
        thing = self._things.get(key)
        if thing is not None:
            self._things.move_to_end(key)
        return thing

    def put(self, key: Key, thing: Thing) -> None:
        """Keep something."""
        self._things[key] = thing
        self._things.move_to_end(key)
        if len(self._things) > self.limit:
            self._things.popitem(last=False)


@dataclass(frozen=True, eq=False, slots=True)
class Slot:
    """Stands for one of the values of a statement, by its place among them."""

    place: int


@dataclass(frozen=True)
class Shape:
    """A statement as text, and which of the values each of its parameters is."""

    sql: str
    places: Sequence[int]

    def arguments(self, values: Sequence[Any]) -> list[Any]:
        """Give the values in the order of the parameters."""
        return [values[place] for place in self.places]


# Shapes depend on nothing but the code.
_SHAPES: Kept[Hashable, Shape] = Kept(1000)


async def fetch(
    connection: asyncpg.Connection, key: Hashable, make: Callable[[], SelectBase], values: Sequence[Any]
) -> list[asyncpg.Record]:
    """Run the statement of a shape; `key` tells it from all others, and `make` makes it with slots."""
    shape = _SHAPES.get(key)
    if shape is None:
        shape = shape_of(make())
        _SHAPES.put(key, shape)
    found: list[asyncpg.Record] = await connection.fetch(shape.sql, *shape.arguments(values))
    return found


async def fetch_among(
    connection: asyncpg.Connection,
    key: Hashable,
    make: Callable[[ColumnElement[Any]], SelectBase],
    texts: Sequence[str],
) -> list[asyncpg.Record]:
    """Run a statement about an array of texts, which `make` is given as a slot.

    Of a single one Postgres is told that it is one: else it would plan anew each time, since a plan for as
    many as it supposes in an array costs more.
    """
    one = len(texts) == 1

    def statement() -> SelectBase:
        single: ColumnElement[Any] = literal(Slot(0), Text)
        return make(array([single]) if one else literal(Slot(0), ARRAY(Text)))

    return await fetch(connection, (key, one), statement, [texts[0] if one else list(texts)])


class Pattern:
    """What conditions have in common with others of their shape, and the values that are their own."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self.conditions = conditions
        self.values: list[Value] = []
        self.key = tuple(
            (
                condition.group,
                condition.field,
                condition.clause,
                condition.context,
                self._of(condition, condition.any_of),
                self._of(condition, condition.all_of),
                self._of(condition, condition.none_of),
            )
            for condition in conditions
        )

    def _of(self, condition: Condition, values: tuple[Value, ...]) -> tuple[Value, ...]:
        """Give the values that belong to the shape, and note the others; each of them leaves a gap."""
        gaps = [not _of_shape(condition, value) for value in values]
        self.values += [value for value, gap in zip(values, gaps, strict=True) if gap]
        return tuple(None if gap else value for value, gap in zip(values, gaps, strict=True))

    def slotted(self, first: int) -> list[Condition]:
        """Give the conditions with slots in place of the values, which are counted on from `first`."""
        places = iter(range(first, first + len(self.values)))

        def slots(condition: Condition, values: tuple[Value, ...]) -> tuple[Value, ...]:
            return tuple(v if _of_shape(condition, v) else Slot(next(places)) for v in values)

        return [
            replace(
                condition,
                any_of=slots(condition, condition.any_of),
                all_of=slots(condition, condition.all_of),
                none_of=slots(condition, condition.none_of),
            )
            for condition in self.conditions
        ]


def _of_shape(condition: Condition, value: Value) -> bool:
    return condition.reads_values or (condition.absence and value == NONE)


def shape_of(statement: SelectBase) -> Shape:
    """Make the text of a statement; what is not a slot is written into it, so that it can be planned for."""

    def write_out(bound: BindParameter[Any]) -> None:
        values = bound.value if isinstance(bound.value, list | tuple) else [bound.value]
        if not any(isinstance(value, Slot) for value in values):
            bound.literal_execute = True

    written: SelectBase = cloned_traverse(statement, {}, {"bindparam": write_out})
    compiled = written.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    slots = compiled.params
    return Shape(str(compiled), [slots[name].place for name in compiled.positiontup or ()])
