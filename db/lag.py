"""How far behind servers are that a request reads from: noted wherever a state is read, judged by the caller.

A replica shows what the primary wrote some time ago, and each replica another time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class LaggingError(Exception):
    """One server told of something that another one, which was asked after it, does not have yet."""


@dataclass
class Seen:
    """The oldest newest revision that was seen while reading; None where no state was read.

    `standby`: whether something was read from a server that follows another one, or may.
    """

    revision: int | None = None
    standby: bool = False


_watching: ContextVar[Seen | None] = ContextVar("watching", default=None)


@contextmanager
def watching() -> Iterator[Seen]:
    """Note what is read inside of the block."""
    seen = Seen()
    token = _watching.set(seen)
    try:
        yield seen
    finally:
        _watching.reset(token)


def note(revision: int) -> None:
    """Note that a server was read from whose newest dataset revision is this."""
    seen = _watching.get()
    if seen is not None:
        seen.revision = revision if seen.revision is None else min(seen.revision, revision)


def note_standby() -> None:
    """Note that a server is read from that follows another one, or may."""
    seen = _watching.get()
    if seen is not None:
        seen.standby = True
