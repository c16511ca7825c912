"""How every write is run: its reason, its transaction, and the same answer for the same request.

What a write does to records is a `Work`, made in `api/editing.py` and `api/parts.py`. Keys are the business
of `api/auth.py`, bodies that of `api/bodies.py`.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Request, Response
from pydantic import StringConstraints
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.bodies import invalid_body, items_of_write_error
from api.conditional import require_json
from api.errors import ApiError, ProblemCode, ProblemConflict, ProblemItem, error_response
from api.limits import WriteLimiter
from api.params import Param, Schema, Values, not_understood, problem, text_of
from api.schemas import DryRun, PlannedChange
from db import kept
from db.access import Caller
from db.amending import AmendError
from db.checks import Referrer, WriteError
from db.fields import storable
from db.load import in_words
from db.records import SelfLinks
from db.rendering import PLURAL
from db.session import commit
from db.storing import Change
from db.tokens import holds_token
from db.writes import Outcome, Write, writing

REASON = Param(
    name="reason",
    type=Annotated[str, StringConstraints(max_length=1000)],
    description="Why; kept in the history of every record that changes. Needed unless it is a dry run.",
    example="Kyiv corrected its count",
)
DRY_RUN = Param(
    name="dry_run",
    type=bool,
    description="Tell what would change, and store nothing.",
    example=True,
)
ALLOW_DUPLICATE = Param(
    name="allow_duplicate",
    type=bool,
    description="Create the record even if it is very probably there already.",
    example=True,
)
WRITE_SCHEMA = Schema.of(REASON, DRY_RUN)
CREATE_SCHEMA = Schema.of(REASON, DRY_RUN, ALLOW_DUPLICATE)

# Refusals of the door that speak of what stands in the dataset rather than of the body.
_CONFLICTING = frozenset({"duplicate_name", "duplicate_url", "id_used", "still_cited"})
_MOST_CONFLICTS = 100
_LONGEST_KEY = 200


@dataclass(frozen=True)
class Asked:
    """A write as it was asked for: by whom, why, and what makes it the same request when it is sent again."""

    caller: Caller
    values: Values
    idempotency_key: str | None
    content: bytes

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be stored."""
        return self.values.get("dry_run") == (True,)

    @property
    def reason(self) -> str:
        """Why, for the history."""
        return text_of(self.values, "reason") or ""


@dataclass(frozen=True)
class Done:
    """What a write is answered with if it is stored."""

    status: int
    body: str
    headers: Mapping[str, str]


Work = Callable[[Write, Asked], Awaitable[Done]]


@dataclass(frozen=True)
class Writer:
    """What writes go through, for one request."""

    engine: AsyncEngine
    limiter: WriteLimiter
    caller: Caller


async def answer_write(
    request: Request,
    writer: Writer,
    schema: Schema,
    work: Work,
    body: Mapping[str, object] | None = None,
    *,
    needs_reason: bool = True,
) -> Response:
    """Run a write in a transaction of its own, and answer with what it did.

    The answer of a request with an Idempotency-Key commits with the write. A dry run is answered 202, takes
    no lock, stores nothing, and counts as a read. `needs_reason`: the request must say why.

    Raises:
        ApiError: it is refused; nothing is stored.
    """
    require_json(request)
    asked = _understood(request, writer.caller, schema, body, needs_reason=needs_reason)
    told = {} if asked.dry_run else writer.limiter.spend(writer.caller.key_id)
    name = None
    if asked.idempotency_key is not None and not asked.dry_run:
        path = str(request.scope["path"])
        name = kept.RequestName(writer.caller.key_id, request.method, path, asked.idempotency_key)
    with telling(told):
        async with writer.engine.connect() as connection:
            if name is None:
                response = await _run(connection, asked, work)
            else:
                response = await _run_once(request, connection, name, asked, work)
            await commit(connection)
    response.headers.update(told)
    return response


@contextmanager
def telling(headers: Mapping[str, str]) -> Iterator[None]:
    """Give these headers to the problem too that a write is refused with."""
    try:
        yield
    except ApiError as error:
        error.headers = {**headers, **(error.headers or {})}
        raise


