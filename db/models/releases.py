"""What is pinned to a dataset revision for good: releases, and queries that somebody cites."""

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db import enums
from db.base import Base, Key, Moment, word_check


class Release(Base):
    """A named dataset revision. `files`: name, bytes and sha256 of each file of its download.

    `base_url` is where these files say that the service is found: as it was when the release was made.
    `remade_at` is when the files were last made again because something in them had to be blanked.
    """

    __tablename__ = "release"
    __table_args__ = (
        word_check("level", enums.ReleaseLevel),
        CheckConstraint(r"name ~ '^[0-9]{4}\.(0[1-9]|1[0-2])(\.[1-9][0-9]*)?$'", name="name_form"),
    )

    name: Mapped[Key]
    dataset_revision: Mapped[int] = mapped_column(BigInteger)
    level: Mapped[str]
    notes: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(Moment, unique=True)
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    base_url: Mapped[str]
    remade_at: Mapped[dt.datetime | None] = mapped_column(Moment)


class CitedQuery(Base):
    """A query that somebody cites, its revision, and what its `.ndjson` held: rows and SHA-256.

    The query is normalised, so that two that mean the same at one revision are one.
    """

    __tablename__ = "cited_query"
    __table_args__ = (
        CheckConstraint("id ~ '^[a-z0-9]{6,20}$'", name="id_form"),
        CheckConstraint("path ~ '^/v1/'", name="path_form"),
    )

    id: Mapped[Key]
    path: Mapped[str]
    query: Mapped[str]
    dataset_revision: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(Moment)
