"""Reading a dataset from JSON Lines files: which files there are, and everything that is wrong in them.

Nothing here needs the database. Whether what the records refer to exists is checked by the write
(`db/checks.py`), and what a single record must satisfy by itself is in `db/inputs.py`.
"""

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, NoReturn

from pydantic import ValidationError

from db.enums import Resource
from db.folding import fold, url_key
from db.inputs import (
    ActorInput,
    AgreementInput,
    ArticleInput,
    ClaimInput,
    ExchangeInput,
    MediationInput,
    PublisherInput,
    TermInput,
)
from db.rendering import INPUT_OF, PLURAL, RESOURCE_OF, Input
from db.wording import field_path, reason

RESOURCE_OF_FILE: Mapping[str, Resource] = {f"{PLURAL[resource]}.jsonl": resource for resource in INPUT_OF}

_Direction = tuple[str, str]
_Part = ClaimInput | MediationInput | TermInput
_REPEATED = object()  # stands for the value of a key that an object holds more than once


@dataclass(frozen=True)
class LineError:
    """What is wrong where: without a line it is the file itself, without a field the whole line."""

    file: str
    line: int | None
    field: str | None
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.field, self.message) if part)


class DatasetError(Exception):
    """Dataset files are refused as a whole; `errors` holds all that is wrong, in the order of the lines."""

    def __init__(self, errors: Iterable[LineError]) -> None:
        self.errors = tuple(sorted(errors, key=lambda error: (error.file, error.line or 0)))
        super().__init__("\n".join(str(error) for error in self.errors))


class Entry(NamedTuple):
    """A valid line: where it stands and what it says."""

    file: str
    line: int
    item: Input

    @property
    def resource(self) -> Resource:
        """Which kind of record it is."""
        return RESOURCE_OF[type(self.item)]

    @property
    def place(self) -> str:
        """The file and the line, as messages name them."""
        return f"{self.file}:{self.line}"

    def refused(self, field: str | None, message: str) -> LineError:
        """Make the error of this line."""
        return LineError(self.file, self.line, field, message)


@dataclass(frozen=True)
class DatasetFiles:
    """The records of dataset files, and which kinds of record the files are about."""

    entries: tuple[Entry, ...]
    resources: frozenset[Resource]

    @property
    def inputs(self) -> list[Input]:
        """The records alone, in the order of the lines."""
        return [entry.item for entry in self.entries]


@dataclass(frozen=True)
class Scan:
    """What files hold, good and bad: the lines without fault, the errors, and which records are at fault.

    A faulty record is (resource, id), with None for the id where the line does not show it.
    """

    files: DatasetFiles
    errors: tuple[LineError, ...]
    faulty: frozenset[tuple[Resource, str | None]]


def read_dataset(paths: Sequence[Path]) -> DatasetFiles:
    """Read files, or directories of files, that are named after what they hold: `exchanges.jsonl` and so on.

    Raises:
        DatasetError: with everything that is wrong in any line, and every path that cannot be read.
    """
    scan = scan_dataset(paths)
    if scan.errors:
        raise DatasetError(scan.errors)
    return scan.files


def scan_dataset(paths: Sequence[Path]) -> Scan:
    """Read as `read_dataset` does, but give the errors beside the lines that have none."""
    found, errors = _find_files(paths)
    entries: list[Entry] = []
    faulty: set[tuple[Resource, str | None]] = set()
    for path, resource in found.items():
        try:
            for number, line in _lines(path):
                try:
                    entries.append(Entry(str(path), number, _read_line(line, INPUT_OF[resource])))
                except _BadLineError as bad:
                    errors += [LineError(str(path), number, *problem) for problem in bad.problems]
                    faulty.add((resource, bad.record_id))
        except OSError as error:
            errors.append(LineError(str(path), None, None, f"cannot be read: {error.strerror}"))
    conflicts = list(_conflicts(entries))
    at_fault = {(conflict.file, conflict.line) for conflict in conflicts}
    faulty |= {(entry.resource, entry.item.id) for entry in entries if entry[:2] in at_fault}
    return Scan(
        files=DatasetFiles(
            entries=tuple(entry for entry in entries if entry[:2] not in at_fault),
            resources=frozenset(found.values()),
        ),
        errors=(*errors, *conflicts),
        faulty=frozenset(faulty),
    )


def _find_files(paths: Sequence[Path]) -> tuple[dict[Path, Resource], list[LineError]]:
    names = ", ".join(RESOURCE_OF_FILE)
    found: dict[Path, Resource] = {}
    errors = []
    seen = set()
    for path in paths:
        files = [path]
        if path.is_dir():
            files = [path / name for name in RESOURCE_OF_FILE if (path / name).exists()]
            if not files:
                errors.append(LineError(str(path), None, None, f"the directory holds none of {names}"))
        for file in files:
            if not file.exists():
                errors.append(LineError(str(file), None, None, "no such file or directory"))
            elif file.name not in RESOURCE_OF_FILE:
                errors.append(LineError(str(file), None, None, f"a dataset file is named one of {names}"))
            elif file.resolve() not in seen:  # a directory and one of its files may both be named
                seen.add(file.resolve())
                found[file] = RESOURCE_OF_FILE[file.name]
    return found, errors


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        yield from enumerate(file, start=1)


class _BadLineError(Exception):
    """A line is refused: (field, why) of each fault, and the id of its record where the line shows it."""

    def __init__(self, *problems: tuple[str | None, str], record_id: object = None) -> None:
        self.problems = problems
        self.record_id = record_id if isinstance(record_id, str) else None
        super().__init__(problems)


