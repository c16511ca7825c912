"""What a picture says in words: what is measured, what is left out, and which state the numbers are of.

How a query is told is in `api/chartqueries.py`. Names and titles are what a curator chose: nothing here
trusts them to be printable.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from db.enums import ExchangeKind, Measure
from db.queries.conditions import Snapshot
from db.queries.pages import State

LONGEST_NAME = 48  # characters


@dataclass(frozen=True)
class Noun:
    """What a picture counts, as one and as many."""

    one: str
    many: str

    def of(self, number: int) -> str:
        """Give a number of them."""
        return f"{number:,} {self.one if number == 1 else self.many}"


MEASURES: Mapping[Measure, Noun] = {
    Measure.PERSONS: Noun("living person", "living people"),
    Measure.MILITARY: Noun("military prisoner", "military prisoners"),
    Measure.CIVILIAN: Noun("civilian", "civilians"),
    Measure.CHILD: Noun("child", "children"),
    Measure.WOUNDED: Noun("wounded or ill person", "wounded or ill people"),
    Measure.REMAINS: Noun("body of the dead", "bodies of the dead"),
}
EXCHANGES = Noun("exchange", "exchanges")
BEST = "Where sources give different numbers, one is chosen by a rule that is the same for all exchanges."
SEVERAL_BROKERS = "An exchange with several mediators is in the bar of each."
# Names with one of these in them are said with an article.
_COMMON_NOUNS = frozenset(
    {"association", "church", "committee", "corps", "emirates", "kingdom", "order", "republic"}
    | {"see", "states", "union", "united"}
)
_REMARK = re.compile(r" \([^()]*\)$")


def printable(text: str) -> str:
    """Give a text on one line, without characters that no XML document can hold or no picture can show."""
    return "".join(each if each.isprintable() else "\ufffd" for each in " ".join(text.split()))


def short_name(name: str) -> str:
    """Give a name that fits into a legend: without the remark at its end, or cut, if it is too long."""
    text = printable(name)
    if len(text) > LONGEST_NAME:
        text = _REMARK.sub("", text)
    return shortened_to(text, LONGEST_NAME)


def with_article(name: str) -> str:
    """Give a name as it stands in a sentence."""
    words = set(name.casefold().split())
    return f"the {name}" if words & _COMMON_NOUNS and "the" not in name.casefold().split()[:1] else name


def shortened_to(text: str, longest: int) -> str:
    """Give a text that is no longer than that."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def source_words(state: State, snapshot: Snapshot, base: str) -> str:
    """Say where the numbers are from: the dataset, its state, its licence and its address."""
    release = "" if snapshot.release is None else f"release {snapshot.release}, "
    written = day_words(state.updated_at.astimezone(dt.UTC).date())
    return (
        f"Source: Prisoner exchanges, {release}dataset revision {state.revision}, {written}, CC BY 4.0. "
        f"{printable(base)}"
    )


def day_words(day: dt.date) -> str:
    """Write a day as people do."""
    return f"{day.day} {day:%B} {day.year}"


def missing_words(measure: Measure, figured: int, missing: Mapping[ExchangeKind, int]) -> Iterable[str]:
    """Say how many exchanges a picture cannot show; `figured` are in it, `missing` those without a figure.

    Handovers of the dead lack no living people, nor do others lack bodies.
    """
    of_the_dead = missing.get(ExchangeKind.REMAINS, 0)
    others = sum(missing.values()) - of_the_dead
    lacking = of_the_dead if measure is Measure.REMAINS else others
    if lacking:
        none = "" if measure in {Measure.PERSONS, Measure.REMAINS} else "; there may have been none"
        of = f"{lacking:,} of {EXCHANGES.of(figured + lacking)}"
        yield f"Left out: {of}, for which no number of {MEASURES[measure].many} is known{none}."
    if measure is not Measure.REMAINS and of_the_dead:
        yield f"Left out: {Noun('handover', 'handovers').of(of_the_dead)} of the dead."


def not_completed_words(exchanges: int) -> Iterable[str]:
    """Say how many exchanges are left out as they did not take place, or not yet, if there are any."""
    if exchanges:
        was = "was" if exchanges == 1 else "were"
        yield f"Left out: {EXCHANGES.of(exchanges)} that {was} announced or cancelled, and not carried out."


def repeated_words(people: int, measure: Measure, *, subtracted: bool) -> Iterable[str]:
    """Say how many people two exchanges count, if there are any."""
    if people:
        appear, are = ("appears", "is") if people == 1 else ("appear", "are")
        noun = f"{MEASURES[measure].of(people)} {appear} in the records of two exchanges"
        yield f"{noun} and {are} counted {'once' if subtracted else 'twice'} here."


def nothing_words(
    exchanges: int, not_completed: int, measure: Measure, others: Sequence[Measure]
) -> Iterable[str]:
    """Say why there is nothing to draw, and what is known instead."""
    if exchanges:
        found = "the exchange" if exchanges == 1 else f"the {exchanges:,} exchanges"
        yield f"No number of {MEASURES[measure].many} is known for {found} found."
    else:
        yield f"No {'completed ' if not_completed else ''}exchange in the dataset matches this query."
    yield from not_completed_words(not_completed)
    if others:
        yield f"Other numbers are known: of {', '.join(MEASURES[each].many for each in others)}."


def coalition_words(members: Iterable[tuple[str, str]]) -> Iterable[str]:
    """Say which coalitions are actors of their own, and not asked for, though members of them are."""
    for member, coalition in members:
        yield (
            f"What {coalition} did together is told of them together, and left out here; "
            f"{member} is a member."
        )


def totals_words(parties: Sequence[str], *, unknown: bool) -> Iterable[str]:
    """Say what the marks beside a line are; `unknown`: of some it is not known from which day they count."""
    yield f"Marks beside the line: totals announced for exchanges between {' and '.join(parties)}."
    if unknown:
        yield (
            "Diamonds: the announcement does not say from which day it counts. Such a total may count more "
            "or less than the line does, and so lie off it."
        )


def totals_begin_words(day: dt.date) -> str:
    """Say from which day totals are announced, if the line begins earlier."""
    return (
        f"Totals are announced of what was since {day_words(day)}; they stand beside a line that begins then."
    )
