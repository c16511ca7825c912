"""The parameter `as_of`: which past state of the dataset a query speaks of."""

import datetime as dt
import re

from pydantic import AwareDatetime, TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from api.errors import ApiError
from api.params import INT4_MAX, not_understood, problem
from db.history import Bounds, bounds
from db.queries.conditions import Snapshot
from db.queries.pages import State

FORM = "must be a date (YYYY-MM-DD), a time with its offset (RFC 3339) or the number of a dataset revision"

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})")
_MOMENT: TypeAdapter[dt.datetime] = TypeAdapter(AwareDatetime)
_DATE: TypeAdapter[dt.date] = TypeAdapter(dt.date)


async def snapshot_of(connection: AsyncConnection, as_of: str | None) -> Snapshot:
    """Give the state that `as_of` names: a live read unless it is a number or before the newest write.

    A number is checked against the newest revision once that is read: `check_reached`.

    Raises:
        ApiError: it is not understood, in the future, or before the first revision.
    """
    if as_of is None:
        return Snapshot()
    if as_of.isdecimal() and as_of.isascii():
        if not 1 <= int(as_of[:20]) <= INT4_MAX:
            raise _out_of_range(_range(await bounds(connection)))
        return Snapshot(int(as_of))
    moment = _moment(as_of)
    known = await bounds(connection, moment)
    now = max(dt.datetime.now(dt.UTC), known.newest_at)  # the database's clock may be ahead of this one
    if known.first_at is None or moment < known.first_at:
        raise _out_of_range(_range(known))
    if moment > _end_of_day(now.date()) or (moment > now and not _DAY.fullmatch(as_of)):
        raise _out_of_range(f"is in the future; {_range(known)}")
    return Snapshot() if moment >= known.newest_at else Snapshot(known.at)


def check_reached(state: State) -> None:
    """Refuse a number that the dataset has not reached.

    Raises:
        ApiError: naming the newest revision.
    """
    if state.revision > state.newest:
        raise _out_of_range(f"the newest dataset revision is {state.newest}")


def _moment(text: str) -> dt.datetime:
    try:
        if _DAY.fullmatch(text):
            return _end_of_day(_DATE.validate_strings(text))
        if _TIME.fullmatch(text):
            return _MOMENT.validate_strings(text).astimezone(dt.UTC)
    except (ValidationError, OverflowError) as error:
        raise _misspelt(text) from error
    raise _misspelt(text)


def _out_of_range(message: str) -> ApiError:
    return not_understood([problem("as_of", "out_of_range", message)])


def _misspelt(text: str) -> ApiError:
    hint = "; write + as %2B in a URL" if " " in text else ""
    return not_understood([problem("as_of", "invalid_value", FORM + hint)])


def _end_of_day(day: dt.date) -> dt.datetime:
    """Give the last moment of a day in UTC."""
    return dt.datetime.combine(day, dt.time.max, dt.UTC)


def _range(known: Bounds) -> str:
    if known.first_at is None:
        return "nothing has been written yet"
    first, newest = known.first_at.isoformat(), known.newest_at.isoformat()
    return f"the history runs from {first} (revision 1) to {newest} (revision {known.newest})"
