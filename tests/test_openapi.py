"""The rules that the contract keeps so that clients can be generated from it, and that it tells the truth."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from api.main import create_app
from api.openapi import contract_json
from api.problems import CATALOGUE
from api.settings import HttpSettings
from db import enums
from db.rendering import PLURAL
from db.settings import DatabaseSettings
from tests.asking import ask
from tests.contract import ALL, LISTS, RECORDS, Operation, document

CLOSED = {"Qualifier", "Covers", "Rank", "Stance", "DatePrecision"}
OPEN = {
    "ExchangeKind": ("Exchange", "kind"),
    "ExchangeStatus": ("Exchange", "status"),
    "ActorKind": ("Actor", "kind"),
    "Category": ("ExchangeClaim", "category"),
    "Measure": ("ExchangeFigure", "measure"),
    "MediationRole": ("ExchangeMediation", "role"),
    "Attestation": ("ExchangeFigure", "attestation"),
    "AgreementStatus": ("Agreement", "status"),
    "CoverageStatus": ("CoverageNote", "status"),
    "LinkStatus": ("Article", "link_status"),
    "TotalMeasure": ("PublishedTotal", "measure"),
}
COMPONENTS: dict[str, dict[str, Any]] = document()["components"]["schemas"]


def nodes(node: object, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every object of the document with its path, but for what is an example."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            if key not in {"example", "examples"}:
                yield from nodes(value, f"{path}/{key}")
    elif isinstance(node, list):
        for position, value in enumerate(node):
            yield from nodes(value, f"{path}/{position}")


def properties() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, schema in COMPONENTS.items():
        for property_, described in schema.get("properties", {}).items():
            yield f"{name}.{property_}", described


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    whole = schema | {"components": {"schemas": COMPONENTS}}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def over_operations(*operations: Operation) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", operations, ids=lambda operation: operation.template)


# The document


def test_what_it_is() -> None:
    assert document()["openapi"].startswith("3.1")
    assert document()["info"]["version"]
    assert document()["info"]["license"]["identifier"]
    assert document()["servers"]
    told = {tag["name"]: tag["description"] for tag in document()["tags"]}
    assert all(told.values())
    assert {tag for operation in ALL for tag in operation.spec["tags"]} == set(told)
    jsonschema_rs.meta.validate(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": COMPONENTS}
    )


def test_the_committed_file_is_the_contract() -> None:
    database = DatabaseSettings(database_url="postgresql://127.0.0.1/none")
    written = Path(__file__).parent.parent / "openapi" / "v1.json"
    assert written.read_bytes() == contract_json(create_app(HttpSettings(), database)), "run `make openapi`"


@pytest.mark.anyio
async def test_the_served_contract_is_the_committed_one(client: httpx.AsyncClient) -> None:
    written = Path(__file__).parent.parent / "openapi" / "v1.json"
    assert (await ask(client, "/v1/openapi.json")).content == written.read_bytes()


def test_unversioned_paths_stay_out() -> None:
    assert {path.split("/")[1] for path in document()["paths"]} == {"v1", "healthz", "readyz"}


# Operations


@over_operations(*ALL)
def test_operations_are_described(operation: Operation) -> None:
    spec = operation.spec
    assert re.fullmatch(r"(list|get)_[a-z_]+", spec["operationId"])
    assert spec["operationId"].startswith("list_" if operation.is_list else "get_")
    assert 8 < len(spec["summary"]) < 60
    assert not re.match(r"(Get|List) [A-Z]", spec["summary"]), "made of the function's name"
    assert len(spec["description"]) > len(spec["summary"])
    assert len(spec["tags"]) == 1


HISTORY = {
    "list_{}_revisions": "revisions",
    "get_{}_revision": "revisions/{number}",
    "get_{}_diff": "diff",
}


def test_operation_ids() -> None:
    assert {operation.spec["operationId"]: operation.template for operation in ALL} == {
        "get_health": "/healthz",
        "get_readiness": "/readyz",
        "get_dataset": "/v1/dataset",
        "list_exchanges": "/v1/exchanges",
        "get_exchange": "/v1/exchanges/{record_id}",
        "list_figures": "/v1/figures",
        "list_claims": "/v1/claims",
        "get_claim": "/v1/claims/{record_id}",
        "list_mediations": "/v1/mediations",
        "get_mediation": "/v1/mediations/{record_id}",
        "list_mediators": "/v1/mediators",
        "get_mediator": "/v1/mediators/{record_id}",
        "list_articles": "/v1/articles",
        "get_article": "/v1/articles/{record_id}",
        "list_article_exchanges": "/v1/articles/{record_id}/exchanges",
        "list_publishers": "/v1/publishers",
        "get_publisher": "/v1/publishers/{record_id}",
        "list_actors": "/v1/actors",
        "get_actor": "/v1/actors/{record_id}",
        "list_agreements": "/v1/agreements",
        "get_agreement": "/v1/agreements/{record_id}",
        "list_totals": "/v1/totals",
        "get_total": "/v1/totals/{record_id}",
        "list_coverage": "/v1/coverage",
        "get_coverage_note": "/v1/coverage/{record_id}",
        "get_changes": "/v1/changes",
        **{
            operation_id.format(resource): f"/v1/{plural}/{{record_id}}/{path}"
            for resource, plural in PLURAL.items()
            for operation_id, path in HISTORY.items()
        },
    }


@over_operations(*ALL)
def test_every_problem_is_on_the_one_schema(operation: Operation) -> None:
    responses = operation.spec["responses"]
    expected = {"200", "406", "414", "422", "500", "503"}
    paged = any(parameter["name"] == "cursor" for parameter in operation.spec["parameters"])
    expected |= {"304"} if operation.template.startswith("/v1/") else set()
    expected |= {"400"} if paged or operation.of_record else set()
    expected |= {"404"} if operation.of_record else set()
    expected |= {"410"} if operation.template.endswith(("/revisions/{number}", "/diff")) else set()
    assert set(responses) == expected
    for status, response in responses.items():
        assert response["description"]
        if status == "200":
            assert list(response["content"]) == ["application/json"], "one media type, for generators"
        elif status != "304":
            [(media_type, content)] = response["content"].items()
            assert media_type == "application/problem+json"
            assert content == {"schema": {"$ref": "#/components/schemas/Problem"}}


# Parameters


@over_operations(*ALL)
def test_parameters_are_described(operation: Operation) -> None:
    names = [parameter["name"] for parameter in operation.spec["parameters"]]
    assert len(set(names)) == len(names)
    for parameter in operation.spec["parameters"]:
        assert len(parameter["description"]) > 10
        assert parameter["required"] is (parameter["in"] == "path")
        # a cursor is good for one database only
        assert ("example" in parameter) is (parameter["name"] != "cursor"), parameter["name"]
        for _, schema in nodes(parameter["schema"]):
            assert "default" not in schema
            assert not {"anyOf", "oneOf", "allOf", "$ref"} & set(schema)
        if "example" in parameter:
            validator(parameter["schema"]).validate(parameter["example"])


@over_operations(*LISTS)
def test_every_order_has_a_name_for_programs(operation: Operation) -> None:
    for parameter in operation.spec["parameters"]:
        if parameter["name"] == "sort":
            schema = parameter["schema"]
            assert len(set(schema["x-enum-varnames"])) == len(schema["enum"])
            assert all(re.fullmatch("[A-Z_]+", name) for name in schema["x-enum-varnames"])


@over_operations(*LISTS)
def test_words_of_vocabularies_are_enums_in_parameters(operation: Operation) -> None:
    vocabularies = [
        {str(word) for word in words}
        for words in vars(enums).values()
        if isinstance(words, type) and issubclass(words, enums.StrEnum) and words is not enums.StrEnum
    ]
    for parameter in operation.spec["parameters"]:
        schema = parameter["schema"].get("items", parameter["schema"])
        if "enum" in schema and parameter["name"] != "sort":
            assert set(schema["enum"]) - {"none"} in vocabularies
        assert "x-extensible-enum" not in schema


@pytest.mark.anyio
@over_operations(*ALL)
async def test_every_example_works(client: httpx.AsyncClient, operation: Operation) -> None:
    path = operation.template
    for parameter in operation.spec["parameters"]:
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", parameter["example"])
    assert (await ask(client, path)).status_code == 200
    empty = []
    for parameter in operation.spec["parameters"]:
        if parameter["in"] == "query" and "example" in parameter:
            response = await ask(client, path, {parameter["name"]: parameter["example"]})
            assert response.status_code == 200, (parameter["name"], response.text)
            if operation.is_list and not response.json()["data"]:
                empty.append(parameter["name"])
    if "{record_id}" not in path and operation.template == "/v1/exchanges":
        assert empty == ["status_not"], "an example should find something, and all exchanges are completed"


# Answers


def test_names_of_schemas() -> None:
    assert not [name for name in COMPONENTS if not re.fullmatch("([A-Z][a-z]+)+", name)]
    assert "HTTPValidationError" not in COMPONENTS
    lists = {operation.model.__name__ for operation in ALL if operation.is_list}
    assert lists == {name for name in COMPONENTS if name.endswith("List")}


def test_every_schema_is_referred_to() -> None:
    text = json.dumps(document())
    assert [name for name in COMPONENTS if f'"#/components/schemas/{name}"' not in text] == []


def test_every_property_is_required_and_described() -> None:
    for name, schema in COMPONENTS.items():
        if "properties" in schema:
            assert sorted(schema["required"]) == sorted(schema["properties"]), name
            assert schema["description"]
            assert schema.get("additionalProperties") is not False, "an answer may get one more property"
    for name, described in properties():
        target = COMPONENTS.get(described.get("$ref", "").rpartition("/")[2], {})
        assert described.get("description") or target.get("description"), name


def test_every_example_of_a_property_is_right() -> None:
    for name, described in properties():
        assert described.get("examples"), name
        if "$ref" in json.dumps(described):
            assert described["examples"][0], f"{name} does not show what it consists of"
        for example in described["examples"]:
            validator(described).validate(example)


def test_no_union_but_with_null() -> None:
    for path, node in nodes(document()):
        assert not {"oneOf", "allOf", "not", "discriminator", "nullable", "default"} & set(node), path
        assert not isinstance(node.get("type"), list), path
        if "anyOf" in node:
            first, second = node["anyOf"]
            assert second == {"type": "null"}, path
            assert first != second
            reference = COMPONENTS.get(first.get("$ref", "").rpartition("/")[2], {})
            assert "enum" not in first, "no nullable enum"
            assert "enum" not in reference, "no nullable enum"
        if isinstance(node.get("enum"), list):
            assert None not in node["enum"], path


def test_closed_vocabularies_are_enums_and_no_others() -> None:
    assert {name for name, schema in COMPONENTS.items() if "enum" in schema} == CLOSED
    for name in CLOSED:
        assert COMPONENTS[name]["enum"] == [str(word) for word in getattr(enums, name)]
    for name, described in properties():
        assert "enum" not in described, name


def test_vocabularies_that_may_grow_are_strings() -> None:
    for name, (record, property_) in OPEN.items():
        described = COMPONENTS[record]["properties"][property_]
        assert described["type"] == "string"
        assert described["x-extensible-enum"] == [str(word) for word in getattr(enums, name)]
    codes = COMPONENTS["Problem"]["properties"]["code"]["x-extensible-enum"]
    assert codes == [str(code) for code in CATALOGUE]
    open_words = [name for name, described in properties() if "x-extensible-enum" in described]
    assert {f"{record}.{property_}" for record, property_ in OPEN.values()} <= set(open_words)


@pytest.mark.anyio
@over_operations(*(operation for operation in ALL if operation.of_record or operation.is_list))
async def test_answers_and_problems_keep_to_the_schemas(
    client: httpx.AsyncClient, operation: Operation
) -> None:
    check = validator({"$ref": f"#/components/schemas/{operation.model.__name__}"})
    check.validate((await ask(client, operation.path)).json())
    problem = validator({"$ref": "#/components/schemas/Problem"})
    for response in (
        await ask(client, operation.path, {"nonsense": "x"}),
        await ask(client, operation.path, Accept="text/csv"),
        await client.post(operation.path),
        await ask(client, f"{operation.path}/nothing/here"),
    ):
        assert response.status_code >= 400
        problem.validate(response.json())


def test_every_list_has_records_to_get() -> None:
    paths = {operation.template for operation in RECORDS}
    for operation in LISTS:
        if not operation.of_record and operation.template != "/v1/figures":
            assert f"{operation.template}/{{record_id}}" in paths
