"""`make bench`: every goal of speed measured in one go, in one table.

`python -m tests.bench --only A,C` measures some of them. README.md says what is compared with what.
"""

import argparse
import datetime as dt
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from api.serving import StopSignals
from db.embedded import EmbeddedPostgresError
from tests.bench.bench import Bench
from tests.bench.bulk import measure_loading
from tests.bench.cold import measure_cold, measure_flatness
from tests.bench.exporting import measure_csv, measure_ndjson
from tests.bench.goals import Failure, Finding
from tests.bench.patching import measure_writes
from tests.bench.places import open_places
from tests.bench.report import Report, circumstances
from tests.bench.rivals import measure_peers, versions
from tests.bench.running import PACKAGES, BenchError, find_program
from tests.bench.starting import measure_memory, measure_starts
from tests.bench.sums import measure_stats, measure_totals
from tests.bench.warm import measure_unchanged, measure_warm, measure_workers

MEASURES: Mapping[str, Callable[[Bench], Iterator[Finding]]] = {
    "A": measure_warm,
    "B": measure_unchanged,
    "C": measure_cold,
    "D": measure_flatness,
    "E": measure_peers,
    "F": measure_ndjson,
    "G": measure_csv,
    "H": measure_loading,
    "I": measure_writes,
    "J": measure_starts,
    "K": measure_stats,
    "L": measure_workers,
    "M": measure_memory,
    "N": measure_totals,
}
INTERRUPTED = 130
WIDTH = 160  # of the table in a file

console = Console(stderr=True)


def main() -> int:
    """Measure what is asked for; give 0 if every goal is met, 1 if not."""
    goals = _goals()
    exchanges, rounds, seconds = (
        _number(name, usual)
        for name, usual in (("BENCH_EXCHANGES", 1_000_000), ("ROUNDS", 5), ("SECONDS", 5))
    )
    url = os.environ.get("BENCH_DATABASE_URL")
    findings: list[Finding | Failure] = []
    try:
        for name in PACKAGES if url else ("wrk", "curl"):
            find_program(name)
        with (
            StopSignals(),
            _folder() as folder,
            tempfile.TemporaryDirectory(prefix="run-", dir=folder) as scratch,
            open_places(url, folder, _say) as places,
        ):
            bench = Bench(places, folder, Path(scratch), exchanges, rounds, seconds, _say)
            findings += _measured(bench, goals)
            sizes = {"exchanges": exchanges, "rounds": rounds, "seconds": seconds}
            now = dt.datetime.now().astimezone()
            report = Report(circumstances(places.version, versions(bench), sizes, now), findings)
    except KeyboardInterrupt:
        console.print("Stopped.")
        return INTERRUPTED
    except (BenchError, EmbeddedPostgresError) as error:
        console.print(f"error: {error}", markup=False)
        return 1
    Console(width=None if sys.stdout.isatty() else WIDTH).print(report.table())
    _say(f"written to {report.write()}")
    return int(any(isinstance(each, Failure) or each.met is False for each in findings))


def _measured(bench: Bench, goals: Sequence[str]) -> Iterator[Finding | Failure]:
    """Measure one goal after the other; one that cannot be measured does not stop the others."""
    for goal in goals:
        begun = time.perf_counter()
        _say(f"measuring {goal}")
        try:
            for finding in MEASURES[goal](bench):
                text = f"{finding.what}: {finding.shown_figure} ({finding.shown_bound}), {finding.absolute}"
                console.print(
                    f"{goal}  {finding.verdict}  {text}", markup=False, highlight=False, soft_wrap=True
                )
                yield finding
        except Exception as error:  # noqa: BLE001  (whatever it is, hours of other figures are not lost for it)
            if not isinstance(error, BenchError):
                console.print_exception()
            console.print(f"{goal}  FAILED  {error}", markup=False, highlight=False, soft_wrap=True)
            yield Failure(goal, str(error) or type(error).__name__)
        _say(f"{goal} took {time.perf_counter() - begun:,.0f} s")


def _goals() -> list[str]:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the goals of speed.")
    parser.add_argument("--only", default="", help=f"which, with commas between: {','.join(MEASURES)}")
    only = [goal for goal in parser.parse_args().only.upper().split(",") if goal]
    if unknown := [goal for goal in only if goal not in MEASURES]:
        parser.error(f"no such goal: {', '.join(unknown)}")
    return only or list(MEASURES)


def _number(name: str, usual: int) -> int:
    given = os.environ.get(name) or str(usual)
    if not given.isdecimal() or not int(given):
        console.print(f"error: {name} must be a number above zero, not {given!r}", markup=False)
        sys.exit(2)
    return int(given)


@contextmanager
def _folder() -> Iterator[Path]:
    """Give BENCH_DIR, which is kept, or a folder that is gone at the end."""
    named = os.environ.get("BENCH_DIR")
    if named:
        folder = Path(named).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    _say("BENCH_DIR is not set: everything is loaded anew, and thrown away at the end")
    folder = Path(tempfile.mkdtemp(prefix="exchanges-bench-"))
    folder.chmod(0o711)  # the account that runs Postgres for root must get through
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _say(line: str) -> None:
    console.print(f"[dim]{dt.datetime.now().astimezone():%H:%M:%S}[/dim] {line}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
