"""How the tables that a statement reads are joined: what a database that spreads rows by a key must know.

Columns are followed through subqueries to the tables that they come from. Only equalities that hold for every
row count: those of WHERE and ON that no OR or NOT is around.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from sqlglot import exp, parse_one
from sqlglot.optimizer.scope import Scope, traverse_scope

Node = tuple[int, str]  # one use of a table in a statement, and a column of it


@dataclass
class Joins:
    """What is joined to rows that are spread: `astray` not by the key, `local` to what is in one place."""

    astray: set[frozenset[str]] = field(default_factory=set)
    local: set[str] = field(default_factory=set)


def joins_of(statement: str, keys: Mapping[str, str]) -> Joins:
    """Tell how a statement joins tables whose rows are spread by these columns."""
    scopes = traverse_scope(parse_one(statement, dialect="postgres"))
    same = _Same()
    for scope in scopes:
        for left, right in _equal(scope):
            same.unite(left, right)
    found = Joins()
    for scope in scopes:
        sides = [tables for _, source in scope.selected_sources.values() if (tables := list(_tables(source)))]
        if scope.is_correlated_subquery and scope.parent is not None:
            outer = [each for _, source in scope.parent.selected_sources.values() for each in _tables(source)]
            sides = [[each for side in sides for each in side], outer]
        spread = [[each for each in side if each.name in keys] for side in sides]
        if any(spread):
            found.local |= {each.name for side in sides for each in side if each.name not in keys}
        united = [side for side in spread if side]
        for one, other in pairwise(united):
            if not any(
                same.root((id(a), keys[a.name])) == same.root((id(b), keys[b.name]))
                for a in one
                for b in other
            ):
                found.astray.add(frozenset({one[0].name, other[0].name}))
    return found


def _tables(source: exp.Expression | Scope) -> Iterator[exp.Table]:
    """Give the tables that a source of rows is made of."""
    if isinstance(source, exp.Table):
        if source.name:  # a function that gives rows has none
            yield source
    elif isinstance(source, Scope):
        for part in source.set_operation_scopes or []:
            yield from _tables(part)
        for _, inner in source.selected_sources.values():
            yield from _tables(inner)


def _equal(scope: Scope) -> Iterator[tuple[Node, Node]]:
    query = scope.expression
    if not isinstance(query, exp.Select):
        return
    held = [query.args["where"].this] if query.args.get("where") else []
    held += [join.args["on"] for join in query.args.get("joins") or [] if join.args.get("on")]
    for whole in held:
        for each in whole.flatten() if isinstance(whole, exp.And) else [whole]:
            match each.unnest():
                case exp.EQ(this=exp.Column() as left, expression=exp.Column() as right):
                    pair = _resolve(scope, left), _resolve(scope, right)
                case exp.In(this=exp.Column() as left) as within if within.args.get("query"):
                    inner = next(
                        s for s in scope.subquery_scopes if s.expression is within.args["query"].unnest()
                    )
                    pair = _resolve(scope, left), _column(inner, 0)
                case _:
                    continue
            if pair[0] and pair[1]:
                yield pair[0], pair[1]


def _resolve(scope: Scope | None, column: exp.Column) -> Node | None:
    """Follow a column to the table that it comes from; None where it is computed."""
    while scope is not None:
        source = scope.sources.get(column.table)
        if isinstance(source, exp.Table):
            return id(source), column.name
        if isinstance(source, Scope):
            return _column(source, column.name)
        scope = scope.parent
    return None


def _column(scope: Scope, wanted: str | int) -> Node | None:
    if scope.set_operation_scopes:
        return _column(scope.set_operation_scopes[0], wanted)
    selected = scope.expression.selects
    chosen = (
        selected[wanted]
        if isinstance(wanted, int)
        else next((each for each in selected if each.alias_or_name == wanted), None)
    )
    inner = chosen.unalias() if chosen is not None else None
    return _resolve(scope, inner) if isinstance(inner, exp.Column) else None


class _Same:
    """Which columns are equal to each other, by one that stands for all."""

    def __init__(self) -> None:
        self._parent: dict[Node, Node] = {}

    def root(self, node: Node) -> Node:
        while (parent := self._parent.get(node, node)) != node:
            node = parent
        return node

    def unite(self, one: Node, other: Node) -> None:
        self._parent[self.root(one)] = self.root(other)
