"""The codebook of an edition, generated from the models and vocabularies that validate the data.

Pure functions. What it looks like on paper is in `api/codebookpage.py`, its own words in
`api/codebooktexts.py`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from inspect import getdoc
from typing import Any

from pydantic import BaseModel

from api.codebookschemas import (
    CodebookAnswer,
    CodebookColumn,
    CodebookPart,
    CodebookRule,
    CodebookTable,
    CodebookVariable,
    CodebookVocabulary,
    CodebookWord,
)
from api.codebooktexts import CAUTIONS, CONVENTIONS, RULE
from api.columns import Kind, columns_of
from api.editions import DESCRIPTION, LICENCE, TITLE, Edition
from api.metaschemas import ONLY_AS_FILE, ONLY_AS_JSON, TABLES, Variable, variables_of
from api.schemas import DatasetState
from api.workedexample import worked_example
from db import inputs
from db.enums import Coded
from db.fieldnames import NAMES
from db.figures import FIGURES_RULE
from db.records import Exchange

# The exchange that the figures rule is shown at, wherever it is there: the example of the published model.
EXAMPLE: str = Exchange.model_fields["id"].examples[0]  # type: ignore[index]
_CODED_AS: Mapping[Kind, str] = {
    Kind.TEXT: "text",
    Kind.INTEGER: "whole number",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "`true` or `false`",
    Kind.DATE: "day, YYYY-MM-DD",
    Kind.MOMENT: "moment, RFC 3339 in UTC",
}


def codebook(edition: Edition, example: Exchange | None) -> CodebookAnswer:
    """Give the codebook of an edition; `example` is the exchange in it that shows the rule, if one does."""
    return CodebookAnswer(
        title=TITLE,
        description=DESCRIPTION,
        licence=LICENCE,
        citation=edition.citation,
        cautions=list(CAUTIONS),
        figures_rule=CodebookRule(
            version=FIGURES_RULE,
            statements=list(RULE),
            example=None if example is None else worked_example(example),
        ),
        conventions=list(CONVENTIONS),
        tables=[_table(name, model) for name, model in TABLES.items()],
        parts=[
            CodebookPart(name=name, description=_doc(part), variables=_variables(part))
            for part, name in sorted(told_at().items(), key=lambda told: told[1].endswith("links"))
            if name not in TABLES
        ],
        vocabularies=list(_vocabularies()),
        dataset=DatasetState(revision=edition.revision, release=edition.name, updated_at=edition.at),
    )


@cache
def told_at() -> Mapping[type[BaseModel], str]:
    """Give where each part of records is told: at the table that says all of it already, else as itself."""
    found: dict[type[BaseModel], str] = {}
    for model in TABLES.values():
        for part in _parts_in(model):
            found.setdefault(part, _table_of(part) or _name(part))
    return found


def _parts_in(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for variable in variables_of(model):
        if variable.part is not None:
            yield variable.part
            yield from _parts_in(variable.part)


def _table_of(part: type[BaseModel]) -> str | None:
    said = {(variable.name, variable.description) for variable in variables_of(part)}
    for name, model in TABLES.items():
        if said <= {(variable.name, variable.description) for variable in variables_of(model)}:
            return name
    return None


def _table(name: str, model: type[BaseModel]) -> CodebookTable:
    known = {variable.name: variable for variable in variables_of(model)}
    return CodebookTable(
        name=name,
        path=f"/v1/{name}.csv" if name in ONLY_AS_FILE else f"/v1/{name}",
        description=_doc(model),
        variables=_variables(model),
        columns=[
            CodebookColumn(
                name=column.name,
                type=column.kind.value,
                may_be_null=not column.required,
                description=column.description,
            )
            for column in columns_of(model)
            if column.name not in known or column.description != known[column.name].description
        ]
        if name not in ONLY_AS_JSON
        else [],
    )


def _variables(model: type[BaseModel]) -> list[CodebookVariable]:
    written = {
        field
        for base in model.__mro__
        if base.__module__ == inputs.__name__
        for field in getattr(base, "model_fields", ())
    }
    paths = _name(model).endswith("links")  # what is named there is told by its path, not by its id
    return [
        _told(variable, curated=variable.name in written, paths=paths) for variable in variables_of(model)
    ]


def _told(variable: Variable, *, curated: bool, paths: bool) -> CodebookVariable:
    part = None if variable.part is None else told_at()[variable.part]
    vocabulary = None if variable.vocabulary is None else _name(variable.vocabulary)
    names = variable.kind is Kind.TEXT and vocabulary is None and not paths
    table = NAMES.get(variable.name) if names else None
    return CodebookVariable(
        name=variable.name,
        type="record" if part else "word" if vocabulary else (variable.kind or Kind.TEXT).value,
        many=variable.many,
        may_be_null=variable.nullable,
        curated=curated,
        description=variable.description,
        coding=_coding(variable, vocabulary, table, part),
        vocabulary=vocabulary,
        table=table,
        part=part,
        example=json.dumps(variable.example, ensure_ascii=False),
    )


def _coding(variable: Variable, vocabulary: str | None, table: str | None, part: str | None) -> str:
    one = _one(variable, vocabulary, table, part)
    if variable.many:
        least = ", at least one" if variable.schema.get("minItems") else ""
        one = f"list{least}; each: {one}"
    return f"{one[0].upper()}{one[1:]}{', or null' if variable.nullable else ''}."


def _one(variable: Variable, vocabulary: str | None, table: str | None, part: str | None) -> str:
    if part is not None:
        return f"record, see `{part}`"
    if vocabulary is not None:
        return f"one word of `{vocabulary}`"
    if table is not None:
        return f"id of a record in `{table}`"
    return _CODED_AS[variable.kind or Kind.TEXT] + _within(variable.items)


def _within(said: Mapping[str, Any]) -> str:
    """Tell the bounds of a value, from its JSON Schema."""
    match said:
        case {"minimum": low, "maximum": high}:
            return f" from {low} to {high}"
        case {"minimum": low}:
            return f", {low} or more"
        case {"pattern": pattern}:
            return f" of the form `{pattern}`"
        case {"maxLength": longest}:
            return f" of at most {longest} characters"
        case _:
            return ""


def _vocabularies() -> Iterator[CodebookVocabulary]:
    """Give the vocabularies that variables hold words of, in the order of the variables."""
    found: dict[type[Coded], None] = {}
    for model in [*TABLES.values(), *told_at()]:
        for variable in variables_of(model):
            if variable.vocabulary is not None:
                found.setdefault(variable.vocabulary)
    for words in found:
        yield CodebookVocabulary(
            name=_name(words),
            description=_doc(words),
            words=[CodebookWord(word=word.value, meaning=word.meaning) for word in words],
        )


def _name(named: type[BaseModel] | type[StrEnum]) -> str:
    """Name a model or a vocabulary the way variables are named: `ExchangeKind` is `exchange_kind`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", named.__name__).lower()


def _doc(described: type) -> str:
    return (getdoc(described) or "").strip()
