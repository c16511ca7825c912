"""What a change is told to be: the differences of two bodies, and how much of a huge diff is shown."""

import json

import pytest

from db.differences import ABSENT, differences
from db.enums import Action, Resource
from db.load import LoadReport, describe, diff_lines, summary_lines
from db.storing import Change

CASES: list[tuple[object, object, list[str]]] = [
    (1, 1, []),
    (1, 2, ["x 1 → 2"]),
    (None, "ОАЭ", ['x null → "ОАЭ"']),
    (False, ABSENT, ["x − false"]),
    (ABSENT, None, ["x + null"]),
    ({"a": {"b": 1}}, {"a": {"b": 2}, "c": 3}, ["x.a.b 1 → 2", "x.c + 3"]),
    ({"a": 1}, None, ['x {"a": 1} → null']),
    (["a", "b"], ["b", "c"], ['x.1 + "c"', 'x.0 − "a"']),
    (["a", "b"], ["b", "a"], ['x ["a", "b"] → ["b", "a"]']),
    (
        [{"id": "a", "n": 1}, {"id": "b", "n": 1}],
        [{"id": "b", "n": 2}],
        ["x.0.n 1 → 2", 'x.0 − {"id": "a", "n": 1}'],
    ),
    ([{"id": "a"}, {"id": "b"}], [{"id": "b"}, {"id": "a"}], ['x ["a", "b"] → ["b", "a"]']),
    ([{"n": 1}], [{"n": 2}], ['x [{"n": 1}] → [{"n": 2}]']),
    (["a", "a"], ["a"], ['x ["a", "a"] → ["a"]']),
]


@pytest.mark.parametrize(("before", "after", "lines"), CASES)
def test_differences(before: object, after: object, lines: list[str]) -> None:
    assert [str(difference) for difference in differences(before, after, "x")] == lines


def test_long_values_are_cut_around_the_place_where_they_part() -> None:
    same = "s" * 1000
    (longer,) = differences(same, same + "!", "x")
    assert str(longer) == f'x "…{"s" * 20}" → "…{"s" * 20}!"'
    (other,) = differences("a" * 1000, "b" * 1000, "x")
    assert str(other) == f'x "{"a" * 80}…" → "{"b" * 80}…"'


def change(id_: str, before: dict[str, object] | None, after: dict[str, object]) -> Change:
    stored = None if before is None else json.dumps(before)
    action = Action.CREATED if before is None else Action.UPDATED
    return Change(Resource.EXCHANGE, id_, action, 2, stored, json.dumps(after))


def test_history_is_ignored_and_derived_fields_give_way_to_written_ones() -> None:
    before = {"status": "announced", "persons": {"best": 1}, "revision": 1, "updated_at": "earlier"}
    derived = {"status": "announced", "persons": {"best": 2}, "revision": 2, "updated_at": "later"}
    assert diff_lines(change("a", before, derived)) == ["exchange a: persons.best 1 → 2"]
    written = derived | {"status": "completed"}
    assert diff_lines(change("a", before, written)) == ['exchange a: status "announced" → "completed"']


def test_a_huge_diff_is_cut() -> None:
    parties = change("a", {"parties": []}, {"parties": [f"party-{n}" for n in range(25)]})
    lines = diff_lines(parties)
    assert len(lines) == 21
    assert lines[-1] == "exchange a: … and 5 more differences"
    changes = tuple(change(f"e-{n}", None, {}) for n in range(600))
    report = LoadReport(2, False, changes, {(Resource.EXCHANGE, Action.CREATED): 600}, {}, {}, {})
    told = describe(report)
    assert len(told) == 501
    assert told[-1] == "… and 100 more changed records"


def test_the_summary_names_only_some_of_many_missing_ids() -> None:
    missing = {Resource.TOTAL: tuple(f"total-{n}" for n in range(12))}
    report = LoadReport(7, True, (), {}, {Resource.TOTAL: 3}, missing, {})
    assert summary_lines(report) == [
        "totals: 0 created, 0 updated, 3 unchanged",
        "totals: 12 in the database but not in the files, kept: "
        + ", ".join(f"total-{n}" for n in range(10))
        + " and 2 more",
        "nothing would change; dataset revision 7",
    ]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (189, 190, "count was 189 and is now 190."),
        (None, "a", 'count was empty and is now "a".'),
        (1, None, "count was 1 and is now empty."),
        (ABSENT, {"id": "c"}, 'count is new: {"id": "c"}.'),
        ("a", ABSENT, 'count is gone, which was "a".'),
        ("A.", "B.", 'count was "A." and is now "B."'),
        ("a" * 90, "b" * 90, f'count was "{"a" * 80}…" and is now "{"b" * 80}…".'),
        ('"' * 90, "b", 'count was "' + r"\"" * 80 + '…" and is now "b".'),
        (ABSENT, "c" * 90, f'count is new: "{"c" * 80}…".'),
        ("s" * 100, "s" * 100 + "!", f'count was "…{"s" * 20}" and is now "…{"s" * 20}!"'),
    ],
)
def test_sentences(before: object, after: object, told: str) -> None:
    (difference,) = differences(before, after, "count")
    assert difference.sentence() == told
