"""Records of every kind, created, replaced and changed through HTTP, under the ETag that they have."""

import json
from typing import Any

import pytest

from db.enums import Resource
from db.naming import LETTERS
from db.rendering import INPUT_OF, PLURAL
from tests.curating import Curator, path_of, refused, without
from tests.synthetic import (
    Record,
    actor,
    agreement,
    article,
    claim,
    coverage,
    exchange,
    publisher,
    total,
)

pytestmark = pytest.mark.anyio
R = Resource

# A new record of each kind, the id of one that stands, and one change of it.
NEW: dict[Resource, Record] = {
    R.PUBLISHER: publisher("courier"),
    R.ACTOR: actor("west"),
    R.ARTICLE: article("page-9"),
    R.AGREEMENT: agreement("truce"),
    R.EXCHANGE: exchange("third", date="2021-05-05"),
    R.TOTAL: total("total-9"),
    R.COVERAGE: coverage("summer"),
}
STANDS: dict[Resource, tuple[str, Record]] = {
    R.PUBLISHER: ("gazette", {"name": "The Gazette"}),
    R.ACTOR: ("east", {"aliases": ["The Orient"]}),
    R.ARTICLE: ("page-1", {"title": "A page"}),
    R.AGREEMENT: ("talks", {"status": "fulfilled"}),
    R.EXCHANGE: ("first", {"summary": "Another handover."}),
    R.TOTAL: ("total-1", {"value": 51}),
    R.COVERAGE: ("winter", {"statement": "Something."}),
}
DERIVED = {
    R.ACTOR: ("created_at", "2000-01-01T00:00:00Z"),
    R.ARTICLE: ("revision", 99),
    R.EXCHANGE: ("figures", []),
    R.TOTAL: ("links", {"self": "/v1/totals/other"}),
}
EVERY = pytest.mark.parametrize("resource", list(Resource), ids=str)


@EVERY
async def test_a_new_record_is_answered_as_it_is_read(curator: Curator, resource: Resource) -> None:
    answer = await curator.create(resource, NEW[resource])
    path = path_of(resource, NEW[resource]["id"])
    assert answer.headers["location"] == path
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["x-dataset-revision"] == "2"
    assert answer.headers["cache-control"] == "no-store"
    read = await curator.get(path)
    assert (read.content, read.headers["etag"]) == (answer.content, '"1"')
    assert {name: answer.json()[name] for name in NEW[resource]} == NEW[resource]


@EVERY
async def test_a_record_goes_round(curator: Curator, resource: Resource) -> None:
    record_id, change = STANDS[resource]
    path = path_of(resource, record_id)
    served = await curator.body(path)
    answer = await curator.change("PUT", path, served | change)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    now = await curator.get(path)
    assert now.content == answer.content
    stamped = {"revision", "updated_at", *change}
    assert without(now.json(), *stamped) == without(served, *stamped)
    assert now.json()["revision"] == 2
    assert {name: now.json()[name] for name in change} == change


@EVERY
async def test_a_record_goes_round_without_what_is_derived(curator: Curator, resource: Resource) -> None:
    record_id, change = STANDS[resource]
    path = path_of(resource, record_id)
    served = await curator.body(path)
    own = {name: served[name] for name in INPUT_OF[resource].model_fields if name != "id"}
    answer = await curator.change("PUT", path, own | change)
    assert answer.json() == served | change | without(answer.json(), *own, "id")


@EVERY
@pytest.mark.parametrize(("method", "whole"), [("PUT", True), ("PATCH", True), ("PATCH", False)])
async def test_what_is_so_already_makes_no_revision(
    curator: Curator, resource: Resource, method: str, whole: bool
) -> None:
    """Sent whole, as it was read, also in a patch, whose nulls take something away elsewhere."""
    record_id, _ = STANDS[resource]
    path = path_of(resource, record_id)
    served = await curator.get(path)
    sent = served.json() if whole else {"id": record_id}
    if method == "PATCH":
        sent = without(sent, *LETTERS)
    answer = await curator.change(method, path, sent)
    assert answer.content == served.content
    assert (answer.headers["etag"], answer.headers["x-dataset-revision"]) == ('"1"', "1")
    assert await curator.revision() == 1


