"""Exchanges for feed readers (Atom) and for calendars (iCalendar), with every filter of their list.

Both paths stand before the exports, which would take their endings for formats.
"""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from api.answers import (
    changed_at,
    conditional_response,
    memento_headers,
    modified_header,
    page_path,
    state_headers,
)
from api.asof import STATE
from api.atom import ATOM
from api.calendars import ICALENDAR, calendar
from api.conditional import negotiate
from api.deps import ReaderDep
from api.errors import ProblemCode
from api.eventfeeds import Words, exchange_feed
from api.exporting import disposition
from api.filters import ExchangeFilters
from api.leaving import Client
from api.listing import CURSOR, LIMIT, Listing, read_list
from api.openapi import OF_LISTS, describe_other
from api.params import Schema
from api.streamed import Opened, Streamed
from api.target import as_reference, base_of
from api.understanding import understood
from db.queries import lists
from db.queries.bodies import read_bodies
from db.queries.conditions import Snapshot
from db.queries.names import read_names
from db.queries.pages import Listed

EXCHANGES = "/v1/exchanges"
EXCHANGES_ATOM = f"{EXCHANGES}.atom"


class _Feed(Listing):
    """A list that has but one order, which is no parameter."""

    @property
    def schema(self) -> Schema:
        """All parameters of the feed."""
        return ATOM_SCHEMA


ATOM_SCHEMA = Schema.of(*ExchangeFilters.params.values(), LIMIT, CURSOR, *STATE)
CALENDAR_SCHEMA = Schema.of(*ExchangeFilters.params.values(), *STATE)
NEWEST = Listed(lists.EXCHANGES.table, sorts={"-updated": lists.EXCHANGES.sorts["-updated"]}, exchange="id")
FEED = _Feed(NEWEST, ExchangeFilters)

router = APIRouter(tags=["feeds"])


@router.get(
    "/exchanges.atom",
    operation_id="get_exchanges_atom",
    summary="Subscribe to exchanges",
    **describe_other(ATOM, "The exchanges that were written last.", ATOM_SCHEMA, *OF_LISTS),
)
async def get_exchanges_atom(request: Request, reader: ReaderDep) -> Response:
    """Subscribe to exchanges with a feed reader: Atom (RFC 4287), the one that was written last first.

    All filters of the list apply. Others follow behind the link `next` (RFC 5005). An exchange that is
    written again keeps its entry, which comes to the front.
    """
    negotiate(request, ATOM)
    bodies, told = await read_list(request, reader, FEED)
    async with reader.connection() as connection:
        words = Words(await read_names(connection, Snapshot(told.state.revision)))
    query = request.scope["query_string"]
    here = as_reference(EXCHANGES_ATOM.encode() + (b"?" + query if query else b""))
    following = None if told.next_cursor is None else page_path(EXCHANGES_ATOM, told.next_cursor, told.limit)
    base = base_of(request)
    asked = f"?{urlencode(told.query, doseq=True)}" if told.query else ""
    feed = exchange_feed(
        bodies,
        # another query is another feed, whatever page of it is read
        feed_id=uuid.uuid5(told.state.epoch, EXCHANGES_ATOM + asked).urn,
        epoch=told.state.epoch,
        at=told.state.updated_at,
        base=base,
        here=here,
        alternate=EXCHANGES + asked,
        following=following,
        words=words,
    )
    facts = [EXCHANGES_ATOM, base, here, told.vocabulary_revision]
    headers = state_headers(told.state, told.snapshot, facts)
    headers |= memento_headers(request, told.snapshot, told.state.updated_at)
    if following is not None:
        headers["Link"] = f'<{following}>; rel="next"'
    return conditional_response(request, feed, headers, changed_at(told.state, told.snapshot), ATOM)


@router.get(
    "/exchanges.ics",
    operation_id="get_exchanges_calendar",
    summary="Show exchanges in a calendar",
    **describe_other(
        ICALENDAR, "A calendar with an event for each exchange.", CALENDAR_SCHEMA, ProblemCode.BAD_REQUEST
    ),
)
async def get_exchanges_calendar(request: Request, reader: ReaderDep) -> Response:
    """Show exchanges in a calendar: iCalendar (RFC 5545), an event of whole days for each, all that match.

    All filters of the list apply. Where only the month or the year of an exchange is known, it says so.
    """
    negotiate(request, ICALENDAR)
    CALENDAR_SCHEMA.parse(request.scope["query_string"])
    base = base_of(request)

    @asynccontextmanager
    async def opening(client: Client) -> AsyncIterator[Opened]:
        async with understood(request, reader, CALENDAR_SCHEMA, ExchangeFilters) as (connection, question):
            state, snapshot = question.state, question.snapshot
            facts = ["exchanges.ics", base, question.shown, question.vocabulary.revision]
            written = changed_at(state, snapshot)
            headers: Mapping[str, str] = {
                **state_headers(state, snapshot, facts),
                **memento_headers(request, snapshot, state.updated_at),
                **modified_header(written),
                "Content-Disposition": disposition("inline", "exchanges", question, "ics"),
            }
            sort = lists.EXCHANGES.sorts["date"]
            batches = read_bodies(connection, lists.EXCHANGES, question.conditions, snapshot, sort)
            words = Words(await read_names(connection, snapshot))
            yield Opened(headers, written, calendar(client.while_there(batches), base, words))

    return Streamed(request, ICALENDAR, opening)
