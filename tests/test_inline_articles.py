"""Articles given in the place where they are cited: by id, by URL, or whole; known ones are found."""

import pytest

from db.enums import Resource
from tests.curating import Curator, refused, without
from tests.synthetic import Record, agreement, claim, exchange, mediation, total

pytestmark = pytest.mark.anyio
R = Resource
FIRST = "/v1/exchanges/first"
NEW: Record = {"url": "https://example.org/fresh", "publisher": "herald", "language": "en"}


async def articles(curator: Curator) -> set[str]:
    return {each["id"] for each in (await curator.body("/v1/articles?limit=100"))["data"]}


@pytest.mark.parametrize(
    "cited",
    [
        "page-2",
        "https://example.org/page-2",
        "http://www.example.org/page-2/?utm_source=feed",
        {"url": "https://example.org/page-2"},
        {"url": "http://example.org/page-2#top", "publisher": "gazette", "title": None},
    ],
    ids=str,
)
async def test_a_known_article_is_cited(curator: Curator, cited: object) -> None:
    answer = await curator.change("PATCH", FIRST, {"citations": ["page-1", cited]})
    assert answer.json()["citations"] == ["page-1", "page-2"]
    assert await articles(curator) == {"page-1", "page-2", "page-3"}


@pytest.mark.parametrize("cited", [NEW | {"title": "A page"}, NEW | {"id": "own-id"}], ids=["made", "own"])
async def test_an_unknown_article_is_created_in_the_same_revision(curator: Curator, cited: Record) -> None:
    answer = await curator.change("PATCH", FIRST, {"citations": ["page-1", cited]})
    _, article_id = answer.json()["citations"]
    assert article_id == cited.get("id", article_id)
    assert article_id.startswith("herald-" if "id" not in cited else "own-id")
    article = await curator.body(f"/v1/articles/{article_id}")
    assert {name: article[name] for name in cited} == cited
    entries = (await curator.body("/v1/changes?since=1"))["data"]
    assert [(entry["resource"], entry["id"], entry["action"]) for entry in entries] == [
        ("article", article_id, "created"),
        ("exchange", "first", "updated"),
    ]
    assert {entry["dataset_revision"] for entry in entries} == {2}


async def test_one_address_in_one_body_is_one_article(curator: Curator) -> None:
    same = NEW | {"url": "http://www.example.org/fresh/"}
    record = exchange(
        "third",
        date="2021-05-05",
        claims=[claim("third:c1", citations=[NEW, "page-2"])],
        mediations=[mediation("third:m1", citations=[same])],
        location={"name": "A bridge", "citations": [NEW["url"]]},
        citations=[],
    )
    body = (await curator.create(R.EXCHANGE, record)).json()
    cited = body["citations"]
    assert len(cited) == 2
    assert [body["claims"][0]["citations"], body["mediations"][0]["citations"]] == [cited, cited[:1]]
    assert body["location"]["citations"] == cited[:1]
    assert len(await articles(curator)) == 4


@pytest.mark.parametrize(
    ("path", "record"),
    [
        ("/v1/totals", total("total-9", citations=[NEW])),
        ("/v1/agreements", agreement("truce", citations=[NEW])),
    ],
)
async def test_whatever_cites_may_bring_articles(curator: Curator, path: str, record: Record) -> None:
    answer = await curator.send("POST", path, record)
    assert answer.status_code == 201, answer.text
    (cited,) = answer.json()["citations"]
    assert (await curator.body(f"/v1/articles/{cited}"))["publisher"] == "herald"


async def test_a_part_may_bring_an_article(curator: Curator) -> None:
    part = without(claim("", category="wounded", count=1, citations=[NEW]), "id")
    answer = await curator.change("POST", f"{FIRST}/claims", part)
    assert (await curator.body(FIRST))["citations"] == ["page-1", *answer.json()["citations"]]


