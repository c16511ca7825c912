"""Tables of what records refer to: actors, publishers, published totals and coverage notes."""

import datetime as dt
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db import enums
from db.base import Base, Id, Key, id_check, reference, word_check


class Actor(Base):
    """A state, organisation, armed group or coalition."""

    __tablename__ = "actor"
    __table_args__ = (id_check(), word_check("kind", enums.ActorKind))

    id: Mapped[Key]
    name: Mapped[str]
    kind: Mapped[str]
    iso_3166_1_alpha_2: Mapped[str | None]
    iso_3166_1_alpha_3: Mapped[str | None]
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text))
    external_ids: Mapped[dict[str, Any]] = mapped_column(JSONB)


class ActorName(Base):
    """Every folded name by which an actor is found; one name, one actor."""

    __tablename__ = "actor_name"

    folded: Mapped[Key]
    actor_id: Mapped[str] = reference("actor.id", index=True)


class ActorMember(Base):
    """Which actors make up a coalition, or a group that speaks for several."""

    __tablename__ = "actor_member"
    __table_args__ = (CheckConstraint("actor_id <> member_id", name="not_itself"),)

    actor_id: Mapped[str] = reference("actor.id", primary_key=True)
    member_id: Mapped[str] = reference("actor.id", primary_key=True)
    position: Mapped[int]


class Publisher(Base):
    """A publisher or news agency."""

    __tablename__ = "publisher"
    __table_args__ = (id_check(),)

    id: Mapped[Key]
    name: Mapped[str]
    is_agency: Mapped[bool]
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text))


class PublisherName(Base):
    """Every folded name by which a publisher is found; one name, one publisher."""

    __tablename__ = "publisher_name"

    folded: Mapped[Key]
    publisher_id: Mapped[str] = reference("publisher.id", index=True)


class PublishedTotal(Base):
    """A running total that somebody announced."""

    __tablename__ = "published_total"
    __table_args__ = (
        id_check(),
        word_check("measure", enums.TotalMeasure),
        word_check("qualifier", enums.Qualifier),
        word_check("category", enums.Category),
        CheckConstraint("value >= 0", name="value_not_negative"),
        CheckConstraint("released_by <> received_by", name="two_sides"),
        CheckConstraint("since <= as_of", name="since_before_as_of"),
    )

    id: Mapped[Key]
    as_of: Mapped[dt.date]
    measure: Mapped[str]
    value: Mapped[int]
    qualifier: Mapped[str]
    claimant: Mapped[str | None] = reference("actor.id", index=True)
    mediator: Mapped[str | None] = reference("actor.id")
    released_by: Mapped[str | None] = reference("actor.id")
    received_by: Mapped[str | None] = reference("actor.id")
    category: Mapped[str]
    since: Mapped[dt.date | None]
    year: Mapped[int | None]
    agreement_id: Mapped[str | None] = reference("agreement.id")
    note: Mapped[str | None]


class PublishedTotalParty(Base):
    """The parties whose exchanges a published total counts."""

    __tablename__ = "published_total_party"

    total_id: Mapped[str] = reference("published_total.id", primary_key=True)
    actor_id: Mapped[str] = reference("actor.id", primary_key=True)
    position: Mapped[int]


class PublishedTotalCitation(Base):
    """Which articles state a published total."""

    __tablename__ = "published_total_citation"

    total_id: Mapped[str] = reference("published_total.id", primary_key=True)
    article_id: Mapped[str] = reference("article.id", primary_key=True, index=True)
    position: Mapped[int]


class CoverageNote(Base):
    """A known gap of the dataset, as data."""

    __tablename__ = "coverage_note"
    __table_args__ = (
        id_check(),
        word_check("scope", enums.ExchangeKind),
        word_check("status", enums.CoverageStatus),
        CheckConstraint("date_to >= date_from", name="dates_in_order"),
    )

    id: Mapped[Key]
    date_from: Mapped[dt.date]
    date_to: Mapped[dt.date]
    scope: Mapped[Id]
    status: Mapped[str]
    statement: Mapped[str]
    languages_searched: Mapped[list[str]] = mapped_column(ARRAY(Text))
