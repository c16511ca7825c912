"""Index what sums over everything read, so that they need not read the tables themselves."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

# Of rows that hold now: name, table, column, and the columns that are only read.
LIVE: Mapping[str, tuple[str, str, list[str]]] = {
    "ix_exchange_index_live_sums": ("exchange_index", "id", ["status", "year", "has_overlaps"]),
    "ix_mediation_index_live_sums": ("mediation_index", "exchange_id", ["actor", "role", "stance"]),
}
LEFT_OUT = "ix_claim_index_left_out"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, (table, column, read) in LIVE.items():
        now = sa.text("to_revision IS NULL")
        op.create_index(name, table, [column], postgresql_include=read, postgresql_where=now)
    op.create_index(
        LEFT_OUT,
        "claim_index",
        ["exchange_id", "category", "covers", "rank", "from_revision", "to_revision"],
        postgresql_where=sa.text("covers <> 'all' OR rank = 'deprecated'"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(LEFT_OUT, "claim_index")
    for name, (table, _, _) in LIVE.items():
        op.drop_index(name, table)
