"""For whoever runs the service: whether it is up, and whether it can answer."""

from enum import StrEnum

import asyncpg
from fastapi import APIRouter, Request, Response
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from api.conditional import require_json
from api.deps import ReaderDep, WriterDep
from api.errors import ApiError, ProblemCode
from api.openapi import describe_plain, describe_queried
from api.params import Param, Schema, text_of
from api.schemas import Health, Readiness
from db.migrate import head, is_newer


class Purpose(StrEnum):
    """What a service may be ready for."""

    READS = "reads"
    WRITES = "writes"


NO_PARAMETERS = Schema.of()
READINESS = Schema.of(
    Param(
        name="for",
        type=Purpose,
        description="What the service is to be ready for: `reads`, from a replica or the primary, or "
        "`writes`, which only the primary takes.",
        example="writes",
        usual=Purpose.READS,
    )
)
# The revision is read so that what is readable is the dataset; what is asked for writes changes nothing.
SCHEMA = text("SELECT (SELECT version_num FROM alembic_version), (SELECT revision FROM dataset)")
MAY_WRITE = text(
    "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on', "
    "has_table_privilege('dataset', 'UPDATE')"
)
MISSING = asyncpg.UndefinedTableError.sqlstate

DESCRIBED = describe_queried(Readiness, READINESS)
del DESCRIBED["responses"][304]

router = APIRouter(tags=["operations"])


@router.get("/healthz", operation_id="get_health", **describe_plain(Health))
async def get_health(request: Request) -> Response:
    """Tell that the service is up; it asks nothing of the database."""
    require_json(request)
    NO_PARAMETERS.parse(request.scope["query_string"])
    return _answer(Health(status="ok"))


@router.get("/readyz", operation_id="get_readiness", **DESCRIBED)
async def get_readiness(request: Request, reader: ReaderDep, writer: WriterDep) -> Response:
    """Tell whether the service can answer: a database is reachable, and its schema is not too old.

    Only reads count, unless it is asked for writes. A newer version may have migrated the database already.
    """
    require_json(request)
    values = READINESS.parse(request.scope["query_string"])
    if text_of(values, "for") == Purpose.WRITES:
        async with writer.connect() as connection:
            schema = await _schema(connection)
            refusal = await _why_not_writable(connection)
        if refusal:
            raise _not_ready(refusal)
    else:
        async with reader.connection() as connection:
            schema = await _schema(connection)
    newer = f"The database has schema {schema}, of a newer version; this one knows {head()}."
    return _answer(Readiness(status="ok", note=None if schema == head() else newer))


async def _schema(connection: AsyncConnection) -> str:
    """Give the schema of the database, if this version can work with it."""
    try:
        schema: str | None = (await connection.execute(SCHEMA)).scalar()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != MISSING:
            raise
        schema = None
    if schema is None or (schema != head() and not is_newer(schema)):
        has = "no schema of the service" if schema is None else f"schema {schema}"
        raise _not_ready(f"The database has {has}, and this version needs {head()}: `exchanges migrate`.")
    return schema


async def _why_not_writable(connection: AsyncConnection) -> str | None:
    in_recovery, read_only, may = (await connection.execute(MAY_WRITE)).one()
    if in_recovery:
        return "The server that writes go to is a standby."
    if read_only:
        return "The database takes no writes: its transactions are read-only."
    return None if may else "The account of the service may not write to the database."


def _not_ready(reason: str) -> ApiError:
    return ApiError(ProblemCode.DATABASE_UNAVAILABLE, reason)


def _answer(model: Health | Readiness) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(model.model_dump_json(), media_type="application/json", headers=headers)