async def _run_once(
    request: Request, connection: AsyncConnection, name: kept.RequestName, asked: Asked, work: Work
) -> Response:
    """Run a request that may be sent again, or give the answer that it had."""
    try:
        answer = await kept.claim(connection, name, asked.content)
    except kept.StillRunningError:
        detail = "A request with this Idempotency-Key is being worked on; send it again in a moment."
        raise ApiError(ProblemCode.CONFLICT, detail, headers={"Retry-After": "1"}) from None
    except kept.OtherRequestError:
        detail = "The Idempotency-Key was used before with another body, query or condition."
        raise ApiError(ProblemCode.IDEMPOTENCY_MISMATCH, detail) from None
    if answer is not None:
        headers = answer.headers | {"Idempotency-Replayed": "true"}
        return Response(answer.body, answer.status, headers)
    try:
        async with connection.begin_nested():
            response = await _run(connection, asked, work)
    except ApiError as error:  # refused for what it is: it would be refused again
        response = error_response(request.scope, error)
        if response.status_code >= 500:
            raise
    body = bytes(response.body).decode()
    told = {key: value for key, value in response.headers.items() if key != "content-length"}
    await kept.keep(connection, name, asked.content, kept.Answer(response.status_code, told, body))
    return response


async def _run(connection: AsyncConnection, asked: Asked, work: Work) -> Response:
    async with (
        told_refusals(),
        writing(connection, asked.reason, asked.caller.label, dry_run=asked.dry_run) as write,
    ):
        done = await work(write, asked)
    if asked.dry_run:
        return _planned(write.outcome())
    headers = dict(done.headers) | {
        "X-Dataset-Revision": str(write.outcome().revision),
        "Cache-Control": "no-store",
    }
    return Response(done.body, done.status, headers, media_type="application/json" if done.body else None)


@asynccontextmanager
async def told_refusals() -> AsyncIterator[None]:
    """Tell what the door refuses as a problem: a conflict with what stands, or a fault of the body."""
    try:
        yield
    except AmendError as error:
        raise conflict(f"{_sentence(str(error))}", error.referrers, "It refers to the record.") from error
    except WriteError as error:
        items = items_of_write_error(error)
        if not any(item.code in _CONFLICTING for item in error.items):
            raise invalid_body(items) from error
        others = [item.other for item in error.items if item.other is not None]
        raise conflict(_sentence(error.items[0].message), others, "It has that already.", items) from error


def conflict(
    detail: str, records: Iterable[Referrer], message: str, items: Sequence[ProblemItem] = ()
) -> ApiError:
    """Make the problem of a write that records stand against."""
    conflicts = [
        ProblemConflict(resource=resource, id=id_, path=f"/v1/{PLURAL[resource]}/{id_}", message=message)
        for resource, id_ in records
    ]
    if len(conflicts) > _MOST_CONFLICTS:
        detail += f" There are {len(conflicts)} of them, and the first {_MOST_CONFLICTS} are listed."
    return ApiError(ProblemCode.CONFLICT, detail, items, conflicts=conflicts[:_MOST_CONFLICTS])


def _understood(
    request: Request,
    caller: Caller,
    schema: Schema,
    body: Mapping[str, object] | None,
    *,
    needs_reason: bool,
) -> Asked:
    query: bytes = request.scope["query_string"]
    values = schema.parse(query)
    key = request.headers.get("idempotency-key")
    if key is not None and not (key.isascii() and key.isprintable() and 0 < len(key) <= _LONGEST_KEY):
        detail = f"The Idempotency-Key must be 1 to {_LONGEST_KEY} printable ASCII characters."
        raise ApiError(ProblemCode.BAD_REQUEST, detail)
    conditions = [request.headers.get(name, "") for name in ("if-match", "if-none-match")]
    content = json.dumps([query.decode("latin-1"), conditions, body], sort_keys=True).encode()
    asked = Asked(caller, values, key, content)
    check_reason(asked.reason, needed=needs_reason and not asked.dry_run)
    return asked


def check_reason(reason: str, *, needed: bool) -> None:
    """Refuse a reason that is not there, or that should not be kept.

    Raises:
        ApiError: invalid_query.
    """
    if needed and not reason:
        raise not_understood([problem("reason", "missing", "is needed: say why, for the history")])
    if not reason:
        return
    try:
        storable(reason)
    except ValueError as error:
        code = "holds_key" if holds_token(reason) else "invalid_value"
        raise not_understood([problem("reason", code, str(error))]) from error


def _planned(outcome: Outcome) -> Response:
    planned = DryRun(
        dataset_revision=outcome.revision,
        changes=[
            PlannedChange(
                resource=change.resource,
                id=change.id,
                action=change.action,
                number=change.number,
                sentences=_sentences(change),
                body=change.after,
                links=SelfLinks(self=f"/v1/{PLURAL[change.resource]}/{change.id}"),
            )
            for change in outcome.changes
        ],
    )
    headers = {"Cache-Control": "no-store"}
    return Response(planned.model_dump_json(), 202, headers, media_type="application/json")


def _sentences(change: Change) -> list[str]:
    return [] if change.before is None else in_words(change.resource, change.before, change.after)


def _sentence(message: str) -> str:
    """Make a message that begins in the middle of a sentence a whole one."""
    return f"{message[:1].upper()}{message[1:]}."
