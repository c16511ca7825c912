"""Claims and mediations by the paths of their exchange: read, and written under the exchange's ETag."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel

from api import parts
from api.bodies import PATCHES, read_json
from api.deps import ReaderDep
from api.errors import ApiError, ProblemCode
from api.filterkinds import FilterSet
from api.filters import ClaimFilters, MediationFilters
from api.listing import Listing, answer_list, answer_record
from api.missing import NOT_THERE, check_there
from api.openapi import RecordId, describe_list, describe_record
from api.parts import PartKind
from api.routes.editing import CuratorWriterDep
from api.schemas import ClaimList, MediationList
from api.writecontract import describe_part_write
from api.writing import WRITE_SCHEMA, answer_write
from db import records
from db.enums import Resource
from db.queries import lists
from db.queries.pages import Listed

PartId = Annotated[str, Path(description="The id of the part.")]


class PartFilters(FilterSet):
    """No filters: what is listed is what one exchange holds."""


def _router(kind: PartKind, listed: Listed, filters: type[FilterSet], page: type[BaseModel]) -> APIRouter:
    noun, answer = kind.noun, kind.noun.capitalize()
    path = f"/exchanges/{{record_id}}/{kind.field}"
    item = f"{path}/{{part_id}}"
    listing = Listing(listed, PartFilters)
    record = getattr(records, answer)
    reading = APIRouter(tags=["exchanges"])
    writing = APIRouter(tags=["writing"])

    @reading.get(
        path,
        operation_id=f"list_exchange_{kind.field}",
        **describe_list(page, listing, *NOT_THERE),
    )
    async def list_parts(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
        """List what one exchange holds, as the list of all would show it."""
        async with reader.connection() as connection:
            await check_there(connection, request, Resource.EXCHANGE, record_id, f"/{kind.field}")
        of_exchange = filters.filters()["exchange"].conditions({"exchange": (record_id,)})
        return await answer_list(request, reader, listing, of_exchange)

    @reading.get(item, operation_id=f"get_exchange_{noun}", **describe_record(record))
    async def get_part(request: Request, reader: ReaderDep, record_id: RecordId, part_id: PartId) -> Response:
        """Read one part of an exchange under the ETag of the exchange, with which it is written."""
        if part_id.partition(":")[0] != record_id:
            detail = f"The exchange {record_id!r} has no {noun} {part_id!r}."
            raise ApiError(ProblemCode.NOT_FOUND, detail)
        return await answer_record(request, reader, listed, noun, part_id)

    @writing.post(
        path,
        operation_id=f"create_{noun}",
        **describe_part_write(answer, WRITE_SCHEMA, 201, body="Input"),
    )
    async def create(request: Request, writer: CuratorWriterDep, record_id: RecordId) -> Response:
        """Add a part to an exchange; `If-Match` names the revision of the exchange."""
        body = await read_json(request)
        work = parts.creation(request, kind, record_id, body)
        return await answer_write(request, writer, WRITE_SCHEMA, work, body)

    @writing.put(
        item,
        operation_id=f"replace_{noun}",
        **describe_part_write(answer, WRITE_SCHEMA, 200, body="Input"),
    )
    async def replace(
        request: Request, writer: CuratorWriterDep, record_id: RecordId, part_id: PartId
    ) -> Response:
        """Put a part of an exchange whole; `If-Match` names the revision of the exchange."""
        body = await read_json(request)
        work = parts.replacement(request, kind, record_id, part_id, body)
        return await answer_write(request, writer, WRITE_SCHEMA, work, body)

    @writing.patch(
        item,
        operation_id=f"update_{noun}",
        **describe_part_write(answer, WRITE_SCHEMA, 200, body="Patch"),
    )
    async def update(
        request: Request, writer: CuratorWriterDep, record_id: RecordId, part_id: PartId
    ) -> Response:
        """Change some fields of a part of an exchange; `If-Match` names the revision of the exchange."""
        patch = await read_json(request, PATCHES)
        work = parts.update(request, kind, record_id, part_id, patch)
        return await answer_write(request, writer, WRITE_SCHEMA, work, patch)

    @writing.delete(
        item,
        operation_id=f"delete_{noun}",
        **describe_part_write(answer, WRITE_SCHEMA, 204, body=None),
    )
    async def delete(
        request: Request, writer: CuratorWriterDep, record_id: RecordId, part_id: PartId
    ) -> Response:
        """Take a part out of an exchange, which keeps its citations; its number is never used again."""
        work = parts.deletion(request, kind, record_id, part_id)
        return await answer_write(request, writer, WRITE_SCHEMA, work)

    whole = APIRouter()
    whole.include_router(reading)
    whole.include_router(writing)
    return whole


ROUTERS = (
    _router(parts.CLAIMS, lists.CLAIMS, ClaimFilters, ClaimList),
    _router(parts.MEDIATIONS, lists.MEDIATIONS, MediationFilters, MediationList),
)
