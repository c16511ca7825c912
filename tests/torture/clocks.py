"""Trial 7: the clock of the database jumps, back and forth, while curators write."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from db.embedded import EmbeddedPostgres
from db.enums import Role
from db.processes import ENVIRONMENT
from tests.bench.goals import Finding
from tests.bench.places import fetch
from tests.serving import Server
from tests.torture.loading import Load, under_load
from tests.torture.torture import SkippedTrialError, Torture, at_least, at_most, held, key_of, quiet

TRIAL = "clock"
LIBRARIES = "lib/*/faketime/libfaketime.so.1"  # below /usr
JUMPS = ("-1h", "+0", "+3d", "-2d", "+0", "-90s")
WRITERS = 3


def jump(torture: Torture) -> Iterator[Finding]:
    """Run the trial."""
    seconds = torture.form(0.7, 4.0)
    clock = torture.folder("clock")
    with (
        _false_clock(clock),
        EmbeddedPostgres(torture.folder("postgres")) as postgres,
        torture.served(postgres.url) as server,
    ):
        keys = [key_of(postgres.url, Role.CURATOR) for _ in range(WRITERS)]
        load, seen = asyncio.run(_jump(server, postgres.url, clock, seconds, keys))
        times = [row[0] for row in fetch(postgres.url, "SELECT at FROM dataset_revision ORDER BY revision")]
        told = f"{', '.join(JUMPS)}, as the database told the time; {load.shown}"
        yield at_least(TRIAL, "jumps of the clock", seen, len(JUMPS), told)
        yield at_least(TRIAL, "revisions written meanwhile", len(load.stored), 1, f"of {len(times):,}")
        back = sum(later <= earlier for earlier, later in pairwise(times))
        yield at_most(TRIAL, "revisions not later than the one before", back, 0, f"of {len(times):,}")
        yield at_most(TRIAL, "answers that are wrong", len(load.wrong), 0, (load.wrong or ["none"])[0])
        yield held(TRIAL, postgres.url)
        yield quiet(TRIAL, server)


async def _jump(
    server: Server, url: str, clock: Path, seconds: float, keys: Sequence[str]
) -> tuple[Load, int]:
    """Give what was answered, and how many jumps the database noticed."""
    seen = 0
    async with under_load(server.port, readers=3, writers=keys) as load:
        before = await asyncio.to_thread(_time_of, url)
        for offset in JUMPS:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(clock.write_text, f"{offset}\n")
            now = await asyncio.to_thread(_time_of, url)
            seen += abs(now - before) > 60
            before = now
        await asyncio.sleep(seconds)
    return load, seen


def _time_of(url: str) -> float:
    """Give the seconds by which the database's clock differs from ours."""
    return float(fetch(url, "SELECT extract(epoch FROM clock_timestamp()) - $1::float8", time.time())[0][0])


@contextmanager
def _false_clock(file: Path) -> Iterator[None]:
    """Let what runs Postgres tell the time by an offset in a file.

    Raises:
        SkippedTrialError: there is no libfaketime.
    """
    found = next(Path("/usr").glob(LIBRARIES), None)
    if found is None:
        raise SkippedTrialError("there is no libfaketime here (apt-get install libfaketime)")
    file.write_text("+0\n")
    file.chmod(0o644)
    # Postgres gets no other environment than this; timeouts and sleeps go on by the true clock
    false = {"LD_PRELOAD": str(found), "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1"}
    false |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    ENVIRONMENT.update(false)
    try:
        yield
    finally:
        for name in false:
            del ENVIRONMENT[name]
