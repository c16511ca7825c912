"""Filters together: what holds for the same thing, the algebra of sisters, absence, names, and the questions
that people ask."""

from itertools import product
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import Resource
from db.writes import write
from tests import oracle, synthetic
from tests.asking import ask, found, id_of, walk
from tests.oracle import Record, any_figure, brokering, counted_claims, word
from tests.writing import made

pytestmark = pytest.mark.anyio

EXCHANGES = "/v1/exchanges"
NEW_YEAR = "2024-12-30-russia-ukraine"
DENIED = "2022-12-08-russia-united-states"


def exchanges(holds: Any) -> set[str]:
    return {exchange["id"] for exchange in oracle.records("exchanges") if holds(exchange)}


def matches(part: Record, asked: dict[str, str]) -> bool:
    return all(word(part[field]) == value for field, value in asked.items())


# What holds for the same thing


async def test_filters_of_claims_hold_for_the_same_counted_claim(client: httpx.AsyncClient) -> None:
    values: dict[str, tuple[str | None, ...]] = {
        "released_by": (None, "russia", "ukraine"),
        "received_by": (None, "ukraine", "dpr"),
        "claimant": (None, "uae", "russia", "none"),
        "category": (None, "military", "wounded"),
    }
    for chosen in product(*values.values()):
        asked = {name: value for name, value in zip(values, chosen, strict=True) if value}
        if len(asked) > 1:
            expected = exchanges(lambda e, a=asked: any(matches(claim, a) for claim in counted_claims(e)))
            assert await found(client, EXCHANGES, asked) == expected, asked


async def test_rank_and_covers_let_uncounted_claims_in(client: httpx.AsyncClient) -> None:
    for asked in ({"covers": "fragment", "claimant": "ukraine"}, {"rank": "deprecated", "category": "total"}):
        expected = exchanges(lambda e, a=asked: any(matches(claim, a) for claim in e["claims"]))
        assert expected
        assert await found(client, EXCHANGES, asked) == expected


async def test_filters_of_mediations_hold_for_the_same_mediation(client: httpx.AsyncClient) -> None:
    values: dict[str, tuple[str | None, ...]] = {
        "actor": (None, "uae", "united-states"),
        "role": (None, "mediator", "host", "transit"),
        "claimant": (None, "ukraine", "russia", "none"),
        "stance": (None, "denies", "asserts"),
    }
    names = {"actor": "mediator", "role": "mediator_role", "claimant": "mediator_claimant"}
    for chosen in product(*values.values()):
        asked = {name: value for name, value in zip(values, chosen, strict=True) if value}
        if len(asked) > 1:
            expected = exchanges(lambda e, a=asked: any(_is_meant(m, a) for m in e["mediations"]))
            query = {names.get(name, name): value for name, value in asked.items()}
            assert await found(client, EXCHANGES, query) == expected, query


def _is_meant(mediation: Record, asked: dict[str, str]) -> bool:
    role = "role" in asked or mediation["role"] in oracle.MEDIATING
    stance = "stance" in asked or mediation["stance"] == "asserts"
    return role and stance and matches(mediation, asked)


async def test_filters_of_figures_speak_of_the_direction_asked_for(client: httpx.AsyncClient) -> None:
    for receiver, least, most in product(("ukraine", "russia"), (None, 100, 275), (None, 280)):
        bounds = {"min_persons": least, "max_persons": most}
        asked = {name: value for name, value in bounds.items() if value is not None}

        def meant(
            e: Record, receiver: str = receiver, low: int = least or 0, high: int = most or 10**6
        ) -> bool:
            return any(
                row["received_by"] == receiver and row["measure"] == "persons" and low <= row["best"] <= high
                for row in oracle.figures_of()[e["id"]]
            )

        if asked:
            expected = exchanges(meant)
            assert await found(client, EXCHANGES, {"received_by": receiver} | asked) == expected, asked


