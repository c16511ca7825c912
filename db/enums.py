"""The controlled vocabularies: every word that a field of closed choice may hold, and what it means.

Only words belong here; what follows from them for the figures is written in `db/figures.py`.
"""

from enum import StrEnum
from typing import Self


class Coded(StrEnum):
    """A vocabulary: each word has a meaning beside it, which the codebook tells."""

    meaning: str

    def __new__(cls, word: str, meaning: str = "") -> Self:
        """Make a word. The default is for type checkers only, which take a look-up for a making."""
        made = str.__new__(cls, word)
        made._value_ = word
        made.meaning = meaning
        return made


class ExchangeKind(Coded):
    """What sort of handover an exchange was."""

    PRISONER_EXCHANGE = "prisoner_exchange", "Prisoners went in both directions, or were meant to."
    RELEASE = "release", "Prisoners were let go in one direction, and nobody in return."
    TRANSFER = "transfer", "Prisoners went to a third state, or came home from one."
    CIVILIAN_RETURN = (
        "civilian_return",
        "Civilians, such as children or residents, came back; they need not have been prisoners.",
    )
    CONVICT_TRANSFER = (
        "convict_transfer",
        "Convicts were moved from prisons of one side to the other; no exchange of prisoners.",
    )
    REMAINS = "remains", "Bodies of the dead were handed over."


class ExchangeStatus(Coded):
    """How far an exchange has come."""

    ANNOUNCED = "announced", "It is said to be coming; no article cited says that it took place."
    COMPLETED = "completed", "It took place, according to the articles cited."
    CANCELLED = "cancelled", "It was announced and did not take place."


class DatePrecision(Coded):
    """How exactly the date of an exchange is known."""

    DAY = "day", "The day is known."
    MONTH = "month", "Only the month is known; the day in the date is a stand-in."
    YEAR = "year", "Only the year is known; the month and the day in the date are stand-ins."


class ActorKind(Coded):
    """What sort of party, mediator or claimant an actor is."""

    STATE = "state", "A state, and whoever speaks for it."
    ORGANISATION = "organisation", "An organisation, such as a humanitarian or religious one."
    ARMED_GROUP = (
        "armed_group",
        "An armed group, or an authority that holds territory without being a recognised state.",
    )
    COALITION = "coalition", "Several actors that acted as one; `members` names them."


class Category(Coded):
    """Whom a claim counts. `total` is all living persons in its direction."""

    TOTAL = "total", "All living persons in that direction, whoever they are."
    MILITARY = "military", "Members of armed forces and other fighters."
    CIVILIAN = "civilian", "Civilians."
    CHILD = "child", "Children."
    WOUNDED = "wounded", "Wounded or seriously ill people, where a source counts them apart."
    REMAINS = "remains", "Bodies of the dead; never part of a count of the living."


class Measure(Coded):
    """What a figure measures. `persons` is living people of every category."""

    PERSONS = "persons", "Living people of every category."
    MILITARY = "military", "Members of armed forces and other fighters."
    CIVILIAN = "civilian", "Civilians."
    CHILD = "child", "Children."
    WOUNDED = "wounded", "Wounded or seriously ill people, where a source counts them apart."
    REMAINS = "remains", "Bodies of the dead; never part of `persons`."


class Qualifier(Coded):
    """How the count is worded by the one who states it."""

    EXACT = "exact", "A number without any reservation: 189."
    AT_LEAST = "at_least", "A lower bound: more than 180, at least 180."
    AT_MOST = "at_most", "An upper bound: up to 180."
    APPROXIMATELY = "approximately", "A round or uncertain number: about 180, some 180."


class Covers(Coded):
    """Which of the people a claim covers, and so where it may count."""

    ALL = "all", "The whole of its category in that direction: it counts."
    SUBSET = (
        "subset",
        "Some of the people in another claim: it counts for its own category, never for persons.",
    )
    FRAGMENT = (
        "fragment",
        "An early report, one of several groups, or people counted elsewhere: it never counts.",
    )


class Rank(Coded):
    """How the curators rank a claim; a deprecated one is kept and shown, and never counts."""

    PREFERRED = "preferred", "Goes before every claim that is not preferred, whoever makes it."
    NORMAL = "normal", "Takes part as the rule says."
    DEPRECATED = "deprecated", "Kept and shown, and never counts: a known misprint, say."


class MediationRole(Coded):
    """What an actor did to bring an exchange about."""

    MEDIATOR = "mediator", "Negotiated between the parties."
    FACILITATOR = (
        "facilitator",
        "Helped it along without negotiating, for instance with transport or contacts.",
    )
    HOST = "host", "Gave the place where the parties talked or met."
    TRANSIT = "transit", "Let people pass through its territory; that alone is not mediating."


