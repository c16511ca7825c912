"""What every operation of the contract shows: requests, answers of real data, and who may ask.

How parameters and schemas are written is `tests/test_openapi.py`'s; that examples are recorded and not made
up is `tests/test_contract_examples.py`'s; that every refusal is told is seen by `tests/declaring.py`.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from api.contractexamples import NAME, recorded_examples
from tests.contract import EVERY, Operation, document
from tests.test_openapi import over_operations, validator

EXAMPLES: dict[str, dict[str, Any]] = document()["components"]["examples"]
MEMBERS = [{"summary", "value"}, {"summary", "externalValue"}]


def answers(operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the media types of all successful answers that have a body, with their status."""
    for status, response in operation.spec["responses"].items():
        for told in response.get("content", {}).values() if status.startswith("2") else ():
            yield status, told


def bodies(operation: Operation) -> Iterator[dict[str, Any]]:
    yield from operation.spec.get("requestBody", {}).get("content", {}).values()


def example_of(told: dict[str, Any]) -> dict[str, Any]:
    reference = told.get("examples", {}).get(NAME, {}).get("$ref", "")
    assert reference, "nothing is shown here: run `make examples openapi`"
    return EXAMPLES[reference.rpartition("/")[2]]


@over_operations(*EVERY)
def test_every_answer_shows_one(operation: Operation) -> None:
    for status, told in answers(operation):
        example = example_of(told)
        assert set(example) in MEMBERS, status
        method, path = example["summary"].split(" ")
        assert path.startswith(("/v1/", "/healthz", "/readyz"))
        if "value" in example:
            validator(told["schema"]).validate(example["value"])
        else:
            assert (method, example["externalValue"]) == (operation.method, path)
            template = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(operation.template))
            assert re.fullmatch(template, path.partition("?")[0])


@over_operations(*EVERY)
def test_every_request_shows_one(operation: Operation) -> None:
    shown = [parameter for parameter in operation.spec["parameters"] if "example" in parameter]
    for told in bodies(operation):
        example = told["example"] if "example" in told else example_of(told)["value"]
        validator(told["schema"]).validate(example)
        shown.append(example)
    alone = not operation.spec["parameters"] and "requestBody" not in operation.spec
    assert shown or alone, "a path alone shows itself"


def test_every_example_is_shown() -> None:
    assert recorded_examples() == EXAMPLES
    assert "example.org" not in json.dumps(EXAMPLES), "made up"


@over_operations(*EVERY)
def test_who_may_ask(operation: Operation) -> None:
    """Reads to which a key makes no difference say `[]`; those that it opens up, that it may be left out."""
    assert "security" not in document(), "each operation says it for itself"
    schemes = document()["components"]["securitySchemes"]
    assert {name for needed in operation.spec["security"] for name in needed} <= set(schemes)
    needs_key = operation.spec["security"] == [{"key": []}]
    refusals = {"401", "403"} & set(operation.spec["responses"])
    if operation.method != "GET" and operation.spec["tags"] != ["citations"]:
        assert needs_key
    if needs_key:
        assert "401" in refusals
    if not operation.spec["security"]:
        assert "403" not in refusals
