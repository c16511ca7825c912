"""The shorthands that lines of `api/filters.py` are made of, and the groups of rows that filters speak of.

No filter is declared here.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, StringConstraints
from sqlalchemy import ColumnElement, Table, and_, cast, func, inspect, true
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import InstrumentedAttribute, aliased
from sqlalchemy.sql.elements import SQLCoreOperations

from api.params import INT4_MAX, Param, ParamSet, Sister, Value, Values
from db import enums
from db.indexing import MEDIATING
from db.models.index import (
    ABOVE_ALL,
    NO_PERSONS,
    ClaimIndex,
    ExchangeIndex,
    FacetIndex,
    FigureIndex,
    MediationIndex,
    RecordIndex,
    Worded,
)
from db.normalising import table
from db.queries.conditions import Clause, Condition, Default, Group

Column = InstrumentedAttribute[Any] | ColumnElement[Any]
ClauseOf = Callable[[Sequence[Value]], Clause]

EXCHANGE = Group(
    table(ExchangeIndex),
    "id",
    in_order=frozenset({"kind", "status", "year", "agreement", "has_overlaps"}),
)
CLAIM = Group(
    table(ClaimIndex),
    "exchange_id",
    defaults=(Default(frozenset({"rank", "covers"}), ClaimIndex.counts.is_(true())),),
    in_order=frozenset({"released_by", "received_by", "direction", "claimant"})
    | {"category", "qualifier", "rank", "covers"},
)
CLAIM_OF_FIGURE = Group(
    table(ClaimIndex),
    "exchange_id",
    fixed=and_(
        ClaimIndex.released_by == FigureIndex.released_by, ClaimIndex.received_by == FigureIndex.received_by
    ),
    defaults=CLAIM.defaults,
)
MEDIATION = Group(
    table(MediationIndex),
    "exchange_id",
    defaults=(
        Default(frozenset({"stance"}), MediationIndex.stance == enums.Stance.ASSERTS),
        Default(frozenset({"mediator_role"}), MediationIndex.role.in_(sorted(MEDIATING))),
    ),
    row_defaults_for=frozenset({"mediator"}),
    in_order=frozenset({"mediator", "mediator_role", "mediator_claimant"}),
)
FIGURE = Group(
    table(FigureIndex),
    "exchange_id",
    in_order=frozenset({"disputed", "disputed_by_parties", "attestation"}),
)
# The persons figure beside a listed figure: of its exchange, in its direction.
PersonsFigure = aliased(FigureIndex, name="persons_figure")
PERSONS_OF_FIGURE = Group(
    inspect(PersonsFigure).selectable,
    "exchange_id",
    fixed=and_(
        PersonsFigure.released_by == FigureIndex.released_by,
        PersonsFigure.received_by == FigureIndex.received_by,
    ),
)
ENDS = ("released_by", "received_by")


def _iso_day(text: object) -> object:
    if isinstance(text, str) and not (len(text) == 10 and text[4] == text[7] == "-"):
        raise ValueError("must be a date of the form YYYY-MM-DD")
    return text


Day = Annotated[dt.date, Field(ge=dt.date(1, 1, 2), le=dt.date(9999, 12, 30)), BeforeValidator(_iso_day)]
Count = Annotated[int, Field(ge=0, le=INT4_MAX)]
Year = Annotated[int, Field(ge=1, le=9999)]
Name = Annotated[str, StringConstraints(max_length=200)]
Text = Annotated[str, StringConstraints(max_length=500)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]

REPEATED = (Sister.ANY, Sister.ALL, Sister.NOT)
OF_ONE = (Sister.ANY, Sister.NOT)  # a row has one such value, so that all of several can never hold


@dataclass(frozen=True, kw_only=True)
class Filter(Param):
    """A parameter with the clause that it stands for, about the rows of a group.

    `absence`: `none` asks that the group has no such row. `context`: another group whose rows the filter
    narrows down without asking anything of them. `directed`: what it means instead where an end of a
    direction is asked for.
    """

    group: Group
    clause: ClauseOf
    absence: bool = False
    context: tuple[Group, ClauseOf] | None = None
    directed: tuple[Group, ClauseOf] | None = None
    negatable: bool = False

    def conditions(self, values: Values) -> list[Condition]:
        """Give the conditions that the query's values of this filter and its sisters stand for."""
        chosen = {sister: values.get(spelling, ()) for spelling, sister in self.spellings()}
        if not any(chosen.values()):
            return []
        if self.named == "search":
            chosen = {sister: tuple(map(_tsquery, given)) for sister, given in chosen.items()}
        any_of, none_of = chosen[Sister.ANY], chosen.get(Sister.NOT, ())
        if self.negatable and any_of == (False,):
            any_of, none_of = (), (True,)
        all_of = chosen.get(Sister.ALL, ())
        group, clause = self.group, self.clause
        if self.directed is not None and any(values.get(end + way) for end in ENDS for way in ("", "_all")):
            group, clause = self.directed
        found = [Condition(self.name, group, clause, any_of, all_of, none_of, absence=self.absence)]
        if self.context is not None:
            group, clause = self.context
            found.append(Condition(self.name, group, clause, any_of, all_of, context=True))
        return found


