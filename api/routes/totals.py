"""Published totals: running totals that somebody announced."""

from fastapi import APIRouter, Request, Response

from api.deps import ReaderDep
from api.exports import TOTALS
from api.listing import answer_list, answer_record
from api.openapi import RecordId, describe_list, describe_record
from api.schemas import PublishedTotalList
from db.enums import Resource
from db.queries import lists
from db.records import PublishedTotal

router = APIRouter(tags=["totals"])


@router.get("/totals", operation_id="list_totals", **describe_list(PublishedTotalList, TOTALS))
async def list_totals(request: Request, reader: ReaderDep) -> Response:
    """Find running totals that somebody announced: the check on the sums of this dataset."""
    return await answer_list(request, reader, TOTALS)


@router.get("/totals/{record_id}", operation_id="get_total", **describe_record(PublishedTotal))
async def get_total(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
    """Read one total by its id, as it stands or, with `as_of`, as it stood."""
    return await answer_record(request, reader, lists.TOTALS, Resource.TOTAL, record_id)
