"""`exchanges query` and `exchanges export`: lists on a terminal and in files, from here and elsewhere."""

import csv
import json
import os
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from api.commands import CommandError
from api.querycommand import filters_of
from tests.serving import Server, exchanges, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
def here(read_only_url: str) -> dict[str, str]:
    """The settings under which a command asks the shipped dataset."""
    return {"DATABASE_URL": read_only_url}


def lines(*arguments: object, **settings: str) -> list[str]:
    result = exchanges(*arguments, **settings)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_arguments() -> None:
    assert filters_of([]) == ("exchanges", [])
    assert filters_of(["claims", "--date-from", "2025-01-01", "--claimant=none"]) == (
        "claims",
        [("date_from", "2025-01-01"), ("claimant", "none")],
    )
    assert filters_of(["--mediator", "UAE", "--mediator", "Turkey"])[1] == [
        ("mediator", "UAE"),
        ("mediator", "Turkey"),
    ]
    for wrong in (["--year"], ["claims", "uae"], ["-y", "2025"], ["../etc"], ["--"]):
        with pytest.raises(CommandError):
            filters_of(wrong)


async def test_a_table(here: dict[str, str]) -> None:
    told = lines("query", "--mediator", "UAE", "--year", "2025", COLUMNS="120", **here)
    assert told[0].split() == ["date", "id", "handed", "over", "mediators", "source"]
    first = ["2025-08-24", "2025-08-24-russia-ukraine", "russia", "→", "ukraine:", "146", "uae", "news.az"]
    assert told[1].split() == first
    assert told[2].split() == ["ukraine", "→", "russia:", "154", "(146–154)", "belarus", "(transit)"]
    assert told[-1] == "8 exchanges; dataset revision 1"


async def test_a_page_of_a_table_says_so(here: dict[str, str]) -> None:
    assert lines("query", "actors", "--limit", "2", **here)[-1] == (
        "27 actors, 2 of them shown; dataset revision 1"
    )
    assert lines("query", "coverage", "--limit", "1", **here)[-1] == (
        "21 coverage notes, 1 of them shown; dataset revision 1"
    )
    assert lines("query", "releases", **here)[-1] == "1 release; dataset revision 1"
    assert lines("query", "mediators", "--limit", "1", **here)[0].split() == ["id", "exchanges"]


async def test_sums_come_with_their_total(here: dict[str, str]) -> None:
    told = lines("query", "stats", "--group-by", "year", "--date-from", "2024-01-01", COLUMNS="120", **here)
    head, *rows = [line.split() for line in told if re.match(r"group|20..  |total", line)]
    assert head == ["group", "low", "best", "high", "exchanges", "without", "figure", "overlap"]
    assert [row[0] for row in rows] == ["2024", "2025", "2026", "total"]
    best = [int(row[2].replace(",", "")) for row in rows]
    assert sum(best[:-1]) - int(rows[-1][-1]) == best[-1]


async def test_series_are_shown_step_by_step(here: dict[str, str]) -> None:
    told = lines("query", "reconciliation", "--claimant", "uae", "--mediator", "uae", COLUMNS="150", **here)
    assert sum(line.startswith("uae.persons.total.russia.ukraine.mediator-uae ") for line in told) == 15


async def test_what_is_no_list_has_no_table(here: dict[str, str]) -> None:
    result = exchanges("query", "dataset", **here)
    assert (result.returncode, "is no list" in result.stderr) == (1, True)


async def test_csv_is_the_whole_result(here: dict[str, str]) -> None:
    told = "\n".join(lines("query", "articles", "--format", "csv", **here))
    assert len(list(csv.DictReader(StringIO(told), strict=True))) == 1120