LEFT_OUT: Any = None  # set in a subclass, it takes an inherited filter away


class FilterSet(ParamSet):
    """The filters of one list; `table` is what it lists.

    `by_spelling`: each filter by its name and those of its sisters, with its place.
    """

    table: ClassVar[Table]
    by_spelling: ClassVar[Mapping[str, tuple[int, Filter]]]

    def __init_subclass__(cls) -> None:
        """Note the spellings of the filters, once for all queries."""
        super().__init_subclass__()
        cls.by_spelling = {
            name: (place, filter_)
            for place, filter_ in enumerate(cls.filters().values())
            for name, _ in filter_.spellings()
        }

    @classmethod
    def filters(cls) -> Mapping[str, Filter]:
        """Give the filters by name."""
        return {name: param for name, param in cls.params.items() if isinstance(param, Filter)}

    @classmethod
    def asked(cls, values: Values) -> list[Filter]:
        """Give the filters that a query has values for, always in the same order."""
        found = dict(cls.by_spelling[name] for name in values if name in cls.by_spelling)
        return [found[place] for place in sorted(found)]


def _any_of(column: Column) -> ClauseOf:
    return lambda values: column.in_(values) if len(values) > 1 else column == values[0]


def _facet(resource: str, name: str) -> Group:
    of: Any = "exchange" if resource == "exchange" else "listed"
    fixed = and_(FacetIndex.resource == resource, FacetIndex.facet == name)
    return Group(table(FacetIndex), "record_id", of=of, fixed=fixed, in_order=frozenset({name}))


def record_group(index: type[RecordIndex], *in_order: str) -> Group:
    """Make the group of the records of an index table themselves."""
    return Group(table(index), "id", of="listed", in_order=frozenset(in_order))


def actor(group: Group, column: Column, description: str, example: str = "ukraine", **options: Any) -> Filter:
    """Make a filter by actors, named in any spelling."""
    return _named("actor", group, column, description, example, **options)


def agreement(group: Group, column: Column, description: str) -> Filter:
    """Make a filter by agreements; `none` is the absence of one, stored as a word."""
    return _named("agreement", group, column, description, "istanbul-2025-05-16", none=True, sisters=OF_ONE)


def exchange_id(group: Group, column: Column) -> Filter:
    """Make a filter by the exchange that a part belongs to."""
    description = "Part of one of these exchanges, by id."
    return _named("exchange", group, column, description, "2024-12-30-russia-ukraine", sisters=OF_ONE)


def publisher(group: Group, column: Column, description: str, example: str, *, none: bool = False) -> Filter:
    """Make a filter by publishers or agencies, named in any spelling."""
    return _named("publisher", group, column, description, example, none=none, sisters=OF_ONE)


def _named(
    named: str,
    group: Group,
    column: Column,
    description: str,
    example: str,
    *,
    sisters: tuple[Sister, ...] = REPEATED,
    **options: Any,
) -> Filter:
    return Filter(
        type=Name,
        description=description,
        example=example,
        many=True,
        sisters=sisters,
        named=named,
        group=group,
        clause=_any_of(column),
        **options,
    )


def facet(
    resource: str, name: str, named: str, description: str, example: str, *, none: bool = False
) -> Filter:
    """Make a filter by what a thing has several of; `none` asks that it has none."""
    group = _facet(resource, name)
    return _named(named, group, FacetIndex.value, description, example, none=none, absence=none)


def sources(resource: str, thing: str) -> tuple[Filter, Filter, Filter]:
    """Make the filters by the articles that a thing cites: article, publisher, agency."""
    return (
        facet(
            resource,
            "article",
            "article",
            f"{thing} cites one of these articles, by id.",
            "al-jazeera-2024-12-30",
        ),
        facet(resource, "publisher", "publisher", f"{thing} cites one of these publishers.", "tass"),
        facet(
            resource,
            "agency",
            "publisher",
            f"{thing} cites text of one of these news agencies; `none`: of no agency at all.",
            "reuters",
            none=True,
        ),
    )


