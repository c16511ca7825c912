"""Note which revisions were blanked, and by which dataset revision.

It must work with the previous version of the code running beside it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "blanked",
        sa.Column("dataset_revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("by_revision", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("dataset_revision", "position", name=op.f("pk_blanked")),
    )
    op.execute(
        "CREATE TRIGGER blanked_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON blanked FOR EACH STATEMENT "
        "EXECUTE FUNCTION refuse_change('history is append-only')"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("blanked")
