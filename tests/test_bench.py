"""That `make bench` can be started and tells what it found; what it measures is not for a test."""

import datetime as dt
import json
from pathlib import Path

import pytest

from tests.bench import report as reports
from tests.bench.__main__ import MEASURES
from tests.bench.capture import script_line
from tests.bench.goals import Failure, Finding
from tests.bench.report import Circumstances, Report
from tests.bench.running import BenchError
from tests.bench.sums import TOTALS


def test_every_goal_is_measured() -> None:
    assert "".join(MEASURES) == "ABCDEFGHIJKLMN"
    assert len(TOTALS) == 20


@pytest.mark.parametrize(
    ("figure", "at_least", "applies", "met"),
    [
        (0.8, True, True, True),
        (0.79, True, True, False),
        (1.5, False, True, True),
        (1.51, False, True, False),
        (0.1, True, False, None),
    ],
)
def test_a_figure_meets_its_goal_or_not(
    figure: float, at_least: bool, applies: bool, met: bool | None
) -> None:
    bound = 0.8 if at_least else 1.5
    assert Finding("A", "it", figure, bound, "", at_least=at_least, applies=applies).met is met


def test_a_report_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "RESULTS", tmp_path)
    where = Circumstances("2026-11-30 09:00", "a machine", {"python": "3.11"}, {"exchanges": 1_000_000})
    findings: list[Finding | Failure] = [
        Finding("A", "warm read", 0.7, 0.8, "7/s"),
        Failure("C", "no\nPostgres"),
    ]
    file = Report(where, findings).write()
    text = file.read_text()
    assert "| A | warm read | 0.70 × | ≥ 0.80 × | MISSED | 7/s |" in text
    assert "| C | not measured |  |  | FAILED | no Postgres |" in text
    assert [each.get("met") for each in json.loads(file.with_suffix(".json").read_text())["findings"]] == [
        False,
        None,
    ]


def test_a_statement_becomes_a_script() -> None:
    variables: dict[str, str] = {}
    sql = "SELECT $1::DATE,\n $2::TEXT[], $3, $1"
    line = script_line(sql, [dt.date(2020, 1, 2), ["a", 'b"'], None], "s0", variables)
    assert line == "SELECT :s0_1::DATE, :s0_2::TEXT[], NULL, :s0_1;"
    assert variables == {"s0_1": "2020-01-02", "s0_2": '{"a","b\\""}'}


def test_what_pgbench_would_misread_is_refused() -> None:
    with pytest.raises(BenchError, match="variable"):
        script_line("SELECT 'a:b'", [], "s0", {})
