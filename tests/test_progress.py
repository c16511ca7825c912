"""Agreements as promises: every term of every agreement reckoned again, and the terms of made-up ones."""

from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import Resource
from tests import oracle, reckoning
from tests.asking import ask
from tests.curating import Curator
from tests.oracle import Record
from tests.synthetic import agreement, claim, exchange, total
from tests.test_http_shell import problem_of
from tests.writing import changed, made, put

pytestmark = pytest.mark.anyio

R = Resource
AGREEMENTS = [each["id"] for each in oracle.records("agreements")]


def path_of(id_: str) -> str:
    return f"/v1/agreements/{id_}/progress"


async def progress(client: httpx.AsyncClient, id_: str, **query: object) -> Record:
    response = await ask(client, path_of(id_), query)
    assert response.status_code == 200, response.text
    told: Record = response.json()["data"]
    return told


async def term(client: httpx.AsyncClient, id_: str, **query: object) -> Record:
    """Give a term by its id."""
    terms = (await progress(client, id_.partition(":")[0], **query))["terms"]
    found: Record = next(each for each in terms if each["id"] == id_)
    return found


# The whole, reckoned again


@pytest.mark.parametrize("id_", AGREEMENTS)
async def test_every_term_of_every_agreement(client: httpx.AsyncClient, id_: str) -> None:
    record = oracle.by_id("agreements")[id_]
    told = await progress(client, id_)
    under = [each["id"] for each in oracle.records("exchanges") if each["agreement"] == id_]
    totals = [each for each in oracle.records("totals") if each["agreement"] == id_]
    assert (told["agreement"], told["title"], told["date"]) == (id_, record["title"], record["date"])
    assert told["exchanges"] == len(under)
    assert {each["id"] for each in told["totals"]} == {each["id"] for each in totals}
    assert [each["as_of"] for each in told["totals"]] == sorted(each["as_of"] for each in totals)
    for found, promise in zip(told["terms"], record["terms"], strict=True):
        assert {name: found[name] for name in promise} == promise
        assert found["measure"] == reckoning.measure_of(promise["category"])
        ends = [(each["released_by"], each["received_by"]) for each in found["deliveries"]]
        assert ends == reckoning.directions(record, promise)
        for delivery, end in zip(found["deliveries"], ends, strict=True):
            check_delivery(delivery, record, promise, end)


def check_delivery(
    delivery: Record, record: Record, promise: Record, ends: tuple[str | None, str | None]
) -> None:
    expected = reckoning.delivered(record, promise, ends)
    stages = reckoning.stages(record, promise)
    assert [(each["exchange"], each["date"]) for each in delivery["stages"]] == [
        (each["id"], each["date"]) for each in stages
    ]
    given = [[each["low"], each["best"], each["high"]] for each in delivery["stages"]]
    assert given == [each or [None] * 3 for each in expected["stages"]]
    known = [each for each in expected["stages"] if each]
    sums = [sum(column) for column in zip(*known, strict=True)] or [None] * 3
    assert [delivery["low"], delivery["best"], delivery["high"]] == sums
    assert delivery["promised"] == promise["count"]
    assert delivery["stages_without_figure"] == len(stages) - len(known)
    complete = stages and len(known) == len(stages) and promise["count"]
    assert delivery["share"] == (pytest.approx(sums[1] / promise["count"]) if complete else None)
    assert delivery["claimants_differ"] is expected["differ"]
    assert {each["claimant"]: (each["value"], each["stages"]) for each in delivery["by_claimant"]} == {
        who: (sum(values), len(values)) for who, values in expected["views"].items()
    }
    assert all(each["stages"] + each["stages_not_stated"] == len(stages) for each in delivery["by_claimant"])


# Golden


async def test_a_thousand_for_a_thousand(client: httpx.AsyncClient) -> None:
    for side in (await term(client, "istanbul-2025-05-16:t1"))["deliveries"]:
        assert (side["promised"], side["best"], side["share"], len(side["stages"])) == (1000, 1000, 1.0, 3)
    home, away = (await term(client, "istanbul-2025-05-16:t1"))["deliveries"]
    assert (home["totals"], away["totals"]) == (["total-0093"], ["total-0086"]) or (
        home["totals"],
        away["totals"],
    ) == (["total-0086"], ["total-0093"])


