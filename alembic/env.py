"""Run the migrations: one transaction each, bounded lock waits, and never two deployers at once."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text

import db.models  # noqa: F401  (registers the tables)
from db.base import Base
from db.migrate import MIGRATION_LOCK
from db.session import write_engine
from db.settings import DatabaseSettings


def run(connection: Connection) -> None:
    """Run what the command asks for on one connection."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transaction_per_migration=True,
        compare_type=True,
        compare_server_default=True,
    )
    # A deployer that hangs with the lock in its hands must not block all others for good.
    connection.execute(text("SET lock_timeout = '60s'"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
    connection.commit()
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
    connection.commit()


async def run_online(url: str) -> None:
    """Connect to the URL and run."""
    engine = write_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


database_url = context.config.attributes.get("database_url") or DatabaseSettings().database_url
if not database_url:
    raise SystemExit("set DATABASE_URL to the database to migrate")
asyncio.run(run_online(database_url))
