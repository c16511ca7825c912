"""The programs that make load, and what they tell: wrk for HTTP, pgbench and psql for Postgres.

All of them end by themselves after the seconds they are given.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.running import BenchError, find_program, run

SCRIPT = Path(__file__).with_name("wrk.lua")
MOST_SCRIPTS = 128  # of one run of pgbench
CONNECTIONS = 8
IN_ENGLISH = {"LC_ALL": "C"}  # what is read out of what a program says
_TOLD = re.compile(r"^TOLD (\{.*\})$", re.MULTILINE)
_TPS = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
_LATENCY = re.compile(r"^latency average = ([\d.]+) ms", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)
_TIME = re.compile(r"^Time: ([\d.]+) ms", re.MULTILINE)


@dataclass(frozen=True)
class Load:
    """What a load came to: requests (or transactions) a second, and milliseconds that half and 99 % took."""

    rate: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Pair:
    """Two things measured in turns: the medians of both, and the median of the ratios of neighbours."""

    first: float
    second: float
    ratio: float


def paired(rounds: int, first: Callable[[], float], second: Callable[[], float]) -> Pair:
    """Measure two things in turns, so that what else the machine does meets both."""
    pairs = [(first(), second()) for _ in range(rounds)]
    return pair_of([one for one, _ in pairs], [other for _, other in pairs])


def pair_of(first: Sequence[float], second: Sequence[float]) -> Pair:
    """Give the medians of two rows of measurements made in turns."""
    ratios = [one / other for one, other in zip(first, second, strict=True)]
    return Pair(median(first), median(second), median(ratios))


def wrk(
    url: str,
    seconds: int,
    *arguments: str | Path,
    connections: int = CONNECTIONS,
    headers: Mapping[str, str] | None = None,
    refusals: bool = False,
) -> Load:
    """Ask one address, or what `wrk.lua` makes of the arguments; `refusals`: a refusal is an answer too.

    Raises:
        BenchError: an answer was an error, or there was none.
    """
    command: list[str | Path] = [find_program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s"]
    command += ["--timeout", "60s", "-s", SCRIPT]
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    written = run([*command, url, "--", *arguments])
    found = _TOLD.search(written)
    if found is None:
        raise BenchError(f"wrk did not say what it found: {written}")
    told = json.loads(found[1])
    if not told["requests"]:
        raise BenchError(f"{url} answered nothing within {seconds} s: give it more SECONDS")
    if (told["refused"] and not refusals) or told["broken"]:
        raise BenchError(
            f"{url}: of {told['requests']:,} requests {told['refused']:,} were refused and"
            f" {told['broken']:,} broke"
        )
    return Load(told["requests"] / told["seconds"], told["p50"], told["p99"])


def pgbench(
    program: str,
    url: str,
    seconds: int,
    scripts: Sequence[Path],
    variables: Mapping[str, str],
    *,
    connections: int = CONNECTIONS,
) -> Load:
    """Run scripts in random turns, prepared; `variables` are what they name with a colon.

    Raises:
        BenchError: it fails, or a transaction does.
    """
    command: list[str | Path] = [program, "--no-vacuum", "--protocol=prepared", f"--time={seconds}"]
    command += [f"--client={connections}", "--jobs=1", "--random-seed=1"]
    command += [f"--file={script}" for script in scripts[:MOST_SCRIPTS]]
    command += [f"--define={name}={value}" for name, value in variables.items()]
    written = run([*command, url], settings=IN_ENGLISH)
    tps, latency, failed = (pattern.search(written) for pattern in (_TPS, _LATENCY, _FAILED))
    if tps is None or latency is None or (failed is not None and failed[1] != "0"):
        raise BenchError(f"pgbench failed: {written}")
    return Load(float(tps[1]), float(latency[1]), float("nan"))


def psql_seconds(program: str, url: str, statement: str, settings: Mapping[str, str] | None = None) -> float:
    """Give how long psql says that a statement took."""
    command: list[str | Path] = [program, url, "--no-psqlrc", "--quiet", "--output=/dev/null"]
    command += ["--set=ON_ERROR_STOP=1"]
    for name, value in (settings or {}).items():
        command += ["--command", f"SET {name} = '{value}'"]
    written = run([*command, "--command", "\\timing on", "--command", statement], settings=IN_ENGLISH)
    found = _TIME.findall(written)
    if not found:
        raise BenchError(f"psql did not say how long it took: {written}")
    return float(found[-1]) / 1000
