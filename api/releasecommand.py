"""The command `exchanges release`: freezing the newest state of the dataset under a name.

Thin: what it does is in `db/releases.py` and `api/releasing.py`. Who can run it owns the database, so it asks
for no key.
"""

import asyncio
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands import CommandError, DataDir, open_database, say

if TYPE_CHECKING:
    from db.queries.dataset import Size
    from db.releases import Released


def release(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="Year and month, such as 2026.11; 2026.11.1 for one more in that month."
        ),
    ],
    notes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A text file that tells readers what is new."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store nothing; show what the release would be.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Freeze the dataset as it is now under a name, with files and checksums, for good.

    A release cannot be changed or taken back. Its level (major, minor, patch) follows from what differs from
    the release before it. Works beside a running server, which offers the release at once.
    """
    from api.serving import StopSignals
    from db.migrate import upgrade
    from db.releases import ReleaseError

    text = _read(notes)
    with StopSignals() as signals, open_database(data_dir, signals) as database:
        upgrade(database.url)
        try:
            made, size = asyncio.run(_release(database.url, name, text, dry_run=dry_run))
        except ReleaseError as error:
            raise CommandError(str(error)) from error
    counts = ", ".join(f"{kind} {count:,}" for kind, count in size.counts.items())
    typer.echo(f"release {made.name}: {made.level}, dataset revision {made.dataset_revision}")
    typer.echo(counts)
    if dry_run:
        typer.echo("dry run, nothing stored")
    else:
        size_of_files = sum(file["bytes"] for file in made.files)
        typer.echo(f"{len(made.files)} files, {size_of_files:,} bytes: GET /v1/releases/{made.name}/download")


def _read(notes: Path | None) -> str:
    if notes is None:
        raise CommandError("say what is new with --notes FILE: readers of the release are told")
    try:
        return notes.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(f"{notes} is not UTF-8 text") from error


async def _release(url: str, name: str, notes: str, *, dry_run: bool) -> "tuple[Released, Size]":
    from api.releasing import Published, make_files
    from db.queries.conditions import Snapshot
    from db.queries.dataset import read_size
    from db.releases import freeze, lock_releases, planned
    from db.session import write_engine

    engine = write_engine(url)
    try:
        async with engine.begin() as connection:
            await lock_releases(connection)
            published = Published()
            base_url = published.public_url.rstrip("/")
            plan = await planned(connection, name, notes, dt.datetime.now(dt.UTC).date(), base_url)
            if not published.model_fields_set:
                say(
                    f"warning: PUBLIC_URL is not set, so the files of this release say for good that the "
                    f"service is at {base_url}. Set it to the address by which readers find the service."
                )
            _, size = await read_size(connection, Snapshot(plan.dataset_revision))
            if not dry_run:
                say(f"Making the files of release {name} …")
                plan = await make_files(connection, plan, tell=say)
                await freeze(connection, plan)
    finally:
        await engine.dispose()
    return plan, size
