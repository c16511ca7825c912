"""Who may write, and what was answered to whom: keys, and answers kept for requests that are sent again."""

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db import enums
from db.base import Base, Id, Key, Moment, word_check


class ApiKey(Base):
    """A key that writes; the secret itself is nowhere, only its hash."""

    __tablename__ = "api_key"
    __table_args__ = (
        word_check("role", enums.Role),
        CheckConstraint("id ~ '^[0-9a-f]{10}$'", name="id_form"),
        CheckConstraint("length(secret_sha256) = 32", name="hash_length"),
    )

    id: Mapped[Key]
    name: Mapped[str]
    role: Mapped[str]
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[dt.datetime] = mapped_column(Moment)
    expires_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    last_used_at: Mapped[dt.datetime | None] = mapped_column(Moment)


class KeptAnswer(Base):
    """What was answered to a write with an Idempotency-Key; committed with the write itself."""

    __tablename__ = "kept_answer"

    key_id: Mapped[Key]
    method: Mapped[Key]
    path: Mapped[Key]
    idempotency_key: Mapped[Key]
    body_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int]
    headers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    body: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(Moment, index=True)


class Merged(Base):
    """Which record another one has become part of, since which dataset revision."""

    __tablename__ = "merged"
    __table_args__ = (
        word_check("resource", enums.Resource),
        CheckConstraint("id <> into_id", name="not_itself"),
    )

    resource: Mapped[Key]
    id: Mapped[Key]
    into_id: Mapped[Id] = mapped_column(index=True)
    dataset_revision: Mapped[int] = mapped_column(BigInteger)
