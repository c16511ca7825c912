"""Exchanges as a calendar (iCalendar, RFC 5545), for programs that show days.

What is said of an exchange is in `api/eventfeeds.py`; which exchanges, and how they are read, is decided by
`api/routes/feeds.py`.
"""

import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from anyio import to_thread

from api.editions import SLUG
from api.eventfeeds import TITLE, Words
from db.enums import DatePrecision, ExchangeStatus
from db.records import Exchange

ICALENDAR = "text/calendar"
PRODUCT = "-//Prisoner exchanges//API 1//EN"
STATUSES = {
    ExchangeStatus.ANNOUNCED: "TENTATIVE",
    ExchangeStatus.COMPLETED: "CONFIRMED",
    ExchangeStatus.CANCELLED: "CANCELLED",
}
END = b"END:VCALENDAR\r\n"


async def calendar(
    batches: AsyncIterator[Sequence[str]], base: str, words: Words
) -> AsyncGenerator[bytes, None]:
    """Give a calendar with an event for each of the exchanges, which are stored bodies; URLs begin with base.

    It is given piece by piece, however many there are.
    """
    yield await to_thread.run_sync(_opening)  # some milliseconds for each event, in which others are answered
    async for bodies in batches:
        yield await to_thread.run_sync(_events, bodies, base, words)
    yield END


def _opening() -> bytes:
    from icalendar import Calendar

    made = Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("x-wr-calname", TITLE)
    return bytes(made.to_ical()).removesuffix(END)


def _events(bodies: Sequence[str], base: str, words: Words) -> bytes:
    return b"".join(_event(Exchange.model_validate_json(body), base, words) for body in bodies)


def _event(exchange: Exchange, base: str, words: Words) -> bytes:
    from icalendar import Event

    event = Event()
    event.add("uid", f"{exchange.id}@{SLUG}")
    event.add("dtstamp", exchange.updated_at)
    event.add("created", exchange.created_at)
    event.add("last-modified", exchange.updated_at)
    event.add("sequence", exchange.revision)
    event.add("dtstart", exchange.date)
    event.add("dtend", (exchange.date_end or exchange.date) + dt.timedelta(days=1))  # the day after the last
    event.add("summary", _summary(exchange, words))
    event.add("description", "\n".join(words.told(exchange)))
    event.add("status", STATUSES[exchange.status])
    event.add("transp", "TRANSPARENT")
    event.add("categories", [str(exchange.kind)])
    event.add("url", base + exchange.links.self)
    if exchange.location is not None:
        event.add("location", exchange.location.name)
    return bytes(event.to_ical())


def _summary(exchange: Exchange, words: Words) -> str:
    """Say what it is, and that the day is not known where it is not."""
    about = (
        ""
        if exchange.date_precision is DatePrecision.DAY
        else f" (some day of that {exchange.date_precision})"
    )
    return f"{words.title(exchange)}{about}"
