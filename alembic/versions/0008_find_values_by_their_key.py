"""Let the key of facet_index serve what asks for the values of one thing, so that it needs one index less.

It is the largest table by far, and every row of it is put into each of its indexes.
"""

from alembic import op

revision = "0008"
down_revision = "0007"

TABLE, KEY = "facet_index", "pk_facet_index"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_constraint(KEY, TABLE)
    op.create_primary_key(KEY, TABLE, ["record_id", "resource", "facet", "value", "from_revision"])
    op.drop_index("ix_facet_index_record", TABLE)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_facet_index_record", TABLE, ["record_id", "resource", "facet"])
    op.drop_constraint(KEY, TABLE)
    op.create_primary_key(KEY, TABLE, ["resource", "facet", "value", "record_id", "from_revision"])
