"""How conditions on records, and on the parts of records, become one WHERE clause.

Conditions on parts come in groups: all of a group hold for the same row of its table (the same claim, the
same mediation). Which filter belongs to which group is not decided here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import ColumnElement, FromClause, Subquery, Table, and_, exists, or_, select, true

from db.models.index import NONE

Clause = ColumnElement[bool]
Value = object


@dataclass(frozen=True)
class Snapshot:
    """Which state is read: the live one, or the one that held at a dataset revision.

    `release` is the name of the release that the revision was asked for by, if it was; `moving`: it was asked
    for as the latest one, which another will be.
    """

    revision: int | None = None
    release: str | None = None
    moving: bool = False

    def holds(self, table: FromClause) -> Clause:
        """Give the clause that a row of an index table belongs to the state."""
        if self.revision is None:
            return table.c.to_revision.is_(None)
        ended = or_(table.c.to_revision.is_(None), table.c.to_revision > self.revision)
        return and_(table.c.from_revision <= self.revision, ended)


@dataclass(frozen=True)
class Default:
    """A clause that holds for a row unless the query speaks of one of these fields itself."""

    unless: frozenset[str]
    clause: Clause


@dataclass(frozen=True, eq=False)
class Group:
    """A table whose rows say something about a record: its claims, its mediations, its parties…

    `owner` is the column that names what the rows speak of, and `of` says whether that is the exchange or
    the listed thing itself. `row_defaults_for`: where the rows themselves are listed, the defaults belong to
    what a query asks of these fields. `in_order`: of these fields, an index holds the rows of each value in
    the order of the dates and ids of what they speak of.
    """

    table: FromClause
    owner: str
    of: Literal["exchange", "listed"] = "exchange"
    fixed: Clause = field(default_factory=true)
    defaults: tuple[Default, ...] = ()
    row_defaults_for: frozenset[str] = frozenset()
    in_order: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Condition:
    """What is asked of one field of a group's rows: any of, all of, and none of some values.

    `absence`: the value `none` asks that no row of the group is there, rather than for a stored word.
    `context`: the condition only says which rows the others of the group speak of. The clause only hands the
    values on, unless `reads_values`.
    """

    field: str
    group: Group
    clause: Callable[[Sequence[Value]], Clause]
    any_of: tuple[Value, ...] = ()
    all_of: tuple[Value, ...] = ()
    none_of: tuple[Value, ...] = ()
    absence: bool = False
    context: bool = False
    reads_values: bool = False


_Asked = tuple[Condition, Sequence[Value]]


@dataclass(frozen=True, eq=False)
class Having:
    """What is asked of the rows of a group that something must have one of.

    `owner`: what tells whose rows they are, `asked`: the fields that are asked for, each with the one value
    asked for, if it is one.
    """

    group: Group
    owner: ColumnElement[str]
    clauses: tuple[Clause, ...]
    asked: Mapping[str, Value | None]

    def exists(self) -> Clause:
        """Give the clause that there is such a row."""
        return exists().where(self.group.table.c[self.group.owner] == self.owner, *self.clauses)

    def rows(self, key: str) -> Subquery:
        """Give the rows themselves: a column of them, and what they speak of as `owner`."""
        columns = self.group.table.c
        return select(columns[key], columns[self.group.owner].label("owner")).where(*self.clauses).subquery()

    def speaks_of(self, group: Group, field: str) -> bool:
        """Tell whether one value of a field of a group's rows is asked for."""
        return self.group is group and self.asked.get(field) is not None


def where(conditions: Iterable[Condition], listed: Table, exchange: str, snapshot: Snapshot) -> list[Clause]:
    """Give the clauses of a list of rows of a table, whose column `exchange` names the exchange."""
    clauses, having = demands(conditions, listed, exchange, snapshot)
    return [*clauses, *(each.exists() for each in having)]


