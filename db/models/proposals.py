"""What contributors propose to be written, and what became of it."""

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db import enums
from db.base import Base, IdText, Moment, reference, word_check


class Proposal(Base):
    """A write that somebody proposes; its id is made of its number, which is never used again.

    `record_id` of one that creates is null until it is accepted. Whether it conflicts is not stored, as that
    depends on what else is written. `version` counts its changes.
    """

    __tablename__ = "proposal"
    __table_args__ = (
        word_check("action", enums.ProposalAction),
        word_check("resource", enums.Resource),
        word_check("state", enums.ProposalState),
        CheckConstraint(
            "CASE action WHEN 'create' THEN (record_id IS NOT NULL) = (state = 'accepted') "
            "ELSE record_id IS NOT NULL END",
            name="record_known",
        ),
        CheckConstraint("(base_revision IS NULL) = (action = 'create')", name="base_of_what_stands"),
        CheckConstraint("(content IS NULL) = (action = 'delete')", name="content_unless_deleted"),
        CheckConstraint("source_url ~ '^https?://'", name="source_url_form"),
        CheckConstraint("version >= 1", name="version_from_one"),
        CheckConstraint(
            "(decided_at IS NULL) = (state = 'open') AND (decided_by IS NULL) = (state = 'open')",
            name="decided_unless_open",
        ),
        CheckConstraint(
            "CASE state WHEN 'rejected' THEN decision_reason IS NOT NULL WHEN 'accepted' THEN true "
            "ELSE decision_reason IS NULL END",
            name="reason_of_decision",
        ),
        CheckConstraint("(dataset_revision IS NOT NULL) = (state = 'accepted')", name="written_if_accepted"),
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    action: Mapped[str]
    resource: Mapped[str]
    record_id: Mapped[str | None] = mapped_column(IdText)
    base_revision: Mapped[int | None]
    content: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    source_url: Mapped[str]
    comment: Mapped[str]
    state: Mapped[str]
    version: Mapped[int]
    key_id: Mapped[str] = reference("api_key.id", index=True)
    proposed_by: Mapped[str]
    created_at: Mapped[dt.datetime] = mapped_column(Moment)
    decided_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    decided_by: Mapped[str | None]
    decision_reason: Mapped[str | None]
    dataset_revision: Mapped[int | None] = mapped_column(BigInteger)
