"""Traces by OpenTelemetry, for whoever sets its standard variables; else nothing of it is imported or run.

The span of a request goes on where the caller's `traceparent` says, and every statement that is sent to the
database meanwhile is a span in it. FastAPI's own spans are left out (`api/main.py`): they would not show what
is answered from what is kept. The service calls no other one that a trace could be passed on to.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from opentelemetry import propagate, trace
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import __version__
from db.tokens import redact

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

SERVICE_NAME = "prisoner-exchange-api"  # unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES says another
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"
PACKAGES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
UNTRACED = frozenset({"/healthz", "/readyz"})  # asked by machines, every few seconds


class TracingError(Exception):
    """Traces are asked for in a way that is not possible; the message is one line."""


def is_wanted() -> bool:
    """Tell whether the environment asks for traces."""
    if _variable("OTEL_SDK_DISABLED").lower() == "true":
        return False
    exporter = _variable("OTEL_TRACES_EXPORTER")
    return exporter != "none" and any(map(_variable, ("OTEL_TRACES_EXPORTER", *ENDPOINTS)))


def check() -> None:
    """Make sure that traces can be sent, if the environment asks for them.

    Raises:
        TracingError: saying what is missing.
    """
    if not is_wanted():
        return
    exporter = _variable("OTEL_TRACES_EXPORTER") or "otlp"
    if exporter != "otlp":
        raise TracingError(f"OTEL_TRACES_EXPORTER is {exporter!r}; traces are sent by otlp, or by none")
    protocol = next(filter(None, map(_variable, PROTOCOLS)), PROTOCOL)
    if protocol != PROTOCOL:
        raise TracingError(f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}; traces are sent by {PROTOCOL}")
    if not all(map(_is_installed, PACKAGES)):
        raise TracingError(
            "the environment asks for traces (OTEL_…), and what sends them is not installed: install "
            "prisoner-exchange-api[tracing], or set OTEL_SDK_DISABLED=true"
        )


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # not even what it is in
        return False


class Tracing:
    """What makes spans while traces are sent."""

    def __init__(self, provider: "TracerProvider") -> None:
        self.tracer = provider.get_tracer("exchanges", __version__)

    def trace_id(self) -> str | None:
        """Give the id of the trace that the running request is part of."""
        context = trace.get_current_span().get_span_context()
        return trace.format_trace_id(context.trace_id) if context.is_valid else None

    def routed(self, method: str, route: str, *, kept: bool = False) -> None:
        """Note which route the running request took, and whether it was answered from what is kept."""
        span = trace.get_current_span()
        span.update_name(f"{method} {route}")
        span.set_attributes({"http.route": route, "exchanges.cache_hit": kept})

    def statement(self, statement: str, seconds: float) -> None:
        """Make the span of a statement that has just been run for a request that is traced.

        What it was run with is not told.
        """
        if self.trace_id() is None:
            return
        ended = time.time_ns()
        self.tracer.start_span(
            statement.split(None, 1)[0].upper() if statement.strip() else "statement",
            kind=trace.SpanKind.CLIENT,
            start_time=ended - int(seconds * 1_000_000_000),
            attributes={"db.system.name": "postgresql", "db.query.text": statement},
        ).end(ended)


# What makes spans in this process, while its service runs and the environment asks for it.
active: Tracing | None = None


@asynccontextmanager
async def sent() -> AsyncIterator[None]:
    """Send traces as long as the context lasts, if the environment asks for them."""
    global active  # noqa: PLW0603  (as there is one log of a process)
    if not is_wanted():
        yield
        return
    provider = _provider()
    active = Tracing(provider)
    try:
        yield
    finally:
        active = None
        await asyncio.to_thread(provider.shutdown)


def _provider() -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    ours = Resource.create({"service.name": SERVICE_NAME, "service.version": __version__})
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class TracingMiddleware:
    """Prevents requests that nobody can follow from one service to the next, those that are kept included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request in a span."""
        if scope["type"] != "http" or active is None or scope["path"] in UNTRACED:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        attributes = {
            "http.request.method": scope["method"],
            "url.scheme": scope.get("scheme", "http"),
            "url.path": scope["path"],
            "url.query": redact(scope["query_string"].decode("latin-1")),
        }
        with active.tracer.start_as_current_span(
            scope["method"],
            context=propagate.extract(headers),
            kind=trace.SpanKind.SERVER,
            attributes=attributes,
        ) as span:

            async def noting_send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(trace.StatusCode.ERROR)
                await send(message)

            await self.app(scope, receive, noting_send)
