"""Statistics: every sum against one worked out by itself, what is counted once, and what is refused."""

from itertools import combinations
from typing import Any

import httpx
import pytest

from tests.asking import Query, ask, walk
from tests.statsmodel import DIMENSIONS, MEASURES, Asked, Labels, Record, Row, cells, overlap, stated, total

pytestmark = pytest.mark.anyio

STATS = "/v1/stats"
BY_UAE = {"received_by": "ukraine", "mediator": "UAE", "year": 2024}


async def stats(client: httpx.AsyncClient, query: Query | None = None) -> Record:
    response = await ask(client, STATS, query)
    assert response.status_code == 200, response.text
    answer: Record = response.json()
    return answer


def row(cell: Record) -> Row:
    return (cell["low"], cell["best"], cell["high"], cell["exchanges"], cell["without_figure"])


def labels(cell: Record, group_by: tuple[str, ...]) -> Labels:
    return (cell["group"], cell["group2"])[: len(group_by)]


def codes(answer: Record) -> list[str]:
    return [note["code"] for note in answer["meta"]["notes"]]


def note(answer: Record, code: str) -> str:
    return next(str(note["text"]) for note in answer["meta"]["notes"] if note["code"] == code)


@pytest.fixture(scope="module")
async def records(client: httpx.AsyncClient) -> list[Record]:
    return await walk(client, "/v1/exchanges")


async def check(client: httpx.AsyncClient, records: list[Record], query: Query, asked: Asked) -> None:
    """Ask, and hold the answer against the sums of the records."""
    parameters = {"group_by": list(asked.group_by), "measure": asked.measure} | dict(query)
    for name in ("released_by", "received_by", "status"):
        parameters |= {name: list(getattr(asked, name))} if getattr(asked, name) else {}
    answer = await stats(client, parameters)
    found = {labels(cell, asked.group_by): row(cell) for cell in answer["data"]}
    expected = cells(records, asked) if asked.group_by else {}
    assert found == expected, parameters
    assert list(found) == sorted(found)
    assert len(found) == len(answer["data"])
    shared, sums = overlap(records, asked), total(records, asked)
    assert answer["total"]["overlap"] == shared
    less = tuple(value if value is None else value - shared for value in sums[:3])
    assert row(answer["total"]) == (*less, *sums[3:]), parameters


# Sums


@pytest.mark.parametrize("measure", MEASURES)
async def test_every_dimension(client: httpx.AsyncClient, records: list[Record], measure: str) -> None:
    await check(client, records, {}, Asked((), measure))
    for dimension in DIMENSIONS:
        await check(client, records, {}, Asked((dimension,), measure))


async def test_every_two_dimensions(client: httpx.AsyncClient, records: list[Record]) -> None:
    for number, pair in enumerate(combinations(DIMENSIONS, 2)):
        await check(client, records, {}, Asked(pair))
        await check(client, records, {}, Asked(pair[::-1], MEASURES[number % len(MEASURES)]))


@pytest.mark.parametrize("dimension", DIMENSIONS)
async def test_ends_choose_directions(
    client: httpx.AsyncClient, records: list[Record], dimension: str
) -> None:
    for measure in ("persons", "exchanges", "remains"):
        for asked in (
            Asked((dimension,), measure, received_by=("ukraine",)),
            Asked((dimension,), measure, released_by=("russia", "belarus")),
            Asked((dimension,), measure, released_by=("ukraine",), received_by=("dpr", "lpr", "russia")),
        ):
            await check(client, records, {}, asked)


async def test_other_filters_choose_exchanges(client: httpx.AsyncClient) -> None:
    queries: tuple[dict[str, Any], ...] = (
        {"kind": ["transfer", "release"]},
        {"mediator": "uae", "date_from": "2025-01-01"},
        {"party": "dpr", "agreement": "none"},
        {"publisher_not": "tass", "year": [2023, 2025]},
        {"claimant": "uae", "disputed": "true"},
        {"q": "bodies"},
        {"has_figures": "false"},
        {"year": 1999},
    )
    for query in queries:
        found = await walk(client, "/v1/exchanges", query)
        for group_by in ((), ("year",), ("month", "kind"), ("direction",)):
            await check(client, found, query, Asked(group_by))


