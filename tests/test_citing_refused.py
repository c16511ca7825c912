"""Citing: which bodies and URLs are refused, in whose words, and how many an address may make."""

import json

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.settings import HttpSettings
from db.amending import merge
from db.enums import Resource
from db.writes import writing
from tests.asking import ask
from tests.contract import NEW_YEAR
from tests.test_citations import PATH, cite
from tests.test_http_shell import problem_of

pytestmark = pytest.mark.anyio

R = Resource
BURST = HttpSettings().citation_burst


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{}", "invalid_body"),
        (b'{"url": null}', "invalid_body"),
        (b'{"url": 7}', "invalid_body"),
        (b'{"url": ["/v1/exchanges"]}', "invalid_body"),
        (b'{"url": ""}', "invalid_body"),
        (b'{"url": "/v1/exchanges", "as_of": 1}', "invalid_body"),
        (b'{"url": "/v1/exchanges", "url": "/v1/claims"}', "invalid_body"),
        (json.dumps({"url": "/v1/exchanges?q=" + "x" * 8200}).encode(), "invalid_body"),
        (json.dumps({"url": "/v1/exchanges?q=" + "x" * 17000}).encode(), "payload_too_large"),
        (b'["/v1/exchanges"]', "invalid_body"),
        (b"not JSON", "invalid_body"),
        (b"", "invalid_body"),
    ],
)
async def test_bodies_are_read_strictly(client: httpx.AsyncClient, body: bytes, code: str) -> None:
    response = await client.post(PATH, content=body, headers={"Content-Type": "application/json"})
    if not body:
        assert response.status_code == 422
        return
    problem = problem_of(response)
    assert problem.code == code
    if b'"url": ' in body and code == "invalid_body" and b"as_of" not in body:
        assert [item.pointer for item in problem.errors] == ["/url"]


async def test_other_media_types_are_refused(client: httpx.AsyncClient) -> None:
    form = await client.post(PATH, data={"url": "/v1/exchanges"})
    assert problem_of(form).code == "unsupported_media_type"
    image = await cite(client, "/v1/exchanges", Accept="image/png")
    assert problem_of(image).code == "not_acceptable"
    assert (await client.post(f"{PATH}?limit=1", json={"url": "/v1/exchanges"})).status_code == 422


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("javascript:alert(1)", "invalid_value"),
        ("data:text/html,x", "invalid_value"),
        ("ftp://testserver/v1/exchanges", "invalid_value"),
        ("http:/v1/exchanges", "invalid_value"),
        ("http://[/v1/exchanges", "invalid_value"),
        ("/v1/exchanges?q=a b", "invalid_value"),
        ("/v1\\exchanges", "invalid_value"),
        ("/v1/exchanges\n", "invalid_value"),
        ("//evil.example.org/v1/exchanges", "foreign_host"),
        ("https://evil.example.org/v1/exchanges", "foreign_host"),
        ("http://testserver@evil.example.org/v1/exchanges", "foreign_host"),
        ("http://user:secret@testserver/v1/exchanges", "foreign_host"),
        ("http://testserver:81/v1/exchanges", "foreign_host"),
        ("exchanges", "not_citable"),
        ("/", "not_citable"),
        ("/v1", "not_citable"),
        ("/v1/", "not_citable"),
        ("?year=2025", "not_citable"),
        ("/v1/../v1/exchanges", "not_citable"),
        ("/v1/exchanges/", "not_citable"),
        ("/v1/exchanges/..", "not_citable"),
        ("/v1/exchanges%00", "not_citable"),
        ("/v1/exchanges.pdf", "not_citable"),
        ("/v1/citations", "not_citable"),
        ("/v1/citations.csvx", "not_citable"),
        ("/v1/stats/2024", "not_citable"),
        ("/v1/me", "not_citable"),
        ("/v1/figures/x", "not_citable"),
        ("/v1/mediators", "not_citable"),
        (f"/v1/exchanges/{NEW_YEAR}/revisions/1", "not_citable"),
        ("/v2/exchanges", "not_citable"),
        ("/problems/invalid_query", "not_citable"),
    ],
)
async def test_what_is_no_list_of_ours_is_refused(client: httpx.AsyncClient, url: str, code: str) -> None:
    problem = problem_of(await cite(client, url))
    assert (problem.status, problem.code) == (422, "invalid_body")
    [item] = problem.errors
    assert (item.pointer, item.code) == ("/url", code)
    assert "secret" not in problem.detail
    if code == "not_citable":
        assert "/v1/exchanges" in item.allowed


EXCHANGE = f"/v1/exchanges/{NEW_YEAR}"


