"""A private Postgres 18 in a data directory, for whoever names no database: its life from initdb to stop.

How programs are found, run and recognised is in `db/processes.py`; what is in the database, and connecting
to it, is the business of the rest of `db`. Everything here blocks, and runs on Linux and macOS.

Layout of the data directory: `postgres` (the cluster), `password`, `run` (the socket's folder) or `run.link`
(to one elsewhere), `postgres.log`, `start.lock`, `users.lock` and, where needed, `binaries`.

Any number of processes use one data directory together. Each holds a shared lock on `users.lock` for as long
as it uses Postgres; starting and stopping happen under an exclusive lock on `start.lock`; who leaves and gets
`users.lock` exclusively was the last one, and stops Postgres. The kernel frees the locks of a killed process.
"""

import fcntl
import os
import re
import secrets
import shlex
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import platformdirs
import psutil

from db.processes import (
    Account,
    EmbeddedPostgresError,
    has_postgres,
    installed_programs,
    is_ready,
    postmaster,
    private_copy,
    run_as,
    unprivileged_account,
)

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "default_data_dir"]

APPLICATION = "prisoner-exchange-api"
MAJOR_VERSION = "18"
DATABASE = USER = "exchanges"
PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
SOCKET_PATH_LIMIT = 103  # bytes, on macOS; Linux has a few more
PATIENCE = 300  # seconds for starting, crash recovery and stopping
POLL = 0.02
FAULT = re.compile(r"\b(?:FATAL|PANIC|ERROR|error):\s+(.+)")

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",  # the log is kept for good, so it holds only what matters
    "jit": "off",  # costs more than it saves on queries of milliseconds
}


def default_data_dir() -> Path:
    """Give the user's data directory; root's is a system folder, as others cannot enter root's home."""
    if os.geteuid() == 0:
        return Path("/var/lib", APPLICATION)
    return platformdirs.user_data_path(APPLICATION, appauthor=False)


