"""Other programs: found, run to their end, or kept for as long as a block lasts. None of them outlives it.

Each runs in a session of its own, so that the terminal's Ctrl-C reaches only this process, which then ends
them one by one as it leaves their blocks.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

REPOSITORY = Path(__file__).parents[2]
# What the product reads from the environment: only what a measurement sets itself may reach it.
OURS = frozenset(
    {"CACHE_SIZE", "DATABASE_POOL_SIZE", "DATABASE_READ_URL", "DATABASE_URL", "DATA_DIR", "HOST", "LOG_LEVEL"}
) | {"PORT", "WORKERS", "WRITES_PER_MINUTE", "WRITE_BURST"}
SECONDS_TO_STOP = 20.0
PACKAGES = {"wrk": "wrk", "curl": "curl", "psql": "postgresql-client", "pgbench": "postgresql"}


class BenchError(Exception):
    """A measurement cannot be made; the message says why, and what to do."""


def find_program(name: str) -> str:
    """Find a program in PATH.

    Raises:
        BenchError: naming the package that has it.
    """
    found = shutil.which(name)
    if found is None:
        raise BenchError(f"{name} is missing: install it (apt-get install {PACKAGES[name]})")
    return found


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Give an environment in which the product has these settings and no others."""
    return {name: value for name, value in os.environ.items() if name not in OURS} | dict(settings)


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    settings: Mapping[str, str] | None = None,
    stdout: IO[str] | int = subprocess.DEVNULL,
    stderr: IO[str] | int = subprocess.DEVNULL,
    folder: Path = REPOSITORY,
) -> Iterator[subprocess.Popen[str]]:
    """Run a program beside the block, and end it and what it started with the block."""
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        env=environment(settings or {}),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        end(process)


def end(process: "subprocess.Popen[str]") -> None:
    """End a program, and whatever is left of its session."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_STOP)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run(
    command: Sequence[str | Path], *, settings: Mapping[str, str] | None = None, folder: Path = REPOSITORY
) -> str:
    """Run a program to its end and give what it writes.

    Raises:
        BenchError: it fails; with the last lines of what it said.
    """
    with running(
        command, settings=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, folder=folder
    ) as process:
        written, said = process.communicate()
    if process.returncode != 0:
        told = "\n".join((said or written).strip().splitlines()[-5:])
        raise BenchError(f"{Path(command[0]).name} failed with exit code {process.returncode}: {told}")
    return written


def timed(command: Sequence[str | Path], **settings: str) -> tuple[float, int]:
    """Run a program that writes nothing of use; give its seconds, and the bytes of memory it had at most.

    Raises:
        BenchError: it fails.
    """
    begun = time.perf_counter()
    with running(command, settings=settings) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command))} failed with exit code {process.returncode}")
    return time.perf_counter() - begun, usage.ru_maxrss * 1024
