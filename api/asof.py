"""Which state of the dataset a query speaks of: `as_of`, `release` and the header Accept-Datetime.

And what is missing from that state since. What else an answer tells of its state is in `api/answers.py`.
"""

import datetime as dt
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated

from pydantic import StringConstraints
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import Headers
from werkzeug.http import parse_date

from api.cursor import invalid_cursor
from api.errors import ApiError, ProblemCode
from api.params import INT4_MAX, Param, Values, not_understood, problem
from api.schemas import Note
from db.history import Bounds, bounds
from db.moments import end_of_day, is_day, moment_of, rfc3339
from db.queries.conditions import Snapshot
from db.queries.pages import State
from db.releases import LATEST, read_releases

FORM = "must be a date (YYYY-MM-DD), a time with its offset (RFC 3339) or the number of a dataset revision"
HEADER = "Accept-Datetime"
FIRST = 1  # the dataset revision that the history begins with
AS_OF = Param(
    name="as_of",
    type=Annotated[str, StringConstraints(max_length=64)],
    description="The state to read, inclusive: a time (RFC 3339), a day (its end, UTC) or a revision number.",
    example="1",
)
RELEASE = Param(
    name="release",
    type=Annotated[str, StringConstraints(max_length=64)],
    description="The release to read, by name, or `latest`; not together with `as_of`.",
    example="2026.11",
)
STATE = (AS_OF, RELEASE)
BLANKED_SINCE = "blanked_since"  # the code of a note
# RFC 7089 wants this one form of HTTP-date.
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")


async def snapshot_of(connection: AsyncConnection, values: Values, headers: Headers) -> Snapshot:
    """Give the state that `as_of`, `release` or Accept-Datetime names; without all, it is a live read.

    So it is too unless a number, a release or a time before the newest write is given. A number is checked
    against the newest revision once that is read: `check_reached`.

    Raises:
        ApiError: it is not understood or unknown; `as_of` is before the first revision, in the future or
            beside a release; or the header names another state.
    """
    asked = next((param.name for param in STATE if param.name in values), None)
    if asked is None:
        return (await _accepted(connection, headers))[0] if HEADER in headers else Snapshot()
    if RELEASE.name in values and AS_OF.name in values:
        raise not_understood(
            [problem(RELEASE.name, "contradiction", "names a state, as as_of does; send only one")]
        )
    text = str(values[asked][0])
    by_query = await (_released if asked == RELEASE.name else _named)(connection, text)
    if HEADER in headers:
        by_header, newest = await _accepted(connection, headers)
        if (by_query.revision or newest) != (by_header.revision or newest):
            raise not_understood(
                [problem(asked, "contradiction", f"{HEADER} names another state; send only one")]
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
    """Give the state that Accept-Datetime names, and the newest dataset revision.

    The future is the present, and any time before the first write is the first state. HTTP knows only whole
    seconds: one stands for all that was written in it, so that a Memento-Datetime, sent back, names the state
    that it came with.
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
    if known.first_at is None:
        raise not_understood([problem(HEADER, "out_of_range", _range(known))])
    if moment < known.first_at:  # RFC 7089, 4.5.3: whoever asks for a time before all states gets the first
        return Snapshot(FIRST), known.newest
    return Snapshot() if moment >= known.newest_at else Snapshot(known.at), known.newest


async def _released(connection: AsyncConnection, name: str) -> Snapshot:
    releases = {release.name: release for release in await read_releases(connection)}
    if not releases:
        raise _unknown_release("there is no release yet")
    found = list(releases.values())[-1] if name == LATEST else releases.get(name)
    if found is None:
        near = get_close_matches(name, releases, n=3)
        raise _unknown_release(f"there is no release {name!r}", [*releases, LATEST], near)
    return Snapshot(found.dataset_revision, found.name, moving=name == LATEST)


def _unknown_release(message: str, allowed: Sequence[str] = (), near: Sequence[str] = ()) -> ApiError:
    return not_understood(
        [problem(RELEASE.name, "unknown_release", message, allowed=allowed, suggestions=near)]
    )


async def _named(connection: AsyncConnection, as_of: str) -> Snapshot:
    if as_of.isdecimal() and as_of.isascii():
        if not FIRST <= int(as_of[:20]) <= INT4_MAX:
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


def blanked_notes(state: State, snapshot: Snapshot) -> list[Note]:
    """Tell readers of a past state that records of it were blanked since, whatever their query is about.

    What these said is gone, and with it which queries would have found them.
    """
    if not state.blanked:
        return []
    what, each = ("it", "it") if state.blanked == 1 else ("them", "any of them")
    if snapshot.release is None:
        said = lost(state.blanked, f"dataset revision {state.revision}", "the records that stood then")
        read, told = "that state", f"/v1/changes?since={state.revision} tells of {what} as redacted"
    else:
        said = lost(state.blanked, f"release {snapshot.release} was made", "its records")
        read, told = "the release", f"/v1/releases/{snapshot.release} names {what}"
    unknown = f"whether this query would have found {each} cannot be told"
    text = f"{said}. No read of {read} holds {what} any more, and {unknown}. {told}."
    return [Note(code=BLANKED_SINCE, text=text)]


def lost(records: int, since: str, whose: str) -> str:
    """Say how many records of a state were blanked since, as a sentence without its full stop."""
    return (
        f"Since {since}, {records:,} of {whose} {'has' if records == 1 else 'have'} been blanked for privacy"
    )


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
    first, newest = rfc3339(known.first_at), rfc3339(known.newest_at)
    return f"the history runs from {first} (revision 1) to {newest} (revision {known.newest})"
