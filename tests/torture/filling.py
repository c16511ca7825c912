"""Trial 5: the disk of the database is full, and has room again; it takes no writes, and takes them again."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from db.embedded import EmbeddedPostgres
from db.enums import Role
from tests.bench.goals import Finding
from tests.bench.places import fetch
from tests.live import UNLIMITED
from tests.serving import Server, serving
from tests.torture.loading import Load, under_load, until
from tests.torture.talking import talking
from tests.torture.torture import SkippedTrialError, Torture, at_least, at_most, held, key_of, quiet

TRIAL = "full"
SIZE = "400m"  # of the disk: the programs of Postgres, the dataset, and its log
PIECE = bytes(1 << 16)
SECONDS_TO_SETTLE = 30.0
READ_ONLY = "ALTER SYSTEM SET default_transaction_read_only = on"
WRITABLE = "ALTER SYSTEM RESET default_transaction_read_only"


def full(torture: Torture) -> Iterator[Finding]:
    """Run the trial."""
    seconds = torture.form(3, 10)
    with (
        _disk(torture.folder("disk")) as disk,
        serving(disk / "data", "--workers=1", **UNLIMITED, LOG_LEVEL="warning") as server,
    ):
        server.answer()
        with EmbeddedPostgres(disk / "data") as postgres:
            key = key_of(postgres.url, Role.CURATOR)
            ballast = disk / "ballast"
            for illness in (
                Illness("disk full", lambda: _fill(ballast), ballast.unlink),
                Illness(
                    "read-only", lambda: _set(postgres.url, READ_ONLY), lambda: _set(postgres.url, WRITABLE)
                ),
            ):
                yield from _tried(illness, server, key, seconds)
                yield held(TRIAL, postgres.url)
            yield quiet(TRIAL, server)


@dataclass(frozen=True)
class Illness:
    """What a database suffers from: how that begins, and how it ends."""

    name: str
    begin: Callable[[], None]
    end: Callable[[], None]


def _tried(illness: Illness, server: Server, key: str, seconds: float) -> Iterator[Finding]:
    during, after, took, lost = asyncio.run(_meanwhile(illness, server, key, seconds))
    what = illness.name
    told = f"{what}: {during.shown}"
    yield at_least(TRIAL, f"{what}: writes refused with 503", during.statuses[503], 1, told)
    wrong = [*during.wrong, *after.wrong, *during.cut, *after.cut]
    yield at_most(TRIAL, f"{what}: other failures", len(wrong), 0, str(wrong[0]) if wrong else "none")
    yield at_most(TRIAL, f"{what}: reads that fail", during.failed_reads, 0, told)
    yield at_most(TRIAL, f"{what}: until writes are stored again", took, 5, after.shown, unit="s")
    yield at_most(
        TRIAL, f"{what}: acknowledged writes lost", lost, 0, f"of {len(during.stored | after.stored)}"
    )


async def _meanwhile(
    illness: Illness, server: Server, key: str, seconds: float
) -> tuple[Load, Load, float, int]:
    """Give what was answered meanwhile and afterwards, the seconds until a write is stored, and losses."""
    await asyncio.to_thread(illness.begin)
    async with under_load(server.port, readers=4, writers=[key]) as during:
        # what room there is may take some writes
        await until(lambda: during.statuses[503] > 0, SECONDS_TO_SETTLE)
        await asyncio.sleep(seconds)
    await asyncio.to_thread(illness.end)
    began = time.monotonic()
    async with under_load(server.port, readers=4, writers=[key]) as after:
        await until(lambda: bool(after.stored), SECONDS_TO_SETTLE)
        took = time.monotonic() - began
    async with talking(server.port) as talk:
        ids = during.stored | after.stored
        lost = [id_ for id_ in ids if (await talk.ask(f"/v1/coverage/{id_}")).status != 200]
    return during, after, took, len(lost)


@contextmanager
def _disk(folder: Path) -> Iterator[Path]:
    """Lend a small disk in memory.

    Raises:
        SkippedTrialError: this account may make none.
    """
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "none", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        raise SkippedTrialError(f"no small disk can be made here, which takes root: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(ballast: Path) -> None:
    """Write until nothing more fits."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(PIECE) == len(PIECE):
            pass


def _set(url: str, statement: str) -> None:
    fetch(url, statement)
    fetch(url, "SELECT pg_reload_conf()")
