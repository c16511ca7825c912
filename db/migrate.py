"""Bringing a database to the newest schema, from the package's own migrations.

Alembic is only imported where there is something to migrate: it takes a tenth of a second and 9 MB of each
worker, and a service that starts finds the schema up to date, all but once.
"""

import asyncio
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from db.session import CONNECT_TIMEOUT

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATION_LOCK = 7_245_661_903
MIGRATIONS = Path(__file__).parent.parent / "alembic"
HEAD = "head"


def migration_config(url: str) -> "Config":
    """Make alembic's configuration for a database, independent of the working directory."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"database_url": url})
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def upgrade(url: str, revision: str = HEAD) -> str | None:
    """Migrate a database up to a schema revision; does nothing where it is there already.

    Gives the schema revision of a database that a newer version has migrated. It stays as it is: a migration
    must work beside the version before it.
    """
    if revision == HEAD:
        found = asyncio.run(_schema_of(url))
        if found == head():
            return None
        if found is not None and is_newer(found):
            return found
    from alembic import command  # noqa: PLC0415

    command.upgrade(migration_config(url), revision)
    return None


def downgrade(url: str, revision: str) -> None:
    """Migrate a database down to a schema revision."""
    from alembic import command  # noqa: PLC0415

    command.downgrade(migration_config(url), revision)


@cache
def head() -> str:
    """Give the newest schema revision that this version knows: the number that its file begins with."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("*.py")).partition("_")[0]


def is_newer(schema: str) -> bool:
    """Tell whether a schema revision is newer than any that this version knows."""
    return schema.isdecimal() and int(schema) > int(head())


async def upgrade_async(url: str) -> None:
    """Migrate from inside a running event loop."""
    await asyncio.to_thread(upgrade, url)


async def _schema_of(url: str) -> str | None:
    connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT, statement_cache_size=0)
    try:
        found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()
    return found
