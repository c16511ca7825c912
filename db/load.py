"""Loading a dataset from JSON Lines files, and the report of what that did or would do.

Reading the files is in `db/dataset_files.py`, storing their records in `db/writes.py`; here the two meet, and
what the write refuses is traced back to the line that says it. Printing is the command's business.
"""

import asyncio
import gc
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from db.checks import WriteError, WriteItem, check
from db.dataset_files import DatasetError, DatasetFiles, Scan, scan_dataset
from db.differences import ABSENT, Difference, differences
from db.duplicates import duplicates_created, probable_duplicates
from db.enums import Action, Resource
from db.indexing import RECORD_TABLE
from db.lines import LineError
from db.rendering import INPUT_OF, PLURAL
from db.storing import Change
from db.strictjson import Fault, location_of
from db.writes import Outcome, Progress, write

MOST_OF_A_CHANGE = 20  # differences of one record
MOST_CHANGES = 500  # lines of a whole diff
MOST_WARNINGS = 20  # lines
MOST_MISSING = 10  # ids named per resource
HISTORY = frozenset({"revision", "created_at", "updated_at"})  # differ in every change, and say nothing


@dataclass(frozen=True)
class LoadReport:
    """What a load did, or in a dry run would do.

    `counts` tells how many records of a kind were created, updated and so on; of very many `changes` holds
    the first. `unchanged` counts the records of the files that stand as they are; `missing` names the records
    that the database has and the files lack, of the kinds that the files are about. Those are kept.
    `duplicates` names new exchanges with those that are probably the same.
    """

    revision: int
    dry_run: bool
    changes: tuple[Change, ...]
    counts: Mapping[tuple[Resource, Action], int]
    unchanged: Mapping[Resource, int]
    missing: Mapping[Resource, tuple[str, ...]]
    duplicates: Mapping[str, Sequence[str]]