async def test_min_persons_speaks_of_the_direction_of_a_figure(client: httpx.AsyncClient) -> None:
    query = {"received_by": "ukraine", "measure": "military", "min_persons": 100}
    expected = set()
    for rows in oracle.figures_of().values():
        many = {
            (row["released_by"], row["received_by"])
            for row in rows
            if row["measure"] == "persons" and row["best"] >= 100
        }
        expected |= {
            id_of(row)
            for row in rows
            if row["measure"] == "military"
            and row["received_by"] == "ukraine"
            and (row["released_by"], row["received_by"]) in many
        }
    assert expected
    assert await found(client, "/v1/figures", query) == expected


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("disputed", "disputed", True),
        ("disputed_by_parties", "disputed_by_parties", True),
        ("attestation", "attestation", "releaser_only"),
        ("attestation", "attestation", "both_parties"),
    ],
)
async def test_words_about_figures_speak_of_the_direction_asked_for(
    client: httpx.AsyncClient, name: str, field: str, value: object
) -> None:
    asked = "true" if value is True else str(value)
    for receiver in ("ukraine", "russia"):
        expected = exchanges(
            lambda e, to=receiver: any(
                row["received_by"] == to and row[field] == value for row in oracle.figures_of()[e["id"]]
            )
        )
        assert expected != exchanges(lambda e: any_figure(e, field, value))
        assert await found(client, EXCHANGES, {"received_by": receiver, name: asked}) == expected


async def test_each_value_of_all_may_be_met_by_a_claim_of_its_own(client: httpx.AsyncClient) -> None:
    def says(e: Record, claimant: str) -> bool:
        asked = {"claimant": claimant, "received_by": "ukraine", "category": "total"}
        return any(matches(claim, asked) for claim in counted_claims(e))

    query = {"claimant_all": ["russia", "ukraine"], "received_by": "ukraine", "category": "total"}
    expected = exchanges(lambda e: says(e, "russia") and says(e, "ukraine"))
    assert expected
    assert await found(client, EXCHANGES, query) == expected


async def test_none_with_other_filters_asks_that_no_such_mediation_is_there(
    client: httpx.AsyncClient,
) -> None:
    def says(e: Record, claimant: str, *actors: str) -> bool:
        return any(m["claimant"] == claimant and (m["actor"] in actors or not actors) for m in brokering(e))

    query: dict[str, object] = {"mediator": "none", "mediator_claimant": "ukraine"}
    expected = exchanges(lambda e: not says(e, "ukraine"))
    assert 0 < len(expected) < len(oracle.records("exchanges"))
    assert await found(client, EXCHANGES, query) == expected
    expected = exchanges(lambda e: not says(e, "ukraine") or says(e, "ukraine", "uae"))
    assert await found(client, EXCHANGES, query | {"mediator": ["none", "uae"]}) == expected
    in_transit = {"mediator": "none", "mediator_role": "transit"}
    expected = exchanges(lambda e: all(m["role"] != "transit" for m in e["mediations"]))
    assert await found(client, EXCHANGES, in_transit) == expected


# The algebra of sisters

OTHERS: tuple[dict[str, object], ...] = (
    {},
    {"received_by": "ukraine"},
    {"mediator_claimant": "ukraine"},
    {"category": ["wounded", "child"], "year": 2024},
    {"stance": ["asserts", "denies"], "mediator_role": "mediator"},
    {"mediator": ["uae", "turkey"], "claimant": "russia"},
    {"rank": "normal", "released_by": "russia"},
)
SEVERAL = (
    ("mediator", "uae", "united-states"),
    ("mediator", "none", "uae"),
    ("mediator_role", "host", "transit"),
    ("mediator_claimant", "russia", "none"),
    ("stance", "denies", "asserts"),
    ("party", "russia", "dpr"),
    ("released_by", "ukraine", "dpr"),
    ("claimant", "uae", "none"),
    ("category", "wounded", "military"),
    ("rank", "deprecated", "normal"),
    ("covers", "subset", "fragment"),
    ("publisher", "tass", "babel"),
    ("agency", "reuters", "none"),
    ("attestation", "releaser_only", "both_parties"),
)


