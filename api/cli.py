"""The command `exchanges`: serving the dataset, and looking after it.

Thin: what commands do is in `db` and `api/serving.py`. Imports that take long are made where they are needed,
so that help comes at once.
"""

import asyncio
import json
import sys
from difflib import unified_diff
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api import (
    __version__,
    backupcommand,
    keycommands,
    querycommand,
    redactcommand,
    releasecommand,
    rolescommand,
    synthcommand,
)
from api.commands import CommandError, DataDir, migrated, open_database, progress_shown, say

if TYPE_CHECKING:
    from api.settings import HttpSettings
    from db.load import LoadReport

SHIPPED = Path(__file__).parent.parent / "db" / "dataset"
CONTRACT = Path("openapi", "v1.json")
RELEASED = Path("openapi", "released")
CHANGELOG = Path("CHANGELOG.md")
DIFF_LINES = 40  # of a contract that is not up to date

app = typer.Typer(
    help="Prisoner exchanges as claims with their sources: serve the dataset, and look after it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(keycommands.app, name="key")
app.command()(backupcommand.backup)
app.command()(backupcommand.restore)
app.command()(redactcommand.redact)
app.command()(releasecommand.release)
app.command()(rolescommand.roles)
app.command()(synthcommand.synth)
for _asking in (querycommand.query, querycommand.export):
    app.command(context_settings=querycommand.FILTERS_TOO, options_metavar=querycommand.USAGE)(_asking)


def main() -> None:
    """Run the command; whatever goes wrong in a known way is told in one line, with exit code 1."""
    try:
        app()
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        say(told)
        sys.exit(1)


def _told(error: Exception) -> str | None:
    """Give what a user is told about an error, or None where only a traceback helps."""
    from api.serving import ListenError
    from db.embedded import EmbeddedPostgresError

    if isinstance(error, CommandError | ListenError | EmbeddedPostgresError):
        return f"error: {error}"  # at once: the imports below take a second

    from alembic.util import CommandError as MigrationError
    from asyncpg import InterfaceError, PostgresError
    from pydantic import ValidationError
    from sqlalchemy.exc import DBAPIError

    from api.tracing import TracingError
    from db.access import AccessError
    from db.dataset_files import DatasetError
    from db.roles import RoleError
    from db.session import DatabaseUnavailableError, OutcomeUnknownError

    told = None
    match error:
        case DatabaseUnavailableError() | AccessError() | RoleError() | TracingError():
            told = str(error)
        case OutcomeUnknownError():
            told = f"{error}: it may be stored, or not; run the command again, which stores nothing twice"
        case DatasetError():  # its text is a line for each fault
            return f"{error}\nerror: nothing was stored; faults in the files: {len(error.errors):,}"
        case MigrationError():
            told = f"cannot migrate the database; did a newer version do so? {_line(error)}"
        case DBAPIError():
            told = f"the database says: {_line(error.orig or error)}"
        case PostgresError() | InterfaceError():
            told = f"the database says: {_line(error)}"
        case ValidationError():
            faults = [f"{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()]
            told = f"wrong settings in the environment: {'; '.join(faults)}"
        case OSError():
            place = f"{error.filename}: " if error.filename else ""
            told = f"{place}{error.strerror or _line(error)}"
    return told and f"error: {told}"


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if version:
        typer.echo(f"exchanges {__version__}")
        raise typer.Exit


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, envvar="PORT", help="Port to listen on.")] = 8000,
    host: Annotated[
        str, typer.Option(envvar="HOST", help="Address to listen on; 0.0.0.0 for all of this machine.")
    ] = "127.0.0.1",
    data_dir: DataDir = None,
    workers: Annotated[
        int, typer.Option(min=1, envvar="WORKERS", help="Processes that answer; one per core is plenty.")
    ] = 1,
) -> None:
    """Serve the API: start Postgres, bring it up to date, load the dataset if there is none, listen.

    Ctrl-C and SIGTERM stop all of it. The log of requests goes to standard output.
    """
    from api.serving import StopSignals, imported_meanwhile, open_metrics, reserved_port, run_server

    try:
        with (
            StopSignals() as signals,
            reserved_port(host, port),
            imported_meanwhile("api.main") as imported,
            open_database(data_dir, signals) as database,
        ):
            imported()
            settings = _checked_settings()
            with open_metrics(settings.metrics_host, settings.metrics_port) as metrics:
                _prepare(database.url)
                run_server(
                    host,
                    port,
                    workers,
                    database.url,
                    postgres=database.postgres,
                    metrics=metrics,
                    ready=lambda base: say(
                        f"Listening on {base} (documentation: {base}/docs; data: {database.place}). Try:\n"
                        f"  curl '{base}/exchanges?mediator=UAE'"
                    ),
                    say=say,
                )
    except KeyboardInterrupt:
        pass  # before the server ran, which takes signals itself
    say("Stopped.")


