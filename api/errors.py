"""How failures become answers: one shape (RFC 9457), one exception to raise, one mapping of handlers.

The words of each problem are in `api/problems.py`. Nothing here tells a client what an exception said that we
did not raise ourselves.
"""

import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any

import asyncpg
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError, EmulatedDBAPIException, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from api.problems import CATALOGUE, ProblemCode
from api.requestid import current_request_id
from api.target import client_path
from api.tries import note_failed, note_problem
from db.lag import LaggingError
from db.session import READ_ONLY, DatabaseUnavailableError, OutcomeUnknownError
from db.tokens import redact

__all__ = [
    "HANDLERS",
    "MEDIA_TYPE",
    "AnswerCutShortError",
    "ApiError",
    "Problem",
    "ProblemCode",
    "ProblemConflict",
    "ProblemItem",
    "error_response",
    "internal_error",
    "problem_response",
    "problem_responses",
    "problem_schemas",
]

MEDIA_TYPE = "application/problem+json"
UNKNOWN_OUTCOME = (
    "The database was lost while the write was being committed: it may be stored, or not. A request with an "
    "Idempotency-Key is sent again just as it was, and is stored once; without one, read the record first."
)
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")

logger = logging.getLogger(__name__)


class ProblemItem(BaseModel):
    """One thing that is wrong with the request."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    parameter: str | None = Field(
        default=None, description="The query or path parameter at fault.", examples=["mediator"]
    )
    pointer: str | None = Field(
        default=None,
        description="JSON Pointer to the member of the body at fault.",
        examples=["/claims/0/count"],
    )
    code: str = Field(description="What is wrong, as a stable word.", examples=["unknown_value"])
    message: str = Field(
        description="What is wrong, as a sentence.", examples=["No actor is called 'United Arab Emirate'."]
    )
    allowed: list[str] = Field(
        default=[],
        description="The values or names that are allowed, where they can be listed.",
        examples=[["uae"]],
    )
    suggestions: list[str] = Field(
        default=[], description="What was probably meant, nearest first.", examples=[["uae"]]
    )


class ProblemConflict(BaseModel):
    """A record that stands against the request."""

    model_config = ConfigDict(frozen=True)

    resource: str = Field(description="The kind of record.", examples=["exchange"])
    id: str = Field(description="Its id.", examples=["2024-09-14-russia-ukraine"])
    path: str = Field(description="Where it is found.", examples=["/v1/exchanges/2024-09-14-russia-ukraine"])
    message: str = Field(
        description="Why it stands against the request.", examples=["It cites this article."]
    )


class Problem(BaseModel):
    """Problem details (RFC 9457): the body of every answer that is not a success."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(
        description="The page that explains this kind of problem.", examples=["/problems/invalid_query"]
    )
    title: str = Field(description="The kind of problem in words.", examples=["Invalid query"])
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(
        description="What went wrong this time.", examples=["'mediatr' is not a parameter of this list."]
    )
    instance: str = Field(
        description="The path that was asked for, without its query.", examples=["/v1/exchanges"]
    )
    code: str = Field(
        description="The kind of problem as a stable word; new ones may be added.",
        examples=["invalid_query"],
        json_schema_extra={"x-extensible-enum": [code.value for code in ProblemCode]},
    )
    errors: list[ProblemItem] = Field(
        description="Each thing that is wrong with the request; empty where there is nothing to point at.",
        examples=[[]],
    )
    current_etag: str | None = Field(
        description="The record's ETag as it is now, where the request's is stale.", examples=['"7"']
    )
    conflicts: list[ProblemConflict] = Field(
        description="The records that stand against the request; empty where there are none.", examples=[[]]
    )


