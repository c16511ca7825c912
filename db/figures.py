"""The figures rule: from claims to low / best / high for each direction and measure.

Pure functions over validated records: the same claims give the same figures, in the same order, whatever
order the claims come in. Nothing here reads or writes a database, looks at overlaps between exchanges or adds
up several exchanges; and whose word an article is, the caller says.

Where the rule leaves room, it is read so:

- A claim that does not count (`counts`) is as good as absent: it makes nobody a claimant.
- Own values are chosen among the claims that may enter the measure. So a `subset` claim, which never enters
  `persons`, does not displace the same claimant's claim with covers `all` in the sum of its parts; nor does a
  `total` with covers `subset` stop such a sum.
- Where preference, citations, exactness and count all tie, the claim with the smaller id is the own value.
- The claim of the measure `persons` is `total`: a preferred part decides which claim enters the sum of its
  claimant, but only a preferred `total` lifts a claimant above the parties.
- The citations of a sum are the different articles that its parts cite.
- An asserted mediator is an actor with a mediation of stance `asserts` in one of the roles mediator,
  facilitator and host, whoever asserts it and whoever else denies it; transit is not mediating.
- The article's own voice is a claimant like the others in `disputed`. `attestation` looks at all own values,
  not only at the best one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from db.enums import Attestation, Category, Covers, Measure, MediationRole, Qualifier, Rank, Stance
from db.inputs import ClaimInput, ExchangeInput, MediationInput
from db.records import ClaimantValue, ExchangeFigure, Persons

FIGURES_RULE = 1

_MEDIATING = frozenset({MediationRole.MEDIATOR, MediationRole.FACILITATOR, MediationRole.HOST})
_CATEGORY_MEASURES = tuple((measure, Category(measure)) for measure in Measure if measure != Measure.PERSONS)
_LIVING_PARTS = (Category.MILITARY, Category.CIVILIAN, Category.CHILD, Category.WOUNDED)
# Children and wounded are often named out of a larger group: alone they say little about its size.
_NEVER_ALONE = frozenset({Category.CHILD, Category.WOUNDED})


class _Direction(NamedTuple):
    released_by: str
    received_by: str


class _Own(NamedTuple):
    """The own value of one claimant, with the claims that it is made of."""

    claimant: str | None
    value: int
    qualifier: Qualifier
    claims: tuple[ClaimInput, ...]
    articles: Set[str]
    preferred: bool


class _Evidence(NamedTuple):
    """What is known about one measure: the counts that enter low and high, and the own values."""

    counts: Sequence[int]
    own: Sequence[_Own]


_ByCategory = Mapping[Category, Sequence[ClaimInput]]


def counts(claim: ClaimInput) -> bool:
    """Tell whether a claim counts: its rank is not `deprecated` and it covers more than a `fragment`."""
    return claim.rank != Rank.DEPRECATED and claim.covers != Covers.FRAGMENT


def figures(exchange: ExchangeInput, sources: Mapping[str, str]) -> tuple[ExchangeFigure, ...]:
    """Derive the figures of an exchange: one for each direction and measure that a counted claim gives.

    Figures are numbers of people. Directions are in the order of their actor ids, and the measures of each in
    that of `Measure`, `persons` first. `by_claimant` is in the order in which the rule would take the values,
    so its first is `best`. No counted claim gives no figure.

    `low` and `high` are the extremes of the counts that enter the measure:

    - a category: every counted claim of it;
    - `persons`: every counted `total` with covers `all`, and for each claimant without one the sum of its own
      values with covers `all` over military, civilian, child and wounded. A sum of child and wounded alone is
      left out where another claimant gives a total, and is no own value then.

    A claimant's own value is its preferred claim, else the one with most citations, then `exact`, then the
    larger. A sum is `exact` if all its parts are, else `approximately`.

    `best` is an own value of the claimants with a preferred claim of the measure, if there are any, else of
    all: the receiver's, else the releaser's, else an asserted mediator's, else another named actor's, else
    the article's own voice. Ties go to more citations, then the larger value, then the smaller actor id.

    `sources` maps the id of an article to its agency, else its publisher; `independent_sources` counts the
    distinct ones over the citations of the claims behind `best`.

    Raises:
        KeyError: `sources` lacks an article that a claim behind `best` cites.
    """
    mediators = _asserted_mediators(exchange.mediations)
    by_direction = _by_direction(exchange.claims)
    return tuple(
        _figure(direction, measure, evidence, mediators, sources)
        for direction in sorted(by_direction)
        for measure, evidence in _measured(by_direction[direction])
    )


def persons(figures: Sequence[ExchangeFigure]) -> Persons:
    """Sum the `persons` figures of all directions of one exchange, in numbers of people.

    Without such a figure the sums are null. `both_directions` says whether two of these figures are of
    opposite directions, that is between the same two actors.
    """
    living = [figure for figure in figures if figure.measure == Measure.PERSONS]
    directions = {(figure.released_by, figure.received_by) for figure in living}
    return Persons(
        low=sum(figure.low for figure in living) if living else None,
        best=sum(figure.best for figure in living) if living else None,
        high=sum(figure.high for figure in living) if living else None,
        both_directions=any((receiver, releaser) in directions for releaser, receiver in directions),
    )


def _asserted_mediators(mediations: Iterable[MediationInput]) -> Set[str]:
    return {
        mediation.actor
        for mediation in mediations
        if mediation.stance == Stance.ASSERTS and mediation.role in _MEDIATING
    }


def _by_direction(claims: Iterable[ClaimInput]) -> Mapping[_Direction, _ByCategory]:
    grouped: dict[_Direction, dict[Category, list[ClaimInput]]] = defaultdict(lambda: defaultdict(list))
    for claim in claims:
        if counts(claim):
            grouped[_Direction(claim.released_by, claim.received_by)][claim.category].append(claim)
    return grouped


def _measured(claims: _ByCategory) -> Iterable[tuple[Measure, _Evidence]]:
    """Give the measures that the counted claims of one direction know something about."""
    living = _persons_evidence(claims)
    if living.own:
        yield Measure.PERSONS, living
    for measure, category in _CATEGORY_MEASURES:
        if category in claims:
            yield measure, _claim_evidence(claims[category])


def _claim_evidence(claims: Sequence[ClaimInput]) -> _Evidence:
    own = [_own_of_claim(claim) for claim in _own_claims(claims).values()]
    return _Evidence([claim.count for claim in claims], own)


def _persons_evidence(claims: _ByCategory) -> _Evidence:
    totals = _claim_evidence(_covering_all(claims.get(Category.TOTAL, ())))
    sums = [
        _own_of_sum(claimant, parts)
        for claimant, parts in _parts(claims, without={own.claimant for own in totals.own}).items()
        if not totals.own or any(part.category not in _NEVER_ALONE for part in parts)
    ]
    return _Evidence([*totals.counts, *(own.value for own in sums)], [*totals.own, *sums])


def _parts(claims: _ByCategory, without: Set[str | None]) -> Mapping[str | None, Sequence[ClaimInput]]:
    """Give, for each claimant but those `without`, its own claims over the categories of the living."""
    parts: dict[str | None, list[ClaimInput]] = defaultdict(list)
    for category in _LIVING_PARTS:
        for claimant, claim in _own_claims(_covering_all(claims.get(category, ()))).items():
            if claimant not in without:
                parts[claimant].append(claim)
    return parts


def _covering_all(claims: Iterable[ClaimInput]) -> Sequence[ClaimInput]:
    return [claim for claim in claims if claim.covers == Covers.ALL]


def _own_claims(claims: Iterable[ClaimInput]) -> Mapping[str | None, ClaimInput]:
    """Give, for each claimant, the one of its claims of a category that is its own value."""
    own: dict[str | None, ClaimInput] = {}
    for claim in claims:
        rival = own.get(claim.claimant)
        if rival is None or _weight(claim) < _weight(rival):
            own[claim.claimant] = claim
    return own


def _weight(claim: ClaimInput) -> tuple[bool, int, bool, int, str]:
    """Give the sort key of the claims of one claimant and category: the smallest is its own value."""
    return (
        claim.rank != Rank.PREFERRED,
        -len(claim.citations),
        claim.qualifier != Qualifier.EXACT,
        -claim.count,
        claim.id,
    )


def _own_of_claim(claim: ClaimInput) -> _Own:
    return _Own(
        claimant=claim.claimant,
        value=claim.count,
        qualifier=claim.qualifier,
        claims=(claim,),
        articles=frozenset(claim.citations),
        preferred=claim.rank == Rank.PREFERRED,
    )


def _own_of_sum(claimant: str | None, parts: Sequence[ClaimInput]) -> _Own:
    exact = all(part.qualifier == Qualifier.EXACT for part in parts)
    return _Own(
        claimant=claimant,
        value=sum(part.count for part in parts),
        qualifier=Qualifier.EXACT if exact else Qualifier.APPROXIMATELY,
        claims=tuple(parts),
        articles=frozenset(article for part in parts for article in part.citations),
        preferred=False,  # a preferred part is no preferred claim of `persons`
    )


def _figure(
    direction: _Direction,
    measure: Measure,
    evidence: _Evidence,
    mediators: Set[str],
    sources: Mapping[str, str],
) -> ExchangeFigure:
    own = sorted(evidence.own, key=lambda value: _precedence(value, direction, mediators))
    best = own[0]
    exact = {value.claimant: value.value for value in own if value.qualifier == Qualifier.EXACT}
    return ExchangeFigure(
        released_by=direction.released_by,
        received_by=direction.received_by,
        measure=measure,
        low=min(evidence.counts),
        best=best.value,
        high=max(evidence.counts),
        best_claimant=best.claimant,
        best_qualifier=best.qualifier,
        disputed=_differ(exact.values()),
        disputed_by_parties=_differ(exact[party] for party in direction if party in exact),
        attestation=_attestation(direction, {value.claimant for value in own}),
        independent_sources=len({sources[article] for article in best.articles}),
        by_claimant=tuple(_claimant_value(value) for value in own),
    )


def _precedence(own: _Own, direction: _Direction, mediators: Set[str]) -> tuple[bool, int, int, int, str]:
    """Give the sort key of the own values of one figure: the smallest is `best`."""
    return (
        not own.preferred,
        _place(own.claimant, direction, mediators),
        -len(own.articles),
        -own.value,
        own.claimant or "",
    )


def _place(claimant: str | None, direction: _Direction, mediators: Set[str]) -> int:
    # The receiver counts the people who have arrived; whoever is farther from them comes later.
    if claimant is None:
        return 4
    if claimant == direction.received_by:
        return 0
    if claimant == direction.released_by:
        return 1
    return 2 if claimant in mediators else 3


def _differ(values: Iterable[int]) -> bool:
    return len(set(values)) > 1


def _attestation(direction: _Direction, claimants: Set[str | None]) -> Attestation:
    receiver = direction.received_by in claimants
    releaser = direction.released_by in claimants
    if receiver and releaser:
        return Attestation.BOTH_PARTIES
    if receiver:
        return Attestation.RECEIVER_ONLY
    if releaser:
        return Attestation.RELEASER_ONLY
    return Attestation.PRESS_ONLY if claimants == {None} else Attestation.THIRD_PARTY


def _claimant_value(own: _Own) -> ClaimantValue:
    return ClaimantValue(
        claimant=own.claimant,
        value=own.value,
        qualifier=own.qualifier,
        claims=tuple(sorted(claim.id for claim in own.claims)),
    )
