"""Reading a dataset from JSON Lines: which files there are, and everything that is wrong in them.

Nothing here needs the database. How a single text is read is in `db/strictjson.py`, what a single record must
satisfy by itself in `db/inputs.py`; whether what the records refer to exists is checked by the write
(`db/checks.py`).
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from itertools import count, islice
from pathlib import Path
from typing import IO, NamedTuple

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
from db.strictjson import Fault, FaultyJsonError, JsonObject, Location, decode, parse, refuse, validated

RESOURCE_OF_FILE: Mapping[str, Resource] = {f"{PLURAL[resource]}.jsonl": resource for resource in INPUT_OF}
TAG = "resource"  # the member of a line of mixed records that tells which kind its record is
LONGEST_LINE = 1_048_576  # bytes, the line end included
MOST_LINES = 100_000  # of a stream
MOST_ERRORS = 1_000  # of a stream that are kept; the others are counted

_Part = ClaimInput | MediationInput | TermInput


@dataclass(frozen=True)
class LineError:
    """What is wrong where: without a line it is the file itself, without a field the whole line."""

    file: str
    line: int | None
    fault: Fault

    @property
    def field(self) -> str | None:
        """The dotted path of the field."""
        return self.fault.field

    @property
    def message(self) -> str:
        """Why it is refused."""
        return self.fault.message

    def __str__(self) -> str:
        place = self.file if self.line is None else _place(self.file, self.line)
        return ": ".join(part for part in (place, self.field, self.message) if part)


class DatasetError(Exception):
    """Dataset files are refused as a whole; `errors` holds what is wrong, in the order of the lines.

    `more` is the number of the faults that were found besides.
    """

    def __init__(self, errors: Iterable[LineError], more: int = 0) -> None:
        self.errors = tuple(sorted(errors, key=lambda error: (error.file, error.line or 0)))
        self.more = more
        rest = [f"… and {more:,} more faults"] if more else []
        super().__init__("\n".join([*map(str, self.errors), *rest]))


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
        return _place(self.file, self.line)

    def refused(self, location: Location, code: str, message: str) -> LineError:
        """Make the error of this line."""
        return LineError(self.file, self.line, Fault(location, code, message))


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

    A faulty record is (resource, id), with None for what the line does not show. `more` is the number of
    errors that are not kept.
    """

    files: DatasetFiles
    errors: tuple[LineError, ...]
    faulty: frozenset[tuple[Resource | None, str | None]]
    more: int


def read_dataset(paths: Sequence[Path]) -> DatasetFiles:
    """Read files, or directories of files, that are named after what they hold: `exchanges.jsonl` and so on.

    Raises:
        DatasetError: with everything that is wrong in any line, and every path that cannot be read.
    """
    scan = scan_dataset(paths)
    if scan.errors:
        raise DatasetError(scan.errors, scan.more)
    return scan.files


def scan_dataset(paths: Sequence[Path]) -> Scan:
    """Read as `read_dataset` does, but give the errors beside the lines that have none."""
    found, errors = _find_files(paths)
    scanner = _Scanner(errors)
    for path, resource in found.items():
        try:
            with path.open("rb") as file:
                scanner.read(str(path), _lines(file), resource)
        except OSError as error:
            scanner.errors.append(_file_error(path, f"cannot be read: {error.strerror}"))
    return scanner.scan(found.values())


def scan_stream(file: IO[bytes]) -> Scan:
    """Read lines of records of any kind, each with a member `resource` that names its kind.

    The lines are those of dataset files but for that member. Errors name no file.
    """
    scanner = _Scanner([], MOST_ERRORS)
    scanner.read("", islice(_lines(file), MOST_LINES), None)
    if not scanner.entries and not scanner.errors:
        scanner.errors.append(LineError("", None, Fault((), "empty", "there is no line")))
    if file.readline(1):
        too_many = f"there are more than {MOST_LINES:,} lines; send them in several parts"
        scanner.errors.insert(0, LineError("", None, Fault((), "too_many", too_many)))
    return scanner.scan(INPUT_OF)


