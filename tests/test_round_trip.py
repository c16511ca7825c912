"""Load, serve, compare: every field of every line of the shipped files is in the record that is served.

What is derived is computed here a second time, in other words than those of `db/rendering.py`.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.databases import SHIPPED

pytestmark = pytest.mark.anyio

Record = dict[str, Any]
COUNTS = {"actors": 27, "articles": 1120, "publishers": 538, "agreements": 7, "exchanges": 235, "totals": 164}
COUNTS |= {"coverage": 21}
STAMPED = {"revision", "created_at", "updated_at", "links"}
CITING = {"source_url", "articles"}
# What a served record has besides the fields of its line, and what a line may leave to its default.
DERIVED = {
    "actors": STAMPED,
    "articles": STAMPED,
    "publishers": STAMPED,
    "agreements": STAMPED | CITING,
    "totals": STAMPED | CITING,
    "coverage": STAMPED,
    "exchanges": STAMPED | CITING | {"figures", "figures_rule", "persons", "independent_sources"},
}
DEFAULTS = {"archive_url": None, "link_status": "unchecked", "link_checked_at": None}
SHOWN = ("id", "url", "title", "publisher", "agency", "published_on", "language")
EXPECTED = Path(__file__).parent / "expected_figures.jsonl"


def lines(path: Path) -> list[Record]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def shipped(name: str) -> dict[str, Record]:
    return {record["id"]: record for record in lines(SHIPPED / f"{name}.jsonl")}


PAGES = shipped("articles")


async def served(client: httpx.AsyncClient, name: str, **parameters: str) -> list[Record]:
    """Give all records of a list, page by page."""
    found: list[Record] = []
    answer = (await client.get(f"/v1/{name}", params={"limit": "1000", **parameters})).json()
    found += answer["data"]
    while answer["meta"]["next"] is not None:
        answer = (await client.get(answer["meta"]["next"])).json()
        found += answer["data"]
    assert answer["meta"]["total"] == len(found)
    return found


@pytest.fixture(scope="module")
async def exchanges(client: httpx.AsyncClient) -> dict[str, Record]:
    return {record["id"]: record for record in await served(client, "exchanges")}


def shown(ids: Iterable[str]) -> list[Record]:
    """Give articles as a record that cites them must show them."""
    return [{name: PAGES[id_][name] for name in SHOWN} for id_ in sorted(ids)]


def voice(id_: str) -> str:
    return str(PAGES[id_]["agency"] or PAGES[id_]["publisher"])


def first_to_read(candidates: Iterable[str], claims: Iterable[Record] = ()) -> str:
    """Give the URL of the article that supports most claims; then the earliest published; then by id."""
    supports = Counter(article for claim in claims for article in claim["citations"])
    best = sorted(candidates)
    most = max(supports[id_] for id_ in best)
    best = [id_ for id_ in best if supports[id_] == most]
    days = sorted(PAGES[id_]["published_on"] for id_ in best if PAGES[id_]["published_on"] is not None)
    if days:
        best = [id_ for id_ in best if PAGES[id_]["published_on"] == days[0]]
    return str(PAGES[best[0]]["url"])


def behind_best(figure: Record, claims: Iterable[Record]) -> set[str]:
    """Give the articles of the claims that the best value of a figure is made of."""
    (ids,) = [own["claims"] for own in figure["by_claimant"] if own["claimant"] == figure["best_claimant"]]
    assert ids
    return {article for claim in claims if claim["id"] in ids for article in claim["citations"]}


@pytest.mark.parametrize("name", COUNTS)
async def test_every_field_of_every_line_is_served(client: httpx.AsyncClient, name: str) -> None:
    records = {record["id"]: record for record in await served(client, name)}
    assert len(records) == COUNTS[name]
    wanted = shipped(name)
    assert records.keys() == wanted.keys()
    for id_, line in wanted.items():
        record = records[id_]
        written = {field: value for field, value in record.items() if field not in DERIVED[name]}
        defaults = DEFAULTS if name == "articles" else {}
        assert written == defaults | line, id_
        assert set(record) == set(written) | DERIVED[name], id_
        assert record["revision"] == 1
        assert record["created_at"] == record["updated_at"]
        assert record["links"]["self"] == f"/v1/{name}/{id_}"


@pytest.mark.parametrize("name", [name for name in COUNTS if name != "articles"])
async def test_a_single_record_is_the_one_of_the_list(client: httpx.AsyncClient, name: str) -> None:
    for record in await served(client, name):
        single = await client.get(f"/v1/{name}/{record['id']}")
        assert single.json() == record


async def test_what_exchanges_hold_altogether(exchanges: dict[str, Record]) -> None:
    held = exchanges.values()
    assert sum(len(record["claims"]) for record in held) == 819
    assert sum(len(record["mediations"]) for record in held) == 227
    assert sum(len(record["overlaps"]) for record in held) == 4
    assert sum(record["location"] is not None for record in held) == 73
    assert sum(not record["claims"] for record in held) == 8


async def test_articles_are_exactly_the_citations(
    client: httpx.AsyncClient, exchanges: dict[str, Record]
) -> None:
    for record in exchanges.values():
        assert record["articles"] == shown(record["citations"]), record["id"]
        of_parts = [*record["claims"], *record["mediations"]]
        of_parts += [record["location"]] if record["location"] else []
        assert {id_ for part in of_parts for id_ in part["citations"]} <= set(record["citations"])
    for name in ("agreements", "totals", "claims", "mediations"):
        for record in await served(client, name):
            assert record["articles"] == shown(record["citations"]), record["id"]
            assert record["articles"]


async def test_figures_are_the_expected_ones(client: httpx.AsyncClient, exchanges: dict[str, Record]) -> None:
    expected = {json.dumps(row, sort_keys=True) for row in lines(EXPECTED)}
    assert len(expected) == 646
    names = json.loads(next(iter(expected))).keys()
    found = [{"exchange": id_, **figure} for id_, record in exchanges.items() for figure in record["figures"]]
    listed = await served(client, "figures")
    for figures in (found, listed):
        rows = [json.dumps({name: figure[name] for name in names}, sort_keys=True) for figure in figures]
        assert len(rows) == 646
        assert set(rows) == expected
    key = ("exchange", "released_by", "received_by", "measure")
    own = {tuple(figure[name] for name in key): figure for figure in found}
    for figure in listed:
        same = own[tuple(figure[name] for name in key)]
        assert {name: figure[name] for name in same} == same


async def test_persons_add_up_over_both_directions(exchanges: dict[str, Record]) -> None:
    rows = [row for row in lines(EXPECTED) if row["measure"] == "persons"]
    assert len(rows) == 273
    for id_, record in exchanges.items():
        own = [row for row in rows if row["exchange"] == id_]
        sums = {name: sum(row[name] for row in own) if own else None for name in ("low", "best", "high")}
        ways = {(row["released_by"], row["received_by"]) for row in own}
        both = any(way[::-1] in ways for way in ways)
        assert record["persons"] == sums | {"both_directions": both}, id_
        assert record["figures_rule"] == 1


async def test_the_official_sums(exchanges: dict[str, Record]) -> None:
    home = [
        figure["best"]
        for record in exchanges.values()
        if record["date"].startswith("2024") and record["kind"] == "prisoner_exchange"
        for figure in record["figures"]
        if figure["measure"] == "persons" and figure["received_by"] == "ukraine"
    ]
    assert sum(home) == 1358
    (easter,) = [record for record in exchanges.values() if record["date"] == "2025-04-19"]
    persons = [figure for figure in easter["figures"] if figure["measure"] == "persons"]
    assert {each["received_by"]: each["best"] for each in persons} == {"ukraine": 277, "russia": 261}


async def test_independent_sources_are_distinct_agencies_or_publishers(exchanges: dict[str, Record]) -> None:
    for id_, record in exchanges.items():
        assert record["independent_sources"] == len({voice(each) for each in record["citations"]}), id_
        for figure in record["figures"]:
            cited = behind_best(figure, record["claims"])
            assert figure["independent_sources"] == len({voice(each) for each in cited}), id_


async def test_the_url_of_an_exchange_is_that_of_its_larger_direction(exchanges: dict[str, Record]) -> None:
    seen = Counter()
    for id_, record in exchanges.items():
        persons = [figure for figure in record["figures"] if figure["measure"] == "persons"]
        if not persons:
            # the rule speaks of persons alone; without them any of the record's own articles will do
            assert record["source_url"] in {PAGES[each]["url"] for each in record["citations"]}, id_
            if not record["figures"]:
                assert record["source_url"] == first_to_read(record["citations"], record["claims"]), id_
            seen["without persons"] += 1
            continue
        largest = max(figure["best"] for figure in persons)
        larger = [figure for figure in persons if figure["best"] == largest]
        candidates = set().union(*(behind_best(figure, record["claims"]) for figure in larger))
        assert record["source_url"] == first_to_read(candidates, record["claims"]), id_
        seen["one larger" if len(larger) == 1 else "equal"] += 1
    assert min(seen[case] for case in ("without persons", "one larger", "equal")) > 5


async def test_the_url_of_whatever_else_cites(
    client: httpx.AsyncClient, exchanges: dict[str, Record]
) -> None:
    for name in ("claims", "mediations"):
        for part in await served(client, name):
            whole = exchanges[part["exchange"]]
            assert part["source_url"] == first_to_read(part["citations"], whole["claims"]), part["id"]
    for total in await served(client, "totals"):
        assert total["source_url"] == first_to_read(total["citations"]), total["id"]
    for agreement in await served(client, "agreements"):
        assert agreement["source_url"] == first_to_read(agreement["citations"], agreement["terms"])
    for figure in await served(client, "figures"):
        claims = exchanges[figure["exchange"]]["claims"]
        cited = behind_best(figure, claims)
        assert figure["articles"] == shown(cited)
        assert figure["source_url"] == first_to_read(cited, claims)


async def test_parts_on_their_own_are_those_of_their_exchange(
    client: httpx.AsyncClient, exchanges: dict[str, Record]
) -> None:
    for name in ("claims", "mediations"):
        parts = await served(client, name)
        assert len(parts) == sum(len(record[name]) for record in exchanges.values())
        for part in parts:
            whole = exchanges[part["exchange"]]
            (own,) = [each for each in whole[name] if each["id"] == part["id"]]
            assert {field: part[field] for field in own} == own
            assert (part["exchange_date"], part["exchange_kind"]) == (whole["date"], whole["kind"])
            assert part["links"]["exchange"] == whole["links"]["self"]
            if name == "claims":
                assert part["counts"] == (part["rank"] != "deprecated" and part["covers"] != "fragment")


async def test_mediators_are_counted_from_the_files(client: httpx.AsyncClient) -> None:
    brokered: dict[str, set[str]] = {}
    by_role: dict[tuple[str, str, str, str | None], set[str]] = {}
    for record in shipped("exchanges").values():
        for each in record["mediations"]:
            brokered.setdefault(each["actor"], set())
            if each["stance"] == "asserts" and each["role"] != "transit":
                brokered[each["actor"]].add(record["id"])
            key = (each["actor"], each["role"], each["stance"], each["claimant"])
            by_role.setdefault(key, set()).add(record["id"])
    listed = await served(client, "mediators")
    assert {each["id"]: each["exchanges"] for each in listed} == {
        actor: len(found) for actor, found in brokered.items()
    }
    counts = {
        (each["id"], row["role"], row["stance"], row["claimant"]): row["exchanges"]
        for each in listed
        for row in each["counts"]
    }
    assert counts == {key: len(found) for key, found in by_role.items()}
    for each in listed:
        assert (await client.get(f"/v1/mediators/{each['id']}")).json() == each


async def test_the_dataset_counts_what_the_files_hold(client: httpx.AsyncClient) -> None:
    dataset = (await client.get("/v1/dataset")).json()
    parts = {"claims": 819, "mediations": 227, "figures": 646}
    assert dataset["counts"] == COUNTS | parts
    days = [record["date"] for record in shipped("exchanges").values()]
    assert (dataset["first_exchange"], dataset["last_exchange"]) == (min(days), max(days))
    assert dataset["dataset"]["revision"] == 1
