"""What every format is given and gives: sheets in, bytes out, in memory that does not grow with the rows."""

import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from api.columns import Column

Batches = AsyncIterator[Sequence[str]]
UNDATED = dt.datetime(1980, 1, 1, tzinfo=dt.UTC)


class FormatName(StrEnum):
    """The formats of exports, by the ending of their paths."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    XLSX = "xlsx"
    JSONLD = "jsonld"


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What is written besides the rows. `name` is the plural of what they are (`exchanges`).

    `bom`: CSV begins with a byte order mark, by which Excel knows UTF-8. `base`: what the ids of JSON-LD
    begin with, a URL without a slash at its end. `at`: when the state was written that the rows are of, for
    formats that carry a time: the same rows are the same bytes whenever they are written.
    """

    name: str
    columns: Sequence[Column]
    bom: bool = False
    base: str = ""
    at: dt.datetime = UNDATED


class UnfitError(Exception):
    """The rows do not fit into the format; it was noticed before any byte was given. The message is told."""


@dataclass(frozen=True)
class Format:
    """A format of files. `write` gives the bytes of a sheet whose rows are bodies, batch by batch.

    `columnar`: it has columns, of which some may be left out. `most_rows`: it holds no more.
    """

    name: FormatName
    media_type: str
    write: Callable[[Sheet, Batches], AsyncGenerator[bytes, None]]
    columnar: bool = False
    most_rows: int | None = None
