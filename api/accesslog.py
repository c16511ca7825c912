"""The service's log: one JSON object a line, written by threads so that no request waits for a terminal.

Lines of requests are made at once, as text, and written many at a time: a logger's record for each would cost
more than the answer from the cache that it tells of, and so would objects that the garbage collector looks
after. All else that is logged goes through `logging` and a queue.
Who answers without the middleware notes its requests by itself (`api/caching.py`). What is counted is in
`api/counting.py`.
"""

import json
import logging
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from typing import Any, TextIO

from pythonjsonlogger.json import JsonFormatter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import tracing
from api.counting import ROUTED, Routed, counts
from api.requestid import current_request_id
from api.target import raw_path
from db.tokens import redact

SECONDS_OF_A_BATCH = 0.05
MOST_WAITING = 100_000  # lines; a log that takes none for long loses the oldest
REMEMBERED = 512  # bytes of path and query whose JSON is remembered
# Where Postgres quotes the row at fault, up to what may follow in a trace: not all that rows hold is public.
DETAIL = re.compile(
    r"^[ |]*DETAIL:.*?(?=^[ |]*(?:HINT:|\[SQL: |The above exception |During handling |\+-)|\Z)",
    re.DOTALL | re.MULTILINE,
)

# Where lines go while logging is configured at a level that wants them: once, but for tests that look on.
_wanted: list["_Lines"] = []


def note(scope: Scope, request_id: str | None, *, status: int, size: int, took: float) -> None:
    """Log what became of a request, and how many seconds it took."""
    if not _wanted:
        return
    second, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    client = scope.get("client")
    path, query = raw_path(scope), scope["query_string"]
    start = _known_start if len(path) + len(query) <= REMEMBERED else _new_start
    what = start(scope["method"], path, query, status, size, client[0] if client else None)
    named = "null" if request_id is None else f'"{request_id}"'
    trace_id = None if tracing.active is None else tracing.active.trace_id()
    traced = "" if trace_id is None else f'"trace_id": "{trace_id}", '
    line = (
        f'{what}"request_id": {named}, {traced}"duration_ms": {took * 1000:.3f}, '
        f'"time": "{_second(second)}.{nanoseconds // 1000:06d}+00:00"}}\n'
    )
    for lines in _wanted:
        lines.add(line)


def _new_start(  # noqa: PLR0917  (what it is remembered by; names would have to be compared too)
    method: str, path: bytes, query: bytes, status: int, size: int, client: str | None
) -> str:
    """Write what many lines have in common."""
    told = {
        "level": "INFO",
        "logger": "api.access",
        "message": "request",
        "method": method,
        "path": path.decode("latin-1"),
        "query": query.decode("latin-1"),
        "status": status,
        "bytes": size,
        "client": client,
    }
    return f"{json.dumps(told)[:-1]}, "  # in ASCII: there are control characters beyond it


_known_start = lru_cache(maxsize=4096)(_new_start)


@lru_cache(maxsize=16)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class AccessLogMiddleware:
    """Prevents a service that cannot say what it did: whatever became of a request, it is logged and counted.

    It logs no header but the request id, so that no secret gets into the log by that way.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request and log it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        routed = Routed()
        status = sent = 0

        async def counting_send(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self.app({**scope, ROUTED: routed}, receive, counting_send)
        finally:
            took = time.perf_counter() - began
            counts.request(scope["method"], routed.route, status, took)
            if tracing.active is not None:
                tracing.active.routed(scope["method"], routed.route)
            note(scope, current_request_id(), status=status, size=sent, took=took)


class _Lines(threading.Thread):
    """Writes the lines that were noted, all that wait at once; it sleeps while there are none."""

    def __init__(self, writer: "_Writer") -> None:
        super().__init__(name="access log", daemon=True)
        self._writer = writer
        self._waiting: deque[str] = deque(maxlen=MOST_WAITING)
        self._some = threading.Event()
        self._over = threading.Event()

    def add(self, line: str) -> None:
        self._waiting.append(line)
        if not self._some.is_set():
            self._some.set()

    def run(self) -> None:
        while not self._over.is_set():
            self._some.wait()
            self._over.wait(SECONDS_OF_A_BATCH)
            self._some.clear()
            self._write()

    def end(self) -> None:
        """Write what is left."""
        self._over.set()
        self._some.set()
        self.join()
        self._write()

    def _write(self) -> None:
        written = []
        while self._waiting:
            written.append(self._waiting.popleft())
        if written:
            try:
                self._writer.write(redact("".join(written)))
            except (OSError, ValueError) as error:  # no room, a closed stream: answers go on without a log
                sys.stderr.write(f"cannot write the access log: {error}\n")


class _Producer(QueueHandler):
    """Hands records over as they are, with the request's id, which the writing thread could not know."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        record.request_id = current_request_id()
        trace_id = None if tracing.active is None else tracing.active.trace_id()
        if trace_id is not None:
            record.trace_id = trace_id
        return record


class _Consumer(QueueListener):
    """Writes all that waits, then flushes once."""

    def __init__(self, records: SimpleQueue[logging.LogRecord], writer: "_Writer") -> None:
        super().__init__(records, writer)
        self._records = records
        self._writer = writer

    def handle(self, record: logging.LogRecord) -> None:
        super().handle(record)
        if self._records.empty():
            self._writer.stream.flush()


class _Formatter(JsonFormatter):
    """Blots out of whatever is logged the keys, since a URL or an error may hold one by mistake, and rows."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802  (the name is logging's)
        """Give the trace of an error without the rows that it quotes."""
        return DETAIL.sub("DETAIL: …\n", logging.Formatter.formatException(self, ei))


class _Writer(logging.StreamHandler[TextIO]):
    """Leaves flushing to the consumer; two threads write to its stream, one after the other."""

    def write(self, text: str) -> None:
        """Write whole lines, and flush."""
        self.acquire()
        try:
            self.stream.write(text)
            self.stream.flush()
        finally:
            self.release()

    def flush(self) -> None:
        """Do nothing, since StreamHandler.emit() flushes after each line."""


@contextmanager
def configure_logging(level: str = "INFO", stream: TextIO | None = None) -> Iterator[None]:
    """Send all that is logged to the stream (standard output) as JSON lines, as long as the context lasts."""
    writer = _Writer(stream or sys.stdout)
    writer.setFormatter(
        _Formatter(
            ["levelname", "name", "message", "request_id"],
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
            json_ensure_ascii=False,
        )
    )
    queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
    producer = _Producer(queue)
    listener = _Consumer(queue, writer)
    root = logging.getLogger()
    before = root.level
    root.addHandler(producer)
    root.setLevel(level.upper())
    listener.start()
    lines = _Lines(writer)
    lines.start()
    if root.isEnabledFor(logging.INFO):
        _wanted.append(lines)
    try:
        yield
    finally:
        if lines in _wanted:
            _wanted.remove(lines)
        lines.end()
        root.removeHandler(producer)
        root.setLevel(before)
        listener.stop()
        writer.stream.flush()
