"""What all commands share: where the database is, what people are told, and how a command fails.

The commands themselves are in `api/cli.py` and `api/keycommands.py`.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from api.serving import StopSignals
    from db.embedded import EmbeddedPostgres

DataDir = Annotated[
    Path | None,
    typer.Option(
        envvar="DATA_DIR",
        show_default="the user's data directory",
        help="Where the embedded Postgres keeps its files. Not used when DATABASE_URL names a Postgres.",
    ),
]


class CommandError(Exception):
    """A command cannot do what it was asked to; the message is one line or several, ready to be shown."""


def say(line: str) -> None:
    """Tell people something; standard output is for results and for the log."""
    typer.echo(line, err=True)


def migrated(url: str) -> str:
    """Bring a database's schema up to date, and give the one that it has then; say so if that is newer."""
    from db.migrate import head, upgrade

    newer = upgrade(url)
    if newer is None:
        return head()
    say(f"A newer version has migrated the database to schema {newer}; this one knows {head()}, and goes on.")
    return newer


@dataclass(frozen=True)
class Opened:
    """A database that is there: its URL, and the embedded Postgres where it is that."""

    url: str
    postgres: "EmbeddedPostgres | None"
    place: str


@contextmanager
def open_database(data_dir: Path | None, signals: "StopSignals") -> Iterator[Opened]:
    """Reach the database of DATABASE_URL, or start (or join) the embedded one and leave it at the end."""
    from db.embedded import EmbeddedPostgres, default_data_dir

    url = os.environ.get("DATABASE_URL")
    if url:
        from db.session import check_reachable

        if data_dir is not None:
            say(f"DATABASE_URL is set, so the data directory {data_dir} is not used.")
        asyncio.run(check_reachable(url))
        yield Opened(url, None, "the database of DATABASE_URL")
        return
    folder = data_dir or default_data_dir()
    postgres = EmbeddedPostgres(folder)
    try:
        with signals.held():
            postgres.start()
        yield Opened(postgres.url, postgres, str(folder))
    finally:
        postgres.stop()


@contextmanager
def progress_shown(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how many of all things are done: a bar on a terminal, else a line for each tenth."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    told = 0

    def tell(done: int, total: int) -> None:
        nonlocal told
        if (tenth := done * 10 // total) > told:
            told = tenth
            say(f"{done:,} of {total:,} {what}")

    yield tell
