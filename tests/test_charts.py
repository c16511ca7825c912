"""The numbers in charts: those of the records that a query chooses, added up independently."""

import datetime as dt
from collections import Counter
from typing import Any

import httpx
import pytest

from api.chartperiods import month_of
from api.chartwords import short_name
from tests.asking import Query, walk
from tests.charting import Spec, spec_of, texts

pytestmark = pytest.mark.anyio

QUERIES: list[dict[str, Any]] = [
    {},
    {"mediator": "uae"},
    {"mediator": ["uae", "turkey"], "year": [2022, 2024]},
    {"kind": "remains", "measure": "remains"},
    {"received_by": "ukraine", "year": 2024},
    {"released_by_not": "russia", "date_to": "2019-12-31"},
    {"released_by": "ukraine", "received_by": "russia", "measure": "military", "width": 400},
    {"year": 2026, "width": 2000},
]


async def exchanges(client: httpx.AsyncClient, query: Query) -> list[dict[str, Any]]:
    """Give the records of the exchanges that a chart's query chooses, and their figures in its directions."""
    others = {
        name: value
        for name, value in query.items()
        if not name.startswith(("released_by", "received_by")) and name not in {"measure", "width"}
    }
    records = await walk(client, "/v1/exchanges", others)
    for record in records:
        record["figures"] = [
            figure
            for figure in record["figures"]
            if figure["measure"] == query.get("measure", "persons")
            and figure["released_by"] == query.get("released_by", figure["released_by"])
            and figure["received_by"] == query.get("received_by", figure["received_by"])
            and figure["released_by"] != query.get("released_by_not")
        ]
    return records


async def names(client: httpx.AsyncClient) -> dict[str, str]:
    return {actor["id"]: short_name(actor["name"]) for actor in await walk(client, "/v1/actors")}


def period_of(spec: Spec, date: str) -> int:
    """Give the first month of the period of a date, by the word in the title."""
    title = spec["description"].partition(".")[0]
    months = {"month": 1, "quarter": 3, "year": 12}[title.rpartition(" ")[2]]
    return month_of(dt.date.fromisoformat(date)) // months * months


@pytest.mark.parametrize("query", QUERIES, ids=str)
async def test_the_bars_of_the_timeline(
    client: httpx.AsyncClient, specs: list[Spec], query: dict[str, Any]
) -> None:
    spec, known = await spec_of(client, specs, "timeline", query), await names(client)
    bars, totals = spec["datasets"]["bars"], spec["datasets"]["totals"]
    by_series, by_period = Counter[tuple[int, str]](), Counter[int]()
    drawn = {bar["series"] for bar in bars}
    for record in await exchanges(client, query):
        for figure in record["figures"]:
            series = f"{known[figure['released_by']]} → {known[figure['received_by']]}"
            if series not in drawn:
                (series,) = (each for each in drawn if each.endswith(" other directions"))
            period = period_of(spec, record["date"])
            by_series[period, series] += figure["best"]
            by_period[period] += figure["best"]
    assert {(bar["period"], bar["series"]): bar["best"] for bar in bars} == by_series
    assert {total["period"]: total["best"] for total in totals} == by_period
    told = {text.rpartition(": ")[0]: text.rpartition(": ")[2] for text in texts(spec) if ": " in text}
    for series in drawn:
        of_series = sum(best for (_, each), best in by_series.items() if each == series)
        assert told[series] == f"{of_series:,}"


@pytest.mark.parametrize("query", QUERIES, ids=str)
async def test_the_two_sides_of_the_balance(
    client: httpx.AsyncClient, specs: list[Spec], query: dict[str, Any]
) -> None:
    spec, known = await spec_of(client, specs, "balance", query), await names(client)
    received, by_period = Counter[str](), Counter[tuple[int, str]]()
    for record in await exchanges(client, query):
        for figure in record["figures"]:
            side = known[figure["received_by"]]
            received[side] += figure["best"]
            by_period[period_of(spec, record["date"]), side] += figure["best"]
    (up, *down) = [side for side, _ in received.most_common(2)]
    expected = {
        (period, side): best if side == up else -best
        for (period, side), best in by_period.items()
        if side in {up, *down}
    }
    assert {(bar["period"], bar["side"]): bar["best"] for bar in spec["datasets"]["bars"]} == expected
    rest = received.total() - sum(received[side] for side in (up, *down))
    assert any(text.startswith(f"Left out: {rest:,} received by") for text in texts(spec)) is (rest > 0)