class Stance(Coded):
    """Whether a mediation is asserted or denied."""

    ASSERTS = "asserts", "The claimant says that the actor had the role."
    DENIES = "denies", "The claimant says that the actor did not have the role."


class Attestation(Coded):
    """Who stands behind a figure."""

    BOTH_PARTIES = (
        "both_parties",
        "The receiving and the releasing side each state a number, not always the same.",
    )
    RECEIVER_ONLY = "receiver_only", "Of the two sides, only the receiving one states a number."
    RELEASER_ONLY = "releaser_only", "Of the two sides, only the releasing one states a number."
    THIRD_PARTY = (
        "third_party",
        "Neither side states a number, but another named actor does, such as a mediator.",
    )
    PRESS_ONLY = "press_only", "Only articles state a number, in their own voice."


class AgreementStatus(Coded):
    """What became of an agreement."""

    IN_FORCE = "in_force", "It holds, and is being carried out."
    FULFILLED = "fulfilled", "It was carried out."
    SUPERSEDED = "superseded", "Another agreement took its place."
    UNCLEAR = "unclear", "The articles do not say what became of it."


class CoverageStatus(Coded):
    """What is known about a gap."""

    SUSPECTED_MISSING = "suspected_missing", "Handovers probably took place that are not recorded."
    FIGURES_MISSING = (
        "figures_missing",
        "Handovers are recorded, and numbers for them were not published or not found.",
    )
    DATE_UNCERTAIN = "date_uncertain", "A handover took place, and its day is not known."
    NONE_KNOWN = "none_known", "It was searched for, and none is known: a zero here is a finding."
    NOT_SEARCHED = "not_searched", "Nobody has searched: a zero here says nothing."
    INCOMPLETE = "incomplete", "It was searched for in part; more than is recorded took place or may have."
    RECONCILED = "reconciled", "The records add up to a total that somebody published."


class LinkStatus(Coded):
    """What the last check of an article's URL found."""

    UNCHECKED = "unchecked", "The URL was not checked yet."
    ALIVE = "alive", "The page answered."
    MOVED = "moved", "The page answered at another address."
    DEAD = "dead", "The page did not answer."


class TotalMeasure(Coded):
    """What a published total counts."""

    PERSONS = "persons", "How many people."
    EXCHANGES = "exchanges", "How many exchanges."


class Basis(Coded):
    """What the number rests on that is taken for an exchange, or for one direction of it."""

    OWN_VALUE = "own_value", "The value that the claimant in question states itself."
    BEST = "best", "The best figure by the figures rule, as the claimant states none."
    MIXED = "mixed", "The claimant's own value in one direction, and the best figure in another."
    NO_FIGURE = "no_figure", "Nobody states a number."


class Action(Coded):
    """What a revision did to its record."""

    CREATED = "created", "The record was written for the first time."
    UPDATED = "updated", "The record was changed."
    DELETED = "deleted", "The record was taken out; its history stays."
    RESTORED = "restored", "A deleted record was brought back."
    MERGED = "merged", "The record was found to be another one, and leads there now."
    REDACTED = "redacted", "A past text that named a private person was blanked."
    RERENDERED = (
        "rerendered",
        "The record shows something new of another one; nobody changed the record itself.",
    )


class Resource(Coded):
    """The kinds of record that have revisions of their own."""

    EXCHANGE = "exchange", "A handover event."
    ARTICLE = "article", "A citing page."
    PUBLISHER = "publisher", "A publisher or news agency."
    ACTOR = "actor", "A party, mediator or claimant."
    AGREEMENT = "agreement", "What parties promised each other."
    TOTAL = "total", "A running total that somebody announced."
    COVERAGE = "coverage", "A known gap."


class Role(Coded):
    """What a key may do; each role may do what the one before it may."""

    CONTRIBUTOR = "contributor", "May propose."
    CURATOR = "curator", "May also write, and accept or reject what is proposed."
    ADMIN = "admin", "May also do whatever is reserved to whoever runs the service."

    @property
    def rank(self) -> int:
        """How much the role may do: more than any role of a lower rank."""
        return list(Role).index(self)


class ProposalAction(Coded):
    """What a proposal asks to be done to a record."""

    CREATE = "create", "Add a record."
    UPDATE = "update", "Change a record."
    DELETE = "delete", "Take a record out."


class ProposalState(Coded):
    """How far a proposal has come; only an open one still moves."""

    OPEN = "open", "Nobody has decided yet."
    ACCEPTED = "accepted", "It was written to the dataset."
    REJECTED = "rejected", "A curator declined it."
    WITHDRAWN = "withdrawn", "Its contributor took it back."


class ReleaseLevel(Coded):
    """How much a release changes for who used the one before, as Croissant recommends to tell."""

    MAJOR = "major", "Figures or records that existed before say something else: results may change."
    MINOR = "minor", "There is more than before, and what existed says the same."
    PATCH = "patch", "Nothing that a figure depends on has changed."
