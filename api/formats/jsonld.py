"""JSON-LD: one document, its records in a `@graph`, in words of schema.org and PROV-O where they have one.

Keys are the names of the columns; the context, which is in the document, says what each of them means. What
neither vocabulary knows is a word of this dataset's codebook.
"""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

from anyio import to_thread

from api.columns import Column, Kind, Parsed, parsed
from api.formats.base import Batches, Sheet
from db.fieldnames import NAMES
from db.models.index import NONE

XSD = {Kind.DATE: "xsd:date", Kind.MOMENT: "xsd:dateTime"}
VOCABULARIES = {
    "schema": "https://schema.org/",
    "prov": "http://www.w3.org/ns/prov#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
ADDRESSES = frozenset({"url", "source_url", "archive_url"})


@dataclass(frozen=True)
class Shape:
    """What the records of a sheet are, and which of their columns have a word elsewhere."""

    types: Sequence[str] = ("prov:Entity",)
    terms: Mapping[str, str] = field(default_factory=dict)


EVERYWHERE = {
    "id": "schema:identifier",
    "articles": "prov:wasDerivedFrom",
    "source_url": "schema:subjectOf",
    "created_at": "schema:dateCreated",
    "updated_at": "prov:generatedAtTime",
}
_STATED = {"claimant": "prov:wasAttributedTo", "exchange": "schema:about", "note": "schema:description"}
_FIGURE = Shape(
    ("schema:Observation", "prov:Entity"),
    {
        "best": "schema:value",
        "exchange": "schema:observationAbout",
        "exchange_date": "schema:observationDate",
    },
)
SHAPES: Mapping[str, Shape] = {
    "exchanges": Shape(
        ("schema:Event", "prov:Entity"),
        {
            "date": "schema:startDate",
            "date_end": "schema:endDate",
            "summary": "schema:description",
            "parties": "schema:attendee",
            "mediators": "schema:contributor",
            "location_name": "schema:location",
        },
    ),
    "figures": _FIGURE,
    "disagreements": _FIGURE,
    "stats": Shape(("schema:Observation", "prov:Entity"), {"best": "schema:value"}),
    "claims": Shape(("schema:Claim", "prov:Entity"), _STATED),
    "mediations": Shape(("schema:Claim", "prov:Entity"), _STATED),
    "totals": Shape(
        ("schema:Observation", "prov:Entity"),
        {**_STATED, "as_of": "schema:observationDate", "value": "schema:value"},
    ),
    "articles": Shape(
        ("schema:NewsArticle", "prov:Entity"),
        {
            "url": "schema:url",
            "title": "schema:headline",
            "publisher": "schema:publisher",
            "agency": "schema:sourceOrganization",
            "published_on": "schema:datePublished",
            "language": "schema:inLanguage",
            "archive_url": "schema:archivedAt",
        },
    ),
    "actors": Shape(
        ("schema:Organization", "prov:Agent"),
        {"name": "schema:name", "aliases": "schema:alternateName", "members": "schema:member"},
    ),
    "publishers": Shape(
        ("schema:NewsMediaOrganization", "prov:Agent"),
        {"name": "schema:name", "aliases": "schema:alternateName"},
    ),
    "agreements": Shape(
        ("schema:CreativeWork", "prov:Entity"),
        {
            "title": "schema:name",
            "date": "schema:datePublished",
            "place": "schema:locationCreated",
            "parties": "schema:contributor",
        },
    ),
    "coverage": Shape(("schema:Statement", "prov:Entity"), {"statement": "schema:description"}),
    "citations": Shape(("prov:Derivation",), {"article": "prov:entity"}),
}


async def write(sheet: Sheet, batches: Batches) -> AsyncGenerator[bytes, None]:
    """Give the context, then a node for each body, and the end."""
    shape = SHAPES.get(sheet.name, Shape())
    separator = ""

    def nodes(bodies: Sequence[str]) -> bytes:
        return ",\n".join(_json(_node(sheet, shape, parsed(body))) for body in bodies).encode()

    yield f'{{"@context": {_json(_context(sheet, shape))},\n"@graph": [\n'.encode()
    async for bodies in batches:
        if bodies:
            yield separator.encode() + await to_thread.run_sync(nodes, bodies)
            separator = ",\n"
    yield b"\n]}\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _context(sheet: Sheet, shape: Shape) -> dict[str, object]:
    terms = {column.name: _term(column, shape) for column in sheet.columns}
    return {"@vocab": f"{sheet.base}/v1/codebook#", **VOCABULARIES, **terms}


def _term(column: Column, shape: Shape) -> dict[str, str]:
    """Say which word a column is, and of which type its values are."""
    term = {"@id": shape.terms.get(column.name) or EVERYWHERE.get(column.name) or column.name}
    if column.name in NAMES or column.name in ADDRESSES:
        term["@type"] = "@id"
    elif column.kind in XSD:
        term["@type"] = XSD[column.kind]
    if column.kind is Kind.LIST:
        term["@container"] = "@set"
    return term


def _node(sheet: Sheet, shape: Shape, record: Parsed) -> dict[str, object]:
    node: dict[str, object] = {"@id": f"{sheet.base}{path}"} if (path := _path(record)) else {}
    node["@type"] = list(shape.types)
    for column in sheet.columns:
        cell = column.read(record)
        plural = NAMES.get(column.name)
        if plural is not None and cell == NONE:  # the article's own voice
            continue
        if plural is not None and cell is not None:
            address = f"{sheet.base}/v1/{plural}/"
            cell = [f"{address}{each}" for each in cell] if isinstance(cell, list) else f"{address}{cell}"
        if cell is not None:
            node[column.name] = cell
    return node


def _path(record: Parsed) -> str | None:
    """Give the path of a record; a figure is a part of its exchange's, and what is computed has none."""
    links = record.get("links", {})
    if "self" in links:
        return str(links["self"])
    if "exchange" in links and "measure" in record:
        return f"{links['exchange']}#{record['released_by']}.{record['received_by']}.{record['measure']}"
    return None
