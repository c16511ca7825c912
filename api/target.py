"""Where a request went: its path as the client wrote it, what may be wrong with it, the service's own URL.

Pure functions of the ASGI scope. What is answered to a malformed path is in `api/middleware.py`.
"""

import re
from urllib.parse import quote, unquote_to_bytes

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

CLIENT_PATH = "exchanges.client_path"  # scope key: the path before an alias was resolved
BODILESS = "exchanges.bodiless"  # scope key: no body will be sent, since the client asked with HEAD

HOST = re.compile(r"(?:[A-Za-z0-9._~-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?|")  # RFC 9110, 7.2
BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def raw_path(scope: Scope) -> bytes:
    """Give the path that is being answered, still percent-encoded."""
    raw: bytes | None = scope.get("raw_path")
    return quote(scope["path"], errors="replace").encode() if raw is None else raw


def client_path(scope: Scope) -> str:
    """Give the path that the client asked for, as a URI reference."""
    raw: bytes = scope.get(CLIENT_PATH) or raw_path(scope)
    return as_reference(raw)


def as_reference(raw: bytes) -> str:
    """Write a target as a valid URI reference; what the client has encoded already stays as it is."""
    return quote(raw, safe="/%:@!$&'()*+,;=~?")


def fault_of_path(raw: bytes) -> str | None:
    """Say in a sentence why a path is no text that could name a resource; None if it is."""
    if BROKEN_ESCAPE.search(raw):
        return "The path has a % that is not followed by two hexadecimal digits."
    decoded = unquote_to_bytes(raw)
    if b"\0" in decoded:
        return "The path holds a NUL."
    try:
        decoded.decode()
    except UnicodeDecodeError:
        return "The path is not UTF-8."
    return None


def fault_of_host(headers: Headers) -> str | None:
    """Say in a sentence why the header Host names no host; None if it does. What is printed may name it."""
    given = headers.getlist("host")
    if len(given) > 1:
        return "The request has more than one Host header."
    if given and not HOST.fullmatch(given[0]):
        return "The Host header names no host."
    return None


def base_of(request: Request) -> str:
    """Give the URL that readers find the service at, without a slash at its end.

    It is the one that is set (`PUBLIC_URL`), or the one that the request was sent to.
    """
    chosen: object = request.app.state.settings.public_url
    return str(chosen or request.base_url).rstrip("/")
