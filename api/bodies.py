"""Reading request bodies strictly: their size, their media type, their JSON, and what is wrong in it.

How one JSON text is read is in `db/strictjson.py`, with which dataset files are read too. What a body means
is the routes' business.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import NoReturn, TypeVar, cast

from jsonpointer import JsonPointer
from pydantic import BaseModel
from starlette.requests import Request
from werkzeug.http import parse_options_header

from api.conditional import JSON
from api.errors import ApiError, ProblemCode, ProblemItem
from api.settings import HttpSettings
from db.checks import WriteError
from db.strictjson import Fault, FaultyJsonError, JsonObject, Location, decode, location_of, parse, validated
from db.wording import shortened

MERGE_PATCH = "application/merge-patch+json"
PATCHES = (MERGE_PATCH, JSON)
MOST_ITEMS = 100  # faults that one problem lists
_UTF8 = frozenset({"utf-8", "utf8"})

M = TypeVar("M", bound=BaseModel)


def settings_of(request: Request) -> HttpSettings:
    """Give the settings of the application."""
    return cast("HttpSettings", request.app.state.settings)


async def read_json(
    request: Request, media_types: Sequence[str] = (JSON,), limit: int | None = None
) -> JsonObject:
    """Give the object that the body is; `limit` bounds its bytes, the setting if it is None.

    Raises:
        ApiError: payload_too_large, unsupported_media_type, or invalid_body with everything that is wrong.
    """
    pieces = read_body(request, media_types, settings_of(request).max_body_size if limit is None else limit)
    data = b"".join([piece async for piece in pieces])
    try:
        return parse(decode(data))
    except FaultyJsonError as bad:
        detail = f"The body {bad.faults[0].message}" if not bad.faults[0].location else None
        raise invalid_body(items_of(bad.faults), bad.more, detail) from None


async def read_body(request: Request, media_types: Sequence[str], limit: int) -> AsyncIterator[bytes]:
    """Give the pieces of the body as they arrive; nothing is read of one that is refused by its headers.

    Raises:
        ApiError: payload_too_large or unsupported_media_type.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise _too_large(limit)
    typed = "content-type" in request.headers
    if typed:
        _check_media_type(request, media_types)
    _check_encoding(request)
    read = 0
    async for piece in request.stream():
        if piece and not typed:
            _refuse_type("The body has no Content-Type", media_types)
        read += len(piece)
        if read > limit:
            raise _too_large(limit)
        yield piece


def as_input(model: type[M], value: JsonObject, prefix: Location = ()) -> M:
    """Give a JSON value as what a curator writes, by the same rules as a line of a dataset file.

    `prefix` is where the value stands in the body.

    Raises:
        ApiError: invalid_body, with everything that is wrong.
    """
    try:
        return validated(model, value)
    except FaultyJsonError as bad:
        raise invalid_body(items_of(bad.faults, prefix), bad.more) from None


def items_of(faults: Iterable[Fault], prefix: Location = ()) -> list[ProblemItem]:
    """Tell faults of a body, or of what stands in it at `prefix`, as problems do."""
    return [item_of(fault, fault.message, prefix) for fault in faults]


def item_of(fault: Fault, message: str, prefix: Location = ()) -> ProblemItem:
    """Tell one fault in other words, and where it stands if the text is part of a body."""
    return ProblemItem(
        pointer=pointer_of((*prefix, *fault.location)),
        code=fault.code,
        message=message,
        allowed=list(fault.allowed),
        suggestions=list(fault.suggestions),
    )


def items_of_write_error(error: WriteError, pointer_prefix: str = "") -> list[ProblemItem]:
    """Tell why a write is refused, with pointers into the body of a record that begin with a prefix."""
    return [
        ProblemItem(
            pointer=pointer_prefix + pointer_of(location_of(item.field)),
            code=item.code,
            message=item.message,
        )
        for item in error.items
    ]


def invalid_body(items: Sequence[ProblemItem], more: int = 0, detail: str | None = None) -> ApiError:
    """Make the problem of a body that is refused; `more` faults are known besides those of the items."""
    shown = items[:MOST_ITEMS]
    others = len(items) - len(shown) + more
    if detail is None:
        detail = ": ".join(part for part in (shown[0].pointer, shown[0].message) if part)
    if len(shown) > 1:
        detail += f" (and {len(shown) - 1 + others:,} more)"
    if others:
        detail += f"; the first {len(shown)} are listed"
    return ApiError(ProblemCode.INVALID_BODY, f"{detail}.", shown)


def pointer_of(location: Location) -> str:
    """Give the JSON Pointer (RFC 6901) of a place; long names are cut, and surrogates escaped."""
    steps = [shortened(str(step).encode("utf-8", "backslashreplace").decode()) for step in location]
    pointer: str = JsonPointer.from_parts(steps).path
    return pointer


def _check_media_type(request: Request, media_types: Sequence[str]) -> None:
    sent = ", ".join(request.headers.getlist("content-type"))
    media_type, options = parse_options_header(sent)
    if media_type.lower() not in media_types:
        _refuse_type(f"The body is {shortened(sent)!r}", media_types)
    charset = options.get("charset", "utf-8")
    if charset.lower() not in _UTF8:
        _refuse_type(f"The body is in {shortened(charset)!r}, and only UTF-8 is read", media_types)


def _check_encoding(request: Request) -> None:
    encoding = ", ".join(request.headers.getlist("content-encoding"))
    if encoding.strip().lower() not in {"", "identity"}:
        detail = (
            f"The body is encoded as {shortened(encoding)!r}; this path reads bodies that are not encoded."
        )
        raise ApiError(ProblemCode.UNSUPPORTED_MEDIA_TYPE, detail, headers={"Accept-Encoding": "identity"})


def _refuse_type(fault: str, media_types: Sequence[str]) -> NoReturn:
    raise ApiError(
        ProblemCode.UNSUPPORTED_MEDIA_TYPE,
        f"{fault}; this path reads {' and '.join(media_types)}.",
        headers={"Accept": ", ".join(media_types)},
    )


def _too_large(limit: int) -> ApiError:
    return ApiError(
        ProblemCode.PAYLOAD_TOO_LARGE, f"The body is too large; at most {limit:,} bytes are read."
    )
