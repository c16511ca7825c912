"""Add the sums of low and high figures of persons to each exchange, so that they need not be summed again.

The previous version of the code writes on beside it: where its rows have none, sums are made of the figures.
What there is already is filled in by the next migration: here readers wait, so that nothing here takes time.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

ADDED = ("persons_low", "persons_high")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ADDED:
        op.add_column("exchange_index", sa.Column(name, sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ADDED:
        op.drop_column("exchange_index", name)
