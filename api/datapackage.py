"""The Frictionless Data Package v2 of an edition: its files, and the schema of each table.

Schemas are generated from the columns of the files and from the models behind them. What a file holds is the
business of who writes it.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from api.columns import Column, Kind
from api.editions import (
    CREATOR,
    DESCRIPTION,
    KEYWORDS,
    LICENCE,
    LICENCE_TITLE,
    LICENCE_URL,
    SLUG,
    TITLE,
    Edition,
    FileFacts,
)
from api.formats.cells import SEPARATOR
from api.metaschemas import TABLES, key_of, references_of, words_of

MEDIA_TYPE = "application/vnd.datapackage+json"
PROFILES = "https://datapackage.org/profiles/2.0"
CSV = "text/csv"
# Nested or with lists as cells: no tables to a Data Package, so the format is none that it reads as one.
NOT_TABULAR = {"application/x-ndjson": "jsonlines", "application/vnd.apache.parquet": "apache-parquet"}
TYPES: Mapping[Kind, Mapping[str, Any]] = {
    Kind.TEXT: {"type": "string"},
    Kind.INTEGER: {"type": "integer"},
    Kind.NUMBER: {"type": "number"},
    Kind.BOOLEAN: {"type": "boolean", "trueValues": ["true"], "falseValues": ["false"]},
    Kind.DATE: {"type": "date"},
    Kind.MOMENT: {"type": "datetime"},
    Kind.LIST: {"type": "list", "itemType": "string", "delimiter": SEPARATOR},
}


def data_package(edition: Edition, files: Sequence[FileFacts]) -> dict[str, Any]:
    """Describe an edition and its files. CSV files are tables, named after what they hold."""
    tables = {file.resource for file in files if file.media_type == CSV}
    return {
        "$schema": f"{PROFILES}/datapackage.json",
        "name": SLUG,
        "id": edition.url,
        "title": TITLE,
        "description": DESCRIPTION,
        "version": edition.number,
        "created": moment(edition.at),
        "homepage": edition.base_url,
        "keywords": list(KEYWORDS),
        "licenses": [{"name": LICENCE, "title": LICENCE_TITLE, "path": LICENCE_URL}],
        "contributors": [{"title": CREATOR, "roles": ["creator"]}],
        "sources": [
            {
                "title": "The articles that each record cites",
                "path": f"{edition.base_url}{edition.pinned('/v1/articles')}",
            }
        ],
        "resources": [_resource(file, tables) for file in files],
    }


def moment(at: dt.datetime) -> str:
    """Write a moment as RFC 3339 has it, in UTC and without fractions of a second."""
    return f"{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def table_schema(resource: str, columns: Sequence[Column], tables: set[str]) -> dict[str, Any]:
    """Give the Table Schema of a file with these columns; `tables` are what its foreign keys may name."""
    schema: dict[str, Any] = {
        "fields": [_field(resource, column) for column in columns],
        "missingValues": [""],
    }
    if key := key_of(resource, columns):
        schema["primaryKey"] = key
    keys = [
        {"fields": [column], "reference": {"resource": target, "fields": ["id"]}}
        for column, target in references_of(resource, columns)
        if target in tables
    ]
    return schema | ({"foreignKeys": keys} if keys else {})


def _field(resource: str, column: Column) -> dict[str, Any]:
    constraints: dict[str, Any] = {}
    if column.required and column.kind is not Kind.LIST:  # an empty list is an empty cell
        constraints["required"] = True
    if words := words_of(resource, column.name):
        constraints["enum"] = words
    field = {"name": column.name, **TYPES[column.kind], "description": column.description}
    return field | ({"constraints": constraints} if constraints else {})


def _resource(file: FileFacts, tables: set[str]) -> dict[str, Any]:
    """Give a resource. A `resource` that is not of the data, such as a codebook, is a file with that name."""
    format_ = _format(file)
    told: dict[str, Any] = {
        "name": file.resource if file.media_type == CSV else f"{file.resource}-{_ending(file)}",
        "path": file.path,
        "format": format_,
        "mediatype": file.media_type,
    }
    if file.resource in TABLES:
        told["description"] = (TABLES[file.resource].__doc__ or "").strip()
    if file.bytes is not None:
        told["bytes"] = file.bytes
    if file.sha256 is not None:
        told["hash"] = f"sha256:{file.sha256}"
    if file.media_type == CSV and file.columns is not None:
        told |= {"type": "table", "encoding": "utf-8"}
        told["schema"] = table_schema(file.resource, file.columns, tables)
    return told


def _format(file: FileFacts) -> str:
    return NOT_TABULAR.get(file.media_type) or _ending(file)


def _ending(file: FileFacts) -> str:
    return file.path.partition("?")[0].rpartition(".")[2]
