"""Walks through lists while writes go on, on any worker; names known at once; how many queries it takes."""

import json
from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from api.listing import Listing
from api.routes import ROUTERS
from db.enums import Resource
from db.indexing import RECORD_TABLE
from db.rendering import Input
from tests.applications import Queries, application, running
from tests.asking import ask
from tests.synthetic import actor, agreement, article, claim, coverage, exchange, mediation, publisher, total
from tests.writing import changed, made, put, stored

pytestmark = pytest.mark.anyio

R = Resource
NAMES = ("exchanges", "figures", "claims", "mediations", "articles", "publishers", "actors", "agreements")
NAMES += ("totals", "coverage", "disagreements")
PAGE = "novosti-mira-624af9"
EVERY = {R.ARTICLE: 40, R.PUBLISHER: 40, R.EXCHANGE: 6, R.TOTAL: 6}  # so-manieth record changes
RUSSIA_UKRAINE = "2024-12-30-russia-ukraine"


def listing_of(name: str) -> Listing:
    """Find the listing of a resource in its module."""
    module = import_module(f"api.routes.{name}")
    return getattr(module, name.upper())  # type: ignore[no-any-return]


SORTED = [(f"/v1/{name}", sort) for name in NAMES for sort in listing_of(name).listed.sorts]
FILTERED = [
    ("/v1/exchanges", "-persons", {"mediator": "UAE", "party": "Russia"}),
    ("/v1/exchanges", "date", {"q": "Istanbul"}),
    ("/v1/exchanges", "-date", {"received_by": "ukraine", "min_persons": "50"}),
    ("/v1/claims", "-count", {"claimant": "ukraine", "category": "total"}),
    ("/v1/figures", "best", {"measure": "persons", "disputed": "true"}),
    ("/v1/mediations", "id", {"mediator": "uae"}),
    ("/v1/articles", "-updated", {"language": "uk"}),
    ("/v1/totals", "-value", {"mediator": "uae"}),
]


def test_every_list_is_walked() -> None:
    lists = {
        route.path
        for router in ROUTERS
        for route in router.routes
        if str(getattr(route, "operation_id", "")).startswith("list_")
        and not {"history", "proposals", "releases"} & {*route.tags}
    }
    assert lists == {f"/{name}" for name in NAMES} | {"/mediators", "/articles/{record_id}/exchanges"}


class Walk:
    """A walk through one list, a page at a time."""

    def __init__(self, path: str, **parameters: str) -> None:
        self.start = f"{path}?{urlencode(parameters)}" if parameters else path
        self.next: str | None = self.start
        self.pages: list[dict[str, Any]] = []

    async def step(self, client: httpx.AsyncClient) -> None:
        if self.next is not None:
            answer = await client.get(self.next)
            assert answer.status_code == 200, (self.next, answer.text)
            self.pages.append(answer.json())
            self.next = self.pages[-1]["meta"]["next"]

    async def finish(self, client: httpx.AsyncClient) -> "Walk":
        while self.next is not None:
            await self.step(client)
        return self

    @property
    def seen(self) -> list[Any]:
        return [each for page in self.pages for each in page["data"]]

    def told(self, name: str) -> list[Any]:
        """Give what the pages said of themselves, each answer once."""
        said = {json.dumps(page["meta"][name], sort_keys=True) for page in self.pages}
        return [json.loads(each) for each in sorted(said)]


async def everything_once(client: httpx.AsyncClient, path: str, **parameters: str) -> Walk:
    return await Walk(path, limit="1000", **parameters).finish(client)


async def disturb(engine: AsyncEngine, step: int) -> None:
    """Change, re-sort and add records of every kind, and take parts away."""
    items: list[Input] = []
    async with engine.connect() as connection:
        for resource, index in RECORD_TABLE.items():
            current = select(index.c.id).where(index.c.to_revision.is_(None)).order_by(index.c.id)
            ids = (await connection.execute(current)).scalars().all()[step :: EVERY.get(resource, 2)]
            items += [altered(each, step) for each in await stored(engine, resource, ids)]
    tail = f"walk-{step}"
    parts: dict[str, Any] = {
        "claims": [claim(f"{tail}:c1", released_by="russia", received_by="ukraine", citations=[PAGE])],
        "mediations": [mediation(f"{tail}:m1", actor="uae", citations=[PAGE])],
    }
    sides: dict[str, Any] = {"parties": ["russia", "ukraine"], "citations": [PAGE]}
    items += [
        made(R.ACTOR, actor(tail)),
        made(R.PUBLISHER, publisher(tail)),
        made(R.ARTICLE, article(tail, publisher="reuters", published_on=f"202{step}-01-01")),
        made(R.AGREEMENT, agreement(tail, date="2024-06-06", **sides)),
        made(R.EXCHANGE, exchange(tail, date="2024-06-06", **sides, **parts)),
        made(R.TOTAL, total(tail, as_of="2024-06-06", mediator="uae", **sides)),
        made(R.COVERAGE, coverage(tail)),
    ]
    await put(engine, *items)


