"""Index the sums of low and high figures of persons.

Apart from what fills them in: the last step waits for readers, and where it must be tried again, little is lost.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

# As every writer does first: one that had begun to read would later wait for this, and this for it.
LIKE_A_WRITER = "SELECT id FROM dataset FOR UPDATE"
SUMS, READ = "ix_exchange_index_live_sums", ["status", "year", "has_overlaps"]


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(LIKE_A_WRITER)
    _replace_sums([*READ, "persons_low", "persons", "persons_high"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(LIKE_A_WRITER)
    _replace_sums(READ)


def _replace_sums(read: Sequence[str]) -> None:
    """Index sums anew; readers wait only from where the index before is dropped."""
    made = f"{SUMS}_new"
    now = sa.text("to_revision IS NULL")
    op.create_index(made, "exchange_index", ["id"], postgresql_include=read, postgresql_where=now)
    op.drop_index(SUMS, "exchange_index")
    op.execute(f"ALTER INDEX {made} RENAME TO {SUMS}")
