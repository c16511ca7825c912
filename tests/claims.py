"""Synthetic claims for the tests of the figures rule, and short ways to look at what is derived from them."""

from collections.abc import Mapping, Sequence
from typing import Any

from db.enums import Measure
from db.figures import figures
from db.inputs import ExchangeInput
from db.records import ExchangeFigure

# In the synthetic cases aland releases and bland receives, unless a case says otherwise; the articles
# paper-1, paper-2… are each of a source of their own, unless `sources` says otherwise.
EXCHANGE = "2001-01-01-a-b"
RELEASER, RECEIVER = "aland", "bland"
MEDIATOR, STRANGER, LATER_STRANGER = "mland", "sland", "tland"
PRESS = None
SOURCES = {f"paper-{number}": f"source-{number}" for number in range(1, 10)}

Fields = dict[str, Any]


def total(count: int, claimant: str | None, **fields: Any) -> Fields:
    return of("total", count, claimant, **fields)


def of(category: str, count: int, claimant: str | None, *, cites: int = 1, **fields: Any) -> Fields:
    """Give the fields of a claim that cites the first `cites` papers."""
    return {
        "released_by": RELEASER,
        "received_by": RECEIVER,
        "category": category,
        "count": count,
        "qualifier": "exact",
        "claimant": claimant,
        "covers": "all",
        "rank": "normal",
        "note": None,
        "citations": [f"paper-{number}" for number in range(1, cites + 1)],
    } | fields


def back(claim: Fields) -> Fields:
    """Turn a claim round: bland releases and aland receives."""
    return claim | {"released_by": claim["received_by"], "received_by": claim["released_by"]}


def brokered(actor: str, role: str = "mediator", stance: str = "asserts") -> Fields:
    return {"actor": actor, "role": role, "stance": stance, "claimant": None, "citations": ["paper-1"]}


def exchange(*claims: Fields, mediations: Sequence[Fields] = ()) -> ExchangeInput:
    """Make an exchange of claims, which get the ids c1, c2… in this order if they have none."""
    return ExchangeInput.model_validate(
        {
            "id": EXCHANGE,
            "kind": "prisoner_exchange",
            "date": "2001-01-01",
            "date_end": None,
            "date_precision": "day",
            "status": "completed",
            "parties": [RELEASER, RECEIVER],
            "summary": "A synthetic case.",
            "location": None,
            "agreement": None,
            "mediations": [
                {"id": f"{EXCHANGE}:m{number}"} | part for number, part in enumerate(mediations, 1)
            ],
            "claims": [{"id": f"{EXCHANGE}:c{number}"} | part for number, part in enumerate(claims, 1)],
            "citations": list(SOURCES),
            "overlaps": [],
        }
    )


def derived(*claims: Fields, mediations: Sequence[Fields] = ()) -> tuple[ExchangeFigure, ...]:
    return figures(exchange(*claims, mediations=mediations), SOURCES)


def by_measure(*claims: Fields, mediations: Sequence[Fields] = ()) -> Mapping[Measure, ExchangeFigure]:
    """Give the figures of claims that are all of one direction."""
    found = derived(*claims, mediations=mediations)
    assert len({(figure.released_by, figure.received_by) for figure in found}) <= 1
    return {figure.measure: figure for figure in found}


def persons_of(*claims: Fields, mediations: Sequence[Fields] = ()) -> ExchangeFigure:
    return by_measure(*claims, mediations=mediations)[Measure.PERSONS]


def figure_of(category: str, *claims: Fields, mediations: Sequence[Fields] = ()) -> ExchangeFigure:
    """Give the figure of the measure that claims of a category are first of all about."""
    measure = Measure.PERSONS if category == "total" else Measure(category)
    return by_measure(*claims, mediations=mediations)[measure]


def bounds(figure: ExchangeFigure) -> tuple[int, int, int]:
    return figure.low, figure.best, figure.high


def own(figure: ExchangeFigure) -> Mapping[str | None, tuple[int, str]]:
    return {value.claimant: (value.value, value.qualifier.value) for value in figure.by_claimant}


def claim_numbers(figure: ExchangeFigure) -> Mapping[str | None, list[str]]:
    return {
        value.claimant: [claim.removeprefix(f"{EXCHANGE}:") for claim in value.claims]
        for value in figure.by_claimant
    }
