"""Published totals against our own sums: every step reckoned again, and what must not count."""

from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.checkschemas import ReconciliationAnswer
from db.checkrecords import StepNumbers
from db.enums import Resource
from db.reconciling import steps_of
from tests import oracle, reckoning
from tests.applications import Queries
from tests.asking import ask
from tests.oracle import Record, word
from tests.synthetic import actor, article, claim, exchange, mediation, publisher, total
from tests.test_http_shell import problem_of
from tests.writing import changed, made, put

pytestmark = pytest.mark.anyio

PATH = "/v1/reconciliation"
R = Resource
CLAIMANTS = sorted({str(word(each["claimant"])) for each in oracle.records("totals")})


async def series(client: httpx.AsyncClient, **query: object) -> list[Record]:
    response = await ask(client, PATH, query)
    assert response.status_code == 200, response.text
    found: list[Record] = response.json()["data"]
    return found


async def the_one(client: httpx.AsyncClient, **query: object) -> Record:
    """Give the series of a claimant that no scope narrows but what is asked for."""
    scope = {name: query.get(name) for name in ("mediator", "year", "agreement", "since")}
    asked = {name: value for name, value in query.items() if name in {"claimant", "mediator", "measure"}}
    [found] = [
        each
        for each in await series(client, category="total", **asked)
        if all(each[name] == value for name, value in scope.items())
    ]
    return found


# The whole, reckoned again


@pytest.mark.parametrize("measure", ["persons", "exchanges"])
@pytest.mark.parametrize("claimant", CLAIMANTS)
async def test_every_step_of_every_series(client: httpx.AsyncClient, claimant: str, measure: str) -> None:
    found = await series(client, claimant=claimant, measure=measure)
    expected = {
        key: totals
        for key, totals in reckoning.all_series().items()
        if (word(key[0]), key[1]) == (claimant, measure)
    }
    assert {reckoning.key_of(each) for each in found} == set(expected)
    assert [each["series"] for each in found] == sorted({each["series"] for each in found})
    for each in found:
        totals = expected[reckoning.key_of(each)]
        assert [told["total"] for told in each["totals"]] == [told["id"] for told in totals]
        windows = list(reckoning.windows(totals))
        exact = [told["id"] for told in totals if told["qualifier"] == "exact"]
        assert each["baseline"] == (exact[0] if len(windows) < len(exact) else None)
        assert len(each["steps"]) == len(windows)
        for step, (before, after) in zip(each["steps"], windows, strict=True):
            check_step(step, before, after)


def check_step(step: Record, before: Record | None, total: Record) -> None:
    assert (step["previous"], step["total"]) == (before and before["id"], total["id"])
    assert step["until"] == total["as_of"]
    difference = total["value"] - (before["value"] if before else 0)
    assert step["published_difference"] == difference
    exchanges = reckoning.fitting(before, total)
    told = [
        {"exchange": each["id"], "date": each["date"], "kind": each["kind"]} | reckoning.numbers(each, total)
        for each in exchanges
    ]
    assert [{name: each[name] for name in told[0]} for each in step["exchanges"]] == told
    sums = {name: sum(each[name] or 0 for each in told) for name in ("own", "number", "best")}
    assert (step["own"], step["own_else_best"], step["best"]) == tuple(sums.values())
    gaps = tuple(difference - value for value in sums.values())
    assert (step["own_gap"], step["gap"], step["best_gap"]) == gaps
    bases = [each["basis"] for each in told]
    assert step["exchanges_counted"] == len(told)
    assert step["exchanges_by_own_value"] == bases.count("own_value")
    assert step["exchanges_without_figure"] == bases.count("no_figure")
    cited = {*total["citations"], *(before["citations"] if before else ())}
    assert [each["id"] for each in step["articles"]] == sorted(cited)
    begins = reckoning.first_day(before, total) or min(
        [each["date"] for each in told], default=total["as_of"]
    )
    known = reckoning.gaps_known(begins, total["as_of"], total["category"])
    assert [note["id"] for note in step["coverage"]] == known


# Golden


