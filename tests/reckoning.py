"""Published totals reckoned again from the curated files: neither `api/` nor `db/` has a part in it.

As `tests/oracle.py` tells what lists find, this tells what reconciliation, progress and disagreements say.
"""

import datetime as dt
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from tests import oracle
from tests.oracle import Record

SCOPE = ("mediator", "released_by", "received_by", "category", "since", "year", "agreement")
OF_CATEGORY = {"child": "civilian_return", "remains": "remains"}  # all others: prisoner_exchange
Key = tuple[object, ...]


def kind_of(category: str) -> str:
    return OF_CATEGORY.get(category, "prisoner_exchange")


def measure_of(category: str) -> str:
    return "persons" if category == "total" else category


@cache
def own_values() -> dict[str, dict[str | None, int]]:
    """Give for each figure, by its id, what each claimant itself states."""
    return {
        row["id"]: {
            who: sum(claim["count"] for claim in claims)
            for who, claims in oracle._own_values(row, row["of"]).items()
        }
        for row in oracle.figures()
    }


def all_series() -> dict[Key, list[Record]]:
    """Give the totals by claimant, measure and scope, in order of date."""
    found: dict[Key, list[Record]] = {}
    for total in sorted(oracle.records("totals"), key=lambda t: (t["as_of"], t["value"], t["id"])):
        found.setdefault(key_of(total), []).append(total)
    return found


def key_of(scoped: Record) -> Key:
    parties = tuple(sorted(scoped["parties"]))
    return (scoped["claimant"], scoped["measure"], parties, *(scoped[name] for name in SCOPE))


def windows(totals: list[Record]) -> Iterator[tuple[Record | None, Record]]:
    """Give each exact total with the one before it; the first only where its beginning is known."""
    exact = [total for total in totals if total["qualifier"] == "exact"]
    if exact and any(exact[0][name] for name in ("since", "year", "agreement")):
        yield None, exact[0]
    yield from pairwise(exact)


def first_day(before: Record | None, total: Record) -> str | None:
    """Give the first day that a step counts; None if all up to its end."""
    if before is not None:
        return str(dt.date.fromisoformat(before["as_of"]) + dt.timedelta(days=1))
    return total["since"] or (f"{total['year']}-01-01" if total["year"] else None)


def fitting(before: Record | None, total: Record) -> list[Record]:
    """Give the exchanges that a step counts, in order of date."""
    first = first_day(before, total)
    kind, measure = kind_of(total["category"]), measure_of(total["category"])
    found = []
    for exchange in oracle.records("exchanges"):
        brokers = {
            m["actor"] for m in exchange["mediations"] if (m["role"], m["stance"]) == ("mediator", "asserts")
        }
        if (
            exchange["status"] == "completed"
            and sorted(exchange["parties"]) == sorted(total["parties"])
            and (first is None or exchange["date"] >= first)
            and exchange["date"] <= total["as_of"]
            and total["year"] in {None, int(exchange["date"][:4])}
            and total["agreement"] in {None, exchange["agreement"]}
            and total["mediator"] in {None, *brokers}
            and (
                exchange["kind"] == kind
                or (measure in {"child", "remains"} and bool(counting(exchange, total)))
            )
        ):
            found.append(exchange)
    return sorted(found, key=lambda exchange: (exchange["date"], exchange["id"]))


def counting(exchange: Record, total: Record) -> list[Record]:
    """Give the figures of an exchange that a total counts."""
    return [
        row
        for row in oracle.figures_of()[exchange["id"]]
        if row["measure"] == measure_of(total["category"])
        and total["released_by"] in {None, row["released_by"]}
        and total["received_by"] in {None, row["received_by"]}
    ]


def numbers(exchange: Record, total: Record) -> Record:
    """Give what an exchange adds: by the claimant's own values, by these or else the best, by the best."""
    figures = counting(exchange, total)
    stated = [own_values()[row["id"]].get(total["claimant"]) for row in figures]
    if total["measure"] == "exchanges":
        spoken = any(value is not None for value in stated) or any(
            (m["actor"], m["role"], m["stance"], m["claimant"])
            == (total["mediator"], "mediator", "asserts", total["claimant"])
            for m in exchange["mediations"]
        )
        basis = "own_value" if spoken else "best" if figures else "no_figure"
        return {"basis": basis, "own": 1 if spoken else None, "number": 1, "best": 1}
    if not figures:
        return {"basis": "no_figure", "own": None, "number": None, "best": None}
    known = [value for value in stated if value is not None]
    basis = "best" if not known else "own_value" if len(known) == len(figures) else "mixed"
    taken = [row["best"] if value is None else value for row, value in zip(figures, stated, strict=True)]
    return {
        "basis": basis,
        "own": sum(known) if known else None,
        "number": sum(taken),
        "best": sum(row["best"] for row in figures),
    }


def gaps_known(begins: str, ends: str, category: str) -> list[str]:
    """Give the ids of the coverage notes that overlap some days."""
    return [
        note["id"]
        for note in sorted(oracle.records("coverage"), key=lambda note: (note["date_from"], note["id"]))
        if note["scope"] == kind_of(category) and note["date_from"] <= ends and note["date_to"] >= begins
    ]


def stages(agreement: Record, term: Record) -> list[Record]:
    """Give the exchanges that are stages of a term, in order of date."""
    remains, measure = term["category"] == "remains", measure_of(term["category"])
    found = [
        exchange
        for exchange in oracle.records("exchanges")
        if exchange["agreement"] == agreement["id"]
        and (
            (exchange["kind"] == "remains") == remains
            or any(row["measure"] == measure for row in oracle.figures_of()[exchange["id"]])
        )
    ]
    return sorted(found, key=lambda exchange: (exchange["date"], exchange["id"]))


def directions(agreement: Record, term: Record) -> list[tuple[str | None, str | None]]:
    """Give the directions in which a term is delivered; both ends null for both together."""
    if not term["each_side"] or term["released_by"] or term["received_by"]:
        return [(term["released_by"], term["received_by"])]
    one, other = agreement["parties"]
    return [(one, other), (other, one)]


def delivered(agreement: Record, term: Record, ends: tuple[str | None, str | None]) -> Record:
    """Give the figures of each stage in a direction, and what each claimant states over all stages."""
    measure = measure_of(term["category"])
    needed = len(agreement["parties"]) if ends == (None, None) else 1
    told: list[list[int] | None] = []
    views: dict[str | None, list[int]] = {}
    differ = False
    for exchange in stages(agreement, term):
        rows = [
            row
            for row in oracle.figures_of()[exchange["id"]]
            if row["measure"] == measure
            and ends[0] in {None, row["released_by"]}
            and ends[1] in {None, row["received_by"]}
        ]
        known = len(rows) == needed
        told.append([sum(row[name] for row in rows) for name in ("low", "best", "high")] if known else None)
        own = [own_values()[row["id"]] for row in rows]
        differ |= known and any(len(set(each.values())) > 1 for each in own)
        for who in {who for each in own for who in each}:
            values = [each[who] for each in own if who in each]
            if len(values) == needed:
                views.setdefault(who, []).append(sum(values))
    return {"stages": told, "views": views, "differ": differ}
