"""Let nothing be committed uncited, and nothing of the history be changed.

It must work with the previous version of the code running beside it.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

# (what must cite, its citation table, the column there that points back, when it must)
CITED = [
    ("exchange", "exchange_citation", "exchange_id", ""),
    ("exchange", "location_citation", "exchange_id", "NEW.location_name IS NOT NULL"),
    ("claim", "claim_citation", "claim_id", ""),
    ("mediation", "mediation_citation", "mediation_id", ""),
    ("agreement", "agreement_citation", "agreement_id", ""),
    ("term", "term_citation", "term_id", ""),
    ("published_total", "published_total_citation", "total_id", ""),
]
HISTORY = ["revision", "dataset_revision"]

# Deferred to the commit, because a record is stored before its citations.
MUST_CITE = """
CREATE FUNCTION must_cite() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    citation text := TG_ARGV[0];
    pointer text := TG_ARGV[1];
    gone boolean;
    cited boolean;
BEGIN
    EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I WHERE id = $1)', TG_TABLE_NAME) INTO gone USING NEW.id;
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I = $1)', citation, pointer) INTO cited USING NEW.id;
    IF NOT gone AND NOT cited THEN
        RAISE EXCEPTION '% % cites no article in %', TG_TABLE_NAME, NEW.id, citation
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$
"""

# The parent is updated, not only locked: two transactions that each take one of the last two citations wait
# for each other, and then the second sees what the first has committed or, with an older snapshot
# (repeatable read), fails to serialize. Once in a transaction is enough.
KEEP_CITED = """
CREATE FUNCTION keep_cited() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parent text := TG_ARGV[0];
    pointer text := TG_ARGV[1];
    needed text := TG_ARGV[2];
    parent_id text;
    must boolean;
    cited boolean;
BEGIN
    parent_id := to_jsonb(OLD) ->> pointer;
    EXECUTE format('UPDATE %I SET id = id WHERE id = $1 AND xmin <> pg_current_xact_id()::xid', parent)
        USING parent_id;
    EXECUTE format('SELECT %s FROM %I AS new WHERE id = $1', needed, parent)
        INTO must USING parent_id;
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I = $1)', TG_TABLE_NAME, pointer)
        INTO cited USING parent_id;
    IF must AND NOT cited THEN
        RAISE EXCEPTION '% % would cite no article in %', parent, parent_id, TG_TABLE_NAME
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$
"""

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0]
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$
"""

# The one change that a stored revision may see: its body blanked, and nothing else. The hash chain
# runs over body_sha256, so it still verifies.
REDACT_ONLY = """
CREATE FUNCTION redact_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.body IS NULL AND OLD.body IS NOT NULL
       AND (to_jsonb(NEW) - 'body') = (to_jsonb(OLD) - 'body') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'UPDATE of revision is refused: history is append-only'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for function in (MUST_CITE, KEEP_CITED, REFUSE, REDACT_ONLY):
        op.execute(function)
    for parent, citation, pointer, condition in CITED:
        when = f"WHEN ({condition})" if condition else ""
        events = "INSERT OR UPDATE OF location_name" if condition else "INSERT"
        needed = condition.lower() or "true"
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {citation}_present AFTER {events} ON {parent} "
            f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {when} "
            f"EXECUTE FUNCTION must_cite('{citation}', '{pointer}')"
        )
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {citation}_kept AFTER DELETE OR UPDATE ON {citation} "
            f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
            f"EXECUTE FUNCTION keep_cited('{parent}', '{pointer}', '{needed}')"
        )
        op.execute(
            f"CREATE TRIGGER {citation}_no_truncate BEFORE TRUNCATE ON {citation} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION refuse_change('it would leave records uncited')"
        )
    for parent in sorted({parent for parent, *_ in CITED}):
        op.execute(
            f"CREATE TRIGGER {parent}_id_fixed BEFORE UPDATE OF id ON {parent} FOR EACH ROW "
            f"WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION refuse_change('ids never change')"
        )
    for table in HISTORY:
        op.execute(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION refuse_change('history is append-only')"
        )
    op.execute(
        "CREATE TRIGGER revision_redact_only BEFORE UPDATE ON revision FOR EACH ROW "
        "EXECUTE FUNCTION redact_only()"
    )
    op.execute(
        "CREATE TRIGGER dataset_revision_no_update BEFORE UPDATE ON dataset_revision FOR EACH STATEMENT "
        "EXECUTE FUNCTION refuse_change('history is append-only')"
    )
    op.execute(
        "CREATE TRIGGER dataset_no_delete BEFORE DELETE OR TRUNCATE ON dataset FOR EACH STATEMENT "
        "EXECUTE FUNCTION refuse_change('the dataset always has its one row')"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for function in ("must_cite", "keep_cited", "refuse_change", "redact_only"):
        op.execute(f"DROP FUNCTION {function}() CASCADE")
