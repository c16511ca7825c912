"""How far an agreement has been carried out: promises set against the figures of the exchanges under it.

Pure functions over records; reading them is `db/queries/progress.py`'s. What is promised is told by the
agreement itself, and nothing here judges whether a promise was kept.

Where the terms leave room, they are read so:

- A term counts the completed exchanges of its agreement. Those of kind `remains` are stages of a term about
  remains, all others of a term about the living; and whatever has a figure of the term's measure is one.
- `each_side` promises the count once in each direction between the parties. A term with one end of a
  direction counts what has that end. One with neither counts both directions together, and a stage of it has
  a figure only if each direction between the parties has one.
- People whom another exchange has counted before are not taken off.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from db.checkrecords import AgreementProgress, AgreementStage, ClaimantSum, Delivery, TermProgress
from db.enums import Category, ExchangeKind, Measure
from db.reconciling import measure_of
from db.records import Agreement, Exchange, ExchangeFigure, PublishedTotal, Term


@dataclass(frozen=True)
class _Side:
    """Which figures count towards a promise, and in which directions a stage must have one."""

    released_by: str | None
    received_by: str | None
    needed: Sequence[tuple[str, str]]

    def counts(self, figure: ExchangeFigure) -> bool:
        return self.released_by in {None, figure.released_by} and self.received_by in {
            None,
            figure.received_by,
        }

    def speaks_of(self, total: PublishedTotal) -> bool:
        """Tell whether a total counts the people of this side: of no end that is another one."""
        return all(
            theirs is None or ours is None or theirs == ours
            for theirs, ours in (
                (total.released_by, self.released_by),
                (total.received_by, self.received_by),
            )
        )


@dataclass(frozen=True)
class _Stage:
    exchange: Exchange
    figures: Sequence[ExchangeFigure]
    known: bool


def progress(
    agreement: Agreement, exchanges: Sequence[Exchange], totals: Sequence[PublishedTotal]
) -> AgreementProgress:
    """Set the terms of an agreement against its exchanges.

    `exchanges` are the completed ones that carry the agreement out, `totals` the published ones that count
    them; both in order of date.
    """
    return AgreementProgress(
        agreement=agreement.id,
        title=agreement.title,
        date=agreement.date,
        exchanges=len(exchanges),
        terms=tuple(_term(term, agreement.parties, exchanges, totals) for term in agreement.terms),
        totals=tuple(totals),
    )


def _term(
    term: Term, parties: Sequence[str], exchanges: Sequence[Exchange], totals: Sequence[PublishedTotal]
) -> TermProgress:
    measure = measure_of(term.category)
    remains = term.category == Category.REMAINS
    concerned = [
        exchange
        for exchange in exchanges
        if (exchange.kind == ExchangeKind.REMAINS) is remains
        or any(figure.measure == measure for figure in exchange.figures)
    ]
    about = [total for total in totals if total.category == term.category]
    return TermProgress(
        **{name: getattr(term, name) for name in Term.model_fields},
        measure=measure,
        deliveries=tuple(_delivery(term, side, measure, concerned, about) for side in _sides(term, parties)),
    )


def _sides(term: Term, parties: Sequence[str]) -> list[_Side]:
    directions = list(permutations(parties, 2))
    if term.released_by is not None or term.received_by is not None:
        return [_Side(term.released_by, term.received_by, ())]
    if term.each_side:
        return [_Side(releaser, receiver, ()) for releaser, receiver in directions]
    return [_Side(None, None, directions)]


def _delivery(
    term: Term,
    side: _Side,
    measure: Measure,
    exchanges: Sequence[Exchange],
    totals: Sequence[PublishedTotal],
) -> Delivery:
    stages = [_stage(exchange, side, measure) for exchange in exchanges]
    known = [stage for stage in stages if stage.known]
    best = _sum(known, "best")
    complete = bool(stages) and len(known) == len(stages)
    return Delivery(
        released_by=side.released_by,
        received_by=side.received_by,
        promised=term.count,
        low=_sum(known, "low"),
        best=best,
        high=_sum(known, "high"),
        share=best / term.count if complete and best is not None and term.count else None,
        stages=tuple(
            AgreementStage(
                exchange=stage.exchange.id,
                date=stage.exchange.date,
                low=_sum([stage], "low"),
                best=_sum([stage], "best"),
                high=_sum([stage], "high"),
            )
            for stage in stages
        ),
        stages_without_figure=len(stages) - len(known),
        claimants_differ=any(_differ(figure) for stage in known for figure in stage.figures),
        by_claimant=_views(stages, side),
        totals=tuple(total.id for total in totals if side.speaks_of(total)),
    )


def _stage(exchange: Exchange, side: _Side, measure: Measure) -> _Stage:
    figures = [figure for figure in exchange.figures if figure.measure == measure and side.counts(figure)]
    found = {(figure.released_by, figure.received_by) for figure in figures}
    return _Stage(exchange, figures, known=bool(figures) and found.issuperset(side.needed))


def _sum(stages: Iterable[_Stage], field: str) -> int | None:
    """Sum one field of the figures of stages; None if no stage is known."""
    known = [stage for stage in stages if stage.known]
    if not known:
        return None
    return sum(int(getattr(figure, field)) for stage in known for figure in stage.figures)


def _differ(figure: ExchangeFigure) -> bool:
    return len({own.value for own in figure.by_claimant}) > 1


def _views(stages: Sequence[_Stage], side: _Side) -> tuple[ClaimantSum, ...]:
    """Give each claimant's own sum: of the stages of which it states all that is asked for."""
    sums: dict[str | None, int] = {}
    stated: dict[str | None, int] = {}
    for stage in stages:
        for claimant, values in _own(stage).items():
            if values.keys() >= set(side.needed):
                sums[claimant] = sums.get(claimant, 0) + sum(values.values())
                stated[claimant] = stated.get(claimant, 0) + 1
    return tuple(
        ClaimantSum(
            claimant=claimant,
            value=sums[claimant],
            stages=stated[claimant],
            stages_not_stated=len(stages) - stated[claimant],
        )
        for claimant in sorted(sums, key=lambda claimant: claimant or "")
    )


def _own(stage: _Stage) -> Mapping[str | None, dict[tuple[str, str], int]]:
    """Give the own values of each claimant of a stage by direction."""
    found: dict[str | None, dict[tuple[str, str], int]] = {}
    for figure in stage.figures:
        for own in figure.by_claimant:
            direction = (figure.released_by, figure.received_by)
            found.setdefault(own.claimant, {})[direction] = own.value
    return found