class EmbeddedPostgres:
    """One process's use of the Postgres in a data directory; as a context manager it starts and stops."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir.resolve()
        self._data = self._folder / "postgres"
        self._log = self._folder / "postgres.log"
        self._account: Account | None = None
        self._socket_folder = self._folder / "run"
        self._password = ""
        self._users: int | None = None  # the lock that says that we use it

    @property
    def url(self) -> str:
        """The URL of the database, password included; there is one between start and stop.

        Raises:
            EmbeddedPostgresError: if Postgres was not started.
        """
        self._require_started()
        return (
            f"postgresql://{USER}:{quote(self._password, safe='')}@/{DATABASE}"
            f"?host={quote(str(self._socket_folder), safe='')}&port={PORT}"
        )

    def start(self) -> None:
        """Start the Postgres of the data directory, or join whoever runs it; set it up if it is new.

        Raises:
            EmbeddedPostgresError: if the directory cannot be used or Postgres does not start.
        """
        if self._users is not None:
            self.ensure_running()
            return
        with self._readable_errors():
            self._prepare()
            with self._starting():
                users = self._open("users.lock")
                try:
                    fcntl.flock(users, fcntl.LOCK_SH)
                    self._bring_up()
                    self._password = (self._folder / "password").read_text()
                except BaseException:
                    os.close(users)
                    raise
                self._users = users

    def ensure_running(self) -> bool:
        """Start Postgres again if it died; tell whether this call had to.

        Raises:
            EmbeddedPostgresError: if it does not start, or was never started by this object.
        """
        self._require_started()
        if postmaster(self._data):
            return False
        with self._readable_errors(), self._starting():
            return self._bring_up()

    def stop(self) -> None:
        """Leave; the last user stops Postgres. Without a start this does nothing.

        Raises:
            EmbeddedPostgresError: if Postgres does not stop; this process has left all the same.
        """
        if self._users is None:
            return
        users, self._users = self._users, None
        try:
            with self._readable_errors(), self._starting(), suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._shut_down()
        finally:
            os.close(users)

    def client(self, name: str) -> Path:
        """Give the path of a client program of the same version, such as `pg_dump`.

        Raises:
            EmbeddedPostgresError: if there is no such program.
        """
        path = installed_programs() / name
        if not path.is_file():
            raise EmbeddedPostgresError(f"the embedded Postgres has no program named {name!r}")
        return path

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _require_started(self) -> None:
        if self._users is None:
            raise EmbeddedPostgresError("the embedded Postgres has not been started")

    # --- the data directory ---

    @contextmanager
    def _readable_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            place = f" ({error.filename})" if error.filename else ""
            raise EmbeddedPostgresError(
                f"cannot use the data directory {self._folder}: {error.strerror}{place}"
            ) from error

    def _prepare(self) -> None:
        """Check what can be checked before anything is changed, and make the data directory."""
        installed_programs()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._account = unprivileged_account(self._data, self._folder)
        if self._account is None or self._account.can_enter(self._folder):
            return
        if not any(self._folder.iterdir()):  # just made, or handed over to us
            self._folder.chmod(0o711)
        for folder in (*reversed(self._folder.parents), self._folder):
            if not self._account.can_enter(folder):
                raise EmbeddedPostgresError(
                    f"the account {self._account.name!r}, which runs Postgres for root, cannot enter"
                    f" {folder}: choose a data directory elsewhere, or let others enter it (chmod o+x)"
                )

    @contextmanager
    def _starting(self) -> Iterator[None]:
        lock = self._open("start.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _open(self, name: str) -> int:
        """Open a private file of the account's, made if need be."""
        file = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        # where the directory is the account's own, another link may mean a trap: root's file under our name
        if self._account and os.fstat(file).st_nlink == 1:
            os.fchown(file, self._account.uid, self._account.gid)
        return file

    def _make_folder(self, folder: Path) -> None:
        """Make a private folder of the account's, unless it is there."""
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if self._account:
            os.chown(folder, self._account.uid, self._account.gid, follow_symlinks=False)

    def _find_socket_folder(self) -> Path:
        """Give `run`, or where it cannot hold a socket a private folder elsewhere, kept in `run.link`."""
        run = self._folder / "run"
        # a comma ends a folder's name for Postgres and for the driver, and Postgres unwraps quotes
        if len(os.fsencode(run / SOCKET)) <= SOCKET_PATH_LIMIT and not set(',"').intersection(str(run)):
            self._make_folder(run)
            return run
        link = self._folder / "run.link"
        if link.is_symlink():
            folder = link.readlink()
            owner = self._account.uid if self._account else os.geteuid()
            with suppress(FileNotFoundError):
                status = folder.lstat()
                if (stat.filemode(status.st_mode), status.st_uid) == ("drwx------", owner):
                    return folder
            link.unlink()
        # not in TMPDIR, which may be as long, or closed to the account
        folder = Path(tempfile.mkdtemp(prefix="exchanges-", dir="/tmp"))
        self._make_folder(folder)
        link.symlink_to(folder)
        return folder

    # --- the server; all of it under the start lock ---

    def _bring_up(self) -> bool:
        """Make Postgres run; tell whether this call started it."""
        running = self._settled()
        self._socket_folder = self._find_socket_folder()
        if running:
            return False
        if not self._data.exists():
            self._initialise()
        self._check_version()
        # Postgres takes any process with the number in these files for their owner; we know that none is
        for remains in (self._data / "postmaster.pid", self._socket_folder / f"{SOCKET}.lock"):
            remains.unlink(missing_ok=True)
        try:
            self._launch()
        except EmbeddedPostgresError:
            # a start that was killed half-way may have left a postmaster that has only now shown itself
            if not self._settled():
                raise
            return False
        return True

    def _settled(self) -> bool:
        """Wait until Postgres is ready (True), or nothing of it is left (False).

        Neither holds while it recovers, while it stops, and while children outlive a killed postmaster.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if postmaster(self._data):
                if is_ready(self._data):
                    return True
            elif not has_postgres(self._data):
                return False
            time.sleep(POLL)
        raise EmbeddedPostgresError(
            f"the Postgres of {self._folder} is neither ready nor gone after {PATIENCE} s: see {self._log}"
        )

    def _initialise(self) -> None:
        """Make the cluster under another name, so that an interrupted attempt never looks whole."""
        unfinished = self._folder / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._make_folder(unfinished)
        with open(self._open("password"), "w") as file:
            file.truncate()
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        cluster = ("-D", unfinished.name)
        self._run(
            "initdb", *cluster, f"--username={USER}", "--pwfile=password", "--auth=scram-sha-256",
            "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--no-instructions", "--no-sync",
        )  # fmt: skip
        self._run(
            "postgres", "--single", "-F", "--exit_on_error=on", *cluster, "postgres",
            standard_input=f"CREATE DATABASE {DATABASE}\n",
        )  # fmt: skip
        self._run("initdb", *cluster, "--sync-only")
        unfinished.rename(self._data)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _check_version(self) -> None:
        try:
            version = (self._data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            raise EmbeddedPostgresError(f"{self._data} is not a Postgres directory") from None
        if version != MAJOR_VERSION:
            raise EmbeddedPostgresError(
                f"{self._data} was made by Postgres {version}, and the embedded one is {MAJOR_VERSION}:"
                f" dump it with Postgres {version} and restore it into a new data directory"
            )

    def _launch(self) -> None:
        log = self._open(self._log.name)
        try:
            start = os.fstat(log).st_size
            settings = {**SETTINGS, "unix_socket_directories": str(self._socket_folder)}
            options = shlex.join(f"--{name}={value}" for name, value in settings.items())
            # pg_ctl starts Postgres in a session of its own, which the terminal's Ctrl-C does not reach
            self._run(
                "pg_ctl", "start", "--silent", "--wait", f"--timeout={PATIENCE}",
                f"--pgdata={self._data.name}", f"--log={self._log.name}", f"--options={options}",
            )  # fmt: skip
        except EmbeddedPostgresError:
            written = os.pread(log, os.fstat(log).st_size, start).decode(errors="replace")
            if not written.strip():
                raise
            raise EmbeddedPostgresError(f"Postgres did not start: {_reason(written)}") from None
        finally:
            os.close(log)

    def _shut_down(self) -> None:
        if process := postmaster(self._data):
            with suppress(psutil.NoSuchProcess):
                # what `pg_ctl stop -m fast` sends, but surely to the process that was identified
                process.send_signal(signal.SIGINT)
            deadline = time.monotonic() + PATIENCE
            while postmaster(self._data):
                if time.monotonic() > deadline:
                    raise EmbeddedPostgresError(f"Postgres did not stop within {PATIENCE} s: see {self._log}")
                time.sleep(POLL)
        link = self._folder / "run.link"
        if link.is_symlink():
            with suppress(OSError):
                link.readlink().rmdir()
            link.unlink()

    def _run(self, program: str, *arguments: str, standard_input: str = "") -> None:
        """Run a server program in the data directory, so that no path in its arguments needs quoting."""
        programs = installed_programs()
        if self._account and not self._account.can_run(programs / program):
            programs = private_copy(programs, self._folder / "binaries")
        command = [str(programs / program), *arguments]
        result = run_as(self._account, command, folder=self._folder, standard_input=standard_input)
        if result.returncode != 0:
            raise EmbeddedPostgresError(f"{program} failed: {_reason(result.stdout)}")


def _reason(output: str) -> str:
    """Give the line of a program's output that says why it failed."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    faults = [match[1] for line in lines if (match := FAULT.search(line))]
    return (faults or lines or ["it gave no reason"])[-1]
