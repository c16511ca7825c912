"""Index tables: what filters and sorts read. One row per revision of a thing, rebuilt from its record.

Nothing here is a source: every column is derived in `db/indexing.py` from a rendered record. A null
that a filter can ask for is stored as the word `none`, so that absence is found by equality too.
"""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import ARRAY, BigInteger, Computed, Index, Text, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from db.base import Base, Id, Key, Moment

NONE = "none"
# What stands for persons where there is no figure: less or more than any record has.
NO_PERSONS, ABOVE_ALL = -1, 1 << 40
# What sums over all exchanges read of them.
SUMMED = ("status", "year", "has_overlaps", "persons_low", "persons", "persons_high")


def _live(name: str, *columns: str, covering: Sequence[str] = ()) -> Index:
    """Make an index over the current rows, which are what almost every query reads.

    `covering`: columns that are read from the index itself.
    """
    return Index(name, *columns, postgresql_where="to_revision IS NULL", postgresql_include=covering)


def _in_order(table: str, id_: str, *columns: str, date: str = "date") -> list[Index]:
    """Make an index for each of some columns that are asked for single values.

    Its rows stand in the order of dates and then of ids, that of `id_`, so that a page of a list can be read
    from anywhere in it; rows of all states are in it, since few are not current.
    """
    return [Index(f"ix_{table}_{column}", column, date, id_) for column in columns]


class Span:
    """The dataset revisions through which a row holds: `from_revision` and on, up to before `to_revision`."""

    from_revision: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, index=True, sort_order=1
    )
    to_revision: Mapped[int | None] = mapped_column(BigInteger, index=True, sort_order=1)


class RecordIndex(Span):
    """A row for each revision of a record; (from_revision, position) is its row in `revision`."""

    id: Mapped[Key]
    position: Mapped[int]
    number: Mapped[int]
    updated_at: Mapped[dt.datetime] = mapped_column(Moment)


class Worded:
    """A row that `q` searches: its folded words, and words that stand for actors and publishers."""

    words: Mapped[list[str]] = mapped_column(ARRAY(Text))

    @declared_attr
    def tsv(self) -> Mapped[str]:
        """The words as a tsvector, kept by the database."""
        return mapped_column(TSVECTOR, Computed("array_to_tsvector(words)", persisted=True))


class ExchangeIndex(RecordIndex, Worded, Base):
    """What exchanges are filtered and sorted by."""

    __tablename__ = "exchange_index"
    __table_args__ = (
        _live("ix_exchange_index_live_date", "date", "id"),
        Index("ix_exchange_index_date", "date", "id"),
        Index("ix_exchange_index_updated", "updated_at", "id"),
        Index("ix_exchange_index_persons_up", text(f"coalesce(persons, {ABOVE_ALL})"), "id"),
        Index("ix_exchange_index_persons_down", text(f"coalesce(persons, {NO_PERSONS})"), "id"),
        Index("ix_exchange_index_overlapping", "date", "id", postgresql_where="has_overlaps"),
        *_in_order("exchange_index", "id", "kind", "status", "year", "agreement", "sources"),
        # sums of everything read this instead of the table, whose rows are ten times as wide
        _live("ix_exchange_index_live_sums", "id", covering=SUMMED),
        Index(
            "ix_exchange_index_live_not_completed",
            "id",
            postgresql_where="to_revision IS NULL AND status <> 'completed'",
        ),
        Index("ix_exchange_index_tsv", "tsv", postgresql_using="gin"),
    )

    date: Mapped[dt.date]
    year: Mapped[int]
    kind: Mapped[str]
    status: Mapped[str]
    agreement: Mapped[Id]
    # null where no figure of persons is known; low and high also where the version before 0011 wrote the row
    persons_low: Mapped[int | None] = mapped_column(BigInteger)
    persons: Mapped[int | None] = mapped_column(BigInteger)
    persons_high: Mapped[int | None] = mapped_column(BigInteger)
    disputed: Mapped[bool]
    disputed_by_parties: Mapped[bool]
    sources: Mapped[int]
    has_figures: Mapped[bool]
    has_overlaps: Mapped[bool]


class PartIndex(Span):
    """A row for a part of an exchange, with its own rendered body, and the exchange's sort keys."""

    id: Mapped[Key]
    exchange_id: Mapped[Id]
    date: Mapped[dt.date]
    body: Mapped[str]


class ClaimIndex(PartIndex, Base):
    """What claims are filtered and sorted by."""

    __tablename__ = "claim_index"
    __table_args__ = (
        Index("ix_claim_index_date", "date", "id"),
        Index("ix_claim_index_count", "count", "id"),
        Index("ix_claim_index_exchange", "exchange_id"),
        *_in_order("claim_index", "exchange_id", "released_by", "received_by", "claimant", "category"),
        *_in_order("claim_index", "exchange_id", "rank", "covers", "qualifier", "direction"),
        Index(
            "ix_claim_index_left_out",
            *("exchange_id", "category", "covers", "rank", "from_revision", "to_revision"),
            postgresql_where="covers <> 'all' OR rank = 'deprecated'",
        ),
    )

    released_by: Mapped[Id]
    received_by: Mapped[Id]
    direction: Mapped[Id]
    category: Mapped[str]
    count: Mapped[int]
    qualifier: Mapped[str]
    claimant: Mapped[Id]
    covers: Mapped[str]
    rank: Mapped[str]
    counts: Mapped[bool]


