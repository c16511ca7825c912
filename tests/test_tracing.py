"""Traces, as a receiver of OpenTelemetry's own protocol gets them from a real server."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from api import __version__, tracing
from tests.databases import database_url, drop_database, make_clone
from tests.embedded_users import REPOSITORY, eventually
from tests.live import apart
from tests.serving import Server, environment, free_port, serving

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLER = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
LIST = "/v1/exchanges?mediator=UAE&limit=1"
SERVER, CLIENT = 2, 3  # kinds of spans
VARIABLES = (
    "OTEL_SDK_DISABLED",
    "OTEL_TRACES_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
)


@dataclass
class Receiver:
    """What has been received, and where it is to be sent."""

    endpoint: str
    bodies: list[bytes] = field(default_factory=list)

    def resources(self) -> list[Any]:
        return [
            each
            for body in list(self.bodies)
            for each in ExportTraceServiceRequest.FromString(body).resource_spans
        ]

    def spans(self, trace: str = TRACE) -> list[Any]:
        return [
            span
            for resource in self.resources()
            for scope in resource.scope_spans
            for span in scope.spans
            if span.trace_id.hex() == trace
        ]


def attributes(spoken: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in spoken.attributes}


@contextmanager
def receiving() -> Iterator[Receiver]:
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") != "gzip":
                bodies.append(body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Receiver(f"http://127.0.0.1:{server.server_port}", bodies)
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def database(server_url: str, loaded_template: str) -> Iterator[str]:
    name = apart(make_clone(server_url, loaded_template))
    yield database_url(server_url, name)
    apart(drop_database(server_url, name))


@dataclass
class Traced:
    """A server that sends its traces to a receiver."""

    server: Server
    receiver: Receiver

    def ask(self, target: str, **headers: str) -> str:
        """Ask, and give the id of the request."""
        url = f"http://127.0.0.1:{self.server.port}{target}"
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            answer.read()
            return str(answer.headers["x-request-id"])

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.server.said.splitlines() if line.startswith("{")]

    def line(self, request_id: str) -> dict[str, Any]:
        """Give the log's line of a request."""

        def found() -> dict[str, Any] | None:
            return next((line for line in self.lines() if line.get("request_id") == request_id), None)

        return dict(eventually(found))

    def served(self, trace: str, count: int) -> Sequence[Any]:
        """Give the spans of so many requests of a trace, once they have come."""

        def spans() -> list[Any]:
            return [span for span in self.receiver.spans(trace) if span.kind == SERVER]

        return list(eventually(lambda: len(spans()) >= count and spans()))


@contextmanager
def tracing_server(database: str, folder: Path, **settings: str) -> Iterator[Traced]:
    with receiving() as receiver:
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50"} | settings
        with serving(folder / "unused", DATABASE_URL=database, **told) as server:
            server.answer()
            yield Traced(server, receiver)


