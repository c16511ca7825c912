"""The answers that are kept: given out again byte for byte, to whom, and how many of them.

How misses are worked out is `tests/test_flights.py`'s, how long answers hold `tests/test_newest.py`'s.
"""

import httpx
import pytest

from api.caching import OVERHEAD, Answers, Entry, Key, length_of, normalised
from db.queries.pages import Version
from tests.applications import Queries
from tests.keeping import version

pytestmark = pytest.mark.anyio

LIST = "/v1/exchanges?mediator=UAE&limit=5"
READS = [
    LIST,
    "/exchanges?mediator=UAE&limit=5",
    "/v1/exchanges/2024-12-30-russia-ukraine",
    "/v1/claims/2024-12-30-russia-ukraine:c1",
    "/v1/stats?group_by=mediator&year=2024",
    "/v1/disagreements",
    "/v1/mediators",
]


def told(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Give all of an answer but the id of its request, and how long it took."""
    own = {"x-request-id", "server-timing"}
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in own]
    return answer.status_code, answer.content, headers


@pytest.mark.parametrize("encoding", ["identity", "gzip", "br"])
@pytest.mark.parametrize("url", READS)
async def test_what_is_kept_is_what_was_answered(
    cached: httpx.AsyncClient, queries: Queries, url: str, encoding: str
) -> None:
    headers = {"Accept-Encoding": encoding}
    first = await cached.get(url, headers=headers)
    assert first.status_code == 200
    assert queries
    queries.clear()
    second = await cached.get(url, headers=headers)
    assert told(second) == told(first)
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    head = await cached.head(url, headers=headers)
    assert (head.status_code, head.content) == (200, b"")
    assert told(head)[2] == told(first)[2]
    assert not queries


async def test_what_is_kept_tells_no_time(cached: httpx.AsyncClient) -> None:
    first, second = await cached.get(LIST), await cached.get(LIST)
    unchanged = await cached.get(LIST, headers={"If-None-Match": first.headers["etag"]})
    parts = dict(part.split(";dur=") for part in first.headers["server-timing"].split(", "))
    assert 0 < float(parts["db"]) <= float(parts["total"])
    for each in (second, unchanged):
        assert each.headers.get_list("server-timing") == ["cache;desc=hit"]
    assert (second.status_code, unchanged.status_code) == (200, 304)
    assert second.headers["timing-allow-origin"] == "*"


@pytest.mark.parametrize("url", READS)
async def test_the_304_is_that_of_the_route(
    cached: httpx.AsyncClient, client: httpx.AsyncClient, queries: Queries, url: str
) -> None:
    first = await cached.get(url)
    headers = {"If-None-Match": first.headers["etag"]}
    fresh = await client.get(url, headers=headers)
    queries.clear()
    kept = await cached.get(url, headers=headers)
    assert kept.status_code == 304
    assert not queries
    status, content, names = told(kept)
    assert (status, content) == told(fresh)[:2]
    assert sorted(names) == sorted(told(fresh)[2])


async def test_a_tag_that_does_not_match_is_answered_from_what_is_kept(
    cached: httpx.AsyncClient, queries: Queries
) -> None:
    first = await cached.get(LIST)
    queries.clear()
    other = await cached.get(LIST, headers={"If-None-Match": '"another"'})
    assert told(other) == told(first)
    assert not queries


@pytest.mark.parametrize("form", ['"a", {}', "W/{}", "*"])
async def test_other_forms_of_tags_are_understood(cached: httpx.AsyncClient, form: str) -> None:
    tag = (await cached.get(LIST)).headers["etag"]
    answer = await cached.get(LIST, headers={"If-None-Match": form.format(tag)})
    assert answer.status_code == 304


async def test_the_tag_of_another_encoding_is_still_known(cached: httpx.AsyncClient) -> None:
    tag = (await cached.get(LIST, headers={"Accept-Encoding": "gzip"})).headers["etag"]
    await cached.get(LIST, headers={"Accept-Encoding": "gzip, br"})
    answer = await cached.get(LIST, headers={"Accept-Encoding": "gzip, br", "If-None-Match": tag})
    assert (answer.status_code, answer.headers["etag"]) == (304, tag)


async def test_orders_and_encodings_of_a_query_share_an_entry(
    cached: httpx.AsyncClient, queries: Queries
) -> None:
    first = await cached.get(LIST)
    queries.clear()
    for query in ("limit=5&mediator=UAE", "limit=5&&mediator=%55AE", "mediator=UA%45&limit=5&"):
        assert told(await cached.get(f"/v1/exchanges?{query}")) == told(first)
    assert not queries


@pytest.mark.parametrize(
    "query",
    ["limit=5%00mediator=UAE", "limit=5%26mediator=UAE", "limit=5&mediator%3DUAE"],
)
async def test_what_is_not_understood_never_passes_for_what_is_kept(
    cached: httpx.AsyncClient, query: str
) -> None:
    assert (await cached.get(LIST)).status_code == 200
    assert (await cached.get(f"/v1/exchanges?{query}")).status_code in {400, 422}


def test_queries_that_differ_have_keys_that_differ() -> None:
    queries = [
        b"a=1&b=2",
        b"a=1%00b=2",
        b"a=1&b",
        b"a=1&b=",
        b"a=1%26b=2",
        b"b=2&a=%",
        b"b=2&a=%25",
        b"a=1&a=2",
    ]
    queries += [b"a=2&a=1", b"", b"a=+1", b"a=%2B1"]
    assert len({normalised(query) for query in queries}) == len(queries)
    assert normalised(b"b=x+y&a=1") == normalised(b"a=1&b=x%20y")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer exk_0"},
        {"Accept-Datetime": "Mon, 30 Nov 2099 00:00:00 GMT"},
        {"X-Dataset-Revision": "1"},
        {"Range": "bytes=0-1"},
        {"If-Modified-Since": "Mon, 30 Nov 1998 00:00:00 GMT"},
    ],
    ids=lambda headers: next(iter(headers)),
)
async def test_requests_with_a_say_of_their_own_pass_by(
    cached: httpx.AsyncClient, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await cached.get(LIST)
    assert told(await cached.get(LIST, headers=headers)) == told(await client.get(LIST, headers=headers))


@pytest.mark.parametrize(
    "url",
    [
        "/v1/exchanges?mediator=nobody",
        "/v1/exchanges/nowhere",
        "/v1/exchanges?release=2026.11",
        "/v1/mediators?release=latest",
        "/v1/exchanges?as_of=1",
        "/v1/releases/2026.11",
        "/v1/exchanges.csv",
        "/v1/changes",
        "/readyz",
    ],
)
async def test_what_depends_on_more_than_the_dataset_is_not_kept(
    cached: httpx.AsyncClient, queries: Queries, url: str
) -> None:
    first = await cached.get(url)
    queries.clear()
    assert (await cached.get(url)).status_code == first.status_code
    assert queries


async def test_a_304_is_kept_for_those_that_have_the_answer(
    cached: httpx.AsyncClient, client: httpx.AsyncClient, queries: Queries
) -> None:
    tag = {"If-None-Match": (await client.get(LIST)).headers["etag"]}
    first = await cached.get(LIST, headers=tag)
    queries.clear()
    assert told(await cached.get(LIST, headers=tag)) == told(first)
    assert not queries
    whole = await cached.get(LIST)
    assert (whole.status_code, whole.json()["meta"]["total"]) == (200, 26)
    assert queries
    queries.clear()
    assert (await cached.get(LIST, headers=tag)).status_code == 304
    assert told(await cached.get(LIST)) == told(whole)
    assert not queries


async def test_long_requests_are_not_remembered(cached: httpx.AsyncClient, queries: Queries) -> None:
    headers = {"Accept": "application/json" + ", text/plain" * 300}
    first = await cached.get(LIST, headers=headers)
    assert first.status_code == 200
    queries.clear()
    assert told(await cached.get(LIST, headers=headers)) == told(first)
    assert queries


@pytest.mark.parametrize(("name", "kept"), [("Accept", False), ("If-None-Match", False), ("Via", True)])
async def test_what_is_said_twice_passes_by_if_it_decides(
    cached: httpx.AsyncClient, queries: Queries, name: str, kept: bool
) -> None:
    first = await cached.get(LIST)
    queries.clear()
    again = await cached.get(LIST, headers=[(name, "*/*;q=0.1"), (name, "application/json")])
    assert again.status_code in {first.status_code, 304}
    assert bool(queries) is not kept


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PATCH"])
async def test_what_writes_nothing_makes_nothing_old(
    cached: httpx.AsyncClient, queries: Queries, method: str
) -> None:
    await cached.get(LIST)
    await cached.request(method, "/v1/exchanges")
    queries.clear()
    await cached.get(LIST)
    assert not queries


def key(name: str) -> Key:
    return b"/v1/exchanges", (name.encode(),), b"", b"", b"", "http"


def entry(of: Version, tag: str = '"1"', size: int = 100) -> Entry:
    return Entry(of, [(b"etag", tag.encode()), (b"x-request-id", b"one")], b"x" * size)


def test_what_was_not_asked_for_longest_goes_first() -> None:
    now = version(1)
    kept = Answers(3 * (100 + OVERHEAD + length_of(key("a"))))
    for name in ("a", "b", "c"):
        kept.put(key(name), entry(now, f'"{name}"'))
    assert kept.get(key("a"), now) is not None
    kept.put(key("d"), entry(now, '"d"'))
    assert [name for name in ("a", "b", "c", "d") if kept.get(key(name), now)] == ["a", "c", "d"]
    assert kept.used == kept.size
    kept.put(key("e"), entry(now, '"e"', size=10_000))
    assert kept.get(key("e"), now) is None, "what is larger than all the room is not kept"
    assert kept.used == kept.size


def test_answers_that_are_equal_share_their_bytes() -> None:
    now, kept = version(1), Answers(1_000_000)
    kept.put(key("mediator=UAE"), entry(now))
    kept.put(key("mediator=uae"), entry(now))
    assert kept.get(key("mediator=UAE"), now) is kept.get(key("mediator=uae"), now)


def test_entries_of_another_version_are_let_go() -> None:
    old, now, kept = version(1), version(2), Answers(1_000_000)
    kept.put(key("a"), entry(old))
    assert kept.get(key("a"), now) is None
    kept.drop_others(now)
    assert kept.used == 0
