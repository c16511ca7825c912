"""What a picture says in words: a query, what is measured, and which state the numbers are of.

Values come from a query, or are names that a curator chose: nothing here trusts them to be printable.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence

from api.filterkinds import FilterSet
from api.params import NONE, Sister
from db.enums import Measure
from db.queries.conditions import Snapshot
from db.queries.pages import State

ALL = "All exchanges"
LONGEST_NAME = 48  # characters
LONGEST_VALUE = 60
MOST_VALUES = 6
MEASURES: Mapping[Measure, str] = {
    Measure.PERSONS: "living people",
    Measure.MILITARY: "military prisoners",
    Measure.CIVILIAN: "civilians",
    Measure.CHILD: "children",
    Measure.WOUNDED: "wounded people",
    Measure.REMAINS: "remains",
}
# Filters that read better as a phrase; of the others the name is told. The second phrase is for `none`.
PHRASES: Mapping[str, tuple[str, str]] = {
    "mediator": ("brokered by {}", "brokered by nobody"),
    "released_by": ("released by {}", ""),
    "received_by": ("received by {}", ""),
    "party": ("{} is a party", ""),
    "claimant": ("counted by {}", "counted in an article's own voice"),
    "agreement": ("under the agreement {}", "under no agreement"),
    "kind": ("kind: {}", ""),
    "year": ("in {}", ""),
    "date_from": ("from {}", ""),
    "date_to": ("until {}", ""),
    "q": ("“{}” in the record", ""),
}
_REMARK = re.compile(r" \([^()]*\)$")


def printable(text: str) -> str:
    """Give a text on one line, without characters that no XML document can hold or no picture can show."""
    return "".join(each if each.isprintable() else "\ufffd" for each in " ".join(text.split()))


def short_name(name: str) -> str:
    """Give a name that fits into a legend: without the remark at its end, or cut, if it is too long."""
    text = printable(name)
    if len(text) > LONGEST_NAME:
        text = _REMARK.sub("", text)
    return _cut(text, LONGEST_NAME)


def query_words(
    filters: type[FilterSet], shown: Mapping[str, Sequence[str]], names: Mapping[str, str]
) -> str:
    """Say which exchanges a query asks for: its filters as they were understood, actors by their names."""
    spellings = {
        spelling: (param.named, name, sister)
        for name, param in filters.params.items()
        for spelling, sister in param.spellings()
    }
    told = []
    for spelling, given in shown.items():
        if spelling not in spellings:
            continue
        named, name, sister = spellings[spelling]
        values = [names.get(value, value) if named == "actor" else value for value in given]
        told.append(_phrase(name, sister, values))
    words = "; ".join(told)
    return words[:1].upper() + words[1:] if words else ALL


def actors_asked_for(filters: type[FilterSet], shown: Mapping[str, Sequence[str]]) -> set[str]:
    """Give the ids of the actors that a query names."""
    return {
        value
        for name, param in filters.params.items()
        if param.named == "actor"
        for spelling, _ in param.spellings()
        for value in shown.get(spelling, ())
    }


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


def missing_words(measure: Measure, exchanges: int, with_figure: int) -> Iterable[str]:
    """Say how many exchanges a picture cannot show, if there are any."""
    missing = exchanges - with_figure
    if missing:
        of = f"{missing:,} of {exchanges:,} exchanges"
        yield f"Without a figure for {MEASURES[measure]}, and so not in the picture: {of}."


def repeated_words(people: int, *, subtracted: bool) -> Iterable[str]:
    """Say how many people two exchanges count, if there are any."""
    if people:
        how = "added up once" if subtracted else "drawn in both"
        yield f"Counted in two exchanges, and {how}: {people:,}."


def nothing_words(exchanges: int, measure: Measure, others: Sequence[Measure]) -> Iterable[str]:
    """Say why there is nothing to draw, and what could be drawn instead."""
    if not exchanges:
        yield "No exchange matches this query."
        return
    found = "The exchange found has" if exchanges == 1 else f"The {exchanges:,} exchanges found have"
    yield f"{found} no figure for {MEASURES[measure]}."
    if others:
        yield f"There are figures for other measures: {', '.join(f'measure={each}' for each in others)}."


def _phrase(name: str, sister: Sister, values: Sequence[str]) -> str:
    phrase, of_none = PHRASES.get(name, (f"{name.replace('_', ' ')}: {{}}", ""))
    shown = [_cut(printable(value), LONGEST_VALUE) for value in values if not (of_none and value == NONE)]
    if name == "kind":
        shown = [value.replace("_", " ") for value in shown]
    if name in {"date_from", "date_to"}:
        shown = [day_words(dt.date.fromisoformat(value)) for value in values]
    more = len(shown) - MOST_VALUES
    if more > 0:
        shown = [*shown[:MOST_VALUES], f"{more} more"]
    between = " and " if sister is Sister.ALL else " or "
    told = [phrase.format(between.join(shown))] if shown else []
    if of_none and NONE in values:
        told.append(of_none)
    return ("not " if sister is Sister.NOT else "") + between.join(told)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