@pytest.mark.parametrize(
    ("others", "name", "first", "second"),
    [
        pytest.param(others, name, first, second, id=f"{others}-{name}={first},{second}")
        for others, (name, first, second) in product(OTHERS, SEVERAL)
        if name not in others
    ],
)
async def test_sisters(
    client: httpx.AsyncClient, others: dict[str, object], name: str, first: str, second: str
) -> None:
    """`x_not` removes what `x` would have found; `x` unites; `x_all` intersects; the rest stays the same."""

    async def find(sister: str, *values: str) -> set[str]:
        return await found(client, EXCHANGES, others | {name + sister: list(values)})

    everything = await found(client, EXCHANGES, others)
    one, two = await find("", first), await find("", second)
    assert await find("", first, second) == one | two
    assert await find("_all", first) == one
    assert await find("_all", first, second) == one & two
    assert await find("_not", first) == everything - one
    assert await find("_not", first, second) == everything - one - two


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/v1/mediations", "mediator", "uae"),
        ("/v1/mediations", "stance", "denies"),
        ("/v1/claims", "claimant", "none"),
        ("/v1/claims", "category", "remains"),
        ("/v1/figures", "attestation", "press_only"),
        ("/v1/totals", "year", "2025"),
        ("/v1/totals", "mediator", "none"),
        ("/v1/articles", "agency", "tass"),
    ],
)
async def test_not_is_the_rest_of_every_list(
    client: httpx.AsyncClient, path: str, name: str, value: str
) -> None:
    those = await found(client, path, {name: value})
    assert those
    assert await found(client, path, {name + "_not": value}) == await found(client, path) - those


# Questions


async def test_all_exchanges_between_two_parties(client: httpx.AsyncClient) -> None:
    expected = exchanges(lambda e: {"russia", "ukraine"} <= set(e["parties"]))
    assert await found(client, EXCHANGES, {"party_all": ["russia", "ukraine"]}) == expected
    assert expected < await found(client, EXCHANGES, {"party": ["russia", "ukraine"]})


async def test_a_hundred_home_to_ukraine_is_not_a_hundred_in_all(client: httpx.AsyncClient) -> None:
    home = await found(client, EXCHANGES, {"received_by": "ukraine", "min_persons": 100})
    in_all = await found(client, EXCHANGES, {"min_persons": 100})
    assert home < in_all


async def test_the_emirates_state_no_military_count(client: httpx.AsyncClient) -> None:
    assert await found(client, EXCHANGES, {"claimant": "uae", "category": "military"}) == set()
    assert await found(client, EXCHANGES, {"claimant": "uae"}) & await found(
        client, EXCHANGES, {"category": "military"}
    )


async def test_nobody_is_said_to_have_brokered_it(client: httpx.AsyncClient) -> None:
    none = await found(client, EXCHANGES, {"mediator": "none"})
    assert none == exchanges(lambda e: not brokering(e))
    assert none | await found(client, EXCHANGES, {"mediator_not": "none"}) == exchanges(lambda _: True)


async def test_the_emirates_and_the_united_states_together(client: httpx.AsyncClient) -> None:
    both = exchanges(lambda e: {"uae", "united-states"} <= oracle.mediators(e))
    assert both
    assert await found(client, EXCHANGES, {"mediator_all": ["UAE", "U.S.A."]}) == both


async def test_kyiv_itself_calls_the_emirates_mediator(client: httpx.AsyncClient) -> None:
    asked = {"actor": "uae", "claimant": "ukraine", "role": "mediator"}
    expected = exchanges(lambda e: any(matches(m, asked) for m in brokering(e)))
    query = {"mediator": "UAE", "mediator_claimant": "Kyiv", "mediator_role": "mediator"}
    assert await found(client, EXCHANGES, query) == expected
    assert NEW_YEAR in expected


async def test_figures_on_the_word_of_one_side(client: httpx.AsyncClient) -> None:
    sides = ["receiver_only", "releaser_only"]
    expected = {row["id"] for row in oracle.figures() if row["attestation"] in sides}
    assert await found(client, "/v1/figures", {"attestation": sides}) == expected


async def test_persons_figures_with_a_single_independent_source(client: httpx.AsyncClient) -> None:
    expected = {row["id"] for row in oracle.figures() if row["measure"] == "persons" and row["sources"] == 1}
    figures = await walk(client, "/v1/figures", {"measure": "persons", "max_sources": 1})
    assert {figure["independent_sources"] for figure in figures} == {1}
    assert len(figures) == len(expected) > 0


async def test_wounded_who_came_home_in_2024(client: httpx.AsyncClient) -> None:
    query = {"measure": "wounded", "received_by": "ukraine", "year": 2024}
    rows = [
        row
        for row in oracle.figures()
        if (row["measure"], row["received_by"], row["of"]["date"][:4]) == ("wounded", "ukraine", "2024")
    ]
    figures = await walk(client, "/v1/figures", query)
    assert sorted(figure["best"] for figure in figures) == sorted(row["best"] for row in rows)
    asked = {"category": "wounded", "received_by": "ukraine", "year": 2024}
    assert await found(client, EXCHANGES, asked) == {row["exchange"] for row in rows}


