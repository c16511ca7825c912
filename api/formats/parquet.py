"""Parquet with real types: days as date32, moments in UTC, lists as lists; fields have descriptions."""

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING

from anyio import to_thread

from api.columns import Column, Kind, values_of
from api.formats.base import Batches, Sheet

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_OF_GROUP = 5000


async def write(sheet: Sheet, batches: Batches) -> AsyncGenerator[bytes, None]:
    """Give a row group as soon as there are rows enough, and at the end the footer."""
    file = await to_thread.run_sync(_File, sheet.columns)
    async for bodies in batches:
        if piece := await to_thread.run_sync(file.add, bodies):
            yield piece
    yield await to_thread.run_sync(file.close)


class _Written:
    """A file to write to whose bytes are taken away as they come."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """There is nothing to wait for."""

    def close(self) -> None:
        self.closed = True

    def taken(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


class _File:
    """A Parquet file on its way; its methods take time, and give the bytes that have come."""

    def __init__(self, columns: Sequence[Column]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self._columns = columns
        self._schema = pa.schema([_field(column) for column in columns])
        self._out = _Written()
        self._writer = parquet.ParquetWriter(self._out, self._schema, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []

    def add(self, bodies: Sequence[str]) -> bytes:
        import pyarrow as pa

        rows = [values_of(self._columns, body) for body in bodies]
        values = zip(*rows, strict=True) if rows else [()] * len(self._columns)
        arrays = [pa.array(list(each), field.type) for each, field in zip(values, self._schema, strict=True)]
        self._waiting.append(pa.record_batch(arrays, schema=self._schema))
        if sum(batch.num_rows for batch in self._waiting) >= ROWS_OF_GROUP:
            self._write_group()
        return self._out.taken()

    def close(self) -> bytes:
        if self._waiting:
            self._write_group()
        self._writer.close()
        return self._out.taken()

    def _write_group(self) -> None:
        import pyarrow as pa

        table = pa.Table.from_batches(self._waiting, self._schema)
        self._writer.write_table(table, row_group_size=max(table.num_rows, 1))
        self._waiting.clear()


def _field(column: Column) -> "pa.Field":
    import pyarrow as pa

    types = {
        Kind.TEXT: pa.string(),
        Kind.INTEGER: pa.int64(),
        Kind.NUMBER: pa.float64(),
        Kind.BOOLEAN: pa.bool_(),
        Kind.DATE: pa.date32(),
        Kind.MOMENT: pa.timestamp("us", tz="UTC"),
        Kind.LIST: pa.list_(pa.string()),
    }
    metadata = {"description": column.description}
    return pa.field(column.name, types[column.kind], nullable=not column.required, metadata=metadata)
