"""The command `exchanges redact`: blanking past revisions that name a private person.

Thin: what it does is in `db/redacting.py`. Who can run it owns the database, so it asks for no key.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands import CommandError, DataDir, open_database, say

if TYPE_CHECKING:
    from db.enums import Resource
    from db.redacting import Held, Redaction
    from db.writes import Outcome

MOST_ALIKE = 50  # revisions that are named for a person to look at


def redact(
    record: Annotated[
        str,
        typer.Argument(metavar="RECORD", help="Its kind and id, such as exchange/2024-12-30-russia-ukraine."),
    ],
    revision: Annotated[
        list[int], typer.Option(min=1, help="The number of the revision; repeat it for several.")
    ],
    reason: Annotated[
        str, typer.Option(help="Why. Everybody can read it, for ever: never repeat the name in it.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store nothing; show what would be blanked.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Blank past revisions of a record that name a private person, and every copy of what they say.

    What the record says now is not blanked: write it without the name first. Readers of a blanked revision
    get 410 with the reason. It cannot be undone. The files of releases that held it are made again without
    it, and the releases tell so. Works beside a running server.
    """
    from api.serving import StopSignals
    from db.migrate import upgrade

    resource, record_id = _named(record)
    if not reason.strip():
        raise CommandError("say why with --reason: it is what readers of the revision are told")
    with StopSignals() as signals, open_database(data_dir, signals) as database:
        upgrade(database.url)
        work = _redact(database.url, resource, record_id, revision, reason.strip(), dry_run=dry_run)
        redaction, outcome, remade = asyncio.run(work)
    for line in _lines(redaction, dry_run=dry_run):
        typer.echo(line)
    for name in remade:
        typer.echo(f"release {name}: its files were made again")
    made = f"dataset revision {outcome.revision}"
    typer.echo(f"dry run, nothing stored; would be {made}" if dry_run else made)


async def _redact(
    url: str, resource: "Resource", record_id: str, numbers: Sequence[int], reason: str, *, dry_run: bool
) -> "tuple[Redaction, Outcome, Sequence[str]]":
    from api.releasing import remake
    from db import redacting
    from db.amending import AmendError
    from db.releases import lock_releases
    from db.session import write_engine
    from db.writes import writing

    engine = write_engine(url)
    try:
        async with engine.connect() as connection:
            await lock_releases(connection)
            async with writing(connection, reason, dry_run=dry_run) as write:
                redaction = await redacting.redact(write, resource, record_id, numbers)
            outcome = write.outcome()
            remade = await remake(connection, outcome.revision, tell=say)
            await connection.commit()
    except AmendError as error:
        raise CommandError(str(error)) from error
    finally:
        await engine.dispose()
    return redaction, outcome, remade


def _named(record: str) -> "tuple[Resource, str]":
    """Give the record that an argument names; its kind may be in the singular or as in the paths."""
    from db.enums import Resource
    from db.rendering import PLURAL

    kinds = {**{str(resource): resource for resource in Resource}, **{word: r for r, word in PLURAL.items()}}
    kind, slash, record_id = record.partition("/")
    if not slash or not record_id or kind not in kinds:
        words = ", ".join(Resource)
        raise CommandError(
            f"RECORD must be a kind, a slash and an id, such as exchange/2024-12-30-russia-ukraine, not "
            f"{record!r}; the kinds are {words}"
        )
    return kinds[kind], record_id


def _lines(redaction: "Redaction", *, dry_run: bool) -> Iterator[str]:
    for held in redaction.blanked:
        yield f"{_name(held)}: {'would be blanked' if dry_run else 'blanked'}"
    if redaction.answers:
        yield f"answers kept for requests that are sent again, dropped: {redaction.answers:,}"
    if redaction.proposals:
        yield f"proposals that held one of the same texts, blanked: {redaction.proposals:,}"
    if redaction.citations:
        yield f"citations of queries for a word of the same texts, dropped: {redaction.citations:,}"
    for held in redaction.alike[:MOST_ALIKE]:
        newest = ", its newest" if held.newest else ""
        yield f"{_name(held)}{newest}: left, but holds one of the same texts; does it name somebody?"
    if len(redaction.alike) > MOST_ALIKE:
        yield f"… and {len(redaction.alike) - MOST_ALIKE:,} more revisions that hold one of the same texts"


def _name(held: "Held") -> str:
    return f"{held.resource} {held.id} revision {held.number}"
