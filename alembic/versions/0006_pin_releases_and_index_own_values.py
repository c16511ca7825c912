"""Pin releases and cited queries to a revision; index low, high, spread and each claimant's own value.

It must work with the previous version of the code running beside it: that one reads on, but as it cannot
fill what is new, its writes of exchanges are refused until it is replaced.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

ADDED = ("low", "high", "spread")
FILL = """
UPDATE figure_index SET
    low = (body::jsonb ->> 'low')::integer,
    high = (body::jsonb ->> 'high')::integer,
    spread = (
        SELECT max((own ->> 'value')::integer) - min((own ->> 'value')::integer)
        FROM jsonb_array_elements(body::jsonb -> 'by_claimant') AS own
    )
"""
FILL_OWN_VALUES = """
INSERT INTO own_value_index (
    id, figure_id, exchange_id, released_by, received_by, measure, claimant, value, qualifier,
    from_revision, to_revision
)
SELECT
    id || '.' || coalesce(own ->> 'claimant', 'none'), id, exchange_id, released_by, received_by, measure,
    coalesce(own ->> 'claimant', 'none'), (own ->> 'value')::integer, own ->> 'qualifier',
    from_revision, to_revision
FROM figure_index, jsonb_array_elements(body::jsonb -> 'by_claimant') AS own
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ADDED:
        op.add_column("figure_index", sa.Column(name, sa.Integer(), nullable=True))
    op.execute(FILL)
    for name in ADDED:
        op.alter_column("figure_index", name, nullable=False)
    op.create_index(
        "ix_figure_index_live_sums",
        "figure_index",
        ["measure", "exchange_id"],
        postgresql_where=sa.text("to_revision IS NULL"),
        postgresql_include=["low", "best", "high", "released_by", "received_by"],
    )
    op.create_table(
        "own_value_index",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("figure_id", sa.Text(collation="C"), nullable=False),
        sa.Column("exchange_id", sa.Text(collation="C"), nullable=False),
        sa.Column("released_by", sa.Text(collation="C"), nullable=False),
        sa.Column("received_by", sa.Text(collation="C"), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("claimant", sa.Text(collation="C"), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("qualifier", sa.Text(), nullable=False),
        sa.Column("from_revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_revision", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", "from_revision", name=op.f("pk_own_value_index")),
    )
    op.execute(FILL_OWN_VALUES)
    for columns in (["exchange_id"], ["figure_id"], ["from_revision"], ["to_revision"]):
        name = columns[0] if columns[0].endswith("revision") else columns[0].removesuffix("_id")
        op.create_index(op.f(f"ix_own_value_index_{name}"), "own_value_index", columns)
    op.create_index(
        "ix_own_value_index_live_claimant",
        "own_value_index",
        ["claimant", "measure", "received_by", "exchange_id"],
        postgresql_where=sa.text("to_revision IS NULL"),
    )
    op.create_table(
        "release",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("dataset_revision", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("files", postgresql.JSONB(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("remade_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("level IN ('major', 'minor', 'patch')", name=op.f("ck_release_level_word")),
        sa.CheckConstraint(
            r"name ~ '^[0-9]{4}\.(0[1-9]|1[0-2])(\.[1-9][0-9]*)?$'", name=op.f("ck_release_name_form")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_release")),
        sa.UniqueConstraint("at", name=op.f("uq_release_at")),
    )
    op.create_table(
        "cited_query",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("dataset_revision", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^[a-z0-9]{6,20}$'", name=op.f("ck_cited_query_id_form")),
        sa.CheckConstraint("path ~ '^/v1/'", name=op.f("ck_cited_query_path_form")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cited_query")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("cited_query")
    op.drop_table("release")
    op.drop_table("own_value_index")
    op.drop_index("ix_figure_index_live_sums", "figure_index")
    for name in ADDED:
        op.drop_column("figure_index", name)
