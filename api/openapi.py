"""The contract: what FastAPI writes of it, completed by what only this service knows about its parameters.

Descriptions and examples stand where the things are: filters, records, envelopes. Nothing is told twice.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Annotated, Any

from fastapi import FastAPI, Path, Response
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.bodyschemas import TEMPLATE, body_schemas
from api.computed import COMPUTED_SCHEMA
from api.conditional import JSON
from api.contractexamples import illustrate
from api.deprecation import mark_operations
from api.editions import CREATOR
from api.errors import ProblemCode, problem_responses, problem_schemas
from api.listing import RECORD_SCHEMA, Listing
from api.params import MAX_VALUES, NONE, Param, Schema, Sister, sort_name
from db.records import Claim, Mediation
from db.rendering import RECORD_OF

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
    "stats": "Sums of exchanges and figures, in which nobody is counted twice.",
    "reconciliation": "Published totals set against our own sums, step by step.",
    "disagreements": "Figures for which claimants state different values.",
    "dataset": "The dataset as a whole.",
    "releases": "Frozen states of the dataset, with files and checksums, to cite and to compare.",
    "charts": "Pictures of sums of figures, for any page or paper.",
    "citations": "Queries and records to cite, each under an address that never changes.",
    "feeds": "Exchanges for feed readers and calendars.",
    "exports": "Whole results as files: CSV, NDJSON, Parquet, XLSX, JSON-LD.",
    "history": "What was written when, why and by whom.",
    "writing": "For curators with a key: every write is a revision with a reason, and nothing is lost.",
    "proposals": "For contributors with a key: what they propose, and curators accept or reject.",
    "keys": "Who may write.",
    "operations": "For whoever runs the service.",
}
KEY = "key"
SECURITY = {
    KEY: {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of the form `exk_…`, needed to write; reading needs none.",
    }
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
    ProblemCode.OVERLOADED,
    ProblemCode.TIMEOUT,
)
OF_LISTS = (ProblemCode.INVALID_CURSOR, ProblemCode.BAD_REQUEST)
NOT_MODIFIED: Mapping[int | str, dict[str, Any]] = {304: {"description": "The client's copy still holds."}}

HEADERS: dict[str, dict[str, Any]] = {
    "RateLimit-Policy": {
        "description": "How much one reader may ask in how many seconds, as in "
        "draft-ietf-httpapi-ratelimit-headers.",
        "schema": {"type": "string"},
        "example": '"reads";q=1800;w=60, "reads-burst";q=500;w=10',
    },
    "RateLimit": {
        "description": "How much of that is left, and after how many seconds more comes free.",
        "schema": {"type": "string"},
        "example": '"reads";r=1799;t=60, "reads-burst";r=499;t=10',
    },
    "Retry-After": {
        "description": "After how many seconds to send the request again.",
        "schema": {"type": "integer"},
        "example": 7,
    },
}
NO_PARAMETERS = Schema.of()
PARTS = (Claim, Mediation)  # records that are gone where their exchange is
# What operations answer with, by name: noted as they are described.
ANSWERS: dict[str, type[BaseModel]] = {}
# What stands behind the id of a record in paths, with an example.
OF_RECORD = {"number": "1", "other": "latest", "chart": "timeline", "citation_id": "k3fq7m2xw5ab"}
_WRITING = Lock()
_END_OF_CLAUSE = re.compile(r"[.,:;](?:\s|$)")

RecordId = Annotated[str, Path(description="The id of the record.")]


def describe_list(model: type[BaseModel], listing: Listing, *codes: ProblemCode) -> dict[str, Any]:
    """Give what the decorator of a list needs: its answers, its problems and its parameters."""
    return _described(model, listing.schema, *OF_LISTS, *codes)


def describe_computed_list(model: type[BaseModel], *codes: ProblemCode) -> dict[str, Any]:
    """Give the same for a list that is computed rather than stored."""
    return _described(model, COMPUTED_SCHEMA, *OF_LISTS, *codes)


def describe_record(model: type[BaseModel]) -> dict[str, Any]:
    """Give the same for a single record."""
    codes = [ProblemCode.NOT_FOUND, ProblemCode.BAD_REQUEST]
    if model in RECORD_OF.values():
        codes += [ProblemCode.GONE, ProblemCode.MERGED]
    elif model in PARTS:
        codes.append(ProblemCode.GONE)
    return _described(model, RECORD_SCHEMA, *codes)


def describe_state(model: type[BaseModel]) -> dict[str, Any]:
    """Give the same for what tells of a state as a whole."""
    return _described(model, RECORD_SCHEMA, ProblemCode.BAD_REQUEST)


def describe_plain(model: type[BaseModel]) -> dict[str, Any]:
    """Give the same for a path without parameters."""
    return _described(model, NO_PARAMETERS)


def describe_with_key(model: type[BaseModel]) -> dict[str, Any]:
    """Give the same for a path without parameters that needs a key."""
    described = describe_plain(model)
    described["openapi_extra"]["security"] = [{KEY: []}]
    return described


def describe_queried(model: type[BaseModel], schema: Schema, *codes: ProblemCode) -> dict[str, Any]:
    """Give the same for a path with parameters of its own."""
    return _described(model, schema, *codes)


def with_parameter(described: Mapping[str, Any], name: str, **more: Any) -> dict[str, Any]:
    """Say more of one parameter than its own line does: that it is required, or of how many values."""
    extra = described["openapi_extra"]
    told = [
        each | more | {"schema": each["schema"] | more.get("schema", {})} if each["name"] == name else each
        for each in extra["parameters"]
    ]
    return {**described, "openapi_extra": {**extra, "parameters": told}}


def conditional(described: Mapping[str, Any]) -> dict[str, Any]:
    """Say of a path without parameters that it tells clients whether their copy still holds."""
    return {**described, "responses": {**described["responses"], **NOT_MODIFIED}}


def describe_other(
    media_type: str, description: str, schema: Schema, *codes: ProblemCode, binary: bool = False
) -> dict[str, Any]:
    """Give the same for a path that does not answer with a model of ours: text, bytes, or others' JSON."""
    body = {"type": "object" if media_type.endswith("+json") else "string"}
    if binary:
        body["format"] = "binary"
    content = {media_type: {"schema": body}}
    described = _with_problems({"description": description, "content": content}, schema, *codes)
    return described | {"response_class": Response}  # of no media type, so that only this one is told