@EVERY
async def test_a_patch_changes_what_it_names(curator: Curator, resource: Resource) -> None:
    record_id, change = STANDS[resource]
    path = path_of(resource, record_id)
    served = await curator.body(path)
    answer = await curator.change("PATCH", path, change)
    stamped = {"revision", "updated_at", *change}
    assert without(answer.json(), *stamped) == without(served, *stamped)
    assert {name: answer.json()[name] for name in change} == change
    assert (await curator.get(path)).content == answer.content


@pytest.mark.parametrize("resource", list(DERIVED), ids=str)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_what_is_derived_cannot_be_changed(curator: Curator, resource: Resource, method: str) -> None:
    path = path_of(resource, STANDS[resource][0])
    name, value = DERIVED[resource]
    served = await curator.body(path)
    sent = (served if method == "PUT" else {}) | {name: value}
    answer = await curator.send(method, path, sent, etag='"1"')
    problem = refused(answer, 422, "invalid_body", f"/{name}")
    assert problem.errors[0].code == "read_only"
    assert await curator.body(path) == served
    kept = await curator.change(method, path, sent | {name: served[name]})
    assert kept.headers["etag"] == '"1"'


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_an_id_never_changes(curator: Curator, method: str) -> None:
    served = await curator.body("/v1/exchanges/first")
    sent = served | {"id": "other"} if method == "PUT" else {"id": "other"}
    answer = await curator.send(method, "/v1/exchanges/first", sent, etag='"1"')
    refused(answer, 422, "invalid_body", "/id")


@EVERY
async def test_put_creates_only_what_is_not_there(curator: Curator, resource: Resource) -> None:
    new = NEW[resource]
    path = path_of(resource, new["id"])
    answer = await curator.send("PUT", path, without(new, "id"), If_None_Match="*")
    assert (answer.status_code, answer.headers["location"]) == (201, path), answer.text
    assert answer.headers["etag"] == '"1"'
    assert (await curator.get(path)).content == answer.content
    again = refused(await curator.send("PUT", path, new, If_None_Match="*"), 412, "precondition_failed")
    assert again.current_etag == '"1"'


async def test_a_put_without_a_condition_creates_nothing(curator: Curator) -> None:
    answer = await curator.send("PUT", "/v1/coverage/summer", NEW[R.COVERAGE], etag='"1"')
    refused(answer, 404, "not_found")
    refused(await curator.send("PUT", "/v1/coverage/summer", NEW[R.COVERAGE]), 404, "not_found")


WRITES: list[tuple[str, str, Any]] = [
    ("PUT", "", exchange("first", summary="Otherwise.")),
    ("PATCH", "", {"summary": "Otherwise."}),
    ("DELETE", "", None),
    ("POST", "/revert?to=1", None),
    ("POST", "/merge?into=second", None),
]


@pytest.mark.parametrize(("method", "suffix", "body"), WRITES)
async def test_a_write_names_the_revision_that_it_has_seen(
    curator: Curator, method: str, suffix: str, body: Any
) -> None:
    await curator.change("PATCH", "/v1/exchanges/first", {"date": "2020-01-05"})
    path, _, query = f"/v1/exchanges/first{suffix}".partition("?")
    asked = dict(part.split("=") for part in query.split("&")) if query else {}

    async def send(etag: str | None, **headers: str) -> Any:
        return await curator.send(method, path, body, etag=etag, query=asked, **headers)

    problem = refused(await send(None), 428, "precondition_required")
    assert problem.current_etag == '"2"'
    problem = refused(await send("*"), 428, "precondition_required")
    assert "not *" in problem.detail
    for unfit in ('W/"2"', "W/2"):  # a weak tag does not name a revision
        assert (await send(unfit)).status_code in {412, 428}, unfit
    for stale in ('"1"', '"22"', '"1", "3"'):
        problem = refused(await send(stale), 412, "precondition_failed")
        assert problem.current_etag == '"2"'
    assert await curator.revision() == 2
    answer = await send('"1", "2-gzip"')
    assert answer.is_success, answer.text
    assert await curator.revision() == 3


