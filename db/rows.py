"""Rows of tables: which stand, how they differ from those that should stand, and how that is stored.

What a record's rows are is decided in `db/normalising.py` and `db/indexing.py`; which records are stored, in
`db/storing.py`. A row that stands as it should is left alone, and what else there is to do for a few records
goes to the database in one statement, or two where rows go: a statement costs more than most of what it
changes.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from operator import itemgetter
from typing import Any

import asyncpg
from sqlalchemy import (
    Column,
    ColumnElement,
    Delete,
    Insert,
    Select,
    Table,
    TableValuedAlias,
    Text,
    UniqueConstraint,
    Update,
    and_,
    any_,
    cast,
    column,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.selectable import SelectBase

from db.base import Base
from db.batches import MANY, worked_out
from db.enums import Resource
from db.indexing import RECORD_TABLE, part_tables
from db.normalising import OWNED, Row, Rows
from db.queries.shapes import Slot, fetch, fetch_among
from db.session import driver_of

FEW = 200  # so many new rows go into one statement; more with COPY, which takes three round trips a table

_Identity = tuple[Table, object]  # of which table, and the key of what the row is of
_Columns = Sequence[str]
_Doing = Callable[[Table, _Columns, TableValuedAlias], Insert | Update | Delete]


@dataclass
class Alteration:
    """Rows to be taken out and rows to be changed, both found by their keys, and rows to be added."""

    gone: Rows = field(default_factory=list)
    changed: Rows = field(default_factory=list)
    new: Rows = field(default_factory=list)


async def read_standing(connection: AsyncConnection, resource: Resource, ids: Sequence[str]) -> Rows:
    """Give the rows of records, as JSON tells them: the normalised ones, and the current index rows."""
    async with driver_of(connection) as driver:
        found = await fetch_among(driver, ("standing", resource), partial(_standing, resource), ids)
    return await worked_out(_read, found, long=len(ids) > MANY)


def _read(found: Sequence[asyncpg.Record]) -> Rows:
    tables = Base.metadata.tables
    return [(tables[name], row) for name, rows in found if rows is not None for row in json.loads(rows)]


def alteration(standing: Rows, wanted: Rows, revision: int) -> Alteration:
    """Compare the rows that stand with those that should.

    A normalised row that differs is changed. The span of an index row that differs, or is of nothing any
    more, ends with the revision, where that of the row in its place begins.
    """
    left = {_identity(of, row): row for of, row in standing}
    span = {"from_revision": revision, "to_revision": None}
    made = Alteration()
    for of, row in wanted:
        stands = left.get(_identity(of, row)) if left else None
        if stands is not None and _agree(of, row, stands):
            del left[_identity(of, row)]
        elif _has_spans(of):
            row.update(span)
            made.new.append((of, row))
        elif stands is None or _is_otherwise_unique(of):
            made.new.append((of, row))
        else:
            made.changed.append((of, row))
            del left[_identity(of, row)]
    for (of, _), row in left.items():
        key = {name: row[name] for name in _key(of)}
        if _has_spans(of):
            made.changed.append((of, key | {"to_revision": revision}))
        else:
            made.gone.append((of, key))
    return made


async def alter(connection: AsyncConnection, rows: Alteration) -> None:
    """Do what is to be done with rows: what goes makes room first."""
    few = len(rows.new) <= FEW
    await _together(connection, [(_taken_out, rows.gone)])
    await _together(connection, [(_changed, rows.changed), (_added, rows.new if few else [])])
    if not few:
        await copy(connection, rows.new)


async def copy(connection: AsyncConnection, rows: Rows) -> None:
    """Store rows with COPY, table by table."""
    async with driver_of(connection) as driver:
        for into, grouped in _by_table(rows).items():
            columns = list(grouped[0])
            records = list(map(itemgetter(*columns), grouped))
            await driver.copy_records_to_table(into.name, columns=columns, records=records)


async def _together(connection: AsyncConnection, work: Sequence[tuple[_Doing, Rows]]) -> None:
    """Send all of this as one statement, each table's rows as one parameter; no row may be in it twice."""
    parts = [(do, into, rows) for do, each in work for into, rows in _by_table(each).items()]
    if not parts:
        return
    shape = tuple((do, into.name, tuple(rows[0])) for do, into, rows in parts)
    given = await worked_out(_texts, parts, long=sum(len(rows) for *_, rows in parts) > FEW)

    def statement() -> SelectBase:
        made: Select[Any] = select(literal_column("1"))
        for n, (do, into, rows) in enumerate(parts):
            columns = list(rows[0])
            typed = [column(name, into.c[name].type) for name in columns]
            records = func.jsonb_to_recordset(literal(Slot(n), JSONB)).table_valued(*typed, name=f"given_{n}")
            made = made.add_cte(do(into, columns, records.render_derived(with_types=True)).cte(f"part_{n}"))
        return made

    async with driver_of(connection) as driver:
        await fetch(driver, ("together", shape), statement, given)


