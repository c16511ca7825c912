"""Create the schema, and the one row of the dataset.

It must work with the previous version of the code running beside it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "actor",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("iso_3166_1_alpha_2", sa.Text(), nullable=True),
        sa.Column("iso_3166_1_alpha_3", sa.Text(), nullable=True),
        sa.Column("aliases", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("external_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("id ~ '^[a-z0-9]+(-[a-z0-9]+)*(:[cmt][0-9]+)?$'", name=op.f("ck_actor_id_form")),
        sa.CheckConstraint(
            "kind IN ('state', 'organisation', 'armed_group', 'coalition')", name=op.f("ck_actor_kind_word")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_actor")),
    )
    op.create_table(
        "actor_index",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "tsv",
            postgresql.TSVECTOR(),
            sa.Computed("array_to_tsvector(words)", persisted=True),
            nullable=False,
        ),
        sa.Column("from_revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_revision", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", "from_revision", name=op.f("pk_actor_index")),
    )
    op.create_index(op.f("ix_actor_index_from_revision"), "actor_index", ["from_revision"], unique=False)
    op.create_index(op.f("ix_actor_index_to_revision"), "actor_index", ["to_revision"], unique=False)
    op.create_table(
        "agreement",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "id ~ '^[a-z0-9]+(-[a-z0-9]+)*(:[cmt][0-9]+)?$'", name=op.f("ck_agreement_id_form")
        ),
        sa.CheckConstraint(
            "status IN ('in_force', 'fulfilled', 'superseded', 'unclear')",
            name=op.f("ck_agreement_status_word"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
    )
    op.create_table(
        "agreement_index",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "tsv",
            postgresql.TSVECTOR(),
            sa.Computed("array_to_tsvector(words)", persisted=True),
            nullable=False,
        ),
        sa.Column("from_revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_revision", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", "from_revision", name=op.f("pk_agreement_index")),
    )
    op.create_index(
        op.f("ix_agreement_index_from_revision"), "agreement_index", ["from_revision"], unique=False
    )
    op.create_index(op.f("ix_agreement_index_to_revision"), "agreement_index", ["to_revision"], unique=False)
    op.create_table(
        "article_index",
        sa.Column("url_key", sa.Text(), nullable=False),
        sa.Column("publisher", sa.Text(collation="C"), nullable=False),
        sa.Column("agency", sa.Text(collation="C"), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("link_status", sa.Text(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("sort_date", sa.Date(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "tsv",
            postgresql.TSVECTOR(),
            sa.Computed("array_to_tsvector(words)", persisted=True),
            nullable=False,
        ),
        sa.Column("from_revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_revision", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", "from_revision", name=op.f("pk_article_index")),
    )
    op.create_index(op.f("ix_article_index_from_revision"), "article_index", ["from_revision"], unique=False)
    op.create_index(
        "ix_article_index_live_date",
        "article_index",
        ["sort_date", "id"],
        unique=False,
        postgresql_where="to_revision IS NULL",
    )
    op.create_index(
        "ix_article_index_live_url",
        "article_index",
        ["url_key"],
        unique=False,
        postgresql_where="to_revision IS NULL",
    )
    op.create_index(op.f("ix_article_index_to_revision"), "article_index", ["to_revision"], unique=False)
    op.create_index("ix_article_index_tsv", "article_index", ["tsv"], unique=False, postgresql_using="gin")
    op.create_table(
        "claim_index",
        sa.Column("released_by", sa.Text(collation="C"), nullable=False),
        sa.Column("received_by", sa.Text(collation="C"), nullable=False),
        sa.Column("direction", sa.Text(collation="C"), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("qualifier", sa.Text(), nullable=False),
        sa.Column("claimant", sa.Text(collation="C"), nullable=False),
        sa.Column("covers", sa.Text(), nullable=False),
        sa.Column("rank", sa.Text(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("exchange_id", sa.Text(collation="C"), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("from_revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_revision", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", "from_revision", name=op.f("pk_claim_index")),
    )
    op.create_index("ix_claim_index_exchange", "claim_index", ["exchange_id"], unique=False)
    op.create_index(op.f("ix_claim_index_from_revision"), "claim_index", ["from_revision"], unique=False)
    op.create_index(
        "ix_claim_index_live_claimant",
        "claim_index",
        ["claimant", "category", "date", "exchange_id"],
        unique=False,
        postgresql_where="to_revision IS NULL",
    )
    op.create_index(
        "ix_claim_index_live_date",
        "claim_index",
        ["date", "id"],
        unique=False,
        postgresql_where="to_revision IS NULL",
    )
    op.create_index(
        "ix_claim_index_live_direction",
        "claim_index",
        ["received_by", "released_by", "date", "exchange_id"],
        unique=False,
        postgresql_where="to_revision IS NULL",
    )
    op.create_index(op.f("ix_claim_index_to_revision"), "claim_index", ["to_revision"], unique=False)
    op.create_table(
        "coverage_index",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("date_to", sa.Date(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from_revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_revision", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", "from_revision", name=op.f("pk_coverage_index")),
    )
    op.create_index(
        op.f("ix_coverage_index_from_revision"), "coverage_index", ["from_revision"], unique=False
    )
    op.create_index(op.f("ix_coverage_index_to_revision"), "coverage_index", ["to_revision"], unique=False)
    op.create_table(
        "coverage_note",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("date_from", sa.Date(), nullable=False),
        sa.Column("date_to", sa.Date(), nullable=False),
        sa.Column("scope", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("languages_searched", sa.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint(
            "id ~ '^[a-z0-9]+(-[a-z0-9]+)*(:[cmt][0-9]+)?$'", name=op.f("ck_coverage_note_id_form")
        ),
        sa.CheckConstraint(
            "scope IN ('prisoner_exchange', 'release', 'transfer', 'civilian_return', 'convict_transfer', 'remains')",
            name=op.f("ck_coverage_note_scope_word"),
        ),
        sa.CheckConstraint(
            "status IN ('suspected_missing', 'figures_missing', 'date_uncertain', 'none_known', 'not_searched', 'incomplete', 'reconciled')",
            name=op.f("ck_coverage_note_status_word"),
        ),
        sa.CheckConstraint("date_to >= date_from", name=op.f("ck_coverage_note_dates_in_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage_note")),
    )
    op.create_table(
        "dataset",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("vocabulary_revision", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("cursor_secret", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_dataset_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset")),
    )
    op.create_table(
        "dataset_revision",
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_dataset_revision")),
        sa.UniqueConstraint("at", name=op.f("uq_dataset_revision_at")),
    )
    op.create_table(
        "exchange_index",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(collation="C"), nullable=False),
        sa.Column("persons", sa.BigInteger(), nullable=True),
        sa.Column("disputed", sa.Boolean(), nullable=False),
        sa.Column("disputed_by_parties", sa.Boolean(), nullable=False),
        sa.Column("sources", sa.Integer(), nullable=False),
        sa.Column("has_figures", sa.Boolean(), nullable=False),
        sa.Column("has_overlaps", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "tsv",
            postgresql.TSVECTOR(),
            sa.Computed("array_to_tsvector(words)", persisted=True),
            nullable=False,
        ),
        sa.Column("from_revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_revision", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", "from_revision", name=op.f("pk_exchange_index")),
    )
    op.create_index("ix_exchange_index_date", "exchange_index", ["date", "id"], unique=False)
    op.create_index(
        op.f("ix_exchange_index_from_revision"), "exchange_index", ["from_revision"], unique=False
    )
    op.create_index(
        "ix_exchange_index_live_agreement",
        "exchange_index",
        ["agreement", "date", "id"],
        unique=False,
        postgresql_where="to_revision IS NULL",
    )
    op.create_index(
        "ix_exchange_index_live_date",
        "exchange_index",
        ["date", "id"],
        unique=False,
        postgresql_where="to_revision IS NULL",
    )
    op.create_index(
        "ix_exchange_index_live_kind",
        "exchange_index",
        ["kind", "date", "id"],
        unique=False,
        postgresql_where="to_revision IS NULL",
    )
    op.create_index(
        "ix_exchange_index_live_updated",
        "exchange_index",
        ["updated_at", "id"],
        unique=False,
        postgresql_where="to_revision IS NULL",
    )
    op.create_index(
        "ix_exchange_index_live_year",
        "exchange_index",
        ["year", "date", "id"],
        unique=False,
        postgresql_where="to_revision IS NULL",
    )
    op.create_index(op.f("ix_exchange_index_to_revision"), "exchange_index", ["to_revision"], unique=False)
    op.create_index("ix_exchange_index_tsv", "exchange_index", ["tsv"], unique=False, postgresql_using="gin")
    op.create_table(
        "facet_index",
        sa.Column("resource", sa.Text(collation="C"), nullable=False),
        sa.Column("facet", sa.Text(collation="C"), nullable=False),
        sa.Column("value", sa.Text(collation="C"), nullable=False),
        sa.Column("record_id", sa.Text(collation="C"), nullable=False),
        sa.Column("owner_id", sa.Text(collation="C"), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("from_revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_revision", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(
            "resource", "facet", "value", "record_id", "from_revision", name=op.f("pk_facet_index")
        ),
    )
    op.create_index(op.f("ix_facet_index_from_revision"), "facet_index", ["from_revision"], unique=False)
    op.create_index(
        "ix_facet_index_live_value",
        "facet_index",
        ["resource", "facet", "value", "date", "record_id"],
        unique=False,
        postgresql_where="to_revision IS NULL",
    )
    op.create_index("ix_facet_index_owner", "facet_index", ["owner_id"], unique=False)
    op.create_index("ix_facet_index_record", "facet_index", ["record_id", "resource", "facet"], unique=False)
    op.create_index(op.f("ix_facet_index_to_revision"), "facet_index", ["to_revision"], unique=False)
    op.create_table(
        "figure_index",
        sa.Column("released_by", sa.Text(collation="C"), nullable=False),
        sa.Column("received_by", sa.Text(collation="C"), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("best", sa.Integer(), nullable=False),
        sa.Column("disputed", sa.Boolean(), nullable=False),
        sa.Column("disputed_by_parties", sa.Boolean(), nullable=False),
        sa.Column("attestation", sa.Text(), nullable=False),
        sa.Column("sources", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("exchange_id", sa.Text(collation="C"), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("from_revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_revision", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", "from_revision", name=op.f("pk_figure_index")),
    )
    op.create_index("ix_figure_index_exchange", "figure_index", ["exchange_id"], unique=False)
    op.create_index(op.f("ix_figure_index_from_revision"), "figure_index", ["from_revision"], unique=False)
    op.create_index(
        "ix_figure_index_live_date",
        "figure_index",
        ["date", "id"],
        unique=False,
        postgresql_where="to_revision IS NULL",
    )
    op.create_index(
        "ix_figure_index_live_direction",
        "figure_index",
        ["received_by", "measure", "best"],
        unique=False,
        postgresql_where="to_revision IS NULL",
    )
    op.create_index(op.f("ix_figure_index_to_revision"), "figure_index", ["to_revision"], unique=False)
    op.create_table(
        "mediation_index",
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("stance", sa.Text(), nullable=False),
        sa.Column("claimant", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("exchange_id", sa.Text(collation="C"), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("from_revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_revision", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", "from_revision", name=op.f("pk_mediation_index")),
    )
    op.create_index("ix_mediation_index_exchange", "mediation_index", ["exchange_id"], unique=False)
    op.create_index(
        op.f("ix_mediation_index_from_revision"), "mediation_index", ["from_revision"], unique=False
    )
    op.create_index(
        "ix_mediation_index_live_actor",
        "mediation_index",
        ["actor", "stance", "role", "date", "exchange_id"],
        unique=False,
        postgresql_where="to_revision IS NULL",
    )
    op.create_index(
        "ix_mediation_index_live_date",
        "mediation_index",
        ["date", "id"],
        unique=False,
        postgresql_where="to_revision IS NULL",
    )
    op.create_index(op.f("ix_mediation_index_to_revision"), "mediation_index", ["to_revision"], unique=False)
    op.create_table(
        "publisher",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_agency", sa.Boolean(), nullable=False),
        sa.Column("aliases", sa.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint(
            "id ~ '^[a-z0-9]+(-[a-z0-9]+)*(:[cmt][0-9]+)?$'", name=op.f("ck_publisher_id_form")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publisher")),
    )
    op.create_table(
        "publisher_index",
        sa.Column("is_agency", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "tsv",
            postgresql.TSVECTOR(),
            sa.Computed("array_to_tsvector(words)", persisted=True),
            nullable=False,
        ),
        sa.Column("from_revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_revision", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", "from_revision", name=op.f("pk_publisher_index")),
    )
    op.create_index(
        op.f("ix_publisher_index_from_revision"), "publisher_index", ["from_revision"], unique=False
    )
    op.create_index(op.f("ix_publisher_index_to_revision"), "publisher_index", ["to_revision"], unique=False)
    op.create_table(
        "revision",
        sa.Column("dataset_revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("resource", sa.Text(collation="C"), nullable=False),
        sa.Column("record_id", sa.Text(collation="C"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "action IN ('created', 'updated', 'deleted', 'restored', 'merged', 'redacted', 'rerendered')",
            name=op.f("ck_revision_action_word"),
        ),
        sa.CheckConstraint(
            "resource IN ('exchange', 'article', 'publisher', 'actor', 'agreement', 'total', 'coverage')",
            name=op.f("ck_revision_resource_word"),
        ),
        sa.PrimaryKeyConstraint("dataset_revision", "position", name=op.f("pk_revision")),
        sa.UniqueConstraint(
            "resource", "record_id", "number", name=op.f("uq_revision_resource_record_id_number")
        ),
    )
    op.create_table(
        "total_index",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("qualifier", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("claimant", sa.Text(collation="C"), nullable=False),
        sa.Column("mediator", sa.Text(collation="C"), nullable=False),
        sa.Column("released_by", sa.Text(collation="C"), nullable=False),
        sa.Column("received_by", sa.Text(collation="C"), nullable=False),
        sa.Column("agreement", sa.Text(collation="C"), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from_revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_revision", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", "from_revision", name=op.f("pk_total_index")),
    )
    op.create_index(op.f("ix_total_index_from_revision"), "total_index", ["from_revision"], unique=False)
    op.create_index(op.f("ix_total_index_to_revision"), "total_index", ["to_revision"], unique=False)
    op.create_table(
        "actor_member",
        sa.Column("actor_id", sa.Text(collation="C"), nullable=False),
        sa.Column("member_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("actor_id <> member_id", name=op.f("ck_actor_member_not_itself")),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["actor.id"],
            name=op.f("fk_actor_member_actor_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["actor.id"],
            name=op.f("fk_actor_member_member_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("actor_id", "member_id", name=op.f("pk_actor_member")),
    )
    op.create_table(
        "actor_name",
        sa.Column("folded", sa.Text(collation="C"), nullable=False),
        sa.Column("actor_id", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["actor.id"],
            name=op.f("fk_actor_name_actor_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("folded", name=op.f("pk_actor_name")),
    )
    op.create_index(op.f("ix_actor_name_actor_id"), "actor_name", ["actor_id"], unique=False)
    op.create_table(
        "agreement_party",
        sa.Column("agreement_id", sa.Text(collation="C"), nullable=False),
        sa.Column("actor_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["actor.id"],
            name=op.f("fk_agreement_party_actor_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id"],
            ["agreement.id"],
            name=op.f("fk_agreement_party_agreement_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("agreement_id", "actor_id", name=op.f("pk_agreement_party")),
    )
    op.create_index(op.f("ix_agreement_party_actor_id"), "agreement_party", ["actor_id"], unique=False)
    op.create_table(
        "article",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("url_key", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("publisher_id", sa.Text(collation="C"), nullable=False),
        sa.Column("agency_id", sa.Text(collation="C"), nullable=True),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("archive_url", sa.Text(), nullable=True),
        sa.Column("link_status", sa.Text(), nullable=False),
        sa.Column("link_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id ~ '^[a-z0-9]+(-[a-z0-9]+)*(:[cmt][0-9]+)?$'", name=op.f("ck_article_id_form")),
        sa.CheckConstraint(
            "link_status IN ('unchecked', 'alive', 'moved', 'dead')", name=op.f("ck_article_link_status_word")
        ),
        sa.ForeignKeyConstraint(
            ["agency_id"],
            ["publisher.id"],
            name=op.f("fk_article_agency_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["publisher_id"],
            ["publisher.id"],
            name=op.f("fk_article_publisher_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article")),
        sa.UniqueConstraint("url_key", name=op.f("uq_article_url_key")),
    )
    op.create_index(op.f("ix_article_agency_id"), "article", ["agency_id"], unique=False)
    op.create_index(op.f("ix_article_publisher_id"), "article", ["publisher_id"], unique=False)
    op.create_table(
        "exchange",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("date_end", sa.Date(), nullable=True),
        sa.Column("date_precision", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("location_name", sa.Text(), nullable=True),
        sa.Column("agreement_id", sa.Text(collation="C"), nullable=True),
        sa.CheckConstraint(
            "date_precision IN ('day', 'month', 'year')", name=op.f("ck_exchange_date_precision_word")
        ),
        sa.CheckConstraint(
            "id ~ '^[a-z0-9]+(-[a-z0-9]+)*(:[cmt][0-9]+)?$'", name=op.f("ck_exchange_id_form")
        ),
        sa.CheckConstraint(
            "kind IN ('prisoner_exchange', 'release', 'transfer', 'civilian_return', 'convict_transfer', 'remains')",
            name=op.f("ck_exchange_kind_word"),
        ),
        sa.CheckConstraint(
            "status IN ('announced', 'completed', 'cancelled')", name=op.f("ck_exchange_status_word")
        ),
        sa.CheckConstraint("date_end >= date", name=op.f("ck_exchange_dates_in_order")),
        sa.ForeignKeyConstraint(
            ["agreement_id"],
            ["agreement.id"],
            name=op.f("fk_exchange_agreement_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange")),
    )
    op.create_index(op.f("ix_exchange_agreement_id"), "exchange", ["agreement_id"], unique=False)
    op.create_table(
        "published_total",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("qualifier", sa.Text(), nullable=False),
        sa.Column("claimant", sa.Text(collation="C"), nullable=True),
        sa.Column("mediator", sa.Text(collation="C"), nullable=True),
        sa.Column("released_by", sa.Text(collation="C"), nullable=True),
        sa.Column("received_by", sa.Text(collation="C"), nullable=True),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("agreement_id", sa.Text(collation="C"), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "category IN ('total', 'military', 'civilian', 'child', 'wounded', 'remains')",
            name=op.f("ck_published_total_category_word"),
        ),
        sa.CheckConstraint(
            "id ~ '^[a-z0-9]+(-[a-z0-9]+)*(:[cmt][0-9]+)?$'", name=op.f("ck_published_total_id_form")
        ),
        sa.CheckConstraint(
            "measure IN ('persons', 'exchanges')", name=op.f("ck_published_total_measure_word")
        ),
        sa.CheckConstraint(
            "qualifier IN ('exact', 'at_least', 'at_most', 'approximately')",
            name=op.f("ck_published_total_qualifier_word"),
        ),
        sa.CheckConstraint("released_by <> received_by", name=op.f("ck_published_total_two_sides")),
        sa.CheckConstraint("since <= as_of", name=op.f("ck_published_total_since_before_as_of")),
        sa.CheckConstraint("value >= 0", name=op.f("ck_published_total_value_not_negative")),
        sa.ForeignKeyConstraint(
            ["agreement_id"],
            ["agreement.id"],
            name=op.f("fk_published_total_agreement_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["claimant"],
            ["actor.id"],
            name=op.f("fk_published_total_claimant"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["mediator"],
            ["actor.id"],
            name=op.f("fk_published_total_mediator"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["received_by"],
            ["actor.id"],
            name=op.f("fk_published_total_received_by"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["released_by"],
            ["actor.id"],
            name=op.f("fk_published_total_released_by"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_published_total")),
    )
    op.create_index(op.f("ix_published_total_claimant"), "published_total", ["claimant"], unique=False)
    op.create_table(
        "publisher_name",
        sa.Column("folded", sa.Text(collation="C"), nullable=False),
        sa.Column("publisher_id", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["publisher_id"],
            ["publisher.id"],
            name=op.f("fk_publisher_name_publisher_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("folded", name=op.f("pk_publisher_name")),
    )
    op.create_index(op.f("ix_publisher_name_publisher_id"), "publisher_name", ["publisher_id"], unique=False)
    op.create_table(
        "term",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("agreement_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("qualifier", sa.Text(), nullable=False),
        sa.Column("each_side", sa.Boolean(), nullable=False),
        sa.Column("released_by", sa.Text(collation="C"), nullable=True),
        sa.Column("received_by", sa.Text(collation="C"), nullable=True),
        sa.Column("claimant", sa.Text(collation="C"), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "category IN ('total', 'military', 'civilian', 'child', 'wounded', 'remains')",
            name=op.f("ck_term_category_word"),
        ),
        sa.CheckConstraint("id ~ '^[a-z0-9]+(-[a-z0-9]+)*(:[cmt][0-9]+)?$'", name=op.f("ck_term_id_form")),
        sa.CheckConstraint(
            "qualifier IN ('exact', 'at_least', 'at_most', 'approximately')",
            name=op.f("ck_term_qualifier_word"),
        ),
        sa.CheckConstraint("count >= 0", name=op.f("ck_term_count_not_negative")),
        sa.CheckConstraint("released_by <> received_by", name=op.f("ck_term_two_sides")),
        sa.ForeignKeyConstraint(
            ["agreement_id"],
            ["agreement.id"],
            name=op.f("fk_term_agreement_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["claimant"], ["actor.id"], name=op.f("fk_term_claimant"), initially="DEFERRED", deferrable=True
        ),
        sa.ForeignKeyConstraint(
            ["received_by"],
            ["actor.id"],
            name=op.f("fk_term_received_by"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["released_by"],
            ["actor.id"],
            name=op.f("fk_term_released_by"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_term")),
    )
    op.create_index(op.f("ix_term_agreement_id"), "term", ["agreement_id"], unique=False)
    op.create_table(
        "agreement_citation",
        sa.Column("agreement_id", sa.Text(collation="C"), nullable=False),
        sa.Column("article_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"],
            ["agreement.id"],
            name=op.f("fk_agreement_citation_agreement_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["article_id"],
            ["article.id"],
            name=op.f("fk_agreement_citation_article_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("agreement_id", "article_id", name=op.f("pk_agreement_citation")),
    )
    op.create_index(
        op.f("ix_agreement_citation_article_id"), "agreement_citation", ["article_id"], unique=False
    )
    op.create_table(
        "claim",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("exchange_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("released_by", sa.Text(collation="C"), nullable=False),
        sa.Column("received_by", sa.Text(collation="C"), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("qualifier", sa.Text(), nullable=False),
        sa.Column("claimant", sa.Text(collation="C"), nullable=True),
        sa.Column("covers", sa.Text(), nullable=False),
        sa.Column("rank", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "category IN ('total', 'military', 'civilian', 'child', 'wounded', 'remains')",
            name=op.f("ck_claim_category_word"),
        ),
        sa.CheckConstraint("covers IN ('all', 'subset', 'fragment')", name=op.f("ck_claim_covers_word")),
        sa.CheckConstraint("id ~ '^[a-z0-9]+(-[a-z0-9]+)*(:[cmt][0-9]+)?$'", name=op.f("ck_claim_id_form")),
        sa.CheckConstraint(
            "qualifier IN ('exact', 'at_least', 'at_most', 'approximately')",
            name=op.f("ck_claim_qualifier_word"),
        ),
        sa.CheckConstraint("rank IN ('preferred', 'normal', 'deprecated')", name=op.f("ck_claim_rank_word")),
        sa.CheckConstraint("count >= 0", name=op.f("ck_claim_count_not_negative")),
        sa.CheckConstraint("released_by <> received_by", name=op.f("ck_claim_two_sides")),
        sa.ForeignKeyConstraint(
            ["claimant"], ["actor.id"], name=op.f("fk_claim_claimant"), initially="DEFERRED", deferrable=True
        ),
        sa.ForeignKeyConstraint(
            ["exchange_id"],
            ["exchange.id"],
            name=op.f("fk_claim_exchange_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["received_by"],
            ["actor.id"],
            name=op.f("fk_claim_received_by"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["released_by"],
            ["actor.id"],
            name=op.f("fk_claim_released_by"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
    )
    op.create_index(op.f("ix_claim_claimant"), "claim", ["claimant"], unique=False)
    op.create_index(op.f("ix_claim_exchange_id"), "claim", ["exchange_id"], unique=False)
    op.create_index(op.f("ix_claim_received_by"), "claim", ["received_by"], unique=False)
    op.create_index(op.f("ix_claim_released_by"), "claim", ["released_by"], unique=False)
    op.create_table(
        "exchange_citation",
        sa.Column("exchange_id", sa.Text(collation="C"), nullable=False),
        sa.Column("article_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"],
            ["article.id"],
            name=op.f("fk_exchange_citation_article_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["exchange_id"],
            ["exchange.id"],
            name=op.f("fk_exchange_citation_exchange_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("exchange_id", "article_id", name=op.f("pk_exchange_citation")),
    )
    op.create_index(
        op.f("ix_exchange_citation_article_id"), "exchange_citation", ["article_id"], unique=False
    )
    op.create_table(
        "exchange_overlap",
        sa.Column("exchange_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("other_exchange_id", sa.Text(collation="C"), nullable=False),
        sa.Column("released_by", sa.Text(collation="C"), nullable=False),
        sa.Column("received_by", sa.Text(collation="C"), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "measure IN ('persons', 'military', 'civilian', 'child', 'wounded', 'remains')",
            name=op.f("ck_exchange_overlap_measure_word"),
        ),
        sa.CheckConstraint("count > 0", name=op.f("ck_exchange_overlap_count_positive")),
        sa.CheckConstraint("exchange_id <> other_exchange_id", name=op.f("ck_exchange_overlap_not_itself")),
        sa.CheckConstraint("released_by <> received_by", name=op.f("ck_exchange_overlap_two_sides")),
        sa.ForeignKeyConstraint(
            ["exchange_id"],
            ["exchange.id"],
            name=op.f("fk_exchange_overlap_exchange_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["other_exchange_id"],
            ["exchange.id"],
            name=op.f("fk_exchange_overlap_other_exchange_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["received_by"],
            ["actor.id"],
            name=op.f("fk_exchange_overlap_received_by"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["released_by"],
            ["actor.id"],
            name=op.f("fk_exchange_overlap_released_by"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("exchange_id", "position", name=op.f("pk_exchange_overlap")),
    )
    op.create_index(
        op.f("ix_exchange_overlap_other_exchange_id"), "exchange_overlap", ["other_exchange_id"], unique=False
    )
    op.create_table(
        "exchange_party",
        sa.Column("exchange_id", sa.Text(collation="C"), nullable=False),
        sa.Column("actor_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["actor.id"],
            name=op.f("fk_exchange_party_actor_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["exchange_id"],
            ["exchange.id"],
            name=op.f("fk_exchange_party_exchange_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("exchange_id", "actor_id", name=op.f("pk_exchange_party")),
    )
    op.create_index(op.f("ix_exchange_party_actor_id"), "exchange_party", ["actor_id"], unique=False)
    op.create_table(
        "location_citation",
        sa.Column("exchange_id", sa.Text(collation="C"), nullable=False),
        sa.Column("article_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"],
            ["article.id"],
            name=op.f("fk_location_citation_article_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["exchange_id"],
            ["exchange.id"],
            name=op.f("fk_location_citation_exchange_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("exchange_id", "article_id", name=op.f("pk_location_citation")),
    )
    op.create_index(
        op.f("ix_location_citation_article_id"), "location_citation", ["article_id"], unique=False
    )
    op.create_table(
        "mediation",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("exchange_id", sa.Text(collation="C"), nullable=True),
        sa.Column("agreement_id", sa.Text(collation="C"), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.Text(collation="C"), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("stance", sa.Text(), nullable=False),
        sa.Column("claimant", sa.Text(collation="C"), nullable=True),
        sa.CheckConstraint(
            "id ~ '^[a-z0-9]+(-[a-z0-9]+)*(:[cmt][0-9]+)?$'", name=op.f("ck_mediation_id_form")
        ),
        sa.CheckConstraint(
            "role IN ('mediator', 'facilitator', 'host', 'transit')", name=op.f("ck_mediation_role_word")
        ),
        sa.CheckConstraint("stance IN ('asserts', 'denies')", name=op.f("ck_mediation_stance_word")),
        sa.CheckConstraint(
            "num_nonnulls(exchange_id, agreement_id) = 1", name=op.f("ck_mediation_one_owner")
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["actor.id"],
            name=op.f("fk_mediation_actor_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id"],
            ["agreement.id"],
            name=op.f("fk_mediation_agreement_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["claimant"],
            ["actor.id"],
            name=op.f("fk_mediation_claimant"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["exchange_id"],
            ["exchange.id"],
            name=op.f("fk_mediation_exchange_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mediation")),
    )
    op.create_index(op.f("ix_mediation_actor_id"), "mediation", ["actor_id"], unique=False)
    op.create_index(op.f("ix_mediation_agreement_id"), "mediation", ["agreement_id"], unique=False)
    op.create_index(op.f("ix_mediation_claimant"), "mediation", ["claimant"], unique=False)
    op.create_index(op.f("ix_mediation_exchange_id"), "mediation", ["exchange_id"], unique=False)
    op.create_table(
        "published_total_citation",
        sa.Column("total_id", sa.Text(collation="C"), nullable=False),
        sa.Column("article_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"],
            ["article.id"],
            name=op.f("fk_published_total_citation_article_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["total_id"],
            ["published_total.id"],
            name=op.f("fk_published_total_citation_total_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("total_id", "article_id", name=op.f("pk_published_total_citation")),
    )
    op.create_index(
        op.f("ix_published_total_citation_article_id"),
        "published_total_citation",
        ["article_id"],
        unique=False,
    )
    op.create_table(
        "published_total_party",
        sa.Column("total_id", sa.Text(collation="C"), nullable=False),
        sa.Column("actor_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["actor.id"],
            name=op.f("fk_published_total_party_actor_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["total_id"],
            ["published_total.id"],
            name=op.f("fk_published_total_party_total_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("total_id", "actor_id", name=op.f("pk_published_total_party")),
    )
    op.create_table(
        "term_citation",
        sa.Column("term_id", sa.Text(collation="C"), nullable=False),
        sa.Column("article_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"],
            ["article.id"],
            name=op.f("fk_term_citation_article_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["term_id"],
            ["term.id"],
            name=op.f("fk_term_citation_term_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("term_id", "article_id", name=op.f("pk_term_citation")),
    )
    op.create_index(op.f("ix_term_citation_article_id"), "term_citation", ["article_id"], unique=False)
    op.create_table(
        "claim_citation",
        sa.Column("claim_id", sa.Text(collation="C"), nullable=False),
        sa.Column("article_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"],
            ["article.id"],
            name=op.f("fk_claim_citation_article_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["claim_id"],
            ["claim.id"],
            name=op.f("fk_claim_citation_claim_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("claim_id", "article_id", name=op.f("pk_claim_citation")),
    )
    op.create_index(op.f("ix_claim_citation_article_id"), "claim_citation", ["article_id"], unique=False)
    op.create_table(
        "mediation_citation",
        sa.Column("mediation_id", sa.Text(collation="C"), nullable=False),
        sa.Column("article_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"],
            ["article.id"],
            name=op.f("fk_mediation_citation_article_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["mediation_id"],
            ["mediation.id"],
            name=op.f("fk_mediation_citation_mediation_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("mediation_id", "article_id", name=op.f("pk_mediation_citation")),
    )
    op.create_index(
        op.f("ix_mediation_citation_article_id"), "mediation_citation", ["article_id"], unique=False
    )
    op.execute(
        "INSERT INTO dataset (id, revision, vocabulary_revision, epoch, updated_at, head, cursor_secret) "
        "SELECT 1, 0, 0, gen_random_uuid(), clock_timestamp(), decode(repeat('00', 32), 'hex'), "
        "decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(op.f("ix_mediation_citation_article_id"), table_name="mediation_citation")
    op.drop_table("mediation_citation")
    op.drop_index(op.f("ix_claim_citation_article_id"), table_name="claim_citation")
    op.drop_table("claim_citation")
    op.drop_index(op.f("ix_term_citation_article_id"), table_name="term_citation")
    op.drop_table("term_citation")
    op.drop_table("published_total_party")
    op.drop_index(op.f("ix_published_total_citation_article_id"), table_name="published_total_citation")
    op.drop_table("published_total_citation")
    op.drop_index(op.f("ix_mediation_exchange_id"), table_name="mediation")
    op.drop_index(op.f("ix_mediation_claimant"), table_name="mediation")
    op.drop_index(op.f("ix_mediation_agreement_id"), table_name="mediation")
    op.drop_index(op.f("ix_mediation_actor_id"), table_name="mediation")
    op.drop_table("mediation")
    op.drop_index(op.f("ix_location_citation_article_id"), table_name="location_citation")
    op.drop_table("location_citation")
    op.drop_index(op.f("ix_exchange_party_actor_id"), table_name="exchange_party")
    op.drop_table("exchange_party")
    op.drop_index(op.f("ix_exchange_overlap_other_exchange_id"), table_name="exchange_overlap")
    op.drop_table("exchange_overlap")
    op.drop_index(op.f("ix_exchange_citation_article_id"), table_name="exchange_citation")
    op.drop_table("exchange_citation")
    op.drop_index(op.f("ix_claim_released_by"), table_name="claim")
    op.drop_index(op.f("ix_claim_received_by"), table_name="claim")
    op.drop_index(op.f("ix_claim_exchange_id"), table_name="claim")
    op.drop_index(op.f("ix_claim_claimant"), table_name="claim")
    op.drop_table("claim")
    op.drop_index(op.f("ix_agreement_citation_article_id"), table_name="agreement_citation")
    op.drop_table("agreement_citation")
    op.drop_index(op.f("ix_term_agreement_id"), table_name="term")
    op.drop_table("term")
    op.drop_index(op.f("ix_publisher_name_publisher_id"), table_name="publisher_name")
    op.drop_table("publisher_name")
    op.drop_index(op.f("ix_published_total_claimant"), table_name="published_total")
    op.drop_table("published_total")
    op.drop_index(op.f("ix_exchange_agreement_id"), table_name="exchange")
    op.drop_table("exchange")
    op.drop_index(op.f("ix_article_publisher_id"), table_name="article")
    op.drop_index(op.f("ix_article_agency_id"), table_name="article")
    op.drop_table("article")
    op.drop_index(op.f("ix_agreement_party_actor_id"), table_name="agreement_party")
    op.drop_table("agreement_party")
    op.drop_index(op.f("ix_actor_name_actor_id"), table_name="actor_name")
    op.drop_table("actor_name")
    op.drop_table("actor_member")
    op.drop_index(op.f("ix_total_index_to_revision"), table_name="total_index")
    op.drop_index(op.f("ix_total_index_from_revision"), table_name="total_index")
    op.drop_table("total_index")
    op.drop_table("revision")
    op.drop_index(op.f("ix_publisher_index_to_revision"), table_name="publisher_index")
    op.drop_index(op.f("ix_publisher_index_from_revision"), table_name="publisher_index")
    op.drop_table("publisher_index")
    op.drop_table("publisher")
    op.drop_index(op.f("ix_mediation_index_to_revision"), table_name="mediation_index")
    op.drop_index(
        "ix_mediation_index_live_date", table_name="mediation_index", postgresql_where="to_revision IS NULL"
    )
    op.drop_index(
        "ix_mediation_index_live_actor", table_name="mediation_index", postgresql_where="to_revision IS NULL"
    )
    op.drop_index(op.f("ix_mediation_index_from_revision"), table_name="mediation_index")
    op.drop_index("ix_mediation_index_exchange", table_name="mediation_index")
    op.drop_table("mediation_index")
    op.drop_index(op.f("ix_figure_index_to_revision"), table_name="figure_index")
    op.drop_index(
        "ix_figure_index_live_direction", table_name="figure_index", postgresql_where="to_revision IS NULL"
    )
    op.drop_index(
        "ix_figure_index_live_date", table_name="figure_index", postgresql_where="to_revision IS NULL"
    )
    op.drop_index(op.f("ix_figure_index_from_revision"), table_name="figure_index")
    op.drop_index("ix_figure_index_exchange", table_name="figure_index")
    op.drop_table("figure_index")
    op.drop_index(op.f("ix_facet_index_to_revision"), table_name="facet_index")
    op.drop_index("ix_facet_index_record", table_name="facet_index")
    op.drop_index("ix_facet_index_owner", table_name="facet_index")
    op.drop_index(
        "ix_facet_index_live_value", table_name="facet_index", postgresql_where="to_revision IS NULL"
    )
    op.drop_index(op.f("ix_facet_index_from_revision"), table_name="facet_index")
    op.drop_table("facet_index")
    op.drop_index("ix_exchange_index_tsv", table_name="exchange_index", postgresql_using="gin")
    op.drop_index(op.f("ix_exchange_index_to_revision"), table_name="exchange_index")
    op.drop_index(
        "ix_exchange_index_live_year", table_name="exchange_index", postgresql_where="to_revision IS NULL"
    )
    op.drop_index(
        "ix_exchange_index_live_updated", table_name="exchange_index", postgresql_where="to_revision IS NULL"
    )
    op.drop_index(
        "ix_exchange_index_live_kind", table_name="exchange_index", postgresql_where="to_revision IS NULL"
    )
    op.drop_index(
        "ix_exchange_index_live_date", table_name="exchange_index", postgresql_where="to_revision IS NULL"
    )
    op.drop_index(
        "ix_exchange_index_live_agreement",
        table_name="exchange_index",
        postgresql_where="to_revision IS NULL",
    )
    op.drop_index(op.f("ix_exchange_index_from_revision"), table_name="exchange_index")
    op.drop_index("ix_exchange_index_date", table_name="exchange_index")
    op.drop_table("exchange_index")
    op.drop_table("dataset_revision")
    op.drop_table("dataset")
    op.drop_table("coverage_note")
    op.drop_index(op.f("ix_coverage_index_to_revision"), table_name="coverage_index")
    op.drop_index(op.f("ix_coverage_index_from_revision"), table_name="coverage_index")
    op.drop_table("coverage_index")
    op.drop_index(op.f("ix_claim_index_to_revision"), table_name="claim_index")
    op.drop_index(
        "ix_claim_index_live_direction", table_name="claim_index", postgresql_where="to_revision IS NULL"
    )
    op.drop_index(
        "ix_claim_index_live_date", table_name="claim_index", postgresql_where="to_revision IS NULL"
    )
    op.drop_index(
        "ix_claim_index_live_claimant", table_name="claim_index", postgresql_where="to_revision IS NULL"
    )
    op.drop_index(op.f("ix_claim_index_from_revision"), table_name="claim_index")
    op.drop_index("ix_claim_index_exchange", table_name="claim_index")
    op.drop_table("claim_index")
    op.drop_index("ix_article_index_tsv", table_name="article_index", postgresql_using="gin")
    op.drop_index(op.f("ix_article_index_to_revision"), table_name="article_index")
    op.drop_index(
        "ix_article_index_live_url", table_name="article_index", postgresql_where="to_revision IS NULL"
    )
    op.drop_index(
        "ix_article_index_live_date", table_name="article_index", postgresql_where="to_revision IS NULL"
    )
    op.drop_index(op.f("ix_article_index_from_revision"), table_name="article_index")
    op.drop_table("article_index")
    op.drop_index(op.f("ix_agreement_index_to_revision"), table_name="agreement_index")
    op.drop_index(op.f("ix_agreement_index_from_revision"), table_name="agreement_index")
    op.drop_table("agreement_index")
    op.drop_table("agreement")
    op.drop_index(op.f("ix_actor_index_to_revision"), table_name="actor_index")
    op.drop_index(op.f("ix_actor_index_from_revision"), table_name="actor_index")
    op.drop_table("actor_index")
    op.drop_table("actor")
