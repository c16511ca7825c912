"""The embedded Postgres, with real processes: crashes, strangers, and several users at once."""

import os
import re
import select
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from db.embedded import EmbeddedPostgres
from tests.embedded_users import (
    IS_ROOT,
    ask,
    eventually,
    is_starting,
    kill_all,
    leave,
    open_place,
    postmaster,
    processes,
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


# --- crashes ---


def test_what_was_committed_survives_kill_9_of_everything(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir)
    postgres.start()
    ask(postgres.url, "CREATE TABLE kept AS SELECT 42 AS number")
    kill_all(data_dir)
    with EmbeddedPostgres(data_dir) as after:
        assert ask(after.url, "SELECT number FROM kept") == 42
        postgres.stop()
        assert ask(after.url, "SELECT number FROM kept") == 42


def test_a_dead_postgres_is_started_again(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as postgres:
        assert not postgres.ensure_running()
        postmaster(data_dir).kill()
        eventually(postgres.ensure_running)
        assert ask(postgres.url)
        assert not postgres.ensure_running()


def test_children_that_outlive_their_postmaster_are_waited_for(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir):
        parent = postmaster(data_dir)
        checkpointer = next(child for child in parent.children() if "checkpointer" in child.cmdline()[0])
        checkpointer.suspend()
        parent.kill()
        eventually(lambda: processes(data_dir) == [checkpointer])
        with user(data_dir) as restarting:
            eventually(lambda: is_starting(data_dir))
            # it neither starts nor gives up
            assert select.select([restarting.stdout], [], [], 1) == ([], [], [])
            checkpointer.resume()
            assert ask(said(restarting))
            leave(restarting)


def leave_lock_files(data_dir: Path, pid: int) -> None:
    """Leave the lock files of a Postgres that was killed, and whose number went to another process."""
    with EmbeddedPostgres(data_dir):
        kill_all(data_dir)
        for path in (data_dir / "postgres" / "postmaster.pid", data_dir / "run" / ".s.PGSQL.5432.lock"):
            path.write_text(re.sub(r"^\d+", str(pid), path.read_text()))


def test_a_stranger_with_the_number_of_a_dead_postmaster_lives_on(data_dir: Path) -> None:
    # of the same account, as Postgres takes any living process of its own account for a postmaster
    account = (data_dir / "postgres").stat().st_uid
    with subprocess.Popen(["sleep", "600"], user=account if IS_ROOT else None) as stranger:
        try:
            leave_lock_files(data_dir, stranger.pid)
            with EmbeddedPostgres(data_dir) as postgres:
                assert ask(postgres.url)
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_zombie_is_not_taken_for_alive(data_dir: Path) -> None:
    with subprocess.Popen(["true"]) as zombie:
        eventually(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE)
        leave_lock_files(data_dir, zombie.pid)
        with EmbeddedPostgres(data_dir) as postgres:
            assert ask(postgres.url)


def test_slow_recovery_is_waited_for(place: Path, data_dir: Path) -> None:
    flag = place / "go-on"
    command = f"while ! test -e {flag}; do sleep 0.02; done; false"
    with (data_dir / "postgres" / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"restore_command = '{command}'\n")
    (data_dir / "postgres" / "recovery.signal").touch()
    status = data_dir / "postgres" / "postmaster.pid"
    with user(data_dir) as first, user(data_dir) as second:
        eventually(lambda: status.exists() and "starting" in status.read_text())
        recovering = postmaster(data_dir)
        # whoever of them started it is killed; the other waits for what is under way
        starter = psutil.Process(next(p.pid for p in (first, second) if psutil.Process(p.pid).children()))
        other = second if starter.pid == first.pid else first
        starter.kill()
        starter.wait()
        eventually(lambda: is_starting(data_dir))
        assert select.select([other.stdout], [], [], 1) == ([], [], [])
        flag.touch()
        assert ask(said(other))
        assert postmaster(data_dir) == recovering
        leave(other)


def test_an_interrupted_initdb_leaves_nothing_in_the_way(place: Path) -> None:
    data_dir = place / "data"
    with user(data_dir) as process:
        family = psutil.Process(process.pid)
        eventually(lambda: list(data_dir.glob("*/PG_VERSION")))
        for member in (*family.children(recursive=True), family):
            with suppress(psutil.NoSuchProcess):
                member.kill()
    with EmbeddedPostgres(data_dir) as postgres:
        assert ask(postgres.url)
    assert {path.name for path in data_dir.iterdir()} == {
        "password", "postgres", "postgres.log", "run", "start.lock", "users.lock",
    }  # fmt: skip


# --- several users ---


def test_two_that_start_at_once_share_one_postgres_and_the_last_one_stops_it(place: Path) -> None:
    data_dir = place / "data"
    with user(data_dir) as first, user(data_dir) as second:
        urls = {said(first), said(second)}
        assert len(urls) == 1
        url = urls.pop()
        started = ask(url)
        leave(first)
        assert ask(url) == started
        leave(second)
    assert processes(data_dir) == []


def test_a_killed_user_does_not_keep_postgres_running(data_dir: Path) -> None:
    with user(data_dir) as killed, EmbeddedPostgres(data_dir) as postgres:
        assert said(killed) == postgres.url
        killed.kill()
        killed.wait()
        assert ask(postgres.url)
    assert processes(data_dir) == []


def test_ctrl_c_in_the_terminal_does_not_reach_postgres(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir):
        assert os.getsid(postmaster(data_dir).pid) != os.getsid(0)
