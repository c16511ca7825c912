"""The figures rule, sentence by sentence on synthetic claims, and over the whole dataset."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from db.enums import Attestation, Covers, Measure, Rank
from db.figures import FIGURES_RULE, counts, figures, persons
from db.inputs import ArticleInput, ExchangeInput
from db.records import ExchangeFigure, Persons

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


# A claim counts if rank is not `deprecated` and covers is not `fragment`.


@pytest.mark.parametrize("rank", Rank)
@pytest.mark.parametrize("covers", Covers)
def test_a_claim_counts_unless_deprecated_or_fragment(rank: Rank, covers: Covers) -> None:
    (claim,) = exchange(total(1, PRESS, rank=rank, covers=covers)).claims
    assert counts(claim) is (rank != "deprecated" and covers != "fragment")


@pytest.mark.parametrize("never", [{"rank": "deprecated"}, {"covers": "fragment"}])
@pytest.mark.parametrize("category", ["total", "military", "remains"])
def test_claims_that_do_not_count_change_nothing(category: str, never: Fields) -> None:
    alone = derived(of(category, 5, STRANGER))
    assert derived(of(category, 5, STRANGER), of(category, 9, RECEIVER, cites=3, **never)) == alone
    assert derived(of(category, 9, RECEIVER, **never)) == ()


def test_a_deprecated_total_does_not_stop_the_sum_of_its_claimant() -> None:
    figure = persons_of(total(70, RECEIVER, rank="deprecated"), of("military", 7, RECEIVER))
    assert own(figure) == {RECEIVER: (7, "exact")}


# A category measure: every counted claim of it enters `low` and `high`.


@pytest.mark.parametrize("category", ["military", "civilian", "child", "wounded", "remains"])
def test_every_counted_claim_of_a_category_enters_low_and_high(category: str) -> None:
    figure = by_measure(
        of(category, 5, RECEIVER, cites=2),
        of(category, 3, RECEIVER, qualifier="at_least"),
        of(category, 9, PRESS, covers="subset"),
        of(category, 99, PRESS, covers="fragment"),
    )[Measure(category)]
    assert bounds(figure) == (3, 5, 9)


def test_categories_do_not_mix() -> None:
    found = by_measure(of("military", 5, RECEIVER), of("civilian", 2, RECEIVER), of("remains", 40, RECEIVER))
    assert {measure: figure.best for measure, figure in found.items()} == {
        Measure.PERSONS: 7,
        Measure.MILITARY: 5,
        Measure.CIVILIAN: 2,
        Measure.REMAINS: 40,
    }


# A claimant's own value: its `preferred` claim of that measure, else most citations, then `exact`, then
# larger.


@pytest.mark.parametrize(
    ("chosen", "other"),
    [
        pytest.param({"count": 1, "rank": "preferred"}, {"count": 9, "cites": 3}, id="preferred"),
        pytest.param(
            {"count": 1, "rank": "preferred", "cites": 2},
            {"count": 9, "rank": "preferred"},
            id="citations among preferred",
        ),
        pytest.param({"count": 1, "cites": 2, "qualifier": "at_least"}, {"count": 9}, id="citations"),
        pytest.param({"count": 1}, {"count": 9, "qualifier": "approximately"}, id="exact"),
        pytest.param({"count": 9}, {"count": 1}, id="larger"),
        pytest.param(
            {"count": 9, "qualifier": "at_most"},
            {"count": 1, "qualifier": "at_least"},
            id="larger, not exact",
        ),
        pytest.param(
            {"count": 9, "qualifier": "at_most", "id": f"{EXCHANGE}:c3"},
            {"count": 9, "qualifier": "at_least", "id": f"{EXCHANGE}:c4"},
            id="smaller id",
        ),
    ],
)
@pytest.mark.parametrize("category", ["total", "military", "remains"])
def test_own_value_of_a_claimant(category: str, chosen: Fields, other: Fields) -> None:
    for order in permutations([chosen, other]):
        figure = figure_of(category, *(of(category, claimant=RECEIVER, **fields) for fields in order))
        assert own(figure) == {RECEIVER: (chosen["count"], chosen.get("qualifier", "exact"))}
        assert (figure.low, figure.high) == tuple(sorted((chosen["count"], other["count"])))
        assert figure.best_qualifier == chosen.get("qualifier", "exact")


# `persons` (living people): every counted `total` with covers `all` enters `low` and `high`; …


def test_every_counted_total_covering_all_enters_persons() -> None:
    figure = persons_of(
        total(50, RECEIVER, cites=2),
        total(48, RECEIVER),
        total(52, PRESS),
        total(1, PRESS, covers="subset"),
        total(99, PRESS, covers="fragment"),
    )
    assert bounds(figure) == (48, 50, 52)


def test_a_subset_total_alone_gives_no_figure() -> None:
    assert derived(total(5, RECEIVER, covers="subset")) == ()


def test_remains_are_no_persons() -> None:
    assert list(by_measure(of("remains", 5, RECEIVER))) == [Measure.REMAINS]


# … so does, for each claimant without a total, the sum of its own values with covers `all` over military,
# civilian, child, wounded, …


def test_a_claimant_without_a_total_enters_with_the_sum_of_the_living() -> None:
    figure = persons_of(
        of("military", 10, RECEIVER),
        of("civilian", 4, RECEIVER),
        of("child", 2, RECEIVER),
        of("wounded", 1, RECEIVER),
        of("remains", 500, RECEIVER),
        of("civilian", 300, RECEIVER, covers="subset", cites=3),
        of("military", 200, RECEIVER, covers="fragment"),
        of("military", 30, RELEASER),
    )
    assert bounds(figure) == (17, 17, 30)
    assert own(figure) == {RECEIVER: (17, "exact"), RELEASER: (30, "exact")}
    assert claim_numbers(figure) == {RECEIVER: ["c1", "c2", "c3", "c4"], RELEASER: ["c8"]}


def test_a_sum_is_made_of_own_values_only() -> None:
    figure = persons_of(
        of("military", 10, RECEIVER, cites=2), of("military", 90, RECEIVER), of("civilian", 1, RECEIVER)
    )
    assert bounds(figure) == (11, 11, 11)


def test_a_preferred_part_enters_the_sum() -> None:
    claims = (of("military", 10, RECEIVER, rank="preferred"), of("military", 90, RECEIVER, cites=5))
    assert bounds(persons_of(*claims)) == (10, 10, 10)


def test_a_claimant_with_a_total_has_no_sum() -> None:
    figure = persons_of(total(12, RECEIVER), of("military", 10, RECEIVER), of("civilian", 1, RECEIVER))
    assert bounds(figure) == (12, 12, 12)


def test_a_subset_total_does_not_stop_a_sum() -> None:
    figure = persons_of(total(3, RECEIVER, covers="subset", cites=3), of("military", 10, RECEIVER))
    assert bounds(figure) == (10, 10, 10)


# … but not one made of `child`/`wounded` alone where another claimant gives a total. A sum left out of low
# and high is no own value.


@pytest.mark.parametrize(
    ("parts", "enters"),
    [
        (["child"], False),
        (["wounded"], False),
        (["child", "wounded"], False),
        (["military"], True),
        (["civilian", "child"], True),
        (["military", "wounded"], True),
    ],
)
def test_children_and_wounded_alone_give_way_to_a_total(parts: list[str], enters: bool) -> None:
    sums = [of(category, 1, RECEIVER) for category in parts]
    figure = persons_of(total(50, PRESS), *sums)
    assert (RECEIVER in own(figure)) is enters
    assert figure.low == (len(parts) if enters else 50)
    assert figure.best_claimant == (RECEIVER if enters else PRESS)
    assert figure.attestation == ("receiver_only" if enters else "press_only")
    assert figure.disputed is enters

    assert own(persons_of(*sums)) == {RECEIVER: (len(parts), "exact")}


@pytest.mark.parametrize("never", [{"rank": "deprecated"}, {"covers": "fragment"}, {"covers": "subset"}])
def test_only_a_total_that_enters_makes_children_give_way(never: Fields) -> None:
    figure = persons_of(total(50, PRESS, **never), of("child", 3, RECEIVER))
    assert bounds(figure) == (3, 3, 3)


def test_a_total_of_the_other_direction_does_not_make_children_give_way() -> None:
    found = derived(back(total(50, PRESS)), of("child", 3, RECEIVER))
    assert [figure.best for figure in found] == [3, 3, 50]


# A sum is `exact` only if all its parts are, else `approximately`.


@pytest.mark.parametrize(
    ("first", "second", "qualifier"),
    [
        ("exact", "exact", "exact"),
        ("exact", "at_least", "approximately"),
        ("at_least", "at_least", "approximately"),
        ("at_most", "approximately", "approximately"),
    ],
)
def test_qualifier_of_a_sum(first: str, second: str, qualifier: str) -> None:
    figure = persons_of(
        of("military", 10, RECEIVER, qualifier=first), of("civilian", 4, RECEIVER, qualifier=second)
    )
    assert own(figure) == {RECEIVER: (14, qualifier)}
    assert figure.best_qualifier == qualifier


# `best` is the own value of, first, claimants with a `preferred` claim of that measure, then all others, each
# time in this order: the receiving party's; else the releasing party's; else an asserted mediator's; else
# another named actor's; else the article's own voice.

PRECEDENCE = (RECEIVER, RELEASER, MEDIATOR, STRANGER, PRESS)
PAIRS = [(first, later) for place, first in enumerate(PRECEDENCE) for later in PRECEDENCE[place + 1 :]]


@pytest.mark.parametrize(("first", "later"), PAIRS)
@pytest.mark.parametrize("category", ["total", "military"])
def test_order_of_precedence(category: str, first: str | None, later: str | None) -> None:
    claims = of(category, 3, first), of(category, 9, later, cites=5)
    for order in permutations(claims):
        figure = figure_of(category, *order, mediations=[brokered(MEDIATOR)])
        assert (figure.best, figure.best_claimant) == (3, first)


@pytest.mark.parametrize(("first", "later"), PAIRS)
@pytest.mark.parametrize("category", ["total", "military"])
def test_a_preferred_claim_goes_before_the_order_of_precedence(
    category: str, first: str | None, later: str | None
) -> None:
    mediations = [brokered(MEDIATOR)]
    claims = [of(category, 9, first, cites=5), of(category, 3, later, rank="preferred")]
    figure = figure_of(category, *claims, mediations=mediations)
    assert (figure.best, figure.best_claimant, figure.low, figure.high) == (3, later, 3, 9)

    both = [claim | {"rank": "preferred"} for claim in claims]
    figure = figure_of(category, *both, mediations=mediations)
    assert (figure.best, figure.best_claimant) == (9, first)


def test_a_preferred_claim_is_preferred_for_its_own_measure_only() -> None:
    found = by_measure(
        total(12, RECEIVER), of("military", 11, RECEIVER), of("military", 10, PRESS, rank="preferred")
    )
    assert found[Measure.MILITARY].best_claimant is PRESS
    assert found[Measure.PERSONS].best_claimant == RECEIVER


@pytest.mark.parametrize("fields", [{"covers": "subset"}, {"covers": "fragment"}])
def test_a_preferred_total_that_does_not_enter_lifts_nobody(fields: Fields) -> None:
    figure = persons_of(total(12, RECEIVER), total(11, PRESS), total(3, PRESS, rank="preferred", **fields))
    assert figure.best_claimant == RECEIVER
    assert own(figure)[PRESS] == (11, "exact")


@pytest.mark.parametrize(
    ("role", "stance", "mediates"),
    [
        ("mediator", "asserts", True),
        ("facilitator", "asserts", True),
        ("host", "asserts", True),
        ("transit", "asserts", False),
        ("mediator", "denies", False),
    ],
)
def test_who_is_an_asserted_mediator(role: str, stance: str, mediates: bool) -> None:
    # Without the mediation the stranger would come first by its citations.
    claims = total(3, MEDIATOR), total(9, STRANGER, cites=5)
    figure = persons_of(*claims, mediations=[brokered(MEDIATOR, role, stance)])
    assert figure.best_claimant == (MEDIATOR if mediates else STRANGER)


def test_a_denial_does_not_undo_an_assertion() -> None:
    figure = persons_of(
        total(3, MEDIATOR),
        total(9, STRANGER, cites=5),
        mediations=[brokered(MEDIATOR), brokered(MEDIATOR, stance="denies")],
    )
    assert figure.best_claimant == MEDIATOR


def test_receiver_and_releaser_are_those_of_the_direction() -> None:
    claims = [
        total(1, RECEIVER, id=f"{EXCHANGE}:c1"),
        total(2, RELEASER, id=f"{EXCHANGE}:c2"),
        back(total(3, RECEIVER, id=f"{EXCHANGE}:c3")),
        back(total(4, RELEASER, id=f"{EXCHANGE}:c4")),
    ]
    assert [(figure.best, figure.best_claimant) for figure in derived(*claims)] == [
        (1, RECEIVER),
        (4, RELEASER),
    ]


# Ties between claimants: more citations, then larger, then actor id.


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ({"count": 1, "cites": 2}, {"count": 9}),
        ({"count": 9}, {"count": 1}),
        ({"count": 9, "qualifier": "at_least"}, {"count": 1}),
    ],
    ids=["citations", "larger", "larger before exact"],
)
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("mediating", [False, True])
def test_ties_between_claimants(first: Fields, later: Fields, swapped: bool, mediating: bool) -> None:
    names = (LATER_STRANGER, STRANGER) if swapped else (STRANGER, LATER_STRANGER)
    mediations = [brokered(name) for name in names if mediating]
    figure = persons_of(
        total(claimant=names[0], **first), total(claimant=names[1], **later), mediations=mediations
    )
    assert figure.best_claimant == names[0]


def test_full_ties_go_to_the_smaller_actor_id() -> None:
    for order in permutations([total(5, STRANGER), total(5, LATER_STRANGER)]):
        assert persons_of(*order).best_claimant == STRANGER


def test_citations_of_a_sum_are_its_different_articles() -> None:
    parts = of("military", 5, STRANGER, cites=2), of("civilian", 5, STRANGER, cites=2)
    assert persons_of(*parts, total(1, LATER_STRANGER, cites=3)).best_claimant == LATER_STRANGER
    apart = of("military", 5, STRANGER), of("civilian", 5, STRANGER, citations=["paper-2"])
    assert persons_of(*apart, total(9, LATER_STRANGER)).best_claimant == STRANGER


# A figure is `disputed` if two claimants' own `exact` values differ, and `disputed_by_parties` if those of
# releaser and receiver do.


@pytest.mark.parametrize(
    ("claims", "disputed", "by_parties"),
    [
        pytest.param([total(5, RECEIVER), total(6, RELEASER)], True, True, id="parties"),
        pytest.param([total(5, RECEIVER), total(5, RELEASER)], False, False, id="agreement"),
        pytest.param([total(5, RECEIVER), total(6, STRANGER)], True, False, id="another actor"),
        pytest.param([total(5, RECEIVER), total(6, PRESS)], True, False, id="the article's own voice"),
        pytest.param([total(5, STRANGER), total(6, PRESS)], True, False, id="no party"),
        pytest.param(
            [total(5, RECEIVER), total(5, RELEASER), total(6, PRESS)], True, False, id="agreeing parties"
        ),
        pytest.param(
            [total(5, RECEIVER), total(6, RELEASER, qualifier="at_least")], False, False, id="not exact"
        ),
        pytest.param([total(5, RECEIVER), total(6, RECEIVER)], False, False, id="one claimant alone"),
        pytest.param(
            [total(5, RECEIVER, cites=2), total(6, RECEIVER), total(5, RELEASER)],
            False,
            False,
            id="not an own value",
        ),
        pytest.param(
            [of("military", 5, RECEIVER), of("civilian", 1, RECEIVER), total(5, RELEASER)],
            True,
            True,
            id="an exact sum",
        ),
        pytest.param(
            [
                of("military", 5, RECEIVER),
                of("civilian", 1, RECEIVER, qualifier="at_least"),
                total(5, RELEASER),
            ],
            False,
            False,
            id="a sum that is not exact",
        ),
        pytest.param([total(0, RECEIVER), total(6, RELEASER)], True, True, id="zero is a value"),
    ],
)
def test_disputes(claims: list[Fields], disputed: bool, by_parties: bool) -> None:
    figure = persons_of(*claims)
    assert (figure.disputed, figure.disputed_by_parties) == (disputed, by_parties)


def test_a_category_is_disputed_on_its_own() -> None:
    found = by_measure(
        total(9, RECEIVER), total(9, RELEASER), of("military", 5, RECEIVER), of("military", 6, RELEASER)
    )
    assert not found[Measure.PERSONS].disputed
    assert found[Measure.MILITARY].disputed_by_parties


# The `independent_sources` of a figure are those of the claims behind `best`.


@pytest.mark.parametrize(
    ("claims", "sources", "independent"),
    [
        pytest.param([total(5, RECEIVER, cites=3)], SOURCES, 3, id="each its own"),
        pytest.param(
            [total(5, RECEIVER, cites=3)],
            {"paper-1": "wire", "paper-2": "wire", "paper-3": "daily"},
            2,
            id="two carry the same wire",
        ),
        pytest.param(
            [total(5, RECEIVER), total(5, RELEASER, cites=4), total(5, RECEIVER, qualifier="at_least")],
            SOURCES,
            1,
            id="other claims are not behind best",
        ),
        pytest.param(
            [
                of("military", 5, RECEIVER, cites=2),
                of("civilian", 5, RECEIVER, citations=["paper-2", "paper-4"]),
            ],
            SOURCES,
            3,
            id="all parts of a sum",
        ),
    ],
)
def test_independent_sources(claims: list[Fields], sources: Mapping[str, str], independent: int) -> None:
    (figure, *_) = figures(exchange(*claims), sources)
    assert figure.independent_sources == independent


def test_an_article_without_a_source_is_an_error() -> None:
    with pytest.raises(KeyError, match="paper-2"):
        figures(exchange(total(5, RECEIVER, cites=2)), {"paper-1": "source-1"})


# The `attestation` says who has an own value.


@pytest.mark.parametrize(
    ("claimants", "attestation"),
    [
        ([RECEIVER, RELEASER], Attestation.BOTH_PARTIES),
        ([RECEIVER, RELEASER, MEDIATOR, PRESS], Attestation.BOTH_PARTIES),
        ([RECEIVER], Attestation.RECEIVER_ONLY),
        ([RECEIVER, MEDIATOR, STRANGER, PRESS], Attestation.RECEIVER_ONLY),
        ([RELEASER], Attestation.RELEASER_ONLY),
        ([RELEASER, STRANGER, PRESS], Attestation.RELEASER_ONLY),
        ([MEDIATOR], Attestation.THIRD_PARTY),
        ([STRANGER, PRESS], Attestation.THIRD_PARTY),
        ([PRESS], Attestation.PRESS_ONLY),
    ],
)
def test_attestation(claimants: list[str | None], attestation: Attestation) -> None:
    figure = persons_of(*(total(5, claimant) for claimant in claimants), mediations=[brokered(MEDIATOR)])
    assert figure.attestation == attestation


def test_attestation_is_of_the_measure() -> None:
    found = by_measure(total(5, RECEIVER), of("military", 5, RELEASER), of("child", 1, STRANGER))
    assert {measure: figure.attestation for measure, figure in found.items()} == {
        Measure.PERSONS: Attestation.BOTH_PARTIES,
        Measure.MILITARY: Attestation.RELEASER_ONLY,
        Measure.CHILD: Attestation.THIRD_PARTY,
    }


# An exchange with no figures is legal.


def test_an_exchange_without_claims_has_no_figures() -> None:
    assert derived() == ()
    assert persons(derived()) == Persons(low=None, best=None, high=None, both_directions=False)


# The order of the answer.


def test_figures_are_ordered_by_direction_then_measure() -> None:
    claims = [
        back(of("remains", 7, PRESS)),
        of("wounded", 1, PRESS),
        of("remains", 5, PRESS),
        back(of("child", 1, PRESS)),
        of("civilian", 3, PRESS),
        of("military", 4, PRESS),
        total(4, RELEASER, released_by="cland"),
    ]
    found = [(figure.released_by, figure.received_by, figure.measure.value) for figure in derived(*claims)]
    assert found == [
        (RELEASER, RECEIVER, "persons"),
        (RELEASER, RECEIVER, "military"),
        (RELEASER, RECEIVER, "civilian"),
        (RELEASER, RECEIVER, "wounded"),
        (RELEASER, RECEIVER, "remains"),
        (RECEIVER, RELEASER, "persons"),
        (RECEIVER, RELEASER, "child"),
        (RECEIVER, RELEASER, "remains"),
        ("cland", RECEIVER, "persons"),
    ]


def test_claimants_are_in_the_order_in_which_the_rule_takes_them() -> None:
    claims = [total(5, claimant) for claimant in (PRESS, LATER_STRANGER, STRANGER, MEDIATOR, RECEIVER)]
    figure = persons_of(*claims, total(1, RELEASER, rank="preferred"), mediations=[brokered(MEDIATOR)])
    assert list(own(figure)) == [RELEASER, RECEIVER, MEDIATOR, STRANGER, LATER_STRANGER, PRESS]


def test_claim_ids_behind_a_value_are_sorted() -> None:
    parts = [
        of("military", 5, RECEIVER, id=f"{EXCHANGE}:c2"),
        of("civilian", 5, RECEIVER, id=f"{EXCHANGE}:c1"),
        of("civilian", 5, RECEIVER, id=f"{EXCHANGE}:c3", qualifier="at_most"),
    ]
    assert claim_numbers(persons_of(*parts)) == {RECEIVER: ["c1", "c2"]}


# Living people of all directions together.


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        pytest.param([total(5, RECEIVER), total(6, PRESS)], (5, 5, 6, False), id="one direction"),
        pytest.param(
            [total(5, RECEIVER), total(6, PRESS), back(total(20, PRESS)), back(total(30, STRANGER))],
            (25, 35, 36, True),
            id="both directions",
        ),
        pytest.param(
            [total(5, PRESS), of("military", 5, PRESS), back(of("remains", 9, PRESS))],
            (5, 5, 5, False),
            id="remains do not count",
        ),
        pytest.param([of("remains", 9, PRESS)], (None, None, None, False), id="remains alone"),
        pytest.param([total(0, RECEIVER)], (0, 0, 0, False), id="zero is not null"),
        pytest.param(
            [total(5, PRESS), total(2, PRESS, released_by=RECEIVER, received_by="cland")],
            (7, 7, 7, False),
            id="two directions that are not opposite",
        ),
        pytest.param(
            [total(5, PRESS), total(2, PRESS, released_by="cland"), back(total(3, PRESS))],
            (10, 10, 10, True),
            id="three directions, two of them opposite",
        ),
    ],
)
def test_persons(claims: list[Fields], expected: tuple[int | None, int | None, int | None, bool]) -> None:
    low, best, high, both = expected
    assert persons(derived(*claims)) == Persons(low=low, best=best, high=high, both_directions=both)


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
