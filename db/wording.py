"""Why a value is refused, in words for the curator who wrote it, and where in the record it stands.

Only words belong here. What a field accepts is in `db/fields.py` and `db/inputs.py`; the reasons of checks
that are written there pass through unchanged.
"""

import json
from collections.abc import Iterable, Mapping

from pydantic_core import ErrorDetails

from db.base import ID_PATTERN
from db.fields import CLAIM_ID_PATTERN, MEDIATION_ID_PATTERN, RECORD_ID_PATTERN, TERM_ID_PATTERN

LONGEST_SHOWN = 60  # characters of a refused value; a message never repeats a whole text

# By type of error, else by its family, the first word of the type; what is not listed keeps pydantic's words.
_WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not a known field",
    "json_invalid": "is not valid JSON: {error}",
    "model_type": "must be an object, not {input}",
    "tuple_type": "must be a list, not {input}",
    "too_short": "must hold at least {min_length}, not {actual_length}",
    "string_type": "must be text, not {input}",
    "string_too_short": "must not be empty",
    "string_too_long": "must be at most {max_length} characters long",
    "string_pattern_mismatch": "must match {pattern}, not {input}",
    "int": "must be a whole number, not {input}",
    "bool": "must be true or false, not {input}",
    "enum": "must be {expected}, not {input}",
    "greater_than_equal": "must be at least {ge}, not {input}",
    "less_than_equal": "must be at most {le}, not {input}",
    "value_error": "{error}",
    "date": "must be a date such as 2024-12-30, not {input}",
    "datetime": "must be a time with its offset such as 2026-11-24T12:00:00Z, not {input}",
    "timezone": "must be a time with its offset such as 2026-11-24T12:00:00Z, not {input}",
    "url": "must be a web address that begins with http:// or https://, not {input}",
}
_AN_ID = "must be an id (lower-case letters and digits, joined by single hyphens)"
_OF_PATTERN = {
    ID_PATTERN: f"{_AN_ID}, not {{input}}",
    RECORD_ID_PATTERN: f"{_AN_ID}, not {{input}}",
    CLAIM_ID_PATTERN: f"{_AN_ID} with `:c` and a number at its end, not {{input}}",
    MEDIATION_ID_PATTERN: f"{_AN_ID} with `:m` and a number at its end, not {{input}}",
    TERM_ID_PATTERN: f"{_AN_ID} with `:t` and a number at its end, not {{input}}",
}


def reason(error: ErrorDetails) -> str:
    """Give one line that says why a value is refused; of a long value it shows only the beginning."""
    context = error.get("ctx", {})
    kind = error["type"]
    words = _WORDS.get(kind) or _WORDS.get(kind.partition("_")[0]) or error["msg"]
    words = _OF_PATTERN.get(context.get("pattern", ""), words)
    return words.format(**context, input=_shown(error["input"]))


def revisions_to(newest: int) -> str:
    """Name all revisions of a record by their numbers."""
    return "revision 1 only" if newest == 1 else f"revisions 1 to {newest}"


def field_path(location: Iterable[str | int]) -> str:
    """Give the dotted path of a field, such as `claims.2.count`; strange names are escaped."""
    return ".".join(_printable(str(step)) for step in location)


def shortened(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Cut a text that is too long to be shown."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _printable(name: str) -> str:
    short = shortened(name)
    return short if short.isprintable() else repr(short)


def _shown(value: object) -> str:
    match value:
        case str():
            return repr(shortened(value))
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return shortened(json.dumps(value))
