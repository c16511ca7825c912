"""The controlled vocabularies: every word that a field of closed choice may hold.

Only words belong here; what they mean for the figures is written in `db/figures.py`.
"""

from enum import StrEnum


class ExchangeKind(StrEnum):
    """What sort of handover an exchange was."""

    PRISONER_EXCHANGE = "prisoner_exchange"
    RELEASE = "release"
    TRANSFER = "transfer"
    CIVILIAN_RETURN = "civilian_return"
    CONVICT_TRANSFER = "convict_transfer"
    REMAINS = "remains"


class ExchangeStatus(StrEnum):
    """How far an exchange has come."""

    ANNOUNCED = "announced"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class DatePrecision(StrEnum):
    """How exactly the date of an exchange is known."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class ActorKind(StrEnum):
    """What sort of party, mediator or claimant an actor is."""

    STATE = "state"
    ORGANISATION = "organisation"
    ARMED_GROUP = "armed_group"
    COALITION = "coalition"


class Category(StrEnum):
    """Whom a claim counts. `total` is all living persons in its direction."""

    TOTAL = "total"
    MILITARY = "military"
    CIVILIAN = "civilian"
    CHILD = "child"
    WOUNDED = "wounded"
    REMAINS = "remains"


class Measure(StrEnum):
    """What a figure measures. `persons` is living people of every category."""

    PERSONS = "persons"
    MILITARY = "military"
    CIVILIAN = "civilian"
    CHILD = "child"
    WOUNDED = "wounded"
    REMAINS = "remains"


class Qualifier(StrEnum):
    """How the count is worded by the one who states it."""

    EXACT = "exact"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    APPROXIMATELY = "approximately"


class Covers(StrEnum):
    """Which of the people a claim covers, and so where it may count."""

    ALL = "all"
    SUBSET = "subset"
    FRAGMENT = "fragment"


class Rank(StrEnum):
    """How the curators rank a claim; a deprecated one is kept and shown, and never counts."""

    PREFERRED = "preferred"
    NORMAL = "normal"
    DEPRECATED = "deprecated"


class MediationRole(StrEnum):
    """What an actor did to bring an exchange about."""

    MEDIATOR = "mediator"
    FACILITATOR = "facilitator"
    HOST = "host"
    TRANSIT = "transit"


class Stance(StrEnum):
    """Whether a mediation is asserted or denied."""

    ASSERTS = "asserts"
    DENIES = "denies"


class Attestation(StrEnum):
    """Who stands behind a figure."""

    BOTH_PARTIES = "both_parties"
    RECEIVER_ONLY = "receiver_only"
    RELEASER_ONLY = "releaser_only"
    THIRD_PARTY = "third_party"
    PRESS_ONLY = "press_only"


class AgreementStatus(StrEnum):
    """What became of an agreement."""

    IN_FORCE = "in_force"
    FULFILLED = "fulfilled"
    SUPERSEDED = "superseded"
    UNCLEAR = "unclear"


class CoverageStatus(StrEnum):
    """What is known about a gap."""

    SUSPECTED_MISSING = "suspected_missing"
    FIGURES_MISSING = "figures_missing"
    DATE_UNCERTAIN = "date_uncertain"
    NONE_KNOWN = "none_known"
    NOT_SEARCHED = "not_searched"
    INCOMPLETE = "incomplete"
    RECONCILED = "reconciled"


class LinkStatus(StrEnum):
    """What the last check of an article's URL found."""

    UNCHECKED = "unchecked"
    ALIVE = "alive"
    MOVED = "moved"
    DEAD = "dead"


class TotalMeasure(StrEnum):
    """What a published total counts."""

    PERSONS = "persons"
    EXCHANGES = "exchanges"


class Action(StrEnum):
    """What a revision did to its record."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    RESTORED = "restored"
    MERGED = "merged"
    REDACTED = "redacted"
    RERENDERED = "rerendered"


class Resource(StrEnum):
    """The kinds of record that have revisions of their own."""

    EXCHANGE = "exchange"
    ARTICLE = "article"
    PUBLISHER = "publisher"
    ACTOR = "actor"
    AGREEMENT = "agreement"
    TOTAL = "total"
    COVERAGE = "coverage"


class Role(StrEnum):
    """What a key may do; each role may do what the one before it may."""

    CONTRIBUTOR = "contributor"
    CURATOR = "curator"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """How much the role may do: more than any role of a lower rank."""
        return list(Role).index(self)


class ProposalAction(StrEnum):
    """What a proposal asks to be done to a record."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class ProposalState(StrEnum):
    """How far a proposal has come; only an open one still moves."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class ReleaseLevel(StrEnum):
    """How much a release changes for who used the one before, as Croissant recommends to tell."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"