async def test_filters_about_figures_speak_of_the_directions_asked_for(
    client: httpx.AsyncClient, records: list[Record]
) -> None:
    for asked in ({"disputed": "true"}, {"min_persons": 200}, {"attestation": "receiver_only"}):
        found = await walk(client, "/v1/exchanges", {"received_by": "ukraine", **asked})
        answer = await stats(client, {"received_by": "ukraine", "measure": "exchanges", **asked})
        assert 0 < answer["total"]["exchanges"] == len(found) < len(records), asked


async def test_groups_are_of_the_mediations_asked_for(client: httpx.AsyncClient) -> None:
    for query, mediation in (
        ({"mediator_role": "host"}, (("role", "host"),)),
        ({"mediator_role": "transit"}, (("role", "transit"),)),
        ({"stance": "denies"}, (("stance", "denies"),)),
        ({"mediator": "turkey"}, (("actor", "turkey"),)),
        ({"mediator_claimant": "ukraine"}, (("claimant", "ukraine"),)),
        ({"mediator_all": "uae"}, ()),
        ({"mediator": "none"}, ()),
    ):
        found = await walk(client, "/v1/exchanges", query)
        assert found
        for group_by in (
            ("mediator",),
            ("mediator_role",),
            ("mediator", "mediator_role"),
            ("mediator", "year"),
        ):
            await check(client, found, query, Asked(group_by, mediation=mediation))


# What is counted once


async def test_persons_home_in_2024(client: httpx.AsyncClient) -> None:
    query = {"received_by": "ukraine", "kind": "prisoner_exchange", "year": 2024}
    assert (await stats(client, query))["total"]["best"] == 1358
    assert (await stats(client, query | {"group_by": "year"}))["data"][0]["best"] == 1358


async def test_an_exchange_is_in_the_group_of_each_mediator_and_once_in_the_total(
    client: httpx.AsyncClient, records: list[Record]
) -> None:
    answer = await stats(client, {"group_by": "mediator", "measure": "exchanges"})
    assert answer["total"]["exchanges"] == len(records) < sum(cell["exchanges"] for cell in answer["data"])
    assert "none" in {cell["group"] for cell in answer["data"]}
    assert "counted_in_several_groups" in codes(answer)
    assert "counted_in_several_groups" not in codes(await stats(client, {"group_by": "year"}))


@pytest.mark.parametrize(
    ("query", "people"),
    [
        ({}, 14),
        ({"measure": "military"}, 0),
        ({"measure": "exchanges"}, 0),
        ({"year": 2023}, 3),  # the five of July were counted in 2022
        ({"year": [2022, 2023]}, 8),
        ({"received_by": "ukraine"}, 10),  # the three of Hungary were counted on their way there
        ({"received_by": ["ukraine", "hungary"]}, 13),
        ({"received_by": "russia"}, 1),
        ({"released_by": "turkey"}, 0),
        ({"released_by": ["turkey", "russia"]}, 10),
        ({"released_by": ["turkey", "ukraine"]}, 1),  # nobody of those went from Ukraine in 2022
        ({"kind": "prisoner_exchange"}, 1),
        ({"counted_by": "russia", "released_by": "ukraine"}, 1),
        ({"counted_by": "uae"}, 0),
    ],
)
async def test_overlaps_are_subtracted_where_both_figures_are_in_the_sum(
    client: httpx.AsyncClient, query: Query, people: int
) -> None:
    answer = await stats(client, {"group_by": "year", **query})
    assert answer["total"]["overlap"] == people
    if "counted_by" not in query or people:
        assert sum(cell["best"] or 0 for cell in answer["data"]) - people == answer["total"]["best"]
    assert ("overlap" in codes(answer)) is (people > 0)


async def test_the_notes_tell_what_is_in_no_sum(client: httpx.AsyncClient, records: list[Record]) -> None:
    answer = await stats(client)
    living = [claim for record in records for claim in record["claims"] if claim["category"] != "remains"]
    deprecated = sum(claim["rank"] == "deprecated" for claim in living)
    fragments = sum(claim["covers"] == "fragment" and claim["rank"] == "normal" for claim in living)
    subsets = sum(claim["covers"] == "subset" and claim["rank"] == "normal" for claim in living)
    text = note(answer, "claims_left_out")
    assert text.startswith(f"{deprecated + fragments + subsets} claims of the selection are in no sum")
    assert f"{fragments} fragments" in text
    assert f"{deprecated} deprecated" in text
    assert f"{subsets} of a subset" in text
    assert " and 15 more." in text
    assert f" {answer['total']['without_figure']} exchanges " in note(answer, "without_figure")
    february = {"received_by": "ukraine", "year": 2024, "kind": "prisoner_exchange"}
    answer = await stats(client, february)
    assert note(answer, "claims_left_out").endswith(": 2024-02-08-russia-ukraine.")
    assert "1 claim of the selection is" in note(answer, "claims_left_out")
    [lone] = [
        record["id"]
        for record in records
        if [claim["covers"] for claim in record["claims"]].count("fragment") == 1
    ][:1]
    text = note(await stats(client, {"date_from": lone[:10], "date_to": lone[:10]}), "claims_left_out")
    assert "1 fragment (early" in text
    assert "claims_left_out" not in codes(await stats(client, february | {"measure": "military"}))
    assert "claims_left_out" not in codes(await stats(client, february | {"counted_by": "uae"}))
    assert "claims_left_out" not in codes(await stats(client, {"measure": "exchanges"}))


