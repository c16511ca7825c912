"""Records taken out, brought back, put back and merged through HTTP, and what is read of them after that."""

import pytest

from db.enums import Resource
from tests.curating import Curator, conflicts_of, path_of, refused, without
from tests.synthetic import Record, actor, agreement, article, coverage, exchange, publisher, total

pytestmark = pytest.mark.anyio
R = Resource
EVERY = pytest.mark.parametrize("resource", list(Resource), ids=str)
STAMPS = ("revision", "updated_at")

# Two records of each kind that nothing refers to: the second takes the first in.
PAIRS: dict[Resource, tuple[Record, Record]] = {
    R.PUBLISHER: (publisher("courier"), publisher("daily")),
    R.ACTOR: (actor("west"), actor("occident")),
    R.ARTICLE: (article("page-8"), article("page-9")),
    R.AGREEMENT: (agreement("truce"), agreement("peace")),
    R.EXCHANGE: (exchange("third", date="2021-05-05"), exchange("fourth", date="2021-05-06")),
    R.TOTAL: (total("total-8"), total("total-9")),
    R.COVERAGE: (coverage("summer"), coverage("autumn")),
}


async def pair(curator: Curator, resource: Resource) -> tuple[str, str]:
    """Create two records of a kind and give their paths."""
    for record in PAIRS[resource]:
        await curator.create(resource, record)
    first, second = PAIRS[resource]
    return path_of(resource, first["id"]), path_of(resource, second["id"])


async def merge(curator: Curator, path: str, into: str) -> None:
    await curator.change("POST", f"{path}/merge", query={"into": into})


