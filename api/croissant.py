"""The Croissant 1.1 description of an edition: its files, and a record set for each table.

Record sets are read from the CSV files; the same rows in other formats are told as files only.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from api.columns import Column, Kind
from api.datapackage import CSV, moment
from api.editions import CREATOR, DESCRIPTION, KEYWORDS, LICENCE_URL, SLUG, TITLE, Edition, FileFacts
from api.formats.cells import SEPARATOR
from api.metaschemas import TABLES, key_of, references_of

VERSION = "http://mlcommons.org/croissant/1.1"
MEDIA_TYPE = f'application/ld+json; profile="{VERSION}"'
# The context of the specification, word for word, so that nothing has to be fetched to read the file.
CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
TYPES: Mapping[Kind, str] = {
    Kind.TEXT: "sc:Text",
    Kind.INTEGER: "sc:Integer",
    Kind.NUMBER: "sc:Float",
    Kind.BOOLEAN: "sc:Boolean",
    Kind.DATE: "sc:Date",
    Kind.MOMENT: "sc:DateTime",
    Kind.LIST: "sc:Text",
}


def croissant(edition: Edition, files: Sequence[FileFacts]) -> dict[str, Any]:
    """Describe an edition and its files; one without a release is told as live."""
    tables = {file.resource: file for file in files if file.media_type == CSV and file.columns is not None}
    live = {"isLiveDataset": True} if edition.name is None else {}
    return {
        "@context": dict(CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": VERSION,
        "name": SLUG,
        "alternateName": TITLE,
        "description": DESCRIPTION,
        "version": edition.number,
        **live,
        "url": edition.url,
        "license": LICENCE_URL,
        "citeAs": edition.citation,
        "creator": {"@type": "sc:Organization", "name": CREATOR},
        "publisher": {"@type": "sc:Organization", "name": CREATOR},
        "datePublished": moment(edition.at),
        "inLanguage": "en",
        "keywords": list(KEYWORDS),
        "isAccessibleForFree": True,
        "distribution": [_file_object(file) for file in files],
        "recordSet": [
            _record_set(name, file, file.columns, tables.keys())
            for name, file in tables.items()
            if file.columns is not None
        ],
    }


def _file_object(file: FileFacts) -> dict[str, Any]:
    told: dict[str, Any] = {
        "@type": "cr:FileObject",
        "@id": _id(file),
        "name": _id(file),
        "contentUrl": file.path,
        "encodingFormat": file.media_type,
    }
    if file.bytes is not None:
        told["contentSize"] = f"{file.bytes} B"
    if file.sha256 is not None:
        told["sha256"] = file.sha256
    return told


def _id(file: FileFacts) -> str:
    """Name a file: its path, or the last part of its URL."""
    return file.path.partition("?")[0].rpartition("/v1/")[2]


def _record_set(name: str, file: FileFacts, columns: Sequence[Column], tables: Set[str]) -> dict[str, Any]:
    model = TABLES.get(name)
    told: dict[str, Any] = {"@type": "cr:RecordSet", "@id": name, "name": name}
    if model is not None:
        told["description"] = (model.__doc__ or "").strip()
    if key := key_of(name, columns):
        told["key"] = [{"@id": f"{name}/{column}"} for column in key]
    references = {column: target for column, target in references_of(name, columns) if target in tables}
    return told | {"field": list(_fields(name, file, columns, references))}


def _fields(
    name: str, file: FileFacts, columns: Sequence[Column], references: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    for column in columns:
        source: dict[str, Any] = {"fileObject": {"@id": _id(file)}, "extract": {"column": column.name}}
        field: dict[str, Any] = {
            "@type": "cr:Field",
            "@id": f"{name}/{column.name}",
            "name": column.name,
            "description": column.description,
            "dataType": TYPES[column.kind],
        }
        if column.kind is Kind.LIST:
            source["transform"] = {"separator": SEPARATOR}
            field |= {"isArray": True, "arrayShape": "-1"}
        if column.name in references:
            field["references"] = {"field": {"@id": f"{references[column.name]}/id"}}
        yield field | {"source": source}
