"""One line of a dataset: where it stands, and what it says or what is wrong with it.

Lines are read in `db/dataset_files.py`; what is wrong between them is found in `db/conflicts.py`.
"""

from dataclasses import dataclass
from typing import NamedTuple

from db.enums import Resource
from db.rendering import RESOURCE_OF, Input
from db.strictjson import Fault, Location


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


def _place(file: str, line: int) -> str:
    return f"{file}:{line}" if file else f"line {line}"
