"""The command as users run it: real processes, real ports on loopback, data directories of their own."""

import json
import os
import re
import resource
import shutil
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
import pytest

from tests.conftest import SHIPPED
from tests.embedded_users import REPOSITORY, eventually, kill_all, open_place, postmaster, processes

QUESTION = "/exchanges?mediator=UAE&limit=1000"
UAE_EXCHANGES = 26


@pytest.fixture
def place() -> Iterator[Path]:
    with open_place() as folder:
        yield folder


@pytest.fixture(scope="module")
def pristine() -> Iterator[Path]:
    """A data directory that has served the dataset and was stopped; nobody changes it."""
    with open_place() as folder:
        with serving(folder / "data") as server:
            server.answer(QUESTION)
        yield folder / "data"


@pytest.fixture
def data_dir(place: Path, pristine: Path) -> Path:
    subprocess.run(["cp", "-a", pristine, place / "data"], check=True)
    return place / "data"


def environment(**settings: str) -> dict[str, str]:
    ours = {"DATABASE_URL", "DATA_DIR", "PORT", "HOST", "WORKERS", "LOG_LEVEL"}
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
        )
    server = Server(process, port, log)
    try:
        yield server
        if process.poll() is None:
            assert server.stop() == 0, server.said
    finally:
        for left in server.tree() if process.poll() is None else []:
            left.kill()


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


def test_a_port_in_use(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = refusal("serve", "--port", port, "--data-dir", place / "data")
    assert line == (
        f"error: port {port} of 127.0.0.1 is in use: stop what uses it, or choose another with --port (PORT)"
    )
    assert not (place / "data").exists()


def test_a_port_that_another_service_has_or_is_about_to_have(place: Path, data_dir: Path) -> None:
    with serving(data_dir) as server:
        eventually((data_dir / "postgres" / "postmaster.pid").exists)
        assert "is in use" in refusal("serve", "--port", server.port, "--data-dir", place / "other")
        server.answer()
        assert "is in use" in refusal("serve", "--port", server.port, "--data-dir", place / "other")


@pytest.mark.parametrize("port", [0, 65536, "http"])
def test_a_port_that_is_none(port: object) -> None:
    result = exchanges("serve", "--port", port)
    assert result.returncode == 2
    assert "--port" in result.stderr


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "x" * 70])
def test_a_host_that_is_not_here(host: str) -> None:
    assert "(--host or HOST)" in refusal("serve", "--port", free_port(), HOST=host)


# As root nothing is unwritable, so the command becomes somebody else, once all is imported: the interpreter
# may be out of reach then.
AS_ANOTHER = """
import encodings.idna, os, sys
import alembic.util, api.cli, api.main, api.serving, db.dataset_files, db.embedded
if os.getuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
api.cli.main()
"""