def _read_line(line: bytes, model: type[Input]) -> Input:
    text = _decoded(line)
    record_id = _parsed(text).get("id")
    try:
        # Strict: a curator who writes "3" for 3, or a number for a date, has made a slip.
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        problems = [(field_path(fault["loc"]) or None, reason(fault)) for fault in error.errors()]
        raise _BadLineError(*problems, record_id=record_id) from None


def _decoded(line: bytes) -> str:
    if line.startswith(codecs.BOM_UTF8):
        raise _BadLineError((None, "begins with a byte order mark; save the file as UTF-8 without one"))
    if b"\x00" in line:
        raise _BadLineError((None, "contains a NUL character"))
    try:
        text = line.decode().rstrip()
    except UnicodeDecodeError as error:
        message = f"is not UTF-8: byte {line[error.start]:#04x} at position {error.start + 1}"
        raise _BadLineError((None, message)) from None
    if not text:
        raise _BadLineError((None, "is empty; every line must hold a record"))
    return text


def _parsed(text: str) -> dict[str, object]:
    """Parse a line for what pydantic does not tell: a clear reason, and keys that an object holds twice."""
    repeated = False

    def collect(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal repeated
        collected = dict(pairs)
        if len(collected) < len(pairs):
            repeated = True
            keys = [key for key, _ in pairs]
            collected |= {key: _REPEATED for key in collected if keys.count(key) > 1}
        return collected

    try:
        # Numbers stay text: their value is not needed here, and Python refuses those of many digits.
        parsed = json.loads(text, object_pairs_hook=collect, parse_int=str, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        message = f"is not valid JSON: {error.msg} at column {error.colno}"
        raise _BadLineError((None, message)) from None
    except RecursionError:
        raise _BadLineError((None, "is nested too deeply")) from None
    if not isinstance(parsed, dict):
        raise _BadLineError((None, "must be a JSON object"))
    if repeated:
        problems = [(field_path(path), "is given more than once") for path in _repeated_keys(parsed, ())]
        raise _BadLineError(*problems, record_id=parsed.get("id"))
    return parsed


def _refuse_constant(name: str) -> NoReturn:
    raise _BadLineError((None, f"is not valid JSON: {name} is no number"))


def _repeated_keys(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if value is _REPEATED:
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _repeated_keys(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _repeated_keys(inner, (*path, position))


def _conflicts(entries: Sequence[Entry]) -> Iterator[LineError]:
    """Find what is wrong between lines, each of which is valid by itself."""
    yield from _same_ids(entries)
    yield from _same_names(entries, ActorInput)
    yield from _same_names(entries, PublisherInput)
    yield from _same_pages(entries)
    yield from _same_parts(entries)


def _same_ids(entries: Iterable[Entry]) -> Iterator[LineError]:
    owners: dict[tuple[Resource, str], Entry] = {}
    for entry in entries:
        owner = owners.setdefault((entry.resource, entry.item.id), entry)
        if owner is not entry:
            yield entry.refused("id", f"{entry.item.id!r} is already the id of {owner.place}")


def _same_names(
    entries: Iterable[Entry], model: type[ActorInput] | type[PublisherInput]
) -> Iterator[LineError]:
    owners: dict[str, Entry] = {}
    for entry in entries:
        if not isinstance(entry.item, model):
            continue
        for name in entry.item.names():
            folded = fold(name)
            owner = owners.setdefault(folded, entry)
            if folded and owner.item.id != entry.item.id:
                message = f"{name!r} is already a name of {owner.item.id!r}, {owner.place}"
                yield entry.refused(_field_of_name(entry.item, name), message)


def _field_of_name(item: ActorInput | PublisherInput, name: str) -> str:
    if name in item.aliases:
        return f"aliases.{item.aliases.index(name)}"
    return next(field for field, value in item if value == name)


def _same_pages(entries: Iterable[Entry]) -> Iterator[LineError]:
    owners: dict[str, Entry] = {}
    for entry in entries:
        if not isinstance(entry.item, ArticleInput):
            continue
        owner = owners.setdefault(url_key(entry.item.url), entry)
        if owner.item.id != entry.item.id:
            yield entry.refused("url", f"is the page of {owner.item.id!r}, {owner.place}")


def _same_parts(entries: Sequence[Entry]) -> Iterator[LineError]:
    """Find claims, mediations and terms of one id.

    Ids of parts begin with the id of their record, so beyond one record only an agreement and an exchange
    of the same id can meet.
    """
    agreements = {
        entry.item.id: dict.fromkeys((id_ for _, id_ in _part_ids(entry.item)), entry.place)
        for entry in entries
        if isinstance(entry.item, AgreementInput)
    }
    for entry in entries:
        if not isinstance(entry.item, ExchangeInput | AgreementInput):
            continue
        met = agreements.get(entry.item.id, {}) if isinstance(entry.item, ExchangeInput) else {}
        taken = dict(met)
        for field, part_id in _part_ids(entry.item):
            if part_id in taken:
                yield entry.refused(field, f"{part_id!r} is already the id of a part of {taken[part_id]}")
            taken[part_id] = entry.place


def _part_ids(item: ExchangeInput | AgreementInput) -> Iterator[tuple[str, str]]:
    lists: dict[str, Sequence[_Part]] = {"mediations": item.mediations}
    if isinstance(item, ExchangeInput):
        lists["claims"] = item.claims
    else:
        lists["terms"] = item.terms
    for field, parts in lists.items():
        for position, part in enumerate(parts):
            yield f"{field}.{position}.id", part.id
