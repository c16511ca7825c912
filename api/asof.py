"""Which past state of the dataset a query speaks of: the parameter `as_of`, and the header Accept-Datetime.

What an answer tells of the state it is made of is in `api/answers.py`.
"""

import datetime as dt
import re

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import Headers
from werkzeug.http import parse_date

from api.cursor import invalid_cursor
from api.errors import ApiError, ProblemCode
from api.params import INT4_MAX, not_understood, problem
from db.history import Bounds, bounds
from db.moments import end_of_day, is_day, moment_of
from db.queries.conditions import Snapshot
from db.queries.pages import State

FORM = "must be a date (YYYY-MM-DD), a time with its offset (RFC 3339) or the number of a dataset revision"
HEADER = "Accept-Datetime"
# RFC 7089 wants this one form of HTTP-date.
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")


async def snapshot_of(connection: AsyncConnection, as_of: str | None, headers: Headers) -> Snapshot:
    """Give the state that `as_of` or Accept-Datetime names; without both, it is a live read.

    So it is too unless a number is given, or a time before the newest write. A number is checked against the
    newest revision once that is read: `check_reached`.

    Raises:
        ApiError: it is not understood or before the first revision, `as_of` is in the future, or the two
            name different states.
    """
    if HEADER not in headers:
        return Snapshot() if as_of is None else await _named(connection, as_of)
    by_header, newest = await _accepted(connection, headers)
    if as_of is None:
        return by_header
    by_query = await _named(connection, as_of)
    if (by_query.revision or newest) != (by_header.revision or newest):
        raise not_understood(
            [problem("as_of", "contradiction", f"{HEADER} names another state; send only one")]
        )
    return by_query


async def check_pinned(connection: AsyncConnection, revision: int, headers: Headers) -> None:
    """Refuse a cursor whose state, that of a dataset revision, is not the one that Accept-Datetime names.

    Raises:
        ApiError: invalid_cursor; or the header is not understood.
    """
    if HEADER not in headers:
        return
    accepted, newest = await _accepted(connection, headers)
    if (accepted.revision or newest) != revision:
        raise invalid_cursor(
            f"the walk reads dataset revision {revision}, and {HEADER} names another state; leave it out"
        )


async def _accepted(connection: AsyncConnection, headers: Headers) -> tuple[Snapshot, int]:
    """Give the state that Accept-Datetime names, and the newest dataset revision; the future is the present.

    HTTP knows only whole seconds: one stands for all that was written in it, so that a Memento-Datetime, sent
    back, names the state that it came with.
    """
    text = ", ".join(headers.getlist(HEADER))
    moment = parse_date(text) if _HTTP_DATE.fullmatch(text) else None
    if moment is None:
        message = "must be an HTTP date, such as Tue, 31 Dec 2024 12:00:00 GMT"
        raise ApiError(
            ProblemCode.BAD_REQUEST, f"{HEADER}: {message}", [problem(HEADER, "invalid_value", message)]
        )
    moment = moment.replace(microsecond=dt.time.max.microsecond)
    known = await bounds(connection, moment)
    if known.first_at is None or moment < known.first_at:
        raise not_understood([problem(HEADER, "out_of_range", _range(known))])
    return Snapshot() if moment >= known.newest_at else Snapshot(known.at), known.newest


async def _named(connection: AsyncConnection, as_of: str) -> Snapshot:
    if as_of.isdecimal() and as_of.isascii():
        if not 1 <= int(as_of[:20]) <= INT4_MAX:
            raise _out_of_range(_range(await bounds(connection)))
        return Snapshot(int(as_of))
    moment = _moment(as_of)
    known = await bounds(connection, moment)
    now = max(dt.datetime.now(dt.UTC), known.newest_at)  # the database's clock may be ahead of this one
    if known.first_at is None or moment < known.first_at:
        raise _out_of_range(_range(known))
    if moment > end_of_day(now.date()) or (moment > now and not is_day(as_of)):
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
        return moment_of(text)
    except ValueError as error:
        raise _misspelt(text) from error


def _out_of_range(message: str) -> ApiError:
    return not_understood([problem("as_of", "out_of_range", message)])


def _misspelt(text: str) -> ApiError:
    hint = "; write + as %2B in a URL" if " " in text else ""
    return not_understood([problem("as_of", "invalid_value", FORM + hint)])


def _range(known: Bounds) -> str:
    if known.first_at is None:
        return "nothing has been written yet"
    first, newest = known.first_at.isoformat(), known.newest_at.isoformat()
    return f"the history runs from {first} (revision 1) to {newest} (revision {known.newest})"
