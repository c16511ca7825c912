"""The id of the request being answered: where it comes from and how the rest of the code asks for it.

What is done with it (problem answers, log lines) is written where those are made.
"""

import os
import re
import secrets
from contextvars import ContextVar
from itertools import count

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,128}")

# Nobody has to be unable to guess an id; it must only be no other's.
_start = secrets.token_hex(6)
_number = count(16**12 + 1)  # a first digit that is left out: hex() is faster than filling up with zeros

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """Give the id of the request being answered, or None outside of one."""
    return _current.get()


def new_request_id() -> str:
    """Make an id that no other request has."""
    return _start + hex(next(_number))[3:]


def _start_anew() -> None:
    global _start  # noqa: PLW0603  (workers that are forked must not share it)
    _start = secrets.token_hex(6)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)


class RequestIdMiddleware:
    """Prevents answers and log lines that nobody can match: each request has one id, told in its answer.

    A client's id is kept when it is harmless in a log and in a header; otherwise a new one is made.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request under its id."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if ACCEPTED.fullmatch(given) else new_request_id()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        token = _current.set(request_id)
        try:
            await self.app(scope, receive, send_with_id)
        finally:
            _current.reset(token)
