"""The command `exchanges roles`: accounts that may do no more than a running service needs.

Thin: what they may do is in `db/roles.py`.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands import DataDir, open_database

if TYPE_CHECKING:
    from collections.abc import Sequence


def roles(
    prefix: Annotated[
        str, typer.Option(help="What the names of both begin with, where a server has several services.")
    ] = "exchanges",
    data_dir: DataDir = None,
) -> None:
    """Make, or bring up to date, the database roles PREFIX_reader and PREFIX_writer, and what they may do.

    Run it as the owner of the tables, instead of `exchanges migrate`: it does that first, and new tables are
    nobody's before. A role logs in with the password in READER_PASSWORD or WRITER_PASSWORD; without one, it
    is for accounts that are made otherwise: GRANT exchanges_reader TO … . The service then takes the writer's
    account in DATABASE_URL and the reader's in DATABASE_READ_URL; keys, releases and redactions stay the
    owner's.
    """
    from api.serving import StopSignals
    from db.migrate import upgrade

    with StopSignals() as signals, open_database(data_dir, signals) as database:
        upgrade(database.url)
        reader, writer = asyncio.run(_grant(database.url, prefix))
    typer.echo(f"{reader} may read, and {writer} may read and write, {database.place}.")


async def _grant(url: str, prefix: str) -> "Sequence[str]":
    from db.roles import grant_roles
    from db.session import write_engine

    engine = write_engine(url)
    try:
        return await grant_roles(engine, prefix)
    finally:
        await engine.dispose()
