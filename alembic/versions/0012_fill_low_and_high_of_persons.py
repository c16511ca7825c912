"""Fill in the sums of low and high figures of persons, and index the few exchanges that were not completed.

Writes wait meanwhile, reads do not.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

# As every writer does first: one that had begun to read would later wait for this, and this for it.
LIKE_A_WRITER = "SELECT id FROM dataset FOR UPDATE"
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
NOT_COMPLETED = "ix_exchange_index_live_not_completed"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(LIKE_A_WRITER)
    op.execute(FILL)
    condition = sa.text("to_revision IS NULL AND status <> 'completed'")
    op.create_index(NOT_COMPLETED, "exchange_index", ["id"], postgresql_where=condition)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(LIKE_A_WRITER)
    op.drop_index(NOT_COMPLETED, "exchange_index")
