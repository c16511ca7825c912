"""CSV as RFC 4180 has it: UTF-8, a header row, lines that end in CR LF, quotes where they are needed."""

import csv
import io
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from anyio import to_thread

from api.columns import Kind, parsed
from api.formats.base import Batches, Sheet
from api.formats.cells import guarded, joined

BOM = "\ufeff"
_WORDS = {True: "true", False: "false"}
# How cells of a kind are written, where the writer's own way would not do.
_SPELT: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: guarded,
    Kind.LIST: joined,
    Kind.BOOLEAN: _WORDS.get,
}


async def write(sheet: Sheet, batches: Batches) -> AsyncGenerator[bytes, None]:
    """Give the header, then the rows; null is an empty cell, and so is an empty list."""
    cells = [(column.read, _SPELT.get(column.kind)) for column in sheet.columns]

    def rows(bodies: Sequence[str]) -> Iterator[list[Any]]:
        for record in map(parsed, bodies):  # a million of them: no function call that can be spared
            yield [read(record) if spell is None else spell(read(record)) for read, spell in cells]

    header = _lines([[column.name for column in sheet.columns]])
    yield BOM.encode() + header if sheet.bom else header
    async for bodies in batches:
        yield await to_thread.run_sync(_lines, rows(bodies))


def _lines(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