async def load(
    engine: AsyncEngine,
    paths: Sequence[Path],
    *,
    reason: str,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> LoadReport:
    """Store the records of files or directories, all or none; matched by id, so that it can be repeated.

    Raises:
        DatasetError: with everything that is wrong in the files, unknown references included.
    """
    with _collector_at_rest():
        scan = await asyncio.to_thread(scan_dataset, paths)
        outcome = await write_scan(engine, scan, reason=reason, dry_run=dry_run, progress=progress)
    return LoadReport(
        revision=outcome.revision,
        dry_run=dry_run,
        changes=outcome.changes,
        counts=outcome.counts,
        unchanged=outcome.standing,
        missing=await _missing(engine, scan.files),
        duplicates=await duplicates(engine, outcome, dry_run=dry_run),
    )


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep the garbage collector from looking through the records of a batch again and again.

    They hold no cycles, so they go without it; and it takes a fifth of the time of a load.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


async def write_scan(
    engine: AsyncEngine,
    scan: Scan,
    *,
    reason: str,
    key: str | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Store what lines hold, all or none.

    Raises:
        DatasetError: with everything that is wrong in the lines, unknown references included.
    """
    if scan.errors:
        raise DatasetError((*scan.errors, *await _refusals(engine, scan)), scan.more)
    try:
        return await write(engine, scan.files, reason=reason, key=key, dry_run=dry_run, progress=progress)
    except WriteError as error:
        raise DatasetError(_located(error.items, scan.files)) from error


async def duplicates(engine: AsyncEngine, outcome: Outcome, *, dry_run: bool) -> Mapping[str, Sequence[str]]:
    """Find the exchanges that a write created though they were probably there already."""
    async with engine.connect() as connection:
        if dry_run:
            return await probable_duplicates(connection, outcome.changes)
        if (Resource.EXCHANGE, Action.CREATED) not in outcome.counts:
            return {}
        return await duplicates_created(connection, outcome.revision)


def duplicate_lines(duplicates: Mapping[str, Sequence[str]]) -> list[str]:
    """Tell of probable duplicates, a sentence each."""
    return [
        f"exchange {id_} has the day, kind, parties and best figures of {', '.join(others)}: is it another?"
        for id_, others in duplicates.items()
    ]


async def _missing(engine: AsyncEngine, files: DatasetFiles) -> Mapping[Resource, tuple[str, ...]]:
    missing = {}
    async with engine.connect() as connection:
        for resource in INPUT_OF:
            if resource in files.resources:
                index, present = RECORD_TABLE[resource], files.ids[resource]
                ids = await connection.stream(select(index.c.id).where(index.c.to_revision.is_(None)))
                missing[resource] = tuple(sorted([id_ async for (id_,) in ids if id_ not in present]))
    return {resource: ids for resource, ids in missing.items() if ids}


async def _refusals(engine: AsyncEngine, scan: Scan) -> list[LineError]:
    """Find what the write would refuse in the lines without fault, so that all is mended in one go."""
    if any(error.line is None for error in scan.errors):
        return []  # a whole file is not there: what it should hold would be taken for unknown
    try:
        async with engine.connect() as connection:
            await check(connection, scan.files)
    except WriteError as error:
        return _located([item for item in error.items if not _blames_a_faulty_line(item, scan)], scan.files)
    return []


def _blames_a_faulty_line(refusal: WriteItem, scan: Scan) -> bool:
    """Tell whether a reference is unknown only because the line of its target is faulty."""
    if refusal.absent is None:
        return False
    target, id_ = refusal.absent
    return not scan.faulty.isdisjoint(product((target, None), (id_, None)))


def _located(refusals: Iterable[WriteItem], files: DatasetFiles) -> list[LineError]:
    told = list(refusals)
    if not told:
        return []
    wanted = {(refusal.resource, refusal.id) for refusal in told}
    named = ((entry.resource, entry.item.id, entry) for entry in files.entries)
    entries = {(resource, id_): entry for resource, id_, entry in named if (resource, id_) in wanted}
    errors = []
    for refusal in told:
        entry = entries.get((refusal.resource, refusal.id))
        if entry is None:  # refused by a constraint of the database, which names no record
            errors.append(LineError("database", None, Fault((), refusal.code, refusal.message)))
        else:
            errors.append(entry.refused(location_of(refusal.field), refusal.code, refusal.message))
    return errors


def summary_lines(report: LoadReport) -> list[str]:
    """Give the report as plain lines: counts for each kind of record, and what the files lack."""
    lines = []
    counts = report.counts
    for resource in INPUT_OF:
        changed = {action: counts[resource, action] for action in Action if (resource, action) in counts}
        unchanged = report.unchanged.get(resource, 0)
        if not changed and not unchanged:
            continue
        told = {Action.CREATED: 0, Action.UPDATED: 0} | changed
        parts = [f"{count:,} {action}" for action, count in told.items()]
        lines.append(f"{PLURAL[resource]}: {', '.join(parts)}, {unchanged:,} unchanged")
    lines += [
        f"{PLURAL[resource]}: {len(ids):,} in the database but not in the files, kept: {_listed(ids)}"
        for resource, ids in report.missing.items()
    ]
    doubtful = duplicate_lines(report.duplicates)
    lines += [f"warning: {line}" for line in doubtful[:MOST_WARNINGS]]
    if len(doubtful) > MOST_WARNINGS:
        lines.append(f"warning: … and {len(doubtful) - MOST_WARNINGS:,} more such exchanges")
    revision = f"dataset revision {report.revision}"
    if not report.changes:
        return [*lines, f"nothing {'would change' if report.dry_run else 'changed'}; {revision}"]
    return [*lines, f"dry run, nothing stored; would be {revision}" if report.dry_run else revision]


def describe(report: LoadReport) -> list[str]:
    """Give the changes of a report as lines, one for each thing that differs; a huge diff is cut."""
    lines: list[str] = []
    for position, change in enumerate(report.changes):
        if len(lines) >= MOST_CHANGES:
            more = sum(report.counts.values()) - position
            return [*lines, f"… and {more:,} more changed records"]
        lines += diff_lines(change)
    return lines


def diff_lines(change: Change) -> list[str]:
    """Give what a change did, such as `exchange 2024-12-30-russia-ukraine: claims.1.count 189 → 190`."""
    name = f"{change.resource} {change.id}"
    if change.before is None:
        return [f"{name}: {change.action}"]
    lines = [f"{name}: {line}" for line in _between(change.resource, change.before, change.after)]
    if len(lines) > MOST_OF_A_CHANGE:
        rest = len(lines) - MOST_OF_A_CHANGE
        return [*lines[:MOST_OF_A_CHANGE], f"{name}: … and {rest:,} more differences"]
    return lines


def in_words(resource: Resource, before: str, after: str) -> list[str]:
    """Tell what differs between two bodies of a record, a sentence each."""
    return [difference.sentence() for difference in _between(resource, before, after)]


def _between(resource: Resource, before: str, after: str) -> list[Difference]:
    """Find what differs between two bodies of a record.

    Compares what curators write; only where that is the same, what is derived from other records.
    """
    old, new = json.loads(before), json.loads(after)
    written = list(INPUT_OF[resource].model_fields)
    derived = sorted(new.keys() - written - HISTORY)
    for fields in (written, derived):
        found = [
            difference
            for field in fields
            for difference in differences(old.get(field, ABSENT), new.get(field, ABSENT), field)
        ]
        if found:
            return found
    return []


def _listed(ids: Sequence[str]) -> str:
    named = ", ".join(ids[:MOST_MISSING])
    return named if len(ids) <= MOST_MISSING else f"{named} and {len(ids) - MOST_MISSING:,} more"
