"""Importing a stream of records of any kind: what a load does with files, and the report of it.

The lines are read by `db/dataset_files.py` and stored by `db/load.py`. How the stream arrives, and how faults
are told, is the caller's business.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from sqlalchemy.ext.asyncio import AsyncEngine

from db.dataset_files import scan_stream
from db.enums import Action, Resource
from db.load import duplicate_lines, duplicates, write_scan


@dataclass(frozen=True)
class ImportOutcome:
    """What an import did, or in a dry run would do: what became of how many records of each kind.

    `warnings` tell what to look at again, a sentence each.
    """

    revision: int
    counts: Mapping[tuple[Resource, Action], int]
    unchanged: Mapping[Resource, int]
    warnings: Sequence[str]


async def import_stream(
    engine: AsyncEngine, stream: IO[bytes], *, reason: str, key: str | None, dry_run: bool
) -> ImportOutcome:
    """Store the records of a stream, all or none; matched by id, so that it can be repeated.

    Raises:
        DatasetError: with everything that is wrong in the lines, unknown references included.
    """
    scan = await asyncio.to_thread(scan_stream, stream)
    outcome = await write_scan(engine, scan, reason=reason, key=key, dry_run=dry_run)
    return ImportOutcome(
        revision=outcome.revision,
        counts=outcome.counts,
        unchanged=outcome.standing,
        warnings=duplicate_lines(await duplicates(engine, outcome, dry_run=dry_run)),
    )