@dataclass
class _Scanner:
    """Collects what lines hold; of the errors no more than `most`."""

    errors: list[LineError]
    most: int = sys.maxsize
    more: int = 0
    entries: list[Entry] = dataclass_field(default_factory=list)
    faulty: set[tuple[Resource | None, str | None]] = dataclass_field(default_factory=set)

    def read(self, file: str, lines: Iterable[tuple[int, bytes]], resource: Resource | None) -> None:
        """Read lines of one kind of record, or of any kind if it is None."""
        for number, line in lines:
            try:
                self.entries.append(Entry(file, number, _read_line(line, resource)))
            except FaultyJsonError as bad:
                self._note(LineError(file, number, fault) for fault in bad.faults)
                self.more += bad.more
                self.faulty.add(_named(bad.value, resource))

    def scan(self, resources: Iterable[Resource]) -> Scan:
        """Give what was found, with the conflicts between lines."""
        conflicts = list(_conflicts(self.entries))
        at_fault = {(conflict.file, conflict.line) for conflict in conflicts}
        self._note(conflicts)
        self.faulty |= {(entry.resource, entry.item.id) for entry in self.entries if entry[:2] in at_fault}
        return Scan(
            files=DatasetFiles(
                entries=tuple(entry for entry in self.entries if entry[:2] not in at_fault),
                resources=frozenset(resources),
            ),
            errors=tuple(self.errors),
            faulty=frozenset(self.faulty),
            more=self.more,
        )

    def _note(self, errors: Iterable[LineError]) -> None:
        for error in errors:
            if len(self.errors) < self.most:
                self.errors.append(error)
            else:
                self.more += 1


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
                errors.append(_file_error(path, f"the directory holds none of {names}"))
        for file in files:
            if not file.exists():
                errors.append(_file_error(file, "no such file or directory"))
            elif file.name not in RESOURCE_OF_FILE:
                errors.append(_file_error(file, f"a dataset file is named one of {names}"))
            elif file.resolve() not in seen:  # a directory and one of its files may both be named
                seen.add(file.resolve())
                found[file] = RESOURCE_OF_FILE[file.name]
    return found, errors


def _file_error(path: Path, message: str) -> LineError:
    return LineError(str(path), None, Fault((), "unreadable", message))


def _place(file: str, line: int) -> str:
    return f"{file}:{line}" if file else f"line {line}"


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Give the lines; of one that is too long only as much as shows that it is."""
    for number in count(1):
        line = file.readline(LONGEST_LINE + 1)
        if not line:
            return
        yield number, line
        while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE + 1)


def _read_line(line: bytes, resource: Resource | None) -> Input:
    if len(line) > LONGEST_LINE:
        refuse("too_long", f"is longer than {LONGEST_LINE:,} bytes")
    value = parse(decode(line), "column {colno}")
    try:
        if resource is not None:
            return validated(INPUT_OF[resource], value)
        record = {name: inner for name, inner in value.items() if name != TAG}
        return validated(INPUT_OF[_tag_of(value)], record)
    except FaultyJsonError as bad:
        raise FaultyJsonError(bad.faults, bad.more, value) from None


def _tag_of(value: JsonObject) -> Resource:
    if TAG not in value:
        refuse("missing", "is missing", TAG, allowed=INPUT_OF)
    tagged, _ = _named(value, None)
    if tagged is None:
        refuse("invalid_value", f"must be one of {', '.join(INPUT_OF)}", TAG, allowed=INPUT_OF)
    return tagged


def _named(value: object, resource: Resource | None) -> tuple[Resource | None, str | None]:
    """Give the kind and the id of the record that a faulty line shows."""
    if not isinstance(value, dict):
        return resource, None
    tagged = resource or next((known for known in INPUT_OF if known == value.get(TAG)), None)
    record_id = value.get("id")
    return tagged, record_id if isinstance(record_id, str) else None


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
            message = f"{entry.item.id!r} is already the id of {owner.place}"
            yield entry.refused(("id",), "duplicate_id", message)


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
                yield entry.refused(_location_of_name(entry.item, name), "duplicate_name", message)


def _location_of_name(item: ActorInput | PublisherInput, name: str) -> Location:
    if name in item.aliases:
        return "aliases", item.aliases.index(name)
    return (next(field for field, value in item if value == name),)


def _same_pages(entries: Iterable[Entry]) -> Iterator[LineError]:
    owners: dict[str, Entry] = {}
    for entry in entries:
        if not isinstance(entry.item, ArticleInput):
            continue
        owner = owners.setdefault(url_key(entry.item.url), entry)
        if owner.item.id != entry.item.id:
            message = f"is the page of {owner.item.id!r}, {owner.place}"
            yield entry.refused(("url",), "duplicate_url", message)


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
        for location, part_id in _part_ids(entry.item):
            if part_id in taken:
                message = f"{part_id!r} is already the id of a part of {taken[part_id]}"
                yield entry.refused(location, "duplicate_id", message)
            taken[part_id] = entry.place


def _part_ids(item: ExchangeInput | AgreementInput) -> Iterator[tuple[Location, str]]:
    lists: dict[str, Sequence[_Part]] = {"mediations": item.mediations}
    if isinstance(item, ExchangeInput):
        lists["claims"] = item.claims
    else:
        lists["terms"] = item.terms
    for field, parts in lists.items():
        for position, part in enumerate(parts):
            yield (field, position, "id"), part.id
