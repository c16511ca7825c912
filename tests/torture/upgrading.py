"""Trial 11: a database of an older version, with its data, is brought to the newest schema, and is the same.

And the version before the newest migration goes on serving while the database is migrated under it, as it
does for the length of a deploy. The older versions are those of the repository's history.
"""

import asyncio
import json
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from db.embedded import EmbeddedPostgres
from db.migrate import MIGRATIONS, head
from tests.bench.goals import Finding
from tests.bench.places import EXCHANGES, SHIPPED
from tests.bench.running import REPOSITORY, BenchError, run
from tests.bench.services import Served, served
from tests.torture.loading import Load, under_load
from tests.torture.torture import SkippedTrialError, Torture, at_least, at_most, held, quiet

TRIAL = "upgrade"
SERVE = [*EXCHANGES, "serve"]
OLD = "0005"  # nothing was released yet, so that this stands for the release before
HELD = (
    "/v1/exchanges?limit=1000",
    "/v1/exchanges?limit=1000&as_of=1",
    "/v1/exchanges?mediator=UAE&sort=id",
    "/v1/claims?limit=1000",
    "/v1/articles?limit=1000",
    "/v1/actors?limit=1000",
    "/v1/agreements",
    "/v1/totals?limit=1000",
    "/v1/exchanges/2024-12-30-russia-ukraine/revisions",
)


def upgrade(torture: Torture) -> Iterator[Finding]:
    """Run the trial."""
    yield from _from_old(torture)
    yield from _under_old(torture)


def _from_old(torture: Torture) -> Iterator[Finding]:
    following = f"{int(OLD) + 1:04}"
    code = _code_before(torture, following)
    with EmbeddedPostgres(torture.folder("postgres")) as postgres:
        settings = {"DATABASE_URL": postgres.url}
        run(
            [*EXCHANGES, "load", code / "db" / "dataset", "--reason=as it was"],
            settings=settings,
            folder=code,
        )
        with served(torture.bench, SERVE, settings, HELD[0], code) as old:
            before = {path: _data(old, path) for path in HELD}
        began = time.monotonic()
        run([*EXCHANGES, "migrate"], settings=settings)
        took = time.monotonic() - began
        with torture.served(postgres.url) as server:
            after = {path: server.ask(path)["data"] for path in HELD}
            yield quiet(TRIAL, server)
        records = sum(len(data) for data in before.values())
        told = f"{records:,} records of {len(HELD)} lists, before and after; migrated in {took:.1f} s"
        different = [path for path in HELD if before[path] != after[path]]
        what = f"answers that differ after the way from {OLD} to {head()}"
        yield at_most(TRIAL, what, len(different), 0, f"{told}: {', '.join(different) or 'equal'}")
        yield held(TRIAL, postgres.url)
        run([*EXCHANGES, "load", SHIPPED, "--reason=as shipped now"], settings=settings)
        yield held(TRIAL, postgres.url)


def _under_old(torture: Torture) -> Iterator[Finding]:
    code = _code_before(torture, head())
    with EmbeddedPostgres(torture.folder("postgres")) as postgres:
        settings = {"DATABASE_URL": postgres.url, "WRITES_PER_MINUTE": "100000", "WRITE_BURST": "100000"}
        with served(torture.bench, SERVE, settings, HELD[0], code) as old:
            key = run(
                [*EXCHANGES, "key", "create", "--role=curator", "--name=torture"],
                settings=settings,
                folder=code,
            )
            load, wrote = asyncio.run(
                _migrate_under(old.port, settings, torture.form(1.5, 10.0), key.strip())
            )
        wrong = [*load.wrong, *load.cut]
        failures = len(wrong) + load.statuses[503] + load.refused
        told = f"{load.shown}; slowest {load.slowest:.1f} s: {wrong[0] if wrong else 'none'}"
        yield at_most(TRIAL, f"failures of the version before {head()} on the new schema", failures, 0, told)
        yield at_least(TRIAL, "writes that it stores on the new schema", wrote, 1, "by one writer")
        with torture.served(postgres.url) as server:
            there = {note["id"] for note in server.ask("/v1/coverage?limit=1000")["data"]}
            lost = load.stored.keys() - there
            told = f"of {len(load.stored):,}"
            yield at_most(TRIAL, "writes of it that the new version does not have", len(lost), 0, told)
            yield quiet(TRIAL, server)
        yield held(TRIAL, postgres.url)


async def _migrate_under(port: int, settings: dict[str, str], seconds: float, key: str) -> tuple[Load, int]:
    """Migrate below a service; give what it answered, and how many writes it stored afterwards."""
    async with under_load(port, readers=4, writers=[key]) as load:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(run, [*EXCHANGES, "migrate"], settings=settings)
        stored = len(load.stored)
        await asyncio.sleep(seconds)
    return load, len(load.stored) - stored


def _data(server: Served, path: str) -> Any:
    return json.loads(server.ask(path).body)["data"]


def _code_before(torture: Torture, migration: str) -> Path:
    """Give a folder with the code as it was before a migration, outside of the repository.

    Raises:
        SkippedTrialError: there is no history here that goes back so far.
    """
    [file] = (MIGRATIONS / "versions").glob(f"{migration}_*.py")
    place = file.relative_to(REPOSITORY)
    folder = torture.folder("code")
    archive = folder.with_suffix(".tar")
    try:
        added = _git("log", "-1", "--format=%H", "--diff-filter=A", "--", str(place)).strip()
        _git("archive", f"--output={archive}", f"{added}^" if added else "HEAD")
    except BenchError as error:
        raise SkippedTrialError(f"git does not tell how it was before {migration}: {error}") from error
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    archive.unlink()
    return folder


def _git(*arguments: str) -> str:
    return run(["git", "-C", REPOSITORY, *arguments])
