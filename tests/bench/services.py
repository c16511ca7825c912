"""The service, the bare callable and the peers, each in processes of its own on loopback."""

import http.client
import json
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psutil

from tests.bench.bench import Bench
from tests.bench.running import BenchError, running

SECONDS_TO_START = 120.0
UNCACHED = {"CACHE_SIZE": "0"}
# What the server itself adds to an answer.
BY_THE_SERVER = frozenset({"server", "date"})
_numbers = count()


@dataclass(frozen=True)
class Answer:
    """An answer as it came."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """Give the value of a header."""
        return next(value for key, value in self.headers if key.lower() == name)


@dataclass(frozen=True)
class Served:
    """Something that answers on a port of loopback."""

    port: int
    process: psutil.Process

    @property
    def base(self) -> str:
        """The URL of it."""
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET", body: str = ""
    ) -> Answer:
        """Ask once, with no header but those given and Host."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if body:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body.encode() or None)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def workers(self) -> list[psutil.Process]:
        """The processes that answer."""
        return [each for each in self.process.children(recursive=True) if "resource_tracker" not in _of(each)]

    def memory(self) -> int:
        """How many bytes the processes that answer hold."""
        return sum(each.memory_info().rss for each in self.workers())


@contextmanager
def service(
    bench: Bench, url: str, *, workers: int = 1, settings: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """Run the service as users do, with its access log going nowhere."""
    more = {"DATABASE_URL": url, "WORKERS": str(workers), **(settings or {})}
    with served(bench, [sys.executable, "-m", "api.cli", "serve"], more, "/v1/exchanges?limit=1") as it:
        yield it


@contextmanager
def bare(bench: Bench, answer: Answer, *, workers: int = 1) -> Iterator[Served]:
    """Run the bare callable, which sends one answer, on the server that the service runs on."""
    file = bench.scratch / f"answer-{next(_numbers)}"
    headers = [pair for pair in answer.headers if pair[0].lower() not in BY_THE_SERVER]
    told = {"status": answer.status, "headers": headers, "body": answer.body.decode("latin-1")}
    file.write_text(json.dumps(told))
    more = {"BENCH_ANSWER": str(file), "WORKERS": str(workers)}
    with served(bench, [sys.executable, "-m", "tests.bench.bare"], more, "/") as it:
        yield it


@contextmanager
def served(
    bench: Bench,
    command: Sequence[str | Path],
    settings: Mapping[str, str],
    path: str,
    folder: Path | None = None,
) -> Iterator[Served]:
    """Run a program that listens on PORT, and wait until it answers a path."""
    port = free_port()
    log = bench.scratch / f"{Path(command[-1]).stem}-{port}.log"
    more = {"PORT": str(port), **settings}
    place = {} if folder is None else {"folder": folder}
    with (
        log.open("w") as said,
        Path("/dev/null").open("w") as nowhere,
        running(command, settings=more, stdout=nowhere, stderr=said, **place) as process,
    ):
        found = Served(port, psutil.Process(process.pid))
        deadline = time.monotonic() + SECONDS_TO_START
        while not answers(found, path):
            if process.poll() is not None or time.monotonic() > deadline:
                told = "\n".join(log.read_text().splitlines()[-15:])
                raise BenchError(f"{' '.join(map(str, command))} does not answer: {told}")
            time.sleep(0.02)
        yield found


def answers(server: Served, path: str) -> bool:
    """Tell whether something is there that answers.

    Raises:
        BenchError: it answers with an error.
    """
    try:
        answer = server.ask(path)
    except (OSError, http.client.HTTPException):
        return False
    if answer.status >= 400:
        raise BenchError(f"{server.base}{path} was answered with {answer.status}: {answer.body[:300]!r}")
    return True


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""
