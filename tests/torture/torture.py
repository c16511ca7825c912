"""What every trial is given: the places of the benchmarks, the form that it runs in, and real servers."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TypeVar

from db.enums import Role
from tests.bench.bench import Bench
from tests.bench.goals import Finding
from tests.bench.places import EXCHANGES, Database
from tests.bench.running import BenchError, run
from tests.live import UNLIMITED, Live
from tests.serving import Server, serving

FAULTS = ("Traceback", '"level": "ERROR"', "[ERROR]")  # the last is how the HTTP server itself says it
# What the driver leaves behind of a request that was given up while its connection broke.
OF_THE_DRIVER = (
    "Future exception was never retrieved\\nfuture: <Future finished exception=ConnectionDoesNotExistError"
)
ROOM = 500  # files that a process has open beside its connections
ENOUGH = 300  # characters of each end of a line
_numbers = count(1)

Form = TypeVar("Form")


class SkippedTrialError(Exception):
    """A trial cannot be made on this machine; the message is a line that says why."""


@dataclass(frozen=True)
class Torture:
    """A run: `short` is the minute of CI, otherwise it is the ten minutes of `make torture`."""

    bench: Bench
    short: bool

    def form(self, short: Form, long: Form) -> Form:
        """Choose a size by the form of the run."""
        return short if self.short else long

    @cached_property
    def shipped(self) -> Database:
        """The database of the dataset as it is shipped, which nobody changes."""
        return self.bench.shipped

    @contextmanager
    def copied(self) -> Iterator[Database]:
        """Lend a copy of the shipped dataset, to write into."""
        with self.bench.places.copied(self.shipped, f"torture_{next(_numbers)}") as database:
            yield database

    def folder(self, name: str) -> Path:
        """Give the path of a folder that is not there yet, and is gone after the run."""
        return self.bench.scratch / f"{name}-{next(_numbers)}"

    @contextmanager
    def served(self, url: str, *options: str, port: int = 0, **settings: str) -> Iterator[Server]:
        """Serve a database in a process of its own, and wait until it answers."""
        more = {**UNLIMITED, "LOG_LEVEL": "warning", **settings}
        with serving(self.folder("served"), *options, port=port, DATABASE_URL=url, **more) as server:
            server.answer()
            yield server


@contextmanager
def files_allowed(connections: int) -> Iterator[None]:
    """Let this process and what it starts have so many connections.

    Raises:
        SkippedTrialError: it may not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + ROOM
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise SkippedTrialError(
            f"a process may open {hard:,} files here, and {needed:,} are needed (ulimit -n)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def key_of(url: str, role: Role) -> str:
    """Make a key of a role in a database."""
    return Live("", url).key(role)


def held(trial: str, url: str) -> Finding:
    """Say that `exchanges verify` must find no fault."""
    try:
        faults, told = 0, run([*EXCHANGES, "verify"], settings={"DATABASE_URL": url}).strip()
    except BenchError as error:
        faults, told = 1, str(error)
    return at_most(trial, "faults that `exchanges verify` finds", faults, 0, told)


def at_most(trial: str, what: str, figure: float, bound: float, told: str, *, unit: str = "") -> Finding:
    """Say that a figure must not pass a bound."""
    return Finding(trial, what, figure, bound, told, at_least=False, unit=unit)


def at_least(trial: str, what: str, figure: float, bound: float, told: str, *, unit: str = "") -> Finding:
    """Say that a figure must reach a bound."""
    return Finding(trial, what, figure, bound, told, unit=unit)


def faults_told(server: Server) -> list[str]:
    """Give the lines of a server's log that tell a failure of its own, rather than of its database."""
    lines = [line for line in server.said.splitlines() if OF_THE_DRIVER not in line]
    return [line for line in lines if any(fault in line for fault in FAULTS)]


def quiet(trial: str, server: Server) -> Finding:
    """Say that the server must log no failure of its own."""
    told = faults_told(server)
    return at_most(
        trial, "failures in the server's log", len(told), 0, _shortened(told[0]) if told else "none"
    )


def _shortened(line: str) -> str:
    """Give the two ends of a line: what failed, and the last that a trace says."""
    return line if len(line) <= 2 * ENOUGH else f"{line[:ENOUGH]} … {line[-ENOUGH:]}"
