"""The figures rule over the whole dataset."""

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from db.enums import Measure
from db.figures import FIGURES_RULE, figures, persons
from db.inputs import ArticleInput, ExchangeInput
from db.records import ExchangeFigure
from tests.claims import (
    Fields,
)

DATASET = Path(__file__).parents[1] / "db" / "dataset"
EXPECTED = Path(__file__).with_name("expected_figures.jsonl")
EXPECTED_FIELDS = (
    "released_by",
    "received_by",
    "measure",
    "low",
    "best",
    "high",
    "best_claimant",
    "disputed",
    "disputed_by_parties",
)

# The whole dataset.


def lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        yield from file


@pytest.fixture(scope="module")
def exchanges() -> list[ExchangeInput]:
    return [ExchangeInput.model_validate_json(line) for line in lines(DATASET / "exchanges.jsonl")]


@pytest.fixture(scope="module")
def sources() -> Mapping[str, str]:
    articles = (ArticleInput.model_validate_json(line) for line in lines(DATASET / "articles.jsonl"))
    return {article.id: article.agency or article.publisher for article in articles}


@pytest.fixture(scope="module")
def dataset_figures(
    exchanges: list[ExchangeInput], sources: Mapping[str, str]
) -> Mapping[str, tuple[ExchangeFigure, ...]]:
    return {item.id: figures(item, sources) for item in exchanges}


def every(
    dataset_figures: Mapping[str, tuple[ExchangeFigure, ...]], measure: Measure
) -> list[ExchangeFigure]:
    return [figure for found in dataset_figures.values() for figure in found if figure.measure == measure]


def test_the_dataset_gives_the_expected_figures(
    dataset_figures: Mapping[str, tuple[ExchangeFigure, ...]],
) -> None:
    expected = [json.loads(line) for line in lines(EXPECTED)]
    found = [
        {"exchange": exchange_id} | figure.model_dump(mode="json", include=set(EXPECTED_FIELDS))
        for exchange_id, derived_here in dataset_figures.items()
        for figure in derived_here
    ]

    def position(row: Fields) -> tuple[str, ...]:
        return tuple(row[name] for name in ("exchange", "released_by", "received_by", "measure"))

    assert len(expected) == 646
    assert sorted(found, key=position) == sorted(expected, key=position)


def test_the_order_of_the_claims_of_the_dataset_does_not_matter(
    exchanges: list[ExchangeInput],
    sources: Mapping[str, str],
    dataset_figures: Mapping[str, tuple[ExchangeFigure, ...]],
) -> None:
    shuffling = random.Random(2001)
    for item in exchanges:
        claims = shuffling.sample(item.claims, len(item.claims))
        assert figures(item.model_copy(update={"claims": tuple(claims)}), sources) == dataset_figures[item.id]


def test_persons_received_by_ukraine_in_2024_meet_the_official_figure(
    exchanges: list[ExchangeInput], dataset_figures: Mapping[str, tuple[ExchangeFigure, ...]]
) -> None:
    received = sum(
        figure.best
        for item in exchanges
        if item.kind == "prisoner_exchange" and item.date.year == 2024
        for figure in dataset_figures[item.id]
        if figure.measure == Measure.PERSONS and figure.received_by == "ukraine"
    )
    assert received == 1_358


def test_the_easter_exchange_of_2025(
    exchanges: list[ExchangeInput], dataset_figures: Mapping[str, tuple[ExchangeFigure, ...]]
) -> None:
    (item,) = (item for item in exchanges if item.id == "2025-04-19-russia-ukraine")
    best = {
        figure.received_by: figure.best
        for figure in dataset_figures[item.id]
        if figure.measure == Measure.PERSONS
    }
    assert best == {"ukraine": 277, "russia": 261}
    together = persons(dataset_figures[item.id])
    assert (together.best, together.both_directions) == (538, True)


def test_how_much_of_the_dataset_is_disputed(
    dataset_figures: Mapping[str, tuple[ExchangeFigure, ...]],
) -> None:
    living = every(dataset_figures, Measure.PERSONS)
    assert len(living) == 273
    assert sum(figure.disputed for figure in living) == 25
    assert sum(figure.disputed_by_parties for figure in living) == 12


def test_exchanges_of_which_the_sides_gave_no_numbers_have_no_figures(
    exchanges: list[ExchangeInput], dataset_figures: Mapping[str, tuple[ExchangeFigure, ...]]
) -> None:
    silent = [item for item in exchanges if not item.claims]
    assert sum(item.date.isoformat().startswith("2025-06") for item in silent) == 7
    assert all(dataset_figures[item.id] == () and item.citations for item in silent)


def test_a_figure_of_the_dataset_in_full(
    dataset_figures: Mapping[str, tuple[ExchangeFigure, ...]],
) -> None:
    (figure,) = (
        figure
        for figure in dataset_figures["2024-12-30-russia-ukraine"]
        if figure.measure == Measure.PERSONS and figure.received_by == "ukraine"
    )
    assert figure.model_dump(mode="json") == {
        "released_by": "russia",
        "received_by": "ukraine",
        "measure": "persons",
        "low": 150,
        "best": 189,
        "high": 189,
        "best_claimant": "ukraine",
        "best_qualifier": "exact",
        "disputed": True,
        "disputed_by_parties": True,
        "attestation": "both_parties",
        "independent_sources": 4,
        "by_claimant": [
            {
                "claimant": "ukraine",
                "value": 189,
                "qualifier": "exact",
                "claims": ["2024-12-30-russia-ukraine:c1"],
            },
            {
                "claimant": "russia",
                "value": 150,
                "qualifier": "exact",
                "claims": ["2024-12-30-russia-ukraine:c4"],
            },
            {
                "claimant": "uae",
                "value": 150,
                "qualifier": "exact",
                "claims": ["2024-12-30-russia-ukraine:c6"],
            },
        ],
    }


def test_the_version_of_the_rule() -> None:
    assert FIGURES_RULE == 1
