"""Publishers and news agencies."""

from fastapi import APIRouter, Request, Response

from api.deps import ReaderDep
from api.exports import PUBLISHERS
from api.listing import answer_list, answer_record
from api.openapi import RecordId, describe_list, describe_record
from api.schemas import PublisherList
from db.enums import Resource
from db.queries import lists
from db.records import Publisher

router = APIRouter(tags=["publishers"])


@router.get("/publishers", operation_id="list_publishers", **describe_list(PublisherList, PUBLISHERS))
async def list_publishers(request: Request, reader: ReaderDep) -> Response:
    """Find publishers and news agencies, with every name they are known by."""
    return await answer_list(request, reader, PUBLISHERS)


@router.get("/publishers/{record_id}", operation_id="get_publisher", **describe_record(Publisher))
async def get_publisher(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
    """Read one publisher by its id, as it stands or, with `as_of`, as it stood."""
    return await answer_record(request, reader, lists.PUBLISHERS, Resource.PUBLISHER, record_id)
