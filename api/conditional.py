"""What the request's headers ask of an answer: whether the client's copy still holds, and which media type.

Pure functions of headers. Where ETags come from is the routes' business; how that of an encoded variant
differs is in `api/compression.py`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from starlette.datastructures import Headers
from starlette.requests import Request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import http_date as werkzeug_http_date
from werkzeug.http import parse_accept_header, parse_date, parse_etags, unquote_etag

from api.errors import ApiError, ProblemCode

JSON = "application/json"


def http_date(moment: datetime) -> str:
    """Write a moment the way HTTP headers want it."""
    return werkzeug_http_date(moment.astimezone(UTC))


def is_not_modified(headers: Headers, etag: str, last_modified: datetime | None = None) -> bool:
    """Tell whether to answer 304 to a GET: the client's copy is what it would get.

    If-None-Match, compared weakly, decides alone where it is sent, even malformed; If-Modified-Since counts
    only without it, in whole seconds, and not where it is no date.
    """
    if "if-none-match" in headers:
        known = parse_etags(", ".join(headers.getlist("if-none-match")))
        tag, _ = unquote_etag(etag)
        return tag is not None and known.contains_weak(tag)
    if last_modified is None:
        return False
    since = parse_date(headers.get("if-modified-since"))
    return since is not None and last_modified.replace(microsecond=0) <= since


def require_match(headers: Headers, number: int, noun: str) -> None:
    """Refuse a write that does not say which revision of a thing it speaks of, or names another.

    `number` is the one that the thing has, which is its ETag; the tag of an encoded answer has the encoding
    behind it (`"7-gzip"`). Weak tags and `*` name no revision.

    Raises:
        ApiError: precondition_required or precondition_failed, with the current ETag.
    """
    sent = ", ".join(headers.getlist("if-match"))
    named = [tag for tag in parse_etags(sent).as_set() if tag]
    current = f'"{number}"'
    if not named:
        unfit = ", not *" if sent.strip() == "*" else ", without W/" if sent.strip().startswith("W/") else ""
        detail = f"Say which revision of the {noun} you have seen: send its ETag in If-Match{unfit}."
        raise ApiError(ProblemCode.PRECONDITION_REQUIRED, detail, current_etag=current)
    if not any(tag.partition("-")[0] == str(number) for tag in named):
        detail = f"The {noun} has revision {number}, not the one in If-Match."
        raise ApiError(ProblemCode.PRECONDITION_FAILED, detail, current_etag=current)


def best_media_type(headers: Headers, offered: Sequence[str]) -> str | None:
    """Choose among the offered media types by Accept; None if it excludes them all.

    Of equals the first offered wins. Parameters beside q are ignored: `application/json; charset=utf-8` asks
    for JSON. An Accept without a single readable media type counts as absent.
    """
    # Java's HttpURLConnection writes q=.2 by default, which RFC 9110 does not know
    value = ", ".join(headers.getlist("accept")).replace("=.", "=0.")
    ranges = [(item.partition(";")[0].strip(), quality) for item, quality in parse_accept_header(value)]
    accept = MIMEAccept([(item, quality) for item, quality in ranges if "/" in item])
    return accept.best_match(offered) if accept else offered[0]


def negotiate(request: Request, *offered: str) -> str:
    """Choose the media type of an answer.

    Raises:
        ApiError: not_acceptable.
    """
    chosen = best_media_type(request.headers, offered)
    if chosen is None:
        detail = f"This path answers with {' or '.join(offered)}, which Accept excludes."
        raise ApiError(ProblemCode.NOT_ACCEPTABLE, detail)
    return chosen


def require_json(request: Request) -> None:
    """Refuse a request that does not accept JSON.

    Raises:
        ApiError: not_acceptable.
    """
    negotiate(request, JSON)
