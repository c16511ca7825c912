"""Fill in the sums of low and high figures of persons, and index them. Writes wait meanwhile, reads do not."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

# Writers are waited for first: later, each would wait for the other.
LET_NOBODY_WRITE = "LOCK TABLE exchange_index IN SHARE ROW EXCLUSIVE MODE"
FILL = """
UPDATE exchange_index SET persons_low = told.low, persons_high = told.high
FROM (
    SELECT exchange.id, exchange.from_revision, sum(figure.low) AS low, sum(figure.high) AS high
    FROM exchange_index AS exchange
    JOIN figure_index AS figure ON figure.exchange_id = exchange.id
    WHERE figure.measure = 'persons' AND figure.from_revision <= exchange.from_revision
        AND (figure.to_revision IS NULL OR figure.to_revision > exchange.from_revision)
    GROUP BY exchange.id, exchange.from_revision
) AS told
WHERE told.id = exchange_index.id AND told.from_revision = exchange_index.from_revision
"""
NOW = sa.text("to_revision IS NULL")
SUMS, READ = "ix_exchange_index_live_sums", ["status", "year", "has_overlaps"]
NOT_COMPLETED = "ix_exchange_index_live_not_completed"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(LET_NOBODY_WRITE)
    op.execute(FILL)
    condition = sa.text("to_revision IS NULL AND status <> 'completed'")
    op.create_index(NOT_COMPLETED, "exchange_index", ["id"], postgresql_where=condition)
    _replace_sums([*READ, "persons_low", "persons", "persons_high"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(LET_NOBODY_WRITE)
    _replace_sums(READ)
    op.drop_index(NOT_COMPLETED, "exchange_index")


def _replace_sums(read: Sequence[str]) -> None:
    """Index sums anew; readers wait only from where the index before is dropped."""
    made = f"{SUMS}_new"
    op.create_index(made, "exchange_index", ["id"], postgresql_include=read, postgresql_where=NOW)
    op.drop_index(SUMS, "exchange_index")
    op.execute(f"ALTER INDEX {made} RENAME TO {SUMS}")
