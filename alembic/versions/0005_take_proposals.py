"""Keep what contributors propose, and what became of it.

It must work with the previous version of the code running beside it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

RESOURCES = "'exchange', 'article', 'publisher', 'actor', 'agreement', 'total', 'coverage'"
CHECKS = {
    "action_word": "action IN ('create', 'update', 'delete')",
    "resource_word": f"resource IN ({RESOURCES})",
    "state_word": "state IN ('open', 'accepted', 'rejected', 'withdrawn')",
    "record_known": "CASE action WHEN 'create' THEN (record_id IS NOT NULL) = (state = 'accepted') "
    "ELSE record_id IS NOT NULL END",
    "base_of_what_stands": "(base_revision IS NULL) = (action = 'create')",
    "content_unless_deleted": "(content IS NULL) = (action = 'delete')",
    "source_url_form": "source_url ~ '^https?://'",
    "version_from_one": "version >= 1",
    "decided_unless_open": "(decided_at IS NULL) = (state = 'open') "
    "AND (decided_by IS NULL) = (state = 'open')",
    "reason_of_decision": "CASE state WHEN 'rejected' THEN decision_reason IS NOT NULL "
    "WHEN 'accepted' THEN true ELSE decision_reason IS NULL END",
    "written_if_accepted": "(dataset_revision IS NOT NULL) = (state = 'accepted')",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "proposal",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(collation="C"), nullable=True),
        sa.Column("base_revision", sa.Integer(), nullable=True),
        sa.Column("content", postgresql.JSONB(), nullable=True),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.Text(collation="C"), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column("dataset_revision", sa.BigInteger(), nullable=True),
        *(sa.CheckConstraint(check, name=op.f(f"ck_proposal_{name}")) for name, check in CHECKS.items()),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_key.id"],
            name=op.f("fk_proposal_key_id"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_proposal")),
    )
    op.create_index(op.f("ix_proposal_key_id"), "proposal", ["key_id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("proposal")
