"""Exchanges as events, in words: for the entries of their Atom feed, and for calendars.

How Atom is written is in `api/atom.py`, how a calendar is in `api/calendars.py`. All words come from the
record: names of actors, numbers, and the curators' own summary.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.atom import Feed, FeedEntry, Link, rendered
from api.conditional import JSON
from api.editions import CREATOR
from db.enums import DatePrecision, Measure, Stance
from db.indexing import MEDIATING
from db.records import Exchange, ExchangeFigure

TITLE = "Prisoner exchanges"
SUBTITLE = "Exchanges that match, the one that was written last first."


def exchange_feed(
    bodies: Sequence[bytes],
    *,
    feed_id: str,
    epoch: uuid.UUID,
    at: dt.datetime,
    base: str,
    here: str,
    alternate: str,
    following: str | None,
    words: "Words",
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
        entries=[_entry(each, epoch, base, words) for each in exchanges],
    )
    return rendered(feed)


def _entry(exchange: Exchange, epoch: uuid.UUID, base: str, words: "Words") -> FeedEntry:
    return FeedEntry(
        # a record keeps its entry whenever it is written again: readers show it as updated
        id=uuid.uuid5(epoch, f"exchange {exchange.id}").urn,
        title=f"{when(exchange)}: {words.title(exchange)}",
        updated=exchange.updated_at,
        published=exchange.created_at,
        author=CREATOR,
        links=[
            Link("alternate", base + exchange.links.self, JSON),
            Link("via", exchange.source_url, None),
        ],
        summary="\n".join(words.told(exchange)),
    )


@dataclass(frozen=True)
class Words:
    """How exchanges are told; `names` are those of actors by their ids."""

    names: Mapping[str, str]

    def title(self, exchange: Exchange) -> str:
        """Say in short what an exchange is: `Prisoner exchange, Russia and Ukraine`."""
        kind = exchange.kind.replace("_", " ").capitalize()
        status = "" if exchange.status == "completed" else f" ({exchange.status})"
        return f"{kind}, {self._and(exchange.parties)}{status}"

    def told(self, exchange: Exchange) -> list[str]:
        """Say what happened, how many came home by whose count, who brokered it, and where it is written."""
        lines = [exchange.summary, self._figures(exchange)]
        mediators = {
            each.actor: None
            for each in exchange.mediations
            if each.stance is Stance.ASSERTS and each.role in MEDIATING
        }
        if mediators:
            lines.append(f"Brokered, as is said, by {self._and(sorted(mediators))}.")
        if exchange.date_precision is not DatePrecision.DAY:
            lines.append(f"Of the date, only the {exchange.date_precision} is known.")
        lines.append(f"Source: {exchange.source_url}")
        return lines

    def _figures(self, exchange: Exchange) -> str:
        """Say the figures in one sentence."""
        if not exchange.figures:
            return "How many were handed over is not known."
        sentence = "; ".join(self._figure(each) for each in exchange.figures)
        return f"{sentence}."

    def _figure(self, figure: ExchangeFigure) -> str:
        span = "" if figure.low == figure.high else f" ({figure.low:,} to {figure.high:,})"
        whom = "" if figure.measure == Measure.PERSONS else f" {figure.measure}"
        disputed = ", disputed" if figure.disputed else ""
        count = "the press" if figure.best_claimant is None else self._name(figure.best_claimant)
        direction = f"{self._name(figure.released_by)} to {self._name(figure.received_by)}"
        return f"{direction}: {figure.best:,}{whom}{span}{disputed}, by the count of {count}"

    def _and(self, actors: Sequence[str]) -> str:
        *others, last = map(self._name, actors)
        return f"{', '.join(others)} and {last}" if others else last

    def _name(self, actor: str) -> str:
        return self.names.get(actor, actor)


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
