"""Goals J and M: how long a user waits for the first answer, and what a worker holds that nobody asks."""

import shutil
import sys
import time
from collections.abc import Iterator

import psutil

from tests.bench.bench import Bench
from tests.bench.goals import Finding
from tests.bench.services import served

MEGA = 1_000_000
PATH = "/v1/exchanges?mediator=UAE"
SETTLING = 2.0  # seconds after which a worker is idle


def measure_starts(bench: Bench) -> Iterator[Finding]:
    """Measure goal J: the middle one of the rounds, each with a data directory of its own."""
    first, second = [], []
    for _ in range(bench.rounds):
        folder = bench.folder / "started"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            first.append(_seconds_to_start(bench))
            second.append(_seconds_to_start(bench))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    for what, all_of, bound in (("first", first, 6.0), ("second", second, 2.0)):
        yield Finding(
            "J",
            f"{what} start to first answer",
            sorted(all_of)[len(all_of) // 2],
            bound,
            f"{min(all_of):.2f} to {max(all_of):.2f} s",
            at_least=False,
            unit="s",
        )


def measure_memory(bench: Bench) -> Iterator[Finding]:
    """Measure goal M."""
    url = bench.shipped.url
    command = [sys.executable, "-m", "api.cli", "serve"]
    with served(bench, command, {"DATABASE_URL": url}, PATH) as server:
        time.sleep(SETTLING)
        [worker] = server.workers()
        held = worker.memory_info().rss
        parent = server.process.memory_info().rss
        shared = held - own_memory(worker)
    yield Finding(
        "M",
        "memory of one idle worker",
        held / MEGA,
        120,
        f"{shared / MEGA:,.0f} MB of it shared; parent {parent / MEGA:,.0f} MB",
        at_least=False,
        unit="MB",
    )


def own_memory(process: psutil.Process) -> int:
    """Give the bytes that would be free without the process, or all where that cannot be told."""
    try:
        return int(process.memory_full_info().uss)
    except (psutil.AccessDenied, AttributeError):
        return int(process.memory_info().rss)


def _seconds_to_start(bench: Bench) -> float:
    folder = bench.folder / "started"
    begun = time.perf_counter()
    command = [sys.executable, "-m", "api.cli", "serve", "--data-dir", str(folder)]
    with served(bench, command, {}, PATH):
        return time.perf_counter() - begun