def demands(
    conditions: Iterable[Condition], listed: Table, exchange: str, snapshot: Snapshot
) -> tuple[list[Clause], list[Having]]:
    """Give the clauses of a list of rows of a table, those apart that ask for rows of other tables."""
    groups: dict[int, tuple[Group, list[Condition]]] = {}
    for condition in conditions:
        groups.setdefault(id(condition.group), (condition.group, []))[1].append(condition)
    clauses: list[Clause] = []
    having: list[Having] = []
    for group, members in groups.values():
        if group.table is listed:
            clauses.extend(_of_row(group, members))
            continue
        owner = listed.c.id if group.of == "listed" else listed.c[exchange]
        for each in _of_owner(group, members, owner, snapshot):
            if isinstance(each, Having):
                having.append(each)
            else:
                clauses.append(each)
    return clauses, having


def _of_row(group: Group, members: Sequence[Condition]) -> Iterator[Clause]:
    """Give the clauses where the listed row is itself the thing spoken of; what is null holds no value."""
    asked = {condition.field for condition in members if condition.any_of}
    defaults = [default.clause for default in group.defaults if not default.unless & asked]
    for condition in members:
        applied = defaults if condition.field in group.row_defaults_for else []
        if condition.any_of:
            yield and_(condition.clause(condition.any_of), *applied)
        yield from (and_(condition.clause([value]), *applied) for value in condition.all_of)
        yield from (and_(condition.clause([value]), *applied).is_not(true()) for value in condition.none_of)


def _of_owner(
    group: Group, members: Sequence[Condition], owner: ColumnElement[str], snapshot: Snapshot
) -> Iterator[Clause | Having]:
    """Give what holds where the record must have, or must not have, such a row in the group."""
    table = group.table

    def has(asked: Mapping[str, _Asked]) -> Having:
        applied = [default.clause for default in group.defaults if not default.unless & asked.keys()]
        clauses = [condition.clause(values) for condition, values in asked.values()]
        single = {name: values[0] if len(values) == 1 else None for name, (_, values) in asked.items()}
        return Having(group, owner, (group.fixed, snapshot.holds(table), *applied, *clauses), single)

    def others(condition: Condition) -> dict[str, _Asked]:
        return {name: asked for name, asked in positive.items() if name != condition.field}

    def has_value(condition: Condition, value: Value, context: Mapping[str, _Asked]) -> Clause | Having:
        rest = {**others(condition), **context}
        if condition.absence and value == NONE:
            return ~has(rest).exists()
        return has({**rest, condition.field: (condition, [value])})

    positive: dict[str, _Asked] = {
        condition.field: (condition, values)
        for condition in members
        if (values := _present(condition, condition.any_of))
    }
    for context in _contexts(members):
        asked = [condition for condition in members if not condition.context]
        some_of = [condition for condition in asked if condition.any_of]
        if some_of and not any(condition.absence and NONE in condition.all_of for condition in asked):
            wanted = has(positive | context)
            absent = [~has(others(each) | context).exists() for each in some_of if _absent(each)]
            present = all(_present(each, each.any_of) for each in some_of)
            if absent:
                yield or_(*absent, *([wanted.exists()] if present else []))
            elif present:
                yield wanted
        for condition in asked:
            for value in condition.all_of:
                yield has_value(condition, value, context)
            for value in condition.none_of:
                unwanted = has_value(condition, value, context)
                yield ~(unwanted.exists() if isinstance(unwanted, Having) else unwanted)


def _present(condition: Condition, values: Sequence[Value]) -> list[Value]:
    return [value for value in values if not (condition.absence and value == NONE)]


def _absent(condition: Condition) -> bool:
    return condition.absence and NONE in condition.any_of


def _contexts(members: Sequence[Condition]) -> Iterator[dict[str, _Asked]]:
    """Give what the rows spoken of must be besides: once for each value that all must be met."""
    demanding = [
        (condition, value) for condition in members if condition.context for value in condition.all_of
    ]
    if not demanding:
        yield {}
    for condition, value in demanding:
        yield {condition.field: (condition, [value])}
