"""Bad input: always a problem that names what is wrong; never a 500, never a silent full list."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.asking import ask
from tests.test_http_shell import problem_of

pytestmark = pytest.mark.anyio

EXCHANGES = "/v1/exchanges"
NEW_YEAR = "2024-12-30-russia-ukraine"
KEY = f"exk_0123456789_{'a' * 43}"

# Parameter at fault, the code of its error, and the query.
OF_EXCHANGES = [
    # a parameter that is not there
    ("mediatr", "unknown_parameter", "mediatr=uae"),
    ("mediator[]", "unknown_parameter", "mediator[]=uae"),
    ("mediator_any", "unknown_parameter", "mediator_any=uae"),
    ("Mediator", "unknown_parameter", "Mediator=uae"),
    ("kind_all", "unknown_parameter", "kind_all=release"),
    ("fields", "unknown_parameter", "fields=id"),
    ("page", "unknown_parameter", "page=2"),
    ("offset", "unknown_parameter", "offset=10"),
    ("exchange", "unknown_parameter", f"exchange={NEW_YEAR}"),
    ("release", "unknown_release", "release=2026.13"),
    ("release", "unknown_release", "release=Latest"),
    ("release", "contradiction", "release=2026.11&as_of=1"),
    ("", "unknown_parameter", "=uae"),
    ("%", "unknown_parameter", "%=1"),
    ("a\x00b", "unknown_parameter", "a%00b=1"),
    ("\\xed\\xa0\\x80", "unknown_parameter", "%ED%A0%80=1"),
    ("x" * 100, "unknown_parameter", "x" * 3000 + "=1"),
    ("<script>", "unknown_parameter", "<script>=alert(1)"),
    # a name that nobody has
    ("mediator", "unknown_actor", "mediator=atlantis"),
    ("mediator", "unknown_actor", "mediator=uae,turkey"),
    ("mediator", "unknown_actor", "mediator=uae;turkey"),
    ("mediator", "unknown_actor", "mediator=uae%26party=russia"),
    ("mediator", "unknown_actor", "mediator=u_e"),
    ("mediator", "unknown_actor", "mediator=%25"),
    ("mediator", "unknown_actor", "mediator=%zz"),
    ("mediator", "unknown_actor", "mediator=*"),
    ("mediator", "unknown_actor", "mediator=..."),
    ("mediator_not", "unknown_actor", "mediator_not=nobody"),
    ("mediator_all", "unknown_actor", "mediator=uae&mediator_all=nobody"),
    ("mediator", "unknown_actor", "mediator=%3Cscript%3Ealert(1)%3C/script%3E"),
    ("mediator", "unknown_actor", "mediator=uae&mediator=atlantis"),
    ("party", "unknown_actor", "party=none"),
    ("released_by", "unknown_actor", "released_by=none"),
    ("received_by_all", "unknown_actor", "received_by_all=none"),
    ("article", "unknown_article", "article=none"),
    ("article", "unknown_article", "article=al-jazeera-2024-12-30,menafn-2024-12-30"),
    ("publisher", "unknown_publisher", "publisher=none"),
    ("agency", "unknown_publisher", "agency=nonsense"),
    ("agreement", "unknown_agreement", "agreement=istanbul"),
    ("mediator", "invalid_value", "mediator=" + "x" * 201),
    # an empty value
    ("mediator", "empty", "mediator"),
    ("mediator", "empty", "mediator="),
    ("mediator", "empty", "mediator=%20"),
    ("mediator", "empty", "mediator=uae&mediator="),
    ("limit", "empty", "limit="),
    ("q", "empty", "q=+"),
    ("cursor", "empty", "cursor="),
    ("", "empty", "="),
    # a word that is none of those allowed
    ("sort", "invalid_value", "sort=foo"),
    ("sort", "invalid_value", "sort=date,id"),
    ("sort", "invalid_value", "sort=%2Bdate"),
    ("kind", "invalid_value", "kind=swap"),
    ("kind", "invalid_value", "kind=none"),
    ("kind", "invalid_value", "kind=release,remains"),
    ("kind", "invalid_value", "kind=RELEASE"),
    ("status", "invalid_value", "status=done"),
    ("category", "invalid_value", "category=persons"),
    ("mediator_role", "invalid_value", "mediator_role=none"),
    ("stance", "invalid_value", "stance=deny"),
    ("disputed", "invalid_value", "disputed=yes"),
    ("disputed", "invalid_value", "disputed=1"),
    ("disputed", "invalid_value", "disputed=True"),
    ("has_figures", "invalid_value", "has_figures=none"),
    # a number that is none, or out of range
    ("limit", "invalid_value", "limit=0"),
    ("limit", "invalid_value", "limit=-1"),
    ("limit", "invalid_value", "limit=1001"),
    ("limit", "invalid_value", "limit=1e2"),
    ("limit", "invalid_value", "limit=%2B5"),
    ("limit", "invalid_value", "limit=1_0"),
    ("limit", "invalid_value", "limit=10.0"),
    ("limit", "invalid_value", "limit=0x10"),
    ("limit", "invalid_value", "limit=all"),
    ("limit", "invalid_value", "limit=%D9%A1%D9%A0"),
    ("limit", "invalid_value", "limit=%EF%BC%91"),
    ("limit", "invalid_value", "limit=99999999999999999999"),
    ("limit", "invalid_value", "limit=" + "9" * 5000),
    ("min_persons", "invalid_value", "min_persons=-1"),
    ("min_persons", "invalid_value", "min_persons=99999999999999999999"),
    ("min_persons", "invalid_value", "min_persons=2147483648"),
    ("max_persons", "invalid_value", "max_persons=NaN"),
    ("min_sources", "invalid_value", "min_sources=none"),
    ("year", "invalid_value", "year=0"),
    ("year", "invalid_value", "year=99999"),
    ("year", "invalid_value", "year=2024,2025"),
    ("year", "invalid_value", "year=-2024"),
    # a day that is none
    ("date_from", "invalid_value", "date_from=2025-13-40"),
    ("date_from", "invalid_value", "date_from=2024-02-30"),
    ("date_from", "invalid_value", "date_from=0000-01-01"),
    ("date_from", "invalid_value", "date_from=0001-01-01"),
    ("date_from", "invalid_value", "date_from=2024-1-1"),
    ("date_from", "invalid_value", "date_from=20240101"),
    ("date_from", "invalid_value", "date_from=1704067200"),
    ("date_from", "invalid_value", "date_from=today"),
    ("date_to", "invalid_value", "date_to=9999-12-31"),
    ("date_to", "invalid_value", "date_to=2024-01-01T00:00:00Z"),
    ("date_to", "invalid_value", "date_to=%D9%A2%D9%A0%D9%A2%D9%A4-01-01"),
    # a range the wrong way round
    ("date_from", "invalid_range", "date_from=2024-02-01&date_to=2024-01-31"),
    ("min_persons", "invalid_range", "min_persons=2&max_persons=1"),
    # a state that never was
    ("as_of", "invalid_value", "as_of=yesterday"),
    ("as_of", "invalid_value", "as_of=-1"),
    ("as_of", "invalid_value", "as_of=1.5"),
    ("as_of", "invalid_value", "as_of=2024-02-30"),
    ("as_of", "invalid_value", "as_of=2024-01-01T00:00:00"),
    ("as_of", "invalid_value", "as_of=2024-01-01T00:00:00+02:00"),
    ("as_of", "invalid_value", "as_of=%D9%A1"),
    ("as_of", "invalid_value", "as_of=" + "1" * 65),
    ("as_of", "out_of_range", "as_of=0"),
    ("as_of", "out_of_range", "as_of=2"),
    ("as_of", "out_of_range", "as_of=99999999999999999999"),
    ("as_of", "out_of_range", "as_of=1999-12-31"),
    ("as_of", "out_of_range", "as_of=0001-01-01T00:00:00Z"),
    ("as_of", "out_of_range", "as_of=2999-01-01"),
    ("as_of", "out_of_range", "as_of=9999-12-31T23:59:59Z"),
    # a scalar given twice, or too many values
    ("limit", "repeated", "limit=10&limit=10"),
    ("sort", "repeated", "sort=id&sort=date"),
    ("q", "repeated", "q=a&q=b"),
    ("disputed", "repeated", "disputed=true&disputed=true"),
    ("as_of", "repeated", "as_of=1&as_of=1"),
    ("date_from", "repeated", "date_from=2024-01-01&date_from=2024-01-01"),
    ("mediator", "too_many", "&".join(["mediator=uae"] * 101)),
    # bytes that are no text
    ("mediator", "invalid_value", "mediator=%00"),
    ("q", "invalid_value", "q=a%00b"),
    ("mediator", "invalid_encoding", "mediator=%FF"),
    ("q", "invalid_encoding", "q=%C3%28"),
    ("q", "invalid_encoding", "q=%ED%A0%80"),
    ("q", "invalid_encoding", "q=%C0%80"),
    # a search for nothing
    ("q", "invalid_value", "q=%26%20%7C%20!"),
    ("q", "invalid_value", "q=..."),
    ("q", "invalid_value", "q=%3A*%20()%20%3C-%3E"),
    ("q", "invalid_value", "q=" + "a" * 501),
    # a key where it would be told back
    ("q", "holds_key", f"q=swap+{KEY}"),
]
OF_OTHERS = [
    ("/v1/figures", "has_figures", "unknown_parameter", "has_figures=true"),
    ("/v1/figures", "measure", "invalid_value", "measure=total"),
    ("/v1/figures", "min_best", "invalid_range", "min_best=2&max_best=1"),
    ("/v1/figures", "min_sources", "invalid_range", "min_sources=2&max_sources=1"),
    ("/v1/figures", "exchange", "unknown_exchange", "exchange=none"),
    ("/v1/figures", "sort", "invalid_value", "sort=persons"),
    ("/v1/claims", "direction", "invalid_value", "direction=russia"),
    ("/v1/claims", "direction", "invalid_value", "direction=russia.ukraine.uae"),
    ("/v1/claims", "direction", "unknown_actor", "direction=russia.atlantis"),
    ("/v1/claims", "direction", "unknown_actor", "direction=."),
    ("/v1/claims", "direction", "invalid_value", "direction=none"),
    ("/v1/claims", "min_count", "invalid_range", "min_count=2&max_count=1"),
    ("/v1/mediations", "mediator", "unknown_actor", "mediator=none"),
    ("/v1/mediators", "mediator", "unknown_parameter", "mediator=uae"),
    ("/v1/mediators", "sort", "unknown_parameter", "sort=id"),
    ("/v1/mediators", "limit", "invalid_value", "limit=0"),
    ("/v1/articles", "language", "invalid_value", "language=english"),
    ("/v1/articles", "language", "invalid_value", "language=EN"),
    ("/v1/articles", "url", "invalid_value", "url=http://[::1"),
    ("/v1/articles", "url", "invalid_value", "url=nowhere at all"),
    ("/v1/articles", "url", "invalid_value", "url=https://"),
    ("/v1/articles", "q", "invalid_value", "q=..."),
    ("/v1/articles", "q", "holds_key", f"q={KEY}"),
    ("/v1/articles", "url", "holds_key", f"url=https://example.org/{KEY}"),
    (
        "/v1/articles/al-jazeera-2024-12-30/exchanges",
        "article",
        "unknown_parameter",
        "article=menafn-2024-12-30",
    ),
    ("/v1/publishers", "is_agency", "invalid_value", "is_agency=maybe"),
    ("/v1/actors", "kind", "invalid_value", "kind=country"),
    ("/v1/agreements", "party", "unknown_actor", "party=nobody"),
    ("/v1/totals", "min_value", "invalid_range", "min_value=2&max_value=1"),
    ("/v1/totals", "party", "unknown_actor", "party=none"),
    ("/v1/coverage", "scope", "invalid_value", "scope=everything"),
    (f"{EXCHANGES}/{NEW_YEAR}", "fields", "unknown_parameter", "fields=id"),
    (f"{EXCHANGES}/{NEW_YEAR}", "limit", "unknown_parameter", "limit=1"),
    (f"{EXCHANGES}/{NEW_YEAR}", "as_of", "out_of_range", "as_of=2"),
    ("/v1/claims/2024-12-30-russia-ukraine:c1", "as_of", "invalid_value", "as_of=then"),
    ("/v1/mediators/uae", "as_of", "out_of_range", "as_of=0"),
    ("/v1/dataset", "limit", "unknown_parameter", "limit=1"),
    ("/v1/openapi.json", "pretty", "unknown_parameter", "pretty=1"),
    ("/healthz", "verbose", "unknown_parameter", "verbose=1"),
    ("/exchanges", "mediatr", "unknown_parameter", "mediatr=uae"),
]


def described(text: str) -> str:
    return text if len(text) < 60 else f"{text[:50]}…{len(text)}"


@pytest.mark.parametrize(
    ("path", "parameter", "code", "query"),
    [
        pytest.param(path, parameter, code, query, id=f"{path}?{described(query)!a}")
        for path, parameter, code, query in [*((EXCHANGES, *row) for row in OF_EXCHANGES), *OF_OTHERS]
    ],
)
async def test_bad_queries(
    client: httpx.AsyncClient, path: str, parameter: str, code: str, query: str
) -> None:
    response = await ask(client, f"{path}?{quote(query, safe='%=&+[]*:/;,')}")
    problem = problem_of(response)
    assert (response.status_code, problem.code) == (422, "invalid_query")
    assert problem.instance == path
    assert (parameter, code) in [(item.parameter, item.code) for item in problem.errors]
    for item in problem.errors:
        assert 0 < len(item.message) < 1200
        assert "datetime." not in item.message
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_query_full_of_faults_is_told_of_some(client: httpx.AsyncClient) -> None:
    """Each costs as much as a whole answer does, so an address of 8 kB would cost as much as hundreds."""
    for query in ("&".join(f"mediatr{number}=1" for number in range(400)), "&".join(["kind=x"] * 99)):
        response = await ask(client, f"{EXCHANGES}?{query}")
        problem = problem_of(response)
        assert (response.status_code, len(problem.errors)) == (422, 20)


async def test_a_refused_query_says_what_was_meant(client: httpx.AsyncClient) -> None:
    async def error(query: str) -> dict[str, Any]:
        [item] = (await ask(client, f"{EXCHANGES}?{query}")).json()["errors"]
        return dict(item)

    assert "mediator" in (await error("mediatr=uae"))["suggestions"]
    assert "mediator_not" in (await error("mediatr=uae"))["allowed"]
    assert (await error("kind=relase"))["suggestions"][0] == "release"
    assert "remains" in (await error("kind=relase"))["allowed"]
    assert "turkey" in (await error("mediator=turkei"))["suggestions"]
    assert (await error("mediator=turkei"))["allowed"] == ["none"]
    assert NEW_YEAR[:4] in (await error("article=al-jazeera-2024-12-31"))["suggestions"][0]
    assert "repeat the parameter" in (await error("mediator=uae,turkey"))["message"]
    assert "repeat the parameter" in (await error("kind=release,remains"))["message"]
    assert "revision 1" in (await error("as_of=1999-12-31"))["message"]
    assert "%2B" in (await error("as_of=2024-01-01T00:00:00+02:00"))["message"]


async def test_every_fault_of_a_query_is_told(client: httpx.AsyncClient) -> None:
    problem = problem_of(await ask(client, f"{EXCHANGES}?mediatr=uae&limit=0&year=x&q="))
    assert {item.parameter for item in problem.errors} == {"mediatr", "limit", "year", "q"}
    problem = problem_of(
        await ask(client, f"{EXCHANGES}?mediator=x&party=y&date_from=2024-02-01&date_to=2024-01-01")
    )
    assert {item.parameter for item in problem.errors} == {"mediator", "party", "date_from"}


@pytest.mark.parametrize("query", ["&&", "", "&limit=50&", "limit=050", "limit=+50+"])
async def test_queries_that_look_odd_and_mean_something(client: httpx.AsyncClient, query: str) -> None:
    response = await ask(client, f"{EXCHANGES}?{query}")
    assert (response.status_code, response.json()["meta"]["limit"]) == (200, 50)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/exchanges/none", 404, "not_found"),
        ("GET", "/v1/exchanges/" + "x" * 5000, 404, "not_found"),
        ("GET", "/v1/exchanges/a%2Fb", 404, "not_found"),
        ("GET", "/v1/exchanges/..%2F..%2Fhealthz", 404, "not_found"),
        ("GET", "/v1/exchanges/2024-12-30-RUSSIA-ukraine", 404, "not_found"),
        ("GET", "/v1/exchanges/2024-12-30-russia-ukraine:c1", 404, "not_found"),
        ("GET", "/v1/exchanges/2024-12-30-russia-ukraine/", 404, "not_found"),
        ("GET", "/v1/exchanges/' OR 1=1 --", 404, "not_found"),
        ("GET", "/v1/exchanges/%F0%9F%98%80", 404, "not_found"),
        ("GET", "/v1/exchanges/<script>alert(1)<%2Fscript>", 404, "not_found"),
        ("GET", "/v1/exchanges/a%00b", 400, "bad_request"),
        ("GET", "/v1/exchanges/%FF", 400, "bad_request"),
        ("GET", "/v1/exchanges/%ED%A0%80", 400, "bad_request"),
        ("GET", "/v1/claims/2024-12-30-russia-ukraine", 404, "not_found"),
        ("GET", "/v1/figures/2024-12-30-russia-ukraine", 404, "not_found"),
        ("GET", "/v1/mediators/norway", 404, "not_found"),
        ("GET", "/v1/articles/none/exchanges", 404, "not_found"),
        ("GET", "/v1/articles/a%00b/exchanges", 400, "bad_request"),
        ("GET", "/v1/exchanges/", 404, "not_found"),
        ("GET", "/v1", 404, "not_found"),
        ("GET", "/v2/exchanges", 404, "not_found"),
        ("GET", "/V1/exchanges", 404, "not_found"),
        ("GET", "/exchange", 404, "not_found"),
        ("GET", "/exchanges/none", 404, "not_found"),
        ("GET", "/problems/%3Cscript%3E", 404, "not_found"),
        ("GET", "/v1/exchanges?q=" + "a%20" * 3000, 414, "uri_too_long"),
        ("GET", "/v1/exchanges/" + "x" * 8200, 414, "uri_too_long"),
        ("POST", "/v1/figures", 405, "method_not_allowed"),
        ("PATCH", "/v1/mediators/uae", 405, "method_not_allowed"),
        ("DELETE", "/v1/mediators/uae", 405, "method_not_allowed"),
        ("PUT", "/v1/claims/none", 405, "method_not_allowed"),
        ("TRACE", "/v1/exchanges", 405, "method_not_allowed"),
        ("POST", "/v1/figures?limit=0", 405, "method_not_allowed"),
        ("POST", "/v1/exchanges", 401, "unauthenticated"),
        ("DELETE", f"/v1/exchanges/{NEW_YEAR}", 401, "unauthenticated"),
        ("POST", "/exchanges", 405, "method_not_allowed"),
        ("PUT", "/v1/nothing", 404, "not_found"),
    ],
)
async def test_bad_paths_and_methods(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    response = await client.request(method, path)
    problem = problem_of(response)
    assert (response.status_code, problem.code) == (status, code)
    assert ("allow" in response.headers) == (status == 405)


# Cursors


async def cursor_of(client: httpx.AsyncClient, path: str = EXCHANGES, **query: object) -> str:
    meta = (await ask(client, path, {"limit": 2} | query)).json()["meta"]
    return str(meta["next_cursor"])


async def refused(client: httpx.AsyncClient, path: str, **query: object) -> None:
    response = await ask(client, path, query)
    problem = problem_of(response)
    assert (response.status_code, problem.code) == (400, "invalid_cursor")
    assert [item.parameter for item in problem.errors] == ["cursor"]


@pytest.mark.parametrize("text", ["abc", "eyJ", "a.b.c", "null", "-", "e30", "🙂", "x" * 7000, "..", "1"])
async def test_texts_that_are_no_cursor(client: httpx.AsyncClient, text: str) -> None:
    for path in (EXCHANGES, "/v1/mediators"):
        await refused(client, path, cursor=text)


async def test_a_changed_cursor_is_refused(client: httpx.AsyncClient) -> None:
    cursor = await cursor_of(client, mediator="uae")
    places = range(0, len(cursor), 7)
    for place in places:
        other = "A" if cursor[place] != "A" else "B"
        await refused(client, EXCHANGES, cursor=cursor[:place] + other + cursor[place + 1 :])
    for length in (1, len(cursor) // 2, len(cursor) - 1):
        await refused(client, EXCHANGES, cursor=cursor[:length])
    await refused(client, EXCHANGES, cursor=cursor + "A")


async def test_a_cursor_belongs_to_one_list(client: httpx.AsyncClient) -> None:
    cursor = await cursor_of(client)
    for path in ("/v1/claims", "/v1/mediators", "/v1/articles/novosti-mira-624af9/exchanges"):
        await refused(client, path, cursor=cursor)
    await refused(client, EXCHANGES, cursor=await cursor_of(client, "/v1/claims"))
    await refused(client, EXCHANGES, cursor=await cursor_of(client, "/v1/mediators"))


@pytest.mark.parametrize(
    "query",
    [
        {"mediator": "turkey"},
        {"mediator": ["uae", "turkey"]},
        {"mediator_not": "uae"},
        {"mediator": "uae", "year": 2024},
        {"mediator": "uae", "sort": "date"},
        {"mediator": "uae", "as_of": "1"},
        {"sort": "-date"},
    ],
)
async def test_what_is_sent_beside_a_cursor_must_mean_the_same(
    client: httpx.AsyncClient, query: dict[str, object]
) -> None:
    await refused(client, EXCHANGES, cursor=await cursor_of(client, mediator="uae"), **query)


async def test_bad_parameters_beside_a_cursor_are_refused_for_themselves(client: httpx.AsyncClient) -> None:
    cursor = await cursor_of(client)
    for query in ({"limit": 0}, {"nonsense": "x"}, {"mediator": "atlantis"}):
        response = await ask(client, EXCHANGES, {"cursor": cursor} | query)
        assert response.status_code == 422, response.text
        assert json.loads(response.content)["errors"][0]["parameter"] in query
