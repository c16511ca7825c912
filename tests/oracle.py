"""What the API ought to find, told from the curated files: neither `api/` nor `db/` has a part in it.

Records are the plain dictionaries of the files. A part of an exchange (claim, mediation, figure) has its
exchange under `of`. Figures come from `expected_figures.jsonl`; only what that file lacks is worked out here.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

Record = dict[str, Any]

HERE = Path(__file__).parent
MEDIATING = {"mediator", "facilitator", "host"}
LIVING = ("military", "civilian", "child", "wounded")


def _lines(path: Path) -> list[Record]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@cache
def records(name: str) -> list[Record]:
    return _lines(HERE.parent / "db" / "dataset" / f"{name}.jsonl")


@cache
def by_id(name: str) -> dict[str, Record]:
    return {record["id"]: record for record in records(name)}


@cache
def parts(name: str) -> list[Record]:
    return [part | {"of": exchange} for exchange in records("exchanges") for part in exchange[name]]


@cache
def figures() -> list[Record]:
    exchanges = by_id("exchanges")
    return [_detailed(row, exchanges[row["exchange"]]) for row in _lines(HERE / "expected_figures.jsonl")]


@cache
def figures_of() -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {exchange: [] for exchange in by_id("exchanges")}
    for figure in figures():
        found[figure["exchange"]].append(figure)
    return found


def _detailed(row: Record, exchange: Record) -> Record:
    """Add to an expected figure who stands behind it and what its best value rests on."""
    own = _own_values(row, exchange)
    articles = {article for claim in own[row["best_claimant"]] for article in claim["citations"]}
    key = f"{row['exchange']}.{row['released_by']}.{row['received_by']}.{row['measure']}"
    more = {"id": key, "of": exchange, "attestation": _attestation(row, set(own)), "citations": articles}
    return row | more | {"sources": len(sources(articles))}


def _own_values(row: Record, exchange: Record) -> dict[str | None, list[Record]]:
    """Give the claims behind each claimant's own value of a figure."""
    claims = [claim for claim in exchange["claims"] if counted(claim) and of_direction(claim, row)]
    if row["measure"] != "persons":
        return {who: [claim] for who, claim in _best_of_each(claims, row["measure"]).items()}
    whole = [claim for claim in claims if claim["covers"] == "all"]
    own = {who: [claim] for who, claim in _best_of_each(whole, "total").items()}
    sums: dict[str | None, list[Record]] = {}
    for category in LIVING:
        for who, claim in _best_of_each(whole, category).items():
            sums.setdefault(who, []).append(claim)
    # Children and wounded alone are no own value where somebody gives a total.
    totals = bool(own)
    for who, summed in sums.items():
        if who not in own and (
            not totals or {claim["category"] for claim in summed} & {"military", "civilian"}
        ):
            own[who] = summed
    return own


def _best_of_each(claims: Iterable[Record], category: str) -> dict[str | None, Record]:
    best: dict[str | None, Record] = {}
    for claim in sorted(claims, key=lambda claim: claim["id"], reverse=True):
        if claim["category"] == category and _weight(claim) >= _weight(best.get(claim["claimant"])):
            best[claim["claimant"]] = claim
    return best


def _weight(claim: Record | None) -> tuple[int, bool, int]:
    if claim is None:
        return (0, False, 0)
    return (len(claim["citations"]), claim["qualifier"] == "exact", claim["count"])


def _attestation(row: Record, claimants: set[str | None]) -> str:
    receiver, releaser = row["received_by"] in claimants, row["released_by"] in claimants
    if receiver or releaser:
        both = receiver and releaser
        return "both_parties" if both else "receiver_only" if receiver else "releaser_only"
    return "press_only" if claimants == {None} else "third_party"


def counted(claim: Record) -> bool:
    return claim["rank"] != "deprecated" and claim["covers"] != "fragment"


def of_direction(claim: Record, row: Record) -> bool:
    return (claim["released_by"], claim["received_by"]) == (row["released_by"], row["received_by"])


def word(value: object) -> object:
    """Give the word of a query for a value: `none` for null."""
    return "none" if value is None else value


def sources(articles: Iterable[str]) -> set[str]:
    cited = [by_id("articles")[article] for article in articles]
    return {article["agency"] or article["publisher"] for article in cited}


def publishers(record: Record) -> set[str]:
    return {by_id("articles")[article]["publisher"] for article in record["citations"]}


def agencies(record: Record) -> set[str]:
    found = {by_id("articles")[article]["agency"] for article in record["citations"]} - {None}
    return found or {"none"}


def counted_claims(exchange: Record) -> list[Record]:
    return [claim for claim in exchange["claims"] if counted(claim)]


def brokering(record: Record) -> list[Record]:
    """Give the mediations that are asserted, in one of the three roles."""
    return [m for m in record["mediations"] if m["stance"] == "asserts" and m["role"] in MEDIATING]


def mediators(record: Record) -> set[str]:
    return {mediation["actor"] for mediation in brokering(record)} or {"none"}


def persons(exchange: Record) -> int | None:
    living = [row["best"] for row in figures_of()[exchange["id"]] if row["measure"] == "persons"]
    return sum(living) if living else None


def any_figure(exchange: Record, field: str, value: object = True) -> bool:
    return any(row[field] == value for row in figures_of()[exchange["id"]])


def words(*texts: str | None) -> set[str]:
    joined = " ".join(text for text in texts if text).casefold()
    plain = "".join(c for c in unicodedata.normalize("NFKD", joined) if not unicodedata.combining(c))
    return set(re.findall(r"[^\W_]+", re.sub(r"[.'’`ʼ]", "", plain)))


def words_of_exchange(exchange: Record) -> set[str]:
    place = exchange["location"]["name"] if exchange["location"] else None
    notes = [part["note"] for part in (*exchange["claims"], *exchange["overlaps"])]
    return words(exchange["summary"], place, *notes)


def actors_of_exchange(exchange: Record) -> set[str]:
    found = set(exchange["parties"])
    for claim in exchange["claims"]:
        found |= {claim["released_by"], claim["received_by"], claim["claimant"]}
    for mediation in exchange["mediations"]:
        found |= {mediation["actor"], mediation["claimant"]}
    return found


def names(record: Record) -> set[str]:
    codes = [record.get("iso_3166_1_alpha_2"), record.get("iso_3166_1_alpha_3")]
    return words(record["id"], record["name"], *codes, *record["aliases"])
