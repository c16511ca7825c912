"""Figures for which claimants state different values: which, in what order, and by which articles."""

import json

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import Resource
from tests import oracle, reckoning
from tests.applications import Queries
from tests.asking import ask, found, id_of, walk
from tests.oracle import Record, word
from tests.synthetic import actor, article, claim, exchange, publisher
from tests.test_http_shell import problem_of
from tests.writing import changed, made, put

pytestmark = pytest.mark.anyio

R = Resource
PATH = "/v1/disagreements"


def spread(row: Record) -> int:
    values = reckoning.own_values()[row["id"]].values()
    return max(values) - min(values)


def differing() -> list[Record]:
    return [row for row in oracle.figures() if spread(row)]


async def test_all_of_them(client: httpx.AsyncClient) -> None:
    records = await walk(client, PATH)
    assert {id_of(each): each["spread"] for each in records} == {
        row["id"]: spread(row) for row in differing()
    }
    for each in records:
        told = {own["claimant"]: own["value"] for own in each["values"]}
        assert told == reckoning.own_values()[id_of(each)]
        claims = {c["id"]: c for c in oracle.by_id("exchanges")[each["exchange"]]["claims"]}
        for own in each["values"]:
            cited = {article for id_ in own["claims"] for article in claims[id_]["citations"]}
            assert [article["id"] for article in own["articles"]] == sorted(cited)


async def test_the_disputed_persons(client: httpx.AsyncClient) -> None:
    """25 of 273 directions, 12 of them by the parties themselves."""
    disputed = await found(client, PATH, {"measure": "persons", "disputed": True})
    assert len(disputed) == 25
    by_parties = await found(client, PATH, {"measure": "persons", "disputed_by_parties": True})
    assert len(by_parties) == 12
    assert disputed == {
        row["id"] for row in oracle.figures() if row["measure"] == "persons" and row["disputed"]
    }
    inexact = await found(client, PATH, {"measure": "persons", "disputed": False})
    assert inexact == {
        row["id"] for row in differing() if row["measure"] == "persons" and not row["disputed"]
    }


async def test_a_figure_stays_as_it_is_served(client: httpx.AsyncClient) -> None:
    page = await ask(client, PATH, {"limit": 1})
    [item] = page.json()["data"]
    figures = await walk(client, "/v1/figures", {"exchange": item["exchange"]})
    figure = next(each for each in figures if id_of(each) == id_of(item))
    assert list(item) == [*figure, "spread", "values"]
    text = json.dumps(figure, ensure_ascii=False, separators=(",", ":")).removesuffix("}")
    assert text in page.text, "byte for byte"


@pytest.mark.parametrize("sort", ["-spread", "spread", "-date", "date"])
async def test_orders(client: httpx.AsyncClient, sort: str) -> None:
    name = {"spread": "spread", "date": "exchange_date"}[sort.removeprefix("-")]
    records = await walk(client, PATH, {"sort": sort, "limit": 7})
    keys = [(each[name], id_of(each)) for each in records]
    assert keys == sorted(keys, reverse=sort.startswith("-"))
    assert len(records) == len(differing())
    if sort == "-spread":
        assert [id_of(each) for each in await walk(client, PATH)] == [id_of(each) for each in records]


PAIRS = [("ukraine", "russia"), ("ukraine", "none"), ("uae", "russia"), ("uae", "none"), ("dpr", "ukraine")]


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
async def test_between_two(client: httpx.AsyncClient, pair: tuple[str, str]) -> None:
    expected = set()
    for row in oracle.figures():
        values = {str(word(who)): value for who, value in reckoning.own_values()[row["id"]].items()}
        if all(who in values for who in pair) and values[pair[0]] != values[pair[1]]:
            expected.add(row["id"])
    assert await found(client, PATH, {"between": list(pair)}) == expected
    assert await found(client, PATH, {"between": [*reversed(pair)], "limit": 3}) == expected


async def test_between_finds_something(client: httpx.AsyncClient) -> None:
    """Else the test above proves little. Other pairs may differ over a figure on which these two agree."""
    parties = await found(client, PATH, {"between": ["Ukraine", "Россия"]})
    assert 0 < len(parties) < len(differing())
    stated = {
        row["id"] for row in differing() if {"ukraine", "russia"} <= set(reckoning.own_values()[row["id"]])
    }
    assert parties < stated


@pytest.mark.parametrize(
    ("named", "code"),
    [
        (["ukraine"], "invalid_value"),
        (["ukraine", "UA"], "invalid_value"),
        (["ukraine", "russia", "uae"], "invalid_value"),
        (["ukraine", "rusia"], "unknown_actor"),
        (["none", "none"], "invalid_value"),
    ],
    ids=str,
)
async def test_a_pair_is_two(client: httpx.AsyncClient, named: list[str], code: str) -> None:
    problem = problem_of(await ask(client, PATH, {"between": named}))
    assert [(error.parameter, error.code) for error in problem.errors] == [("between", code)]


