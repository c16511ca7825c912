"""Which published totals may stand beside a chart's line: those that count the same. Pure functions."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.params import NONE, Values
from db.enums import Category, ExchangeKind, Measure
from db.records import PublishedTotal

SCOPE = ("mediator", "released_by", "received_by", "agreement")
# A total can be compared with a query that says no more than these.
COMPARED = frozenset({*SCOPE, "claimant", "year", "date_from", "date_to", "kind"})
# Nobody announces how many were exchanged or returned in any other way.
KINDS = {(ExchangeKind.PRISONER_EXCHANGE,), (ExchangeKind.REMAINS,)}


@dataclass(frozen=True)
class Fitting:
    """The totals that count what the line counts, and the day from which most of the others count."""

    totals: Sequence[PublishedTotal]
    since: dt.date | None


def category_of(measure: Measure) -> Category:
    """Give the category of totals that count what a measure counts."""
    return Category.TOTAL if measure is Measure.PERSONS else Category(measure)


def fitting_totals(
    totals: Iterable[PublishedTotal], filters: Values, first: dt.date, last: dt.date
) -> Fitting:
    """Choose the totals with the scope of a query's filters; the line begins and ends on two days.

    A total that counts from some day fits a query that begins then, or a line that has nothing before.
    """
    if filters.keys() - COMPARED or any(len(filters.get(name, ())) > 1 for name in COMPARED - {"claimant"}):
        return Fitting((), None)
    if "kind" in filters and filters["kind"] not in KINDS:
        return Fitting((), None)
    begin, end = _span(filters)
    found, later = [], Counter[dt.date]()
    for total in totals:
        if not _same_scope(total, filters) or total.as_of < first:
            continue
        starts, ends = total.since, None
        if total.year is not None:
            starts, ends = dt.date(total.year, 1, 1), dt.date(total.year, 12, 31)
        if ends != end and (ends is not None or (end is not None and total.as_of > end)):
            continue
        if starts == begin or (begin is None and starts is not None and starts <= first):
            found.append(total)
        elif begin is None and end is None and starts is not None and starts <= last:
            later[starts] += 1
    return Fitting(found, later.most_common(1)[0][0] if later and not found else None)


def has_beginning(total: PublishedTotal) -> bool:
    """Tell whether it is known from when on a total counts: it says so, or an agreement begins it."""
    return any(each is not None for each in (total.since, total.year, total.agreement))


def _span(filters: Values) -> tuple[dt.date | None, dt.date | None]:
    """Give the days from which and until which a query counts."""
    begin, end = (_day(filters, name) for name in ("date_from", "date_to"))
    if "year" in filters:
        year = int(str(filters["year"][0]))
        begin, end = begin or dt.date(year, 1, 1), end or dt.date(year, 12, 31)
    return begin, end


def _day(filters: Values, name: str) -> dt.date | None:
    day = filters[name][0] if name in filters else None
    return day if isinstance(day, dt.date) else None


def _same_scope(total: PublishedTotal, filters: Values) -> bool:
    asked = {name: str(filters[name][0]) if name in filters else None for name in SCOPE}
    if (asked["mediator"], asked["agreement"]) != (total.mediator, total.agreement):
        return False
    directions = [
        _both_ends(released_by, received_by, total.parties)
        for released_by, received_by in (
            (asked["released_by"], asked["received_by"]),
            (total.released_by, total.received_by),
        )
    ]
    claimants = filters.get("claimant")
    return directions[0] == directions[1] and (claimants is None or (total.claimant or NONE) in claimants)


def _both_ends(
    released_by: str | None, received_by: str | None, parties: Sequence[str]
) -> tuple[str | None, str | None]:
    """Give both ends of a direction: between two parties, either one tells the other."""
    if len(parties) == 2:
        other = dict(zip(parties, reversed(parties), strict=True))
        return released_by or other.get(received_by or ""), received_by or other.get(released_by or "")
    return released_by, received_by
