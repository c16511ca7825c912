"""The query of a picture in plain words: every filter of exchanges as a reader of a newspaper would put it.

What else a picture says is in `api/chartwords.py`.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from api.chartwords import MEASURES, day_words, printable, shortened_to, with_article
from api.filterkinds import FilterSet
from api.params import NONE, Sister
from db.enums import Measure

ALL = "All completed exchanges"
LONGEST_VALUE = 90  # characters
MOST_VALUES = 6
Names = Mapping[str, Mapping[str, str]]  # by what a filter names, then by id
_TITLED = frozenset({"agreement", "article"})  # named by a title rather than a name


@dataclass(frozen=True)
class _Phrase:
    """How a filter is told: `none` and `some` are for its reserved value and the opposite of it.

    `words` stand for values; `negated` is for the sister that excludes them, if "not" before it will not do.
    """

    text: str
    negated: str = ""
    none: str = ""
    some: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


def _yes_or_no(yes: str, no: str) -> _Phrase:
    return _Phrase("{}", words={"true": yes, "false": no})


# In the order in which they are told.
PHRASES: Mapping[str, _Phrase] = {
    "kind": _Phrase(
        "only {}",
        "without {}",
        words={
            "prisoner_exchange": "exchanges of prisoners",
            "release": "one-sided releases",
            "transfer": "transfers to or from a third state",
            "civilian_return": "returns of civilians",
            "convict_transfer": "transfers of convicts",
            "remains": "handovers of the dead",
        },
    ),
    "status": _Phrase("only exchanges that are {}", "without exchanges that are {}"),
    "mediator": _Phrase("brokered by {}", none="with no mediator named", some="with a mediator named"),
    "mediator_role": _Phrase(
        "with a mediator in the role of {}",
        "without a mediator in the role of {}",
        words={"transit": "transit country"},
    ),
    "stance": _Phrase(
        "somebody {} the mediation",
        "nobody {} the mediation",
        words={"asserts": "affirms", "denies": "denies"},
    ),
    "mediator_claimant": _Phrase(
        "mediation according to {}",
        none="mediation in a report's own words",
        some="mediation according to somebody named",
    ),
    "released_by": _Phrase("released by {}"),
    "received_by": _Phrase("received by {}"),
    "party": _Phrase("involving {}"),
    "agreement": _Phrase("under the agreement {}", none="under no agreement", some="under an agreement"),
    "category": _Phrase(
        "with a number of {}",
        "without a number of {}",
        words={
            "total": "all people",
            **{str(each): noun.many for each, noun in MEASURES.items() if each is not Measure.PERSONS},
        },
    ),
    "claimant": _Phrase(
        "with a number stated by {}",
        "without a number stated by {}",
        none="with a number in a report's own words",
        some="with no number in a report's own words",
    ),
    "rank": _Phrase(
        "with a number marked as {}",
        "without a number marked as {}",
        words={"deprecated": "not to be counted", "normal": "usual"},
    ),
    "covers": _Phrase(
        "with a number that covers {}",
        "without a number that covers {}",
        words={
            "all": "everybody",
            "subset": "some of those counted",
            "fragment": "one group or an early state",
        },
    ),
    "attestation": _Phrase(
        "with a number from {}",
        "without a number from {}",
        words={
            "both_parties": "both sides",
            "receiver_only": "the receiving side alone",
            "releaser_only": "the releasing side alone",
            "third_party": "a third party",
            "press_only": "the press alone",
        },
    ),
    "disputed": _yes_or_no("with numbers in dispute", "with no numbers in dispute"),
    "disputed_by_parties": _yes_or_no(
        "with numbers in dispute between the two sides", "with no numbers in dispute between the two sides"
    ),
    "has_figures": _yes_or_no("with a known number", "with no known number"),
    "has_overlaps": _yes_or_no(
        "with people whom another exchange counts too", "with nobody whom another exchange counts too"
    ),
    "min_persons": _Phrase("at least {} people"),
    "max_persons": _Phrase("at most {} people"),
    "min_sources": _Phrase("independent sources: at least {}"),
    "article": _Phrase("reported in {}"),
    "publisher": _Phrase("reported by {}"),
    "agency": _Phrase(
        "reported by the news agency {}", none="reported by no news agency", some="reported by a news agency"
    ),
    "q": _Phrase("with the words {}"),
    "year": _Phrase("in {}"),
}
_PERIOD = ("date_from", "date_to")


def query_words(filters: type[FilterSet], shown: Mapping[str, Sequence[str]], names: Names) -> str:
    """Say which exchanges a query asks for: its filters as they were understood, things by their names."""
    told = [
        _told(PHRASES[name], sister, [_value(name, param.named, each, names) for each in shown[spelling]])
        for name in PHRASES
        for param in [filters.params[name]]
        for spelling, sister in param.spellings()
        if spelling in shown
    ]
    words = "; ".join([*told, *_period(*(_day(shown, name) for name in _PERIOD))])
    return words[:1].upper() + words[1:] if words else ALL


def things_named(filters: type[FilterSet], shown: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """Give the ids of the things that a query names, by what they are."""
    found: dict[str, set[str]] = {}
    for param in filters.params.values():
        if param.named is not None:
            values = {value for spelling, _ in param.spellings() for value in shown.get(spelling, ())}
            found.setdefault(param.named, set()).update(values - {NONE})
    return found


def _value(name: str, named: str | None, value: str, names: Names) -> str:
    if value == NONE and PHRASES[name].none:
        return NONE
    if name in {"min_persons", "max_persons", "min_sources"}:
        return f"{int(value):,}"
    if named == "actor":
        return with_article(names["actor"].get(value, value))
    text = printable(names.get(named or "", {}).get(value, value))
    if named in _TITLED or name == "q":
        return f"“{shortened_to(text, LONGEST_VALUE)}”"
    return shortened_to(PHRASES[name].words.get(text, text), LONGEST_VALUE)


def _told(phrase: _Phrase, sister: Sister, values: Sequence[str]) -> str:
    shown = [value for value in values if value != NONE]
    more = len(shown) - MOST_VALUES
    if more > 0:
        shown = [*shown[:MOST_VALUES], f"{more:,} more"]
    text = (phrase.negated or f"not {phrase.text}") if sister is Sister.NOT else phrase.text
    told = [text.format((" and " if sister is Sister.ALL else " or ").join(shown))] if shown else []
    if NONE in values:
        told.append(phrase.some if sister is Sister.NOT else phrase.none)
    return (" or " if sister is Sister.ANY else " and ").join(told)


def _day(shown: Mapping[str, Sequence[str]], name: str) -> str | None:
    return day_words(dt.date.fromisoformat(shown[name][0])) if name in shown else None


def _period(begin: str | None, end: str | None) -> Iterable[str]:
    if begin is not None and begin == end:
        yield f"on {begin}"
    elif begin is not None and end is not None:
        yield f"from {begin} to {end}"
    elif begin is not None:
        yield f"from {begin} on"
    elif end is not None:
        yield f"until {end}"