class ApiError(Exception):
    """Raised by routes and what they call, to answer with a problem."""

    def __init__(
        self,
        code: ProblemCode,
        detail: str,
        errors: Sequence[ProblemItem] = (),
        headers: Mapping[str, str] | None = None,
        *,
        current_etag: str | None = None,
        conflicts: Sequence[ProblemConflict] = (),
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers
        self.current_etag = current_etag
        self.conflicts = conflicts


class AnswerCutShortError(Exception):
    """Tells the server to break the connection off: the body cannot be finished, and must not seem whole."""


def problem_response(
    scope: Scope,
    code: ProblemCode,
    detail: str,
    errors: Sequence[ProblemItem] = (),
    headers: Mapping[str, str] | None = None,
    *,
    current_etag: str | None = None,
    conflicts: Sequence[ProblemConflict] = (),
) -> Response:
    """Make the answer that tells a problem."""
    note_problem(scope, code)
    kind = CATALOGUE[code]
    problem = Problem(
        type=f"/problems/{code}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=client_path(scope),
        code=code,
        errors=list(errors),
        current_etag=current_etag,
        conflicts=list(conflicts),
    )
    # a key that was put into the URL or the body by mistake is not shown again
    response = Response(redact(problem.model_dump_json()), kind.status, media_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    if kind.retry_after is not None:
        response.headers["Retry-After"] = str(kind.retry_after)
    response.headers.update(headers or {})
    return response


def problem_responses(*codes: ProblemCode) -> dict[int | str, dict[str, Any]]:
    """Describe the problems of a route for its `responses=`; problem_schemas() has what they refer to."""
    kinds: dict[int | str, list[ProblemCode]] = {}
    for code in codes:
        kinds.setdefault(CATALOGUE[code].status, []).append(code)
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": "; ".join(f"{CATALOGUE[code].title} (`{code}`)" for code in of_status),
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status, of_status in sorted(kinds.items(), key=lambda item: int(item[0]))
    }


def problem_schemas() -> dict[str, dict[str, Any]]:
    """Give the components that problem_responses() refers to."""
    schema = Problem.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "Problem": schema}


def allow_header(methods: Iterable[str]) -> str:
    """List the methods of a path, with those that every readable path has besides."""
    known = set(methods) | {"OPTIONS"}
    if "GET" in known:
        known.add("HEAD")
    return ", ".join(method for method in METHODS if method in known)


def internal_error(scope: Scope, error: Exception) -> Response:
    """Log an error that nobody foresaw, with its trace, and make the answer that tells nothing of it."""
    logger.error("%s %s failed", scope.get("method"), scope["path"], exc_info=error)
    request_id = current_request_id()
    quoted = f" It is logged under the id {request_id}." if request_id else ""
    return problem_response(
        scope, ProblemCode.INTERNAL_ERROR, f"The service failed to answer this request.{quoted}"
    )


def error_response(scope: Scope, error: ApiError) -> Response:
    """Make the answer that tells an error of ours."""
    return problem_response(
        scope,
        error.code,
        error.detail,
        error.errors,
        error.headers,
        current_etag=error.current_etag,
        conflicts=error.conflicts,
    )


async def _on_api_error(request: Request, error: ApiError) -> Response:
    return error_response(request.scope, error)


def _methods_of(request: Request) -> set[str]:
    """Give the methods of all routes at a path: the router itself names those of the first one only."""
    routes = request.app.router.routes
    return {
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    }


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    """Answer for the router: an unknown path, a wrong method, and OPTIONS, which no route declares."""
    path = client_path(request.scope)
    if error.status_code == 405:
        allow = allow_header(_methods_of(request))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": allow})
        detail = f"{path} takes {allow}, not {request.method}."
        return problem_response(
            request.scope, ProblemCode.METHOD_NOT_ALLOWED, detail, headers={"Allow": allow}
        )
    if error.status_code == 404:
        hint = " Paths here do not end in a slash." if len(path) > 1 and path.endswith("/") else ""
        return problem_response(request.scope, ProblemCode.NOT_FOUND, f"There is nothing at {path}.{hint}")
    code = _BY_STATUS.get(error.status_code)
    if code is None and error.status_code < 500:
        code = ProblemCode.BAD_REQUEST
    if code is None:
        return internal_error(request.scope, error)
    return problem_response(request.scope, code, CATALOGUE[code].title + ".", headers=error.headers)


async def _on_validation_error(request: Request, error: RequestValidationError) -> Response:
    """Answer for FastAPI's own extraction of parameters, which only ids in paths go through."""
    items = [
        ProblemItem(parameter=str(fault["loc"][-1]), code=fault["type"], message=fault["msg"])
        for fault in error.errors()
    ]
    return problem_response(request.scope, ProblemCode.INVALID_QUERY, "The request is not valid.", items)


