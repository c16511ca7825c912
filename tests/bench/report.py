"""The table of a run, and the files that it is kept in: what was found, where, and with what."""

import datetime as dt
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import psutil
from rich.table import Table

from tests.bench.goals import Failure, Finding
from tests.bench.running import run

RESULTS = Path(__file__).with_name("results")
OF_THE_PRODUCT = ("asyncpg", "fastapi", "granian", "pydantic", "sqlalchemy", "uvloop")
GIGA = 1_000_000_000


@dataclass(frozen=True)
class Circumstances:
    """Where, when, with what and how long something was measured."""

    at: str
    machine: str
    versions: Mapping[str, str]
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class Report:
    """A run from its beginning to where it ended."""

    circumstances: Circumstances
    findings: Sequence[Finding | Failure]

    def table(self) -> Table:
        """Give the table for a terminal."""
        table = Table(title=f"make bench, {self.circumstances.at}")
        for column in ("", "what", "figure", "goal", "", "measured"):
            table.add_column(column, justify="right" if column in ("figure", "goal") else "left")
        for row in self.rows():
            table.add_row(*row)
        return table

    def rows(self) -> list[tuple[str, ...]]:
        """Give the lines of the table: goal, what, figure, bound, verdict, absolute numbers."""
        return [
            (each.goal, "not measured", "", "", "FAILED", each.reason)
            if isinstance(each, Failure)
            else (each.goal, each.what, each.shown_figure, each.shown_bound, each.verdict, each.absolute)
            for each in self.findings
        ]

    def write(self) -> Path:
        """Write the report as Markdown and as JSON, and give the path of the first."""
        RESULTS.mkdir(exist_ok=True)
        file = RESULTS / f"{self.circumstances.at.replace(':', '').replace(' ', '-')}.md"
        file.write_text(self._markdown())
        told = [
            {"goal": each.goal, "failed": each.reason}
            if isinstance(each, Failure)
            else {**asdict(each), "met": each.met}
            for each in self.findings
        ]
        content = {**asdict(self.circumstances), "findings": told}
        file.with_suffix(".json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        return file

    def _markdown(self) -> str:
        where = self.circumstances
        lines = [f"# Measured on {where.at}", "", f"- Machine: {where.machine}"]
        lines.append(f"- Versions: {', '.join(f'{name} {text}' for name, text in where.versions.items())}")
        lines.append(f"- Sizes: {', '.join(f'{name} {number:,}' for name, number in where.sizes.items())}")
        lines += ["", "| | what | figure | goal | | measured |", "|---|---|--:|--:|---|---|"]
        lines += [f"| {' | '.join(' '.join(cell.split()) for cell in row)} |" for row in self.rows()]
        return "\n".join(lines) + "\n"


def circumstances(
    postgres: str, peers: Mapping[str, str], sizes: Mapping[str, int], now: dt.datetime
) -> Circumstances:
    """Look at the machine and at what is installed."""
    memory = psutil.virtual_memory().total / GIGA
    machine = f"{_processor()}, {os.cpu_count()} cores, {memory:,.0f} GB, {platform.platform()}"
    busy = os.getloadavg()[0]
    versions = {
        "python": platform.python_version(),
        "postgres": postgres,
        **{name: version(name) for name in OF_THE_PRODUCT},
        **{f"peers' {name}": text for name, text in peers.items()},
        "commit": run(["git", "describe", "--always", "--dirty"]).strip(),
    }
    at = now.strftime("%Y-%m-%d %H:%M")
    return Circumstances(at, f"{machine}; load average {busy:.1f} at the end", versions, sizes)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