async def test_the_emirati_running_total(client: httpx.AsyncClient) -> None:
    uae = await the_one(client, claimant="uae", mediator="uae")
    assert (len(uae["steps"]), uae["steps_without_gap"], uae["baseline"]) == (15, 11, "total-0034")
    assert {step["until"]: step["gap"] for step in uae["steps"] if step["gap"]} == {
        "2024-09-14": -98,
        "2025-01-15": 49,
        "2026-04-24": 350,
        "2026-06-07": 410,
    }
    easter = next(step for step in uae["steps"] if step["until"] == "2026-04-24")
    assert [note["id"] for note in easter["coverage"]] == ["2026-april-easter"]


async def test_the_year_2024_of_ukraine(client: httpx.AsyncClient) -> None:
    year = await the_one(client, claimant="ukraine", year=2024)
    [step] = year["steps"]
    assert (step["after"], step["published_difference"], step["own_else_best"], step["gap"]) == (
        "2023-12-31",
        1358,
        1358,
        0,
    )


async def test_the_russian_american_swap_is_in_no_total_of_others(client: httpx.AsyncClient) -> None:
    """The UAE brokered the swap of 10 April 2025 too; it falls into the step of 888, which is met without."""
    swap = oracle.by_id("exchanges")["2025-04-10-russia-united-states"]
    assert {m["actor"] for m in swap["mediations"] if m["role"] == "mediator"} == {"uae"}
    assert oracle.persons(swap)
    uae = await the_one(client, claimant="uae", mediator="uae")
    step = next(step for step in uae["steps"] if step["published_difference"] == 888)
    assert step["after"] < swap["date"] <= step["until"]
    assert [each["exchange"] for each in step["exchanges"]] == [
        "2025-03-19-russia-ukraine",
        "2025-04-19-russia-ukraine",
    ]
    assert step["gap"] == 0


async def test_what_an_exchange_rests_on(client: httpx.AsyncClient) -> None:
    uae = await the_one(client, claimant="uae", mediator="uae")
    step = next(step for step in uae["steps"] if step["published_difference"] == 888)
    stated, other = sorted(step["exchanges"], key=lambda each: str(each["basis"]), reverse=True)
    assert (stated["basis"], stated["number"], stated["own"]) == ("own_value", 350, 350)
    assert (other["basis"], other["number"], other["own"]) == ("best", 538, None)
    assert [each["received_by"] for each in other["directions"]] == ["ukraine", "russia"]
    assert sum(each["number"] for each in other["directions"]) == 538


# Made up: what counts, and what does not


def brokered(id_: str, **fields: Any) -> Any:
    """Make an exchange of five people that east brokered, between two lands."""
    mediations = fields.pop("mediations", [mediation(f"{id_}:m1")])
    claims = fields.pop("claims", [claim(f"{id_}:c1", **fields.pop("claim", {}))])
    return made(R.EXCHANGE, exchange(id_, claims=claims, mediations=mediations, **fields))


async def write_lands(engine: AsyncEngine, *more: Any, **scope: Any) -> None:
    """Write two totals of east's, of 31 January and 29 February 2020, and more."""
    scope = {"claimant": "east", "mediator": "east"} | scope
    await put(
        engine,
        *(made(R.ACTOR, actor(id_)) for id_ in ("north", "south", "east", "west")),
        made(R.PUBLISHER, publisher("gazette")),
        made(R.ARTICLE, article("page-1")),
        made(R.TOTAL, total("east-1", as_of="2020-01-31", value=100, **scope)),
        made(R.TOTAL, total("east-2", as_of="2020-02-29", value=110, **scope)),
        *more,
    )


async def counted(client: httpx.AsyncClient, **query: object) -> list[str]:
    [found] = await series(client, **({"claimant": "east"} | query))
    return [each["exchange"] for each in found["steps"][-1]["exchanges"]]


