"""A reverse proxy before a live server, for tests of clients: it notes what passes, refuses and changes.

The service behind it is the real one. What it adds is what a client must bear and no test can make the
service do at will: refusals with Retry-After, and words and fields that the contract does not know yet.
"""

import http.client
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Thread
from urllib.parse import urlsplit

OF_CONNECTIONS = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Passed:
    """A request as it was answered."""

    method: str
    path: str
    status: int
    is_conditional: bool
    at: float


@dataclass
class Front:
    """The proxy. `refusals` are used up, by method and path; each is a status and its Retry-After."""

    behind: str
    passed: list[Passed] = field(default_factory=list)
    refusals: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    change: Callable[[bytes], bytes] | None = None
    base: str = ""

    def of(self, method: str, path: str) -> list[Passed]:
        """Give the requests of a path, whatever their query."""
        return [each for each in self.passed if (each.method, urlsplit(each.path).path) == (method, path)]

    def waits(self, method: str, path: str) -> list[float]:
        """Give how many seconds lay between them."""
        return [later.at - earlier.at for earlier, later in pairwise(self.of(method, path))]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Let clients leave as they like; anything else is a fault of the proxy."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def front_of(behind: str) -> Iterator[Front]:
    """Run a proxy before the server of a base URL."""
    front = Front(behind)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            began = time.monotonic()
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, answered = self._refused() or self._asked(body)
            conditional = "If-None-Match" in self.headers
            front.passed.append(Passed(self.command, self.path, status, conditional, began))
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(answered)))
            self.end_headers()
            self.wfile.write(answered)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def _refused(self) -> tuple[int, list[tuple[str, str]], bytes] | None:
            waiting = front.refusals[f"{self.command} {urlsplit(self.path).path}"]
            if not waiting:
                return None
            status, seconds = waiting.pop(0)
            told = (
                b'{"type": "/problems/overloaded", "title": "Too busy", "status": %d, "instance": "/",'
                b' "detail": "Not now.", "code": "overloaded", "errors": [], "conflicts": [],'
                b' "current_etag": null}'
            ) % status
            return status, [("Retry-After", seconds), ("Content-Type", "application/problem+json")], told

        def _asked(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            sent = {name.lower(): value for name, value in self.headers.items()}
            sent = {name: value for name, value in sent.items() if name not in OF_CONNECTIONS}
            if front.change is not None:
                sent["accept-encoding"] = "identity"
            connection = http.client.HTTPConnection(urlsplit(front.behind).netloc, timeout=60)
            try:
                connection.request(self.command, self.path, body or None, sent)
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            if front.change is not None:
                content = front.change(content)
            kept = [each for each in answer.getheaders() if each[0].lower() not in OF_CONNECTIONS]
            return answer.status, kept, content

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        front.base = f"http://127.0.0.1:{server.server_port}"
        yield front
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
