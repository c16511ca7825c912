"""Loading a dataset from JSON Lines files, and the report of what that did or would do.

Reading the files is in `db/dataset_files.py`, storing their records in `db/writes.py`; here the two meet, and
what the write refuses is traced back to the line that says it. Printing is the command's business.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from db.checks import WriteError, WriteItem, check
from db.dataset_files import DatasetError, DatasetFiles, LineError, Scan, scan_dataset
from db.differences import ABSENT, differences
from db.enums import Action, Resource
from db.rendering import INPUT_OF, PLURAL, Input
from db.storing import Change
from db.writes import Progress, stored_ids, write

MOST_OF_A_CHANGE = 20  # differences of one record
MOST_CHANGES = 500  # lines of a whole diff
MOST_MISSING = 10  # ids named per resource
HISTORY = frozenset({"revision", "created_at", "updated_at"})  # differ in every change, and say nothing


@dataclass(frozen=True)
class LoadReport:
    """What a load did, or in a dry run would do.

    `unchanged` counts the records of the files that stand as they are; `missing` names the records that the
    database has and the files lack, of the kinds that the files are about. Those are kept.
    """

    revision: int
    dry_run: bool
    changes: tuple[Change, ...]
    unchanged: Mapping[Resource, int]
    missing: Mapping[Resource, tuple[str, ...]]

    @property
    def counts(self) -> Mapping[tuple[Resource, Action], int]:
        """How many records of a kind were created, updated and so on."""
        return Counter((change.resource, change.action) for change in self.changes)


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
    scan = await asyncio.to_thread(scan_dataset, paths)
    if scan.errors:
        raise DatasetError((*scan.errors, *await _refusals(engine, scan)))
    files = scan.files
    try:
        outcome = await write(engine, files.inputs, reason=reason, dry_run=dry_run, progress=progress)
    except WriteError as error:
        raise DatasetError(_located(error.items, files)) from error
    changed = {(change.resource, change.id) for change in outcome.changes}
    return LoadReport(
        revision=outcome.revision,
        dry_run=dry_run,
        changes=outcome.changes,
        unchanged=Counter(
            entry.resource for entry in files.entries if (entry.resource, entry.item.id) not in changed
        ),
        missing=await _missing(engine, files),
    )


async def _missing(engine: AsyncEngine, files: DatasetFiles) -> Mapping[Resource, tuple[str, ...]]:
    stored = await stored_ids(engine)
    present: dict[Resource, set[str]] = {resource: set() for resource in files.resources}
    for entry in files.entries:
        present[entry.resource].add(entry.item.id)
    missing = {resource: stored[resource] - ids for resource, ids in present.items()}
    return {resource: tuple(sorted(ids)) for resource, ids in missing.items() if ids}


async def _refusals(engine: AsyncEngine, scan: Scan) -> list[LineError]:
    """Find what the write would refuse in the lines without fault, so that all is mended in one go."""
    if any(error.line is None for error in scan.errors):
        return []  # a whole file is not there: what it should hold would be taken for unknown
    try:
        async with engine.connect() as connection:
            await check(connection, scan.files.inputs)
    except WriteError as error:
        items = {(entry.resource, entry.item.id): entry.item for entry in scan.files.entries}
        own = [
            refusal
            for refusal in error.items
            if not _blames_a_faulty_line(refusal, items[refusal.resource, refusal.id], scan)
        ]
        return _located(own, scan.files)
    return []


def _blames_a_faulty_line(refusal: WriteItem, item: Input, scan: Scan) -> bool:
    """Tell whether a reference is unknown only because the line of its target is faulty."""
    code, _, target = refusal.code.partition("_")
    if code != "unknown":
        return False
    resource = Resource(target)
    return not scan.faulty.isdisjoint({(resource, None), (resource, str(_at(item, refusal.field)))})


def _at(item: object, path: str) -> object:
    for step in path.split("."):
        item = item[int(step)] if isinstance(item, Sequence) else getattr(item, step)
    return item


def _located(refusals: Iterable[WriteItem], files: DatasetFiles) -> list[LineError]:
    entries = {(entry.resource, entry.item.id): entry for entry in files.entries}
    errors = []
    for refusal in refusals:
        entry = entries.get((refusal.resource, refusal.id))
        if entry is None:  # refused by a constraint of the database, which names no record
            errors.append(LineError("database", None, None, refusal.message))
        else:
            errors.append(entry.refused(refusal.field, refusal.message))
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
    revision = f"dataset revision {report.revision}"
    if not report.changes:
        return [*lines, f"nothing {'would change' if report.dry_run else 'changed'}; {revision}"]
    return [*lines, f"dry run, nothing stored; would be {revision}" if report.dry_run else revision]


def describe(report: LoadReport) -> list[str]:
    """Give the changes of a report as lines, one for each thing that differs; a huge diff is cut."""
    lines: list[str] = []
    for position, change in enumerate(report.changes):
        if len(lines) >= MOST_CHANGES:
            return [*lines, f"… and {len(report.changes) - position:,} more changed records"]
        lines += diff_lines(change)
    return lines


def diff_lines(change: Change) -> list[str]:
    """Give what a change did, such as `exchange 2024-12-30-russia-ukraine: claims.1.count 189 → 190`."""
    name = f"{change.resource} {change.id}"
    if change.before is None:
        return [f"{name}: {change.action}"]
    lines = [f"{name}: {line}" for line in in_words(change.resource, change.before, change.after)]
    if len(lines) > MOST_OF_A_CHANGE:
        rest = len(lines) - MOST_OF_A_CHANGE
        return [*lines[:MOST_OF_A_CHANGE], f"{name}: … and {rest:,} more differences"]
    return lines


def in_words(resource: Resource, before: str, after: str) -> list[str]:
    """Tell what differs between two bodies of a record, a sentence each.

    Compares what curators write; only where that is the same, what is derived from other records.
    """
    old, new = json.loads(before), json.loads(after)
    written = list(INPUT_OF[resource].model_fields)
    derived = sorted(new.keys() - written - HISTORY)
    for fields in (written, derived):
        found = [
            str(difference)
            for field in fields
            for difference in differences(old.get(field, ABSENT), new.get(field, ABSENT), field)
        ]
        if found:
            return found
    return []


def _listed(ids: Sequence[str]) -> str:
    named = ", ".join(ids[:MOST_MISSING])
    return named if len(ids) <= MOST_MISSING else f"{named} and {len(ids) - MOST_MISSING:,} more"
