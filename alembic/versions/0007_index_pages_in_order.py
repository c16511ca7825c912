"""Index the rows of single values in the order of lists, so that a page is read from anywhere in them.

The previous version of the code runs on beside it: what its queries used is replaced by what serves them too.
"""

from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

LIVE = sa.text("to_revision IS NULL")
# Table, id, date and columns: an index for each column.
IN_ORDER = (
    ("exchange_index", "id", "date", ("kind", "status", "year", "agreement", "sources")),
    ("claim_index", "exchange_id", "date", ("released_by", "received_by", "claimant", "category")),
    ("claim_index", "exchange_id", "date", ("rank", "covers", "qualifier", "direction")),
    ("mediation_index", "exchange_id", "date", ("actor", "role", "claimant")),
    ("figure_index", "exchange_id", "date", ("released_by", "received_by", "measure", "attestation")),
    ("article_index", "id", "sort_date", ("publisher", "agency", "language", "link_status")),
)
NEW: Mapping[str, tuple[str, list[str | sa.TextClause], str | None]] = {
    "ix_exchange_index_updated": ("exchange_index", ["updated_at", "id"], None),
    "ix_exchange_index_persons_up": (
        "exchange_index",
        [sa.text("coalesce(persons, 1099511627776)"), "id"],
        None,
    ),
    "ix_exchange_index_persons_down": ("exchange_index", [sa.text("coalesce(persons, -1)"), "id"], None),
    "ix_exchange_index_overlapping": ("exchange_index", ["date", "id"], "has_overlaps"),
    "ix_claim_index_date": ("claim_index", ["date", "id"], None),
    "ix_claim_index_count": ("claim_index", ["count", "id"], None),
    "ix_mediation_index_date": ("mediation_index", ["date", "id"], None),
    "ix_mediation_index_denied": ("mediation_index", ["date", "id"], "stance <> 'asserts'"),
    "ix_figure_index_date": ("figure_index", ["date", "id"], None),
    "ix_figure_index_best": ("figure_index", ["best", "id"], None),
    "ix_figure_index_spread": ("figure_index", ["spread", "id"], None),
    "ix_figure_index_disputed": ("figure_index", ["date", "exchange_id"], "disputed"),
    "ix_figure_index_by_parties": ("figure_index", ["date", "exchange_id"], "disputed_by_parties"),
    "ix_facet_index_value": ("facet_index", ["resource", "facet", "value", "date", "record_id"], None),
    "ix_article_index_date": ("article_index", ["sort_date", "id"], None),
}
OLD: Mapping[str, tuple[str, list[str]]] = {
    "ix_exchange_index_live_updated": ("exchange_index", ["updated_at", "id"]),
    "ix_exchange_index_live_kind": ("exchange_index", ["kind", "date", "id"]),
    "ix_exchange_index_live_year": ("exchange_index", ["year", "date", "id"]),
    "ix_exchange_index_live_agreement": ("exchange_index", ["agreement", "date", "id"]),
    "ix_claim_index_live_date": ("claim_index", ["date", "id"]),
    "ix_claim_index_live_direction": (
        "claim_index",
        ["received_by", "released_by", "date", "exchange_id"],
    ),
    "ix_claim_index_live_claimant": ("claim_index", ["claimant", "category", "date", "exchange_id"]),
    "ix_mediation_index_live_date": ("mediation_index", ["date", "id"]),
    "ix_mediation_index_live_actor": (
        "mediation_index",
        ["actor", "stance", "role", "date", "exchange_id"],
    ),
    "ix_figure_index_live_date": ("figure_index", ["date", "id"]),
    "ix_facet_index_live_value": ("facet_index", ["resource", "facet", "value", "date", "record_id"]),
    "ix_article_index_live_date": ("article_index", ["sort_date", "id"]),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, (table, columns, condition) in NEW.items():
        where = None if condition is None else sa.text(condition)
        op.create_index(name, table, columns, postgresql_where=where)
    for name, table, columns in _in_order():
        op.create_index(name, table, columns)
    for name, (table, _) in OLD.items():
        op.drop_index(name, table)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, (table, before) in OLD.items():
        op.create_index(name, table, before, postgresql_where=LIVE)
    for name, table, _ in _in_order():
        op.drop_index(name, table)
    for name, (table, _, _) in NEW.items():
        op.drop_index(name, table)


def _in_order() -> Iterator[tuple[str, str, list[str]]]:
    for table, id_, date, columns in IN_ORDER:
        for column in columns:
            yield f"ix_{table}_{column}", table, [column, date, id_]