def test_an_unwritable_data_directory(place: Path) -> None:
    place.chmod(0o555)
    result = subprocess.run(
        [sys.executable, "-c", AS_ANOTHER, "serve", f"--port={free_port()}", f"--data-dir={place / 'data'}"],
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (1, "")
    folder = place / "data"
    assert result.stderr == f"error: cannot use the data directory {folder}: Permission denied ({folder})\n"


@pytest.mark.parametrize("folder", ["/proc/exchanges", "/dev/null/exchanges"])
def test_a_data_directory_that_cannot_be(folder: str) -> None:
    assert folder in refusal("serve", "--port", free_port(), DATA_DIR=folder)


def test_a_data_directory_of_another_version(data_dir: Path) -> None:
    (data_dir / "postgres" / "PG_VERSION").write_text("9.6\n")
    assert "Postgres 9.6" in refusal("migrate", "--data-dir", data_dir)


UNREACHABLE = "postgresql://someone:s3cr3t-word@127.0.0.1:1/nothing"


@pytest.mark.parametrize(
    "url",
    [
        UNREACHABLE,
        "postgresql://someone:s3cr3t-word@no-such-host.invalid/nothing",
        "postgresql://someone:s3cr3t-word@127.0.0.1:port/nothing",
        "postgresql://someone:s3cr3t-word/@127.0.0.1/nothing",
        "mysql://someone:s3cr3t-word@127.0.0.1/nothing",
        "s3cr3t-word",
    ],
)
def test_an_unreachable_database(url: str) -> None:
    line = refusal("migrate", DATABASE_URL=url)
    assert line.startswith("error: cannot reach the database of DATABASE_URL: ")
    assert "s3cr3t" not in line


def test_no_command_reaches_an_unreachable_database(place: Path) -> None:
    assert "DATABASE_URL" in refusal("load", SHIPPED, "--reason", "test", DATABASE_URL=UNREACHABLE)
    result = exchanges("serve", "--port", free_port(), "--data-dir", place / "data", DATABASE_URL=UNREACHABLE)
    assert (result.returncode, result.stdout) == (1, "")
    note, line = result.stderr.splitlines()
    assert note == f"DATABASE_URL is set, so the data directory {place / 'data'} is not used."
    assert line.startswith("error: cannot reach the database of DATABASE_URL: ")


def test_a_wrong_setting(data_dir: Path) -> None:
    line = refusal("serve", "--port", free_port(), "--data-dir", data_dir, LOG_LEVEL="loud")
    assert "LOG_LEVEL" in line
    assert processes(data_dir) == []


def test_a_database_of_a_newer_version(data_dir: Path) -> None:
    with serving(data_dir) as server:
        server.answer()
        _sql(data_dir, "UPDATE alembic_version SET version_num = '9999'")
        line = refusal("migrate", "--data-dir", data_dir)
        assert "newer version" in line
        assert "9999" in line


def _sql(data_dir: Path, statement: str) -> None:
    script = (
        "import asyncio, asyncpg, sys; from pathlib import Path; from db.embedded import EmbeddedPostgres\n"
        "async def run(url):\n"
        "    connection = await asyncpg.connect(url); await connection.execute(sys.argv[2])\n"
        "    await connection.close()\n"
        "with EmbeddedPostgres(Path(sys.argv[1])) as postgres: asyncio.run(run(postgres.url))\n"
    )
    subprocess.run([sys.executable, "-c", script, str(data_dir), statement], cwd=REPOSITORY, check=True)


# --- load ---


def changed_dataset(place: Path) -> Path:
    """Copy the dataset, with one summary changed."""
    folder = place / "dataset"
    shutil.copytree(SHIPPED, folder)
    first, *others = (folder / "exchanges.jsonl").read_text().splitlines()
    record = json.loads(first) | {"summary": "Told in other words."}
    lines = [json.dumps(record, ensure_ascii=False), *others]
    (folder / "exchanges.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return folder


def test_load_beside_a_server_is_seen_at_once(place: Path, data_dir: Path) -> None:
    changed = changed_dataset(place) / "exchanges.jsonl"
    record_id = json.loads(changed.read_text().splitlines()[0])["id"]
    with serving(data_dir) as server:
        assert server.answer(f"/v1/exchanges/{record_id}")["revision"] == 1
        result = exchanges("load", changed, "--reason", "better words", "--data-dir", data_dir)
        assert result.returncode == 0, result.stderr
        assert server.ask(f"/v1/exchanges/{record_id}")["summary"] == "Told in other words."
    assert result.stdout.splitlines() == [
        "exchanges: 0 created, 1 updated, 234 unchanged",
        "dataset revision 2",
    ]


def test_dry_run_shows_what_would_change_and_stores_nothing(place: Path, data_dir: Path) -> None:
    changed = changed_dataset(place)
    for _ in range(2):
        result = exchanges("load", changed, "--dry-run", "--data-dir", data_dir)
        assert result.returncode == 0, result.stderr
        first, *_, last = result.stdout.splitlines()
        assert re.fullmatch(r'exchange \S+: summary ".*…? → "Told in other words\."', first)
        assert last == "dry run, nothing stored; would be dataset revision 2"
    assert processes(data_dir) == []


def test_load_tells_every_bad_line(place: Path, data_dir: Path) -> None:
    actors = place / "actors.jsonl"
    actors.write_text('{"id": "Wrong Id"}\n{"nothing\n')
    result = exchanges("load", actors, "--reason", "test", "--data-dir", data_dir)
    assert (result.returncode, result.stdout) == (1, "")
    *lines, last = result.stderr.splitlines()
    assert any(line.startswith(f"{actors}:1: id: ") for line in lines)
    assert f"{actors}:2: is not valid JSON" in lines[-1]
    assert last == f"error: nothing was stored; faults in the files: {len(lines)}"


def test_load_wants_a_reason(data_dir: Path) -> None:
    assert "--reason" in refusal("load", SHIPPED, "--data-dir", data_dir)


def test_load_tells_its_progress_in_plain_lines(place: Path) -> None:
    result = exchanges("load", SHIPPED, "--reason", "all of it", "--data-dir", place / "data")
    assert result.returncode == 0, result.stderr
    assert re.search(r"^[\d,]+ of [\d,]+ records$", result.stderr, re.MULTILINE)
    assert "exchanges: 235 created, 0 updated, 0 unchanged" in result.stdout


# --- without a database ---


def test_version_and_help() -> None:
    assert re.fullmatch(r"exchanges \d+\.\d+\.\d+\n", exchanges("--version").stdout)
    listed = exchanges("--help").stdout
    for command in ("serve", "load", "migrate", "openapi"):
        assert command in listed
        assert exchanges(command, "--help").returncode == 0


def test_the_contract_is_written_and_checked(place: Path) -> None:
    file = place / "openapi" / "v1.json"
    assert exchanges("openapi", "--output", file).returncode == 0
    assert json.loads(file.read_text())["openapi"].startswith("3.1")
    assert exchanges("openapi").stdout == file.read_text()
    for options in (["--output", file], []):
        assert exchanges("openapi", "--check", *options, folder=place).returncode == 0
    file.write_text(file.read_text().replace("get_health", "get_wealth"))
    result = exchanges("openapi", "--check", folder=place)
    assert (result.returncode, result.stdout) == (1, "")
    assert "make openapi" in result.stderr.splitlines()[0]
    assert '-        "operationId": "get_wealth",' in result.stderr
    assert len(result.stderr.splitlines()) < 50


def test_the_contract_that_is_missing(place: Path) -> None:
    result = exchanges("openapi", "--check", folder=place)
    assert result.returncode == 1
    assert result.stderr == "error: openapi/v1.json: No such file or directory\n"
