"""Whom a key belongs to, as its holder asks."""

from fastapi import APIRouter, Request, Response

from api.auth import ContributorDep
from api.conditional import require_json
from api.deps import WriterDep
from api.openapi import NO_PARAMETERS, describe_with_key
from api.schemas import Me
from db.access import read_key

router = APIRouter(tags=["keys"])


@router.get("/me", operation_id="get_me", **describe_with_key(Me))
async def get_me(request: Request, caller: ContributorDep, writer: WriterDep) -> Response:
    """Tell who a key is, what its role lets it do and until when; any key that holds may ask."""
    require_json(request)
    NO_PARAMETERS.parse(request.scope["query_string"])
    async with writer.connect() as connection:
        record = await read_key(connection, caller.key_id)
    me = Me(
        id=record.id,
        name=record.name,
        role=record.role,
        created_at=record.created_at,
        expires_at=record.expires_at,
        last_used_at=record.last_used_at,
    )
    return Response(
        me.model_dump_json(), media_type="application/json", headers={"Cache-Control": "no-store"}
    )
