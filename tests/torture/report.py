"""The table of a run: for a terminal, and for the guide, where each trial keeps the rows of its last run."""

import datetime as dt
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.metadata import version
from pathlib import Path

from rich.table import Table

from tests.bench.goals import Failure, Finding
from tests.bench.report import OF_THE_PRODUCT
from tests.snippets import GUIDE

PAGE = GUIDE / "reliability.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end of what was measured -->\n"
COLUMNS = ("trial", "what must hold", "figure", "bound", "", "measured", "when")
_MEASURED = re.compile(f"(?<={BEGIN}).*?(?={END})", re.DOTALL)

Row = tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """A run: what each trial found, when, and with what."""

    found: Mapping[str, Sequence[Finding | Failure]]
    at: str
    form: str
    versions: str

    @classmethod
    def of(
        cls, found: Mapping[str, Sequence[Finding | Failure]], now: dt.datetime, postgres: str, *, short: bool
    ) -> "Report":
        """Look at what is installed."""
        versions = {"Python": platform.python_version(), "Postgres": postgres}
        versions |= {name: version(name) for name in OF_THE_PRODUCT}
        told = ", ".join(f"{name} {text}" for name, text in versions.items())
        form = "short" if short else "long"
        return cls(found, f"{now:%Y-%m-%d %H:%M}", form, f"{told}; {os.cpu_count()} cores")

    @property
    def failed(self) -> bool:
        """Whether anything does not hold that must."""
        every = [each for found in self.found.values() for each in found]
        return any(isinstance(each, Failure) or each.met is False for each in every)

    def table(self) -> Table:
        """Give the table for a terminal."""
        table = Table(title=f"make torture, {self.at}, {self.form}", caption=self.versions)
        for column in COLUMNS[:-1]:
            table.add_column(column, justify="right" if column in ("figure", "bound") else "left")
        for found in self.found.values():
            for each in found:
                table.add_row(*row_of(each))
        return table

    def write(self, order: Sequence[str], page: Path = PAGE) -> Path:
        """Put the rows of the trials that ran in place of theirs in the guide; those of the others stay."""
        text = page.read_text(encoding="utf-8")
        page.write_text(_MEASURED.sub(lambda match: self._merged(match[0], order), text), encoding="utf-8")
        return page

    def _merged(self, before: str, order: Sequence[str]) -> str:
        rows = [line for line in before.splitlines() if line.startswith("| ")][1:]
        of_trial = {name: [row for row in rows if row.startswith(f"| {name} |")] for name in order}
        when = (f"{self.at}, {self.form}",)
        of_trial |= {name: [_line(row_of(each) + when) for each in of] for name, of in self.found.items()}
        lines = [_line(COLUMNS), "|---|---|---|---|---|---|---|"]
        for name in order:
            lines += of_trial[name] or [_line((name, "not measured yet", "", "", "", "", ""))]
        return f"Last run on {self.at} with {self.versions}.\n\n" + "\n".join(lines) + "\n"


def row_of(each: Finding | Failure) -> Row:
    """Give a line of the table: trial, what must hold, figure, bound, verdict, what was measured."""
    if isinstance(each, Failure):
        return (each.goal, "the trial runs", "", "", "FAILED", each.reason)
    if each.met is None:
        return (each.goal, each.what, "", "", "SKIPPED", each.absolute)
    verdict = "holds" if each.met else "FAILS"
    bound = f"{'≥' if each.at_least else '≤'} {_number(each.bound, each.unit)}"
    return (each.goal, each.what, _number(each.figure, each.unit), bound, verdict, each.absolute)


def _number(number: float, unit: str) -> str:
    # four digits, so that what misses 100 by little is not shown as 100
    digits = 3 if abs(number) < 10 else 4
    shown = f"{number:,.0f}" if number == int(number) or abs(number) >= 1_000 else f"{number:.{digits}g}"
    return f"{shown} {unit}".strip()


def _line(cells: Sequence[str]) -> str:
    """Give a row in Markdown; what was measured may quote anything."""
    return (
        f"| {' | '.join(' '.join(escape(cell, quote=False).split()).replace('|', '/') for cell in cells)} |"
    )