@pytest.mark.parametrize(
    ("url", "told", "instead"),
    [
        (
            "/v1/charts/timeline.svg?mediator=uae&width=900",
            "a picture: cite the statistics",
            ["/v1/stats?group_by=month&group_by=direction&mediator=uae"],
        ),
        (
            "/charts/by-mediator.png?scale=2&year=2024&measure=remains",
            "a picture: cite the statistics",
            ["/v1/stats?group_by=mediator&year=2024&measure=remains"],
        ),
        ("/v1/charts/cumulative.svg", "a picture: cite the statistics", ["/v1/stats"]),
        ("/v1/charts/pie.svg", "neither a list, nor a record, nor statistics", []),
        ("/v1/changes", "a feed, which goes on", []),
        ("/v1/changes.atom", "a feed, which goes on", []),
        ("/exchanges.ics?year=2025", "a feed, which goes on", ["/v1/exchanges?year=2025"]),
        ("/docs", "tells about the service", []),
        ("/", "tells about the service", []),
        ("/openapi.json", "tells about the service", []),
        ("/problems/invalid_query", "tells about the service", []),
        ("/c/k3fq7m2xw5ab", "a citation already", []),
        ("http://testserver/v1/c/k3fq7m2xw5ab", "a citation already", []),
        ("/v1/citations/k3fq7m2xw5ab", "a citation already", []),
        ("/v1/citations?year=2024", "takes citations", ["/v1/citations.ndjson?year=2024"]),
        (f"{EXCHANGE}/citation?as_of=1", "tells how to cite an exchange", [f"{EXCHANGE}?as_of=1"]),
        (f"{EXCHANGE}/revisions/1", "one revision, which never changes", [EXCHANGE]),
        (f"{EXCHANGE}/revisions", "the history of a record", [EXCHANGE]),
        (f"{EXCHANGE}/diff?from=1", "the history of a record", [EXCHANGE]),
        (f"{EXCHANGE}/claims", "a part of an exchange", [f"/v1/claims?exchange={NEW_YEAR}"]),
        (f"{EXCHANGE}/claims/{NEW_YEAR}:c1", "by its own path", [f"/v1/claims/{NEW_YEAR}:c1"]),
        ("/v1/articles/x/exchanges?year=2024", "a part of a list", ["/v1/exchanges?article=x&year=2024"]),
        (
            "/v1/agreements/x/progress",
            "told anew from figures",
            ["/v1/agreements/x", "/v1/figures?agreement=x"],
        ),
        (
            "/v1/mediators",
            "counts mediations",
            ["/v1/mediations", "/v1/stats?group_by=mediator&measure=exchanges"],
        ),
        ("/v1/figures/x", "no path of a figure", ["/v1/figures"]),
        ("/v1/releases/2026.11/download", "about a release", ["/v1/exchanges?release=2026.11"]),
        ("/v1/releases", "describes the dataset", []),
        ("/v1/dataset.jsonld", "describes the dataset", []),
        ("/v1/proposals", "for those who write", []),
        ("/v1/exchanges.pdf?year=2024", "no format (csv, ndjson,", ["/v1/exchanges?year=2024"]),
        ("/v1/exchanges/?year=2024", "ends in a slash", ["/v1/exchanges?year=2024"]),
        ("exchanges?year=2024", "must begin with a slash", ["/v1/exchanges"]),
        ("/v1/exchange", "neither a list, nor a record, nor statistics", ["/v1/exchanges"]),
        ("/v1/nonsense", "neither a list, nor a record, nor statistics", []),
    ],
)
async def test_each_is_told_why_and_what_to_cite_in_its_place(
    client: httpx.AsyncClient, url: str, told: str, instead: list[str]
) -> None:
    [item] = problem_of(await cite(client, url)).errors
    assert (item.pointer, item.code) == ("/url", "not_citable")
    assert told in item.message
    assert item.suggestions[: len(instead)] == instead
    assert instead or not item.suggestions
    if "neither" not in told and "must begin" not in told:
        assert all(each in item.message for each in instead)


@pytest.mark.parametrize("url", ["/v1/charts/by-mediator.svg?year=2024", "/exchanges.atom?year=2024"])
async def test_what_is_named_in_its_place_can_be_cited(own_client: httpx.AsyncClient, url: str) -> None:
    [item] = problem_of(await cite(own_client, url)).errors
    [instead] = item.suggestions
    assert (await cite(own_client, instead)).status_code == 201


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "must not be empty: send what you have read, such as /v1/exchanges?year=2025"),
        ("https://example.org/v1/exchanges", "whose host is 'testserver'; a path without any host will do"),
        ("/v1/exchanges?limit=5", "only the whole list can be cited: leave it out"),
        ("/v1/exchanges?cursor=x", "send the query that the walk began with, which `meta.query`"),
    ],
)
async def test_what_to_do_about_it_is_told(client: httpx.AsyncClient, url: str, told: str) -> None:
    [item] = problem_of(await cite(client, url)).errors
    assert item.pointer == "/url"
    assert told in item.message


