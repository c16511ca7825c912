"""Records as rows: which columns a published model has in files, and what a stored body holds in each.

Columns are derived from the models, descriptions and all, so that they cannot differ from the contract. How
cells are written is each format's business (`api/formats/`).
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from operator import itemgetter
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import from_json

from db import inputs, records
from db.enums import Stance
from db.indexing import MEDIATING
from db.models.index import NONE

Parsed = Mapping[str, Any]  # a record as JSON has it
Cell = str | int | float | bool | list[str] | None  # days and moments are texts still
Value = Cell | dt.date | dt.datetime
# What no file holds: paths of this service. Where a record comes from is `source_url`.
LEFT_OUT = frozenset({"links"})


class Kind(StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    MOMENT = "moment"
    LIST = "list"


@dataclass(frozen=True)
class Column:
    """One column. `required`: its cells are never null; lists never are, but may be empty."""

    name: str
    kind: Kind
    description: str
    required: bool
    read: Callable[[Parsed], Any] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Spelt:
    """How a list of things that are no texts is written: as a list of texts, described by `how`.

    `name` is that of the column, where it is not the field's.
    """

    how: str
    spell: Callable[[Sequence[Parsed]], list[str]]
    name: str | None = None


def _measured(thing: Parsed) -> str:
    return f"{thing['released_by']}.{thing['received_by']}.{thing['measure']}"


def _mediators(mediations: Sequence[Parsed]) -> list[str]:
    asserted = {
        mediation["actor"]: None
        for mediation in mediations
        if mediation["stance"] == Stance.ASSERTS and mediation["role"] in MEDIATING
    }
    return list(asserted)


_IDS = Spelt("Their ids.", lambda things: [thing["id"] for thing in things])
# One line for each model that lists hold; models that have an id, and no line, are written as their ids.
SPELT: Mapping[type[BaseModel], Spelt] = {
    records.ClaimantValue: Spelt(
        "As `claimant=value`; `none` is the article's own voice.",
        lambda things: [f"{each['claimant'] or NONE}={each['value']}" for each in things],
    ),
    records.ExchangeFigure: Spelt(
        "As `released_by.received_by.measure=best`.",
        lambda things: [f"{_measured(each)}={each['best']}" for each in things],
    ),
    records.ExchangeMediation: Spelt(
        "The actors that somebody asserts as mediator, facilitator or host.",
        _mediators,
        name="mediators",
    ),
    records.Term: Spelt(
        "As `id.category=count`; `none` where no number was given.",
        lambda things: [
            f"{each['id']}.{each['category']}={NONE if each['count'] is None else each['count']}"
            for each in things
        ],
    ),
    inputs.Overlap: Spelt(
        "As `exchange.released_by.received_by.measure=count`.",
        lambda things: [f"{each['exchange']}.{_measured(each)}={each['count']}" for each in things],
    ),
}
_KINDS: Sequence[tuple[type, Kind]] = (  # the first that fits: a boolean is an int too, a moment a date
    (bool, Kind.BOOLEAN),
    (int, Kind.INTEGER),
    (float, Kind.NUMBER),
    (dt.datetime, Kind.MOMENT),
    (AwareDatetime, Kind.MOMENT),
    (dt.date, Kind.DATE),
    (str, Kind.TEXT),
)
_TYPED: Mapping[Kind, Callable[[str], Value]] = {
    Kind.DATE: dt.date.fromisoformat,
    Kind.MOMENT: dt.datetime.fromisoformat,
}


@cache
def columns_of(model: type[BaseModel]) -> tuple[Column, ...]:
    """Give the columns of a model, in the order of its fields.

    A model in a field becomes a column for each of its fields (`persons_low`), a list one column of texts.

    Raises:
        TypeError: a field can be no column: a line of `SPELT` is missing, say.
    """
    return tuple(column for name, about in model.model_fields.items() for column in _columns(name, about))


def parsed(body: str) -> Parsed:
    """Read a record."""
    record: Parsed = from_json(body, cache_strings="keys")
    return record


def cells_of(columns: Sequence[Column], body: str) -> list[Cell]:
    """Give what a record, as JSON, holds in each column; days and moments as the texts they are there."""
    record = parsed(body)
    return [column.read(record) for column in columns]


def values_of(columns: Sequence[Column], body: str) -> list[Value]:
    """Give the same as values of Python: a day as a date, a moment as a datetime with its offset."""
    cells = cells_of(columns, body)
    return [
        _TYPED[column.kind](cell) if column.kind in _TYPED and isinstance(cell, str) else cell
        for column, cell in zip(columns, cells, strict=True)
    ]


def _columns(name: str, about: FieldInfo) -> Iterator[Column]:
    if name in LEFT_OUT:
        return
    type_, required = _plain(about.annotation)
    description = about.description or ""
    if get_origin(type_) in {tuple, list}:
        yield _list(name, description, _plain(get_args(type_)[0])[0], required=required)
    elif not isinstance(type_, type):
        raise TypeError(f"{name}: {type_} can be no column")
    elif issubclass(type_, BaseModel):
        for inner in columns_of(type_):
            yield Column(
                f"{name}_{inner.name}",
                inner.kind,
                f"{description} {inner.description}",
                inner.kind is Kind.LIST or (required and inner.required),
                _within(name, inner),
            )
    else:
        kind = next((kind for known, kind in _KINDS if issubclass(type_, known)), None)
        if kind is None:
            raise TypeError(f"{name}: {type_} can be no column")
        yield Column(name, kind, description, required, itemgetter(name))


def _list(name: str, description: str, element: Any, *, required: bool) -> Column:
    if not required:
        raise TypeError(f"{name}: a list that may be null cannot be told from an empty one")
    if element is str or (isinstance(element, type) and issubclass(element, StrEnum)):
        return Column(name, Kind.LIST, description, True, itemgetter(name))
    spelt = next((SPELT[each] for each in element.__mro__ if each in SPELT), None)
    if spelt is None and "id" in element.model_fields:
        spelt = _IDS
    if spelt is None:
        raise TypeError(f"{name}: nothing says how {element.__name__} is written in a cell")
    spell = spelt.spell
    return Column(
        spelt.name or name,
        Kind.LIST,
        f"{description} {spelt.how}",
        True,
        lambda record: spell(record[name]),
    )


def _within(name: str, inner: Column) -> Callable[[Parsed], Any]:
    """Read a column of a model in a field, which may be null."""
    read, nothing = inner.read, inner.kind is Kind.LIST

    def read_within(record: Parsed) -> Any:
        found = record[name]
        if found is None:
            return [] if nothing else None
        return read(found)

    return read_within


def _plain(annotation: Any) -> tuple[Any, bool]:
    """Give a type without what only constrains it, and whether it excludes null."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        others = [each for each in get_args(annotation) if each is not NoneType]
        if len(others) == 1:
            return _plain(others[0])[0], False
    return annotation, True
