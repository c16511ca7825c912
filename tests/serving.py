"""The command in real processes, for tests: run to its end, or serving on a port of loopback."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.embedded_users import REPOSITORY, eventually

QUESTION = "/exchanges?mediator=UAE&limit=1000"
UAE_EXCHANGES = 26


def environment(**settings: str) -> dict[str, str]:
    ours = {"DATABASE_URL", "DATABASE_READ_URL", "DATA_DIR", "PORT", "HOST", "WORKERS", "LOG_LEVEL"}
    ours |= {"METRICS_PORT", "METRICS_HOST", "WRITES_PER_MINUTE", "WRITE_BURST"}
    return {name: value for name, value in os.environ.items() if name not in ours} | settings


def exchanges(
    *arguments: object, folder: Path = REPOSITORY, **settings: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *map(str, arguments)],
        cwd=folder,
        env=environment(PYTHONPATH=str(REPOSITORY), **settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def refusal(*arguments: object, **settings: str) -> str:
    """Give the one line that a refused command says."""
    result = exchanges(*arguments, **settings)
    assert (result.returncode, result.stdout) == (1, ""), result.stderr
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@dataclass
class Server:
    process: psutil.Popen
    port: int
    log: Path

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return json.load(answer)

    def answer(self, path: str = "/healthz") -> Any:
        """Ask until there is an answer."""

        def attempt() -> Any:
            assert self.process.poll() is None, self.said
            try:
                return self.ask(path)
            except (urllib.error.URLError, ConnectionError):
                return None

        return eventually(attempt, 120)

    @property
    def said(self) -> str:
        return self.log.read_text()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return int(self.process.wait(timeout=60))

    def tree(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


def _heed_hangups() -> None:
    """Let the server start as from a terminal, even where the tests themselves run under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@contextmanager
def serving(data_dir: Path, *options: str, port: int = 0, **settings: str) -> Iterator[Server]:
    port = port or free_port()
    log = data_dir.with_name(f"{data_dir.name}.{port}.log")
    with log.open("w") as output:
        process = psutil.Popen(
            [sys.executable, "-m", "api.cli", "serve", f"--port={port}", f"--data-dir={data_dir}", *options],
            cwd=REPOSITORY,
            env=environment(**settings),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # as a terminal's foreground group, which Ctrl-C reaches as a whole
            preexec_fn=_heed_hangups,
        )
    server = Server(process, port, log)
    try:
        yield server
        if process.poll() is None:
            assert server.stop() == 0, server.said
    finally:
        for left in server.tree() if process.poll() is None else []:
            left.kill()
