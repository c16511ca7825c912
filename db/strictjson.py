"""Reading one JSON text strictly, and telling each fault with its place: lines of files and bodies alike.

What the fields of a record accept is in `db/inputs.py`, why a value is refused in words in `db/wording.py`.
Where texts come from is not known here.
"""

import codecs
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn, TypeVar, get_args

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from db.wording import field_path, reason

MAX_DEPTH = 32  # objects and lists within each other; a record has five
MOST_FAULTS = 100  # told of one text
MAX_DIGITS = 308  # of a whole number, as many as a floating-point number can have before its point

Location = tuple[str | int, ...]
JsonObject = dict[str, JsonValue]
M = TypeVar("M", bound=BaseModel)

_SURROGATE = re.compile("[\ud800-\udfff]")
_QUOTED = re.compile("'([^']+)'")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a text: where, what as a stable word, and why as a predicate."""

    location: Location
    code: str
    message: str
    allowed: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()

    @property
    def field(self) -> str | None:
        """The dotted path of the field; None for the text as a whole."""
        return field_path(self.location) or None


class FaultyJsonError(Exception):
    """A text is refused; `faults` are the first of all that is wrong, `more` is the number of the others.

    `value` is what the text says nevertheless, None where it cannot be read.
    """

    def __init__(self, faults: Iterable[Fault], more: int = 0, value: object = None) -> None:
        self.faults = tuple(faults)
        self.more = more
        self.value = value
        super().__init__("; ".join(fault.message for fault in self.faults))


@dataclass(frozen=True)
class _Refused:
    """Stands in a parsed text for a value that no record may hold."""

    code: str
    message: str


_REPEATED = _Refused("repeated", "is given more than once")
_TOO_LARGE = _Refused("out_of_range", "is a number too large to be read")


def decode(data: bytes) -> str:
    """Give the text of bytes.

    Raises:
        FaultyJsonError: if they are not UTF-8, begin with a byte order mark, or are blank.
    """
    if data.startswith(codecs.BOM_UTF8):
        refuse("invalid_encoding", "begins with a byte order mark; write UTF-8 without one")
    if b"\x00" in data:
        refuse("invalid_encoding", "contains a NUL character")
    try:
        text = data.decode().rstrip(" \t\r\n")
    except UnicodeDecodeError as error:
        position = error.start
        refuse("invalid_encoding", f"is not UTF-8: byte {data[position]:#04x} at position {position + 1}")
    if not text:
        refuse("empty", "is empty")
    return text


def parse(text: str, place: str = "line {lineno}, column {colno}") -> JsonObject:
    """Give the object of a text; `place` is how a message names the place where the grammar is broken.

    Beyond the grammar are refused: members given twice, nesting without end, numbers that no column holds,
    NUL characters and halves of surrogate pairs.

    Raises:
        FaultyJsonError: with each of these that there is.
    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=_collect,
            parse_int=_whole_number,
            parse_float=_number,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        where = place.format(lineno=error.lineno, colno=error.colno)
        refuse("invalid_json", f"is not valid JSON: {error.msg.removesuffix(' at')} at {where}")
    except RecursionError:
        refuse("too_deep", f"is nested too deeply; {MAX_DEPTH} levels are read")
    if not isinstance(value, dict):
        refuse("invalid_value", "must be a JSON object")
    faults: list[Fault] = []
    _note_faults(value, (), faults)
    if faults:
        raise FaultyJsonError(faults[:MOST_FAULTS], len(faults[MOST_FAULTS:]), value)
    return value


def validated(model: type[M], value: JsonObject) -> M:
    """Give what was parsed as a model, with dates and such as text.

    Raises:
        FaultyJsonError: with every fault of its fields.
    """
    try:
        # Strict: a curator who writes "3" for 3, or a number for a date, has made a slip.
        return model.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        told = error.errors(include_url=False)
    faults = (_fault_of(model, each) for each in told[:MOST_FAULTS])
    raise FaultyJsonError(faults, len(told[MOST_FAULTS:]), value)


def location_of(path: str) -> Location:
    """Give the location of a dotted path, such as `claims.2.count`."""
    return tuple(int(step) if step.isdecimal() else step for step in path.split(".")) if path else ()


def refuse(code: str, message: str, *location: str | int, allowed: Iterable[str] = ()) -> NoReturn:
    """Refuse a text for one fault.

    Raises:
        FaultyJsonError: with that fault.
    """
    raise FaultyJsonError([Fault(location, code, message, tuple(allowed))]) from None


def _refuse_constant(name: str) -> NoReturn:
    refuse("invalid_json", f"is not valid JSON: {name} is no number")


def _collect(pairs: list[tuple[str, object]]) -> dict[str, object]:
    collected = dict(pairs)
    if len(collected) < len(pairs):
        times = Counter(name for name, _ in pairs)
        collected |= {name: _REPEATED for name, number in times.items() if number > 1}
    return collected


def _whole_number(digits: str) -> int | _Refused:
    return int(digits) if len(digits) <= MAX_DIGITS else _TOO_LARGE


def _number(digits: str) -> float | _Refused:
    number = float(digits)
    return number if math.isfinite(number) else _TOO_LARGE


def _note_faults(value: dict[str, object] | list[object], location: Location, faults: list[Fault]) -> None:
    """Note what may not be in an object or a list; imports look at millions of values here."""
    if len(location) >= MAX_DEPTH:
        faults.append(Fault(location, "too_deep", f"is nested too deeply; {MAX_DEPTH} levels are read"))
        return
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(step, str) and (unfit := _unfit(step)):
            faults.append(Fault((*location, step), "invalid_value", f"must not have a name with {unfit}"))
        if isinstance(inner, str):
            if unfit := _unfit(inner):
                faults.append(Fault((*location, step), "invalid_value", f"must not contain {unfit}"))
        elif isinstance(inner, dict | list):
            _note_faults(inner, (*location, step), faults)
        elif isinstance(inner, _Refused):
            faults.append(Fault((*location, step), inner.code, inner.message))


def _unfit(text: str) -> str | None:
    """Name what Postgres could not store of a text."""
    if "\x00" in text:
        return "a NUL character"
    if not text.isascii() and _SURROGATE.search(text):
        return "half of a surrogate pair"
    return None


def _fault_of(model: type[BaseModel], error: ErrorDetails) -> Fault:
    location = error["loc"]
    allowed: Iterable[str] = ()
    meant = error["input"]
    code = _CODES.get(error["type"], "invalid_value")
    if code == "unknown_field":
        allowed, meant = _fields_at(model, location[:-1]), location[-1]
    elif error["type"] == "enum":
        allowed = _QUOTED.findall(error["ctx"]["expected"])
    near = get_close_matches(meant, allowed, n=3) if isinstance(meant, str) else ()
    return Fault(location, code, reason(error), tuple(allowed), tuple(near))


_CODES: Mapping[str, str] = {"missing": "missing", "extra_forbidden": "unknown_field"}


def _fields_at(model: type[BaseModel], location: Location) -> Iterable[str]:
    """Give the names of the fields of the model that is found inside another."""
    for step in location:
        if isinstance(step, str):
            inner = _model_in(model.model_fields[step].annotation)
            if inner is None:
                return ()
            model = inner
    return model.model_fields


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Find the model that an annotation is made of, such as that of `tuple[ClaimInput, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