@pytest.mark.parametrize(
    ("cited", "pointers"),
    [
        ({"url": "https://example.org/page-2", "publisher": "herald"}, ["/publisher"]),
        ({"url": "https://example.org/page-2", "title": "Else", "id": "other"}, ["/title", "/id"]),
        ({"url": "https://example.org/new"}, ["/publisher", "/language"]),
        (NEW | {"publisher": "nobody"}, ["/publisher"]),
        (NEW | {"colour": "red"}, ["/colour"]),
        ({"title": "Without an address"}, ["/url"]),
        (NEW | {"url": "nonsense"}, ["/url"]),
        ({"url": 7}, ["/url"]),
        ("https://example.org/new", [""]),
    ],
    ids=str,
)
async def test_what_is_wrong_with_an_article_is_told_where_it_stands(
    curator: Curator, cited: object, pointers: list[str]
) -> None:
    for query in ({}, {"dry_run": "true"}):
        answer = await curator.send("PATCH", FIRST, {"citations": ["page-1", cited]}, etag='"1"', query=query)
        problem = refused(answer, 422, "invalid_body")
        told = sorted(item.pointer or "" for item in problem.errors)
        assert told == sorted(f"/citations/1{pointer}" for pointer in pointers)
    assert await curator.revision() == 1


@pytest.mark.parametrize("cited", ["nobody-knows", 7, None, ["page-1"]], ids=str)
async def test_what_is_no_article(curator: Curator, cited: object) -> None:
    answer = await curator.send("PATCH", FIRST, {"citations": ["page-1", cited]}, etag='"1"')
    problem = refused(answer, 422, "invalid_body")
    assert all((item.pointer or "").startswith("/citations/1") for item in problem.errors)


async def test_a_new_article_does_not_take_the_id_of_another(curator: Curator) -> None:
    other = NEW | {"url": "https://example.org/other", "id": "fresh"}
    for cited in ([NEW | {"id": "page-2"}], [NEW | {"id": "fresh"}, other]):
        answer = await curator.send("PATCH", FIRST, {"citations": ["page-1", *cited]}, etag='"1"')
        problem = refused(answer, 409, "conflict")
        assert {item.pointer for item in problem.errors} == {
            f"/citations/{n}/id" for n in range(1, len(cited) + 1)
        }
    assert await curator.revision() == 1


async def test_the_address_of_a_merged_article_means_the_other(curator: Curator) -> None:
    await curator.change("POST", "/v1/articles/page-2/merge", query={"into": "page-3"})
    answer = await curator.change(
        "PATCH", FIRST, {"citations": ["page-1", {"url": "https://example.org/page-2"}]}
    )
    assert answer.json()["citations"] == ["page-1", "page-3"]


async def test_a_dry_run_shows_the_articles_that_it_would_create(curator: Curator) -> None:
    query = {"dry_run": "true"}
    answer = await curator.send("PATCH", FIRST, {"citations": ["page-1", NEW]}, etag='"1"', query=query)
    assert answer.status_code == 202, answer.text
    changes = answer.json()["changes"]
    assert [(change["resource"], change["action"]) for change in changes] == [
        ("article", "created"),
        ("exchange", "updated"),
    ]
    assert await articles(curator) == {"page-1", "page-2", "page-3"}


async def test_a_record_cites_whatever_its_parts_cite(curator: Curator) -> None:
    served = await curator.body("/v1/exchanges/second")
    claims = [served["claims"][0] | {"citations": ["page-2", "page-3"]}]
    answer = await curator.change("PUT", "/v1/exchanges/second", served | {"claims": claims})
    assert answer.json()["citations"] == ["page-2", "page-3"]
    dropped = answer.json() | {"citations": ["page-2"]}
    answer = await curator.send("PUT", "/v1/exchanges/second", dropped, etag='"2"')
    refused(answer, 409, "conflict", "/citations")
    dropped |= {"claims": [claims[0] | {"citations": ["page-2"]}]}
    answer = await curator.change("PUT", "/v1/exchanges/second", dropped)
    assert answer.json()["citations"] == ["page-2"]
