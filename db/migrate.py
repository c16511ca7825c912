"""Bringing a database to the newest schema, from the package's own migrations."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

MIGRATION_LOCK = 7_245_661_903
MIGRATIONS = Path(__file__).parent.parent / "alembic"


def migration_config(url: str) -> Config:
    """Make alembic's configuration for a database, independent of the working directory."""
    config = Config(attributes={"database_url": url})
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate a database up to a schema revision; does nothing where it is there already."""
    command.upgrade(migration_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Migrate a database down to a schema revision."""
    command.downgrade(migration_config(url), revision)


def head() -> str:
    """Give the newest schema revision that this version knows."""
    newest = ScriptDirectory.from_config(migration_config("")).get_current_head()
    assert newest is not None  # noqa: S101  (there is always a first migration)
    return newest


async def upgrade_async(url: str) -> None:
    """Migrate from inside a running event loop."""
    await asyncio.to_thread(upgrade, url)