async def test_a_day_belongs_to_the_step_that_it_ends(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    days = ("2020-01-30", "2020-01-31", "2020-02-01", "2020-02-29", "2020-03-01")
    await write_lands(loaded_engine, *(brokered(f"on-{day}", date=day) for day in days))
    assert await counted(own_client) == ["on-2020-02-01", "on-2020-02-29"]
    [found] = await series(own_client, claimant="east")
    assert [(step["after"], step["until"]) for step in found["steps"]] == [("2020-01-31", "2020-02-29")]
    assert (found["baseline"], found["steps"][0]["gap"]) == ("east-1", 0)


@pytest.mark.parametrize(
    ("scope", "days", "after"),
    [
        ({"since": "2020-01-15"}, ["2020-01-15", "2020-01-31"], "2020-01-14"),
        ({"year": 2020}, ["2020-01-01", "2020-01-14", "2020-01-15", "2020-01-31"], "2019-12-31"),
    ],
    ids=["since", "year"],
)
async def test_where_a_series_begins(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient, scope: Record, days: list[str], after: str
) -> None:
    given = ("2019-12-31", "2020-01-01", "2020-01-14", "2020-01-15", "2020-01-31", "2020-02-01")
    await write_lands(loaded_engine, *(brokered(f"on-{day}", date=day) for day in given), **scope)
    [found] = await series(own_client, claimant="east")
    first = found["steps"][0]
    assert (found["baseline"], first["previous"], first["after"]) == (None, None, after)
    assert (first["previous_value"], first["published_difference"]) == (0, 100)
    assert [each["date"] for each in first["exchanges"]] == days


async def test_a_year_ends_with_its_last_day(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    """Totals of a year are often told in the next one."""
    given = (brokered(f"on-{day}", date=day) for day in ("2019-12-31", "2020-01-01"))
    await write_lands(loaded_engine, *given, year=2019)
    [found] = await series(own_client, claimant="east")
    assert [each["date"] for each in found["steps"][0]["exchanges"]] == ["2019-12-31"]


async def test_a_series_of_an_agreement_begins_with_it(client: httpx.AsyncClient) -> None:
    found = [each for each in await series(client, claimant="ukraine") if each["agreement"]]
    assert found
    assert {step["after"] for each in found for step in each["steps"][:1]} == {None}
    assert {each["baseline"] for each in found} == {None}


WITHIN = {"date": "2020-02-02"}


@pytest.mark.parametrize(
    "fields",
    [
        {"mediations": [mediation("odd:m1", stance="denies")]},
        {"mediations": [mediation("odd:m1", role="facilitator")]},
        {"mediations": [mediation("odd:m1", role="host")]},
        {"mediations": [mediation("odd:m1", role="transit")]},
        {"mediations": [mediation("odd:m1", actor="west")]},
        {
            "mediations": [
                mediation("odd:m1", stance="denies"),
                mediation("odd:m2", actor="west"),
                mediation("odd:m3", role="host"),
            ]
        },
        {"mediations": []},
        {"parties": ["north", "south", "west"]},
        {"parties": ["north"]},
        {"parties": ["north", "west"], "claim": {"received_by": "west"}},
        {"status": "announced"},
        {"status": "cancelled"},
        {"kind": "civilian_return"},
        {"kind": "remains"},
    ],
    ids=str,
)
async def test_what_does_not_count(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient, fields: Record
) -> None:
    odd, plain = brokered("odd", **WITHIN, **fields), brokered("plain", **WITHIN)
    await write_lands(loaded_engine, odd, plain)
    assert await counted(own_client) == ["plain"]


@pytest.mark.parametrize(
    ("category", "counting"),
    [
        ("total", {"plain", "silent"}),
        ("military", {"plain", "silent"}),
        ("child", {"returned", "children", "swapped-children"}),
        ("remains", {"bodies", "swapped-bodies"}),
    ],
)
async def test_which_handovers_a_category_counts(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient, category: str, counting: set[str]
) -> None:
    records = {
        "plain": brokered("plain", **WITHIN),
        "silent": brokered("silent", **WITHIN, claims=[]),
        "returned": brokered("returned", **WITHIN, kind="civilian_return"),
        "children": brokered("children", **WITHIN, kind="civilian_return", claim={"category": "child"}),
        "swapped-children": brokered("swapped-children", **WITHIN, claim={"category": "child"}),
        "bodies": brokered("bodies", **WITHIN, kind="remains", claims=[]),
        "swapped-bodies": brokered("swapped-bodies", **WITHIN, claim={"category": "remains"}),
    }
    await write_lands(loaded_engine, *records.values(), category=category)
    swapped = {"swapped-children", "swapped-bodies"} if category in {"total", "military"} else set()
    assert set(await counted(own_client)) == counting | swapped


async def test_only_exact_totals_bound_steps(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    scope = {"claimant": "east", "mediator": "east"}
    between = made(
        R.TOTAL, total("east-3", as_of="2020-02-10", value=104, qualifier="approximately", **scope)
    )
    await write_lands(loaded_engine, between)
    [found] = await series(own_client, claimant="east")
    assert [each["total"] for each in found["totals"]] == ["east-1", "east-3", "east-2"]
    assert [step["total"] for step in found["steps"]] == ["east-2"]


async def test_a_released_state_is_read_as_it_was(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient
) -> None:
    query = {"claimant": "uae", "mediator": "uae"}
    before = await series(own_client, **query)
    await put(loaded_engine, await changed(loaded_engine, R.TOTAL, "total-0164", value=7472))
    last = "2026-06-07-russia-ukraine"
    await put(loaded_engine, await changed(loaded_engine, R.EXCHANGE, last, status="cancelled"))
    assert await series(own_client, **query, as_of=1) == before
    assert await series(own_client, **query, release="2026.11") == before
    now = next(each for each in await series(own_client, **query) if each["baseline"])["steps"][-1]
    assert (now["published_difference"], now["own_else_best"], now["exchanges"]) == (781, 0, [])
    earlier = await series(own_client, **query, as_of=2)
    middle = next(each for each in earlier if each["baseline"])["steps"][-1]
    assert (middle["published_difference"], middle["own_else_best"]) == (781, 370)


# The question


async def test_a_claimant_is_needed(client: httpx.AsyncClient) -> None:
    for query in ({}, {"mediator": "uae"}, {"claimant_not": "uae"}):
        problem = problem_of(await ask(client, PATH, query))
        assert problem.code == "invalid_query"
        assert [(error.parameter, error.code) for error in problem.errors] == [("claimant", "missing")]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"claimant": "ukrane"}, "unknown_actor"),
        ({"claimant": "uae", "limit": 5}, "unknown_parameter"),
        ({"claimant": "uae", "cursor": "x"}, "unknown_parameter"),
        ({"claimant": "uae", "measure": "people"}, "invalid_value"),
        ({"claimant": "uae", "as_of": "99"}, "out_of_range"),
    ],
)
async def test_what_is_not_understood(client: httpx.AsyncClient, query: Record, code: str) -> None:
    problem = problem_of(await ask(client, PATH, query))
    assert [error.code for error in problem.errors] == [code]


