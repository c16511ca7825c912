"""The examples of the contract: what the service answered to a real request, and bodies that it took.

They are recorded from the application over the shipped dataset and kept in `contractexamples.json`, by the
name of the operation, or of the schema where several operations share one; `make examples` records them anew.
What is put beside which answer is decided here; nothing of an example is written by hand.
"""

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

FILE = "contractexamples.json"
NAME = "recorded"  # there is one beside each answer and body
METHODS = ("get", "post", "put", "patch", "delete")


def recorded_examples() -> dict[str, Any]:
    """Give the recorded examples by name, as OpenAPI's example objects."""
    found: dict[str, Any] = json.loads(files("api").joinpath(FILE).read_bytes())
    return found


def illustrate(document: dict[str, Any]) -> None:
    """Put examples beside the answers and bodies of a contract; what none was recorded of stays without."""
    recorded = recorded_examples()
    operations = [item[method] for item in document["paths"].values() for method in METHODS if method in item]
    of_schema = {schema: name for name, schema in _own_answers(operations) if name in recorded}
    used = set()
    for operation in operations:
        for own, content in _contents(operation):
            for media_type, told in content.items():
                schema = schema_of(told)
                names = (own, schema, of_schema.get(schema))
                name = next((name for name in names if name in recorded), None)
                if name is not None:
                    used.add(name)
                    content[media_type] = told | {
                        "examples": {NAME: {"$ref": f"#/components/examples/{name}"}}
                    }
    document["components"]["examples"] = {name: recorded[name] for name in sorted(used)}


def schema_of(told: Mapping[str, Any]) -> str:
    """Give the name of the schema of a media type; empty where it has none with a name."""
    return str(told["schema"].get("$ref", "")).rpartition("/")[2]


def _own_answers(operations: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Give the name of each operation with the schema it answers with, the first one of a schema last."""
    for operation in reversed(operations):
        for told in operation["responses"].get("200", {}).get("content", {}).values():
            if schema := schema_of(told):
                yield operation["operationId"], schema


def _contents(operation: dict[str, Any]) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Give what an operation answers with and what it takes; an example of its own is of its main answer."""
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            yield operation["operationId"] if status != "202" else None, response.get("content", {})
    yield None, operation.get("requestBody", {}).get("content", {})
