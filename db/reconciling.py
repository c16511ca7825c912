"""Published running totals against our own sums: series of totals, their steps, and what exchanges add up to.

Pure functions over records; which exchanges fit the scope of a series is found in
`db/queries/reconciliation.py`. Whether a gap has a reason is told by coverage notes and by readers, not here.

Where the totals leave room, they are read so:

- A total speaks of the end of its day: an exchange of that day is in it, and not in the step after it. The
  day of an exchange is the first one where it took several.
- A series begins to count where `since` or `year` says, or with its agreement. Nobody says so of the others:
  their first exact total is a baseline, from which steps are counted, and is checked against nothing.
- A total of people counts those who came home in exchanges of prisoners. Children and the dead are brought
  home in other ways: theirs are the handovers of that kind, and whatever else has a figure of them.
- People whom another exchange has counted before are not taken off: the totals do not say that they do.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from types import MappingProxyType

from db.checkrecords import (
    CountedDirection,
    CountedExchange,
    ReconciliationSeries,
    ReconciliationStep,
    SeriesScope,
    SeriesStep,
    SeriesTotal,
    StepNumbers,
)
from db.enums import Basis, Category, ExchangeKind, Measure, Qualifier, TotalMeasure
from db.records import CoverageNote, PublishedTotal

KIND_OF: Mapping[Category, ExchangeKind] = MappingProxyType(
    {
        Category.TOTAL: ExchangeKind.PRISONER_EXCHANGE,
        Category.MILITARY: ExchangeKind.PRISONER_EXCHANGE,
        Category.CIVILIAN: ExchangeKind.PRISONER_EXCHANGE,
        Category.WOUNDED: ExchangeKind.PRISONER_EXCHANGE,
        Category.CHILD: ExchangeKind.CIVILIAN_RETURN,
        Category.REMAINS: ExchangeKind.REMAINS,
    }
)
# They are handed over in exchanges of any kind, besides the kind that is named after them.
OF_ANY_KIND = frozenset({Category.CHILD, Category.REMAINS})
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Candidate:
    """One direction of an exchange that fits the scope of a series; nulls where there is no figure.

    `own` is what the claimant itself states of the direction, `mediation_stated` whether it says itself that
    the mediator of the scope brokered the exchange.
    """

    exchange: str
    date: dt.date
    kind: ExchangeKind
    released_by: str | None
    received_by: str | None
    best: int | None
    own: int | None
    mediation_stated: bool


@dataclass(frozen=True)
class Window:
    """What a step spans: after the day of one total up to the day of another, that day included."""

    total: PublishedTotal
    previous: PublishedTotal | None
    after: dt.date | None

    def holds(self, day: dt.date) -> bool:
        """Tell whether an exchange of a day belongs to the step."""
        return (self.after is None or day > self.after) and day <= self.total.as_of


@dataclass(frozen=True)
class Series:
    """Published totals that are equal in claimant, measure and whole scope, in order of date."""

    scope: SeriesScope
    totals: Sequence[PublishedTotal]

    @property
    def exact(self) -> list[PublishedTotal]:
        """The totals that bound steps."""
        return [total for total in self.totals if total.qualifier == Qualifier.EXACT]

    @property
    def begins(self) -> bool:
        """Whether anybody says where the series begins to count."""
        scope = self.scope
        return any(limit is not None for limit in (scope.since, scope.year, scope.agreement))

    @property
    def windows(self) -> list[Window]:
        """What the steps span, in order of date."""
        exact = self.exact
        first = [Window(exact[0], None, _eve(self.scope))] if exact and self.begins else []
        return first + [Window(total, previous, previous.as_of) for previous, total in pairwise(exact)]


def measure_of(category: Category) -> Measure:
    """Give the measure of the figures that a category of people is counted by."""
    return Measure.PERSONS if category == Category.TOTAL else Measure(category)


def series_of(totals: Iterable[PublishedTotal]) -> list[Series]:
    """Sort published totals into series, in the order of their ids."""
    grouped: dict[SeriesScope, list[PublishedTotal]] = {}
    for total in sorted(totals, key=lambda total: (total.as_of, total.value, total.id)):
        grouped.setdefault(_scope(total), []).append(total)
    return [Series(scope, grouped[scope]) for scope in sorted(grouped, key=lambda scope: scope.series)]


def reconciled(
    series: Series, candidates: Sequence[Candidate], coverage: Sequence[CoverageNote]
) -> ReconciliationSeries:
    """Set a series against our own sums.

    `candidates` are those of the whole series, in the order of date, exchange and direction; `coverage` are
    notes in order of date.
    """
    exact = series.exact
    steps = tuple(_step(series, window, candidates, coverage) for window in series.windows)
    return ReconciliationSeries(
        **dict(series.scope),
        totals=tuple(
            SeriesTotal(total=each.id, as_of=each.as_of, value=each.value, qualifier=each.qualifier)
            for each in series.totals
        ),
        baseline=exact[0].id if exact and not series.begins else None,
        steps=steps,
        steps_without_gap=sum(step.gap == 0 for step in steps),
    )


def steps_of(series: ReconciliationSeries) -> list[ReconciliationStep]:
    """Give the steps of a series as flat rows."""
    scope = {name: getattr(series, name) for name in SeriesScope.model_fields}
    return [
        ReconciliationStep(**scope, **{name: getattr(step, name) for name in StepNumbers.model_fields})
        for step in series.steps
    ]


def _scope(total: PublishedTotal) -> SeriesScope:
    parties = tuple(sorted(total.parties))
    limits = ("mediator", "released_by", "received_by", "since", "year", "agreement")
    named = [
        f"{name.replace('_', '-')}-{value}" for name in limits if (value := getattr(total, name)) is not None
    ]
    return SeriesScope(
        series=".".join([total.claimant or "none", total.measure, total.category, *parties, *named]),
        claimant=total.claimant,
        measure=total.measure,
        category=total.category,
        parties=parties,
        **{name: getattr(total, name) for name in limits},
    )


def _eve(scope: SeriesScope) -> dt.date | None:
    """Give the day after which a series begins to count; None if only its agreement bounds it."""
    year = None if scope.year is None else dt.date(scope.year, 1, 1)
    begins = [day for day in (scope.since, year) if day is not None]
    return max(begins) - DAY if begins else None


def _step(
    series: Series, window: Window, candidates: Sequence[Candidate], coverage: Sequence[CoverageNote]
) -> SeriesStep:
    inside = (candidate for candidate in candidates if window.holds(candidate.date))
    exchanges = tuple(_exchanges(inside, series.scope.measure))
    previous_value = 0 if window.previous is None else window.previous.value
    difference = window.total.value - previous_value
    own, taken, best = (
        sum(value or 0 for value in values)
        for values in (
            [each.own for each in exchanges],
            [each.number for each in exchanges],
            [each.best for each in exchanges],
        )
    )
    ends = [window.total] if window.previous is None else [window.previous, window.total]
    articles = {article.id: article for total in ends for article in total.articles}
    # A step that only its agreement bounds begins, for coverage notes, with the first exchange of it.
    first = exchanges[0].date if exchanges else window.total.as_of
    begins = first if window.after is None else window.after + DAY
    return SeriesStep(
        total=window.total.id,
        previous=None if window.previous is None else window.previous.id,
        after=window.after,
        until=window.total.as_of,
        previous_value=previous_value,
        value=window.total.value,
        published_difference=difference,
        own=own,
        own_gap=difference - own,
        own_else_best=taken,
        gap=difference - taken,
        best=best,
        best_gap=difference - best,
        exchanges_counted=len(exchanges),
        exchanges_by_own_value=sum(each.basis == Basis.OWN_VALUE for each in exchanges),
        exchanges_without_figure=sum(each.basis == Basis.NO_FIGURE for each in exchanges),
        exchanges=exchanges,
        articles=tuple(articles[id_] for id_ in sorted(articles)),
        coverage=tuple(
            note for note in coverage if note.date_from <= window.total.as_of and note.date_to >= begins
        ),
    )


def _exchanges(candidates: Iterable[Candidate], measure: TotalMeasure) -> Iterator[CountedExchange]:
    """Put the directions of each exchange together."""
    for _, group in groupby(candidates, key=lambda candidate: candidate.exchange):
        rows = list(group)
        directions = tuple(_directions(rows))
        basis = _basis(directions)
        own = _sum(direction.own for direction in directions)
        number, best = _sum(each.number for each in directions), _sum(each.best for each in directions)
        if measure == TotalMeasure.EXCHANGES:
            # The exchange counts whoever tells how many came home; the claimant counts it who speaks of it.
            stated = own is not None or rows[0].mediation_stated
            own, number, best = (1 if stated else None), 1, 1
            basis = Basis.OWN_VALUE if stated else Basis.BEST if directions else Basis.NO_FIGURE
            directions = ()
        yield CountedExchange(
            exchange=rows[0].exchange,
            date=rows[0].date,
            kind=rows[0].kind,
            basis=basis,
            number=number,
            own=own,
            best=best,
            directions=directions,
        )


def _directions(rows: Iterable[Candidate]) -> Iterator[CountedDirection]:
    for row in rows:
        if row.released_by is None or row.received_by is None or row.best is None:
            continue
        yield CountedDirection(
            released_by=row.released_by,
            received_by=row.received_by,
            basis=Basis.BEST if row.own is None else Basis.OWN_VALUE,
            number=row.best if row.own is None else row.own,
            own=row.own,
            best=row.best,
        )


def _basis(directions: Sequence[CountedDirection]) -> Basis:
    bases = {direction.basis for direction in directions}
    if not bases:
        return Basis.NO_FIGURE
    return bases.pop() if len(bases) == 1 else Basis.MIXED


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
