"""What differs between two versions of a record, as lines that a person reads.

Works on any JSON. Things in a list that have ids are matched by them, so that one more claim at the top does
not make all others look changed.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

LONGEST_VALUE = 80  # characters of a value
LEAD = 20  # characters shown before the place where two long values part

Json = object


class _Absent:
    """Stands for a value that is not there, which null is not."""


ABSENT = _Absent()


class Difference(NamedTuple):
    """One place where two versions differ; ABSENT on the side that lacks the value."""

    path: str
    before: Json | _Absent
    after: Json | _Absent

    def __str__(self) -> str:
        if isinstance(self.before, _Absent):
            return f"{self.path} + {_told(self.after)}"
        if isinstance(self.after, _Absent):
            return f"{self.path} − {_told(self.before)}"
        before, after = self._parted()
        return f"{self.path} {before} → {after}"

    def sentence(self) -> str:
        """Tell it as a sentence."""
        if isinstance(self.before, _Absent):
            return _ended(f"{self.path} is new: {_worded(_told(self.after))}")
        if isinstance(self.after, _Absent):
            return _ended(f"{self.path} is gone, which was {_worded(_told(self.before))}")
        before, after = self._parted()
        return _ended(f"{self.path} was {_worded(before)} and is now {_worded(after)}")

    def _parted(self) -> tuple[str, str]:
        """Give both values as text, cut so that the place where they part is shown."""
        before, after = _plain(self.before), _plain(self.after)
        start = 0
        if max(len(before), len(after)) > LONGEST_VALUE:
            same = takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
            start = max(0, sum(1 for _ in same) - LEAD)
        return _told(self.before, start), _told(self.after, start)


def differences(before: Json, after: Json, path: str) -> Iterator[Difference]:
    """Find every place where the values of a field differ, each with its path such as `claims.1.count`."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in {**after, **before}:
            yield from differences(before.get(key, ABSENT), after.get(key, ABSENT), f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list):
        yield from _between_lists(before, after, path)
    elif before != after:
        yield Difference(path, before, after)


def _between_lists(before: Sequence[Json], after: Sequence[Json], path: str) -> Iterator[Difference]:
    old, new = _keyed(before), _keyed(after)
    if old is None or new is None:
        if before != after:
            yield Difference(path, before, after)
        return
    found = False
    for position, (key, value) in enumerate(new.items()):
        for difference in differences(old.get(key, ABSENT), value, f"{path}.{position}"):
            found = True
            yield difference
    for position, (key, value) in enumerate(old.items()):
        if key not in new:
            found = True
            yield Difference(f"{path}.{position}", value, ABSENT)
    if not found and list(old) != list(new):
        yield Difference(path, list(old), list(new))


def _keyed(values: Sequence[Json]) -> dict[Json, Json] | None:
    """Give the things of a list by what identifies them, or None where nothing does."""
    keys = [value.get("id") if isinstance(value, Mapping) else value for value in values]
    if not all(isinstance(key, str) for key in keys) or len(set(keys)) < len(keys):
        return None
    return dict(zip(keys, values, strict=True))


def _told(value: Json, start: int = 0) -> str:
    """Give a value as JSON, cut if it is long; a text is cut within its quotes, so that both are there."""
    cut = _cut(_plain(value), start)
    return _dumped(cut) if isinstance(value, str) else cut


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else _dumped(value)


def _dumped(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _worded(text: str) -> str:
    return "empty" if text == "null" else text


def _ended(sentence: str) -> str:
    """End a sentence with a full stop, unless it ends with a text that has its own."""
    return sentence if sentence.endswith(('."', '?"', '!"')) else f"{sentence}."


def _cut(text: str, start: int = 0) -> str:
    shown = text[start : start + LONGEST_VALUE]
    return f"{'…' if start else ''}{shown}{'…' if start + LONGEST_VALUE < len(text) else ''}"