async def test_null_is_no_value_and_lists_are_wholes(curator: Curator) -> None:
    path = "/v1/exchanges/first"
    place = {"name": "A bridge", "citations": ["page-1"]}
    full = {"date_end": "2020-01-02", "location": place, "parties": ["north", "south", "east"]}
    answer = await curator.change("PATCH", path, full | {"agreement": "talks"})
    assert {name: answer.json()[name] for name in full} == full
    empty = {"date_end": None, "agreement": None, "location": None, "parties": ["south", "north"]}
    answer = await curator.change("PATCH", path, empty)
    assert {name: answer.json()[name] for name in empty} == empty


async def test_what_is_an_object_is_patched_by_its_fields(curator: Curator) -> None:
    path = "/v1/exchanges/first"
    place = {"name": "A bridge", "citations": ["page-1"]}
    await curator.change("PATCH", path, {"location": place})
    answer = await curator.change("PATCH", path, {"location": {"name": "A ford"}})
    assert answer.json()["location"] == place | {"name": "A ford"}
    answer = await curator.send("PATCH", path, {"location": {"name": None}}, etag='"3"')
    refused(answer, 422, "invalid_body", "/location/name")

    ids = {"gw": 5, "wikidata": "Q5"}
    await curator.change("PATCH", "/v1/actors/east", {"external_ids": ids})
    answer = await curator.change("PATCH", "/v1/actors/east", {"external_ids": {"gw": None}})
    assert answer.json()["external_ids"] == ids | {"gw": None}


@pytest.mark.parametrize(
    ("patch", "pointers"),
    [
        ({"claims": []}, ["/claims"]),
        ({"mediations": None, "claims": [], "summary": "x"}, ["/claims", "/mediations"]),
        ({"summary": None}, ["/summary"]),
        ({"parties": []}, ["/parties"]),
        ({"colour": "red"}, ["/colour"]),
        ({"location": {"colour": "red"}}, ["/location/name", "/location/citations", "/location/colour"]),
    ],
)
async def test_a_patch_that_will_not_do(curator: Curator, patch: Record, pointers: list[str]) -> None:
    answer = await curator.send("PATCH", "/v1/exchanges/first", patch, etag='"1"')
    problem = refused(answer, 422, "invalid_body")
    assert sorted(item.pointer or "" for item in problem.errors) == sorted(pointers)
    if "claims" in patch:
        assert "/v1/exchanges/first/claims" in problem.errors[0].message
    assert await curator.revision() == 1


async def test_patches_may_be_sent_as_json(curator: Curator) -> None:
    json_type = {"Content_Type": "application/json"}
    path = "/v1/coverage/winter"
    answer = await curator.send("PATCH", path, {"statement": "So."}, etag='"1"', **json_type)
    assert answer.json()["statement"] == "So."
    wrong = await curator.send("PUT", path, answer.json(), etag='"2"', Content_Type="text/plain")
    refused(wrong, 415, "unsupported_media_type")


