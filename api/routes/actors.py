"""Actors: parties, mediators and claimants."""

from fastapi import APIRouter, Request, Response

from api.deps import ReaderDep
from api.exports import ACTORS
from api.listing import answer_list, answer_record
from api.openapi import RecordId, describe_list, describe_record
from api.schemas import ActorList
from db.enums import Resource
from db.queries import lists
from db.records import Actor

router = APIRouter(tags=["actors"])


@router.get("/actors", operation_id="list_actors", **describe_list(ActorList, ACTORS))
async def list_actors(request: Request, reader: ReaderDep) -> Response:
    """Find actors: states, organisations, armed groups and coalitions, with every name they are known by."""
    return await answer_list(request, reader, ACTORS)


@router.get("/actors/{record_id}", operation_id="get_actor", **describe_record(Actor))
async def get_actor(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
    """Read one actor by its id, as it stands or, with `as_of`, as it stood."""
    return await answer_record(request, reader, lists.ACTORS, Resource.ACTOR, record_id)