@pytest.fixture(scope="module")
def traced(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    with tracing_server(database, tmp_path_factory.mktemp("traced")) as made:
        yield made


def test_the_callers_trace_goes_on(traced: Traced) -> None:
    request_id = traced.ask(LIST, **CALLER)
    [span, *_] = traced.served(TRACE, 1)
    assert span.parent_span_id.hex() == PARENT
    assert span.name == "GET /v1/exchanges"
    told = attributes(span)
    assert told["http.route"] == "/v1/exchanges"
    assert told["http.response.status_code"] == 200
    assert (told["url.path"], told["url.query"]) == ("/v1/exchanges", "mediator=UAE&limit=1")
    assert not told["exchanges.cache_hit"]
    assert traced.line(request_id)["trace_id"] == TRACE
    statements = [each for each in traced.receiver.spans() if each.kind == CLIENT]
    assert statements
    assert {each.parent_span_id for each in statements} == {span.span_id}
    assert all(attributes(each)["db.system.name"] == "postgresql" for each in statements)
    assert all("uae" not in attributes(each)["db.query.text"].casefold() for each in statements)
    assert any(each.name == "SELECT" for each in statements)
    for each in statements:
        assert span.start_time_unix_nano <= each.start_time_unix_nano <= each.end_time_unix_nano


def test_what_is_kept_is_traced_too(traced: Traced) -> None:
    trace = TRACE[::-1]
    caller = {"traceparent": f"00-{trace}-{PARENT}-01"}

    def hit() -> bool:
        traced.ask("/v1/actors?limit=1", **caller)
        spans = [span for span in traced.receiver.spans(trace) if span.kind == SERVER]
        return any(attributes(span)["exchanges.cache_hit"] for span in spans)

    eventually(hit)
    hits = [
        span
        for span in traced.receiver.spans(trace)
        if span.kind == SERVER and attributes(span)["exchanges.cache_hit"]
    ]
    assert hits[0].name == "GET /v1/actors"
    assert hits[0].parent_span_id.hex() == PARENT
    assert attributes(hits[0])["http.response.status_code"] == 200


def test_a_request_without_a_caller_begins_a_trace(traced: Traced) -> None:
    line = traced.line(traced.ask("/v1/publishers?limit=1"))
    [span] = traced.served(line["trace_id"], 1)
    assert not span.parent_span_id


def test_a_key_in_a_query_is_not_told(traced: Traced) -> None:
    trace = "f" * 31 + "0"
    key = "exk_" + "a" * 16 + "_" + "b" * 43
    with pytest.raises(urllib.error.HTTPError):
        traced.ask(f"/v1/exchanges?q={key}&x=1", traceparent=f"00-{trace}-{PARENT}-01")
    [span] = traced.served(trace, 1)
    assert attributes(span)["http.response.status_code"] == 422
    assert span.status.code == Status.STATUS_CODE_UNSET, "what the client did wrong is no failure of ours"
    from db.tokens import redact

    assert redact(key) != key
    assert key not in attributes(span)["url.query"]


def test_a_failure_is_told_as_one(server_url: str, loaded_template: str, tmp_path: Path) -> None:
    name = apart(make_clone(server_url, loaded_template))
    with tracing_server(database_url(server_url, name), tmp_path) as traced:
        apart(drop_database(server_url, name))
        with pytest.raises(urllib.error.HTTPError):
            traced.ask(LIST, **CALLER)
        [span] = traced.served(TRACE, 1)
        assert attributes(span)["http.response.status_code"] >= 500
        assert span.status.code == Status.STATUS_CODE_ERROR


def test_who_the_service_is(traced: Traced) -> None:
    traced.ask(LIST, **CALLER)
    traced.served(TRACE, 1)
    told = attributes(traced.receiver.resources()[0].resource)
    assert told["service.name"] == tracing.SERVICE_NAME
    assert told["service.version"] == __version__


def test_the_standard_variables_name_the_service_and_what_is_left_is_sent(
    database: str, tmp_path: Path
) -> None:
    late = {"OTEL_BSP_SCHEDULE_DELAY": "3600000", "OTEL_SERVICE_NAME": "another"}
    with receiving() as receiver:
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}
        with serving(tmp_path / "unused", DATABASE_URL=database, **endpoint, **late) as server:
            server.answer()
            Traced(server, receiver).ask(LIST, **CALLER)
            assert not receiver.bodies
        assert [span.name for span in receiver.spans() if span.kind == SERVER] == ["GET /v1/exchanges"]
        assert attributes(receiver.resources()[0].resource)["service.name"] == "another"


def test_looking_for_what_is_new_and_for_health_is_no_trace(database: str, tmp_path: Path) -> None:
    with tracing_server(database, tmp_path) as traced:
        traced.server.ask("/readyz")
        traced.server.ask("/readyz?for=writes")
        traced.ask(LIST, **CALLER)
        traced.served(TRACE, 1)
    every = {
        span.trace_id.hex()
        for resource in traced.receiver.resources()
        for scope in resource.scope_spans
        for span in scope.spans
    }
    assert every == {TRACE}


@pytest.mark.parametrize(
    "settings",
    [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}],
)
def test_nothing_is_sent_unless_it_is_asked_for(
    database: str, tmp_path: Path, settings: dict[str, str]
) -> None:
    with tracing_server(database, tmp_path, **settings) as traced:
        line = traced.line(traced.ask(LIST, **CALLER))
        assert "trace_id" not in line
    assert not traced.receiver.bodies


def test_nothing_is_imported_unless_it_is_asked_for() -> None:
    asked = "import sys; from api.main import create_app, with_cache; with_cache(create_app()); "
    asked += "print('opentelemetry.sdk' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=REPOSITORY,
        env={name: value for name, value in environment().items() if name not in VARIABLES},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == "False"


MISSING = """
import sys
class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("opentelemetry.sdk"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Nowhere())
"""


def test_what_is_missing_is_told_in_one_line(database: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(MISSING)
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "DATABASE_URL": database}
    result = subprocess.run(
        [sys.executable, "-m", "api.cli", "serve", f"--port={free_port()}"],
        cwd=REPOSITORY,
        env=environment(PYTHONPATH=f"{tmp_path}:{REPOSITORY}", **settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 1
    assert result.stderr == (
        "error: the environment asks for traces (OTEL_…), and what sends them is not installed: install "
        "prisoner-exchange-api[tracing], or set OTEL_SDK_DISABLED=true\n"
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"OTEL_TRACES_EXPORTER": "zipkin"},
            "OTEL_TRACES_EXPORTER is 'zipkin'; traces are sent by otlp, or by none",
        ),
        (
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'; traces are sent by http/protobuf",
        ),
    ],
)
def test_what_cannot_be_done_is_told(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(tracing.TracingError) as caught:
        tracing.check()
    assert str(caught.value) == said
