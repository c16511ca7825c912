"""The service's log: one JSON object a line, written by a thread so that no request waits for a terminal.

What is logged elsewhere goes through the same queue. Metrics are not made here.
"""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from typing import TextIO

from pythonjsonlogger.json import JsonFormatter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.requestid import current_request_id
from api.target import raw_path
from db.tokens import redact

access = logging.getLogger("api.access")


class AccessLogMiddleware:
    """Prevents a service that cannot say what it did: one line per request, whatever became of it.

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
        status = sent = 0

        async def counting_send(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, counting_send)
        finally:
            client = scope.get("client")
            access.info(
                "request",
                extra={
                    "method": scope["method"],
                    "path": raw_path(scope).decode("latin-1"),
                    "query": scope["query_string"].decode("latin-1"),
                    "status": status,
                    "bytes": sent,
                    "duration_ms": round((time.perf_counter() - began) * 1000, 3),
                    "client": client[0] if client else None,
                },
            )


class _Producer(QueueHandler):
    """Hands records over as they are, with the request's id, which the writing thread could not know."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        record.request_id = current_request_id()
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
    """Blots keys out of whatever is logged: a URL may hold one by mistake, and so may an error."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class _Writer(logging.StreamHandler[TextIO]):
    """Leaves flushing to the consumer."""

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
    try:
        yield
    finally:
        root.removeHandler(producer)
        root.setLevel(before)
        listener.stop()
        writer.stream.flush()
