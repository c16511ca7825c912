"""Check that the migrations, run on an empty database, lead to the schema that the models describe."""

import tempfile
from pathlib import Path

from alembic import command

from db.embedded import EmbeddedPostgres
from db.migrate import migration_config, upgrade

with tempfile.TemporaryDirectory(prefix="exchanges-check-", ignore_cleanup_errors=True) as folder:
    Path(folder).chmod(0o755)  # as root, Postgres runs under another account that must get in
    with EmbeddedPostgres(Path(folder) / "data") as postgres:
        upgrade(postgres.url)
        command.check(migration_config(postgres.url))