def words(
    group: Group,
    column: Column,
    vocabulary: type[StrEnum],
    description: str,
    example: str,
    *,
    sisters: tuple[Sister, ...] = OF_ONE,
) -> Filter:
    """Make a filter by the words of a closed vocabulary."""
    return Filter(
        type=vocabulary,
        description=description,
        example=example,
        many=True,
        sisters=sisters,
        group=group,
        clause=_any_of(column),
    )


def value(group: Group, column: Column, kind: Any, description: str, example: object) -> Filter:
    """Make a filter by values of one column, such as a year."""
    return Filter(
        type=kind,
        description=description,
        example=example,
        many=True,
        sisters=OF_ONE,
        group=group,
        clause=_any_of(column),
    )


def above(group: Group, column: Column, description: str, example: object, kind: Any = Count) -> Filter:
    """Make a lower bound."""
    return _bound(group, _at_least(column), description, example, kind)


def below(group: Group, column: Column, description: str, example: object, kind: Any = Count) -> Filter:
    """Make an upper bound."""
    return _bound(group, _at_most(column), description, example, kind)


def min_persons(description: str, example: int, figures: Group = FIGURE) -> Filter:
    """Make the lower bound of persons: of the exchange, or of the direction that is asked for."""
    return _persons(_at_least, NO_PERSONS, description, example, figures)


def max_persons(description: str, example: int, figures: Group = FIGURE) -> Filter:
    """Make the upper bound of persons, likewise."""
    return _persons(_at_most, ABOVE_ALL, description, example, figures)


def _persons(
    compare: Callable[[Column], ClauseOf], missing: int, description: str, example: int, figures: Group
) -> Filter:
    """Make a bound, which an exchange without a figure (`missing`) does not keep, as the index has it."""
    best, persons = compare(figures.table.c.best), figures.table.c.measure == enums.Measure.PERSONS
    bound = _bound(
        EXCHANGE, compare(func.coalesce(ExchangeIndex.persons, missing)), description, example, Count
    )
    return replace(bound, directed=(figures, lambda values: and_(persons, best(values))))


def _at_least(column: Column) -> ClauseOf:
    return lambda values: column >= values[0]


def _at_most(column: Column) -> ClauseOf:
    return lambda values: column <= values[0]


def _bound(group: Group, clause: ClauseOf, description: str, example: object, kind: Any) -> Filter:
    return Filter(type=kind, description=description, example=example, group=group, clause=clause)


def direction(group: Group, column: Column, description: str) -> Filter:
    """Make a filter by directions, written as both ends with a full stop between."""
    return _named("direction", group, column, description, "russia.ukraine", sisters=OF_ONE)


def page_url(group: Group, column: Column, description: str) -> Filter:
    """Make a filter by the address of a page."""
    example = "https://www.aljazeera.com/news/2024/12/30"
    return replace(
        _named("url", group, column, description, example, sisters=OF_ONE),
        type=Annotated[str, StringConstraints(max_length=2000)],
    )


def end_of_direction(claims: Column, figures: Column, description: str) -> Filter:
    """Make a filter by one end of a direction: a claim has it, and it is the direction figures speak of."""
    return actor(CLAIM, claims, description, none=False, context=(FIGURE, _any_of(figures)))


def flag(group: Group, clause: SQLCoreOperations[bool], description: str) -> Filter:
    """Make a yes-or-no filter; no means that no row of the group has it."""
    return Filter(
        type=bool,
        description=description,
        example=True,
        group=group,
        clause=lambda _: and_(clause),
        negatable=True,
    )


def search(group: Group, index: type[Worded], description: str, example: str) -> Filter:
    """Make the full-text filter; the caller turns its value into a tsquery."""
    return Filter(
        type=Text,
        description=description,
        example=example,
        named="search",
        group=group,
        clause=lambda values: _matches(index, values[0]),
    )


@dataclass(frozen=True)
class Search:
    """A text to search for: as the client wrote it, and as the tsquery that it means."""

    text: str
    tsquery: str


def _tsquery(wanted: Value) -> str:
    assert isinstance(wanted, Search)  # noqa: S101  (`api/resolving.py` has made it one)
    return wanted.tsquery


def _matches(index: type[Worded], tsquery: Value) -> Clause:
    tsv: Column = index.tsv
    return tsv.bool_op("@@")(cast(tsquery, TSQUERY))
