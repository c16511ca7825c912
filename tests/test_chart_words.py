"""What charts say in words: the query, what is left out, and what is told to those who do not see them."""

from collections import Counter
from enum import StrEnum

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.chartqueries import PHRASES
from api.chartwords import printable, short_name, with_article
from api.filters import StatsFilters
from db.enums import Resource
from tests.applications import application, running
from tests.asking import Query, ask, walk
from tests.charting import CHARTS, Spec, spec_of, texts
from tests.curating import url_of
from tests.synthetic import claim, exchange
from tests.writing import made, put, put_small

pytestmark = pytest.mark.anyio

WORDS: list[tuple[Query, str]] = [
    (
        {"mediator": "ОАЭ", "year": [2024, 2025]},
        "Brokered by the United Arab Emirates; in 2024 or 2025",
    ),
    (
        {"mediator": "none", "received_by_not": "Kyiv"},
        "With no mediator named; not received by Ukraine",
    ),
    ({"mediator_not": "none"}, "With a mediator named"),
    (
        {"party_all": ["russia", "ukraine"], "date_from": "2024-02-01"},
        "Involving Russia and Ukraine; from 1 February 2024 on",
    ),
    ({"date_from": "2024-12-30", "date_to": "2024-12-30"}, "On 30 December 2024"),
    ({"date_from": "2024-12-01", "date_to": "2025-01-31"}, "From 1 December 2024 to 31 January 2025"),
    ({"q": "bodies UAE", "measure": "remains"}, "With the words “bodies UAE”"),
    ({"has_overlaps": "true"}, "With people whom another exchange counts too"),
    ({"min_persons": 1000}, "At least 1,000 people"),
    (
        {"agreement": "istanbul-2025-05-16"},
        "Under the agreement “Istanbul talks, first round: 1,000-for-1,000 prisoner exchange”",
    ),
    ({"agreement_not": "none"}, "Under an agreement"),
    ({"publisher": "tass", "kind_not": "remains"}, "Without handovers of the dead; reported by TASS"),
    ({"attestation": "both_parties"}, "With a number from both sides"),
    (
        {"claimant": ["uae", "none"]},
        "With a number stated by the United Arab Emirates or with a number in a report's own words",
    ),
]


async def test_everything_that_is_left_out_is_told(client: httpx.AsyncClient, specs: list[Spec]) -> None:
    async def told(chart: str, **query: str) -> list[str]:
        return texts(await spec_of(client, specs, chart, {"width": 2000, **query}))

    records = await walk(client, "/v1/exchanges")

    def lacking(measure: str) -> Counter[bool]:
        """Count exchanges without a figure, and tell handovers of the dead from others."""
        having = [{figure["measure"] for figure in record["figures"]} for record in records]
        pairs = zip(records, having, strict=True)
        return Counter(record["kind"] == "remains" for record, known in pairs if measure not in known)

    persons, remains, children = lacking("persons"), lacking("remains"), lacking("child")
    assert (persons[True], persons[False]) == (62, 9)
    for chart in CHARTS:
        words = await told(chart)
        of = len(records) - persons[True]
        assert f"Left out: 9 of {of} exchanges, for which no number of living people is known." in words
        assert "Left out: 62 handovers of the dead." in words
        times = "once" if chart == "cumulative" else "twice"
        assert (
            f"14 living people appear in the records of two exchanges and are counted {times} here." in words
        )
        assert not [text for text in words if "cancelled" in text], "all are completed"
        # Nobody expects bodies in an exchange of the living, and there it is not known that no child was.
        dead = await told(chart, measure="remains")
        of = len(records) - remains.total() + remains[True]
        none = "no number of bodies of the dead is known."
        known = f"Left out: {remains[True]} of {of} exchanges, for which {none}"
        assert (known in dead) is (remains[True] > 0)
        assert not [text for text in dead if "handovers of the dead" in text]
        of = len(records) - children[True]
        none = "no number of children is known; there may have been none."
        assert f"Left out: {children[False]} of {of} exchanges, for which {none}" in await told(
            chart, measure="child"
        )


