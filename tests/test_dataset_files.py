"""Dataset files: what is read from them, and that each fault is named with file, line, field and reason."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from db.dataset_files import LONGEST_LINE, DatasetError, read_dataset, scan_dataset
from db.enums import Resource
from db.inputs import ExchangeInput
from db.lines import LineError
from db.rendering import PLURAL
from db.strictjson import Fault
from tests.synthetic import (
    Record,
    actor,
    agreement,
    article,
    claim,
    coverage,
    exchange,
    mediation,
    publisher,
    total,
    write_lines,
)

SHIPPED = Path(__file__).parent.parent / "db" / "dataset"


def errors_of(*paths: Path) -> list[LineError]:
    with pytest.raises(DatasetError) as caught:
        read_dataset(paths)
    assert str(caught.value) == "\n".join(str(error) for error in caught.value.errors)
    return list(caught.value.errors)


def test_the_shipped_dataset_has_no_fault() -> None:
    files = read_dataset([SHIPPED])
    assert Counter(entry.resource for entry in files.entries) == {
        Resource.ACTOR: 27,
        Resource.PUBLISHER: 538,
        Resource.ARTICLE: 1120,
        Resource.AGREEMENT: 7,
        Resource.EXCHANGE: 235,
        Resource.TOTAL: 164,
        Resource.COVERAGE: 21,
    }
    assert sum(len(item.claims) for item in files.inputs if isinstance(item, ExchangeInput)) == 819
    assert files.resources == frozenset(Resource)


# What a record is made of → the field at fault, and a part of the reason.
BAD_FIELDS: list[tuple[Callable[..., Record], Record, str, str]] = [
    (exchange, {"claims": [claim("a:c1", count=-5)]}, "claims.0.count", "must be at least 0, not -5"),
    (exchange, {"claims": [claim("a:c1", count="5")]}, "claims.0.count", "must be a whole number, not '5'"),
    (exchange, {"claims": [claim("a:c1", count=5.5)]}, "claims.0.count", "must be a whole number, not 5.5"),
    (exchange, {"claims": [claim("a:c1", count=10**20)]}, "claims.0.count", "must be at most 100000000"),
    (
        exchange,
        {"claims": [claim("a:c1", citations=[])]},
        "claims.0.citations",
        "must hold at least 1, not 0",
    ),
    (
        exchange,
        {"claims": [claim("a:c1", category="crew")]},
        "claims.0.category",
        "must be 'total', 'military'",
    ),
    (exchange, {"claims": [claim("a:c1", received_by="north")]}, "claims.0", "must differ"),
    (exchange, {"claims": [claim("a:c1", citations=["page-9"])]}, "", "must include page-9"),
    (exchange, {"claims": [claim("b:c1")]}, "", "b:c1 must begin with"),
    (exchange, {"claims": {}}, "claims", "must be a list, not an object"),
    (exchange, {"location": 3}, "location", "must be an object, not 3"),
    (exchange, {"date": "2025-13-40"}, "date", "must be a date such as 2024-12-30, not '2025-13-40'"),
    (exchange, {"date": 0}, "date", "must be a date such as 2024-12-30, not 0"),
    (exchange, {"date_end": "2019-12-31"}, "", "date_end must not be before date"),
    (exchange, {"summary": " "}, "summary", "must not be blank"),
    (exchange, {"summary": ""}, "summary", "must not be empty"),
    (exchange, {"summary": "a\0b"}, "summary", "must not contain a NUL character"),
    (exchange, {"summary": "a" * 5000}, "summary", "must be at most 4000 characters long"),
    (exchange, {"citations": []}, "citations", "must hold at least 1"),
    (exchange, {"colour": "red"}, "colour", "is not a known field"),
    (exchange, {"tab\tkey": 1}, r"'tab\tkey'", "is not a known field"),
    (agreement, {"status": None}, "status", "must be 'in_force'"),
    (agreement, {"title": ["Talks"]}, "title", "must be text, not a list"),
    (article, {"url": "ftp://example.org/a"}, "url", "must be a web address"),
    (article, {"url": "no address"}, "url", "must be a web address"),
    (article, {"language": "English"}, "language", "must match ^[a-z]{2,3}$, not 'English'"),
    (
        article,
        {"link_checked_at": "2020-01-01T00:00:00"},
        "link_checked_at",
        "must be a time with its offset",
    ),
    (article, {"link_checked_at": "yesterday"}, "link_checked_at", "must be a time with its offset"),
    (article, {"publisher": "The Gazette"}, "publisher", "must be an id (lower-case letters and digits"),
    (actor, {"external_ids": {"gw": "1"}}, "external_ids.gw", "must be a whole number, not '1'"),
    (actor, {"id": "none"}, "id", "must not be 'none'"),
    (actor, {"aliases": ["None."]}, "aliases.0", "must not be 'none'"),
    (actor, {"aliases": ["…"]}, "aliases.0", "must hold a letter or a digit"),
    (actor, {"name": "a" * 201}, "name", "must be at most 200 characters long"),
    (actor, {"members": ["north", "north"]}, "", "members names north twice"),
    (actor, {"members": ["a"]}, "", "members must be other actors"),
    (exchange, {"id": "a:c1"}, "id", "must be an id (lower-case letters and digits"),
    (exchange, {"claims": [claim("a:m1")]}, "claims.0.id", "with `:c` and a number at its end"),
    (exchange, {"claims": [claim("a")]}, "claims.0.id", "with `:c` and a number at its end"),
    (publisher, {"is_agency": "yes"}, "is_agency", "must be true or false, not 'yes'"),
    (total, {"value": True}, "value", "must be a whole number, not true"),
    (total, {"citations": ["page-1", "page-1"]}, "", "citations names page-1 twice"),
    (total, {"since": "2021-01-01"}, "", "since must not be after as_of"),
    (coverage, {"date_to": "2019-01-01"}, "", "date_to must not be before date_from"),
]


@pytest.mark.parametrize(("make", "fields", "field", "why"), BAD_FIELDS)
def test_a_bad_field_is_named(
    tmp_path: Path, make: Callable[..., Record], fields: Record, field: str, why: str
) -> None:
    path = tmp_path / f"{PLURAL[Resource(make.__name__)]}.jsonl"
    write_lines(path, make("good"), make("a") | fields)
    (error,) = errors_of(path)
    assert (error.file, error.line, error.field or "") == (str(path), 2, field)
    assert why in error.message


BAD_LINES: list[tuple[bytes, str | None, str]] = [
    (b'{"id": "a"', None, "is not valid JSON: Expecting ',' delimiter at column 11"),
    (b'{"id": "\\ud800"}', "id", "must not contain half of a surrogate pair"),
    (b'["a"]', None, "must be a JSON object"),
    (b"null", None, "must be a JSON object"),
    (b'{"id": "\xff"}', None, "is not UTF-8: byte 0xff at position 9"),
    (b'\xef\xbb\xbf{"id": "a"}', None, "begins with a byte order mark"),
    (b'{"id": "a\x00"}', None, "contains a NUL character"),
    (b"", None, "is empty"),
    (b" \t\r", None, "is empty"),
    (b'{"id": NaN}', None, "NaN is no number"),
    (b'{"id": -Infinity}', None, "-Infinity is no number"),
    (b"[" * 100_000, None, "is nested too deeply"),
    (b'{"is_agency": ' + b"9" * 5000 + b"}", "is_agency", "is a number too large to be read"),
    (b'{"is_agency": 1e999}', "is_agency", "is a number too large to be read"),
    (b'{"id": "' + b"a" * LONGEST_LINE + b'"}', None, "is longer than 1,048,576 bytes"),
    (b'{"id": "a", "name": "b", "id": "c"}', "id", "is given more than once"),
    (b'{"aliases": [1, {"x": {"y": 1, "y": 1}}]}', "aliases.1.x.y", "is given more than once"),
]


@pytest.mark.parametrize(("line", "field", "why"), BAD_LINES)
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: bytes, field: str | None, why: str) -> None:
    path = tmp_path / "publishers.jsonl"
    good = json.dumps(publisher("good")).encode()
    path.write_bytes(b"\n".join([good, line, json.dumps(publisher("after")).encode()]))
    (error,) = errors_of(path)
    assert (error.file, error.line, error.field) == (str(path), 2, field)
    assert why in error.message
    assert "\n" not in str(error)


# Valid lines that are wrong together → line and field at fault, and a part of the reason.
CONFLICTS: list[tuple[dict[str, list[Record]], tuple[str, int], str, str]] = [
    (
        {"totals": [total("a"), total("b"), total("a", value=1)]},
        ("totals.jsonl", 3),
        "id",
        "'a' is already the id of {}totals.jsonl:1",
    ),
    (
        {"actors": [actor("north", aliases=["Nörd Land"]), actor("south", aliases=["x", "NORD-LAND"])]},
        ("actors.jsonl", 2),
        "aliases.1",
        "'NORD-LAND' is already a name of 'north', {}actors.jsonl:1",
    ),
    (
        {"actors": [actor("north", iso_3166_1_alpha_2="NO"), actor("south", name="N.O.")]},
        ("actors.jsonl", 2),
        "name",
        "'N.O.' is already a name of 'north'",
    ),
    (
        {"publishers": [publisher("gazette"), publisher("other", aliases=["paper GAZETTE"])]},
        ("publishers.jsonl", 2),
        "aliases.0",
        "is already a name of 'gazette'",
    ),
    (
        {"articles": [article("a"), article("b", url="http://www.example.org/a/?utm_source=x#top")]},
        ("articles.jsonl", 2),
        "url",
        "is the page of 'a', {}articles.jsonl:1",
    ),
    (
        {
            "agreements": [agreement("a", mediations=[mediation("a:m1")])],
            "exchanges": [exchange("b"), exchange("a", mediations=[mediation("a:m2"), mediation("a:m1")])],
        },
        ("exchanges.jsonl", 2),
        "mediations.1.id",
        "'a:m1' is already the id of a part of {}agreements.jsonl:1",
    ),
]


@pytest.mark.parametrize(("files", "place", "field", "why"), CONFLICTS)
def test_a_conflict_between_lines_is_named(
    tmp_path: Path, files: dict[str, list[Record]], place: tuple[str, int], field: str, why: str
) -> None:
    for name, records in files.items():
        write_lines(tmp_path / f"{name}.jsonl", *records)
    (error,) = errors_of(tmp_path)
    assert (error.file, error.line, error.field) == (str(tmp_path / place[0]), place[1], field)
    assert why.format(f"{tmp_path}/") in error.message


def test_one_actor_may_have_two_spellings_of_a_name(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "actors.jsonl", actor("north", aliases=["NORTH", "N.orth"]))
    assert len(read_dataset([path]).entries) == 1


def test_every_fault_is_reported(tmp_path: Path) -> None:
    write_lines(tmp_path / "publishers.jsonl", "{", publisher("a"), "[]", publisher("b", aliases=["a"]))
    bad = exchange("a", date="never", claims=[claim("a:c1"), claim("a:c2", count=-1, rank="best")])
    write_lines(tmp_path / "exchanges.jsonl", bad, exchange("b", parties=[]))
    assert [(Path(error.file).name, error.line, error.field) for error in errors_of(tmp_path)] == [
        ("exchanges.jsonl", 1, "date"),
        ("exchanges.jsonl", 1, "claims.1.count"),
        ("exchanges.jsonl", 1, "claims.1.rank"),
        ("exchanges.jsonl", 2, "parties"),
        ("publishers.jsonl", 1, None),
        ("publishers.jsonl", 3, None),
        ("publishers.jsonl", 4, "aliases.0"),
    ]


def test_faulty_records_are_told_apart_from_sound_ones(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "totals.jsonl", total("a"), total("b", value=-1), "{", total("c"), total("a")
    )
    scan = scan_dataset([path])
    assert [entry.item.id for entry in scan.files.entries] == ["a", "c"]
    assert scan.faulty == {(Resource.TOTAL, "b"), (Resource.TOTAL, None), (Resource.TOTAL, "a")}


def test_an_error_is_one_line_and_never_the_whole_input() -> None:
    fault = Fault(("claims", 2, "count"), "invalid_value", "must be at least 0, not -5")
    error = LineError("exchanges.jsonl", 17, fault)
    assert str(error) == "exchanges.jsonl:17: claims.2.count: must be at least 0, not -5"
    empty = Fault((), "empty", "is empty")
    assert str(LineError("exchanges.jsonl", 17, empty)) == "exchanges.jsonl:17: is empty"
    assert str(LineError("", 17, empty)) == "line 17: is empty"
    assert str(LineError("nowhere", None, Fault((), "unreadable", "no such file"))) == "nowhere: no such file"


def test_a_long_value_is_shown_only_in_part(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "totals.jsonl", total("a", as_of="secret" * 1000))
    (error,) = errors_of(path)
    assert len(str(error)) < len(str(path)) + 150


def test_line_ends_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "totals.jsonl"
    path.write_text(json.dumps(total("a")) + "\r\n" + json.dumps(total("b")), newline="")
    assert [(entry.line, entry.item.id) for entry in read_dataset([path]).entries] == [(1, "a"), (2, "b")]


def test_paths_that_hold_no_dataset_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd" / "actors.jsonl" / "totals.jsonl").mkdir(parents=True)
    notes = write_lines(tmp_path / "notes.jsonl", total("a"))
    paths = [tmp_path / "empty", notes, tmp_path / "nowhere", tmp_path / "odd"]
    messages = {Path(error.file).name: error.message for error in errors_of(*paths)}
    assert "holds none of publishers.jsonl, actors.jsonl" in messages["empty"]
    assert "a dataset file is named one of" in messages["notes.jsonl"]
    assert messages["nowhere"] == "no such file or directory"
    assert messages["actors.jsonl"] == "cannot be read: Is a directory"


def test_other_files_of_a_directory_are_ignored_and_no_file_is_read_twice(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "totals.jsonl", total("a"))
    write_lines(tmp_path / "expected_figures.jsonl", "no JSON")
    files = read_dataset([tmp_path, path, tmp_path])
    assert [entry.item.id for entry in files.entries] == ["a"]
    assert files.resources == {Resource.TOTAL}


def test_an_empty_file_holds_no_records(tmp_path: Path) -> None:
    files = read_dataset([write_lines(tmp_path / "totals.jsonl")])
    assert list(files.entries) == []
    assert files.resources == {Resource.TOTAL}