async def test_parts_with_an_id_stay_those_without_are_new_and_absent_ones_go(curator: Curator) -> None:
    path = "/v1/exchanges/first"
    served = await curator.body(path)
    kept = served["claims"][1]
    fresh = without(claim("", category="wounded", count=1), "id")
    answer = await curator.change(
        "PUT", path, served | {"claims": [fresh, kept], "figures": served["figures"]}
    )
    assert [each["id"] for each in answer.json()["claims"]] == ["first:c3", "first:c2"]
    answer = await curator.change("PUT", path, answer.json() | {"claims": [fresh]})
    assert [each["id"] for each in answer.json()["claims"]] == ["first:c4"]
    foreign = answer.json() | {"claims": [claim("first:c1")]}
    problem = refused(
        await curator.send("PUT", path, foreign, etag='"3"'), 422, "invalid_body", "/claims/0/id"
    )
    assert problem.errors[0].code == "unknown_part"


async def test_a_reason_is_needed_once_and_short(curator: Curator) -> None:
    path, patch = "/v1/coverage/winter", {"statement": "So."}
    for reason, query in ((None, {}), ("", {}), ("  ", {}), ("x" * 1001, {}), (None, {"reason": ["a", "b"]})):
        answer = await curator.send("PATCH", path, patch, etag='"1"', reason=reason, query=query)
        problem = refused(answer, 422, "invalid_query")
        assert [item.parameter for item in problem.errors] == ["reason"], reason
    answer = await curator.send("PATCH", path, patch, etag='"1"', reason="x" * 1000)
    assert answer.status_code == 200
    entry = (await curator.body("/v1/changes?since=1"))["data"][0]
    assert entry["reason"] == "x" * 1000
    assert entry["by"].endswith("(a curator)")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"dry_run": "maybe"}, "dry_run"),
        ({"raeson": "x"}, "raeson"),
        ({"allow_duplicate": "true"}, "allow_duplicate"),
        ({"limit": "1"}, "limit"),
    ],
)
async def test_queries_of_writes_are_strict(curator: Curator, query: Record, parameter: str) -> None:
    answer = await curator.send("PATCH", "/v1/coverage/winter", {"statement": "So."}, etag='"1"', query=query)
    problem = refused(answer, 422, "invalid_query")
    assert [item.parameter for item in problem.errors] == [parameter]
    assert await curator.revision() == 1


@EVERY
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_dry_run_tells_and_stores_nothing(curator: Curator, resource: Resource, method: str) -> None:
    record_id, change = STANDS[resource]
    path, etag, body = path_of(resource, record_id), '"1"', None
    served = await curator.body(path)
    if method == "POST":
        path, etag, body = f"/v1/{PLURAL[resource]}", None, NEW[resource]
    elif method != "DELETE":
        body = served | change if method == "PUT" else change
    elif resource not in {R.TOTAL, R.COVERAGE, R.EXCHANGE}:
        return  # the others are cited
    query = {"dry_run": "true"}
    answer = await curator.send(method, path, body, etag=etag, reason=None, query=query)
    assert answer.status_code == 202, answer.text
    assert "x-dataset-revision" not in answer.headers
    assert "ratelimit" not in answer.headers
    told = answer.json()
    assert told["dataset_revision"] == 2
    first = told["changes"][0]
    action = {"POST": "created", "DELETE": "deleted"}.get(method, "updated")
    assert (first["resource"], first["action"]) == (resource, action)
    if method in {"PUT", "PATCH"}:
        planned = json.loads(first["body"])
        assert {name: planned[name] for name in change} == change
        assert first["sentences"]
    assert await curator.revision() == 1
    assert await curator.body(path_of(resource, record_id)) == served


@EVERY
async def test_a_record_without_an_id_gets_one(curator: Curator, resource: Resource) -> None:
    record = without(NEW[resource], "id")
    if resource in {R.EXCHANGE, R.AGREEMENT}:
        record |= {"claims": [without(claim(""), "id")]} if resource is R.EXCHANGE else {}
    answer = await curator.create(resource, record)
    made = answer.json()["id"]
    assert answer.headers["location"] == path_of(resource, made)
    if resource is R.EXCHANGE:
        assert made == "2021-05-05-north-south"
        assert answer.json()["claims"][0]["id"] == f"{made}:c1"