async def test_denials_are_kept_and_do_not_match(client: httpx.AsyncClient) -> None:
    record = (await ask(client, f"{EXCHANGES}/{DENIED}")).json()
    denials = [m for m in record["mediations"] if m["stance"] == "denies"]
    assert {m["actor"] for m in denials} == {"uae", "saudi-arabia"}
    assert await found(client, EXCHANGES, {"stance": "denies"}) == {DENIED}
    assert await found(client, "/v1/mediations", {"stance": "denies"}) == {m["id"] for m in denials}
    for actor in ("uae", "saudi-arabia"):
        asserting = {m["exchange"] for m in await walk(client, "/v1/mediations", {"mediator": actor})}
        assert await found(client, EXCHANGES, {"mediator": actor}) == asserting
        listed = await found(client, "/v1/mediations", {"mediator": actor})
        assert not listed & {m["id"] for m in denials}
        assert await found(client, EXCHANGES, {"mediator": actor, "stance": "denies"}) == {DENIED}
    by_white_house = {"mediator": "saudi-arabia", "mediator_claimant": "united-states"}
    assert DENIED not in await found(client, EXCHANGES, by_white_house)


@pytest.mark.parametrize(
    "name", ["UAE", "uae", "united arab emirates", "ARE", "AE", "ОАЭ", "U.A.E.", " uAe "]
)
async def test_a_name_in_any_spelling_is_the_same_query(client: httpx.AsyncClient, name: str) -> None:
    response = await ask(client, EXCHANGES, {"mediator": name, "limit": 1})
    assert response.json()["meta"]["query"] == {"mediator": ["uae"]}
    assert response.json()["meta"]["total"] == len(exchanges(lambda e: "uae" in oracle.mediators(e)))


async def test_a_member_of_a_coalition_is_told_of_it(client: httpx.AsyncClient) -> None:
    meta = (await ask(client, EXCHANGES, {"party": "dpr", "limit": 1})).json()["meta"]
    assert [note["code"] for note in meta["notes"]] == ["coalition"]
    assert "dpr-lpr" in meta["notes"][0]["text"]
    both = (await ask(client, EXCHANGES, {"party": ["dpr", "dpr-lpr"], "limit": 1})).json()["meta"]
    assert both["notes"] == []


# What the shipped data lack


async def test_what_no_shipped_record_is(loaded_engine: AsyncEngine, own_client: httpx.AsyncClient) -> None:
    exchange = synthetic.exchange(
        "2001-01-01-aland-bland",
        date="2001-01-01",
        status="cancelled",
        parties=["aland", "bland"],
        claims=[
            synthetic.claim(
                "2001-01-01-aland-bland:c1", released_by="aland", received_by="bland", rank="preferred"
            )
        ],
    )
    sides = {"parties": ["aland", "bland"]}
    records = [
        *(made(Resource.ACTOR, synthetic.actor(id_)) for id_ in ("aland", "bland")),
        made(Resource.PUBLISHER, synthetic.publisher("gazette")),
        made(Resource.ARTICLE, synthetic.article("page-1", link_status="dead")),
        made(Resource.AGREEMENT, synthetic.agreement("aland-talks", **sides)),
        made(Resource.EXCHANGE, exchange),
        made(Resource.TOTAL, synthetic.total("total-of-aland", **sides)),
    ]
    await write(loaded_engine, records, reason="a test")
    for path, query, only in (
        (EXCHANGES, {"status": "cancelled"}, exchange["id"]),
        (EXCHANGES, {"status_not": "completed"}, exchange["id"]),
        (EXCHANGES, {"rank": "preferred"}, exchange["id"]),
        ("/v1/claims", {"rank": "preferred"}, exchange["claims"][0]["id"]),
        ("/v1/articles", {"link_status": "dead"}, "page-1"),
        ("/v1/articles", {"link_status_not": "unchecked"}, "page-1"),
        ("/v1/agreements", {"party": "Land aland"}, "aland-talks"),
        ("/v1/agreements", {"party_not": "russia"}, "aland-talks"),
        ("/v1/agreements", {"mediator": "none"}, "aland-talks"),
        ("/v1/totals", {"party_all": ["aland", "bland"]}, "total-of-aland"),
        ("/v1/totals", {"party_not": "ukraine"}, "total-of-aland"),
    ):
        assert await found(own_client, path, query) == {only}, query