@pytest.mark.parametrize(
    ("url", "parameter", "code"),
    [
        ("/v1/exchanges?mediatr=uae", "mediatr", "unknown_parameter"),
        ("/v1/exchanges?mediator=nobody", "mediator", "unknown_actor"),
        ("/v1/exchanges?year=x", "year", "invalid_value"),
        ("/v1/exchanges?year=", "year", "empty"),
        ("/v1/exchanges?q=%00", "q", "invalid_value"),
        ("/v1/exchanges?q=%FF", "q", "invalid_encoding"),
        ("/v1/exchanges?as_of=99", "as_of", "out_of_range"),
        ("/v1/exchanges?release=1999.01", "release", "unknown_release"),
        ("/v1/exchanges?date_from=2025-02-01&date_to=2025-01-01", "date_from", "invalid_range"),
        (f"/v1/exchanges/{NEW_YEAR}?year=2025", "year", "unknown_parameter"),
        ("/v1/exchanges/2001-01-01-aland-bland", None, "not_found"),
        ("/v1/claims/2001-01-01-aland-bland:c1", None, "not_found"),
    ],
)
async def test_what_the_list_refuses_is_refused_in_its_words(
    own_client: httpx.AsyncClient, url: str, parameter: str | None, code: str
) -> None:
    problem = problem_of(await cite(own_client, url))
    assert (problem.status, problem.code) == (422, "invalid_query")
    [item] = problem.errors
    assert (item.parameter, item.pointer, item.code) == (parameter, "/url", code)
    if parameter is not None:
        [plain] = problem_of(await ask(own_client, url)).errors
        assert item.model_copy(update={"pointer": None}) == plain


@pytest.mark.parametrize("query", ["limit=5", "limit=5&year=2024"])
async def test_so_many_rows_of_a_list_cannot_be_cited(client: httpx.AsyncClient, query: str) -> None:
    [item] = problem_of(await cite(client, f"/v1/exchanges?{query}")).errors
    assert (item.parameter, item.pointer, item.code) == ("limit", "/url", "not_applicable")


async def test_a_page_of_a_walk_cannot_be_cited(client: httpx.AsyncClient) -> None:
    following = (await ask(client, "/v1/exchanges", {"limit": 1})).json()["meta"]["next"]
    items = problem_of(await cite(client, following)).errors
    told = [(item.parameter, item.pointer, item.code) for item in items]
    assert told == [(name, "/url", "not_applicable") for name in ("cursor", "limit")]


async def test_what_must_not_be_shown_is_never_kept(own_client: httpx.AsyncClient) -> None:
    [item] = problem_of(await cite(own_client, "/v1/exchanges?q=a%0Bb")).errors
    assert (item.parameter, item.pointer, item.code) == ("q", "/url", "invalid_value")
    key = f"exk_{'a' * 10}_{'b' * 43}"
    response = await cite(own_client, f"/v1/exchanges?q={key}")
    assert response.status_code == 422
    assert key not in response.text


async def test_a_merged_record_leads_nowhere_on_its_own(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    async with loaded_engine.connect() as connection:
        async with writing(connection, "the same") as write:
            await merge(write, R.ARTICLE, "al-jazeera-2024-12-30", "novosti-mira-624af9")
        await connection.commit()
    path = "/v1/articles/al-jazeera-2024-12-30"
    response = await cite(own_client, path)
    problem = problem_of(response)
    assert (problem.status, "location" in response.headers) == (422, False)
    assert "novosti-mira-624af9" in problem.detail
    assert (await cite(own_client, f"{path}?as_of=1")).status_code == 201


async def test_an_address_has_only_so_many(own_client: httpx.AsyncClient) -> None:
    first = await cite(own_client, "/v1/coverage")
    assert f'"burst";r={BURST - 1};' in first.headers["ratelimit"]
    for _ in range(BURST - 1):
        assert (await cite(own_client, "/v1/coverage")).status_code == 200
    refused = await cite(own_client, "/v1/coverage")
    assert problem_of(refused).code == "too_many_requests"
    assert int(refused.headers["retry-after"]) > 0
    assert {"ratelimit", "ratelimit-policy"} <= set(refused.headers)
    assert "testclient" not in refused.text
    assert "127.0.0.1" not in refused.text
    assert (await ask(own_client, first.json()["links"]["self"])).status_code == 200


@pytest.mark.parametrize("path", [f"{PATH}/{{}}", "/v1/c/{}", "/c/{}", "/citations/{}"])
async def test_what_nobody_cited_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    for id_ in ("k3fq7m2xw5ab", "x", "%20", "A" * 300):
        assert problem_of(await ask(client, path.format(id_))).code == "not_found"
    assert (await ask(client, path.format("k3fq7m2xw5ab"), {"as_of": 1})).status_code == 422