def describe_export(schema: Schema) -> dict[str, Any]:
    """Give the same for a file in one of several formats: clients break on several media types of one 200."""
    content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    answer = {"description": "The file.", "content": content}
    return _with_problems(answer, schema, ProblemCode.BAD_REQUEST) | {"response_class": Response}


def _described(model: type[BaseModel], schema: Schema, *codes: ProblemCode) -> dict[str, Any]:
    ANSWERS[model.__name__] = model
    answer = {"model": model, "description": (model.__doc__ or "").strip()}
    return _with_problems(answer, schema, *codes)


def _with_problems(answer: Mapping[str, Any], schema: Schema, *codes: ProblemCode) -> dict[str, Any]:
    not_modified = {} if schema is NO_PARAMETERS else NOT_MODIFIED
    return {
        "response_model": None,
        "responses": {200: answer, **not_modified, **problem_responses(*COMMON, *codes)},
        "openapi_extra": {"parameters": parameters(schema)},
    }


def parameters(schema: Schema) -> list[dict[str, Any]]:
    """Give the OpenAPI parameters of a query schema."""
    return [_parameter(name, param, sister) for name, (param, sister) in schema.spellings.items()]


def _parameter(name: str, param: Param, sister: Sister) -> dict[str, Any]:
    value = dict(param.json_schema)
    value.pop("title", None)
    words: list[str] = value.get("enum", [])
    if words and param.none:
        value["enum"] = [*words, NONE]
    if param.name == "sort":
        value["x-enum-varnames"] = [sort_name(word) for word in words]
    value.pop("description", None)
    if value["type"] == "string" and not value.keys() & {"enum", "format", "pattern"}:
        value["minLength"] = 1
    described: dict[str, Any] = {
        "name": name,
        "in": "query",
        "required": False,
        "description": SISTER_TEXTS[sister].format(name=param.name) + param.description,
        "schema": {"type": "array", "items": value, "maxItems": MAX_VALUES} if param.many else value,
    }
    if param.example is not None:
        described["example"] = [param.example] if param.many else param.example
    return described


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
        contact={"name": CREATOR},
        license_info={"name": "CC BY 4.0 (data), Apache-2.0 (code)", "identifier": "CC-BY-4.0"},
    )
    document["components"] = {
        "schemas": _components(document),
        "headers": HEADERS,
        "securitySchemes": SECURITY,
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            operation["summary"] = summary_of(operation["description"])
            operation.setdefault("security", [])
            if path.startswith("/v1/"):  # a key that does not hold is refused wherever it is sent
                _refuse(operation, ProblemCode.UNAUTHENTICATED)
            if path.startswith("/v1/") and method == "get":
                _refuse(operation, ProblemCode.TOO_MANY_REQUESTS)
                _tell_limits(operation["responses"])
            for parameter in operation["parameters"]:
                if parameter["in"] == "path":
                    words = parameter["schema"].get("enum")
                    parameter["example"] = (
                        words[0] if words else _example_in_path(document, path, parameter["name"])
                    )
                parameter["schema"] = _plain(parameter["schema"])
                parameter["schema"].pop("description", None)
    mark_operations(document, app.routes)
    illustrate(document)
    return document


def _refuse(operation: dict[str, Any], code: ProblemCode) -> None:
    """Tell of an operation that it may be refused for a reason that all operations have."""
    refused = problem_responses(code).items()
    told = operation["responses"] | {str(status): answer for status, answer in refused}
    operation["responses"] = dict(sorted(told.items()))


def _tell_limits(responses: dict[str, dict[str, Any]]) -> None:
    """Tell which headers say how much may still be read."""
    for status in {"200", "304", "429"} & responses.keys():
        names = HEADERS if status == "429" else HEADERS.keys() - {"Retry-After"}
        references = {name: {"$ref": f"#/components/headers/{name}"} for name in sorted(names)}
        responses[status].setdefault("headers", {}).update(references)


def _components(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give the schemas of all answers and bodies. FastAPI would leave out every null of their examples."""
    wanted = _names_in(document["paths"])
    bodies = body_schemas()
    names = sorted(wanted - bodies.keys())
    models = [ANSWERS[name] for name in names if name in ANSWERS]
    _, made = models_json_schema([(model, "serialization") for model in models], ref_template=TEMPLATE)
    every = bodies | made["$defs"] | problem_schemas()
    found = {name: _plain(schema) for name, schema in every.items()}
    for schema in found.values():
        for described in schema.get("properties", {}).values():
            _exemplify(described, found)
    used: set[str] = set()
    _note_references([{"$ref": TEMPLATE.format(model=name)} for name in wanted], found, used)
    return {name: schema for name, schema in sorted(found.items()) if name in used}


def _names_in(node: object) -> set[str]:
    """Give the names of all schemas that a part of the document refers to."""
    if isinstance(node, dict):
        own = {str(node["$ref"]).rpartition("/")[2]} if "$ref" in node else set()
        return own.union(*map(_names_in, node.values()))
    return set().union(*map(_names_in, node)) if isinstance(node, list) else set()


def _answer_of(operation: Mapping[str, Any]) -> str:
    return str(operation["responses"]["200"]["content"][JSON]["schema"]["$ref"]).rpartition("/")[2]


def _exemplify(described: dict[str, Any], found: Mapping[str, Any]) -> None:
    """Show what a property consists of, where its own example is only that there may be nothing."""
    empty = described["examples"][0] in ([], None)
    parts = [described.get("items", {}), *described.get("anyOf", ())]
    names = [part["$ref"].rpartition("/")[2] for part in parts if "$ref" in part]
    if empty and names:
        example = _example_of(found[names[0]], found)
        described["examples"] = [[example] if "items" in described else example]


def _example_of(schema: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Put the examples of a schema's properties together."""
    for described in schema["properties"].values():
        _exemplify(described, found)
    return {name: described["examples"][0] for name, described in schema["properties"].items()}


def _note_references(node: object, found: Mapping[str, Any], used: set[str]) -> None:
    if isinstance(node, dict):
        name = str(node.get("$ref", "")).rpartition("/")[2]
        if name and name not in used:
            used.add(name)
            _note_references(found[name], found, used)
        _note_references(list(node.values()), found, used)
    elif isinstance(node, list):
        for item in node:
            _note_references(item, found, used)


def _plain(schema: Any) -> Any:
    """Drop what only gets in the way of generated clients.

    Titles repeat names. A default in an answer promises nothing, as all properties are present. And clients
    that refuse unknown properties would break when an answer gets one more.
    """
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {}
    for key, value in schema.items():
        if key in {"properties", "$defs"}:
            plain[key] = {name: _plain(item) for name, item in value.items()}
        elif key in {"examples", "example", "enum"}:
            plain[key] = value
        elif key not in {"title", "default"} and (key, value) != ("additionalProperties", False):
            plain[key] = _plain(value)
    return plain


def summary_of(description: str) -> str:
    """Give the first clause of a description."""
    return _END_OF_CLAUSE.split(description, maxsplit=1)[0]


def _example_in_path(document: Mapping[str, Any], path: str, name: str) -> str:
    """Give the id that the record at the beginning of a path has in its examples; revisions have numbers."""
    if name in OF_RECORD:
        return OF_RECORD[name]
    of_record = path[: path.index(f"{{{name}}}") + len(name) + 2]
    schema = document["components"]["schemas"][_answer_of(document["paths"][of_record]["get"])]
    return str(schema["properties"]["id"]["examples"][0])


def contract_json(app: FastAPI) -> bytes:
    """Give the contract as the bytes that are served and kept in `openapi/v1.json`."""
    with _WRITING:  # it takes a second or more: who asks meanwhile, in another thread, waits for the same one
        return _contract_json(app)


@cache
def _contract_json(app: FastAPI) -> bytes:
    return (json.dumps(contract_of(app), ensure_ascii=False, indent=2) + "\n").encode()
