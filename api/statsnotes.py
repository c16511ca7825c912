"""What the numbers of statistics do not say by themselves, in sentences."""

from collections.abc import Iterable, Sequence

from api.schemas import Note
from api.statschemas import StatsCell, StatsTotal
from db.queries.stats import LeftOut, Overlap, Stats
from db.queries.statschoice import StatsMeasure, StatsQuery
from db.queries.statsql import NAMED


def notes_of(
    query: StatsQuery, stats: Stats, cells: Sequence[StatsCell], total: StatsTotal, *, filled: bool
) -> Iterable[Note]:
    """Tell what is counted in several groups, what is subtracted, and what is in no sum."""
    if query.several.keys() & set(query.dimensions):
        text = (
            "An exchange with several values of a dimension is in the group of each, and once in the total."
        )
        yield Note(code="counted_in_several_groups", text=text)
    if stats.overlaps:
        yield Note(code="overlap", text=_overlap(stats.overlaps, total.overlap))
    if stats.not_completed:
        yield Note(code="not_completed", text=_not_completed(stats.not_completed))
    if total.without_figure:
        yield Note(code="without_figure", text=_without_figure(query, total))
    if query.directional:
        text = "An exchange without any figure has no direction: it is in no group, and only in the total."
        yield Note(code="grouped_by_direction", text=text)
    if query.claimants is not None:
        if len(query.claimants) != 1:
            text = "What several claimants state is not added up: they speak of the same people."
            yield Note(code="no_total_of_claimants", text=text)
        if not query.common and any(cell.directions_not_stated for cell in cells):
            text = (
                "A claimant's sum is of the directions that it states, of others it says nothing: "
                "sums of different claimants compare where common=true keeps what all of them state."
            )
            yield Note(code="not_stated", text=text)
    if stats.left_out is not None and stats.left_out.exchanges:
        yield Note(code="claims_left_out", text=_left_out(query.measure, stats.left_out))
    if filled:
        text = "Zero means that no exchange is recorded. Without a coverage note it is not known to be zero."
        yield Note(code="empty_periods", text=text)


def _overlap(overlaps: Sequence[Overlap], people: int) -> str:
    pairs = [f"{each.people:,} of {each.exchange} in {each.other}" for each in overlaps[:NAMED]]
    return (
        f"The total subtracts {people:,} whom another exchange has already counted: "
        f"{_listed(pairs, len(overlaps))}. Groups do not subtract."
    )


def _not_completed(exchanges: int) -> str:
    are = "is" if exchanges == 1 else "are"
    return (
        f"{_of(exchanges, 'exchange')} that the query asks for {are} not completed, and left out; "
        "the parameter status asks for others than completed ones."
    )


def _without_figure(query: StatsQuery, total: StatsTotal) -> str:
    exchanges = _of(total.without_figure, "exchange")
    chosen = " in the chosen directions" if query.directions else ""
    what = "figure" if query.measure == StatsMeasure.EXCHANGES else f"figure of {query.measure}"
    known = f"No {what}{chosen} is known for"
    if query.claimants is not None and len(query.claimants) == 1:
        known = f"The claimant states no {what}{chosen} for"
    return f"{known} {exchanges} of the selection: counted as such, and in no sum of people."


def _left_out(measure: StatsMeasure, left: LeftOut) -> str:
    kinds = (
        (
            left.fragments,
            f"{_of(left.fragments, 'fragment')} (early, one of several groups, or counted elsewhere)",
        ),
        (left.deprecated, f"{left.deprecated:,} deprecated"),
        (left.subsets, f"{left.subsets:,} of a subset (counted for its own category, not for persons)"),
    )
    count = left.fragments + left.deprecated + left.subsets
    claims = f"{_of(count, 'claim')} of the selection {'is' if count == 1 else 'are'} in no sum of {measure}"
    told = ", ".join(kind for number, kind in kinds if number)
    return f"{claims}, {told}: {_listed(left.named, left.exchanges)}."


def _of(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _listed(names: Sequence[str], count: int) -> str:
    more = count - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more else "")