def _texts(parts: Sequence[tuple[_Doing, Table, Sequence[Row]]]) -> list[str]:
    return [json.dumps([_plain(into, row) for row in rows], ensure_ascii=False) for _, into, rows in parts]


def _added(into: Table, columns: _Columns, given: TableValuedAlias) -> Insert:
    return insert(into).from_select(list(columns), select(*given.c))


def _changed(into: Table, columns: _Columns, given: TableValuedAlias) -> Update:
    values = {name: given.c[name] for name in columns if name not in _key(into)}
    return update(into).where(*_same(into, given)).values(values)


def _taken_out(into: Table, _: _Columns, given: TableValuedAlias) -> Delete:
    return delete(into).where(*_same(into, given))


def _same(into: Table, given: TableValuedAlias) -> list[ColumnElement[bool]]:
    return [into.c[name] == given.c[name] for name in _key(into)]


def _standing(resource: Resource, ids: ColumnElement[Sequence[str]]) -> SelectBase:
    """Make the statement of all rows of records, one row of its own for each table."""
    return union_all(
        *(
            select(literal(of.name, Text), cast(func.json_agg(of.table_valued()), Text)).where(clause)
            for of, clause in _tables(resource, ids)
        )
    )


def _tables(resource: Resource, ids: ColumnElement[Sequence[str]]) -> list[tuple[Table, ColumnElement[bool]]]:
    """Give the tables that hold rows of records, with what tells which are the current ones of theirs."""
    index = RECORD_TABLE[resource]
    spans = [(index, index.c.id == any_(ids)), *part_tables(resource, ids)]
    return [
        *((owned.table, owned.of(ids)) for owned in OWNED[resource]),
        *((of, and_(clause, of.c.to_revision.is_(None))) for of, clause in spans),
    ]


def _by_table(rows: Iterable[tuple[Table, Row]]) -> Mapping[Table, list[Row]]:
    """Group rows; all of one table have the same columns."""
    grouped: dict[Table, list[Row]] = {}
    for of, row in rows:
        grouped.setdefault(of, []).append(row)
    return grouped


def _agree(of: Table, row: Row, stands: Row) -> bool:
    """Tell whether a row stands as it should; most values are alike in JSON."""
    return all(
        stands[name] == value or stands[name] == _told(of.c[name], value) for name, value in row.items()
    )


def _identity(of: Table, row: Row) -> _Identity:
    return of, _identifier(of)(row)


@cache
def _identifier(of: Table) -> Callable[[Row], object]:
    return itemgetter(*(name for name in _key(of) if name != "from_revision"))


@cache
def _key(of: Table) -> _Columns:
    return [each.name for each in of.primary_key.columns]


@cache
def _has_spans(of: Table) -> bool:
    return "to_revision" in of.c


@cache
def _is_otherwise_unique(of: Table) -> bool:
    """Tell whether two rows may want what the other has, so that neither can be changed in its place."""
    return any(isinstance(each, UniqueConstraint) for each in of.constraints)


def _plain(of: Table, row: Row) -> Row:
    """Give a row as JSON tells it."""
    return {name: _told(of.c[name], value) for name, value in row.items()}


def _told(of: Column[Any], value: object) -> object:
    match value:
        case dt.datetime():
            return value.astimezone(dt.UTC).isoformat()
        case dt.date():
            return value.isoformat()
        case bytes():
            return f"\\x{value.hex()}"
        case tuple():
            return list(value)
        case str() if isinstance(of.type, JSONB):
            return json.loads(value)
    return value
