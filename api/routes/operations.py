"""For whoever runs the service: whether it is up, and whether it can answer."""

from fastapi import APIRouter, Request, Response
from sqlalchemy import text

from api.conditional import require_json
from api.deps import ReaderDep
from api.errors import ApiError, ProblemCode
from api.openapi import describe_plain
from api.params import Schema
from api.schemas import Health
from db.migrate import head

NO_PARAMETERS = Schema.of()

router = APIRouter(tags=["operations"])


@router.get("/healthz", operation_id="get_health", **describe_plain(Health))
async def get_health(request: Request) -> Response:
    """Tell that the service is up; it asks nothing of the database."""
    require_json(request)
    NO_PARAMETERS.parse(request.scope["query_string"])
    return _healthy()


@router.get("/readyz", operation_id="get_readiness", **describe_plain(Health))
async def get_readiness(request: Request, reader: ReaderDep) -> Response:
    """Tell whether the service can answer: the database is reachable and has this version's schema."""
    require_json(request)
    NO_PARAMETERS.parse(request.scope["query_string"])
    async with reader.connection() as connection:
        schema = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
    if schema != head():
        detail = f"The database has schema {schema}, this version needs {head()}."
        raise ApiError(ProblemCode.DATABASE_UNAVAILABLE, detail)
    return _healthy()


def _healthy() -> Response:
    body = Health(status="ok").model_dump_json()
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
