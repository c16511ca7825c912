"""Statistics: people are counted once, whoever says so, and only if their exchange took place."""

from itertools import pairwise
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.comparing import compare
from db.enums import Resource
from tests.applications import application, running
from tests.asking import ask, walk
from tests.curating import url_of
from tests.statsmodel import DIMENSIONS, Asked
from tests.synthetic import Record, actor, claim, exchange
from tests.test_merged_names import merged
from tests.test_stats import STATS, check, codes, note, stats
from tests.writing import changed, made, put, put_small

pytestmark = pytest.mark.anyio

R = Resource
CITED = "al-jazeera-2024-12-30"
TOLD = ("best", "directions_stated", "directions_not_stated")


# Claimants that were merged


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"orient": 90, "east": 100}, 100),  # what was said under the id that is left
        ({"ahead": 80, "orient": 90, "east": 100}, 100),
        ({"ahead": 80, "orient": 90}, 80),  # or else under the first of the others
        ({"orient": 90}, 90),
    ],
)
async def test_two_claimants_that_are_one_by_now_state_a_figure_once(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient, counts: dict[str, int], expected: int
) -> None:
    names = ("north", "south", "west", "east", "orient", "ahead")
    await put(loaded_engine, *(made(R.ACTOR, actor(name)) for name in names))
    claims = [
        claim(f"one-of-two:c{n}", citations=[CITED], claimant=claimant, count=count)
        for n, (claimant, count) in enumerate(counts.items(), 1)
    ]
    claims.append(claim("one-of-two:c9", citations=[CITED], claimant="west", count=70))
    back = claim("one-of-two:c8", citations=[CITED], released_by="south", received_by="north", count=3)
    record = exchange("one-of-two", citations=[CITED], claims=[*claims, back])
    await put(loaded_engine, made(R.EXCHANGE, record))
    before = (await ask(own_client, "/v1/dataset")).json()["dataset"]["revision"]
    await merged(loaded_engine, R.ACTOR, "orient", "east")
    await merged(loaded_engine, R.ACTOR, "ahead", "east")
    query: dict[str, Any] = {"party": "north", "as_of": before, "counted_by": "east"}
    answer = await stats(own_client, query)
    assert [answer["total"][name] for name in TOLD] == [expected, 1, 1]
    for dimension in DIMENSIONS:
        answer = await stats(own_client, query | {"group_by": dimension, "counted_by": ["east", "west"]})
        cells = {(cell["group"], cell["claimant"]): cell for cell in answer["data"] if cell["best"]}
        found = {claimant: cell["best"] for (_, claimant), cell in cells.items()}
        assert found == {"east": expected, "west": 70}, dimension
        assert {cell["directions_stated"] for cell in cells.values()} == {1}
    common = await stats(own_client, query | {"common": "true"})
    assert [common["total"][name] for name in TOLD] == [expected, 1, 0]


# Sums that are kept with exchanges