async def test_exchanges_that_did_not_take_place_are_told(engine: AsyncEngine, server_url: str) -> None:
    await put_small(engine)  # 5 and 7 people
    for id_, status in (("third", "cancelled"), ("fourth", "announced")):
        fields = {"status": status, "date": "2021-01-01", "claims": [claim(f"{id_}:c1", count=1000)]}
        await put(engine, made(Resource.EXCHANGE, exchange(id_, **fields)))
    both = "Left out: 2 exchanges that were announced or cancelled, and not carried out."
    one = "Left out: 1 exchange that was announced or cancelled, and not carried out."
    async with running(application(await url_of(engine, server_url))) as client:
        for query, expected in (
            ({}, both),
            ({"year": 2021}, both),
            ({"q": "handover", "min_persons": 900, "status_not": "completed"}, None),
            ({"status": "cancelled"}, None),
            ({"year": 2020}, None),
        ):
            for chart in CHARTS:
                picture = (await ask(client, f"/v1/charts/{chart}.svg", query)).text
                assert expected in picture if expected else "carried out" not in picture, (chart, query)
                assert one not in picture
            notes = (await ask(client, "/v1/stats", query)).json()["meta"]["notes"]
            assert any(note["code"] == "not_completed" for note in notes) is bool(expected), (
                "as /v1/stats says"
            )
        empty = (await ask(client, "/v1/charts/balance.svg", {"year": 2021})).text
        assert "No completed exchange in the dataset matches this query." in empty


async def test_nothing_to_draw_is_a_picture_too(client: httpx.AsyncClient, specs: list[Spec]) -> None:
    for chart in CHARTS:
        told = texts(await spec_of(client, specs, chart, {"min_persons": 100_000}))
        assert {"Nothing to draw", "No exchange in the dataset matches this query."} <= set(told)
        told = texts(await spec_of(client, specs, chart, {"kind": "remains", "measure": "child"}))
        assert "Nothing to draw" in told
        assert "No number of children is known for the 63 exchanges found." in told
        assert any(text.startswith("Other numbers are known: of ") and "bodies" in text for text in told)
        assert specs[-1]["usermeta"]["told"].startswith("Nothing to draw. No number of children")


async def test_the_query_in_words(client: httpx.AsyncClient, specs: list[Spec]) -> None:
    async def words(query: Query) -> str:
        spec = await spec_of(client, specs, "timeline", {**query, "width": 2000})
        return _second_line(spec)

    assert await words({}) == "All completed exchanges"
    for query, expected in WORDS:
        assert await words(query) == expected


def test_every_filter_has_words() -> None:
    assert {*PHRASES, "date_from", "date_to"} == StatsFilters.params.keys()
    for name, phrase in PHRASES.items():
        param = StatsFilters.params[name]
        assert bool(phrase.none) is bool(phrase.some) is param.none, name
        if isinstance(param.type, type) and issubclass(param.type, StrEnum):
            assert set(map(str, param.type)) >= phrase.words.keys()


async def test_what_is_told_aloud(client: httpx.AsyncClient, specs: list[Spec]) -> None:
    async def told(chart: str, **query: object) -> tuple[str, str]:
        spec = await spec_of(client, specs, chart, query)
        return spec["description"], spec["usermeta"]["told"]

    title, text = await told("timeline", year=2024)
    assert title == "Living people handed over, by month. In 2024."
    assert text.startswith(
        "Bars of living people, for each month from January 2024 to December 2024. "
        "In all: 1,408 from Russia to Ukraine; 1,372 from Ukraine to Russia; "
    )
    assert "Most: 880 in January 2024." in text
    title, text = await told("balance", mediator="uae")
    assert title == "Living people received by each side, by month. Brokered by the United Arab Emirates."
    assert "Received by Ukraine, drawn upwards: 3," in text
    _, text = await told("by-mediator")
    assert "United Arab Emirates, 7,059 in 26 exchanges; United States, " in text
    _, text = await told("cumulative", mediator="uae")
    assert "A line that rises from 0 to 7,059, from 8 December 2022 to 7 June 2026." in text
    assert "The last total announced by the United Arab Emirates: 7,471, as of 7 June 2026." in text
    for told_of in specs:
        assert told_of["config"]["aria"] is False, "rows of marks are not read out"
        assert told_of["usermeta"]["told"].endswith("http://testserver")


def _second_line(spec: Spec) -> str:
    lines = [layer["mark"] for layer in spec["layer"] if isinstance(layer["mark"].get("text"), str)]
    found: str = next(mark["text"] for mark in lines if mark["fontSize"] == 13)
    return found


def test_what_cannot_be_shown_is_not() -> None:
    assert printable("a\x00b\x1bc\nd\ufffee\ud800") == "a�b�c d�e�"
    assert short_name("Land (self-proclaimed)") == "Land (self-proclaimed)"
    assert (
        short_name("A country with a name that is long (and a remark)")
        == "A country with a name that is long"
    )
    assert len(short_name("long " * 30)) <= 48


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ukraine", "Ukraine"),
        ("United Arab Emirates", "the United Arab Emirates"),
        ("International Committee of the Red Cross", "the International Committee of the Red Cross"),
        ("The Order", "The Order"),
        ("Holy See", "the Holy See"),
        ("UNICEF", "UNICEF"),
    ],
)
def test_names_in_sentences(name: str, expected: str) -> None:
    assert with_article(name) == expected
