"""The formats that whole lists are written in, for HTTP, for releases and for the command line alike.

A format knows rows and columns; queries, headers and answers are `api/exporting.py`'s.
"""

from collections.abc import Mapping

from api.formats import csv_, jsonld, ndjson, parquet, xlsx
from api.formats.base import Batches, Format, FormatName, Sheet, UnfitError

__all__ = ["BY_MEDIA_TYPE", "FORMATS", "Batches", "Format", "FormatName", "Sheet", "UnfitError"]

FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format(FormatName.CSV, "text/csv", csv_.write, columnar=True),
        Format(FormatName.NDJSON, "application/x-ndjson", ndjson.write),
        Format(FormatName.PARQUET, "application/vnd.apache.parquet", parquet.write, columnar=True),
        Format(
            FormatName.XLSX,
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            xlsx.write,
            columnar=True,
            most_rows=xlsx.MOST_ROWS,
        ),
        Format(FormatName.JSONLD, "application/ld+json", jsonld.write),
    )
}
BY_MEDIA_TYPE: Mapping[str, str] = {each.media_type: each.name for each in FORMATS.values()}
