"""The periods of statistics: which of them are empty, and which known gaps they touch."""

import calendar
import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from api.params import Values
from db.queries.stats import Gap, Labels, period_label
from db.queries.statschoice import StatsDimension

# How many months a period has.
PERIODS = {StatsDimension.YEAR: 12, StatsDimension.QUARTER: 3, StatsDimension.MONTH: 1}


@dataclass(frozen=True)
class Periods:
    """The periods among dimensions, the filters that bound them, and all coverage notes."""

    dimensions: tuple[StatsDimension, ...]
    values: Values
    gaps: Sequence[Gap]

    @cached_property
    def finest(self) -> StatsDimension:
        """The shortest period that is grouped by; it lies within the other, if there are two."""
        return min((each for each in self.dimensions if each in PERIODS), key=PERIODS.__getitem__)

    @cached_property
    def first(self) -> dt.date | None:
        """The first day that the filters allow, if they bound it."""
        years = [dt.date(int(str(year)), 1, 1) for year in self.values.get("year", ())]
        bounds = [*_days(self.values, "date_from"), *([min(years)] if years else [])]
        return max(bounds, default=None)

    @cached_property
    def last(self) -> dt.date | None:
        """The last day that the filters allow, likewise."""
        years = [dt.date(int(str(year)), 12, 31) for year in self.values.get("year", ())]
        bounds = [*_days(self.values, "date_to"), *([max(years)] if years else [])]
        return min(bounds, default=None)

    def span(self, labels: Labels) -> tuple[dt.date, dt.date]:
        """Give the first and the last day of a group, as far as the filters allow."""
        number = self._number(_first_day(self.finest, labels[self.dimensions.index(self.finest)]))
        first, last = self._start(number), self._end(number)
        return max(first, self.first or first), min(last, self.last or last)

    def missing(
        self, keys: Collection[tuple[Labels, str | None]], claimants: Collection[str | None], most: int
    ) -> set[tuple[Labels, str | None]] | None:
        """Give the groups that are empty in each period, for what else is grouped by; None for too many.

        They lie between the bounds that the filters set, and else between the first and the last group.
        """
        spans = [self.span(labels) for labels, _ in keys]
        first = self.first or min((span[0] for span in spans), default=None)
        last = self.last or max((span[1] for span in spans), default=None)
        if first is None or last is None:
            return set()
        others = {(self._beside(labels), claimant) for labels, claimant in keys}
        if all(each in PERIODS for each in self.dimensions):
            others |= {((), claimant) for claimant in claimants}
        numbers = range(self._number(first), self._number(last) + 1)
        if len(numbers) * len(others) > most:
            return None
        days = [day for day in map(self._start, numbers) if self._allowed(day)]
        return {(self._labels(day, beside), claimant) for day in days for beside, claimant in others}

    def _labels(self, day: dt.date, beside: Labels) -> Labels:
        rest = iter(beside)
        return tuple(period_label(each, day) if each in PERIODS else next(rest) for each in self.dimensions)

    def _beside(self, labels: Labels) -> Labels:
        pairs = zip(self.dimensions, labels, strict=True)
        return tuple(label for dimension, label in pairs if dimension not in PERIODS)

    def _allowed(self, day: dt.date) -> bool:
        return _allows(self.values, "year", day.year)

    def _number(self, day: dt.date) -> int:
        return (day.year * 12 + day.month - 1) // PERIODS[self.finest]

    def _start(self, number: int) -> dt.date:
        year, month = divmod(number * PERIODS[self.finest], 12)
        return dt.date(year, month + 1, 1)

    def _end(self, number: int) -> dt.date:
        year, month = divmod((number + 1) * PERIODS[self.finest] - 1, 12)
        return dt.date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def coverage_of(periods: Periods, labels: Labels) -> list[str]:
    """Give the ids of the coverage notes about the period and the kind of exchange of a group."""
    first, last = periods.span(labels)
    values = dict(zip(periods.dimensions, labels, strict=True))
    kind = values.get(StatsDimension.KIND)
    return [
        gap.id
        for gap in periods.gaps
        if gap.date_from <= last
        and gap.date_to >= first
        and kind in {None, gap.scope}
        and _allows(periods.values, "kind", gap.scope)
    ]


def _allows(values: Values, name: str, value: object) -> bool:
    """Tell whether the filter of a thing that has one value lets it pass."""
    return value in values.get(name, (value,)) and value not in values.get(f"{name}_not", ())


def _days(values: Values, name: str) -> list[dt.date]:
    return [day for day in values.get(name, ()) if isinstance(day, dt.date)]


def _first_day(dimension: StatsDimension, label: str) -> dt.date:
    year, _, part = label.partition("-")
    month = int(part.removeprefix("Q") or 1)
    return dt.date(int(year), month * 3 - 2 if dimension == StatsDimension.QUARTER else month, 1)
