"""XLSX: a sheet `data`, and a sheet `columns` that explains it. It is a file before any byte of it is given.

Days are days of Excel; moments stay texts, since Excel knows no time zones.
"""

import datetime as dt
import tempfile
from collections.abc import AsyncGenerator, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from anyio import to_thread

from api.columns import Cell, Column, Kind, cells_of
from api.finishing import finished
from api.formats.base import Batches, Sheet, UnfitError
from api.formats.cells import spelt

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

MOST_ROWS = 1_048_575  # Excel's, without the header
MOST_CHARACTERS = 32_767  # of a cell
TOO_LONG = -2  # what the library answers when it has cut a text off
BLOCK = 256 * 1024  # bytes
TEMPORARY = "exchanges-xlsx-"
EXPLAINED = ("column", "type", "always there", "explanation")


async def write(sheet: Sheet, batches: Batches) -> AsyncGenerator[bytes, None]:
    """Give the file once it is whole.

    Raises:
        UnfitError: it has more rows than Excel reads, or a cell more characters.
    """
    with _Book(sheet) as book:
        async for bodies in batches:
            await finished(to_thread.run_sync(book.add, bodies))
        await finished(to_thread.run_sync(book.finish))
        while block := await finished(to_thread.run_sync(book.read)):
            yield block


class _Book:
    """A workbook in a folder of its own, which is removed with all that the library left in it."""

    def __init__(self, sheet: Sheet) -> None:
        from xlsxwriter import Workbook

        self._folder = tempfile.TemporaryDirectory(prefix=TEMPORARY)
        self._columns = sheet.columns
        self._file = tempfile.TemporaryFile(dir=self._folder.name)  # noqa: SIM115  (closed on exit)
        self._book = Workbook(self._file, {"constant_memory": True, "tmpdir": self._folder.name})
        self._book.set_properties({"title": sheet.name, "created": sheet.at.replace(tzinfo=None)})
        self._bold = self._book.add_format({"bold": True})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._data = self._book.add_worksheet("data")
        self._rows = 0
        self._begin(self._data, [column.name for column in sheet.columns])
        self._explain()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        for sheet in self._book.worksheets():
            sheet.row_data_fh.close()
        self._folder.cleanup()

    def add(self, bodies: Sequence[str]) -> None:
        for body in bodies:
            self._rows += 1
            if self._rows > MOST_ROWS:
                raise UnfitError(f"Excel reads at most {MOST_ROWS:,} rows besides the header; there are more")
            for place, (column, cell) in enumerate(
                zip(self._columns, cells_of(self._columns, body), strict=True)
            ):
                self._write(place, column, spelt(column.kind, cell))

    def finish(self) -> None:
        self._book.close()
        self._file.seek(0)

    def read(self) -> bytes:
        return self._file.read(BLOCK)

    def _begin(self, sheet: "Worksheet", names: Iterable[str]) -> None:
        for place, name in enumerate(names):
            sheet.write_string(0, place, name, self._bold)
        sheet.freeze_panes(1, 0)

    def _explain(self) -> None:
        sheet = self._book.add_worksheet("columns")
        self._begin(sheet, EXPLAINED)
        for row, column in enumerate(self._columns, start=1):
            sheet.write_string(row, 0, column.name)
            sheet.write_string(row, 1, column.kind)
            sheet.write_boolean(row, 2, column.required)
            sheet.write_string(row, 3, column.description)

    def _write(self, place: int, column: Column, cell: Cell) -> None:
        at = (self._rows, place)
        if cell is None or cell == "":
            return
        if column.kind is Kind.DATE:
            self._data.write_datetime(*at, dt.date.fromisoformat(str(cell)), self._day)
        elif isinstance(cell, bool):
            self._data.write_boolean(*at, cell)
        elif isinstance(cell, int | float):
            self._data.write_number(*at, cell)
        elif self._data.write_string(*at, str(cell)) == TOO_LONG:
            raise UnfitError(
                f"Excel holds at most {MOST_CHARACTERS:,} characters in a cell, and {column.name} has more "
                f"in row {self._rows:,}; leave the column out (fields=), or take another format"
            )
