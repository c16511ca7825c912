"""The append-only history: the dataset counter, its write log and every revision of every record."""

import datetime as dt
import uuid

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db import enums
from db.base import Base, Id, Moment, word_check


class Dataset(Base):
    """The one row that every write locks: the newest dataset revision and the head of the hash chain.

    `vocabulary_revision` is the last one that touched what names stand for (`db/vocabulary.py`).
    """

    __tablename__ = "dataset"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(BigInteger)
    vocabulary_revision: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[uuid.UUID]
    updated_at: Mapped[dt.datetime] = mapped_column(Moment)
    head: Mapped[bytes] = mapped_column(LargeBinary)
    cursor_secret: Mapped[bytes] = mapped_column(LargeBinary)


class DatasetRevision(Base):
    """One write transaction: its number, its strictly increasing time and its reason."""

    __tablename__ = "dataset_revision"

    revision: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime] = mapped_column(Moment, unique=True)
    reason: Mapped[str]
    entries: Mapped[int]


class Revision(Base):
    """One write of one record, with the record as it then stood; the triggers let nothing change it."""

    __tablename__ = "revision"
    __table_args__ = (
        word_check("resource", enums.Resource),
        word_check("action", enums.Action),
        UniqueConstraint("resource", "record_id", "number"),
    )

    dataset_revision: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    resource: Mapped[Id]
    record_id: Mapped[Id]
    number: Mapped[int]
    action: Mapped[str]
    body: Mapped[str | None]
    body_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    reason: Mapped[str]
    key: Mapped[str | None]
    at: Mapped[dt.datetime] = mapped_column(Moment)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class Blanked(Base):
    """A revision whose body was blanked, by which dataset revision, and the ids of the parts that it held.

    The body is gone, but no new part may ever take one of these ids.
    """

    __tablename__ = "blanked"

    dataset_revision: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    by_revision: Mapped[int] = mapped_column(BigInteger)
    parts: Mapped[list[str]] = mapped_column(ARRAY(Text))
