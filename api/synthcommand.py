"""The command `exchanges synth`: writing a made-up dataset of any size, to measure with.

Thin: what the records are like is in `db/synthetic.py`. It needs no database.
"""

from pathlib import Path
from typing import Annotated

import typer

from api.commands import CommandError, progress_shown


def synth(
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write to; new, or empty.")],
    exchanges: Annotated[
        int, typer.Option(min=1, max=10_000_000, help="How many exchanges to make; everything else follows.")
    ] = 1_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same files.")] = 1,
) -> None:
    """Write a made-up dataset, to try things out at any size; nobody could take it for real.

    The folder holds parts, each in the form that `exchanges load` reads: the first has all records, the
    others correct some exchanges again, so that they have several revisions. Load them one after the other,
    into a database of their own.
    """
    from db.synthetic import PARTS, Synthesis, write_files

    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise CommandError(f"{output} is there already; name a folder that is new or empty")
    with progress_shown("records") as progress:
        write_files(Synthesis(exchanges, seed), output, progress)
    typer.echo("Written. To load it, with DATABASE_URL or --data-dir naming a database of its own:")
    for part in PARTS:
        typer.echo(f"  exchanges load {output / part} --reason 'synthetic, {part}'")
