"""Charts as answers: headers, copies that still hold, refusals, and how many are drawn at once."""

import asyncio
from typing import Any

import httpx
import pytest
from anyio import to_process
from sqlalchemy.ext.asyncio import AsyncEngine

from api import charts
from api.charts import RenderGate
from api.errors import ApiError
from db.enums import Resource
from tests.asking import Query, ask
from tests.charting import Spec, texts
from tests.test_http_shell import problem_of
from tests.writing import changed, put

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("suffix", ["svg", "png"])
async def test_a_copy_that_still_holds_is_not_drawn_again(
    client: httpx.AsyncClient, specs: list[Spec], suffix: str
) -> None:
    path = f"/v1/charts/balance.{suffix}"
    first = await ask(client, path)
    assert len(specs) == 1
    again = await ask(client, path, If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content, len(specs)) == (304, b"", 1)
    for name in ("etag", "cache-control", "x-dataset-revision", "last-modified"):
        assert again.headers[name] == first.headers[name]
    assert (first.headers["cache-control"], first.headers["x-dataset-revision"]) == (
        "public, max-age=0, must-revalidate",
        "1",
    )
    assert {"Accept", "Accept-Datetime"} <= set(first.headers["vary"].split(", "))
    assert first.headers["access-control-allow-origin"] == "*"
    pinned = await ask(client, path, {"release": "2026.11"})
    assert pinned.headers["cache-control"] == "public, max-age=86400"
    assert any("release 2026.11, dataset revision 1" in text for text in texts(specs[-1]))
    queries: list[Query] = [{}, {"width": 900}, {"measure": "military"}, {"year": 2024}, {"as_of": "1"}]
    tags = {(await ask(client, path, query)).headers["etag"] for query in queries}
    elsewhere = await ask(client, path, Host="example.org")
    assert len(tags | {elsewhere.headers["etag"]}) == len(queries) + 1, "its address is in the picture"


