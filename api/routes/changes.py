"""The change feed: every write of every record, in order; as pages, as a stream, and as Atom."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.sse import format_sse_event
from pydantic import StringConstraints

from api import streams as streaming
from api.answers import DEFAULT_LIMIT, LIVE, conditional_response, page_path, state_headers
from api.atom import ATOM, atom_feed
from api.conditional import JSON, negotiate
from api.cursor import Cursor, OtherEpochError, invalid_cursor
from api.deps import ReaderDep, StreamsDep
from api.errors import ApiError, ProblemCode, database_problem
from api.filterkinds import Count
from api.listing import CURSOR, LIMIT
from api.openapi import describe_other, describe_queried
from api.params import INT4_MAX, Param, Schema, Values, not_understood, problem, refuse, text_of
from api.routes.history import revision_links
from api.schemas import ChangeEntry, ChangeFeed, ChangeMeta
from api.streams import EVENT_STREAM, HEARTBEAT, EventStream, Streams
from api.target import base_of
from db.queries.conditions import Snapshot
from db.queries.pages import State, read_state
from db.queries.revisions import Entry, read_changes, read_newest
from db.reader import Reader
from db.vocabulary import Vocabulary

Place = tuple[int, int]  # dataset revision and position

CHANGES = "/v1/changes"
CHANGES_ATOM = "/v1/changes.atom"
LAST = INT4_MAX  # a position beyond any in its revision
READ_AT_ONCE = 100  # changes that a stream reads at once
RESUMED = "Last-Event-ID"
RESTORED = (
    "The dataset was restored from a backup since then, and its revisions are no longer the ones you know. "
    "Begin the mirror anew."
)
SINCE = Param(
    name="since", type=Count, description="Changes after this dataset revision; all if left out.", example=0
)
BODY = Param(name="body", type=bool, description="Give each record as it then stood.", example=True)
EPOCH = Param(
    name="epoch",
    type=Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")],
    description="The `meta.epoch` that the mirror knows; another one now is 409.",
    example=None,  # an epoch is of one database only
)
SCHEMA = Schema.of(SINCE, BODY, EPOCH, LIMIT, CURSOR)
ATOM_SCHEMA = Schema.of(LIMIT, CURSOR)

_EVENT_ID = re.compile(r"([0-9]{1,10})-([0-9]{1,10})", re.ASCII)

logger = logging.getLogger(__name__)
router = APIRouter(tags=["history"])


@router.get(
    "/changes",
    operation_id="get_changes",
    summary="Follow what is written",
    **describe_queried(ChangeFeed, SCHEMA, ProblemCode.INVALID_CURSOR, ProblemCode.CONFLICT),
)
async def get_changes(request: Request, reader: ReaderDep, streams: StreamsDep) -> Response:
    """Follow everything that is written, in order, from any dataset revision on.

    Ask again with `since` set to the last revision that was applied whole. Nothing in the feed expires.

    With `Accept: text/event-stream` the same changes come as server-sent events, and new ones as they are
    written: the event is named after the action, its id is `<dataset_revision>-<position>` and its data is
    one entry. A client that sends the last id it has seen as `Last-Event-ID` goes on behind it.
    """
    streamed = negotiate(request, JSON, EVENT_STREAM) == EVENT_STREAM
    values = SCHEMA.parse(request.scope["query_string"])
    limit = int(text_of(values, "limit") or DEFAULT_LIMIT)
    async with reader.connection() as connection:
        state = await read_state(connection, Snapshot())
        vocabulary = await reader.vocabulary(connection)
        after, bodies = _place(values, state, vocabulary)
        if not streamed:
            entries = list(await read_changes(connection, after, state.revision, limit + 1))
    if streamed:
        if "limit" in values:
            refuse([problem("limit", "not_applicable", "a stream has no pages; leave it out")])
        after = _resumed(request, state) or after
        streams.check_room()
        return EventStream(streams, _events(streams, reader, after, state, bodies=bodies))
    page = entries[:limit]
    query = {"body": ["true"]} if bodies else {}
    following = _following(CHANGES, page[-1], query, state, vocabulary) if len(entries) > limit else None
    next_path = None if following is None else page_path(CHANGES, following, limit)
    feed = ChangeFeed(
        data=[_told(entry, bodies) for entry in page],
        meta=ChangeMeta(epoch=state.epoch.hex, head=state.revision, next=next_path, next_cursor=following),
    )
    headers = _headers(state, ["changes", after, bodies, limit], next_path)
    return conditional_response(request, feed.model_dump_json().encode(), headers, state.updated_at)


@router.get(
    "/changes.atom",
    operation_id="get_changes_atom",
    summary="Subscribe to what is written",
    **describe_other(ATOM, "The newest changes.", ATOM_SCHEMA, ProblemCode.INVALID_CURSOR),
)
async def get_changes_atom(request: Request, reader: ReaderDep) -> Response:
    """Subscribe to what is written with a feed reader: Atom (RFC 4287), the newest change first.

    Older ones follow behind the link `next` (RFC 5005).
    """
    negotiate(request, ATOM)
    values = ATOM_SCHEMA.parse(request.scope["query_string"])
    limit, text = int(text_of(values, "limit") or DEFAULT_LIMIT), text_of(values, "cursor")
    async with reader.connection() as connection:
        state = await read_state(connection, Snapshot())
        vocabulary = await reader.vocabulary(connection)
        before = (state.revision, LAST)
        if text is not None:
            before = _place_of(CHANGES_ATOM, Cursor.decode(text, vocabulary.cursor_secret, state.epoch))
        entries = await read_newest(connection, before, limit + 1)
    page = entries[:limit]
    following = _following(CHANGES_ATOM, page[-1], {}, state, vocabulary) if len(entries) > limit else None
    next_path = None if following is None else page_path(CHANGES_ATOM, following, limit)
    base = base_of(request)
    feed = atom_feed(page, state, base, page_path(CHANGES_ATOM, text, limit), next_path)
    headers = _headers(state, ["changes.atom", base, before, limit], next_path)
    return conditional_response(request, feed, headers, state.updated_at, ATOM)


def _place(values: Values, state: State, vocabulary: Vocabulary) -> tuple[Place, bool]:
    """Give where the page begins, and whether bodies are wanted."""
    if text_of(values, "epoch") not in {None, state.epoch.hex}:
        raise ApiError(ProblemCode.CONFLICT, RESTORED)
    text = text_of(values, "cursor")
    if text is not None:
        try:
            cursor = Cursor.decode(text, vocabulary.cursor_secret, state.epoch)
        except OtherEpochError as error:
            raise ApiError(ProblemCode.CONFLICT, RESTORED, error.errors) from error
        if values.keys() & {"since", "body"}:
            raise invalid_cursor("since or body was sent beside the cursor, which knows them")
        return _place_of(CHANGES, cursor), cursor.query.get("body") == ["true"]
    since = int(text_of(values, "since") or 0)
    if since > state.revision:
        refuse([problem("since", "out_of_range", f"the newest dataset revision is {state.revision}")])
    return (since, LAST), values.get("body") == (True,)


def _place_of(path: str, cursor: Cursor) -> Place:
    if cursor.path != path:
        raise invalid_cursor("the cursor belongs to another list")
    return cursor.revision, int(cursor.key)


def _resumed(request: Request, state: State) -> Place | None:
    """Give the place of the last event that a client has seen, if it says so."""
    if RESUMED not in request.headers:
        return None
    match = _EVENT_ID.fullmatch(", ".join(request.headers.getlist(RESUMED)))
    if match is None:
        message = "must be the id of an event: <dataset_revision>-<position>"
        raise not_understood([problem(RESUMED, "invalid_value", message)])
    revision, position = int(match[1]), int(match[2])
    if revision > state.revision or position > LAST:
        message = f"no event has this id; the newest dataset revision is {state.revision}"
        raise not_understood([problem(RESUMED, "out_of_range", message)])
    return revision, position


async def _events(
    streams: Streams, reader: Reader, after: Place, began: State, *, bodies: bool
) -> AsyncIterator[bytes]:
    """Give the changes after a place as events, then new ones, and heartbeats, for as long as there is time.

    No connection is kept while it waits or sends. It ends when the database cannot be asked, or was restored
    from a backup: the client connects again, and is told then.
    """
    clock = asyncio.get_running_loop().time
    yield HEARTBEAT
    told_at, reached, going = clock(), -1, True
    while going:
        try:
            entries, newest = [], reached
            if await streams.newest() > reached:
                async with reader.connection() as connection:
                    state = await read_state(connection, Snapshot())
                    entries = list(await read_changes(connection, after, state.revision, READ_AT_ONCE))
                newest = state.revision
                if state.epoch != began.epoch:
                    return
        except Exception as error:
            if database_problem(error) is None:
                raise
            logger.warning("a stream of changes ends: %s", type(error).__name__)
            return
        for entry in entries:
            yield _event(entry, bodies)
            after, told_at = (entry.dataset_revision, entry.position), clock()
        if len(entries) == READ_AT_ONCE:
            going = not streams.over
            continue
        reached = newest
        if clock() - told_at >= streaming.SECONDS_BETWEEN_HEARTBEATS:
            yield HEARTBEAT
            told_at = clock()
        going = await streams.pause()


def _event(entry: Entry, bodies: bool) -> bytes:
    return format_sse_event(
        event=entry.action,
        data_str=_told(entry, bodies).model_dump_json(),
        id=f"{entry.dataset_revision}-{entry.position}",
    )


def _following(
    path: str, last: Entry, query: dict[str, list[str]], state: State, vocabulary: Vocabulary
) -> str:
    cursor = Cursor(
        path=path,
        query=query,
        search=None,
        sort="",
        revision=last.dataset_revision,
        total=0,
        key=last.position,
        id="",
    )
    return cursor.encode(vocabulary.cursor_secret, state.epoch)


def _headers(state: State, facts: list[object], next_path: str | None) -> dict[str, str]:
    """Give the headers of a page, which no parameter and no header asks for as of another time."""
    headers = state_headers(state, Snapshot(), facts) | {"Cache-Control": LIVE, "Vary": "Accept"}
    return headers if next_path is None else headers | {"Link": f'<{next_path}>; rel="next"'}


def _told(entry: Entry, bodies: bool) -> ChangeEntry:
    return ChangeEntry(
        dataset_revision=entry.dataset_revision,
        position=entry.position,
        entries=entry.entries,
        action=entry.action,
        resource=entry.resource,
        id=entry.id,
        number=entry.number,
        reason=entry.reason,
        by=entry.by,
        at=entry.at,
        changed=entry.changed(),
        body=entry.body if bodies else None,
        links=revision_links(entry),
    )