async def _on_database_error(request: Request, error: Exception) -> Response:
    code = database_problem(error)
    if code is None:
        return internal_error(request.scope, error)
    logger.warning("%s: %s: %s", code, type(error).__name__, " ".join(str(error).split()))
    note_failed(request.scope, code)
    detail = {
        ProblemCode.TIMEOUT: "The query took too long and was cancelled. Narrow it, or send it again later.",
        ProblemCode.DATABASE_UNAVAILABLE: "The database cannot be reached at this moment.",
        ProblemCode.OVERLOADED: "More requests wait for the database than can be answered in time.",
    }[code]
    return problem_response(request.scope, code, detail)


async def _on_unknown_outcome(request: Request, error: OutcomeUnknownError) -> Response:
    logger.warning("%s: %s", error, " ".join(str(error.__cause__).split()))
    return problem_response(request.scope, ProblemCode.DATABASE_UNAVAILABLE, UNKNOWN_OUTCOME)


async def _on_any_error(request: Request, error: Exception) -> Response:
    if isinstance(error, AnswerCutShortError):  # logged where it was raised; this answer is never sent
        return Response(status_code=500)
    return internal_error(request.scope, error)


def database_problem(error: Exception) -> ProblemCode | None:
    """Tell an outage and a cancelled statement from a fault of our own, for which it gives None."""
    # OSError: the creator of connections lets through whatever the socket says, a missing file
    # included, since the embedded server listens on a socket file. Nothing else here touches files.
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if lost or isinstance(error, DatabaseUnavailableError | LaggingError | OSError):
        return ProblemCode.DATABASE_UNAVAILABLE
    if isinstance(error, PoolTimeoutError):  # every connection is lent, and none came back in time
        return ProblemCode.OVERLOADED
    cause = error.orig if isinstance(error, DBAPIError) else error
    sqlstate = str(getattr(cause, "sqlstate", None) or "")
    if sqlstate in _BY_SQLSTATE or sqlstate[:2] in _OUTAGES:
        return _BY_SQLSTATE.get(sqlstate, ProblemCode.DATABASE_UNAVAILABLE)
    # A request has its connection to itself: what is still in progress on it was cut off.
    lost_words = ("closed", "is in progress")
    of_driver = isinstance(
        cause, asyncpg.InterfaceError | asyncpg.InternalClientError | EmulatedDBAPIException
    )
    if of_driver and any(words in str(cause) for words in lost_words):
        return ProblemCode.DATABASE_UNAVAILABLE
    return None


_BY_SQLSTATE = {
    "57014": ProblemCode.TIMEOUT,  # query_canceled
    "55P03": ProblemCode.OVERLOADED,  # lock_not_available: the writes before this one took too long
    READ_ONLY: ProblemCode.DATABASE_UNAVAILABLE,
    "25P03": ProblemCode.DATABASE_UNAVAILABLE,  # idle_in_transaction_session_timeout
}
# Classes: connection exception, wrong credentials, no such database, rolled back for what others do (a
# deadlock, a standby that must follow), insufficient resources, operator intervention.
_OUTAGES = frozenset({"08", "28", "3D", "40", "53", "57"})
# Codes share 400, 422 and 503: the general one of them answers for what the framework raises.
_BY_STATUS = {kind.status: code for code, kind in CATALOGUE.items()} | {
    400: ProblemCode.BAD_REQUEST,
    422: ProblemCode.INVALID_QUERY,
    503: ProblemCode.DATABASE_UNAVAILABLE,
}

# Each handler takes the exception it is listed under, which no type can say of a mapping; hence the Any.
HANDLERS: Mapping[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    ApiError: _on_api_error,
    HTTPException: _on_http_exception,
    RequestValidationError: _on_validation_error,
    DatabaseUnavailableError: _on_database_error,
    LaggingError: _on_database_error,
    OutcomeUnknownError: _on_unknown_outcome,
    SQLAlchemyError: _on_database_error,
    EmulatedDBAPIException: _on_database_error,  # of a pool that cannot connect
    asyncpg.PostgresError: _on_database_error,
    asyncpg.InterfaceError: _on_database_error,
    asyncpg.InternalClientError: _on_database_error,
    OSError: _on_database_error,
    Exception: _on_any_error,
}
