"""Claims and mediations written by their own paths: under their exchange's ETag, told in their own words."""

import asyncio

import pytest

from db.enums import Resource
from tests.curating import Curator, conflicts_of, refused, without
from tests.synthetic import Record, claim, mediation

pytestmark = pytest.mark.anyio
R = Resource
EXCHANGE = "/v1/exchanges/second"  # has the claim c1 and the mediation m1, both of page-2

# The field of the exchange, a new part, the number of the one that stands, and a change of it.
KINDS: list[tuple[str, Record, str, Record]] = [
    (
        "claims",
        without(claim("", category="military", count=3, citations=["page-2"]), "id"),
        "c",
        {"count": 8},
    ),
    ("mediations", without(mediation("", actor="north", citations=["page-2"]), "id"), "m", {"role": "host"}),
]
EACH = pytest.mark.parametrize(("field", "new", "letter", "change"), KINDS, ids=["claims", "mediations"])


async def ids(curator: Curator, field: str) -> list[str]:
    return [part["id"] for part in (await curator.body(EXCHANGE))[field]]


@EACH
async def test_a_new_part(curator: Curator, field: str, new: Record, letter: str, change: Record) -> None:
    answer = await curator.send("POST", f"{EXCHANGE}/{field}", new, etag='"1"')
    assert answer.status_code == 201, answer.text
    path = f"{EXCHANGE}/{field}/second:{letter}2"
    assert answer.headers["location"] == path
    assert (answer.headers["etag"], answer.headers["x-dataset-revision"]) == ('"2"', "2")
    read = await curator.get(path)
    assert (read.content, read.headers["etag"]) == (answer.content, '"2"')
    assert {name: read.json()[name] for name in new} == new
    assert await ids(curator, field) == [f"second:{letter}1", f"second:{letter}2"]
    assert await curator.etag(EXCHANGE) == '"2"'
    (entry,) = (await curator.body("/v1/changes?since=1"))["data"]
    assert (entry["resource"], entry["id"], entry["number"]) == ("exchange", "second", 2)


@EACH
async def test_a_part_goes_round(
    curator: Curator, field: str, new: Record, letter: str, change: Record
) -> None:
    path = f"{EXCHANGE}/{field}/second:{letter}1"
    served = await curator.body(path)
    assert len(served) > len(new) + 1, "it shows something of its exchange"
    same = await curator.change("PUT", path, served)
    assert (same.json(), same.headers["etag"], await curator.revision()) == (served, '"1"', 1)
    answer = await curator.change("PUT", path, served | change)
    assert answer.headers["etag"] == '"2"'
    assert {name: answer.json()[name] for name in change} == change
    assert (await curator.get(path)).content == answer.content
    own = {name: served[name] for name in new}
    back = await curator.change("PUT", path, own)
    assert without(back.json(), "updated_at", "revision") == without(served, "updated_at", "revision")


@EACH
async def test_a_part_is_patched(
    curator: Curator, field: str, new: Record, letter: str, change: Record
) -> None:
    path = f"{EXCHANGE}/{field}/second:{letter}1"
    served = await curator.body(path)
    answer = await curator.change("PATCH", path, change | {"claimant": "east"})
    assert answer.json()["claimant"] == "east"
    answer = await curator.change("PATCH", path, {"claimant": None})
    assert {name: answer.json()[name] for name in new} == {name: served[name] for name in new} | change
    assert (await curator.change("PATCH", path, change)).headers["etag"] == '"3"'
    assert await curator.revision() == 3


@EACH
async def test_what_is_derived_is_not_written(
    curator: Curator, field: str, new: Record, letter: str, change: Record
) -> None:
    path = f"{EXCHANGE}/{field}/second:{letter}1"
    served = await curator.body(path)
    for method in ("PUT", "PATCH"):
        sent = served if method == "PUT" else {"exchange": served["exchange"]}
        answer = await curator.send(method, path, sent | {"exchange": "first"}, etag='"1"')
        problem = refused(answer, 422, "invalid_body", "/exchange")
        assert problem.errors[0].code == "read_only"
        answer = await curator.send(method, path, sent | {"id": f"second:{letter}7"}, etag='"1"')
        refused(answer, 422, "invalid_body", "/id")
    answer = await curator.send("POST", f"{EXCHANGE}/{field}", new | {"id": f"second:{letter}7"}, etag='"1"')
    refused(answer, 422, "invalid_body", "/id")
    answer = await curator.send("POST", f"{EXCHANGE}/{field}", new | {"exchange": "second"}, etag='"1"')
    refused(answer, 422, "invalid_body", "/exchange")


@EACH
async def test_a_removed_part_is_gone_and_its_number_too(
    curator: Curator, field: str, new: Record, letter: str, change: Record
) -> None:
    path = f"{EXCHANGE}/{field}/second:{letter}1"
    answer = await curator.change("DELETE", path)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (204, b"", '"2"')
    assert await ids(curator, field) == []
    assert (await curator.body(EXCHANGE))["citations"] == ["page-2"]
    refused(await curator.get(path), 404, "not_found")
    for method, body in (("DELETE", None), ("PATCH", change), ("PUT", new)):
        refused(await curator.send(method, path, body, etag='"2"'), 404, "not_found")
    answer = await curator.change("POST", f"{EXCHANGE}/{field}", new)
    assert answer.json()["id"] == f"second:{letter}2"
    assert (await curator.body(f"{path}?as_of=1"))["id"] == f"second:{letter}1"


