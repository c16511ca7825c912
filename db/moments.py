"""How people write a moment: a day, which means its end in UTC, or a time with its offset (RFC 3339)."""

import datetime as dt
import re

from pydantic import AwareDatetime, TypeAdapter, ValidationError

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})")
_MOMENT: TypeAdapter[dt.datetime] = TypeAdapter(AwareDatetime)
_DATE: TypeAdapter[dt.date] = TypeAdapter(dt.date)


def is_day(text: str) -> bool:
    """Tell whether a text has the form of a day."""
    return _DAY.fullmatch(text) is not None


def moment_of(text: str) -> dt.datetime:
    """Give the moment that a text names, in UTC.

    Raises:
        ValueError: it is neither a day nor a time with its offset.
    """
    try:
        if is_day(text):
            return end_of_day(_DATE.validate_strings(text))
        if _TIME.fullmatch(text):
            return _MOMENT.validate_strings(text).astimezone(dt.UTC)
    except (ValidationError, OverflowError) as error:
        raise ValueError(text) from error
    raise ValueError(text)


def rfc3339(moment: dt.datetime) -> str:
    """Write a moment as the records do: RFC 3339 in UTC, with a Z."""
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def end_of_day(day: dt.date) -> dt.datetime:
    """Give the last moment of a day in UTC."""
    return dt.datetime.combine(day, dt.time.max, dt.UTC)
