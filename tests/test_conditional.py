"""The pure helpers that read a request's conditions and its Accept."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from starlette.datastructures import Headers

from api.conditional import best_media_type, http_date, is_not_modified

CHANGED = datetime(2025, 6, 1, 12, 30, 15, 999_000, tzinfo=UTC)
SAME_SECOND = "Sun, 01 Jun 2025 12:30:15 GMT"
BEFORE = "Sun, 01 Jun 2025 12:30:14 GMT"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], False),
        ([("if-none-match", '"7"')], True),
        ([("if-none-match", 'W/"7"')], True),
        ([("if-none-match", '"6", W/"7", "8"')], True),
        ([("if-none-match", '"6"'), ("if-none-match", '"7"')], True),
        ([("if-none-match", "*")], True),
        ([("if-none-match", '"77"')], False),
        ([("if-none-match", "")], False),
        ([("if-modified-since", SAME_SECOND)], True),
        ([("if-modified-since", BEFORE)], False),
        ([("if-modified-since", "yesterday")], False),
        ([("if-modified-since", "Sun, 01 Jun 2025 99:30:15 GMT")], False),
        ([("if-none-match", '"6"'), ("if-modified-since", SAME_SECOND)], False),
        ([("if-none-match", '"7"'), ("if-modified-since", BEFORE)], True),
    ],
)
def test_is_not_modified(headers: list[tuple[str, str]], expected: bool) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    assert is_not_modified(Headers(raw=raw), '"7"', CHANGED) is expected


def test_weak_tags_match_and_a_missing_date_never_does() -> None:
    assert is_not_modified(Headers({"if-none-match": '"a"'}), 'W/"a"')
    assert not is_not_modified(Headers({"if-modified-since": SAME_SECOND}), '"7"')


def test_http_date_is_in_gmt() -> None:
    assert http_date(CHANGED) == SAME_SECOND
    assert http_date(CHANGED.astimezone(timezone(timedelta(hours=3)))) == SAME_SECOND


BOTH = ["application/json", "text/html"]


@pytest.mark.parametrize(
    ("accept", "offered", "expected"),
    [
        (None, BOTH, "application/json"),
        ("", BOTH, "application/json"),
        ("*/*", BOTH, "application/json"),
        ("application/*", BOTH, "application/json"),
        ("text/*", BOTH, "text/html"),
        ("application/json; charset=utf-8", BOTH, "application/json"),
        ("Application/JSON", BOTH, "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", BOTH, "text/html"),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", ["application/json"], "application/json"),
        ("application/json;q=0.1, text/html;q=0.2", BOTH, "text/html"),
        ("application/json;q=0", BOTH, None),
        ("application/json;q=0, */*", BOTH, "text/html"),
        ("text/csv", BOTH, None),
        ("application/problem+json", BOTH, None),
        ("garbage", BOTH, "application/json"),
        (";;;,,,", BOTH, "application/json"),
        ("application/json;q=nonsense", BOTH, "application/json"),
    ],
)
def test_best_media_type(accept: str | None, offered: list[str], expected: str | None) -> None:
    headers = Headers({} if accept is None else {"accept": accept})
    assert best_media_type(headers, offered) == expected