class MediationIndex(PartIndex, Base):
    """What mediations of exchanges are filtered and sorted by."""

    __tablename__ = "mediation_index"
    __table_args__ = (
        Index("ix_mediation_index_date", "date", "id"),
        Index("ix_mediation_index_exchange", "exchange_id"),
        # almost all are asserted: in an index of all, that would be taken for something to look for
        Index("ix_mediation_index_denied", "date", "id", postgresql_where="stance <> 'asserts'"),
        *_in_order("mediation_index", "exchange_id", "actor", "role", "claimant"),
        _live("ix_mediation_index_live_sums", "exchange_id", covering=("actor", "role", "stance")),
    )

    actor: Mapped[Id]
    role: Mapped[str]
    stance: Mapped[str]
    claimant: Mapped[Id]


class FigureIndex(PartIndex, Base):
    """What figures are filtered, sorted and summed by; the id is made of exchange, direction and measure.

    `spread` is how far apart the claimants' own values are.
    """

    __tablename__ = "figure_index"
    __table_args__ = (
        Index("ix_figure_index_date", "date", "id"),
        Index("ix_figure_index_best", "best", "id"),
        Index("ix_figure_index_spread", "spread", "id"),
        Index("ix_figure_index_disputed", "date", "exchange_id", postgresql_where="disputed"),
        Index("ix_figure_index_by_parties", "date", "exchange_id", postgresql_where="disputed_by_parties"),
        *_in_order("figure_index", "exchange_id", "released_by", "received_by", "measure", "attestation"),
        _live("ix_figure_index_live_direction", "received_by", "measure", "best"),
        _live(
            "ix_figure_index_live_sums",
            "measure",
            "exchange_id",
            covering=("low", "best", "high", "released_by", "received_by"),
        ),
        Index("ix_figure_index_exchange", "exchange_id"),
    )

    released_by: Mapped[Id]
    received_by: Mapped[Id]
    measure: Mapped[str]
    low: Mapped[int]
    best: Mapped[int]
    high: Mapped[int]
    spread: Mapped[int]
    disputed: Mapped[bool]
    disputed_by_parties: Mapped[bool]
    attestation: Mapped[str]
    sources: Mapped[int]


class OwnValueIndex(Span, Base):
    """The own value of each claimant of a figure; the id is made of the figure's and the claimant's."""

    __tablename__ = "own_value_index"
    __table_args__ = (
        _live("ix_own_value_index_live_claimant", "claimant", "measure", "received_by", "exchange_id"),
        Index("ix_own_value_index_exchange", "exchange_id"),
        Index("ix_own_value_index_figure", "figure_id"),
    )

    id: Mapped[Key]
    figure_id: Mapped[Id]
    exchange_id: Mapped[Id]
    released_by: Mapped[Id]
    received_by: Mapped[Id]
    measure: Mapped[str]
    claimant: Mapped[Id]
    value: Mapped[int]
    qualifier: Mapped[str]


class FacetIndex(Span, Base):
    """One row per value where a thing holds several: parties, mediators, articles, publishers, agencies.

    `resource` and `record_id` name the thing (a part of an exchange too), `owner_id` the record that is
    written when the row changes.
    """

    __tablename__ = "facet_index"
    __table_args__ = (
        Index("ix_facet_index_value", "resource", "facet", "value", "date", "record_id"),
        Index("ix_facet_index_owner", "owner_id"),
    )

    # in the order of the key, which serves what asks for the values of one thing
    record_id: Mapped[Key]
    resource: Mapped[Key]
    facet: Mapped[Key]
    value: Mapped[Key]
    owner_id: Mapped[Id]
    date: Mapped[dt.date]


class ArticleIndex(RecordIndex, Worded, Base):
    """What articles are filtered and sorted by; `sort_date` is the day of publication, or the year 1."""

    __tablename__ = "article_index"
    __table_args__ = (
        Index("ix_article_index_date", "sort_date", "id"),
        *_in_order("article_index", "id", "publisher", "agency", "language", date="sort_date"),
        *_in_order("article_index", "id", "link_status", date="sort_date"),
        _live("ix_article_index_live_url", "url_key"),
        Index("ix_article_index_tsv", "tsv", postgresql_using="gin"),
    )

    url_key: Mapped[str]
    publisher: Mapped[Id]
    agency: Mapped[Id]
    language: Mapped[str]
    link_status: Mapped[str]
    published_on: Mapped[dt.date | None]
    sort_date: Mapped[dt.date]


class PublisherIndex(RecordIndex, Worded, Base):
    """What publishers are filtered by."""

    __tablename__ = "publisher_index"

    is_agency: Mapped[bool]


class ActorIndex(RecordIndex, Worded, Base):
    """What actors are filtered by."""

    __tablename__ = "actor_index"

    kind: Mapped[str]


class AgreementIndex(RecordIndex, Worded, Base):
    """What agreements are filtered and sorted by."""

    __tablename__ = "agreement_index"

    date: Mapped[dt.date]
    status: Mapped[str]


class TotalIndex(RecordIndex, Base):
    """What published totals are filtered and sorted by; `date` is the day they speak of."""

    __tablename__ = "total_index"

    date: Mapped[dt.date]
    measure: Mapped[str]
    value: Mapped[int]
    qualifier: Mapped[str]
    category: Mapped[str]
    claimant: Mapped[Id]
    mediator: Mapped[Id]
    released_by: Mapped[Id]
    received_by: Mapped[Id]
    agreement: Mapped[Id]
    year: Mapped[int | None]


class CoverageIndex(RecordIndex, Base):
    """What coverage notes are filtered and sorted by; `date` is the day they begin."""

    __tablename__ = "coverage_index"

    date: Mapped[dt.date]
    date_to: Mapped[dt.date]
    scope: Mapped[str]
    status: Mapped[str]
