"""How conditions on records, and on the parts of records, become one WHERE clause.

Conditions on parts come in groups: all of a group hold for the same row of its table (the same claim, the
same mediation). Which filter belongs to which group is not decided here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import ColumnElement, FromClause, Table, and_, exists, or_, true

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
    what a query asks of these fields.
    """

    table: FromClause
    owner: str
    of: Literal["exchange", "listed"] = "exchange"
    fixed: Clause = field(default_factory=true)
    defaults: tuple[Default, ...] = ()
    row_defaults_for: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Condition:
    """What is asked of one field of a group's rows: any of, all of, and none of some values.

    `absence`: the value `none` asks that no row of the group is there, rather than for a stored word.
    `context`: the condition only says which rows the others of the group speak of.
    """

    field: str
    group: Group
    clause: Callable[[Sequence[Value]], Clause]
    any_of: tuple[Value, ...] = ()
    all_of: tuple[Value, ...] = ()
    none_of: tuple[Value, ...] = ()
    absence: bool = False
    context: bool = False


def where(conditions: Iterable[Condition], listed: Table, exchange: str, snapshot: Snapshot) -> list[Clause]:
    """Give the clauses of a list of rows of a table, whose column `exchange` names the exchange."""
    groups: dict[int, tuple[Group, list[Condition]]] = {}
    for condition in conditions:
        groups.setdefault(id(condition.group), (condition.group, []))[1].append(condition)
    clauses: list[Clause] = []
    for group, members in groups.values():
        if group.table is listed:
            clauses.extend(_of_row(group, members))
        else:
            owner = listed.c.id if group.of == "listed" else listed.c[exchange]
            clauses.extend(_of_owner(group, members, owner, snapshot))
    return clauses


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
) -> Iterator[Clause]:
    """Give the clauses where the record must have, or must not have, such a row in the group."""
    table = group.table

    def has(clauses: Mapping[str, Clause]) -> Clause:
        applied = [default.clause for default in group.defaults if not default.unless & clauses.keys()]
        of_record = table.c[group.owner] == owner
        return exists().where(of_record, group.fixed, snapshot.holds(table), *applied, *clauses.values())

    def others(condition: Condition) -> dict[str, Clause]:
        return {name: clause for name, clause in positive.items() if name != condition.field}

    positive = {
        condition.field: condition.clause(values)
        for condition in members
        if (values := _present(condition, condition.any_of))
    }
    for context in _contexts(members):
        asked = [condition for condition in members if not condition.context]
        some_of = [condition for condition in asked if condition.any_of]
        if some_of and not any(condition.absence and NONE in condition.all_of for condition in asked):
            alternatives = [~has(others(condition) | context) for condition in some_of if _absent(condition)]
            if all(_present(condition, condition.any_of) for condition in some_of):
                alternatives.append(has(positive | context))
            yield or_(*alternatives)
        for condition in asked:
            for value in condition.all_of:
                yield _has_value(has, condition, value, others(condition) | context)
            for value in condition.none_of:
                yield ~_has_value(has, condition, value, others(condition) | context)


def _has_value(
    has: Callable[[Mapping[str, Clause]], Clause],
    condition: Condition,
    value: Value,
    others: Mapping[str, Clause],
) -> Clause:
    if condition.absence and value == NONE:
        return ~has(others)
    return has({**others, condition.field: condition.clause([value])})


def _present(condition: Condition, values: Sequence[Value]) -> list[Value]:
    return [value for value in values if not (condition.absence and value == NONE)]


def _absent(condition: Condition) -> bool:
    return condition.absence and NONE in condition.any_of


def _contexts(members: Sequence[Condition]) -> Iterator[dict[str, Clause]]:
    """Give what the rows spoken of must be besides: once for each value that all must be met."""
    demanding = [
        (condition, value) for condition in members if condition.context for value in condition.all_of
    ]
    if not demanding:
        yield {}
    for condition, value in demanding:
        yield {condition.field: condition.clause([value])}
