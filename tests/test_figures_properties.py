"""What holds of the figures rule whatever the claims are."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.enums import Category, Covers, Measure, MediationRole, Qualifier, Rank, Stance
from db.figures import counts, figures, persons
from db.records import ExchangeFigure
from tests.claims import (
    EXCHANGE,
    LATER_STRANGER,
    MEDIATOR,
    PRESS,
    RECEIVER,
    RELEASER,
    SOURCES,
    STRANGER,
    back,
    derived,
    exchange,
    figure_of,
    of,
)

Fields = dict[str, Any]
Key = tuple[str, str, Measure]

CLAIMANTS = (PRESS, RECEIVER, RELEASER, MEDIATOR, STRANGER, LATER_STRANGER)
NEWCOMER = "nland"  # claims nothing but what a property adds

# A busy machine is no failure.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

papers = st.sets(st.sampled_from(sorted(SOURCES)[:4]), min_size=1).map(sorted)


def claims_with(**drawn: st.SearchStrategy[Any]) -> st.SearchStrategy[Fields]:
    """Make claims of either direction, some of whose fields are drawn as the caller says."""
    fields = {
        "category": st.sampled_from(Category),
        "count": st.integers(0, 12),  # small, so that ties are common
        "claimant": st.sampled_from(CLAIMANTS),
        "qualifier": st.sampled_from(Qualifier),
        "covers": st.sampled_from(Covers),
        "rank": st.sampled_from(Rank),
        "citations": papers,
    }
    claims = st.fixed_dictionaries(fields | drawn).map(lambda claim: of(**claim))
    return claims | claims.map(back)


any_claims = st.lists(claims_with(), max_size=8)
uncounted_claims = st.lists(
    claims_with(rank=st.just(Rank.DEPRECATED)) | claims_with(covers=st.just(Covers.FRAGMENT)), min_size=1
)
entering_totals = claims_with(
    category=st.just(Category.TOTAL),
    covers=st.just(Covers.ALL),
    rank=st.sampled_from([Rank.NORMAL, Rank.PREFERRED]),
)
any_mediations = st.lists(
    st.fixed_dictionaries(
        {
            "actor": st.sampled_from([MEDIATOR, STRANGER]),
            "role": st.sampled_from(MediationRole),
            "stance": st.sampled_from(Stance),
            "claimant": st.none(),
            "citations": papers,
        }
    ),
    max_size=2,
)


def with_a_permutation(claims: Sequence[Fields]) -> st.SearchStrategy[tuple[Sequence[Fields], list[Fields]]]:
    named = [claim | {"id": f"{EXCHANGE}:c{number}"} for number, claim in enumerate(claims, 1)]
    return st.tuples(st.just(named), st.permutations(named))


def with_rivals(claims: Sequence[Fields]) -> st.SearchStrategy[tuple[Sequence[Fields], list[Fields]]]:
    """Add claims of which many say otherwise than one of the same claimant about the same thing."""
    same = ("released_by", "received_by", "category", "claimant")
    rivals = st.builds(
        lambda claim, other: claim | {name: other[name] for name in same},
        claims_with(),
        st.sampled_from(claims),
    )
    return st.tuples(st.just(claims), st.lists(claims_with() | rivals, min_size=1, max_size=3))


def by_key(found: Sequence[ExchangeFigure]) -> Mapping[Key, ExchangeFigure]:
    keyed = {(figure.released_by, figure.received_by, figure.measure): figure for figure in found}
    assert len(keyed) == len(found)
    return keyed


def assert_no_narrower(before: ExchangeFigure, after: ExchangeFigure) -> None:
    assert after.low <= before.low
    assert after.high >= before.high


@unhurried
@given(any_claims.flatmap(with_a_permutation), any_mediations)
def test_the_order_of_claims_does_not_matter(
    orders: tuple[list[Fields], list[Fields]], mediations: list[Fields]
) -> None:
    first, second = orders
    assert derived(*first, mediations=mediations) == derived(*second, mediations=mediations[::-1])


@unhurried
@given(any_claims, any_mediations)
def test_low_best_and_high_are_in_order(claims: list[Fields], mediations: list[Fields]) -> None:
    found = derived(*claims, mediations=mediations)
    for figure in found:
        assert figure.low <= figure.best <= figure.high
        assert all(figure.low <= value.value <= figure.high for value in figure.by_claimant)
    together = persons(found)
    if together.low is not None and together.best is not None and together.high is not None:
        assert together.low <= together.best <= together.high


@unhurried
@given(any_claims, any_mediations)
def test_best_is_the_first_of_the_claimants_each_of_whom_is_named_once(
    claims: list[Fields], mediations: list[Fields]
) -> None:
    for figure in derived(*claims, mediations=mediations):
        first = figure.by_claimant[0]
        assert (figure.best, figure.best_claimant, figure.best_qualifier) == (
            first.value,
            first.claimant,
            first.qualifier,
        )
        claimants = [value.claimant for value in figure.by_claimant]
        assert len(set(claimants)) == len(claimants)


@unhurried
@given(any_claims, any_mediations)
def test_an_own_value_is_the_sum_of_counted_claims_of_its_claimant(
    claims: list[Fields], mediations: list[Fields]
) -> None:
    item = exchange(*claims, mediations=mediations)
    by_id = {claim.id: claim for claim in item.claims}
    for figure in figures(item, SOURCES):
        for value in figure.by_claimant:
            behind = [by_id[claim_id] for claim_id in value.claims]
            assert value.value == sum(claim.count for claim in behind)
            assert all(counts(claim) and claim.claimant == value.claimant for claim in behind)
            assert {(claim.released_by, claim.received_by) for claim in behind} == {
                (figure.released_by, figure.received_by)
            }


@unhurried
@given(any_claims, uncounted_claims, any_mediations)
def test_deprecated_and_fragment_claims_change_nothing(
    claims: list[Fields], added: list[Fields], mediations: list[Fields]
) -> None:
    before = derived(*claims, mediations=mediations)
    assert derived(*claims, *added, mediations=mediations) == before


@unhurried
@given(st.lists(claims_with(), min_size=1, max_size=8).flatmap(with_rivals))
def test_no_added_claim_narrows_a_category(case: tuple[list[Fields], list[Fields]]) -> None:
    claims, added = case
    after = by_key(derived(*claims, *added))
    for key, figure in by_key(derived(*claims)).items():
        if figure.measure != Measure.PERSONS:
            assert_no_narrower(figure, after[key])


@unhurried
@given(any_claims, entering_totals, entering_totals, st.booleans())
def test_a_total_narrows_no_persons_where_its_claimant_has_one_or_is_new(
    claims: list[Fields], present: Fields, added: Fields, new: bool
) -> None:
    added |= {name: present[name] for name in ("released_by", "received_by")}
    added |= {"claimant": NEWCOMER if new else present["claimant"]}
    after = by_key(derived(*claims, present, added))
    for key, figure in by_key(derived(*claims, present)).items():
        assert_no_narrower(figure, after[key])


def test_a_total_may_narrow_persons_where_it_takes_the_place_of_a_sum() -> None:
    """The last property needs both its conditions."""
    claims = of("military", 9, RECEIVER), of("total", 5, PRESS)
    assert figure_of("total", *claims).high == 9
    assert figure_of("total", *claims, of("total", 5, RECEIVER)).high == 5

    claims = of("child", 2, RECEIVER), of("military", 9, PRESS)
    assert figure_of("total", *claims).low == 2
    assert figure_of("total", *claims, of("total", 9, STRANGER)).low == 9
