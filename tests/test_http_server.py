"""What only a real server shows: raw targets, HEAD on the wire, connections broken off, its own log."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.shell_app import BODY, SECRET

ROOT = Path(__file__).parents[1]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Server:
    process: subprocess.Popen[str]
    port: int
    printed: list[str] = field(default_factory=list)

    def send(self, target: bytes, method: bytes = b"GET", headers: bytes = b"") -> Answer:
        request = (
            method + b" " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + b"\r\n"
        )
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = [line.split(": ", 1) for line in lines]
        return Answer(int(first.split()[1]), {name.lower(): value for name, value in pairs}, body)

    def stop(self) -> list[str]:
        """Stop it and give what it printed."""
        self.process.terminate()
        self.printed += self.process.communicate(timeout=20)[0].splitlines()
        return self.printed


# Not `-m granian`, whose main module starts a server wherever it is imported, in processes of ours too.
START = "from granian.cli import entrypoint; entrypoint()"


@contextlib.contextmanager
def running(
    app: str = "tests.shell_app:make_app", environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--interface", "asgi", "--host", "127.0.0.1", "--port", str(port), "--factory"]
    process = subprocess.Popen(
        [sys.executable, "-c", START, *options, app],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    server = Server(process, port)
    try:
        _wait_until_it_listens(server)
        yield server
    finally:
        server.stop()


def _wait_until_it_listens(server: Server) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=10).close()
            return
    raise AssertionError(f"the server did not start: {server.stop()}")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


@pytest.mark.parametrize(
    ("target", "status", "code", "instance"),
    [
        (b"/v1/things/%ff", 400, "bad_request", "/v1/things/%ff"),
        (b"/v1/things/%zz", 400, "bad_request", "/v1/things/%zz"),
        (b"/v1/things/a%", 400, "bad_request", "/v1/things/a%"),
        (b"/v1/things/%00", 400, "bad_request", "/v1/things/%00"),
        (b"/v1/nowhere/\xd0\xbf", 404, "not_found", "/v1/nowhere/%D0%BF"),
        (b"//v1/things", 404, "not_found", "//v1/things"),
        (b"*", 404, "not_found", "*"),
        (b"/v1/things?q=" + b"a" * 8192, 414, "uri_too_long", "/v1/things"),
        (b"/" + b"%41" * 3000, 414, "uri_too_long", "/" + "%41" * 3000),
        (b"/v1/failures/bug", 500, "internal_error", "/v1/failures/bug"),
        (b"/v1/failures/refused", 503, "database_unavailable", "/v1/failures/refused"),
    ],
)
def test_problems_on_the_wire(server: Server, target: bytes, status: int, code: str, instance: str) -> None:
    answer = server.send(target)
    problem = json.loads(answer.body)
    assert (answer.status, problem["status"], problem["code"]) == (status, status, code)
    assert problem["instance"] == instance
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("target", [b"/v1/things", b"/things", b"/v1/things.csv", b"/v1/nothing"])
@pytest.mark.parametrize("encoding", [b"", b"Accept-Encoding: gzip\r\n"])
def test_head_on_the_wire(server: Server, target: bytes, encoding: bytes) -> None:
    same = encoding + b"X-Request-ID: same\r\n"
    get, head = server.send(target, headers=same), server.send(target, b"HEAD", same)
    for answer in (get, head):
        del answer.headers["date"], answer.headers["server-timing"]
    get.headers.pop(
        "transfer-encoding", None
    )  # RFC 9110, 9.3.2: need not be sent where the length is unknown
    assert head.body == b""
    assert (head.status, head.headers) == (get.status, get.headers)


def test_aliases_name_a_target_that_was_not_encoded_right(server: Server) -> None:
    location = server.send(b"/things/\xd0\xbf?q=\xd0\xbf").headers["content-location"]
    assert location == "/v1/things/%D0%BF?q=%D0%BF"


def test_a_body_that_fails_midway_does_not_seem_whole(server: Server) -> None:
    answer = server.send(b"/v1/cut")
    assert answer.headers["transfer-encoding"] == "chunked"
    assert BODY in answer.body
    assert not answer.body.endswith(b"0\r\n\r\n")


def test_the_log_tells_a_failure_once() -> None:
    with running() as server:
        server.send(b"/v1/failures/bug", headers=b"X-Request-ID: failing\r\nAuthorization: Bearer exk_1\r\n")
    printed = server.printed
    assert len([line for line in printed if SECRET in line]) == 1
    assert [line for line in printed if "Application callable raised" in line or "exk_1" in line] == []
    lines = [json.loads(line) for line in printed if line.startswith("{")]
    assert {line["request_id"] for line in lines if line["logger"].startswith("api.")} == {"failing"}
    [request] = [line for line in lines if line["logger"] == "api.access"]
    assert (request["path"], request["status"]) == ("/v1/failures/bug", 500)
    assert request["client"] == "127.0.0.1"
