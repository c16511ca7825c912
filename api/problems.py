"""The catalogue of problems: every code this service answers with, its status, title and explanation.

Words only. How a problem becomes an answer is in `api/errors.py`; the pages that show these words are in
`api/docs.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class ProblemCode(StrEnum):
    """What kind of thing went wrong; stable, unlike titles and details."""

    INVALID_QUERY = "invalid_query"
    INVALID_CURSOR = "invalid_cursor"
    BAD_REQUEST = "bad_request"
    NOT_FOUND = "not_found"
    GONE = "gone"
    MERGED = "merged"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    URI_TOO_LONG = "uri_too_long"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    TOO_MANY_REQUESTS = "too_many_requests"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    INVALID_BODY = "invalid_body"
    PRECONDITION_REQUIRED = "precondition_required"
    PRECONDITION_FAILED = "precondition_failed"
    CONFLICT = "conflict"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    INTERNAL_ERROR = "internal_error"
    DATABASE_UNAVAILABLE = "database_unavailable"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One entry of the catalogue."""

    status: int
    title: str
    explanation: str
    retry_after: int | None = None


CATALOGUE: Mapping[ProblemCode, ProblemKind] = MappingProxyType(
    {
        ProblemCode.INVALID_QUERY: ProblemKind(
            422,
            "Invalid query",
            "One or more query parameters are unknown, malformed, empty, repeated where one value is "
            "expected, or name something that does not exist. A query is never answered in part: nothing "
            "in it is ignored. Each entry of errors names the parameter, what is wrong with it, the "
            "values that are allowed and, where one is near, the value that was probably meant.",
        ),
        ProblemCode.INVALID_CURSOR: ProblemKind(
            400,
            "Invalid cursor",
            "The cursor was not made by this service for this query. A cursor is opaque and belongs to "
            "one list with its filters and its order; parameters sent beside it must mean the same as "
            "when it was made (only limit may differ). Begin the walk again without a cursor, and follow "
            "meta.next or the Link header from there.",
        ),
        ProblemCode.BAD_REQUEST: ProblemKind(
            400,
            "Malformed request",
            "The request cannot be read: its path holds broken percent-encoding, bytes that are not "
            "UTF-8, or a NUL. Encode the path as UTF-8 and then percent-encode it.",
        ),
        ProblemCode.NOT_FOUND: ProblemKind(
            404,
            "Not found",
            "There is no such path, or no record with this id. Paths have no trailing slash; ids are "
            "lower case. The paths that exist are listed at /docs and in /v1/openapi.json.",
        ),
        ProblemCode.GONE: ProblemKind(
            410,
            "Gone",
            "The record existed and was deleted, or this revision of it was blanked. What else is known of "
            "it is kept: the Link header leads to its history.",
        ),
        ProblemCode.MERGED: ProblemKind(
            308,
            "Part of another record",
            "Two records turned out to be about the same thing, and this one was made part of the other, "
            "which the Location header names. States from before that still have it: ask with as_of.",
        ),
        ProblemCode.METHOD_NOT_ALLOWED: ProblemKind(
            405,
            "Method not allowed",
            "The path exists but does not take this method. The Allow header lists the methods that it "
            "takes.",
        ),
        ProblemCode.NOT_ACCEPTABLE: ProblemKind(
            406,
            "Not acceptable",
            "The Accept header excludes every media type in which this path can answer. Send "
            "application/json, */*, or no Accept header at all.",
        ),
        ProblemCode.URI_TOO_LONG: ProblemKind(
            414,
            "URL too long",
            "Path and query together exceed the length that this service reads. Ask with fewer values, or"
            " in several requests.",
        ),
        ProblemCode.UNAUTHENTICATED: ProblemKind(
            401,
            "Key needed",
            "The request needs a key, or the key that it carries is unknown, expired or revoked. Send it as "
            "Authorization: Bearer exk_… A request with a key that does not hold is never answered as if "
            "it had none. Reading needs no key.",
        ),
        ProblemCode.FORBIDDEN: ProblemKind(
            403,
            "Not allowed with this key",
            "The key holds, but its role may not do this. The detail names the role that is needed; GET "
            "/v1/me tells which one a key has.",
        ),
        ProblemCode.TOO_MANY_REQUESTS: ProblemKind(
            429,
            "Too many requests",
            "The address, or the key, has asked or written as much as it may for the moment. Send the "
            "request again after the time in the Retry-After header; RateLimit tells what is left, and "
            "/guide/limits how much there is. Nothing was stored.",
        ),
        ProblemCode.PAYLOAD_TOO_LARGE: ProblemKind(
            413,
            "Body too large",
            "The body is larger than what this path reads. The detail names the limit; many records go to "
            "/v1/import.",
        ),
        ProblemCode.UNSUPPORTED_MEDIA_TYPE: ProblemKind(
            415,
            "Media type not supported",
            "The body is of a media type that this path does not read. The detail names those that it does.",
        ),
        ProblemCode.INVALID_BODY: ProblemKind(
            422,
            "Invalid body",
            "The body is not what this path takes, or what it says cannot stand in the dataset. Each entry "
            "of errors points at the member at fault (JSON Pointer) and says why. Nothing was stored.",
        ),
        ProblemCode.PRECONDITION_REQUIRED: ProblemKind(
            428,
            "Precondition needed",
            "A record is changed only by those who say which revision of it they have seen. Read it, and "
            "send its ETag back in If-Match; to create one by PUT, send If-None-Match: *.",
        ),
        ProblemCode.PRECONDITION_FAILED: ProblemKind(
            412,
            "Changed meanwhile",
            "The record is no longer as the request says. current_etag holds its ETag as it is now: read it "
            "again, and decide anew. Nothing was stored.",
        ),
        ProblemCode.CONFLICT: ProblemKind(
            409,
            "Conflict",
            "What stands in the dataset is against the request: other records refer to the one that should "
            "go, the id is taken, the record is very probably there already, or the same request is still "
            "being worked on. conflicts names the records. Nothing was stored.",
        ),
        ProblemCode.IDEMPOTENCY_MISMATCH: ProblemKind(
            422,
            "Idempotency key used for something else",
            "The Idempotency-Key was sent before with another body. A key stands for one request: choose a "
            "new one for a new request, and the old one only to send the same request again.",
        ),
        ProblemCode.INTERNAL_ERROR: ProblemKind(
            500,
            "Internal error",
            "Something failed inside the service; the fault is not in the request. It has been logged "
            "under the id in the X-Request-ID header: quote that id when you report it.",
        ),
        ProblemCode.DATABASE_UNAVAILABLE: ProblemKind(
            503,
            "Database unavailable",
            "The database cannot be reached or has no connection to spare at this moment. The request may"
            " be right; send it again after the time in the Retry-After header.",
            retry_after=5,
        ),
        ProblemCode.OVERLOADED: ProblemKind(
            503,
            "Too busy",
            "The service has as much to do at this moment as it takes on at once. Nothing was stored; send "
            "the request again after the time in the Retry-After header.",
            retry_after=2,
        ),
        ProblemCode.TIMEOUT: ProblemKind(
            503,
            "Query timed out",
            "The query was too expensive: it took longer than the service allows one statement, and was "
            "cancelled. Narrow it with more filters, fewer groups or a smaller limit; a whole result is "
            "better had as a file, or as the download of a release. It may also have met a busy moment: then "
            "it succeeds when it is sent again after the time in the Retry-After header.",
            retry_after=30,
        ),
    }
)