@pytest.mark.parametrize("suffix", ["svg", "png"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_nothing_is_drawn_for_headers_alone(
    client: httpx.AsyncClient, specs: list[Spec], suffix: str, encoding: str
) -> None:
    sent = {"Accept-Encoding": encoding, "X-Request-ID": "the-same"}
    path = f"/v1/charts/balance.{suffix}"
    head = await client.head(path, headers=sent)
    assert (head.status_code, head.content, specs) == (200, b"", [])
    get = await client.get(path, headers=sent)
    assert len(specs) == 1
    for name in ("content-type", "cache-control", "last-modified", "x-dataset-revision"):
        assert head.headers[name] == get.headers[name]
    assert head.headers.get("content-security-policy") == get.headers.get("content-security-policy")
    assert "content-length" not in head.headers, "only the picture would tell"
    again = await client.head(path, headers=sent | {"If-None-Match": head.headers["etag"]})
    assert (again.status_code, len(specs)) == (304, 1)


@pytest.mark.parametrize(
    ("query", "parameter", "code"),
    [
        ("width=399", "width", "invalid_value"),
        ("width=2001", "width", "invalid_value"),
        ("width=800.0", "width", "invalid_value"),
        ("width=800&width=900", "width", "repeated"),
        ("scale=2", "scale", "unknown_parameter"),
        ("theme=dark", "theme", "unknown_parameter"),
        ("measure=exchanges", "measure", "invalid_value"),
        ("measure=", "measure", "empty"),
        ("mediator=nobody-knows", "mediator", "unknown_actor"),
        ("date_from=2025-01-01&date_to=2024-01-01", "date_from", "invalid_range"),
        ("as_of=2", "as_of", "out_of_range"),
        ("as_of=1&release=2026.11", "release", "contradiction"),
        ("limit=10", "limit", "unknown_parameter"),
        ("sort=date", "sort", "unknown_parameter"),
    ],
)
async def test_queries_that_are_not_understood(
    client: httpx.AsyncClient, query: str, parameter: str, code: str
) -> None:
    problem = problem_of(await ask(client, f"/v1/charts/timeline.svg?{query}"))
    assert (problem.status, problem.code) == (422, "invalid_query")
    assert [(each.parameter, each.code) for each in problem.errors] == [(parameter, code)]
    assert problem_of(await ask(client, "/v1/charts/timeline.png?scale=4")).status == 422


async def test_charts_that_there_are_not(client: httpx.AsyncClient) -> None:
    problem = problem_of(await ask(client, "/v1/charts/pie.svg"))
    assert (problem.status, problem.code) == (404, "not_found")
    assert "timeline, by-mediator, cumulative, balance" in problem.detail
    assert problem_of(await ask(client, "/v1/charts/timeline.gif")).status == 404
    assert problem_of(await ask(client, "/v1/charts/timeline")).status == 404
    refused = await ask(client, "/v1/charts/timeline.svg", Accept="text/html")
    assert problem_of(refused).code == "not_acceptable"


async def test_what_images_of_a_page_ask_for(client: httpx.AsyncClient, specs: list[Spec]) -> None:
    accept = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
    for path in ("/charts/timeline.svg", "/charts/timeline.png"):
        response = await ask(client, path, {"mediator": "UAE"}, Accept=accept)
        assert response.status_code == 200
        assert response.headers["content-location"] == f"/v1{path}?mediator=UAE"
    assert len(specs) == 2


async def test_a_write_is_seen_and_the_past_stays(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    path, query = "/v1/charts/timeline.svg", {"year": 2024, "received_by": "ukraine"}
    before = await ask(own_client, path, query)
    newyear = await changed(loaded_engine, Resource.EXCHANGE, "2024-12-30-russia-ukraine", claims=[])
    await put(loaded_engine, newyear)
    after = await ask(own_client, path, query, If_None_Match=before.headers["etag"])
    assert (after.status_code, after.headers["x-dataset-revision"]) == (200, "2")
    assert (await ask(own_client, path, query | {"as_of": "1"})).content == before.content
    assert (await ask(own_client, path, query | {"release": "2026.11"})).headers["x-dataset-revision"] == "1"
    assert ("Russia → Ukraine:\u00a01,408" in before.text, "Russia → Ukraine:\u00a01,219" in after.text) == (
        True,
        True,
    )
    assert "dataset revision 2," in after.text


# How much is drawn at once


async def test_few_are_drawn_at_once_and_few_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, go, full = RenderGate(at_once=2, waiting=3), asyncio.Event(), asyncio.Event()
    running = 0

    async def run_sync(*_: object, limiter: Any, **__: object) -> bytes:
        nonlocal running
        async with limiter:
            running += 1
            if running == 2:
                full.set()
            await go.wait()
        return b"drawn"

    async def draw() -> bytes:
        with gate.admitted():
            return await gate.render({}, charts.PNG, 1)

    monkeypatch.setattr(to_process, "run_sync", run_sync)
    drawn = [asyncio.create_task(draw()) for _ in range(5)]
    await full.wait()
    with pytest.raises(ApiError) as refused:
        await draw()
    assert refused.value.code == "overloaded"
    assert running == 2
    go.set()
    assert await asyncio.gather(*drawn) == [b"drawn"] * 5
    assert await draw() == b"drawn", "there is room again"


async def test_a_full_queue_is_told(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "GATE", gate := RenderGate(at_once=1, waiting=0))
    with gate.admitted():
        response = await ask(client, "/v1/charts/timeline.png")
        bad = await ask(client, "/v1/charts/timeline.png?width=1")
    assert problem_of(response).code == "overloaded"
    assert int(response.headers["retry-after"]) > 0
    assert problem_of(bad).status == 422
    assert (await ask(client, "/v1/charts/timeline.png")).status_code == 200


async def test_drawing_is_given_up_in_time(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "SECONDS_TO_DRAW", 0)
    response = await ask(client, "/v1/charts/timeline.png")
    assert problem_of(response).code == "timeout"
