"""Tables of exchanges with their claims and mediations, and of agreements with their terms.

Each citation table ties one of these to the articles that state it; triggers of the migration
refuse to commit anything here that cites nothing.
"""

import datetime as dt

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db import enums
from db.base import Base, Key, id_check, reference, word_check


class Exchange(Base):
    """One handover event."""

    __tablename__ = "exchange"
    __table_args__ = (
        id_check(),
        word_check("kind", enums.ExchangeKind),
        word_check("status", enums.ExchangeStatus),
        word_check("date_precision", enums.DatePrecision),
        CheckConstraint("date_end >= date", name="dates_in_order"),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    date: Mapped[dt.date]
    date_end: Mapped[dt.date | None]
    date_precision: Mapped[str]
    status: Mapped[str]
    summary: Mapped[str]
    location_name: Mapped[str | None]
    agreement_id: Mapped[str | None] = reference("agreement.id", index=True)


class ExchangeParty(Base):
    """The parties of an exchange, in the order of its record."""

    __tablename__ = "exchange_party"

    exchange_id: Mapped[str] = reference("exchange.id", primary_key=True)
    actor_id: Mapped[str] = reference("actor.id", primary_key=True, index=True)
    position: Mapped[int]


class ExchangeOverlap(Base):
    """People of this exchange whom another exchange has already counted."""

    __tablename__ = "exchange_overlap"
    __table_args__ = (
        word_check("measure", enums.Measure),
        CheckConstraint("count > 0", name="count_positive"),
        CheckConstraint("released_by <> received_by", name="two_sides"),
        CheckConstraint("exchange_id <> other_exchange_id", name="not_itself"),
    )

    exchange_id: Mapped[str] = reference("exchange.id", primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    other_exchange_id: Mapped[str] = reference("exchange.id", index=True)
    released_by: Mapped[str] = reference("actor.id")
    received_by: Mapped[str] = reference("actor.id")
    measure: Mapped[str]
    count: Mapped[int]
    note: Mapped[str | None]


class ExchangeCitation(Base):
    """Every article that supports anything in the record of an exchange."""

    __tablename__ = "exchange_citation"

    exchange_id: Mapped[str] = reference("exchange.id", primary_key=True)
    article_id: Mapped[str] = reference("article.id", primary_key=True, index=True)
    position: Mapped[int]


class LocationCitation(Base):
    """Which articles state where an exchange took place."""

    __tablename__ = "location_citation"

    exchange_id: Mapped[str] = reference("exchange.id", primary_key=True)
    article_id: Mapped[str] = reference("article.id", primary_key=True, index=True)
    position: Mapped[int]


class Claim(Base):
    """Who says how many people were handed over, in which direction."""

    __tablename__ = "claim"
    __table_args__ = (
        id_check(),
        word_check("category", enums.Category),
        word_check("qualifier", enums.Qualifier),
        word_check("covers", enums.Covers),
        word_check("rank", enums.Rank),
        CheckConstraint("count >= 0", name="count_not_negative"),
        CheckConstraint("released_by <> received_by", name="two_sides"),
    )

    id: Mapped[Key]
    exchange_id: Mapped[str] = reference("exchange.id", index=True)
    position: Mapped[int]
    released_by: Mapped[str] = reference("actor.id", index=True)
    received_by: Mapped[str] = reference("actor.id", index=True)
    category: Mapped[str]
    count: Mapped[int]
    qualifier: Mapped[str]
    claimant: Mapped[str | None] = reference("actor.id", index=True)
    covers: Mapped[str]
    rank: Mapped[str]
    note: Mapped[str | None]


class ClaimCitation(Base):
    """Which articles state a claim."""

    __tablename__ = "claim_citation"

    claim_id: Mapped[str] = reference("claim.id", primary_key=True)
    article_id: Mapped[str] = reference("article.id", primary_key=True, index=True)
    position: Mapped[int]


class Agreement(Base):
    """What parties promised each other."""

    __tablename__ = "agreement"
    __table_args__ = (id_check(), word_check("status", enums.AgreementStatus))

    id: Mapped[Key]
    title: Mapped[str]
    date: Mapped[dt.date]
    place: Mapped[str | None]
    status: Mapped[str]


class AgreementParty(Base):
    """The parties of an agreement, in the order of its record."""

    __tablename__ = "agreement_party"

    agreement_id: Mapped[str] = reference("agreement.id", primary_key=True)
    actor_id: Mapped[str] = reference("actor.id", primary_key=True, index=True)
    position: Mapped[int]


class AgreementCitation(Base):
    """Every article that supports anything in the record of an agreement."""

    __tablename__ = "agreement_citation"

    agreement_id: Mapped[str] = reference("agreement.id", primary_key=True)
    article_id: Mapped[str] = reference("article.id", primary_key=True, index=True)
    position: Mapped[int]


class Term(Base):
    """One promise of an agreement."""

    __tablename__ = "term"
    __table_args__ = (
        id_check(),
        word_check("category", enums.Category),
        word_check("qualifier", enums.Qualifier),
        CheckConstraint("count >= 0", name="count_not_negative"),
        CheckConstraint("released_by <> received_by", name="two_sides"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[str] = reference("agreement.id", index=True)
    position: Mapped[int]
    category: Mapped[str]
    count: Mapped[int | None]
    qualifier: Mapped[str]
    each_side: Mapped[bool]
    released_by: Mapped[str | None] = reference("actor.id")
    received_by: Mapped[str | None] = reference("actor.id")
    claimant: Mapped[str | None] = reference("actor.id")
    note: Mapped[str | None]


class TermCitation(Base):
    """Which articles state a term."""

    __tablename__ = "term_citation"

    term_id: Mapped[str] = reference("term.id", primary_key=True)
    article_id: Mapped[str] = reference("article.id", primary_key=True, index=True)
    position: Mapped[int]


class Mediation(Base):
    """Who is said, or denied, to have brokered an exchange or an agreement."""

    __tablename__ = "mediation"
    __table_args__ = (
        id_check(),
        word_check("role", enums.MediationRole),
        word_check("stance", enums.Stance),
        CheckConstraint("num_nonnulls(exchange_id, agreement_id) = 1", name="one_owner"),
    )

    id: Mapped[Key]
    exchange_id: Mapped[str | None] = reference("exchange.id", index=True)
    agreement_id: Mapped[str | None] = reference("agreement.id", index=True)
    position: Mapped[int]
    actor_id: Mapped[str] = reference("actor.id", index=True)
    role: Mapped[str]
    stance: Mapped[str]
    claimant: Mapped[str | None] = reference("actor.id", index=True)


class MediationCitation(Base):
    """Which articles state a mediation."""

    __tablename__ = "mediation_citation"

    mediation_id: Mapped[str] = reference("mediation.id", primary_key=True)
    article_id: Mapped[str] = reference("article.id", primary_key=True, index=True)
    position: Mapped[int]