@EACH
async def test_faults_are_told_where_they_are_in_the_part(
    curator: Curator, field: str, new: Record, letter: str, change: Record
) -> None:
    path = f"{EXCHANGE}/{field}"
    sent = new | {"claimant": "nobody", "citations": ["page-2", "page-0"]}
    problem = refused(await curator.send("POST", path, sent, etag='"1"'), 422, "invalid_body")
    assert sorted(item.pointer or "" for item in problem.errors) == ["/citations/1", "/claimant"]
    problem = refused(
        await curator.send("PATCH", f"{path}/second:{letter}1", {"colour": "red"}, etag='"1"'),
        422,
        "invalid_body",
    )
    assert [item.pointer for item in problem.errors] == ["/colour"]
    assert problem.detail.startswith("/colour: ")
    refused(await curator.send("POST", path, {}, etag='"1"'), 422, "invalid_body")
    inline = new | {"citations": [{"url": "https://example.org/new"}]}
    problem = refused(await curator.send("POST", path, inline, etag='"1"'), 422, "invalid_body")
    assert [item.pointer for item in problem.errors] == [
        "/citations/0/publisher",
        "/citations/0/language",
    ]


@EACH
async def test_conditions_speak_of_the_exchange(
    curator: Curator, field: str, new: Record, letter: str, change: Record
) -> None:
    await curator.change("PATCH", EXCHANGE, {"summary": "Otherwise."})
    path = f"{EXCHANGE}/{field}"
    for method, suffix, body in (
        ("POST", "", new),
        ("PUT", f"/second:{letter}1", new),
        ("PATCH", f"/second:{letter}1", change),
        ("DELETE", f"/second:{letter}1", None),
    ):
        problem = refused(await curator.send(method, path + suffix, body), 428, "precondition_required")
        assert problem.current_etag == '"2"'
        answer = await curator.send(method, path + suffix, body, etag='"1"')
        assert refused(answer, 412, "precondition_failed").current_etag == '"2"'
        answer = await curator.send(method, path + suffix, body, etag='"2"', reason=None)
        refused(answer, 422, "invalid_query")
        answer = await curator.send(method, path + suffix, body, etag='"2"', query={"dry_run": "true"})
        assert answer.status_code == 202
        (planned,) = answer.json()["changes"]
        assert (planned["resource"], planned["id"], planned["number"]) == ("exchange", "second", 3)
        assert planned["sentences"]
    assert await curator.revision() == 2


@EACH
async def test_a_part_of_another_exchange_is_not_here(
    curator: Curator, field: str, new: Record, letter: str, change: Record
) -> None:
    await curator.change("POST", f"/v1/exchanges/first/{field}", new)
    for part in (f"first:{letter}1", "second", f"second:{letter}9"):
        path = f"{EXCHANGE}/{field}/{part}"
        refused(await curator.get(path), 404, "not_found")
        for method, body in (("PUT", new), ("PATCH", change), ("DELETE", None)):
            refused(await curator.send(method, path, body, etag='"1"'), 404, "not_found")
    for path in (f"/v1/exchanges/never/{field}", f"/v1/exchanges/never/{field}/never:{letter}1"):
        refused(await curator.get(path), 404, "not_found")
    refused(await curator.send("POST", f"/v1/exchanges/never/{field}", new, etag='"1"'), 404, "not_found")


@EACH
async def test_the_parts_of_a_deleted_exchange(
    curator: Curator, field: str, new: Record, letter: str, change: Record
) -> None:
    path = f"{EXCHANGE}/{field}/second:{letter}1"
    listed = await curator.body(f"{EXCHANGE}/{field}")
    assert [part["id"] for part in listed["data"]] == [f"second:{letter}1"]
    await curator.change("DELETE", EXCHANGE)
    refused(await curator.get(f"{EXCHANGE}/{field}"), 410, "gone")
    past = await curator.body(f"{EXCHANGE}/{field}?as_of=1")
    assert past["data"] == listed["data"]
    refused(await curator.get(path), 404, "not_found")
    for method, suffix, body in (("POST", "", new), ("PATCH", f"/second:{letter}1", change)):
        refused(await curator.send(method, f"{EXCHANGE}/{field}{suffix}", body, etag='"1"'), 410, "gone")


async def test_what_a_part_cites_its_exchange_cites_too(curator: Curator) -> None:
    path = f"{EXCHANGE}/claims/second:c1"
    await curator.change("PATCH", path, {"citations": ["page-3"]})
    assert (await curator.body(EXCHANGE))["citations"] == ["page-2", "page-3"]
    answer = await curator.send("PATCH", EXCHANGE, {"citations": ["page-2"]}, etag='"2"')
    problem = refused(answer, 409, "conflict", "/citations")
    assert "page-3" in problem.detail
    assert "claims" in problem.detail
    assert conflicts_of(problem) == []


async def test_of_two_who_add_a_part_at_once_one_must_look_again(curator: Curator) -> None:
    _, new, _, _ = KINDS[0]
    sent = [curator.send("POST", f"{EXCHANGE}/claims", new, etag='"1"') for _ in range(4)]
    statuses = sorted([answer.status_code for answer in await asyncio.gather(*sent)])
    assert statuses == [201, 412, 412, 412]
    assert await ids(curator, "claims") == ["second:c1", "second:c2"]
