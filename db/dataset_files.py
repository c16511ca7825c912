"""Reading a dataset from JSON Lines: which files there are, and everything that is wrong in them.

Nothing here needs the database. How a single text is read is in `db/strictjson.py`, what a single record must
satisfy by itself in `db/inputs.py`, what several must between them in `db/conflicts.py`; whether what the
records refer to exists is checked by the write (`db/checks.py`).

Files may hold millions of lines: they are read once to find what is wrong, which keeps no record in memory,
and then again for each use of the records.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from db.batches import Batches, in_batches
from db.conflicts import Claimed, Hashes, conflicts
from db.enums import Resource
from db.lines import Entry, LineError
from db.rendering import INPUT_OF, PLURAL, RESOURCE_OF, Input
from db.strictjson import Fault, FaultyJsonError, JsonObject, decode, parse, refuse, validated

RESOURCE_OF_FILE = {f"{PLURAL[resource]}.jsonl": resource for resource in INPUT_OF}
TAG = "resource"  # the member of a line of mixed records that tells which kind its record is
LONGEST_LINE = 1_048_576  # bytes, the line end included
MOST_LINES = 100_000  # of a stream
MOST_ERRORS = 1_000  # of a stream that are kept; the others are counted

_KINDS = tuple(INPUT_OF)
_FAULTY = len(_KINDS)  # stands in the place of the kind of a line that holds no record


class DatasetError(Exception):
    """Dataset files are refused as a whole; `errors` holds what is wrong, in the order of the lines.

    `more` is the number of the faults that were found besides.
    """

    def __init__(self, errors: Iterable[LineError], more: int = 0) -> None:
        self.errors = tuple(sorted(errors, key=lambda error: (error.file, error.line or 0)))
        self.more = more
        rest = [f"… and {more:,} more faults"] if more else []
        super().__init__("\n".join([*map(str, self.errors), *rest]))


@dataclass(frozen=True)
class _Source:
    """A file as it was read: how it is opened again, and which kind of record each of its lines holds.

    `resource` is None where each line names the kind of its record.
    """

    name: str
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    resource: Resource | None
    kinds: bytearray = dataclass_field(default_factory=bytearray)

    def entries(self, wanted: Resource | None = None) -> Iterator[Entry]:
        """Read the lines again that hold a record (of one kind).

        Raises:
            DatasetError: the file was changed meanwhile.
        """
        kinds = range(_FAULTY) if wanted is None else (_KINDS.index(wanted),)
        if not any(kind in self.kinds for kind in kinds):
            return
        with self.open() as file:
            for (number, line), kind in zip(_lines(file), self.kinds, strict=False):
                if kind in kinds:
                    yield Entry(self.name, number, self._read_again(number, line, _KINDS[kind]))

    def _read_again(self, number: int, line: bytes, kind: Resource) -> Input:
        """Read a line that was found sound; what the validation of fields does not see is not looked for."""
        try:
            if self.resource is None:
                return _read_line(line, None)
            return INPUT_OF[kind].model_validate_json(line, strict=True)
        except (FaultyJsonError, ValidationError) as error:
            changed = Fault((), "unreadable", "was changed while it was read")
            raise DatasetError([LineError(self.name, number, changed)]) from error


class Entries(Collection[Entry]):
    """The lines without fault, in order; they are read anew each time that they are gone through."""

    def __init__(self, sources: Sequence[_Source]) -> None:
        self._sources = sources

    def __len__(self) -> int:
        return sum(len(source.kinds) - source.kinds.count(_FAULTY) for source in self._sources)

    def __iter__(self) -> Iterator[Entry]:
        return self.of(None)

    def __contains__(self, entry: object) -> bool:
        return any(entry == each for each in self)

    def of(self, resource: Resource | None) -> Iterator[Entry]:
        """Give the lines that hold records of a kind, or of any."""
        for source in self._sources:
            yield from source.entries(resource)


@dataclass(frozen=True)
class DatasetFiles(Batches):
    """The records of dataset files, and which kinds of record the files are about."""

    entries: Entries
    resources: frozenset[Resource]
    ids: Mapping[Resource, Hashes]

    @property
    def inputs(self) -> Iterator[Input]:
        """The records alone, in the order of the lines."""
        return (entry.item for entry in self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    async def __aiter__(self) -> AsyncIterator[tuple[Resource, Sequence[Input]]]:
        for resource in INPUT_OF:
            batches = in_batches(entry.item for entry in self.entries.of(resource))
            while (batch := await asyncio.to_thread(next, batches, None)) is not None:
                yield resource, batch


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
            scanner.read(_Source(str(path), partial(_open, path), resource))
        except OSError as error:
            scanner.errors.append(_file_error(path, f"cannot be read: {error.strerror}"))
    return scanner.scan(found.values())


def scan_stream(file: IO[bytes]) -> Scan:
    """Read lines of records of any kind, each with a member `resource` that names its kind.

    The lines are those of dataset files but for that member. Errors name no file. The stream must stay open
    for as long as the records are used.
    """

    def from_the_start() -> AbstractContextManager[IO[bytes]]:
        file.seek(0)
        return nullcontext(file)

    source = _Source("", from_the_start, None)
    scanner = _Scanner([], MOST_ERRORS)
    scanner.read(source, MOST_LINES)
    if not source.kinds:
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
    sources: list[_Source] = dataclass_field(default_factory=list)
    claimed: Claimed = dataclass_field(default_factory=Claimed)
    faulty: set[tuple[Resource | None, str | None]] = dataclass_field(default_factory=set)

    def read(self, source: _Source, most: int | None = None) -> None:
        """Read the lines of a file, or the first of them."""
        self.sources.append(source)
        with source.open() as file:
            for number, line in islice(_lines(file), most):
                try:
                    item = _read_line(line, source.resource)
                except FaultyJsonError as bad:
                    source.kinds.append(_FAULTY)
                    self._note(LineError(source.name, number, fault) for fault in bad.faults)
                    self.more += bad.more
                    self.faulty.add(_named(bad.value, source.resource))
                else:
                    source.kinds.append(_KINDS.index(RESOURCE_OF[type(item)]))
                    self.claimed.add(item)

    def scan(self, resources: Iterable[Resource]) -> Scan:
        """Give what was found, with the conflicts between lines."""
        entries = Entries(self.sources)
        self.claimed.sort()
        if self.claimed.twice:
            self._find_conflicts([entry for entry in entries if self.claimed.suspicious(entry.item)])
        return Scan(
            files=DatasetFiles(entries, frozenset(resources), self.claimed.ids),
            errors=tuple(self.errors),
            faulty=frozenset(self.faulty),
            more=self.more,
        )

    def _find_conflicts(self, suspicious: Sequence[Entry]) -> None:
        found = list(conflicts(suspicious))
        self._note(found)
        at_fault = {(conflict.file, conflict.line) for conflict in found}
        kinds = {source.name: source.kinds for source in self.sources}
        for entry in suspicious:
            if (entry.file, entry.line) in at_fault:
                self.faulty.add((entry.resource, entry.item.id))
                kinds[entry.file][entry.line - 1] = _FAULTY

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
            elif file.is_fifo():
                errors.append(_file_error(file, "cannot be a pipe, since it is read twice"))
            elif file.resolve() not in seen:  # a directory and one of its files may both be named
                seen.add(file.resolve())
                found[file] = RESOURCE_OF_FILE[file.name]
    return found, errors


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")


def _file_error(path: Path, message: str) -> LineError:
    return LineError(str(path), None, Fault((), "unreadable", message))


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
