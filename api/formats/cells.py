"""Cells of spreadsheets, as CSV and XLSX have them: one text for a list, and no text that is a formula."""

import re
from collections.abc import Sequence

from api.columns import Cell, Kind

SEPARATOR = "|"
# A spreadsheet takes a text that begins so for a formula, and runs it: OWASP's list, with what programs skip
# before the sign, and the wide forms of the signs that East Asian input methods give.
FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")


def spelt(kind: Kind, cell: Cell) -> Cell:
    """Write a cell of a kind as spreadsheets can hold it; numbers, days and the like are what they are."""
    if kind is Kind.LIST:
        return joined(cell)  # type: ignore[arg-type]  # cells of this kind are lists
    return guarded(cell) if kind is Kind.TEXT else cell  # type: ignore[arg-type]  # and of this one texts


def guarded(text: str | None) -> str | None:
    """Put an apostrophe before a text that a spreadsheet would take for a formula, so that none runs it."""
    if text is not None and FORMULA.match(text):
        return f"'{text}"
    return text


def joined(items: Sequence[str]) -> str | None:
    """Write a list as its items with a `|` between; one within an item has a backslash before it."""
    text = SEPARATOR.join(items)
    if "\\" in text or text.count(SEPARATOR) >= max(len(items), 1):
        text = SEPARATOR.join(map(_escaped, items))
    return guarded(text)


def _escaped(item: str) -> str:
    return item.replace("\\", "\\\\").replace(SEPARATOR, f"\\{SEPARATOR}")
