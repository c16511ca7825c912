"""`exchanges serve` as users run it: starting, stopping, dying and coming back, in real processes."""

import gc
import os
import resource
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from api.serving import imported_meanwhile
from tests.embedded_users import REPOSITORY, eventually, kill_all, postmaster, processes
from tests.serving import (
    QUESTION,
    UAE_EXCHANGES,
    Server,
    environment,
    free_port,
    serving,
)


def test_the_collector_stands_still_only_while_a_module_is_imported() -> None:
    """Workers are forked as the process is then: one that never collects keeps every refusal for good."""
    with imported_meanwhile("json") as imported:
        assert not gc.isenabled()
        imported()
        assert gc.isenabled()


def test_first_start_loads_the_dataset_and_serves_it(place: Path) -> None:
    with serving(place / "data") as server:
        answer = server.answer(QUESTION)
        assert len(answer["data"]) == answer["meta"]["total"] == UAE_EXCHANGES
        assert all(exchange["source_url"].startswith("http") for exchange in answer["data"])
        eventually(lambda: "Listening" in server.said)
        base = f"http://127.0.0.1:{server.port}"
        assert f"Listening on {base} (documentation: {base}/docs; data: {place / 'data'})" in server.said
        assert f"curl '{base}/exchanges?mediator=UAE'" in server.said
        assert "Loading the shipped dataset" in server.said
    assert processes(place / "data") == []
    assert server.said.endswith("Stopped.\n")
    assert [line for line in server.said.splitlines() if "granian" in line.lower()] == []


def test_second_start_loads_nothing_and_takes_little_work(data_dir: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with serving(data_dir) as server:
        answer = server.answer(QUESTION)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert answer["meta"]["total"] == UAE_EXCHANGES
    assert answer["meta"]["dataset"]["revision"] == 1
    assert "Loading" not in server.said
    # The work rather than the time, which a busy machine stretches: idle, it comes to some two seconds.
    assert after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime < 6


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_server_and_database(data_dir: Path, number: signal.Signals) -> None:
    with serving(data_dir, "--workers=2") as server:
        server.answer()
        workers = server.process.children(recursive=True)
        assert server.stop(number) == 0
    assert processes(data_dir) == []
    assert [worker for worker in workers if worker.is_running()] == []
    assert "Traceback" not in server.said
    assert server.said.endswith("Stopped.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_terminal_that_signals_every_process(data_dir: Path, number: signal.Signals) -> None:
    with serving(data_dir, "--workers=2") as server:
        server.answer()
        os.killpg(server.process.pid, number)
        assert server.process.wait(timeout=60) == 0
    assert processes(data_dir) == []
    assert "nexpected" not in server.said
    assert "Traceback" not in server.said


@pytest.mark.parametrize("stage", ["postgres.log", "postgres/postmaster.pid", "loading"])
def test_a_signal_during_the_first_start(place: Path, stage: str) -> None:
    data_dir = place / "data"
    with serving(data_dir) as server:
        eventually(lambda: (data_dir / stage).exists() or (stage == "loading" and "Loading" in server.said))
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.process.wait(timeout=60) == 0
    assert processes(data_dir) == []
    assert "Traceback" not in server.said
    with serving(data_dir) as server:
        assert server.answer(QUESTION)["meta"]["total"] == UAE_EXCHANGES


def test_nohup_is_respected(data_dir: Path) -> None:
    port = free_port()
    command = f"trap '' HUP; exec {sys.executable} -m api.cli serve --port={port} --data-dir={data_dir}"
    with subprocess.Popen(["sh", "-c", command], cwd=REPOSITORY, env=environment()) as process:
        server = Server(psutil.Popen(["true"]), port, data_dir)
        server.process.wait()
        eventually(lambda: _answers(server))
        process.send_signal(signal.SIGHUP)
        assert server.ask("/healthz")
        process.terminate()
        assert process.wait(timeout=60) == 0


def _answers(server: Server) -> bool:
    try:
        return bool(server.ask("/healthz"))
    except (urllib.error.URLError, ConnectionError):
        return False


def test_restart_after_everything_was_killed(data_dir: Path) -> None:
    with serving(data_dir, "--workers=2") as server:
        server.answer()
        for process in server.tree():
            process.kill()
        kill_all(data_dir)
        server.process.wait()
    with serving(data_dir, port=server.port) as again:
        assert again.answer(QUESTION)["meta"]["total"] == UAE_EXCHANGES


def test_workers_do_not_outlive_a_killed_parent(data_dir: Path) -> None:
    with serving(data_dir, "--workers=2") as server:
        server.answer()
        workers = server.process.children()
        server.process.kill()
        server.process.wait()
        eventually(lambda: not any(worker.is_running() for worker in workers))
    with serving(data_dir, port=server.port) as again:  # its Postgres still runs, and is joined
        again.answer()
    assert processes(data_dir) == []


def test_a_worker_that_dies_is_replaced(data_dir: Path) -> None:
    with serving(data_dir) as server:
        server.answer()
        [worker] = server.process.children()
        worker.kill()
        eventually(lambda: server.process.children() not in ([], [worker]))
        server.answer()


def test_postgres_that_dies_is_started_again(data_dir: Path) -> None:
    with serving(data_dir) as server:
        server.answer()
        postmaster(data_dir).kill()
        eventually(lambda: "it runs again" in server.said)
        eventually(lambda: _answers_with_records(server))


def _answers_with_records(server: Server) -> bool:
    try:
        return bool(server.ask(QUESTION)["data"])
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
        return False


def test_two_workers_share_the_port(data_dir: Path) -> None:
    with serving(data_dir, "--workers=2") as server:
        server.answer()
        workers = server.process.children()
        assert len(workers) == 2

        def listening() -> set[int]:
            connections = (c for worker in workers for c in worker.net_connections("tcp"))
            return {c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN}

        eventually(lambda: listening() == {server.port})
        assert {server.ask(QUESTION)["meta"]["total"] for _ in range(8)} == {UAE_EXCHANGES}


def test_no_process_shows_the_password(data_dir: Path) -> None:
    with serving(data_dir) as server:
        server.answer(QUESTION)
        shown = [
            *(argument for process in server.tree() for argument in process.cmdline()),
            *(value for process in server.tree() for value in process.environ().values()),
            server.said,
        ]
        password = (data_dir / "password").read_text()
        assert not any(password in text for text in shown)


# --- what is refused ---
