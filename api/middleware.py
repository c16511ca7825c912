"""What is done to every request around its route, in plain ASGI; the order is in `stack()`.

Compression, the access log and the request id have modules of their own. No route is known here: the aliases
are told which names they stand for.
"""

import logging
from collections.abc import Collection, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.accesslog import AccessLogMiddleware
from api.compression import CompressionMiddleware
from api.counting import RouteMiddleware
from api.errors import AnswerCutShortError, ProblemCode, internal_error, problem_response
from api.leaving import LeavingMiddleware
from api.reading import TOLD, RefusalMiddleware, is_preflight
from api.replicas import ReplicaMiddleware
from api.requestid import RequestIdMiddleware
from api.securityheaders import COMMON, SECURE
from api.target import BODILESS, CLIENT_PATH, as_reference, fault_of_host, fault_of_path, raw_path
from api.timing import TimingMiddleware

READS = ("GET", "HEAD", "OPTIONS")
EXPOSED = (
    "Content-Disposition, Content-Location, Deprecation, ETag, Idempotency-Replayed, Link, Location, "
    "Memento-Datetime, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, Sunset, WWW-Authenticate, "
    "X-Dataset-Revision, X-Request-ID"
)
ALLOWED_HEADERS = (
    "Accept, Accept-Datetime, Authorization, If-Modified-Since, If-None-Match, Last-Event-ID, Range, "
    "X-Dataset-Revision, X-Request-ID"
)

logger = logging.getLogger(__name__)


def stack(*, aliases: Collection[str], max_url_length: int, secure: bool = False) -> Sequence[Middleware]:
    """List the middleware, outermost first.

    What every answer must have is outside of what answers by itself; HEAD is outside of compression, so that
    its headers are those of GET; the catch-all is outside of all that may fail.

    `secure`: readers come by TLS, whatever brings their requests here.
    """
    return [
        Middleware(RequestIdMiddleware),
        Middleware(AccessLogMiddleware),
        Middleware(TimingMiddleware),
        Middleware(CommonHeadersMiddleware, secure=secure),
        Middleware(HeadMiddleware),
        Middleware(RefusalMiddleware),
        Middleware(FailureMiddleware),
        Middleware(TargetMiddleware, max_length=max_url_length),
        Middleware(AliasMiddleware, names=aliases),
        Middleware(LeavingMiddleware),
        Middleware(CompressionMiddleware),
        Middleware(ReplicaMiddleware),
        Middleware(RouteMiddleware),
    ]


class CommonHeadersMiddleware:
    """Prevents browsers from taking answers for what they are not, and from keeping other origins' pages out.

    Starlette's CORSMiddleware adds nothing where a request has no Origin, so that a shared cache would give
    browsers an answer they must refuse; and it refuses preflights in plain text. This one says the same to
    everybody: any origin may read, nobody's cookies count.
    """

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app = app
        self.secure = secure
        self.cors = [
            (b"access-control-allow-origin", b"*"),
            (b"access-control-expose-headers", EXPOSED.encode()),
            (b"timing-allow-origin", b"*"),
        ]
        self.preflight = [
            (b"access-control-allow-origin", b"*"),
            (b"access-control-allow-methods", ", ".join(READS).encode()),
            (b"access-control-allow-headers", ALLOWED_HEADERS.encode()),
            (b"access-control-max-age", b"86400"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or add the headers to the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        secure = self.secure or scope.get("scheme") == "https"
        common = (*COMMON, SECURE) if secure else COMMON
        if is_preflight(scope):
            preflight = [*self.preflight, *common]
            await send({"type": "http.response.start", "status": 204, "headers": preflight})
            await send({"type": "http.response.body", "body": b""})
            return

        told = scope.get(TOLD, ())

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", ()))
                said = {name for name, _ in own}
                ours = [pair for pair in common if pair[0] not in said]
                # limits on writing hold for everybody, and their refusal tells of itself
                of_reader = () if message["status"] == 429 else told
                message = {**message, "headers": [*own, *self.cors, *ours, *of_reader]}
            await send(message)

        await self.app(scope, receive, send_with_headers)


class HeadMiddleware:
    """Prevents HEAD from telling other headers than GET: inward it is a GET, and only its body is dropped.

    What is streamed ends with its first piece, as if the client had left then: the rest would be for nobody,
    and the stream may be an endless one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run HEAD as GET."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        ended = False

        async def send_without_body(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                await send(message)
            elif not ended:
                ended = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                if message.get("more_body", False):
                    raise ClientDisconnect

        await self.app({**scope, "method": "GET", BODILESS: True}, receive, send_without_body)


class FailureMiddleware:
    """Prevents a 500 without the headers that every answer has, and a second trace of it in the server's log.

    Starlette's own handler of last resort stands outside of all middleware and raises again what it answered.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request; answer what nobody else did."""
        started = False

        async def watching_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watching_send)
        except ClientDisconnect:
            logger.debug("the client left")
        except Exception as error:
            if scope["type"] != "http":
                raise
            response = internal_error(scope, error)
            if started:
                raise AnswerCutShortError(str(scope["path"])) from None
            await response(scope, receive, send)


class TargetMiddleware:
    """Prevents URLs that no later code can treat right: endless ones, paths that are no text, no hosts.

    PostgreSQL's text holds nothing but UTF-8 without NUL; servers differ in what they make of such a path.
    """

    def __init__(self, app: ASGIApp, *, max_length: int) -> None:
        self.app = app
        self.max_length = max_length

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is too long or malformed."""
        if scope["type"] == "http":
            raw = raw_path(scope)
            length = len(raw) + len(scope["query_string"])
            if length > self.max_length:
                detail = f"Path and query have {length} bytes; at most {self.max_length} are read."
                response = problem_response(scope, ProblemCode.URI_TOO_LONG, detail)
                await response(scope, receive, send)
                return
            fault = fault_of_path(raw) or fault_of_host(Headers(scope=scope))
            if fault:
                await problem_response(scope, ProblemCode.BAD_REQUEST, fault)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class AliasMiddleware:
    """Prevents the short paths that people type from being a second API: they are the v1 paths, read-only.

    `/exchanges?…` runs as `/v1/exchanges?…` and says so in Content-Location.
    """

    def __init__(self, app: ASGIApp, *, names: Collection[str]) -> None:
        self.app = app
        self.names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run an unversioned path as its v1 path."""
        if scope["type"] != "http" or self._name(scope["path"]) not in self.names:
            await self.app(scope, receive, send)
            return
        allow = ", ".join(READS)
        raw = raw_path(scope)
        target = b"/v1" + raw
        if scope["method"] not in READS:
            detail = f"Unversioned paths take {allow}. Send {scope['method']} to {as_reference(target)}."
            response = problem_response(
                scope, ProblemCode.METHOD_NOT_ALLOWED, detail, headers={"Allow": allow}
            )
            await response(scope, receive, send)
            return
        query: bytes = scope["query_string"]
        location = as_reference(target + b"?" + query if query else target)

        async def send_with_location(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "allow" in headers:
                    headers["Allow"] = allow
                if 200 <= message["status"] < 300 or message["status"] == 304:
                    headers["Content-Location"] = location
            await send(message)

        inward = {**scope, "path": "/v1" + scope["path"], "raw_path": target, CLIENT_PATH: raw}
        await self.app(inward, receive, send_with_location)

    @staticmethod
    def _name(path: str) -> str:
        return path[1:].partition("/")[0].partition(".")[0]
