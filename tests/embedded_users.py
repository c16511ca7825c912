"""What the tests of the embedded Postgres share: other processes as its users, and what can be seen of it."""

import asyncio
import fcntl
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

REPOSITORY = Path(__file__).parents[1]
IS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not IS_ROOT, reason="only root can drop to another account")

# Another process's use of a data directory: it says its URL or its error, and leaves when its input ends.
# With a user's number it becomes that user, once all is imported: the interpreter may be out of reach then.
USER = """
import os, sys
from pathlib import Path
from db.embedded import EmbeddedPostgres, EmbeddedPostgresError
if len(sys.argv) > 2:
    os.setgroups([]), os.setgid(int(sys.argv[2])), os.setuid(int(sys.argv[2]))
try:
    with EmbeddedPostgres(Path(sys.argv[1])) as postgres:
        print(postgres.url, flush=True)
        sys.stdin.read()
except EmbeddedPostgresError as error:
    print("error:", error, flush=True)
"""


def eventually(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until a condition holds, and give what it gave."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "what the test waits for does not come"
        time.sleep(0.01)
    return value


def ask(url: str, query: str = "SELECT pg_postmaster_start_time()") -> Any:
    async def fetch() -> Any:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def processes(data_dir: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and Path(process.cwd()).is_relative_to(data_dir / "postgres"):
                found.append(process)
    return found


def postmaster(data_dir: Path) -> psutil.Process:
    return psutil.Process(int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0]))


def kill_all(data_dir: Path) -> None:
    for process in processes(data_dir):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    eventually(lambda: not processes(data_dir))


def is_starting(data_dir: Path) -> bool:
    """Tell whether somebody is inside start()."""
    with (data_dir / "start.lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def user(data_dir: Path, *, uid: int | None = None, **environment: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", USER, str(data_dir), *([str(uid)] if uid else [])]
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def leave(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=60) == 0


def rights(folder: Path) -> list[tuple[Path, int, int, int]]:
    found = [(path, path.stat()) for path in (folder, *folder.parents)]
    return [(path, status.st_mode, status.st_uid, status.st_gid) for path, status in found]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def memory() -> str | None:
    """Give a folder in memory, if one will do: syncing many clusters to a busy disk takes minutes."""
    with suppress(OSError):
        status = os.statvfs("/dev/shm")
        if status.f_bavail * status.f_frsize > 1_000_000_000 and not status.f_flag & os.ST_NOEXEC:
            return "/dev/shm"
    return None


@contextmanager
def open_place() -> Iterator[Path]:
    """Make a folder that every account can enter, as pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="exchanges-test-", dir=memory()))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for data_dir in {path.parent for path in folder.rglob("postgres")}:
            kill_all(data_dir)
        shutil.rmtree(folder)
