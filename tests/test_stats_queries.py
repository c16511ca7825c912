"""Statistics: periods and what is known to be missing in them, states of the dataset, and what is refused."""

from itertools import pairwise
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import Resource
from db.queries import stats as statsreading
from db.queries import statsql
from db.session import write_engine
from tests import oracle
from tests.applications import application, running
from tests.asking import ask, walk
from tests.databases import own_database
from tests.synthetic import exchange, mediation
from tests.test_http_shell import problem_of
from tests.test_stats import STATS, codes, row, stats
from tests.writing import changed, made, put, put_small

pytestmark = pytest.mark.anyio

EMPTY = (0, 0, 0, 0, 0)
NEW_YEAR = "2024-12-30-russia-ukraine"


def gaps(first: str, last: str, kinds: set[str]) -> list[str]:
    """Give the coverage notes that overlap two days, and are about kinds of exchange."""
    return sorted(
        gap["id"]
        for gap in oracle.records("coverage")
        if gap["date_from"] <= last and gap["date_to"] >= first and (not kinds or gap["scope"] in kinds)
    )


# Periods


async def test_without_fill_there_are_only_periods_with_exchanges(client: httpx.AsyncClient) -> None:
    answer = await stats(client, {"group_by": "month"})
    assert all(cell["exchanges"] for cell in answer["data"])
    assert "empty_periods" not in codes(answer)
    assert "empty_periods" in codes(await stats(client, {"group_by": "month", "fill": "true"}))


async def test_fill_adds_the_months_between(client: httpx.AsyncClient) -> None:
    found = {cell["group"]: row(cell) for cell in (await stats(client, {"group_by": "month"}))["data"]}
    filled = await stats(client, {"group_by": "month", "fill": "true"})
    months = [cell["group"] for cell in filled["data"]]
    numbers = [int(month[:4]) * 12 + int(month[5:]) for month in months]
    assert all(after == before + 1 for before, after in pairwise(numbers))
    assert (months[0], months[-1]) == (min(found), max(found))
    assert {cell["group"]: row(cell) for cell in filled["data"]} == dict.fromkeys(months, EMPTY) | found
    assert filled["total"] == (await stats(client, {"group_by": "month"}))["total"]


@pytest.mark.parametrize(
    ("query", "periods"),
    [
        ("group_by=year&date_from=2012-05-01&date_to=2015-12-31", ["2012", "2013", "2014", "2015"]),
        ("group_by=year&year=2021&year=1999", ["1999", "2021"]),
        ("group_by=year&date_from=2024-06-01&date_to=2026-01-01&year_not=2025", ["2024", "2026"]),
        ("group_by=quarter&year=2024&date_to=2024-08-01", ["2024-Q1", "2024-Q2", "2024-Q3"]),
        ("group_by=month&date_from=2001-11-30&date_to=2002-01-01", ["2001-11", "2001-12", "2002-01"]),
        ("group_by=year&mediator=vatican&party=dpr", []),
        ("group_by=year&year=9999", ["9999"]),
        ("group_by=quarter&date_from=9999-07-02&date_to=9999-12-30", ["9999-Q3", "9999-Q4"]),
        ("group_by=month&date_from=9999-12-30&date_to=9999-12-30", ["9999-12"]),
        ("group_by=month&date_from=0001-01-02&date_to=0001-02-01", ["0001-01", "0001-02"]),
    ],
)
async def test_fill_keeps_to_the_bounds(client: httpx.AsyncClient, query: str, periods: list[str]) -> None:
    response = await ask(client, f"{STATS}?fill=true&{query}")
    assert [cell["group"] for cell in response.json()["data"]] == periods