def _checked_settings() -> "HttpSettings":
    """Read the settings that workers will read, so that a wrong one is told once, here."""
    from api import tracing
    from api.settings import HttpSettings
    from db.settings import DatabaseSettings

    tracing.check()
    DatabaseSettings()
    return HttpSettings()


def _prepare(url: str) -> str:
    """Bring the schema up to date, and give it; load the shipped dataset into a database without any."""
    schema = migrated(url)
    if asyncio.run(_newest_revision(url)) == 0:
        say("Loading the shipped dataset, once …")
        _load(url, [SHIPPED], "the dataset as shipped", dry_run=False)
    return schema


async def _newest_revision(url: str) -> int:
    from sqlalchemy import select

    from db.models.history import Dataset
    from db.session import write_engine

    engine = write_engine(url)
    try:
        async with engine.connect() as connection:
            return (await connection.execute(select(Dataset.revision))).scalar_one()
    finally:
        await engine.dispose()


@app.command()
def load(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="JSON Lines files, or directories of them.")
    ],
    reason: Annotated[str, typer.Option(help="Why, for the history; like a commit message.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store nothing; show what would change.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Load records from JSON Lines files: all of them, or none if anything is wrong.

    Records are matched by id. What is as it was stays untouched, and what the files lack is kept, so a load
    can be repeated. Works beside a running server, which answers with the new records at once.
    """
    from api.serving import StopSignals
    from db.load import describe, summary_lines

    if not reason.strip() and not dry_run:
        raise CommandError("say why with --reason: it is kept in the history of every changed record")
    with StopSignals() as signals, open_database(data_dir, signals) as database:
        migrated(database.url)
        report = _load(database.url, paths, reason.strip() or "dry run", dry_run=dry_run)
    for line in [*(describe(report) if dry_run else []), *summary_lines(report)]:
        typer.echo(line)


def _load(url: str, paths: list[Path], reason: str, *, dry_run: bool) -> "LoadReport":
    from db.load import load as load_files
    from db.session import write_engine

    async def run() -> "LoadReport":
        engine = write_engine(url)
        try:
            with progress_shown("records") as progress:
                return await load_files(engine, paths, reason=reason, dry_run=dry_run, progress=progress)
        finally:
            await engine.dispose()

    return asyncio.run(run())


@app.command()
def migrate(
    with_dataset: Annotated[
        bool, typer.Option("--load", help="Load the shipped dataset, too, into a database without records.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Bring the database's schema up to date; does nothing where it is."""
    from api.serving import StopSignals

    with StopSignals() as signals, open_database(data_dir, signals) as database:
        schema = _prepare(database.url) if with_dataset else migrated(database.url)
    typer.echo(f"The schema of {database.place} is at {schema}.")


@app.command()
def verify(data_dir: DataDir = None) -> None:
    """Check the hash chain of the history, and every record against the rows that it is made of.

    Each fault is a line; exit code 1 if there is any.
    """
    from api.serving import StopSignals

    with StopSignals() as signals, open_database(data_dir, signals) as database:
        faults = asyncio.run(_faults(database.url))
    for fault in faults:
        typer.echo(fault)
    if faults:
        raise CommandError(f"faults in {database.place}: {len(faults):,}")
    typer.echo(f"The history of {database.place} is whole, and every record agrees with its rows.")


async def _faults(url: str) -> list[str]:
    from db.session import write_engine
    from db.verify import verify as verify_dataset

    engine = write_engine(url)
    try:
        return [fault async for fault in verify_dataset(engine)]
    finally:
        await engine.dispose()


@app.command()
def openapi(
    output: Annotated[Path | None, typer.Option(help="File to write; standard output if not given.")] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help=f"Write nothing; fail unless the file (or {CONTRACT}) is up to date and breaks nothing.",
        ),
    ] = False,
) -> None:
    """Write the contract of the API, OpenAPI 3.1; needs no database."""
    from api.main import create_app
    from api.openapi import contract_json

    contract = contract_json(create_app())
    if check:
        _check_contract(output or CONTRACT, contract)
        _check_promise(contract)
    elif output is None:
        typer.echo(contract, nl=False)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(contract)


def _check_contract(file: Path, contract: bytes) -> None:
    stored = file.read_bytes()
    if stored == contract:
        return
    before, after = (text.decode(errors="replace").splitlines() for text in (stored, contract))
    diff = list(islice(unified_diff(before, after, str(file), "the code", n=1, lineterm=""), DIFF_LINES))
    raise CommandError("\n".join([f"{file} is not what the code says; `make openapi` writes it", *diff]))


def _check_promise(contract: bytes) -> None:
    from api.contractcheck import newest_released, unannounced

    released = newest_released(RELEASED)
    broken = [] if released is None else unannounced(json.loads(contract), released, CHANGELOG)
    if broken:
        head = (
            f"The contract breaks clients of {released}, and no item under Breaking in {CHANGELOG} begins so:"
        )
        raise CommandError("\n".join([head, *map(str, broken)]))


if __name__ == "__main__":
    main()
