"""Goals C and D: pages that nobody has asked for before, against their SQL, and large data against small."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bench import Bench
from tests.bench.capture import Scripts, capture
from tests.bench.goals import Finding
from tests.bench.loads import CONNECTIONS, MOST_SCRIPTS, Load, pair_of, pgbench, wrk
from tests.bench.places import Database
from tests.bench.questions import filters_of, paths_of
from tests.bench.services import UNCACHED, Served, service

SEED = 5
QUESTIONS = 96  # each a script of pgbench
assert QUESTIONS <= MOST_SCRIPTS


@dataclass(frozen=True)
class Asked:
    """The questions of a database: a file of their paths, and the paths."""

    file: Path
    paths: list[str]


def ask_about(bench: Bench, server: Served, database: Database, name: str) -> Asked:
    """Make the questions, and ask each once, so that the worker knows its statements and totals."""
    questions = filters_of(bench.few, SEED, QUESTIONS)
    paths = paths_of(server, database, questions, SEED)
    file = bench.scratch / f"{name}.paths"
    file.write_text("".join(f"{path}\n" for path in paths))
    wrk(server.base, max(1, bench.seconds // 2), "paths", file)
    return Asked(file, paths)


def measure_cold(bench: Bench) -> Iterator[Finding]:
    """Measure goal C."""
    database = bench.many
    with service(bench, database.url, settings=UNCACHED) as server:
        asked = ask_about(bench, server, database, "many")
        scripts = capture(database.url, asked.paths, bench.scratch / "cold")
        ours, theirs = [], []
        for _ in range(bench.rounds):
            ours.append(wrk(server.base, bench.seconds, "paths", asked.file))
            theirs.append(_by_pgbench(bench, database, scripts))
    pair = pair_of([load.rate for load in ours], [load.rate for load in theirs])
    yield Finding(
        "C",
        f"cold page of {bench.exchanges:,} against its SQL in pgbench",
        pair.ratio,
        0.60,
        f"{pair.first:,.0f}/s against {pair.second:,.0f}/s, {CONNECTIONS} connections",
    )


def measure_flatness(bench: Bench) -> Iterator[Finding]:
    """Measure goal D."""
    with (
        service(bench, bench.many.url, settings=UNCACHED) as large,
        service(bench, bench.few.url, settings=UNCACHED) as small,
    ):
        of_large = ask_about(bench, large, bench.many, "large")
        of_small = ask_about(bench, small, bench.few, "small")
        loads: list[tuple[Load, Load]] = [
            (
                wrk(large.base, bench.seconds, "paths", of_large.file),
                wrk(small.base, bench.seconds, "paths", of_small.file),
            )
            for _ in range(bench.rounds)
        ]
    for name in ("p50", "p99"):
        pair = pair_of([getattr(one, name) for one, _ in loads], [getattr(other, name) for _, other in loads])
        yield Finding(
            "D",
            f"cold page, {name}, {bench.exchanges:,} against {min(1000, bench.exchanges):,}",
            pair.ratio,
            1.5,
            f"{pair.first:.1f} ms against {pair.second:.1f} ms, {CONNECTIONS} connections",
            at_least=False,
        )


def _by_pgbench(bench: Bench, database: Database, scripts: Scripts) -> Load:
    program = bench.places.program("pgbench")
    return pgbench(program, database.url, bench.seconds, scripts.files, scripts.variables)
