"""The figures rule on synthetic claims, sentence by sentence: what counts, own values, persons and best."""

from itertools import permutations

import pytest

from db.enums import Covers, Measure, Rank
from db.figures import counts
from tests.claims import (
    EXCHANGE,
    LATER_STRANGER,
    MEDIATOR,
    PRESS,
    RECEIVER,
    RELEASER,
    STRANGER,
    Fields,
    back,
    bounds,
    brokered,
    by_measure,
    claim_numbers,
    derived,
    exchange,
    figure_of,
    of,
    own,
    persons_of,
    total,
)

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