async def test_what_the_version_before_wrote_without_sums_is_summed(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    id_ = "2024-12-30-russia-ukraine"
    changes: list[dict[str, Any]] = [{"claims": []}, {"summary": "Nothing is known of how many."}]
    for fields in changes:
        await put(loaded_engine, await changed(loaded_engine, R.EXCHANGE, id_, **fields))
    queries: list[dict[str, Any]] = [
        state | about | {"group_by": group_by}
        for state in ({}, {"as_of": "1"}, {"as_of": "2"})
        for about in ({}, {"year": 2024}, {"mediator": "uae"})
        for group_by in ([], ["mediator", "year"], ["direction"])
    ]
    told = [await stats(own_client, query) for query in queries]
    forget = "UPDATE exchange_index SET persons_low = NULL, persons_high = NULL"
    async with loaded_engine.begin() as connection:
        await connection.execute(text(forget))
    again = [await stats(own_client, query) for query in queries]
    assert again == told
    assert len({answer["total"]["low"] for answer in told}) > 3


# Overlaps that two exchanges tell of each other


Told = tuple[str, str, int]


def of(other: str, released_by: str, received_by: str, count: int) -> Record:
    ends = {"released_by": released_by, "received_by": received_by}
    return {"exchange": other, "measure": "persons", "count": count, "note": None} | ends


@pytest.mark.parametrize(
    ("told", "query", "expected"),
    [
        (([("north", "south", 1)], [("south", "north", 2)]), {}, {"aa": 2, "bb": 1}),
        (([("north", "south", 1)], [("north", "south", 2)]), {}, {"aa": 2}),
        (([("north", "south", 2)], [("north", "south", 2)]), {}, {"bb": 2}),
        (
            (
                [("north", "south", 1), ("south", "north", 4)],
                [("north", "south", 3), ("south", "north", 2)],
            ),
            {},
            {"aa": 3, "bb": 4},  # each way is told by who says more
        ),
        (
            (
                [("north", "south", 1), ("south", "north", 4)],
                [("north", "south", 3), ("south", "north", 2)],
            ),
            {"received_by": "north"},
            {"bb": 4},
        ),
        # From a third state one party takes in whom the other let go: these may be the same people.
        (([("east", "south", 2)], [("north", "south", 2)]), {}, {"bb": 2}),
        (([("east", "south", 2)], [("south", "north", 2)]), {}, {"aa": 2, "bb": 2}),
        (([("east", "south", 2)], [("north", "south", 2), ("east", "north", 3)]), {}, {"aa": 5}),
        # Who went the very same way comes first.
        (
            ([("east", "south", 2), ("south", "north", 2)], [("east", "north", 2), ("east", "south", 2)]),
            {},
            {"bb": 4},
        ),
    ],
)
async def test_overlaps_of_people_who_went_other_ways_are_both_subtracted(
    engine: AsyncEngine,
    server_url: str,
    told: tuple[list[Told], list[Told]],
    query: dict[str, str],
    expected: dict[str, int],
) -> None:
    await put_small(engine)

    later, earlier = told

    def counting(id_: str, day: str, overlaps: list[Record]) -> Any:
        ways = (("north", "south"), ("south", "north"), ("east", "south"), ("east", "north"))
        claims = [
            claim(f"{id_}:c{n}", released_by=released_by, received_by=received_by, count=50)
            for n, (released_by, received_by) in enumerate(ways)
        ]
        fields: dict[str, Any] = {"date": day, "parties": ["north", "south", "east"]}
        return made(R.EXCHANGE, exchange(id_, claims=claims, overlaps=overlaps, **fields))

    await put(
        engine,
        counting("aa", "2022-01-01", [of("bb", *each) for each in earlier]),
        counting("bb", "2022-01-02", [of("aa", *each) for each in later]),
    )
    async with running(application(await url_of(engine, server_url))) as client:
        answer = await stats(client, {"year": "2022", "group_by": "year"} | query)
        people = sum(expected.values())
        assert answer["total"]["overlap"] == people
        assert answer["total"]["best"] == answer["data"][0]["best"] - people
        pairs = {"aa": "aa in bb", "bb": "bb in aa"}
        text = note(answer, "overlap")
        assert [f"{expected[id_]} of {pairs[id_]}" in text for id_ in expected] == [True] * len(expected)
        assert [pair in text for id_, pair in pairs.items() if id_ not in expected] in ([False], [])


# What did not take place


async def test_exchanges_that_did_not_take_place_are_in_no_sum_unless_asked_for(
    engine: AsyncEngine, server_url: str
) -> None:
    await put_small(engine)  # 5 and 7 people
    for id_, status, count in (("third", "cancelled", 1000), ("fourth", "announced", 300)):
        early = claim(f"{id_}:c2", count=count - 1, covers="fragment", claimant="north")
        claims = [claim(f"{id_}:c1", count=count, claimant="north"), early]
        record = exchange(id_, status=status, date="2021-01-01", claims=claims)
        await put(engine, made(R.EXCHANGE, record))
    async with running(application(await url_of(engine, server_url))) as client:
        records = await walk(client, "/v1/exchanges")
        assert len(records) == 4
        for status in ((), ("cancelled",), ("completed", "announced")):
            for group_by in ((), *((each,) for each in DIMENSIONS)):
                for measure in ("persons", "exchanges"):
                    await check(client, records, {}, Asked(group_by, measure, status=status))
        for query, best, left_out in (
            ({}, 12, 2),
            ({"year": "2021"}, 0, 2),
            ({"year": "2020"}, 12, 0),
            ({"min_persons": "500"}, 0, 1),
            ({"received_by": "south"}, 12, 2),
            ({"received_by": "east"}, 0, 0),
            ({"measure": "exchanges"}, 2, 2),
            ({"counted_by": "north", "common": "true"}, 0, 2),
            ({"counted_by": "south", "common": "true"}, 0, 0),
            ({"status": "announced"}, 300, 0),
            ({"status_not": "completed"}, 1300, 0),
            ({"status_not": "announced"}, 1012, 0),
            ({"status": ["announced", "cancelled", "completed"]}, 1312, 0),
        ):
            answer = await stats(client, query)
            assert answer["total"]["best"] == best, query
            assert ("not_completed" in codes(answer)) is (left_out > 0), query
            if left_out:
                are = "1 exchange that the query asks for is " if left_out == 1 else "2 exchanges "
                assert note(answer, "not_completed").startswith(are), query
            assert ("claims_left_out" in codes(answer)) is ("status" in str(query)), query
        for words, thousand in ((), False), (("completed", "cancelled"), True):
            asked = {"status": list(words), "received_by": "south"}
            drawn = (await ask(client, "/v1/charts/timeline.svg", asked)).text
            assert ("1,000" in drawn) is thousand


async def test_the_shipped_exchanges_are_all_completed(client: httpx.AsyncClient) -> None:
    answer = (await ask(client, STATS, {"group_by": "year"})).json()
    assert "not_completed" not in codes(answer)


async def test_yearly_sums_of_a_comparison_are_of_completed_exchanges(engine: AsyncEngine) -> None:
    await put_small(engine)
    third = exchange("third", status="announced", date="2021-01-01", claims=[claim("third:c1", count=9)])
    written = (
        made(R.EXCHANGE, third),
        made(R.EXCHANGE, third | {"status": "completed"}),
        made(R.EXCHANGE, third | {"status": "cancelled"}),
        await changed(engine, R.EXCHANGE, "first", status="cancelled"),
    )
    states = [1, *[(await put(engine, each)).revision for each in written]]
    async with engine.connect() as connection:
        found = [
            [tuple(each) for each in (await compare(connection, before, after)).figures]
            for before, after in pairwise(states)
        ]
        assert found == [
            [],
            [(2021, "north", "south", 0, 9, 0, 1)],
            [(2021, "north", "south", 9, 0, 1, 0)],
            [(2020, "north", "south", 12, 7, 2, 1)],
        ]
        whole = (await compare(connection, states[0], states[2])).figures
        assert [tuple(each) for each in whole] == [(2021, "north", "south", 0, 9, 0, 1)]
