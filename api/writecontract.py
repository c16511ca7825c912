"""What the contract says of writes: their bodies, their conditions, and what they are answered with.

How it becomes a document is `api/openapi.py`'s. A body is published as what a curator writes of a record
(`db/inputs.py`), where ids may be left out, since the service makes them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Response

from api.bodies import MERGE_PATCH
from api.conditional import JSON
from api.errors import ProblemCode, problem_responses
from api.openapi import ANSWERS, COMMON, KEY, parameters
from api.params import Schema
from api.schemas import DryRun
from db.enums import Resource
from db.rendering import INPUT_OF, RECORD_OF

REFUSALS = (
    ProblemCode.UNAUTHENTICATED,
    ProblemCode.FORBIDDEN,
    ProblemCode.CONFLICT,
    ProblemCode.BAD_REQUEST,
    ProblemCode.TOO_MANY_REQUESTS,
)
OF_BODIES = (
    ProblemCode.PAYLOAD_TOO_LARGE,
    ProblemCode.UNSUPPORTED_MEDIA_TYPE,
    ProblemCode.INVALID_BODY,
    ProblemCode.IDEMPOTENCY_MISMATCH,
)
OF_RECORDS = (ProblemCode.NOT_FOUND, ProblemCode.GONE)
OF_CONDITIONS = (ProblemCode.PRECONDITION_FAILED, ProblemCode.PRECONDITION_REQUIRED)

ANSWERS[DryRun.__name__] = DryRun


def _header(name: str, description: str, example: str, longest: int = 1000) -> Mapping[str, Any]:
    """Describe a header of a request as a parameter."""
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", "minLength": 1, "maxLength": longest},
        "example": example,
    }


_IF_MATCH = _header(
    "If-Match", "The ETag of the record as it was read; 412 if it has another meanwhile, 428 without.", '"7"'
)
_IF_MATCH_IF_ANY = _header(
    "If-Match", "The ETag of the record as it last stood, if it was seen; 412 if it has another.", '"7"'
)
_IF_NONE_MATCH = _header("If-None-Match", "`*`: create the record, and refuse if there is one.", "*")
_IDEMPOTENCY_KEY = _header(
    "Idempotency-Key",
    "The client's own word for this request: sent again within a day, it is not run again.",
    "b7c1f1e0-the-first-of-june",
    longest=200,
)
_TAG = {"description": "The ETag that the record has now.", "schema": {"type": "string"}}
_LOCATION = {"description": "Where the new record is found.", "schema": {"type": "string"}}


def describe_write(
    resource: Resource, schema: Schema, *statuses: int, body: str | None, conditional: bool = True
) -> dict[str, Any]:
    """Give what the decorator of a write needs. `body`: `Input`, `Patch` or None.

    `conditional`: the client must say which state of the record it has seen; else it may.
    """
    name = body and INPUT_OF[resource].__name__.removesuffix("Input") + body
    codes: tuple[ProblemCode, ...] = ()
    headers = []
    if statuses != (201,):
        codes, headers = OF_RECORDS, [_IF_MATCH if conditional else _IF_MATCH_IF_ANY]
        codes += OF_CONDITIONS if conditional else (ProblemCode.PRECONDITION_FAILED,)
        headers += [_IF_NONE_MATCH] if 201 in statuses else []
    return _described(RECORD_OF[resource].__name__, name, schema, statuses, codes=codes, headers=headers)


def describe_part_write(answer: str, schema: Schema, status: int, *, body: str | None) -> dict[str, Any]:
    """Give the same for a write of a part of an exchange."""
    codes = (*OF_RECORDS, *OF_CONDITIONS)
    return _described(answer, body and answer + body, schema, (status,), codes=codes, headers=[_IF_MATCH])


def describe_proposal_write(
    schema: Schema, status: int, *, body: bool = False, conditional: bool = True
) -> dict[str, Any]:
    """Give the same for a write of a proposal."""
    codes: tuple[ProblemCode, ...] = () if status == 201 else (ProblemCode.NOT_FOUND,)
    codes += OF_CONDITIONS if conditional else ()
    headers = [_IF_MATCH] if conditional else []
    name = "ProposalInput" if body else None
    described = _described("Proposal", name, schema, (status,), codes=codes, headers=headers)
    if "dry_run" not in schema.params:
        del described["responses"][202]
    return described


def _described(
    answer: str,
    body: str | None,
    schema: Schema,
    statuses: Sequence[int],
    *,
    codes: Sequence[ProblemCode],
    headers: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    extra: dict[str, Any] = {
        "parameters": [*parameters(schema), *headers, _IDEMPOTENCY_KEY],
        "security": [{KEY: []}],
    }
    if body is not None:
        reference = {"schema": {"$ref": f"#/components/schemas/{body}"}}
        media_types = (MERGE_PATCH, JSON) if body.endswith("Patch") else (JSON,)
        extra["requestBody"] = {
            "required": True,
            "description": "The record, or what of it changes.",
            "content": dict.fromkeys(media_types, reference),
        }
    of_body = OF_BODIES if body else (ProblemCode.IDEMPOTENCY_MISMATCH,)
    return {
        "response_model": None,
        "response_class": Response,
        "status_code": statuses[0],
        "responses": {
            **{status: _answer(status, answer) for status in statuses},
            202: {
                "description": "What a dry run would have done; nothing was stored.",
                **_json(DryRun.__name__),
            },
            **problem_responses(*COMMON, *REFUSALS, *codes, *of_body),
        },
        "openapi_extra": extra,
    }


def _answer(status: int, model: str) -> dict[str, Any]:
    if status == 204:
        return {"description": "It is gone."}
    told = {"description": "The record as it stands now.", **_json(model), "headers": {"ETag": _TAG}}
    return told if status == 200 else told | {"headers": {"ETag": _TAG, "Location": _LOCATION}}


def _json(model: str) -> dict[str, Any]:
    return {"content": {JSON: {"schema": {"$ref": f"#/components/schemas/{model}"}}}}