# Claimants


async def test_what_each_side_counts(client: httpx.AsyncClient) -> None:
    for claimant, expected in (("Україна", (1348, 11, 0, 11, 0)), ("uae", (365, 3, 8, 11, 8))):
        answer = await stats(client, BY_UAE | {"counted_by": claimant})
        (cell,) = answer["data"]
        told = ("best", "directions_stated", "directions_not_stated", "exchanges", "without_figure")
        assert tuple(cell[name] for name in told) == expected
        assert tuple(answer["total"][name] for name in told) == expected
        assert (cell["low"], cell["high"]) == (cell["best"], cell["best"])
    common = await stats(client, BY_UAE | {"counted_by": ["uae", "ukraine"], "common": "true"})
    assert {cell["claimant"]: cell["best"] for cell in common["data"]} == {"uae": 365, "ukraine": 404}
    assert {(cell["exchanges"], cell["directions_not_stated"]) for cell in common["data"]} == {(3, 0)}
    assert (common["total"]["best"], common["total"]["exchanges"]) == (None, 3)
    assert "no_total_of_claimants" in codes(common)
    alone = await stats(client, BY_UAE | {"counted_by": "uae", "common": "true"})
    assert (alone["total"]["best"], alone["total"]["directions_not_stated"]) == (365, 0)


@pytest.mark.parametrize("measure", MEASURES[1:])
async def test_every_claimant(client: httpx.AsyncClient, records: list[Record], measure: str) -> None:
    asked = Asked(measure=measure, received_by=("ukraine", "russia"))
    query: dict[str, Any] = {"measure": measure, "received_by": ["ukraine", "russia"]}
    answer = await stats(client, query | {"group_by": "claimant"})
    assert answer["data"]
    claimants = {each["claimant"] for r in records for f in r["figures"] for each in f["by_claimant"]}
    expected = {
        claimant or "none": sums
        for claimant in claimants
        if (sums := stated(records, asked, claimant))[0] is not None
    }
    told = ("best", "directions_stated", "directions_not_stated")
    assert {cell["group"]: tuple(cell[name] for name in told) for cell in answer["data"]} == expected
    assert {cell["claimant"] for cell in answer["data"]} == set(expected)
    for claimant, sums in expected.items():
        (cell,) = (await stats(client, query | {"counted_by": claimant}))["data"]
        assert tuple(cell[name] for name in told) == sums


async def test_claimants_by_other_dimensions(client: httpx.AsyncClient, records: list[Record]) -> None:
    for dimension in DIMENSIONS:
        answer = await stats(client, {"group_by": ["claimant", dimension]})
        sums: dict[tuple[str, str], int] = {}
        for record in records:
            for figure in record["figures"]:
                for each in figure["by_claimant"] if figure["measure"] == "persons" else ():
                    one = record | {"figures": [figure | {"low": each["value"], "best": each["value"]}]}
                    for (label,), sum_ in cells([one], Asked((dimension,))).items():
                        key = (each["claimant"] or "none", label)
                        sums[key] = sums.get(key, 0) + (sum_[1] or 0)
        assert {(cell["group"], cell["group2"]): cell["best"] for cell in answer["data"]} == sums
        named = await stats(client, {"group_by": dimension, "counted_by": ["uae", "none"]})
        groups = {cell["group"] for cell in (await stats(client, {"group_by": dimension}))["data"]}
        assert {(cell["group"], cell["claimant"]) for cell in named["data"]} == {
            (group, claimant) for group in groups for claimant in ("uae", "none")
        }
        for cell in named["data"]:
            assert cell["best"] == sums.get((cell["claimant"], cell["group"]))