async def test_both_sides_withheld_the_figures_of_june(client: httpx.AsyncClient) -> None:
    [one, other] = (await term(client, "istanbul-2025-06-02:t6"))["deliveries"]
    for side in (one, other):
        assert (side["best"], side["stages_without_figure"], side["share"]) == (250, 8, None)


async def test_more_than_was_promised(client: httpx.AsyncClient) -> None:
    """Six thousand bodies were promised; the dead of a second round came under the same agreement."""
    [side] = (await term(client, "istanbul-2025-06-02:t9"))["deliveries"]
    assert side["share"] > 2
    [views] = [{each["claimant"]: each["value"] for each in side["by_claimant"]}]
    assert views == {"russia": 12063, "ukraine": 12060}
    assert side["claimants_differ"] is True


async def test_nothing_was_carried_out_yet(client: httpx.AsyncClient) -> None:
    [side] = (await term(client, "turkey-uae-2025-11-15:t1"))["deliveries"]
    assert (side["stages"], side["best"], side["share"]) == ([], None, None)


# Made up


def promise(**fields: Any) -> Record:
    made_up: Record = {"id": "pact:t1", "category": "total", "count": 10, "qualifier": "exact"}
    made_up |= {"each_side": False, "released_by": None, "received_by": None, "claimant": None}
    return made_up | {"note": None, "citations": ["page-1"]} | fields


async def write_pact(
    curator: Curator, term_: Record, *exchanges: Record, totals: tuple[Record, ...] = ()
) -> None:
    await put(curator.engine, made(R.AGREEMENT, agreement("pact", terms=[term_])))
    records = [made(R.EXCHANGE, each | {"agreement": "pact"}) for each in exchanges]
    records += [made(R.TOTAL, each | {"agreement": "pact"}) for each in totals]
    await put(curator.engine, *records)


def handover(id_: str, *claims: Record, **fields: Any) -> Record:
    numbered = [claim(f"{id_}:c{n}", **fields_) for n, fields_ in enumerate(claims)]
    return exchange(id_, claims=numbered, **fields)


THERE = {"released_by": "north", "received_by": "south"}
BACK = {"released_by": "south", "received_by": "north"}


async def test_both_directions_together_need_both(curator: Curator) -> None:
    both = handover("both", {"count": 4, **THERE}, {"count": 5, **BACK})
    half = handover("half", {"count": 3, **THERE}, date="2020-01-02")
    await write_pact(curator, promise(), both)
    [side] = (await term(curator.client, "pact:t1"))["deliveries"]
    assert (side["best"], side["share"]) == (9, 0.9)
    await put(curator.engine, made(R.EXCHANGE, half | {"agreement": "pact"}))
    [side] = (await term(curator.client, "pact:t1"))["deliveries"]
    assert (side["best"], side["share"], side["stages_without_figure"]) == (9, None, 1)
    assert side["stages"][1] == {
        "exchange": "half",
        "date": "2020-01-02",
        "low": None,
        "best": None,
        "high": None,
    }


async def test_one_direction_asks_for_no_other(curator: Curator) -> None:
    both = handover("both", {"count": 4, **THERE}, {"count": 5, **BACK})
    await write_pact(curator, promise(**THERE), both)
    [side] = (await term(curator.client, "pact:t1"))["deliveries"]
    assert (side["released_by"], side["received_by"]) == ("north", "south")
    assert (side["best"], side["share"]) == (4, 0.4)


async def test_low_and_high_and_both_views(curator: Curator) -> None:
    first = handover("one", {"count": 4, "claimant": "south"}, {"count": 7, "claimant": "north"})
    second = handover("two", {"count": 8, "claimant": "south"}, date="2020-01-02")
    await write_pact(curator, promise(**THERE, claimant="south"), first, second)
    [side] = (await term(curator.client, "pact:t1"))["deliveries"]
    assert (side["low"], side["best"], side["high"], side["share"]) == (12, 12, 15, 1.2)
    assert side["by_claimant"] == [
        {"claimant": "north", "value": 7, "stages": 1, "stages_not_stated": 1},
        {"claimant": "south", "value": 12, "stages": 2, "stages_not_stated": 0},
    ]
    assert side["claimants_differ"] is True