async def test_filters_of_figures_narrow(client: httpx.AsyncClient) -> None:
    for query in (
        {"measure": "military"},
        {"received_by": "ukraine"},
        {"year": 2025, "measure_not": "persons"},
        {"mediator": "uae", "min_best": 100},
        {"exchange": "2024-12-30-russia-ukraine"},
    ):
        of_figures = await found(client, "/v1/figures", query)
        expected = {row["id"] for row in differing()} & of_figures
        assert await found(client, PATH, query) == expected
        assert expected
    problem = problem_of(await ask(client, PATH, {"sort": "best"}))
    assert problem.errors[0].allowed == ["-spread", "spread", "-date", "date"]


async def test_a_page_costs_one_query_more(client: httpx.AsyncClient, queries: Queries) -> None:
    counts = []
    for path in ("/v1/figures", PATH):
        await ask(client, path)
        queries.clear()
        await ask(client, path)
        counts.append(len(queries))
    assert counts[1] == counts[0] + 1


# States


async def lands(engine: AsyncEngine, *claims: Record) -> None:
    await put(
        engine,
        *(made(R.ACTOR, actor(id_)) for id_ in ("north", "south", "east", "west")),
        made(R.PUBLISHER, publisher("gazette")),
        *(made(R.ARTICLE, article(id_)) for id_ in ("page-1", "page-2")),
        made(R.EXCHANGE, exchange("odd", claims=list(claims), citations=["page-1", "page-2"])),
    )


OURS = {"exchange": "odd"}


async def test_as_it_stood(loaded_engine: AsyncEngine, own_client: httpx.AsyncClient) -> None:
    south = claim("odd:c1", claimant="south", count=5)
    north = claim("odd:c2", claimant="north", count=9, citations=["page-2"])
    await lands(loaded_engine, south, north)
    before = await walk(own_client, PATH, OURS)
    assert [(each["spread"], len(each["values"])) for each in before] == [(4, 2)]
    revision = (await ask(own_client, PATH)).json()["meta"]["dataset"]["revision"]
    agreed = [south, north | {"count": 5}]
    await put(loaded_engine, await changed(loaded_engine, R.EXCHANGE, "odd", claims=agreed))
    between = OURS | {"between": ["north", "south"]}
    assert await walk(own_client, PATH, OURS) == await walk(own_client, PATH, between) == []
    for query in (OURS, between):
        assert await walk(own_client, PATH, query | {"as_of": revision}) == before
    moved = [south | {"count": 6}, north | {"count": 5, "citations": ["page-1"]}]
    await put(loaded_engine, await changed(loaded_engine, R.EXCHANGE, "odd", claims=moved))
    [now] = await walk(own_client, PATH, between)
    assert (now["spread"], [each["articles"][0]["id"] for each in now["values"]]) == (1, ["page-1", "page-1"])
    assert await walk(own_client, PATH, between | {"as_of": revision}) == before
    assert await walk(own_client, PATH, between | {"as_of": revision + 1}) == []
    released = await walk(own_client, PATH, {"release": "2026.11"})
    assert {id_of(each) for each in released} == {row["id"] for row in differing()}


async def test_two_differ_only_while_both_values_hold(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    """A third one differs all along; the two do before they agree, and after."""
    revisions = []
    for south, north in ((5, 9), (5, 5), (6, 5), (6, 6)):
        claims = [
            claim(f"odd:c{n}", claimant=who, count=count)
            for n, (who, count) in enumerate((("south", south), ("north", north), ("east", 20)))
        ]
        if revisions:
            await put(loaded_engine, await changed(loaded_engine, R.EXCHANGE, "odd", claims=claims))
        else:
            await lands(loaded_engine, *claims)
        page = await ask(own_client, PATH, OURS)
        revisions.append(page.json()["meta"]["dataset"]["revision"])
        assert page.json()["meta"]["total"] == 1
    told = [
        [
            len(await walk(own_client, PATH, OURS | {"between": pair, "as_of": revision}))
            for revision in revisions
        ]
        for pair in (["north", "south"], ["south", "north"], ["south", "east"], ["south", "none"])
    ]
    assert told == [[1, 0, 1, 0], [1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]]


async def test_a_walk_sees_one_state(loaded_engine: AsyncEngine, own_client: httpx.AsyncClient) -> None:
    first = (await ask(own_client, PATH, {"between": ["ukraine", "russia"], "limit": 1})).json()
    whole = await walk(own_client, PATH, {"between": ["ukraine", "russia"]})
    following = whole[1]["exchange"]
    await put(loaded_engine, await changed(loaded_engine, R.EXCHANGE, following, claims=[], mediations=[]))
    second = (await ask(own_client, first["meta"]["next"])).json()
    assert second["data"] == whole[1:2]
    assert second["meta"]["query"] == {"between": ["ukraine", "russia"]}
