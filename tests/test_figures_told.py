"""The figures rule on synthetic claims: disputes, sources, attestation, and the form of the answer."""

from collections.abc import Mapping

import pytest

from db.enums import Attestation, Measure
from db.figures import figures, persons
from db.records import Persons
from tests.claims import (
    EXCHANGE,
    LATER_STRANGER,
    MEDIATOR,
    PRESS,
    RECEIVER,
    RELEASER,
    SOURCES,
    STRANGER,
    Fields,
    back,
    brokered,
    by_measure,
    claim_numbers,
    derived,
    exchange,
    of,
    own,
    persons_of,
    total,
)

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
