"""What breaks clients of a contract is found, and what does not is let through: one change at a time."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from api.contractdiff import Break, breaks_between

Document = dict[str, Any]
Change = Callable[[Document], object]

STRING = {"type": "string"}
CONTRACT: Document = {
    "paths": {
        "/v1/things": {
            "get": {
                "operationId": "list_things",
                "tags": ["things", "lists"],
                "security": [],
                "parameters": [
                    {
                        "name": "kind",
                        "in": "query",
                        "required": False,
                        "schema": {"enum": ["a", "b"], **STRING},
                    },
                    {"name": "q", "in": "query", "schema": {**STRING, "minLength": 1, "maxLength": 100}},
                    {
                        "name": "id",
                        "in": "query",
                        "schema": {"type": "array", "items": STRING, "maxItems": 9},
                    },
                    {
                        "name": "limit",
                        "in": "query",
                        "schema": {"type": "integer", "minimum": 1, "maximum": 9},
                    },
                ],
                "responses": {
                    "200": {
                        "headers": {"ETag": {"schema": STRING}},
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}
                            },
                            "text/csv": {"schema": STRING},
                        },
                    },
                    "404": {
                        "content": {
                            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                        }
                    },
                },
            },
            "post": {
                "operationId": "create_thing",
                "security": [{"key": []}],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/ThingInput"}},
                        "text/plain": {"schema": STRING},
                    },
                },
                "responses": {"201": {"content": {}}, "202": {"content": {}}},
            },
        },
        "/v1/other": {
            "get": {"operationId": "get_other", "security": [{"key": []}, {}], "responses": {"200": {}}}
        },
    },
    "components": {
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A key."}},
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["id", "day", "parts", "rank", "kind", "note", "inner", "counts"],
                "properties": {
                    "id": STRING,
                    "day": {**STRING, "format": "date"},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
                    "rank": {"$ref": "#/components/schemas/Rank"},
                    "kind": {**STRING, "x-extensible-enum": ["a", "b"]},
                    "note": {"anyOf": [STRING, {"type": "null"}]},
                    "inner": {"anyOf": [{"$ref": "#/components/schemas/Thing"}, {"type": "null"}]},
                    "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
                },
            },
            "Part": {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}},
            "Rank": {"type": "string", "enum": ["normal", "preferred"]},
            "Problem": {
                "type": "object",
                "required": ["detail"],
                "properties": {"detail": STRING, "note": STRING},
            },
            "ThingInput": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": STRING,
                    "note": {"anyOf": [STRING, {"type": "null"}]},
                    "rank": {"$ref": "#/components/schemas/Rank"},
                    "size": {"type": "integer"},
                },
            },
        },
    },
}
LIST, POST = "GET /v1/things", "POST /v1/things"


def operation(document: Document, method: str = "get", path: str = "/v1/things") -> Document:
    found: Document = document["paths"][path][method]
    return found


def parameter(document: Document, position: int) -> Document:
    found: Document = operation(document)["parameters"][position]
    return found


def schema(document: Document, name: str = "Thing") -> Document:
    found: Document = document["components"]["schemas"][name]
    return found


def field(document: Document, name: str, of: str = "Thing") -> Document:
    found: Document = schema(document, of)["properties"][name]
    return found


def replaced(document: Document, name: str, told: Document, of: str = "Thing") -> None:
    schema(document, of)["properties"][name] = told


def elsewhere(document: Document, told: Document) -> None:
    document["components"]["headers"] = {"ETag": {"schema": told}}
    operation(document)["responses"]["200"]["headers"]["ETag"] = {"$ref": "#/components/headers/ETag"}


def renamed(document: Document) -> None:
    schemas = document["components"]["schemas"]
    schemas["Piece"] = schemas.pop("Part")
    field(document, "parts")["items"] = {"$ref": "#/components/schemas/Piece"}


NEW = {"name": "new", "in": "query", "schema": STRING}
BREAKING: dict[str, tuple[Change, str, str]] = {
    "path": (lambda d: d["paths"].pop("/v1/other"), "GET /v1/other", "the operation is gone"),
    "operation": (lambda d: d["paths"]["/v1/things"].pop("post"), POST, "the operation is gone"),
    "operation id": (
        lambda d: operation(d).update(operationId="find_things"),
        LIST,
        "operationId is find_things, was list_things",
    ),
    "tag": (
        lambda d: operation(d)["tags"].reverse(),
        LIST,
        "its tags are ['lists', 'things'], were ['things', 'lists']",
    ),
    "way of a key": (
        lambda d: d["components"]["securitySchemes"].update(
            key={"type": "apiKey", "in": "header", "name": "X-Key"}
        ),
        "key",
        "a key is sent in another way",
    ),
    "no key": (
        lambda d: d["components"].pop("securitySchemes"),
        "key",
        "a key is sent in another way",
    ),
    "key needed": (lambda d: operation(d).update(security=[{"key": []}]), LIST, "a key is needed"),
    "key no longer optional": (
        lambda d: operation(d, path="/v1/other")["security"].pop(),
        "GET /v1/other",
        "a key is needed",
    ),
    "parameter": (lambda d: operation(d)["parameters"].pop(1), f"{LIST} q", "the query parameter is gone"),
    "parameter moved": (
        lambda d: parameter(d, 1).update({"in": "header"}),
        f"{LIST} q",
        "the query parameter is gone",
    ),
    "parameter required": (
        lambda d: parameter(d, 1).update(required=True),
        f"{LIST} q",
        "the parameter is required",
    ),
    "new parameter required": (
        lambda d: operation(d)["parameters"].append(NEW | {"required": True}),
        f"{LIST} new",
        "the query parameter is new and required",
    ),
    "style": (lambda d: parameter(d, 2).update(explode=False), f"{LIST} id", "its explode has changed"),
    "type of a parameter": (
        lambda d: parameter(d, 3).update(schema=STRING),
        f"{LIST} limit",
        "the type is string, was integer",
    ),
    "type of items": (
        lambda d: parameter(d, 2)["schema"].update(items={"type": "integer"}),
        f"{LIST} id[]",
        "the type is integer, was string",
    ),
    "word of a parameter": (
        lambda d: parameter(d, 0)["schema"]["enum"].remove("b"),
        f"{LIST} kind",
        "the word b is gone",
    ),
    "parameter closed": (
        lambda d: parameter(d, 1)["schema"].update(enum=["x"]),
        f"{LIST} q",
        "only some words are taken",
    ),
    "greatest": (
        lambda d: parameter(d, 3)["schema"].update(maximum=8),
        f"{LIST} limit",
        "maximum is 8, was 9",
    ),
    "least": (lambda d: parameter(d, 3)["schema"].update(minimum=2), f"{LIST} limit", "minimum is 2, was 1"),
    "bound that was none": (
        lambda d: parameter(d, 2)["schema"].update(minItems=1),
        f"{LIST} id",
        "minItems is 1, was none",
    ),
    "pattern": (
        lambda d: parameter(d, 1)["schema"].update(pattern="^a"),
        f"{LIST} q",
        "another pattern must match",
    ),
    "repetition": (
        lambda d: parameter(d, 2)["schema"].update(uniqueItems=True),
        f"{LIST} id",
        "nothing may be in it twice",
    ),
    "no body": (lambda d: operation(d, "post").pop("requestBody"), f"{POST} body", "no body is taken"),
    "body required": (
        lambda d: operation(d, "post")["requestBody"].update(required=True),
        f"{POST} body",
        "a body is required",
    ),
    "new body required": (
        lambda d: operation(d).update(requestBody={"required": True, "content": {}}),
        f"{LIST} body",
        "a body is required",
    ),
    "media type of a body": (
        lambda d: operation(d, "post")["requestBody"]["content"].pop("text/plain"),
        f"{POST} body text/plain",
        "the media type is gone",
    ),
    "field of a body": (
        lambda d: schema(d, "ThingInput")["properties"].pop("size"),
        "ThingInput.size",
        "the field is gone",
    ),
    "field of a body required": (
        lambda d: schema(d, "ThingInput")["required"].append("size"),
        "ThingInput.size",
        "the field is required",
    ),
    "new field of a body required": (
        lambda d: (
            replaced(d, "new", STRING, "ThingInput"),
            schema(d, "ThingInput")["required"].append("new"),
        ),
        "ThingInput.new",
        "the field is required",
    ),
    "null in a body": (
        lambda d: replaced(d, "note", STRING, "ThingInput"),
        "ThingInput.note",
        "null is refused",
    ),
    "answer": (lambda d: operation(d, "post")["responses"].pop("202"), f"{POST} 202", "the answer is gone"),
    "header": (
        lambda d: operation(d)["responses"]["200"]["headers"].clear(),
        f"{LIST} 200 ETag",
        "the header is gone",
    ),
    "type of a header": (
        lambda d: operation(d)["responses"]["200"]["headers"]["ETag"].update(schema={"type": "integer"}),
        f"{LIST} 200 ETag",
        "the type is integer, was string",
    ),
    "type of a header that is told elsewhere": (
        lambda d: elsewhere(d, {"type": "integer"}),
        f"{LIST} 200 ETag",
        "the type is integer, was string",
    ),
    "field of a problem": (
        lambda d: schema(d, "Problem")["properties"].pop("detail"),
        "Problem.detail",
        "the field is gone",
    ),
    "media type of a problem": (
        lambda d: operation(d)["responses"]["404"]["content"].clear(),
        f"{LIST} 404 application/problem+json",
        "the media type is gone",
    ),
    "media type of an answer": (
        lambda d: operation(d)["responses"]["200"]["content"].pop("text/csv"),
        f"{LIST} 200 text/csv",
        "the media type is gone",
    ),
    "field of an answer": (lambda d: schema(d)["properties"].pop("id"), "Thing.id", "the field is gone"),
    "field of a part": (
        lambda d: schema(d, "Part")["properties"].pop("size"),
        "Part.size",
        "the field is gone",
    ),
    "new field always there": (
        lambda d: (replaced(d, "new", STRING), schema(d)["required"].append("new")),
        "Thing.new",
        "the field is required",
    ),
    "field that may be missing": (
        lambda d: schema(d)["required"].remove("id"),
        "Thing.id",
        "the field may be missing",
    ),
    "null in an answer": (
        lambda d: replaced(d, "id", {"anyOf": [STRING, {"type": "null"}]}),
        "Thing.id",
        "it may be null",
    ),
    "type in an answer": (
        lambda d: replaced(d, "id", {"type": "integer"}),
        "Thing.id",
        "the type is integer, was string",
    ),
    "type beside null": (
        lambda d: replaced(d, "note", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        "Thing.note",
        "the type is integer, was string",
    ),
    "type of values": (
        lambda d: field(d, "counts").update(additionalProperties=STRING),
        "Thing.counts{}",
        "the type is string, was integer",
    ),
    "values untold": (
        lambda d: field(d, "counts").update(additionalProperties=True),
        "Thing.counts{}",
        "what is in it is no longer told",
    ),
    "items untold": (
        lambda d: field(d, "parts").pop("items"),
        "Thing.parts[]",
        "what is in it is no longer told",
    ),
    "format": (
        lambda d: field(d, "day").update(format="date-time"),
        "Thing.day",
        "the type is string (date-time), was string (date)",
    ),
    "one instead of many": (
        lambda d: replaced(d, "parts", {"$ref": "#/components/schemas/Part"}),
        "Thing.parts",
        "the type is object, was array",
    ),
    "word of an open vocabulary": (
        lambda d: field(d, "kind")["x-extensible-enum"].remove("b"),
        "Thing.kind",
        "the word b is gone",
    ),
    "word of a closed vocabulary": (
        lambda d: schema(d, "Rank")["enum"].remove("preferred"),
        "Rank",
        "the word preferred is gone",
    ),
    "new word of a closed vocabulary": (
        lambda d: schema(d, "Rank")["enum"].append("new"),
        "Rank",
        "the closed vocabulary has the new word new",
    ),
    "closed vocabulary opened": (
        lambda d: schema(d, "Rank").pop("enum"),
        "Rank",
        "the vocabulary is no longer closed",
    ),
    "name of a schema": (renamed, "Part", "the schema is gone"),
}
HARMLESS: dict[str, Change] = {
    "nothing": lambda d: None,
    "new path": lambda d: d["paths"].update({"/v1/new": {"get": {"responses": {}}}}),
    "new operation": lambda d: d["paths"]["/v1/other"].update(post={"responses": {}}),
    "key no longer needed": lambda d: operation(d, "post").update(security=[]),
    "new parameter": lambda d: operation(d)["parameters"].append(NEW),
    "order of parameters": lambda d: operation(d)["parameters"].reverse(),
    "new word of a parameter": lambda d: parameter(d, 0)["schema"]["enum"].append("c"),
    "parameter opened": lambda d: parameter(d, 0)["schema"].pop("enum"),
    "wider bounds": lambda d: parameter(d, 3)["schema"].update(minimum=0, maximum=10),
    "no bounds": lambda d: parameter(d, 3).update(schema={"type": "integer"}),
    "new field of a body": lambda d: replaced(d, "new", STRING, "ThingInput"),
    "field of a body may be left out": lambda d: schema(d, "ThingInput")["required"].clear(),
    "null taken": lambda d: replaced(
        d, "size", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "ThingInput"
    ),
    "new media type of a body": lambda d: operation(d, "post")["requestBody"]["content"].update(new={}),
    "new field of an answer": lambda d: replaced(d, "new", STRING),
    "never null": lambda d: replaced(d, "note", STRING),
    "field always there": lambda d: schema(d, "Problem")["required"].append("note"),
    "new word of an open vocabulary": lambda d: field(d, "kind")["x-extensible-enum"].append("c"),
    "open words told": lambda d: field(d, "id").update({"x-extensible-enum": ["a"]}),
    "further tag": lambda d: operation(d)["tags"].append("more"),
    "words about a key": lambda d: d["components"]["securitySchemes"]["key"].update(description="Keys."),
    "another way of a key": lambda d: d["components"]["securitySchemes"].update(cookie={"type": "apiKey"}),
    "header that is told elsewhere": lambda d: elsewhere(d, STRING),
    "new header": lambda d: operation(d)["responses"]["200"]["headers"].update(Age={"schema": STRING}),
    "new answer": lambda d: operation(d, "post")["responses"].update({"200": {}}),
    "problem": lambda d: operation(d)["responses"].pop("404"),
    "words": lambda d: operation(d).update(summary="Other words", description="Others.", deprecated=True),
    "new schema": lambda d: d["components"]["schemas"].update(New={"type": "object"}),
}


@pytest.mark.parametrize("name", BREAKING)
def test_what_breaks_is_found(name: str) -> None:
    change, place, what = BREAKING[name]
    after = deepcopy(CONTRACT)
    change(after)
    assert Break(place, what) in breaks_between(CONTRACT, after)


@pytest.mark.parametrize("name", [name for name in BREAKING if name != "name of a schema"])
def test_one_change_is_told_once(name: str) -> None:
    change, place, what = BREAKING[name]
    after = deepcopy(CONTRACT)
    change(after)
    assert breaks_between(CONTRACT, after) == [Break(place, what)]


@pytest.mark.parametrize("name", HARMLESS)
def test_what_breaks_nothing_passes(name: str) -> None:
    after = deepcopy(CONTRACT)
    HARMLESS[name](after)
    assert breaks_between(CONTRACT, after) == []


def test_a_break_says_where_and_what() -> None:
    assert str(Break("GET /v1/things q", "the query parameter is gone")) == (
        "`GET /v1/things q`: the query parameter is gone"
    )
