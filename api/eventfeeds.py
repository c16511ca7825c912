"""Exchanges as events, in words: for the entries of their Atom feed, and for calendars.

How Atom is written is in `api/atom.py`, how a calendar is in `api/calendars.py`. All words come from the
record: ids of actors, numbers, and the curators' own summary.
"""

import datetime as dt
import uuid
from collections.abc import Sequence

from api.atom import Feed, FeedEntry, Link, rendered
from api.conditional import JSON
from api.editions import CREATOR
from db.enums import DatePrecision, Stance
from db.records import Exchange, ExchangeFigure

TITLE = "Prisoner exchanges"
SUBTITLE = "Exchanges that match, the one that was written last first."


def exchange_feed(
    bodies: Sequence[str],
    *,
    feed_id: str,
    epoch: uuid.UUID,
    at: dt.datetime,
    base: str,
    here: str,
    alternate: str,
    following: str | None,
) -> bytes:
    """Render a page of exchanges, which are stored bodies; paths are told as URLs below `base`.

    `at` is when the state was written that they are of.
    """
    exchanges = [Exchange.model_validate_json(body) for body in bodies]
    feed = Feed(
        id=feed_id,
        title=TITLE,
        subtitle=SUBTITLE,
        updated=exchanges[0].updated_at if exchanges else at,
        here=base + here,
        alternate=base + alternate,
        following=None if following is None else base + following,
        entries=[_entry(each, epoch, base) for each in exchanges],
    )
    return rendered(feed)


def _entry(exchange: Exchange, epoch: uuid.UUID, base: str) -> FeedEntry:
    return FeedEntry(
        # a record keeps its entry whenever it is written again: readers show it as updated
        id=uuid.uuid5(epoch, f"exchange {exchange.id}").urn,
        title=f"{when(exchange)}: {title_of(exchange)}",
        updated=exchange.updated_at,
        published=exchange.created_at,
        author=CREATOR,
        links=[
            Link("alternate", base + exchange.links.self, JSON),
            Link("via", exchange.source_url, None),
        ],
        summary="\n".join(told(exchange)),
    )


def title_of(exchange: Exchange) -> str:
    """Say in short what an exchange is: `prisoner exchange, russia and ukraine`."""
    kind = exchange.kind.replace("_", " ")
    status = "" if exchange.status == "completed" else f" ({exchange.status})"
    return f"{kind}, {_and(exchange.parties)}{status}"


def told(exchange: Exchange) -> list[str]:
    """Say what happened, how many came home by whose count, who brokered it, and where that is written."""
    lines = [exchange.summary, figures_of(exchange)]
    mediators = sorted({each.actor for each in exchange.mediations if each.stance is Stance.ASSERTS})
    if mediators:
        lines.append(f"Brokered, as is said, by {_and(mediators)}.")
    if exchange.date_precision is not DatePrecision.DAY:
        lines.append(f"Of the date, only the {exchange.date_precision} is known.")
    lines.append(f"Source: {exchange.source_url}")
    return lines


def figures_of(exchange: Exchange) -> str:
    """Say the figures in one sentence."""
    if not exchange.figures:
        return "How many were handed over is not known."
    sentence = "; ".join(_figure(each) for each in exchange.figures)
    return f"{sentence}."


def when(exchange: Exchange) -> str:
    """Say when an exchange was, as exactly as it is known."""
    first, last = (
        f"{day:%Y}"
        if exchange.date_precision is DatePrecision.YEAR
        else f"{day:%Y-%m}"
        if exchange.date_precision is DatePrecision.MONTH
        else f"{day:%Y-%m-%d}"
        for day in (exchange.date, exchange.date_end or exchange.date)
    )
    return first if first == last else f"{first} to {last}"


def _figure(figure: ExchangeFigure) -> str:
    span = "" if figure.low == figure.high else f" ({figure.low:,} to {figure.high:,})"
    disputed = ", disputed" if figure.disputed else ""
    return (
        f"{figure.released_by} to {figure.received_by}: {figure.best:,}{span} {figure.measure}"
        f"{disputed}, by the count of {figure.best_claimant or 'the press'}"
    )


def _and(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