def altered(item: Input, step: int) -> Input:
    update: dict[str, Any] = {}
    for name, value in vars(item).items():
        if name in {"date", "as_of", "published_on", "date_to"} and value is not None:
            update[name] = value + timedelta(days=400 + step)
        elif name == "value":
            update[name] = value + 1000 * (step + 1)
        elif name in {"title", "summary", "statement"}:
            update[name] = f"Changed by step {step}."
        elif name == "name":
            update[name] = f"{value} {step}"
        elif name in {"mediations", "claims", "terms"}:
            update[name] = value[1:]
    update.update({"date_end": None} if hasattr(item, "date_end") else {})
    return item.model_copy(update=update)


async def test_walks_see_one_state_however_many_writes_happen(
    loaded_engine: AsyncEngine, loaded_url: str, own_client: httpx.AsyncClient
) -> None:
    """Every list in every order; the pages come from two workers in turn."""
    chosen: list[tuple[str, dict[str, str]]] = [(path, {"sort": sort}) for path, sort in SORTED]
    chosen += [(path, {"sort": sort, **filters}) for path, sort, filters in FILTERED]
    chosen += [("/v1/mediators", {}), (f"/v1/articles/{PAGE}/exchanges", {"sort": "id"})]
    expected = [await everything_once(own_client, path, **asked) for path, asked in chosen]
    walks = []
    for (path, asked), whole in zip(chosen, expected, strict=True):
        limit = max(1, whole.pages[0]["meta"]["total"] // 3)
        walks.append(Walk(path, **asked, limit=str(limit)))
        await walks[-1].step(own_client)
    async with running(application(loaded_url)) as other:
        for turn, client in enumerate((other, own_client)):
            await disturb(loaded_engine, turn)
            for walk in walks:
                await walk.step(client)
        for walk in walks:
            await walk.finish(other)
    faults = []
    for (path, asked), walk, whole in zip(chosen, walks, expected, strict=True):
        if walk.seen != whole.seen:
            faults.append(f"{walk.start}: other records")
        faults += [
            f"{walk.start}: {name} is {walk.told(name)}, began as {whole.told(name)}"
            for name in ("total", "dataset", "query", "notes")
            if walk.told(name) != whole.told(name) or len(walk.told(name)) != 1
        ]
        if len(walk.seen) != walk.pages[0]["meta"]["total"] or len(walk.pages) < 2 < len(walk.seen):
            faults.append(f"{walk.start}: {len(walk.seen)} records on {len(walk.pages)} pages")
        now = await everything_once(own_client, path, **asked)
        if now.seen == whole.seen:
            faults.append(f"{walk.start}: the writes changed nothing")
    assert faults == []
    assert all(len(unique(walk.seen)) == len(walk.seen) for walk in walks)


def unique(records: list[dict[str, Any]]) -> set[str]:
    keys = ("id", "exchange", "released_by", "received_by", "measure")
    return {json.dumps([each.get(key) for key in keys]) for each in records}


async def test_a_walk_begun_in_the_past_stays_there(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    await disturb(loaded_engine, 0)
    whole = await everything_once(own_client, "/v1/exchanges", as_of="1")
    walk = Walk("/v1/exchanges", as_of="1", limit="100")
    await walk.step(own_client)
    await disturb(loaded_engine, 1)
    await walk.finish(own_client)
    assert walk.seen == whole.seen
    assert [state["revision"] for state in walk.told("dataset")] == [1]
    assert walk.told("total") == [235]


async def test_a_cursor_keeps_what_names_meant(
    loaded_engine: AsyncEngine, loaded_url: str, own_client: httpx.AsyncClient
) -> None:
    whole = await everything_once(own_client, "/v1/exchanges", mediator="Emirates")
    walk = Walk("/v1/exchanges", mediator="Emirates", limit="10")
    searched = await everything_once(own_client, "/v1/exchanges", q="Emirates")
    search = Walk("/v1/exchanges", q="Emirates", limit="10")
    await walk.step(own_client)
    await search.step(own_client)
    uae = await changed(loaded_engine, R.ACTOR, "uae", aliases=["UAE"])
    qatar = await changed(loaded_engine, R.ACTOR, "qatar", aliases=["Emirates"])
    await put(loaded_engine, uae, qatar)
    now = await everything_once(own_client, "/v1/exchanges", mediator="Emirates")
    assert now.told("query") == [{"mediator": ["qatar"]}]
    assert now.seen != whole.seen
    async with running(application(loaded_url)) as other:
        await walk.step(other)
        await walk.finish(own_client)
        await search.finish(other)
    assert walk.seen == whole.seen
    assert walk.told("query") == [{"mediator": ["uae"]}]
    assert search.seen == searched.seen
    assert len(walk.pages) > 2 < len(search.pages)


async def total_of(client: httpx.AsyncClient, path: str, **parameters: str) -> int | str:
    """Give how many there are, or the code of the first problem."""
    body = (await client.get(path, params=parameters)).json()
    return int(body["meta"]["total"]) if "meta" in body else str(body["errors"][0]["code"])


async def test_a_new_name_is_known_at_once_to_who_had_the_old_ones(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    by_id = await total_of(own_client, "/v1/exchanges", mediator="uae")
    assert await total_of(own_client, "/v1/exchanges", mediator="Newname") == "unknown_actor"
    await put(loaded_engine, await changed(loaded_engine, R.ACTOR, "uae", aliases=["UAE", "Newname"]))
    assert await total_of(own_client, "/v1/exchanges", mediator="NEWNAME") == by_id
    assert await total_of(own_client, "/v1/exchanges", mediator="ОАЭ") == "unknown_actor"
    assert await total_of(own_client, "/v1/exchanges", publisher="newpaper") == "unknown_publisher"
    await put(
        loaded_engine,
        made(R.ACTOR, actor("newland")),
        made(R.PUBLISHER, publisher("newpaper")),
        made(R.AGREEMENT, agreement("new-talks", parties=["newland"], citations=[PAGE])),
    )
    assert await total_of(own_client, "/v1/exchanges", mediator="newland") == 0
    assert await total_of(own_client, "/v1/exchanges", publisher="Paper newpaper") == 0
    assert await total_of(own_client, "/v1/exchanges", agreement="new-talks") == 0


async def test_a_name_that_has_moved_is_never_read_with_the_old_names(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    by_id = {id_: await total_of(own_client, "/v1/exchanges", mediator=id_) for id_ in ("uae", "turkey")}
    assert by_id["uae"] != by_id["turkey"]
    assert await total_of(own_client, "/v1/exchanges", mediator="Emirates") == by_id["uae"]
    uae = await changed(loaded_engine, R.ACTOR, "uae", aliases=["UAE"])
    await put(loaded_engine, uae, await changed(loaded_engine, R.ACTOR, "turkey", aliases=["Emirates"]))
    assert await total_of(own_client, "/v1/exchanges", mediator="Emirates") == by_id["turkey"]
    assert await total_of(own_client, "/v1/exchanges", mediator="Abu Dhabi") == "unknown_actor"


COUNTED: list[tuple[str, Mapping[str, str], int]] = [
    *((f"/v1/{name}", {}, 1) for name in NAMES if name != "disagreements"),
    ("/v1/disagreements", {}, 2),  # and the articles of the values
    *((path, {"sort": sort, **filters}, 1) for path, sort, filters in FILTERED),
    ("/v1/exchanges", {"as_of": "1"}, 2),  # and whether somebody cites it
    ("/v1/exchanges", {"article": PAGE}, 2),
    ("/v1/claims", {"exchange": RUSSIA_UKRAINE}, 2),
    ("/v1/exchanges", {"as_of": "2100-01-01"}, 1),
    (f"/v1/exchanges/{RUSSIA_UKRAINE}", {}, 1),
    (f"/v1/exchanges/{RUSSIA_UKRAINE}", {"as_of": "1"}, 1),
    (f"/v1/claims/{RUSSIA_UKRAINE}:c1", {}, 1),
    (f"/v1/articles/{PAGE}", {}, 1),
    ("/v1/actors/uae", {}, 1),
    ("/v1/agreements/nowhere", {}, 2),  # and what became of it, if it ever was there
    (f"/v1/articles/{PAGE}/exchanges", {}, 2),
]


@pytest.mark.parametrize(("path", "parameters", "count"), COUNTED)
async def test_how_many_queries_an_answer_takes(
    client: httpx.AsyncClient, queries: Queries, path: str, parameters: Mapping[str, str], count: int
) -> None:
    await client.get("/v1/exchanges", params={"limit": "1"})  # reads the names
    queries.clear()
    answer = await client.get(path, params=parameters)
    assert answer.status_code in {200, 404, 422}
    assert len(queries) == count, queries


async def test_a_time_takes_one_query_more(client: httpx.AsyncClient, queries: Queries) -> None:
    told = (await client.get("/v1/exchanges", params={"limit": "1"})).json()["meta"]["dataset"]
    for path in ("/v1/exchanges", f"/v1/exchanges/{RUSSIA_UKRAINE}"):
        queries.clear()
        assert (await client.get(path, params={"as_of": told["updated_at"]})).status_code == 200
        assert len(queries) == 2


async def test_the_next_page_takes_one_query_too(client: httpx.AsyncClient, queries: Queries) -> None:
    first = (await client.get("/v1/exchanges", params={"limit": "10"})).json()
    queries.clear()
    assert (await client.get(first["meta"]["next"])).status_code == 200
    assert len(queries) == 1


@pytest.mark.parametrize("path", ["/v1/exchanges", "/v1/mediators"])
async def test_the_latest_release_beside_a_cursor_is_that_of_the_walk(
    client: httpx.AsyncClient, path: str
) -> None:
    query = {"release": "latest", "limit": "2"}
    cursor = (await ask(client, path, query)).json()["meta"]["next_cursor"]
    for release in ("latest", "2026.11"):
        following = await ask(client, path, {**query, "release": release, "cursor": cursor})
        assert following.status_code == 200, following.text
    assert following.json()["meta"]["query"] == {"release": ["2026.11"]}
    assert (await ask(client, path, {"release": "2026.10", "cursor": cursor})).status_code == 400