async def test_fill_with_another_dimension_and_with_claimants(client: httpx.AsyncClient) -> None:
    base: dict[str, Any] = {"fill": "true", "year": [2022, 2023, 2024]}
    answer = await stats(client, base | {"group_by": ["mediator", "year"]})
    mediators = {cell["group"] for cell in answer["data"]}
    assert [(cell["group"], cell["group2"]) for cell in answer["data"]] == [
        (mediator, year) for mediator in sorted(mediators) for year in ("2022", "2023", "2024")
    ]
    answer = await stats(client, base | {"group_by": ["year", "month"]})
    assert len(answer["data"]) == 36
    assert all(cell["group2"].startswith(cell["group"]) for cell in answer["data"])
    query = {"group_by": "month", "fill": "true", "year": 2024, "counted_by": ["uae", "ukraine"]}
    cells = (await stats(client, query | {"kind": "prisoner_exchange"}))["data"]
    assert len(cells) == 24
    told = {(cell["group"], cell["claimant"]): (cell["exchanges"], cell["best"]) for cell in cells}
    assert told["2024-03", "uae"] == (0, 0)  # no exchange
    assert told["2024-05", "uae"] == (1, None)  # one of which it says nothing
    assert told["2024-05", "ukraine"] == (1, 75)


async def test_coverage_of_periods(client: httpx.AsyncClient) -> None:
    days = {"01": 31, "02": 28, "03": 31, "04": 30, "05": 31, "06": 30, "07": 31, "08": 31, "09": 30}
    days |= {"10": 31, "11": 30, "12": 31}
    for kinds in (set(), {"remains"}, {"prisoner_exchange", "release"}):
        query: dict[str, Any] = {"group_by": "month", "fill": "true", "year": 2023} | {"kind": sorted(kinds)}
        for cell in (await stats(client, query))["data"]:
            last = days[cell["group"][5:]]
            assert cell["coverage"] == gaps(f"{cell['group']}-01", f"{cell['group']}-{last}", kinds)
    quarter = (await stats(client, {"group_by": "quarter", "year": 2022, "kind_not": "remains"}))["data"][1]
    others = {gap["scope"] for gap in oracle.records("coverage")} - {"remains"}
    assert quarter["coverage"] == gaps("2022-04-01", "2022-06-30", others)
    by_kind = (await stats(client, {"group_by": ["kind", "year"], "year": 2023}))["data"]
    for cell in by_kind:
        assert cell["coverage"] == gaps("2023-01-01", "2023-12-31", {cell["group"]})
    narrow = await stats(client, {"group_by": "year", "date_from": "2024-01-03", "date_to": "2024-03-01"})
    assert narrow["data"][0]["coverage"] == gaps("2024-01-03", "2024-03-01", set())
    assert {tuple(cell["coverage"]) for cell in (await stats(client, {"group_by": "kind"}))["data"]} == {()}
    for id_ in by_kind[0]["coverage"]:
        assert (await ask(client, f"/v1/coverage/{id_}")).status_code == 200


# States


async def test_states(loaded_engine: AsyncEngine, own_client: httpx.AsyncClient) -> None:
    query = {"group_by": ["mediator", "year"], "received_by": "ukraine"}
    before = await stats(own_client, query)
    record = next(each for each in await walk(own_client, "/v1/exchanges") if each["id"] == NEW_YEAR)
    claims = [claim | {"count": claim["count"] + 1} for claim in record["claims"]]
    await put(loaded_engine, await changed(loaded_engine, Resource.EXCHANGE, NEW_YEAR, claims=claims))
    now = await stats(own_client, query)
    assert now["total"]["best"] == before["total"]["best"] + 1
    assert now["meta"]["dataset"]["revision"] == 2
    for state in ({"as_of": "1"}, {"release": "2026.11"}, {"release": "latest"}):
        then = await stats(own_client, query | state)
        assert (then["data"], then["total"]) == (before["data"], before["total"])
        assert then["meta"]["dataset"]["revision"] == 1
    response = await ask(own_client, STATS, query | {"as_of": "1"})
    assert response.headers["cache-control"] == "public, max-age=86400"
    assert response.headers["x-dataset-revision"] == "1"
    assert (await ask(own_client, STATS, query | {"as_of": "2"})).json()["data"] == now["data"]
    tags = {
        (await ask(own_client, STATS, {"measure": each})).headers["etag"] for each in ("persons", "remains")
    }
    assert len(tags) == 2


