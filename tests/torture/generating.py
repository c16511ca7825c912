"""Trial 1: requests generated from the whole contract, and chains of them, as each role, with all checks.

`make fuzz` asks what the shipped dataset can answer, and so may demand that it does; `make stateful` holds
writes against a model. Here nothing is narrowed: whatever comes back must be what the contract promises.
CASES is how many requests there are for each role at least: 20,000 take some twenty minutes each, `make
torture` has minutes in all.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from db.enums import Role
from tests.bench.goals import Finding
from tests.bench.running import REPOSITORY, BenchError, running
from tests.torture import readable
from tests.torture.torture import Torture, at_least, at_most, held, key_of, quiet

TRIAL = "generated"
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
ANYBODY = "anonymous"
PHASES = ("fuzzing", "stateful")  # each has its time, or the first would take all of it
LONGEST = 150  # seconds of a run; each begins with some in which it reads the contract
LINES = 400  # of what was printed, kept to be read where a check failed


@dataclass(frozen=True)
class Generated:
    """What a run of the generator came to."""

    cases: int
    failures: list[str]
    told: str


def generate(torture: Torture) -> Iterator[Finding]:
    """Run the trial."""
    wanted = int(os.environ.get("CASES") or torture.form(20, 300))
    seconds = min(max(torture.form(8, 20), wanted // 20), LONGEST)
    for role in (ANYBODY, *Role):
        with torture.copied() as database, torture.served(database.url) as server:
            key = None if role == ANYBODY else key_of(database.url, Role(role))
            cases, failures, told = 0, [], ""
            while cases < wanted and not failures:
                for phases in PHASES:
                    run = _generated(torture, server.port, key, phases, seconds)
                    cases, failures, told = cases + run.cases, failures + run.failures, run.told
            yield at_least(TRIAL, f"requests as {role}", cases, wanted, told)
            yield at_most(TRIAL, f"failed checks as {role}", len(failures), 0, "; ".join(failures) or "none")
            yield held(TRIAL, database.url)
            yield quiet(TRIAL, server)


def _generated(torture: Torture, port: int, key: str | None, phases: str, seconds: int) -> Generated:
    """Generate requests for so many seconds, others each time.

    Raises:
        BenchError: the generator itself failed.
    """
    folder = torture.folder("generated")
    folder.mkdir()
    report = folder / "report.json"
    base = f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIGURATION, "run"),
        *(f"{base}/v1/openapi.json", "--url", base, "--max-time", str(seconds)),
        *("--report-json-path", report, "--no-shrink", "--phases", phases),
        *(("-H", f"Authorization: Bearer {key}") if key else ()),
    ]
    settings = {"SCHEMATHESIS_HOOKS": readable.__name__, "PYTHONPATH": str(REPOSITORY)}
    with running(
        command, settings=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, folder=folder
    ) as process:
        printed, _ = process.communicate()
    if not report.exists():
        raise BenchError(f"schemathesis failed: {printed[-500:]}")
    found = json.loads(report.read_bytes())
    failures = [f"{each['title']}: {', '.join(each['operations'][:2])}" for each in found["failures"]]
    failures += [f"{each['title']} ({each['count']} times)" for each in found["errors"]]
    if failures:
        torture.bench.say("\n".join(printed.splitlines()[-LINES:]))
    told = (
        f"{found['operations']['tested']} of {found['operations']['total']} operations, single and in chains"
    )
    return Generated(found["test_cases"]["generated"], failures, told)
