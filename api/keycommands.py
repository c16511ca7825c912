"""The commands `exchanges key …`: making keys for those who write, listing, ending and renewing them.

Thin: what they do is in `db/access.py`. Only a key itself goes to standard output, so that `KEY=$(exchanges
key create …)` holds it and nothing else.
"""

import asyncio
import datetime as dt
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from api.commands import CommandError, DataDir, open_database, say

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from db.access import KeyRecord
    from db.enums import Role

Result = TypeVar("Result")

COLUMNS = ("ID", "ROLE", "NAME", "STATE", "CREATED", "EXPIRES", "LAST USED")
NEVER = "-"
SHOWN_ONCE = "It is shown once: keep it now, since only a hash of it is stored."

app = typer.Typer(help="Keys for those who write; reading needs none.", no_args_is_help=True)

KeyId = Annotated[
    str, typer.Argument(metavar="ID", help="The id of the key: the ten characters after exk_, as listed.")
]


@app.command()
def create(
    role: Annotated[str, typer.Option(help="What the key may do: contributor, curator or admin.")],
    name: Annotated[
        str, typer.Option(help="Who holds it; kept in the history of whatever is written with it.")
    ],
    expires: Annotated[
        str | None,
        typer.Option(
            show_default="never",
            help="When it ends: a day (its end, UTC) or a time with its offset (RFC 3339).",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a key and show it, once: only a hash of it is kept.

    Standard output holds the key alone: KEY=$(exchanges key create --role curator --name …)
    """
    from db.access import create_key

    chosen, until = _role(role), None if expires is None else _moment(expires)
    (record, token), place = _run(data_dir, lambda engine: create_key(engine, name, chosen, until))
    typer.echo(token)
    whose = f"This is the key of {record.name} ({record.role}) for {place}"
    say(f"{whose}; it {_end(record)}. {SHOWN_ONCE}")


@app.command("list")
def list_(data_dir: DataDir = None) -> None:
    """List all keys, the oldest first: a table on a terminal, else a line for each with tabs between.

    The columns are id, role, name, state (active, expired, revoked), and when it was made, expires and was
    last used (to the minute; "-" is never). Of the key itself there is nothing to show.
    """
    from db.access import list_keys

    records, _ = _run(data_dir, list_keys)
    rows = [_cells(record) for record in records]
    if sys.stdout.isatty():
        _show_table(rows)
        return
    for row in rows:
        typer.echo("\t".join(row))


@app.command()
def revoke(key_id: KeyId, data_dir: DataDir = None) -> None:
    """End a key for good, at once. What was written with it stays, and so does its name there."""
    from db.access import revoke_key

    record, _ = _run(data_dir, lambda engine: revoke_key(engine, key_id))
    say(f"The key {record.id} of {record.name} ({record.role}) is revoked since {_shown(record.revoked_at)}.")


@app.command()
def rotate(key_id: KeyId, data_dir: DataDir = None) -> None:
    """Replace the secret of a key and show the new key, once; the old one is dead at once.

    Id, name, role and expiry stay. Standard output holds the key alone.
    """
    from db.access import rotate_key

    (record, token), _ = _run(data_dir, lambda engine: rotate_key(engine, key_id))
    typer.echo(token)
    say(f"This is the new key of {record.name} ({record.role}); the old one is dead. {SHOWN_ONCE}")


def _run(data_dir: "Path | None", work: "Callable[[AsyncEngine], Awaitable[Result]]") -> tuple[Result, str]:
    """Do something with the keys of the database, at its newest schema, and tell where that is."""
    from api.serving import StopSignals
    from db.migrate import upgrade
    from db.session import write_engine

    async def run(url: str) -> Result:
        engine = write_engine(url)
        try:
            return await work(engine)
        finally:
            await engine.dispose()

    with StopSignals() as signals, open_database(data_dir, signals) as database:
        upgrade(database.url)
        return asyncio.run(run(database.url)), database.place


def _role(text: str) -> "Role":
    from db.enums import Role

    try:
        return Role(text)
    except ValueError:
        raise CommandError(f"there is no role {text!r}: choose {', '.join(Role)} (--role)") from None


def _moment(text: str) -> dt.datetime:
    from db.moments import moment_of

    try:
        return moment_of(text)
    except ValueError:
        raise CommandError(
            f"--expires must be a day such as 2027-01-31 or a time with its offset such as "
            f"2027-01-31T12:00:00Z, not {text!r}"
        ) from None


def _end(record: "KeyRecord") -> str:
    return "never expires" if record.expires_at is None else f"expires at {_shown(record.expires_at)}"


def _cells(record: "KeyRecord") -> tuple[str, ...]:
    state = "revoked" if record.revoked_at else "expired" if record.expired else "active"
    times = (record.created_at, record.expires_at, record.last_used_at)
    return (record.id, record.role, record.name, state, *map(_shown, times))


def _shown(moment: dt.datetime | None) -> str:
    return NEVER if moment is None else f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _show_table(rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*COLUMNS, box=None)
    for row in rows:
        table.add_row(*map(Text, row))  # a name may hold what rich takes for markup
    Console().print(table)
