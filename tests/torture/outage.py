"""Trial 6: the database is killed under load, stays away, and comes back."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from db.embedded import EmbeddedPostgres
from db.enums import Role
from tests.bench.goals import Finding
from tests.embedded_users import postmaster
from tests.serving import Server
from tests.torture.loading import Load, under_load, until
from tests.torture.talking import talking
from tests.torture.torture import Torture, at_least, at_most, held, key_of, quiet

TRIAL = "gone"
WRITERS = 3
READERS = 8
SECONDS_BEFORE = 2.0
SECONDS_TO_RETURN = 60.0
SECONDS_WITHOUT_FAILURE = 2.0


def gone(torture: Torture) -> Iterator[Finding]:
    """Run the trial."""
    seconds = torture.form(4, 30)
    folder = torture.folder("postgres")
    with EmbeddedPostgres(folder) as postgres, torture.served(postgres.url, "--workers=2") as server:
        keys = [key_of(postgres.url, Role.CURATOR) for _ in range(WRITERS)]
        load, whole, lost = asyncio.run(_outage(server, postgres, folder, seconds, keys))
        told = f"database away for {seconds} s; {load.shown}"
        yield at_most(
            TRIAL, "answers that are neither right nor a 503 with Retry-After", len(load.wrong), 0, told
        )
        yield at_least(TRIAL, "answered with 503 meanwhile", load.statuses[503], 1, told)
        yield at_most(
            TRIAL,
            "requests without an answer",
            len(load.cut) + load.refused,
            0,
            str((load.cut or ["none"])[0]),
        )
        yield at_most(TRIAL, "slowest answer", load.slowest, 11, "in all of the trial", unit="s")
        told = f"of {len(load.stored):,} by {WRITERS} writers"
        yield at_most(TRIAL, "acknowledged writes that are lost", lost, 0, told)
        yield at_most(
            TRIAL, "until every answer is whole again", whole, 5, "after the database is back", unit="s"
        )
        yield held(TRIAL, postgres.url)
        yield quiet(TRIAL, server)


async def _outage(
    server: Server, postgres: EmbeddedPostgres, folder: Path, seconds: float, keys: Sequence[str]
) -> tuple[Load, float, int]:
    """Give what was answered, the seconds until all was well again, and how many stored writes are lost."""
    async with under_load(server.port, readers=READERS, writers=keys) as load:
        await asyncio.sleep(SECONDS_BEFORE)
        postmaster(folder).kill()
        await asyncio.sleep(seconds)
        await asyncio.to_thread(postgres.ensure_running)
        back = time.monotonic()
        await _well_again(load, back)
    lost = 0
    async with talking(server.port) as talk:
        for id_ in load.stored:
            lost += (await talk.ask(f"/v1/coverage/{id_}")).status != 200
    return load, max(load.last_failure - back, 0.0), lost


async def _well_again(load: Load, back: float) -> None:
    """Wait until writes are stored again, and for some time nothing has failed."""
    stored = len(load.stored)

    def well() -> bool:
        calm = time.monotonic() - max(load.last_failure, back) > SECONDS_WITHOUT_FAILURE
        return calm and len(load.stored) > stored

    await until(well, SECONDS_TO_RETURN)
