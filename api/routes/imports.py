"""Importing many records in one request: all of them, or none."""

import asyncio
from tempfile import SpooledTemporaryFile
from typing import Any

from fastapi import APIRouter, Request, Response

from api.auth import CuratorDep
from api.bodies import MOST_ITEMS, invalid_body, item_of, read_body, settings_of
from api.conditional import JSON, require_json
from api.deps import LimiterDep, WriterDep
from api.errors import ApiError, ProblemCode
from api.openapi import KEY, describe_queried
from api.params import text_of
from api.schemas import ImportCount, ImportReport, Note
from api.writing import WRITE_SCHEMA, check_reason, telling
from db.dataset_files import DatasetError
from db.enums import Action
from db.importing import ImportOutcome, import_stream
from db.rendering import INPUT_OF

MEDIA_TYPES = ("application/x-ndjson", "application/jsonl")
IN_MEMORY = 1_048_576  # bytes of a body; a larger one waits in a temporary file
REPEATABLE = (
    "An import takes no Idempotency-Key: sent again, it changes nothing that stands already. Leave it out."
)
LINE = (
    '{"resource": "publisher", "id": "al-jazeera", "name": "Al Jazeera", "is_agency": true, "aliases": []}\n'
)

router = APIRouter(tags=["writing"])


def _described() -> dict[str, Any]:
    """Give what the decorator needs: a write has a body, and no client has a copy of its answer."""
    described = describe_queried(
        ImportReport,
        WRITE_SCHEMA,
        ProblemCode.BAD_REQUEST,
        ProblemCode.UNAUTHENTICATED,
        ProblemCode.FORBIDDEN,
        ProblemCode.PAYLOAD_TOO_LARGE,
        ProblemCode.UNSUPPORTED_MEDIA_TYPE,
        ProblemCode.INVALID_BODY,
        ProblemCode.TOO_MANY_REQUESTS,
    )
    del described["responses"][304]
    body = {"type": "string", "format": "binary"}  # which generated clients send as it is
    content = {kind: {"schema": body, "example": LINE} for kind in MEDIA_TYPES}
    described["openapi_extra"]["security"] = [{KEY: []}]
    described["openapi_extra"]["requestBody"] = {"required": True, "content": content}
    return described


@router.post("/import", operation_id="import_records", **_described())
async def import_records(
    request: Request, caller: CuratorDep, engine: WriterDep, limiter: LimiterDep
) -> Response:
    """Store many records at once: all of them, or none if anything is wrong.

    Each line of the body is a JSON object: the record as in the files of the dataset, with one member more,
    `resource`, that names its kind: publisher, actor, article, agreement, exchange, total or coverage. Lines
    may come in any order and refer to each other. Records are matched by id; one that stands already stays
    untouched, so an import can be repeated. A fault's pointer begins with the index of its line, from 0.
    """
    require_json(request)
    values = WRITE_SCHEMA.parse(request.scope["query_string"])
    dry_run = values.get("dry_run") == (True,)
    reason = text_of(values, "reason") or ""
    check_reason(reason, needed=not dry_run)
    if "idempotency-key" in request.headers:
        raise ApiError(ProblemCode.BAD_REQUEST, REPEATABLE)
    spent = {} if dry_run else limiter.spend(caller.key_id)
    with telling(spent), SpooledTemporaryFile(IN_MEMORY) as spooled:
        async for piece in read_body(request, MEDIA_TYPES, settings_of(request).max_import_size):
            await asyncio.to_thread(spooled.write, piece)
        spooled.seek(0)
        try:
            outcome = await import_stream(engine, spooled, reason=reason, key=caller.label, dry_run=dry_run)
        except DatasetError as error:
            raise _refused(error) from None
    headers = {"Cache-Control": "no-store", **spent}
    if not dry_run:  # else it is a revision that nobody can read
        headers["X-Dataset-Revision"] = str(outcome.revision)
    return Response(_report(outcome, dry_run).model_dump_json(), media_type=JSON, headers=headers)


def _refused(error: DatasetError) -> ApiError:
    """Tell what is wrong in which lines: numbered from 1 in words, and from 0 in pointers."""
    items = [
        item_of(each.fault, str(each), () if each.line is None else (each.line - 1,))
        for each in error.errors[:MOST_ITEMS]
    ]
    more = len(error.errors) - len(items) + error.more
    return invalid_body(items, more, detail=items[0].message)


def _report(outcome: ImportOutcome, dry_run: bool) -> ImportReport:
    occurring = {resource for resource, _ in outcome.counts} | {*outcome.unchanged}
    counts = [
        ImportCount(
            resource=resource,
            created=outcome.counts.get((resource, Action.CREATED), 0),
            updated=outcome.counts.get((resource, Action.UPDATED), 0),
            rerendered=outcome.counts.get((resource, Action.RERENDERED), 0),
            unchanged=outcome.unchanged.get(resource, 0),
        )
        for resource in INPUT_OF
        if resource in occurring
    ]
    warnings = [Note(code="probable_duplicate", text=text) for text in outcome.warnings[:MOST_ITEMS]]
    return ImportReport(revision=outcome.revision, dry_run=dry_run, counts=counts, warnings=warnings)