@EVERY
async def test_a_deleted_record_is_gone_and_comes_back(curator: Curator, resource: Resource) -> None:
    path, _ = await pair(curator, resource)
    before = await curator.body(path)
    answer = await curator.change("DELETE", path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["x-dataset-revision"] == "4"
    gone = await curator.get(path)
    refused(gone, 410, "gone")
    assert gone.headers["link"] == f'<{path}/revisions>; rel="version-history"'
    history = (await curator.body(f"{path}/revisions"))["data"]
    assert [entry["action"] for entry in history] == ["created", "deleted"]
    assert (await curator.body(f"{path}?as_of=3")) == before

    for method, suffix, body in (("DELETE", "", None), ("PATCH", "", {}), ("POST", "/revert?to=1", None)):
        again = await curator.send(
            method, f"{path}{suffix}".split("?")[0], body, etag='"2"', query={"to": "1"} if suffix else None
        )
        refused(again, 410, "gone")
    again = await curator.send("PUT", path, before, etag='"1"')
    refused(again, 410, "gone")

    answer = await curator.send("POST", f"{path}/restore")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"3"')
    read = await curator.get(path)
    assert read.content == answer.content
    assert without(read.json(), *STAMPS) == without(before, *STAMPS)
    twice = refused(await curator.send("POST", f"{path}/restore"), 409, "conflict")
    assert "is not deleted" in twice.detail


async def test_what_never_was_cannot_come_back(curator: Curator) -> None:
    refused(await curator.send("POST", "/v1/coverage/never/restore"), 404, "not_found")
    for method, suffix in (("DELETE", ""), ("PATCH", ""), ("POST", "/merge"), ("POST", "/revert")):
        query = {"/merge": {"into": "winter"}, "/revert": {"to": "1"}}.get(suffix)
        body = {} if method == "PATCH" else None
        answer = await curator.send(method, f"/v1/coverage/never{suffix}", body, etag='"1"', query=query)
        refused(answer, 404, "not_found")


CITED = [
    (R.ARTICLE, "page-2", {("exchange", "second"), ("total", "total-2")}),
    (R.ACTOR, "east", {("exchange", "second"), ("exchange", "first")}),
    (R.PUBLISHER, "gazette", {("article", "page-1"), ("article", "page-2"), ("article", "page-3")}),
]


@pytest.mark.parametrize(("resource", "record_id", "by"), CITED)
async def test_what_others_refer_to_stays_and_they_are_named(
    curator: Curator, resource: Resource, record_id: str, by: set[tuple[str, str]]
) -> None:
    path = path_of(resource, record_id)
    for query in ({}, {"dry_run": "true"}):
        answer = await curator.send("DELETE", path, etag='"1"', query=query)
        problem = refused(answer, 409, "conflict")
        assert set(conflicts_of(problem)) <= by
        assert ("exchange", "second") in conflicts_of(problem) or resource is R.PUBLISHER
    assert (await curator.get(path)).status_code == 200


async def test_what_a_restored_record_refers_to_must_be_there(curator: Curator) -> None:
    await curator.create(R.PUBLISHER, publisher("courier"))
    await curator.create(R.ARTICLE, article("page-9", publisher="courier"))
    await curator.change("DELETE", "/v1/articles/page-9")
    await curator.change("DELETE", "/v1/publishers/courier")
    answer = await curator.send("POST", "/v1/articles/page-9/restore")
    problem = refused(answer, 422, "invalid_body", "/publisher")
    assert problem.errors[0].code == "unknown_publisher"


@EVERY
async def test_a_record_goes_back_to_a_revision(curator: Curator, resource: Resource) -> None:
    path, _ = await pair(curator, resource)
    before = await curator.body(path)
    field = {R.PUBLISHER: "name", R.ACTOR: "name", R.COVERAGE: "statement", R.EXCHANGE: "summary"}.get(
        resource, "note" if resource is R.TOTAL else "title"
    )
    await curator.change("PATCH", path, {field: "Otherwise"})
    answer = await curator.change("POST", f"{path}/revert", query={"to": 1})
    assert answer.headers["etag"] == '"3"'
    assert without(answer.json(), *STAMPS) == without(before, *STAMPS)
    assert (await curator.get(path)).content == answer.content
    again = await curator.change("POST", f"{path}/revert", query={"to": 1})
    assert (again.headers["etag"], again.content) == ('"3"', answer.content)


async def test_only_to_a_revision_that_there_is(curator: Curator) -> None:
    for query in ({}, {"to": "0"}, {"to": "2"}, {"to": "one"}, {"to": "99999999999"}, {"to": ["1", "1"]}):
        answer = await curator.send("POST", "/v1/coverage/winter/revert", etag='"1"', query=query)
        problem = refused(answer, 422, "invalid_query")
        assert [item.parameter for item in problem.errors] == ["to"], query
    await curator.create(R.COVERAGE, coverage("summer"))
    await curator.change("DELETE", "/v1/coverage/summer")
    await curator.send("POST", "/v1/coverage/summer/restore")
    answer = await curator.change("POST", "/v1/coverage/summer/revert", query={"to": 2})
    assert answer.headers["etag"] == '"3"', "a deleted record last stood as the deletion found it"


@EVERY
async def test_a_merged_record_is_found_at_the_other(curator: Curator, resource: Resource) -> None:
    path, into = await pair(curator, resource)
    staying = into.rpartition("/")[2]
    before = await curator.body(path)
    answer = await curator.change("POST", f"{path}/merge", query={"into": staying})
    assert answer.status_code == 200
    assert answer.headers["content-location"] == into
    read = await curator.get(into)
    assert (read.content, read.headers["etag"]) == (answer.content, answer.headers["etag"])
    moved = await curator.get(path)
    refused(moved, 308, "merged")
    assert moved.headers["location"] == into
    assert moved.headers["link"] == f'<{path}/revisions>; rel="version-history"'
    assert await curator.body(f"{path}?as_of=3") == before
    later = await curator.get(f"{path}?as_of=4")
    assert (later.status_code, later.headers["location"]) == (308, f"{into}?as_of=4")
    history = (await curator.body(f"{path}/revisions"))["data"]
    assert [entry["action"] for entry in history] == ["created", "merged"]


async def test_a_merged_record_is_not_written(curator: Curator) -> None:
    path, into = await pair(curator, R.EXCHANGE)
    record = await curator.body(path)
    await merge(curator, path, "fourth")
    stands = await curator.body(into)
    writes: list[tuple[str, str, object, Record]] = [
        ("PUT", "", record, {}),
        ("PATCH", "", {"summary": "x"}, {}),
        ("DELETE", "", None, {}),
        ("POST", "/restore", None, {}),
        ("POST", "/revert", None, {"to": 1}),
        ("POST", "/merge", None, {"into": "first"}),
        ("POST", "/claims", {}, {}),
        ("DELETE", "/claims/third:c1", None, {}),
    ]
    for method, suffix, body, query in writes:
        answer = await curator.send(method, f"{path}{suffix}", body, etag='"1"', query=query)
        problem = refused(answer, 409, "conflict")
        assert "location" not in answer.headers, suffix
        if suffix != "/restore":
            assert conflicts_of(problem) == [("exchange", "fourth")]
    answer = await curator.send("PUT", path, PAIRS[R.EXCHANGE][0], If_None_Match="*")
    refused(answer, 409, "conflict", "/id")
    assert await curator.body(into) == stands
    await curator.create(R.COVERAGE, coverage("spring"))  # nothing was left locked


async def test_chains_of_merges_end_at_the_last(curator: Curator) -> None:
    path, into = await pair(curator, R.EXCHANGE)
    await merge(curator, path, "fourth")
    await merge(curator, into, "first")
    for each in (path, into):
        assert (await curator.get(each)).headers["location"] == "/v1/exchanges/first"


async def test_what_is_below_a_merged_record_is_found_below_the_other(curator: Curator) -> None:
    path, into = await pair(curator, R.EXCHANGE)
    before = {field: await curator.body(f"{path}/{field}") for field in ("claims", "mediations")}
    await merge(curator, path, into.rpartition("/")[2])
    for field, listed in before.items():
        moved = await curator.get(f"{path}/{field}?limit=10")
        refused(moved, 308, "merged")
        assert moved.headers["location"] == f"{into}/{field}?limit=10"
        assert (await curator.body(f"{path}/{field}?as_of=3"))["data"] == listed["data"]
    await curator.change("POST", "/v1/articles/page-2/merge", query={"into": "page-3"})
    old = "/v1/articles/page-2/exchanges"
    moved = await curator.get(f"{old}?year=2020")
    refused(moved, 308, "merged")
    assert moved.headers["location"] == "/v1/articles/page-3/exchanges?year=2020"
    assert [each["id"] for each in (await curator.body(f"{old}?as_of=1"))["data"]] == ["second"]
    found = await curator.body("/v1/articles/page-3/exchanges")
    assert "second" in [each["id"] for each in found["data"]]


async def test_references_are_turned_and_citations_united(curator: Curator) -> None:
    await curator.change("POST", "/v1/articles/page-2/merge", query={"into": "page-3"})
    assert (await curator.body("/v1/exchanges/second"))["citations"] == ["page-3"]
    assert (await curator.body("/v1/totals/total-2"))["citations"] == ["page-3"]
    found = await curator.body("/v1/exchanges?article=page-3")
    assert [each["id"] for each in found["data"]] == ["second"]


async def test_into_must_be_another_record_that_stands(curator: Curator) -> None:
    path, _ = await pair(curator, R.COVERAGE)
    await curator.change("DELETE", "/v1/coverage/autumn")
    queries: list[Record] = [{}, {"into": "never"}, {"into": "autumn"}, {"into": "summer"}, {"into": "first"}]
    for query in queries:
        answer = await curator.send("POST", f"{path}/merge", etag='"1"', query=query)
        problem = refused(answer, 422, "invalid_query")
        assert [item.parameter for item in problem.errors] == ["into"], query
    answer = await curator.send("POST", "/v1/actors/north/merge", etag='"1"', query={"into": "south"})
    problem = refused(answer, 409, "conflict")
    assert "must differ" in problem.detail