async def test_names_and_narrowing(client: httpx.AsyncClient) -> None:
    everything = await series(client, claimant="ukraine")
    assert {each["measure"] for each in everything} == {"persons"}
    assert await series(client, claimant="Україна") == everything
    for name, value, held in (
        ("category", "child", "child"),
        ("received_by", "UA", "ukraine"),
        ("mediator", "Qatar", "qatar"),
        ("mediator", "none", None),
    ):
        found = await series(client, claimant="ukraine", **{name: value})
        assert found == [each for each in everything if each[name] == held]
        assert found
    both = await series(client, claimant="ukraine", measure=["persons", "exchanges"])
    assert {each["measure"] for each in both} == {"persons", "exchanges"}
    assert await series(client, claimant="ukraine", measure_not="exchanges") == everything
    answer = (await ask(client, PATH, {"claimant": "UAE", "mediator": "ОАЭ"})).json()
    assert answer["meta"]["query"] == {"claimant": ["uae"], "mediator": ["uae"]}
    assert await series(client, claimant="hungary") == []


async def test_steps_as_rows(client: httpx.AsyncClient) -> None:
    answer = ReconciliationAnswer.model_validate_json((await ask(client, PATH, {"claimant": "uae"})).content)
    for each in answer.data:
        rows = steps_of(each)
        assert [(row.series, row.claimant, row.mediator) for row in rows] == [
            (each.series, "uae", "uae") for _ in each.steps
        ]
        for row, step in zip(rows, each.steps, strict=True):
            told = {name: getattr(row, name) for name in StepNumbers.model_fields}
            assert told == {name: getattr(step, name) for name in StepNumbers.model_fields}


async def test_one_query_for_each_series(client: httpx.AsyncClient, queries: Queries) -> None:
    """And some that do not grow: the state, the release, the totals, the coverage notes."""
    counts = []
    for claimant in ("uae", "ukraine"):
        queries.clear()
        found = await series(client, claimant=claimant)
        counts.append(len(queries) - sum(1 for each in found if each["steps"]))
    assert counts[0] == counts[1]
