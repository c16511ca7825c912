"""The command as users run it: what it refuses, and its subcommands, in real processes."""

import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import SHIPPED
from tests.embedded_users import REPOSITORY, eventually, processes
from tests.serving import (
    environment,
    exchanges,
    free_port,
    refusal,
    serving,
)


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
        result = exchanges("migrate", "--data-dir", data_dir)
        assert result.returncode == 0
        assert result.stderr.startswith(
            "A newer version has migrated the database to schema 9999; this one knows "
        )


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


def test_verify_beside_a_server_and_after_tampering(data_dir: Path) -> None:
    with serving(data_dir):
        sound = exchanges("verify", "--data-dir", data_dir)
        assert sound.returncode == 0, sound.stderr
        assert "every record agrees with its rows" in sound.stdout
        _sql(data_dir, "UPDATE claim SET count = count + 1 WHERE id = '2024-12-30-russia-ukraine:c1'")
        broken = exchanges("verify", "--data-dir", data_dir)
    assert broken.returncode == 1
    assert broken.stdout == "exchange 2024-12-30-russia-ukraine: what is served differs from its rows\n"
    assert "faults in" in broken.stderr


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


def test_a_contract_that_breaks_clients_is_refused(place: Path) -> None:
    """Until the changelog says so."""
    file, released = place / "openapi" / "v1.json", place / "openapi" / "released" / "1.0.0.json"
    exchanges("openapi", "--output", file)
    released.parent.mkdir()
    released.write_text(file.read_text().replace("get_health", "get_wealth"))
    (place / "CHANGELOG.md").write_text("## API\n\n### Unreleased\n")
    result = exchanges("openapi", "--check", folder=place)
    assert result.returncode == 1
    head, broken = result.stderr.splitlines()
    assert "openapi/released/1.0.0.json" in head
    assert broken == "`GET /healthz`: operationId is get_health, was get_wealth"
    (place / "CHANGELOG.md").write_text("## API\n\n### Unreleased\n\n#### Breaking\n\n- `GET /healthz`\n")
    assert exchanges("openapi", "--check", folder=place).returncode == 0


def test_the_contract_that_is_missing(place: Path) -> None:
    result = exchanges("openapi", "--check", folder=place)
    assert result.returncode == 1
    assert result.stderr == "error: openapi/v1.json: No such file or directory\n"
