"""The table of articles, the pages that everything else cites."""

import datetime as dt

from sqlalchemy.orm import Mapped, mapped_column

from db import enums
from db.base import Base, Key, Moment, id_check, reference, word_check


class Article(Base):
    """A citing page: one URL, one article."""

    __tablename__ = "article"
    __table_args__ = (id_check(), word_check("link_status", enums.LinkStatus))

    id: Mapped[Key]
    url: Mapped[str]
    url_key: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str | None]
    publisher_id: Mapped[str] = reference("publisher.id", index=True)
    agency_id: Mapped[str | None] = reference("publisher.id", index=True)
    published_on: Mapped[dt.date | None]
    language: Mapped[str]
    archive_url: Mapped[str | None]
    link_status: Mapped[str]
    link_checked_at: Mapped[dt.datetime | None] = mapped_column(Moment)
