"""The rules that the contract keeps so that clients can be generated from it, and that it tells the truth."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from pydantic import ValidationError

from api.main import create_app
from api.openapi import contract_json
from api.problems import CATALOGUE
from api.settings import HttpSettings
from db import enums, inputs
from db.settings import DatabaseSettings
from tests.asking import ask
from tests.contract import ALL, EVERY, LISTS, RECORDS, WITH_KEY, Operation, document

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
    "ProposalAction": ("Proposal", "action"),
    "ProposalState": ("Proposal", "state"),
    "Resource": ("Proposal", "resource"),
}
COMPONENTS: dict[str, dict[str, Any]] = document()["components"]["schemas"]
BODIES = {name for name in COMPONENTS if name.endswith(("Input", "Patch"))}


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
    def name(operation: Operation) -> str:
        return f"{operation.method} {operation.template}"

    return pytest.mark.parametrize("operation", operations, ids=name)


# The document


def test_what_it_is() -> None:
    assert document()["openapi"].startswith("3.1")
    assert document()["info"]["version"]
    assert document()["info"]["license"]["identifier"]
    assert document()["servers"]
    told = {tag["name"]: tag["description"] for tag in document()["tags"]}
    assert all(told.values())
    assert {tag for operation in EVERY for tag in operation.spec["tags"]} == set(told)
    jsonschema_rs.meta.validate(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": COMPONENTS}
    )


def test_what_is_counted_twice_is_somebody() -> None:
    """The validator's least count is the published one too."""
    for name in ("Overlap", "OverlapInput"):
        assert COMPONENTS[name]["properties"]["count"]["minimum"] == 1
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        inputs.Overlap.model_validate(
            {
                **dict.fromkeys(("exchange", "released_by", "received_by"), "a"),
                "measure": "persons",
                "count": 0,
            }
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


VERBS = {
    "GET": "list|get|export",
    "POST": "create|restore|revert|merge|import|withdraw|accept|reject",
    "PUT": "replace",
    "PATCH": "update",
    "DELETE": "delete",
}


@over_operations(*EVERY)
def test_operations_are_described(operation: Operation) -> None:
    spec = operation.spec
    assert re.fullmatch(rf"({VERBS[operation.method]})_[a-z_]+", spec["operationId"])
    if operation in ALL:
        assert spec["operationId"].startswith("list_" if operation.is_list else "get_")
    assert 8 < len(spec["summary"]) < 60
    assert not re.match(r"(Get|List) [A-Z]", spec["summary"]), "made of the function's name"
    assert len(spec["description"]) > len(spec["summary"])
    assert len(spec["tags"]) == 1


PARTS_OF_RECORDS = ("}/exchanges", "}/claims", "}/mediations")
SINGLE_PARTS = tuple(
    f"/{parts}/{{{name}}}" for parts in ("claims", "mediations") for name in ("part_id", "record_id")
)


@over_operations(*ALL)
def test_every_problem_is_on_the_one_schema(operation: Operation) -> None:
    responses = operation.spec["responses"]
    expected = {"200", "406", "414", "422", "500", "503"}
    paged = any(parameter["name"] == "cursor" for parameter in operation.spec["parameters"])
    expected |= {"304", "401", "429"} if operation.template.startswith("/v1/") else set()
    expected -= {"304"} if operation.template.startswith("/v1/proposal") else set()
    past = any(parameter["name"] == "as_of" for parameter in operation.spec["parameters"])
    expected |= {"400"} if paged or past or operation.of_record else set()
    expected |= {"409"} if operation.template == "/v1/changes" else set()
    expected |= {"404"} if operation.of_record else set()
    expected |= {"410"} if operation.template.endswith(("/revisions/{number}", "/diff")) else set()
    of_parts = ("claims", "mediations", "mediators")
    stands = operation in RECORDS and operation.template.split("/")[2] not in of_parts
    stands |= operation.template.endswith(("/citation", "/progress"))
    expected |= {"308", "410"} if stands and not operation.of_part else set()
    expected |= {"308", "410"} if operation.template.endswith(PARTS_OF_RECORDS) else set()
    expected |= {"410"} if operation.template.endswith(SINGLE_PARTS) else set()
    assert set(responses) == expected
    for status, response in responses.items():
        assert response["description"]
        if status == "200":
            assert list(response["content"]) == ["application/json"], "one media type, for generators"
        elif status != "304":
            [(media_type, content)] = response["content"].items()
            assert media_type == "application/problem+json"
            assert content == {"schema": {"$ref": "#/components/schemas/Problem"}}


@over_operations(*(operation for operation in ALL if operation.template.startswith("/v1/")))
def test_reads_tell_of_their_limits(operation: Operation) -> None:
    limits = {"RateLimit", "RateLimit-Policy"}
    for status, wanted in (("200", limits), ("304", limits), ("429", limits | {"Retry-After"})):
        if status in operation.spec["responses"]:
            told = operation.spec["responses"][status]["headers"]
            assert {name: told[name]["$ref"] for name in wanted} == {
                name: f"#/components/headers/{name}" for name in wanted
            }
    for header in document()["components"]["headers"].values():
        assert header["description"]
        assert header["schema"]


WRITING = [operation for operation in WITH_KEY if operation.method != "GET"]


@over_operations(*(operation for operation in WRITING if operation.spec["tags"] != ["proposals"]))
def test_writes_tell_what_they_are_answered_with(operation: Operation) -> None:
    spec = operation.spec
    names = {parameter["name"] for parameter in spec["parameters"]}
    assert {"reason", "dry_run"} <= names
    told = {int(status) for status in spec["responses"]}
    assert {401, 403, 422, 429} <= told
    if spec["operationId"] == "import_records":
        return
    assert "Idempotency-Key" in names
    success = {"POST": {201, 202} if "create" in spec["operationId"] else {200, 202}, "DELETE": {202, 204}}
    expected = success.get(operation.method, {200, 202})
    created = operation.method == "PUT" and not operation.of_part
    assert {status for status in told if status < 300} == (expected | {201} if created else expected)
    assert ("If-Match" in names) is (412 in told)
    may = spec["operationId"].startswith("restore_")  # of what is deleted, the state need not have been seen
    assert (428 in told) is (412 in told and not may)
    assert ("requestBody" in spec) is (413 in told) is (415 in told)
    if "requestBody" in spec:
        for content in spec["requestBody"]["content"].values():
            assert content["schema"]["$ref"].rpartition("/")[2] in BODIES


# Parameters


@over_operations(*EVERY)
def test_parameters_are_described(operation: Operation) -> None:
    names = [parameter["name"] for parameter in operation.spec["parameters"]]
    assert len(set(names)) == len(names)
    for parameter in operation.spec["parameters"]:
        assert len(parameter["description"]) > 10
        whose = operation.template.startswith("/v1/reconciliation") and parameter["name"] == "claimant"
        assert parameter["required"] is (parameter["in"] == "path" or whose)
        # a cursor and an epoch are good for one database only
        assert ("example" in parameter) is (parameter["name"] not in {"cursor", "epoch"}), parameter["name"]
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
    assert (await ask(client, path, operation.needed)).status_code == 200
    empty = []
    for parameter in operation.spec["parameters"]:
        if parameter["in"] == "query" and "example" in parameter:
            query = operation.needed | {parameter["name"]: parameter["example"]}
            response = await ask(client, path, query)
            assert response.status_code == 200, (parameter["name"], response.text)
            if operation.is_list and not response.json()["data"]:
                empty.append(parameter["name"])
    if "{record_id}" not in path and operation.template == "/v1/exchanges":
        assert empty == ["status_not"], "an example should find something, and all exchanges are completed"


# Answers


def test_names_of_schemas() -> None:
    assert not [name for name in COMPONENTS if not re.fullmatch("([A-Z][a-z]+)+", name)]
    assert "HTTPValidationError" not in COMPONENTS
    reads = [operation for operation in EVERY if operation.method == "GET" and operation.answers_json]
    lists = {operation.model.__name__ for operation in reads if operation.is_list}
    assert lists == {name for name in COMPONENTS if name.endswith("List")}


def test_every_schema_is_referred_to() -> None:
    text = json.dumps(document())
    assert [name for name in COMPONENTS if f'"#/components/schemas/{name}"' not in text] == []


def test_every_property_is_required_and_described() -> None:
    for name, schema in COMPONENTS.items():
        if "properties" in schema:
            if name not in BODIES:
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
    closed = {name for name, schema in COMPONENTS.items() if "enum" in schema}
    assert CLOSED <= closed <= CLOSED | set(OPEN), "what may grow in answers is closed in bodies"
    for name in closed:
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
        await ask(client, operation.path, Accept="image/png"),
        await client.post(operation.path),
        await ask(client, f"{operation.path}/nothing/here"),
    ):
        assert response.status_code >= 400
        problem.validate(response.json())


def test_every_list_has_records_to_get() -> None:
    paths = {operation.template for operation in RECORDS}
    for operation in LISTS:
        if not operation.of_record and operation.template not in {"/v1/figures", "/v1/disagreements"}:
            assert f"{operation.template}/{{record_id}}" in paths
