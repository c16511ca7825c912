"""Mediators: actors with counts of the exchanges that they are said, or denied, to have brokered."""

from fastapi import APIRouter, Request, Response

from api.computed import answer_computed_list, answer_computed_record
from api.deps import ReaderDep
from api.openapi import RecordId, describe_computed_list, describe_record
from api.schemas import MediatorList
from db.queries.mediators import read_mediators
from db.records import Mediator

router = APIRouter(tags=["mediators"])


@router.get("/mediators", operation_id="list_mediators", **describe_computed_list(MediatorList))
async def list_mediators(request: Request, reader: ReaderDep) -> Response:
    """List who is said to have brokered exchanges, and in how many by role, stance and claimant."""
    return await answer_computed_list(request, reader, read_mediators)


@router.get("/mediators/{record_id}", operation_id="get_mediator", **describe_record(Mediator))
async def get_mediator(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
    """Read the counts of one mediator, by the id of the actor."""
    return await answer_computed_record(request, reader, read_mediators, "mediator", record_id)
