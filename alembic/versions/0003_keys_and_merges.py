"""Keep keys, the answers of requests that may be sent again, and which records were merged.

It must work with the previous version of the code running beside it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

RESOURCES = "'exchange', 'article', 'publisher', 'actor', 'agreement', 'total', 'coverage'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('contributor', 'curator', 'admin')", name=op.f("ck_api_key_role_word")),
        sa.CheckConstraint("id ~ '^[0-9a-f]{10}$'", name=op.f("ck_api_key_id_form")),
        sa.CheckConstraint("length(secret_sha256) = 32", name=op.f("ck_api_key_hash_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
    )
    op.create_table(
        "kept_answer",
        sa.Column("key_id", sa.Text(collation="C"), nullable=False),
        sa.Column("method", sa.Text(collation="C"), nullable=False),
        sa.Column("path", sa.Text(collation="C"), nullable=False),
        sa.Column("idempotency_key", sa.Text(collation="C"), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", postgresql.JSONB(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "method", "path", "idempotency_key", name=op.f("pk_kept_answer")),
    )
    op.create_index(op.f("ix_kept_answer_at"), "kept_answer", ["at"])
    op.create_table(
        "merged",
        sa.Column("resource", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("into_id", sa.Text(collation="C"), nullable=False),
        sa.Column("dataset_revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(f"resource IN ({RESOURCES})", name=op.f("ck_merged_resource_word")),
        sa.CheckConstraint("id <> into_id", name=op.f("ck_merged_not_itself")),
        sa.PrimaryKeyConstraint("resource", "id", name=op.f("pk_merged")),
    )
    op.create_index(op.f("ix_merged_into_id"), "merged", ["into_id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("merged", "kept_answer", "api_key"):
        op.drop_table(table)
