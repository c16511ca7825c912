"""Coverage notes: known gaps of the dataset."""

from fastapi import APIRouter, Request, Response

from api.deps import ReaderDep
from api.exports import COVERAGE
from api.listing import answer_list, answer_record
from api.openapi import RecordId, describe_list, describe_record
from api.schemas import CoverageNoteList
from db.enums import Resource
from db.queries import lists
from db.records import CoverageNote

router = APIRouter(tags=["coverage"])


@router.get("/coverage", operation_id="list_coverage", **describe_list(CoverageNoteList, COVERAGE))
async def list_coverage(request: Request, reader: ReaderDep) -> Response:
    """Find what is known to be missing, or known not to have been searched."""
    return await answer_list(request, reader, COVERAGE)


@router.get("/coverage/{record_id}", operation_id="get_coverage_note", **describe_record(CoverageNote))
async def get_coverage_note(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
    """Read one coverage note by its id, as it stands or, with `as_of`, as it stood."""
    return await answer_record(request, reader, lists.COVERAGE, Resource.COVERAGE, record_id)
