"""Let keys be recognised by those who may not read the table of keys."""

from alembic import op

revision = "0010"
down_revision = "0009"

# It runs as the owner, and is bound to its table when it is made, whatever the search path of the caller says.
# What is kept of a secret does not come out: only what shows that somebody has the same.
KEY_OF = """
CREATE FUNCTION api_key_of(asked text)
RETURNS TABLE (
    name text, role text, expires_at timestamptz, revoked_at timestamptz, last_used_at timestamptz, proof bytea
)
LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT api_key.name, api_key.role, api_key.expires_at, api_key.revoked_at, api_key.last_used_at,
        sha256(api_key.secret_sha256)
    FROM api_key
    WHERE api_key.id = asked;
END
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(KEY_OF)
    op.execute("REVOKE EXECUTE ON FUNCTION api_key_of(text) FROM PUBLIC")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION api_key_of(text)")
