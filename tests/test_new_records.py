"""What a new record may not refer to, be called, or take from another, told through HTTP."""

import pytest

from db.enums import Resource
from db.rendering import PLURAL
from tests.curating import Curator, conflicts_of, refused
from tests.synthetic import (
    Record,
    actor,
    agreement,
    article,
    claim,
    coverage,
    exchange,
    mediation,
    publisher,
    total,
)

pytestmark = pytest.mark.anyio
R = Resource


UNKNOWN: list[tuple[Resource, Record, list[str]]] = [
    (
        R.EXCHANGE,
        exchange(
            "third",
            parties=["north", "nobody"],
            claims=[claim("third:c1", claimant="nobody", citations=["page-1", "page-0"])],
            mediations=[mediation("third:m1", actor="nobody")],
            agreement="no-talks",
        ),
        [
            "/parties/1",
            "/citations/1",
            "/claims/0/claimant",
            "/claims/0/citations/1",
            "/mediations/0/actor",
            "/agreement",
        ],
    ),
    (R.ARTICLE, article("page-9", publisher="nobody", agency="no-one"), ["/publisher", "/agency"]),
    (R.ACTOR, actor("west", members=["north", "nobody"]), ["/members/1"]),
    (R.TOTAL, total("total-9", citations=["page-0"], mediator="nobody"), ["/citations/0", "/mediator"]),
    (R.AGREEMENT, agreement("truce", parties=["nobody"]), ["/parties/0"]),
]


@pytest.mark.parametrize(("resource", "record", "pointers"), UNKNOWN)
async def test_what_a_record_refers_to_must_be_there(
    curator: Curator, resource: Resource, record: Record, pointers: list[str]
) -> None:
    for query in ({}, {"dry_run": "true"}):
        answer = await curator.send("POST", f"/v1/{PLURAL[resource]}", record, query=query)
        problem = refused(answer, 422, "invalid_body")
        assert sorted(item.pointer or "" for item in problem.errors) == sorted(pointers)
        assert {item.code.split("_")[0] for item in problem.errors} == {"unknown"}


async def test_a_new_record_has_nothing_derived(curator: Curator) -> None:
    record = coverage("summer") | {"revision": 1, "links": {"self": "/v1/coverage/summer"}}
    answer = await curator.send("POST", "/v1/coverage", record)
    problem = refused(answer, 422, "invalid_body")
    assert {(item.pointer, item.code) for item in problem.errors} == {
        ("/revision", "read_only"),
        ("/links", "read_only"),
    }


async def test_an_id_that_is_taken_or_was_once(curator: Curator) -> None:
    problem = refused(await curator.send("POST", "/v1/coverage", coverage("winter")), 409, "conflict")
    assert conflicts_of(problem) == [("coverage", "winter")]
    await curator.change("DELETE", "/v1/coverage/winter")
    problem = refused(await curator.send("POST", "/v1/coverage", coverage("winter")), 409, "conflict")
    assert conflicts_of(problem) == [("coverage", "winter")]
    assert "restore" in problem.detail


async def test_names_and_urls_are_of_one_record(curator: Curator) -> None:
    for resource, record, other in (
        (R.ACTOR, actor("west", aliases=["LAND EAST"]), ("actor", "east")),
        (R.PUBLISHER, publisher("courier", name="paper Gazette"), ("publisher", "gazette")),
        (R.ARTICLE, article("page-9", url="http://www.example.org/page-1/"), ("article", "page-1")),
    ):
        answer = await curator.send("POST", f"/v1/{PLURAL[resource]}", record)
        problem = refused(answer, 409, "conflict")
        assert conflicts_of(problem) == [other]
        assert problem.errors[0].pointer in {"/aliases", "/url"}
