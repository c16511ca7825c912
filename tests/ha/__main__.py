"""`make test-ha`: the primary is killed again and again under writers and readers, and nothing is lost.

`python -m tests.ha --rounds 10 --write FILE` keeps the table. What runs is the profile `ha` of
docker-compose.yml on loopback (`cluster.py`). In odd rounds the primary's Postgres is killed, in even ones
its Patroni too, as when a machine goes: that is noticed only when its lease runs out.
"""

import argparse
import asyncio
import datetime as dt
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from api.serving import StopSignals
from tests.ha.clients import HEADER, Curator, Seen, read, watch, write
from tests.ha.cluster import Cluster, HaError, exchanges, running_apis, running_cluster

WRITERS, READERS = 4, 50
STEADY = 10  # acknowledged writes before the next kill
PATIENCE = 180.0
INTERRUPTED = 130


@dataclass
class Round:
    """One kill, and what came of it."""

    what: str
    outage: float
    read_errors: int


def main() -> int:
    """Run all rounds; give 0 if everything holds that must, 1 if not."""
    parser = argparse.ArgumentParser(prog="python -m tests.ha", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=10, help="how often the primary is killed")
    parser.add_argument("--write", type=Path, help="a Markdown file for the table")
    parser.add_argument("--logs", type=Path, help="a folder that keeps the logs of all processes")
    chosen = parser.parse_args()
    try:
        if chosen.logs is not None:
            chosen.logs.mkdir(parents=True, exist_ok=True)
        with StopSignals(), running_cluster(chosen.logs) as cluster, running_apis(cluster) as bases:
            _say("A primary and two replicas, PgBouncer, HAProxy and two APIs are up.")
            seen, rounds = asyncio.run(_storm(cluster, bases, chosen.rounds))
            stored = _stored(bases[0], seen)
    except HaError as error:
        _say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    lost = [reason for reason, revision in seen.acknowledged.items() if stored.get(reason) != [revision]]
    table = _table(seen, rounds, lost, stored)
    sys.stdout.write(table)
    if chosen.write is not None:
        chosen.write.write_text(table, encoding="utf-8")
    for line in [*lost, *seen.went_back]:
        _say(line)
    twice = any(len(revisions) > 1 for revisions in stored.values())
    return 1 if lost or twice or seen.went_back else 0


async def _storm(cluster: Cluster, bases: list[str], rounds: int) -> tuple[Seen, list[Round]]:
    """Kill one primary after the other while everybody writes and reads."""
    seen, over, done = Seen(), asyncio.Event(), []
    token = (
        await asyncio.to_thread(exchanges, cluster, "key", "create", "--role", "curator", "--name", "ha")
    ).split()
    [token] = [word for word in token if word.startswith("exk_")]
    async with httpx.AsyncClient(base_url=bases[0]) as client:
        records = (await client.get(f"/v1/exchanges?limit={WRITERS}")).json()["data"]
    tasks = [
        *(
            asyncio.create_task(write(Curator(f"writer {n}", bases[n % 2], token, record["id"]), seen, over))
            for n, record in enumerate(records)
        ),
        *(asyncio.create_task(read(f"reader {n}", bases, seen, over)) for n in range(READERS)),
        *(asyncio.create_task(watch(base, seen, over)) for base in bases),
    ]
    try:
        for number in range(1, rounds + 1):
            done.append(await _round(cluster, seen, number))
            _say(
                f"round {number} of {rounds}: {done[-1].what} killed; no write for {done[-1].outage:.1f} s; "
                f"read errors {done[-1].read_errors}; acknowledged so far {len(seen.acknowledged)}"
            )
        await _steady(cluster, seen)
    finally:
        over.set()
        await asyncio.wait(tasks, timeout=60)
    for task in tasks:
        task.result()
    return seen, done


async def _round(cluster: Cluster, seen: Seen, number: int) -> Round:
    await _steady(cluster, seen)
    primary = await asyncio.to_thread(cluster.primary)
    if primary is None:
        raise HaError("Patroni knows of no primary")
    began, errors, whole = time.monotonic(), len(seen.read_errors_at), number % 2 == 0
    before = len(seen.acknowledged)
    await asyncio.to_thread(primary.kill, whole=whole)
    await _until(lambda: len(seen.acknowledged) > before + 2, "a write after the kill")
    if whole:
        primary.start()
    outage = seen.longest_outage(began, time.monotonic())
    return Round(
        "Postgres with its Patroni" if whole else "Postgres", outage, len(seen.read_errors_at) - errors
    )


async def _steady(cluster: Cluster, seen: Seen) -> None:
    """Wait until all three nodes do their part, and writes are made."""
    deadline = time.monotonic() + PATIENCE
    while not await asyncio.to_thread(cluster.is_whole):
        if time.monotonic() > deadline:
            raise HaError(f"the cluster does not become whole: {cluster.state()['members']}")
        await asyncio.sleep(0.2)
    before = len(seen.acknowledged)
    await _until(lambda: len(seen.acknowledged) >= before + STEADY, "writes of a whole cluster")


async def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise HaError(f"{what} did not come in {PATIENCE:.0f} s")
        await asyncio.sleep(0.05)


def _stored(base: str, seen: Seen) -> dict[str, list[int]]:
    """Give the dataset revisions of each reason in the history, as the primary has it."""
    found: dict[str, list[int]] = {}
    path = "/v1/changes?since=1&limit=1000"
    headers = {HEADER: str(max(seen.acknowledged.values(), default=0))}
    with httpx.Client(base_url=base, timeout=60) as client:
        while path:
            answer = client.get(path, headers=headers)
            page = json.loads(answer.raise_for_status().content)
            for entry in page["data"]:
                found.setdefault(entry["reason"], []).append(entry["dataset_revision"])
            path = page["meta"]["next"]
    return found


def _table(seen: Seen, rounds: list[Round], lost: list[str], stored: dict[str, list[int]]) -> str:
    def longest(what: str) -> str:
        return f"{max((each.outage for each in rounds if each.what == what), default=0.0):.1f} s"

    twice = sum(len(revisions) > 1 for revisions in stored.values())
    delays = sorted(seen.known_after) or [0.0]
    reads = sum(seen.reads.values())
    rows = [
        ("kill -9 of the primary", f"{len(rounds)} rounds", ""),
        ("writes acknowledged, by 4 writers", f"{len(seen.acknowledged):,}", ""),
        ("of these lost", f"{len(lost)}", "0"),
        ("writes stored twice", f"{twice}", "0"),
        ("longest time without a write, Postgres killed", longest("Postgres"), ""),
        ("the same, its machine gone", longest("Postgres with its Patroni"), ""),
        ("reads, by 50 readers", f"{reads:,}", ""),
        ("of these failed", f"{len(seen.read_errors_at)}", ""),
        ("reads that went back", f"{len(seen.went_back)}", "0"),
        ("until a cache has a write, median", f"{delays[len(delays) // 2] * 1000:.0f} ms", ""),
        ("the same, 99 of 100", f"{delays[int(len(delays) * 0.99)] * 1000:.0f} ms", ""),
        ("the same, longest", f"{delays[-1]:.1f} s", ""),
        ("writes by how they ended", _told(seen.writes), ""),
        ("reads by how they ended", _told(seen.reads), ""),
    ]
    lines = ["| | measured | must be |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join([f"Measured on {dt.date.today():%Y-%m-%d}.", "", *lines, ""])  # noqa: DTZ011


def _told(tally: dict[str, int]) -> str:
    return ", ".join(f"{how}: {many:,}" for how, many in sorted(tally.items()))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
