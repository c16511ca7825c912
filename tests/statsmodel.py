"""What statistics ought to say, worked out from exchanges as `/v1/exchanges` lists them: Python, no SQL.

`api/` and `db/` have no part in it. No test lives here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

Record = dict[str, Any]
Labels = tuple[str, ...]
Row = tuple[int | None, int | None, int | None, int, int]  # low, best, high, exchanges, without a figure

DIMENSIONS = (
    *("year", "quarter", "month", "mediator", "mediator_role", "released_by", "received_by"),
    *("direction", "kind", "agreement", "publisher"),
)
MEASURES = ("exchanges", "persons", "remains", "military", "civilian", "child", "wounded")
DIRECTIONAL = {"released_by", "received_by", "direction"}
ENDS = ("released_by", "received_by")
PARTITIONS = ("year", "quarter", "month", "kind", "agreement")
ROLES = {"mediator", "facilitator", "host"}


@dataclass(frozen=True)
class Asked:
    """A question: the exchanges are those that all filters but the ends of directions have found."""

    group_by: tuple[str, ...] = ()
    measure: str = "persons"
    released_by: tuple[str, ...] = ()
    received_by: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    mediation: tuple[tuple[str, str], ...] = ()  # what the mediations of groups must be: field and value


def cells(records: Iterable[Record], asked: Asked) -> dict[Labels, Row]:
    """Give the sums by group."""
    grouped: dict[Labels, list[list[Record]]] = {}
    for record in chosen(records, asked):
        for labels, figures in _groups(record, asked).items():
            grouped.setdefault(labels, []).append(figures)
    return {labels: _row(members, asked.measure) for labels, members in grouped.items()}


def total(records: Iterable[Record], asked: Asked) -> Row:
    """Give the sums of all, before anything is subtracted."""
    return _row([directions(record, asked) for record in chosen(records, asked)], asked.measure)


def overlap(records: Iterable[Record], asked: Asked) -> int:
    """Give how many people are counted in two of the exchanges, in the directions asked for."""
    summed = {
        record["id"]: {
            (figure["released_by"], figure["received_by"])
            for figure in directions(record, asked)
            if figure["measure"] == asked.measure
        }
        for record in chosen(records, asked)
    }
    people = 0
    for record in records:
        for each in record["overlaps"]:
            ends = (each["released_by"], each["received_by"])
            others = {other for other in summed.get(each["exchange"], ()) if other[0] != ends[1]}
            if each["measure"] == asked.measure and ends in summed.get(record["id"], ()) and others:
                people += each["count"]
    return people


def stated(records: Iterable[Record], asked: Asked, claimant: str | None) -> tuple[int | None, int, int]:
    """Give the sum of what a claimant states, in how many directions, and in how many it does not."""
    figures = [figure for figures in _measured(records, asked) for figure in figures]
    own = [each["value"] for f in figures for each in f["by_claimant"] if each["claimant"] == claimant]
    return (sum(own) if own else None, len(own), len(figures) - len(own))


def directions(record: Record, asked: Asked) -> list[Record]:
    """Give the figures of the chosen directions."""
    return [
        figure
        for figure in record["figures"]
        if all(figure[end] in getattr(asked, end) for end in ENDS if getattr(asked, end))
    ]


def chosen(records: Iterable[Record], asked: Asked) -> Iterator[Record]:
    """Give the exchanges that have a chosen direction, or may have one of which no figure is known.

    What did not take place, or not yet, is chosen only by a question for its status.
    """
    for record in records:
        if record["status"] not in (asked.status or ("completed",)):
            continue
        ends = [getattr(asked, end) for end in ENDS if getattr(asked, end)]
        between = all(set(end) & set(record["parties"]) for end in ends)
        open_ended = not record["figures"] or record["kind"] == "prisoner_exchange"
        if not ends or directions(record, asked) or (between and open_ended):
            yield record


def _measured(records: Iterable[Record], asked: Asked) -> Iterator[list[Record]]:
    for record in chosen(records, asked):
        yield [figure for figure in directions(record, asked) if figure["measure"] == asked.measure]


def _groups(record: Record, asked: Asked) -> dict[Labels, list[Record]]:
    """Give the labels of an exchange, with the figures of each."""
    figures, found = directions(record, asked), {}
    whole: Sequence[Record | None] = figures if DIRECTIONAL & set(asked.group_by) else [None]
    for mediation, publisher, figure in product(_mediations(record, asked), _publishers(record), whole):
        values = {
            "year": record["date"][:4],
            "quarter": f"{record['date'][:4]}-Q{(int(record['date'][5:7]) - 1) // 3 + 1}",
            "month": record["date"][:7],
            "kind": record["kind"],
            "agreement": record["agreement"] or "none",
            "mediator": mediation["actor"],
            "mediator_role": mediation["role"],
            "publisher": publisher,
        }
        members = figures
        if figure is not None:
            values |= {end: figure[end] for end in ENDS}
            values["direction"] = f"{figure['released_by']}.{figure['received_by']}"
            alike = DIRECTIONAL & set(asked.group_by)
            members = [each for each in figures if all(_end(each, one) == values[one] for one in alike)]
        found[tuple(values[each] for each in asked.group_by)] = members
    return found


def _end(figure: Record, dimension: str) -> str:
    if dimension == "direction":
        return f"{figure['released_by']}.{figure['received_by']}"
    return str(figure[dimension])


def _mediations(record: Record, asked: Asked) -> list[Record]:
    wanted = dict(asked.mediation)
    found = [
        each
        for each in record["mediations"]
        if each["stance"] == wanted.get("stance", "asserts")
        and (each["role"] in ROLES or "role" in wanted)
        and all(each[field] == value for field, value in wanted.items())
    ]
    return found or [{"actor": "none", "role": "none"}]


def _publishers(record: Record) -> list[str]:
    return sorted({article["publisher"] for article in record["articles"]})


def _row(members: list[list[Record]], measure: str) -> Row:
    if measure == "exchanges":
        count = len(members)
        return (count, count, count, count, sum(not figures for figures in members))
    summed = [[figure for figure in figures if figure["measure"] == measure] for figures in members]
    flat = [figure for figures in summed for figure in figures]
    low, best, high = (
        sum(figure[bound] for figure in flat) if flat else (None if members else 0)
        for bound in ("low", "best", "high")
    )
    return (low, best, high, len(members), sum(not figures for figures in summed))
