"""The contract: what FastAPI writes of it, completed by what only this service knows about its parameters.

Descriptions and examples stand where the things are: filters, records, envelopes. Nothing is told twice.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from fastapi import FastAPI, Path
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from api.computed import COMPUTED_SCHEMA
from api.errors import ProblemCode, problem_responses, problem_schemas
from api.listing import RECORD_SCHEMA, Listing
from api.params import NONE, Param, Schema, Sister, sort_name

VERSION = "1.0.0"
TITLE = "Prisoner exchanges"
DESCRIPTION = """
Curated records of prisoner exchanges. Sources contradict each other, so the unit is the claim: who says how
many people were handed over, in which direction, according to which articles. Low, best and high figures are
derived from claims by one written rule, and every record links back to the articles that state it.

Reading needs no key. A query that is not understood is refused with a problem that names the parameter. Every
list takes `as_of`, and `next` walks through one consistent state. The data are licensed CC BY 4.0.
"""
TAGS = {
    "exchanges": "Handover events with everything that is claimed about them.",
    "figures": "Low, best and high for each exchange, direction and measure.",
    "claims": "Who says how many, in which direction, in which articles.",
    "mediations": "Who is said, or denied, to have brokered an exchange.",
    "mediators": "Actors with counts of what they are said to have brokered.",
    "articles": "The citing pages.",
    "publishers": "Publishers and news agencies.",
    "actors": "Parties, mediators and claimants, with all their names.",
    "agreements": "What parties promised each other.",
    "totals": "Running totals that somebody announced.",
    "coverage": "Known gaps of the dataset.",
    "dataset": "The dataset as a whole.",
    "operations": "For whoever runs the service.",
}
SISTER_TEXTS = {
    Sister.ANY: "",
    Sister.ALL: "Every one of these values holds. As `{name}`: ",
    Sister.NOT: "None of these values holds. As `{name}`: ",
}
COMMON = (
    ProblemCode.NOT_ACCEPTABLE,
    ProblemCode.URI_TOO_LONG,
    ProblemCode.INVALID_QUERY,
    ProblemCode.INTERNAL_ERROR,
    ProblemCode.DATABASE_UNAVAILABLE,
)
NOT_MODIFIED: Mapping[int | str, dict[str, Any]] = {304: {"description": "The client's copy still holds."}}

RecordId = Annotated[str, Path(description="The id of the record.")]


def describe_list(model: type[BaseModel], listing: Listing, *codes: ProblemCode) -> dict[str, Any]:
    """Give what the decorator of a list needs: its answers, its problems and its parameters."""
    return _described(model, listing.schema, ProblemCode.INVALID_CURSOR, *codes)


def describe_computed_list(model: type[BaseModel]) -> dict[str, Any]:
    """Give the same for a list that is computed rather than stored."""
    return _described(model, COMPUTED_SCHEMA, ProblemCode.INVALID_CURSOR)


def describe_record(model: type[BaseModel]) -> dict[str, Any]:
    """Give the same for a single record."""
    return _described(model, RECORD_SCHEMA, ProblemCode.NOT_FOUND)


def describe_plain(model: type[BaseModel]) -> dict[str, Any]:
    """Give the same for a path without parameters."""
    return _described(model, Schema.of())


def _described(model: type[BaseModel], schema: Schema, *codes: ProblemCode) -> dict[str, Any]:
    answer = {"model": model, "description": (model.__doc__ or "").strip()}
    return {
        "response_model": None,
        "responses": {200: answer, **NOT_MODIFIED, **problem_responses(*COMMON, *codes)},
        "openapi_extra": {"parameters": parameters(schema)},
    }


def parameters(schema: Schema) -> list[dict[str, Any]]:
    """Give the OpenAPI parameters of a query schema."""
    return [_parameter(name, param, sister) for name, (param, sister) in schema.spellings.items()]


def _parameter(name: str, param: Param, sister: Sister) -> dict[str, Any]:
    value = param.adapter().json_schema()
    value.pop("title", None)
    words: list[str] = value.get("enum", [])
    if words and param.none:
        value["enum"] = [*words, NONE]
    if param.name == "sort":
        value["x-enum-varnames"] = [sort_name(word) for word in words]
    value.pop("description", None)
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": SISTER_TEXTS[sister].format(name=param.name) + param.description,
        "schema": {"type": "array", "items": value} if param.many else value,
        "example": [param.example] if param.many else param.example,
    }


def contract_of(app: FastAPI) -> dict[str, Any]:
    """Give the contract of the application as OpenAPI 3.1."""
    document = get_openapi(
        title=TITLE,
        version=VERSION,
        summary="Who was exchanged, when, through whom, and according to whom.",
        description=DESCRIPTION.strip(),
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        servers=[{"url": "/", "description": "This service."}],
        license_info={"name": "CC BY 4.0 (data), Apache-2.0 (code)", "identifier": "CC-BY-4.0"},
    )
    document["components"]["schemas"] |= problem_schemas()
    return document


@cache
def contract_json(app: FastAPI) -> bytes:
    """Give the contract as the bytes that are served and kept in `openapi/v1.json`."""
    return (json.dumps(contract_of(app), ensure_ascii=False, indent=2) + "\n").encode()