async def test_what_is_announced_or_cancelled_delivers_nothing(curator: Curator) -> None:
    stages = [handover(status, THERE, status=status) for status in ("announced", "cancelled", "completed")]
    await write_pact(curator, promise(**THERE), *stages)
    [side] = (await term(curator.client, "pact:t1"))["deliveries"]
    assert [each["exchange"] for each in side["stages"]] == ["completed"]


async def test_the_dead_are_no_stage_of_a_promise_about_the_living(curator: Curator) -> None:
    dead = handover("dead", {"category": "remains"}, kind="remains")
    silent = handover("silent", kind="remains", date="2020-01-02")
    mixed = handover("mixed", {"category": "remains"}, {"category": "total"}, date="2020-01-03")
    await write_pact(curator, promise(**THERE), dead, silent, mixed)
    [side] = (await term(curator.client, "pact:t1"))["deliveries"]
    assert [each["exchange"] for each in side["stages"]] == ["mixed"]
    renewed = agreement("pact", terms=[promise(**THERE, category="remains")])
    await put(curator.engine, made(R.AGREEMENT, renewed))
    [side] = (await term(curator.client, "pact:t1"))["deliveries"]
    assert [each["exchange"] for each in side["stages"]] == ["dead", "silent", "mixed"]
    assert side["share"] is None


async def test_the_totals_that_speak_of_the_same_people(curator: Curator) -> None:
    totals = tuple(
        total(f"of-{name}", **fields)
        for name, fields in {
            "all": {},
            "there": {"received_by": "south"},
            "back": {"received_by": "north"},
            "children": {"category": "child"},
        }.items()
    )
    await write_pact(curator, promise(**THERE), totals=totals)
    told = await progress(curator.client, "pact")
    assert {each["id"] for each in told["totals"]} == {"of-all", "of-there", "of-back", "of-children"}
    assert set(told["terms"][0]["deliveries"][0]["totals"]) == {"of-all", "of-there"}


async def test_a_promise_of_nobody_has_no_share(curator: Curator) -> None:
    await write_pact(curator, promise(**THERE, count=0), handover("one", THERE))
    assert (await term(curator.client, "pact:t1"))["deliveries"][0]["share"] is None


# States, and agreements that do not stand


async def test_as_it_stood(loaded_engine: AsyncEngine, own_client: httpx.AsyncClient) -> None:
    id_ = "istanbul-2025-05-16"
    before = await progress(own_client, id_)
    stage = before["terms"][0]["deliveries"][0]["stages"][0]["exchange"]
    await put(loaded_engine, await changed(loaded_engine, R.EXCHANGE, stage, agreement=None))
    now = await progress(own_client, id_)
    assert (now["exchanges"], now["terms"][0]["deliveries"][0]["share"] < 1) == (2, True)
    assert await progress(own_client, id_, as_of=1) == before
    assert await progress(own_client, id_, release="latest") == before


async def test_agreements_that_do_not_stand(curator: Curator) -> None:
    await write_pact(curator, promise(**THERE), handover("one", THERE))
    for id_ in ("nothing", "%20", "first"):
        assert problem_of(await curator.get(path_of(id_))).code == "not_found"
    assert problem_of(await curator.get(f"{path_of('pact')}?as_of=1")).code == "not_found"
    await curator.change("POST", "/v1/agreements/pact/merge", query={"into": "talks"})
    moved = await curator.get(f"{path_of('pact')}?as_of=4")
    assert (moved.status_code, moved.headers["location"]) == (308, f"{path_of('talks')}?as_of=4")
    moved = await curator.get(path_of("pact"))
    assert (moved.status_code, moved.headers["location"]) == (308, path_of("talks"))
    assert (await progress(curator.client, "talks"))["exchanges"] == 1
    assert (await progress(curator.client, "pact", as_of=3))["exchanges"] == 1
    await curator.create(R.AGREEMENT, agreement("short-lived"))
    await curator.change("DELETE", "/v1/agreements/short-lived")
    assert problem_of(await curator.get(path_of("short-lived"))).code == "gone"


async def test_what_is_not_understood(client: httpx.AsyncClient) -> None:
    for query in ({"limit": 5}, {"claimant": "uae"}, {"as_of": "99"}, {"as_of": "1", "release": "latest"}):
        assert problem_of(await ask(client, path_of(AGREEMENTS[0]), query)).code == "invalid_query"