async def test_json_is_the_answer(here: dict[str, str]) -> None:
    answer = json.loads("\n".join(lines("query", "--year", "2024", "--format", "json", **here)))
    assert answer["meta"]["query"] == {"year": ["2024"]}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--mediatr", "UAE"], ["error: mediatr: there is no parameter", "did you mean: mediator"]),
        (["--mediator", "atlantis"], ["there is no actor 'atlantis'"]),
        (["nothing"], ["there is no list 'nothing' to query\n  lists: exchanges, figures, claims"]),
        (["Exchange"], ["there is no list 'Exchange' to query\n  did you mean: exchanges\n"]),
        (["claims", "uae"], ["'uae' is not an option; filters are written as --name value"]),
        (["a/b"], ["there is no list 'a/b' to query\n  lists: "]),
        (["citations"], ["there is no list 'citations' to query"]),  # POST only
        (["changes"], ["changes is no list, and has no table"]),
        (["mediators", "--format", "csv"], ["there is no list 'mediators' to query", ", citations"]),
        (["--as-of", "1999-12-31"], ["as_of: the history runs from "]),
        (["--url", "http://127.0.0.1:9"], ["no whole answer from http://127.0.0.1:9"]),
        (["--url", "nonsense"], ["no whole answer from nonsense"]),
    ],
    ids=str,
)
async def test_what_is_not_understood(here: dict[str, str], arguments: list[str], told: list[str]) -> None:
    result = exchanges("query", *arguments, **here)
    assert (result.returncode, result.stdout) == (1, "")
    assert "Traceback" not in result.stderr
    for words in told:
        assert words in result.stderr


async def test_wrong_uses_of_export(here: dict[str, str], tmp_path: Path) -> None:
    for arguments, told in (
        (["unknownlist"], "there is no list 'unknownlist' to export\n  lists: exchanges, figures"),
        (["figure"], "did you mean: figures"),
        (["mediators"], "there is no list 'mediators' to export\n  did you mean: mediations"),
        (["claims", "-o", tmp_path], f"{tmp_path} is a folder: name a file in it with --output"),
        (["claims", "-o", tmp_path / "no" / "x.csv"], f"there is no folder {tmp_path / 'no'} for x.csv"),
        (["claims", "-o", tmp_path / "x.doc"], "no format has the ending .doc"),
        (["claims", "--limit", "5"], "limit: does not belong to an export"),
        (["claims", "--fields"], "--fields needs a value"),
    ):
        result = exchanges("export", *arguments, **here)
        assert (result.returncode, result.stdout) == (1, ""), arguments
        assert told in result.stderr
        assert "Traceback" not in result.stderr
    assert list(os.scandir(tmp_path)) == []


async def test_an_export_is_a_file_or_nothing(here: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "children.ndjson"
    told = exchanges("export", "claims", "--category", "child", "-o", file, **here)
    assert told.returncode == 0, told.stderr
    assert told.stderr == f"{file}: {file.stat().st_size:,} bytes of dataset revision 1\n"
    claims = [json.loads(line) for line in file.read_text().splitlines()]
    assert {claim["category"] for claim in claims} == {"child"}
    before = file.read_bytes()
    assert exchanges("export", "claims", "--categori", "child", "-o", file, **here).returncode == 1
    assert file.read_bytes() == before
    assert [each.name for each in os.scandir(tmp_path)] == [file.name]


async def test_the_format_is_told_by_the_ending_or_by_name(here: dict[str, str], tmp_path: Path) -> None:
    exchanges("export", "actors", "-o", tmp_path / "actors.parquet", **here)
    assert (tmp_path / "actors.parquet").read_bytes()[:4] == b"PAR1"
    exchanges("export", "actors", "-o", tmp_path / "actors.parquet", "--format", "csv", **here)
    assert (tmp_path / "actors.parquet").read_text().startswith("id,name,kind")
    refused = exchanges("export", "actors", "-o", tmp_path / "actors.foo", **here)
    assert "no format has the ending .foo" in refused.stderr


@pytest.fixture
def server(data_dir: Path) -> Iterator[Server]:
    with serving(data_dir) as made:
        yield made


def test_a_service_elsewhere_answers_the_same(server: Server, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{server.port}"
    told = lines("query", "--mediator", "UAE", "--limit", "3", "--url", url, COLUMNS="120")
    assert told[-1] == "26 exchanges, 3 of them shown; dataset revision 1"
    file = tmp_path / "exchanges.csv"
    assert exchanges("export", "--mediator", "UAE", "-o", file, "--url", url).returncode == 0
    assert len(list(csv.DictReader(StringIO(file.read_text()), strict=True))) == 26