@pytest.mark.parametrize("query", QUERIES, ids=str)
async def test_the_bars_by_mediator(
    client: httpx.AsyncClient, specs: list[Spec], query: dict[str, Any]
) -> None:
    spec = await spec_of(client, specs, "by-mediator", query)
    asked = query.get("mediator", [])
    asked = {asked} if isinstance(asked, str) else set(asked)
    best, count = Counter[str | None](), Counter[str | None]()
    for record in await exchanges(client, query):
        brokers: set[str | None] = {
            each["actor"]
            for each in record["mediations"]
            if each["stance"] == "asserts" and each["role"] != "transit"
        }
        for mediator in (brokers & asked if asked else brokers) or {None}:
            best[mediator] += sum(figure["best"] for figure in record["figures"])
            count[mediator] += bool(record["figures"])
    expected = {mediator: (best[mediator], number) for mediator, number in count.items() if number}
    bars = spec["datasets"]["bars"]
    assert {bar["mediator"]: (bar["best"], bar["exchanges"]) for bar in bars} == expected
    assert sum(bar["mediator"] is None for bar in bars[:-1]) == 0, "where there is none comes last"
    drawn = [bar["best"] for bar in bars if bar["mediator"] is not None]
    assert drawn == sorted(drawn, reverse=True)


@pytest.mark.parametrize("query", QUERIES, ids=str)
async def test_the_line_grows_by_what_was_handed_over(
    client: httpx.AsyncClient, specs: list[Spec], query: dict[str, Any]
) -> None:
    spec = await spec_of(client, specs, "cumulative", query)
    records = await exchanges(client, query)
    by_day = Counter[int]()
    chosen = {record["id"] for record in records if record["figures"]}
    for record in records:
        here = {(figure["released_by"], figure["received_by"]) for figure in record["figures"]}
        day = dt.date.fromisoformat(record["date"]).toordinal()
        by_day[day] += sum(figure["best"] for figure in record["figures"])
        for each in record["overlaps"]:
            both = (each["released_by"], each["received_by"]) in here and each["exchange"] in chosen
            if both and each["measure"] == query.get("measure", "persons"):
                by_day[day] -= each["count"]
    line = spec["datasets"]["line"]
    assert line[0]["best"] == 0
    for point in line:
        assert point["best"] == sum(best for day, best in by_day.items() if day <= point["day"]) or (
            point["day"] == line[0]["day"]
        )
    assert line[-1]["best"] == by_day.total()
    assert f"{by_day.total():,}" in texts(spec)


async def test_published_totals_stand_beside_what_counts_the_same(
    client: httpx.AsyncClient, specs: list[Spec]
) -> None:
    async def dots(query: Query) -> set[tuple[int, int]]:
        spec = await spec_of(client, specs, "cumulative", query)
        for dot in spec["datasets"]["totals"]:
            assert dot["begins"] is ("mediator" not in query), "only the Emirates do not say since when"
        stated = any(text.endswith("first day not stated") for text in texts(spec))
        diamonds = any(text.startswith("Diamonds:") for text in texts(spec))
        assert stated is diamonds is any(not dot["begins"] for dot in spec["datasets"]["totals"])
        return {(dot["day"], dot["best"]) for dot in spec["datasets"]["totals"]}

    async def announced(query: Query, **more: object) -> set[tuple[int, int]]:
        records = await walk(client, "/v1/totals", {"measure": "persons", "category": "total", **query})
        return {
            (dt.date.fromisoformat(record["as_of"]).toordinal(), record["value"])
            for record in records
            if all(record[name] == value for name, value in more.items())
        }

    of_any = {"received_by": "none", "released_by": "none", "agreement": "none"}
    by_uae = await announced({"mediator": "uae", **of_any}, year=None, since=None)
    assert len(by_uae) > 15
    assert await dots({"mediator": "uae"}) == by_uae
    assert len(await dots({"mediator": "uae", "claimant": "uae"})) < len(by_uae)
    war = {"received_by": "ukraine", "date_from": "2022-02-24"}
    to_ukraine = {"received_by": "ukraine", "mediator": "none", "agreement": "none"}
    assert await dots(war) == await announced(to_ukraine, year=None, since="2022-02-24")
    assert (dt.date(2024, 12, 30).toordinal(), 1358) in await dots({"received_by": "ukraine", "year": 2024})
    for other in (
        {"q": "Istanbul"},
        {"min_persons": 10},
        {"kind": "release"},
        {"mediator": ["uae", "turkey"]},
    ):
        assert await dots({**war, **other}) == set(), other
    assert await dots({"received_by": "ukraine"}) == set(), "there were exchanges before"
    assert any("since 24 February 2022" in text for text in texts(specs[-1]))
