"""What a published model says of its variables, for whatever describes the data: the codebook, table schemas.

Read from the JSON Schema of the models, which is what validates. Which columns files have is told by
`api/columns.py`; how a description is written down, by its builder.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from api.citationrows import Citation
from api.columns import Column, Kind
from db import enums, records
from db.enums import Coded
from db.fieldnames import NAMES

# What the dataset consists of, in the order in which it is told.
TABLES: Mapping[str, type[BaseModel]] = {
    "exchanges": records.Exchange,
    "figures": records.Figure,
    "claims": records.Claim,
    "mediations": records.Mediation,
    "mediators": records.Mediator,
    "articles": records.Article,
    "publishers": records.Publisher,
    "actors": records.Actor,
    "agreements": records.Agreement,
    "totals": records.PublishedTotal,
    "coverage": records.CoverageNote,
    "citations": Citation,
}
# What is computed for an answer, and so is no record of its own.
COMPUTED = frozenset({"mediators", "citations"})
# What is told of an answer is not always had as JSON and as a file both.
ONLY_AS_JSON, ONLY_AS_FILE = frozenset({"mediators"}), frozenset({"citations"})
# What tells the rows of a table apart, where they have no id.
KEYS: Mapping[str, Sequence[str]] = {"figures": ("exchange", "released_by", "received_by", "measure")}
_KINDS = {"string": Kind.TEXT, "integer": Kind.INTEGER, "number": Kind.NUMBER, "boolean": Kind.BOOLEAN}
_FORMATS = {"date": Kind.DATE, "date-time": Kind.MOMENT}


@dataclass(frozen=True)
class Variable:
    """A field of a model. `many`: it is a list, and the rest is said of its items.

    `kind` is null where `part`, a model, tells what it consists of. `schema` and `items` are the JSON Schemas
    of the field and of its items, the same where it is no list.
    """

    name: str
    kind: Kind | None
    many: bool
    nullable: bool
    vocabulary: type[Coded] | None
    part: type[BaseModel] | None
    description: str
    example: object
    schema: Mapping[str, Any]
    items: Mapping[str, Any]


@cache
def variables_of(model: type[BaseModel]) -> tuple[Variable, ...]:
    """Give the variables of a model, in the order of its fields."""
    schema = model.model_json_schema(mode="validation")
    parts = _parts(model)
    return tuple(
        _variable(name, said, schema.get("$defs", {}), parts) for name, said in schema["properties"].items()
    )


@cache
def vocabularies_of(model: type[BaseModel]) -> Mapping[str, type[Coded]]:
    """Give the vocabulary of each column of a model that has one, by the column's name."""
    found: dict[str, type[Coded]] = {}
    for variable in variables_of(model):
        if variable.many:
            continue
        if variable.vocabulary is not None:
            found[variable.name] = variable.vocabulary
        if variable.part is not None:
            inner = vocabularies_of(variable.part)
            found |= {f"{variable.name}_{name}": words for name, words in inner.items()}
    return found


def key_of(table: str, columns: Sequence[Column]) -> list[str]:
    """Give the columns that tell the rows of a table apart; none if they are not among the columns."""
    names = {column.name for column in columns}
    key = list(KEYS.get(table, ("id",)))
    return key if names.issuperset(key) else []


def references_of(table: str, columns: Sequence[Column]) -> Iterator[tuple[str, str]]:
    """Give each column that holds one id of a record, with the table of that record."""
    for column in columns:
        if column.kind is Kind.TEXT and column.name in NAMES:
            yield column.name, NAMES[column.name]
    if table == "mediators":  # counts of an actor
        yield "id", "actors"


def words_of(table: str, column: str) -> list[str]:
    """Give the words that a column may hold; none if it has no vocabulary."""
    model = TABLES.get(table)
    words = vocabularies_of(model).get(column) if model else None
    return [word.value for word in words] if words else []


def _variable(
    name: str, said: Mapping[str, Any], defs: Mapping[str, Any], parts: Mapping[str, type[BaseModel]]
) -> Variable:
    choices = [choice for choice in said.get("anyOf", ()) if choice.get("type") != "null"]
    schema = choices[0] if choices else said
    many = schema.get("type") == "array"
    items = schema["items"] if many else schema
    target = str(items.get("$ref", "")).rpartition("/")[2]
    coded = target in defs and "enum" in defs[target]
    return Variable(
        name=name,
        kind=None if target and not coded else _kind(items),
        many=many,
        nullable=bool(choices),
        vocabulary=getattr(enums, target) if coded else None,
        part=parts[target] if target and not coded else None,
        description=said["description"],
        example=said["examples"][0],
        schema=schema,
        items=items,
    )


def _kind(items: Mapping[str, Any]) -> Kind:
    return _FORMATS.get(items.get("format", "")) or _KINDS[items.get("type", "string")]


def _parts(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Give the models that the fields of a model are made of, by their names."""
    found: dict[str, type[BaseModel]] = {}
    for about in model.model_fields.values():
        for part in _models_in(about.annotation):
            found[part.__name__] = part
    return found


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)