async def test_an_empty_dataset(server_url: str, empty_template: str) -> None:
    async with own_database(server_url, empty_template) as url, running(application(url)) as client:
        answer = await stats(client, {"group_by": ["year", "mediator"], "fill": "true"})
        assert (answer["data"], row(answer["total"])) == ([], EMPTY)
        engine = write_engine(url)
        await put_small(engine)
        third = exchange("third", mediations=[mediation("third:m1"), mediation("third:m2", claimant="north")])
        await put(engine, made(Resource.EXCHANGE, third))
        await engine.dispose()
        answer = await stats(client, {"group_by": "mediator", "date_to": "2020-01-31"})
        assert [(cell["group"], row(cell)[1:4]) for cell in answer["data"]] == [
            ("east", (5, 5, 1)),  # once, though two say so
            ("none", (5, 5, 1)),
        ]


async def test_what_two_exchanges_say_of_each_other_is_one_overlap(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    earlier, later = "2024-06-22-russia-ukraine", "2024-06-28-russia-ukraine"
    ends = {"released_by": "ukraine", "received_by": "russia", "measure": "persons", "note": None}
    for people, expected in ((1, 1), (2, 2)):  # 2024-06-28 says 1 of 2024-06-22
        back = [ends | {"exchange": later, "count": people}]
        await put(loaded_engine, await changed(loaded_engine, Resource.EXCHANGE, earlier, overlaps=back))
        answer = await stats(own_client, {"date_from": "2024-06-22", "date_to": "2024-06-28"})
        assert answer["total"]["overlap"] == expected


# What is refused


@pytest.mark.parametrize(
    ("query", "parameter", "code"),
    [
        ("group_by=year&group_by=kind&group_by=month", "group_by", "too_many"),
        ("group_by=year&group_by=year", "group_by", "repeated"),
        ("group_by=year&group_by=%79ear", "group_by", "repeated"),
        ("group_by=decade", "group_by", "invalid_value"),
        ("group_by=year,kind", "group_by", "invalid_value"),
        ("measure=people", "measure", "invalid_value"),
        ("measure=persons&measure=child", "measure", "repeated"),
        ("fill=true", "fill", "contradiction"),
        ("fill=true&group_by=kind", "fill", "contradiction"),
        ("common=true", "common", "contradiction"),
        ("common=true&group_by=claimant", "common", "contradiction"),
        ("counted_by=uae&measure=exchanges", "counted_by", "contradiction"),
        ("group_by=claimant&measure=exchanges", "group_by", "contradiction"),
        ("counted_by=atlantis", "counted_by", "unknown_actor"),
        ("group_by=month&fill=true&date_from=0001-01-02", "group_by", "too_many_groups"),
        ("group_by=month&group_by=mediator&fill=true&date_from=1001-01-02", "group_by", "too_many_groups"),
        ("limit=5", "limit", "unknown_parameter"),
        ("as_of=1&release=latest", "release", "contradiction"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    client: httpx.AsyncClient, query: str, parameter: str, code: str
) -> None:
    response = await ask(client, f"{STATS}?{query}")
    assert response.status_code == 422
    (error,) = problem_of(response).errors
    assert (error.parameter, error.code) == (parameter, code)


async def test_more_groups_than_anybody_reads_are_refused(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = len((await stats(client, {"group_by": "publisher"}))["data"])
    for module in (statsql, statsreading):
        monkeypatch.setattr(module, "MOST_GROUPS", groups - 1)
    response = await ask(client, STATS, {"group_by": "publisher"})
    assert problem_of(response).errors[0].code == "too_many_groups"
    assert (await ask(client, STATS, {"group_by": "kind"})).status_code == 200


async def test_nothing_that_was_asked_stays_untold(client: httpx.AsyncClient) -> None:
    query = {"group_by": ["year", "claimant"], "mediator": "ОАЭ", "received_by": "UA", "fill": "false"}
    assert (await stats(client, query))["meta"]["query"] == {
        "fill": ["false"],
        "group_by": ["year", "claimant"],
        "mediator": ["uae"],
        "received_by": ["ukraine"],
    }
    assert "coalition" in codes(await stats(client, {"released_by": "dpr", "counted_by": "none"}))
