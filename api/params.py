"""The machinery of strict queries: parameters are declared as data, and nothing that was not declared passes.

No word of the domain belongs here; what each parameter means is in `api/filters.py`. The raw query is parsed
here, as FastAPI lets a repeated scalar, an empty value, broken UTF-8 and huge integers pass.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from typing import Any, Self
from urllib.parse import unquote_to_bytes

from pydantic import TypeAdapter, ValidationError

from api.errors import ApiError, ProblemCode, ProblemItem
from db.wording import reason

NONE = "none"
MAX_VALUES = 100
MOST_ERRORS = 20  # that are told of one query: each costs a millisecond to look for what was meant
INT4_MAX = 2_147_483_647

Value = object
Values = Mapping[str, tuple[Value, ...]]


class Sister(StrEnum):
    """How the values of a parameter that takes several are combined, by the end of its name."""

    ANY = ""
    ALL = "_all"
    NOT = "_not"


@dataclass(frozen=True, kw_only=True)
class Param:
    """One query parameter: what a value is, what it means, an example.

    `type` validates one value. `many`: it may be repeated, and has the sisters named. `none`: the word `none`
    is a value too. `named`: the kind of thing whose name a value is, resolved by the caller. `usual`: what it
    means if left out, written as a value. `ordered`: the order of its values is part of what they mean.
    """

    type: Any
    description: str
    example: object
    many: bool = False
    sisters: tuple[Sister, ...] = (Sister.ANY,)
    none: bool = False
    named: str | None = None
    usual: str | None = None
    ordered: bool = False
    name: str = ""

    def __set_name__(self, owner: object, name: str) -> None:
        """Take the name of the attribute that it is assigned to, in a `ParamSet`."""
        object.__setattr__(self, "name", name)

    def spellings(self) -> tuple[tuple[str, Sister], ...]:
        """Give the names of the parameter and its sisters."""
        return tuple((self.name + sister, sister) for sister in self.sisters)

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """The validator of one value; made once, since a parameter is in several lists."""
        return TypeAdapter(self.type)

    @cached_property
    def json_schema(self) -> Mapping[str, Any]:
        """What one value is, for the contract."""
        return self.adapter.json_schema()


class ParamSet:
    """A set of parameters: the attributes of its subclasses, inherited and overridden as attributes are."""

    params: Mapping[str, Param] = {}

    def __init_subclass__(cls) -> None:
        """Collect the parameters; one that a subclass sets to None is left out."""
        found: dict[str, Param] = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                if isinstance(value, Param):
                    found[name] = value
                elif value is None:
                    found.pop(name, None)
        cls.params = found


@dataclass(frozen=True)
class Schema:
    """All parameters that one path understands, by every spelling, with their validators."""

    params: Mapping[str, Param]
    spellings: Mapping[str, tuple[Param, Sister]]
    adapters: Mapping[str, TypeAdapter[Any]]

    @classmethod
    def of(cls, *params: Param) -> Self:
        """Make the schema of some parameters."""
        return cls(
            params={param.name: param for param in params},
            spellings={name: (param, sister) for param in params for name, sister in param.spellings()},
            adapters={param.name: param.adapter for param in params},
        )

    def parse(self, raw: bytes) -> dict[str, tuple[Value, ...]]:
        """Give the values of a raw query string by parameter; a name is still as the client spelt it.

        Raises:
            ApiError: naming every parameter that is not understood, up to `MOST_ERRORS`.
        """
        errors: list[ProblemItem] = []
        given: dict[str, list[str]] = {}
        for name, value in _pairs(raw, errors):
            if name not in self.spellings:
                errors.append(self._unknown(name))
            elif value is not None:
                given.setdefault(name, []).append(value)
            if len(errors) >= MOST_ERRORS:
                break
        values = {name: self._values(name, texts, errors) for name, texts in given.items()}
        refuse(errors)
        return values

    def _unknown(self, name: str) -> ProblemItem:
        shown = name[:100]
        return ProblemItem(
            parameter=shown,
            code="unknown_parameter",
            message=f"there is no parameter {shown!r} here",
            allowed=sorted(self.spellings),
            suggestions=get_close_matches(name, self.spellings, n=3),
        )

    def _values(self, name: str, texts: Sequence[str], errors: list[ProblemItem]) -> tuple[Value, ...]:
        param, _ = self.spellings[name]
        if len(texts) > 1 and not param.many:
            errors.append(problem(name, "repeated", "takes one value, and was given several times"))
        if len(texts) > MAX_VALUES:
            errors.append(problem(name, "too_many", f"takes at most {MAX_VALUES} values"))
        values: dict[Value, None] = {}
        for text in texts:
            if param.none and text.casefold() == NONE:
                values[NONE] = None
                continue
            try:
                values[_typed(self.adapters[param.name], text)] = None
            except ValidationError as error:
                errors.append(_invalid(name, param, text, error))
            if len(errors) >= MOST_ERRORS:
                break
        return tuple(values)


def text_of(values: Values, name: str) -> str | None:
    """Give the value of a parameter that takes one, as text."""
    return str(values[name][0]) if name in values else None


def refuse(errors: Sequence[ProblemItem]) -> None:
    """Raise the problem of a query that is not understood, if anything in it is not.

    Raises:
        ApiError: with the errors.
    """
    if errors:
        raise not_understood(errors)


def not_understood(errors: Sequence[ProblemItem]) -> ApiError:
    """Make the problem of a query that is not understood."""
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return ApiError(ProblemCode.INVALID_QUERY, f"{first.parameter}: {first.message}{more}", errors)


def problem(
    parameter: str, code: str, message: str, *, allowed: Iterable[str] = (), suggestions: Iterable[str] = ()
) -> ProblemItem:
    """Make what is wrong with a parameter."""
    return ProblemItem(
        parameter=parameter,
        code=code,
        message=message,
        allowed=list(allowed),
        suggestions=list(suggestions),
    )


def check_order(values: Values, low: str, high: str) -> Iterable[ProblemItem]:
    """Tell where a range is the wrong way round."""
    bottom, top = values.get(low), values.get(high)
    if bottom and top and bottom[0] > top[0]:  # type: ignore[operator]  # both have one type, which orders
        yield problem(low, "invalid_range", f"must not be above {high}")


def _pairs(raw: bytes, errors: list[ProblemItem]) -> Iterable[tuple[str, str | None]]:
    """Split a query into names and values; a value that is refused already is None."""
    for pair in raw.split(b"&"):
        if not pair:
            continue
        quoted_name, _, quoted_value = pair.partition(b"=")
        try:
            name = _unquoted(quoted_name)
        except UnicodeDecodeError:
            name = unquote_to_bytes(quoted_name).decode("ascii", "backslashreplace")
        try:
            value = _unquoted(quoted_value)
        except UnicodeDecodeError:
            errors.append(problem(name, "invalid_encoding", "is not UTF-8"))
            yield name, None
            continue
        if not value.strip():
            errors.append(problem(name, "empty", "must not be empty; leave the parameter out instead"))
            yield name, None
        elif "\x00" in value:
            errors.append(problem(name, "invalid_value", "must not contain a NUL character"))
            yield name, None
        else:
            yield name, value.strip()


def _unquoted(quoted: bytes) -> str:
    return unquote_to_bytes(quoted.replace(b"+", b" ")).decode("utf-8", "strict")


_INTEGER = re.compile(r"-?[0-9]+")


def _typed(adapter: TypeAdapter[Any], text: str) -> Value:
    """Validate a text as JSON would be: `10.0`, `1_000` and ` 5` are no integers, `yes` is no boolean."""
    value: Value = adapter.validate_strings(text)
    if isinstance(value, bool):
        if text not in {"true", "false"}:
            adapter.validate_python(text, strict=True)
    elif isinstance(value, int) and not _INTEGER.fullmatch(text):
        adapter.validate_python(text, strict=True)
    return value


def _invalid(name: str, param: Param, text: str, error: ValidationError) -> ProblemItem:
    allowed = _words(param)
    message = reason(error.errors(include_url=False)[0])
    if "," in text and param.many:
        message += "; a comma does not separate values: repeat the parameter for each"
    return problem(
        name, "invalid_value", message, allowed=allowed, suggestions=get_close_matches(text, allowed, n=3)
    )


def _words(param: Param) -> list[str]:
    words: list[str] = param.json_schema.get("enum", [])
    return [*words, NONE] if param.none and words else words


def sort_name(word: str) -> str:
    """Give the name of an order as a constant of a programming language: `-date` is DATE_DESCENDING."""
    return word.removeprefix("-").upper() + ("_DESCENDING" if word.startswith("-") else "")
