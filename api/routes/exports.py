"""Exports: whole results as files, an operation of its own for each resource."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from api.deps import ReaderDep
from api.exporting import Exported, answer_export, format_named
from api.exports import EXPORTS
from api.formats import FormatName
from api.openapi import describe_export, with_parameter
from api.statistics import GROUP_BY, MOST_DIMENSIONS

FormatOfPath = Annotated[
    str, Path(description="The format.", json_schema_extra={"enum": [str(name) for name in FormatName]})
]
# What the contract says of a parameter of the export as of that of the JSON.
SAID: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "stats": (GROUP_BY.name, {"schema": {"maxItems": MOST_DIMENSIONS, "uniqueItems": True}}),
    "reconciliation": ("claimant", {"required": True}),
    "disagreements": (
        "between",
        {
            "example": ["ukraine", "russia"],
            "schema": {"minItems": 2, "maxItems": 2, "uniqueItems": True},
        },
    ),
}
router = APIRouter(tags=["exports"])


def _add_route(exported: Exported) -> None:
    described = describe_export(exported.schema)
    if exported.name in SAID:
        parameter, more = SAID[exported.name]
        described = with_parameter(described, parameter, **more)

    @router.get(
        f"/{exported.name}.{{format}}",
        operation_id=f"export_{exported.name}",
        description=f"Export {exported.name}: the whole result of a query, as a file.\n\n"
        "CSV, Parquet and XLSX have columns, which `fields` names; NDJSON has the records as JSON, JSON-LD "
        "in words of schema.org and PROV-O. The file is made of one state, which `X-Dataset-Revision` names; "
        "an answer that breaks off was not whole.",
        **described,
    )
    async def export(request: Request, reader: ReaderDep, format: FormatOfPath) -> Response:  # noqa: A002  (the path's word)
        return await answer_export(request, reader, exported, format_named(format))


for _exported in EXPORTS.values():
    _add_route(_exported)
