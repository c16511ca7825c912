"""The commands `exchanges backup` and `exchanges restore`.

Thin: what they do is in `db/backup.py` and `db/restoring.py`. Who can run them owns the database, so they ask
for no key.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands import CommandError, DataDir, open_database, progress_shown, say

if TYPE_CHECKING:
    from db.backupfile import Manifest

BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="The file of the backup.")]


def backup(
    file: BackupFile,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Write nothing: read a backup that is there, and say whether it is whole."
        ),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Write the whole database into one file, as it is at this moment, with the facts to verify it by.

    Keep the file as safe as the database: it holds the hashes of keys, and proposals that are not public.
    Works beside a running server, and with a database whose schema is an older one.
    """
    from api.serving import StopSignals
    from db import backupfile
    from db.backup import backup as back_up

    if check:
        with _told():
            manifest = backupfile.check(file)
        typer.echo(f"{file} is whole.")
    else:
        with (
            _told(),
            StopSignals() as signals,
            open_database(data_dir, signals) as database,
            progress_shown("tables") as progress,
        ):
            manifest = asyncio.run(back_up(database.url, file, force=force, progress=progress))
    for line in _lines(manifest):
        typer.echo(line)


def restore(
    file: BackupFile,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Put the backup in the place of what is in the database, for good."),
    ] = False,
    despite_faults: Annotated[
        bool,
        typer.Option(
            "--despite-faults", help="Restore a dataset, too, in which `exchanges verify` finds faults."
        ),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Put a backup in the place of an empty database, verified, and brought up to date.

    All or nothing: if anything is wrong, the database stays as it is. Stop the service first. The dataset
    begins a new epoch, so that mirrors begin anew, and cursors of before are refused. A key that was revoked,
    and a text that was redacted, after the backup was made is back: revoke and redact again.
    """
    from api.serving import StopSignals
    from db.restoring import restore as bring_back

    with _told(), StopSignals() as signals, open_database(data_dir, signals) as database:
        with progress_shown("parts of the database") as progress:
            restored = asyncio.run(
                bring_back(
                    database.url,
                    file,
                    replace=replace,
                    despite_faults=despite_faults,
                    tell=say,
                    progress=progress,
                )
            )
        place = database.place
    typer.echo(f"Restored into {place}, and verified.")
    for line in _lines(restored.manifest):
        typer.echo(line)
    typer.echo(f"new epoch {restored.epoch.hex}")


@contextmanager
def _told() -> Iterator[None]:
    from db.backupfile import BackupError
    from db.clients import ClientError

    try:
        yield
    except (BackupError, ClientError) as error:
        raise CommandError(str(error)) from error


def _lines(manifest: "Manifest") -> Iterator[str]:
    facts = manifest.facts
    yield f"made {manifest.made_at:%Y-%m-%dT%H:%M:%SZ} of a Postgres {manifest.server_version}"
    yield (
        f"dataset revision {facts.dataset_revision}, schema {facts.schema_revision}, "
        f"{sum(facts.rows.values()):,} rows in {len(facts.rows)} tables, {manifest.dump_bytes:,} bytes"
    )
    yield f"head of the hash chain {facts.head}"
