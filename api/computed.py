"""Lists that are computed from a state rather than stored as records; they keep the contract of every list.

How stored records are listed is `api/listing.py`'s.
"""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Protocol

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from api.answers import (
    DEFAULT_LIMIT,
    Told,
    changed_at,
    conditional_response,
    list_response,
    memento_headers,
    own_link,
    state_headers,
)
from api.asof import STATE, check_pinned, check_reached, snapshot_of
from api.conditional import require_json
from api.cursor import Cursor, invalid_cursor
from api.errors import ApiError, ProblemCode
from api.listing import CURSOR, LIMIT, RECORD_SCHEMA
from api.params import Schema, text_of
from api.understanding import shown, shown_beside
from db.queries.conditions import Snapshot
from db.queries.pages import State
from db.reader import Reader

COMPUTED_SCHEMA = Schema.of(LIMIT, CURSOR, *STATE)


class Item(Protocol):
    """What is listed, in the order of ids."""

    @property
    def id(self) -> str:
        """The id."""

    def model_dump_json(self) -> str:
        """Render it as it is served."""


Read = Callable[[AsyncConnection, Snapshot], Awaitable[tuple[State, Sequence[Item]]]]


async def answer_computed_list(
    request: Request, reader: Reader, read: Read, *, names_releases: bool = False
) -> Response:
    """Answer a list of items that are computed all at once, page by page; do they name releases of theirs?"""
    require_json(request)
    path: str = request.scope["path"]
    values = COMPUTED_SCHEMA.parse(request.scope["query_string"])
    limit = int(text_of(values, "limit") or DEFAULT_LIMIT)
    async with reader.connection() as connection:
        vocabulary = await reader.vocabulary(connection)
        after, text = "", text_of(values, "cursor")
        if text is None:
            snapshot = await snapshot_of(connection, values, request.headers)
            query = shown(values, snapshot)
        else:
            cursor = Cursor.decode(text, vocabulary.cursor_secret, vocabulary.epoch)
            given = shown_beside(values, cursor.query)
            if cursor.path != path or (given and given != cursor.query):
                raise invalid_cursor("the cursor belongs to another list, or to another state")
            await check_pinned(connection, cursor.revision, request.headers)
            query, after, snapshot = dict(cursor.query), cursor.id, cursor.snapshot()
        state, items = await read(connection, snapshot)
    check_reached(state)
    rest = [item for item in items if item.id > after]
    page, more = rest[:limit], len(rest) > limit
    following = None
    if more:
        last = page[-1].id
        following = Cursor(
            path=path,
            query=query,
            search=None,
            sort="id",
            revision=state.revision,
            total=len(items),
            key=last,
            id=last,
        ).encode(vocabulary.cursor_secret, vocabulary.epoch)
    bodies = [item.model_dump_json().encode() for item in page]
    # the same state may be told otherwise later: a release made since names revisions of it
    here = f"{after} {sha256(b''.join(bodies)).hexdigest()}"
    told = Told(
        path,
        query,
        "id",
        limit,
        len(items),
        snapshot,
        state,
        following,
        here,
        names_releases=names_releases,
    )
    return list_response(request, bodies, told)


async def answer_computed_record(
    request: Request, reader: Reader, read: Read, kind: str, record_id: str
) -> Response:
    """Answer one of the items that are computed."""
    require_json(request)
    values = RECORD_SCHEMA.parse(request.scope["query_string"])
    async with reader.connection() as connection:
        snapshot = await snapshot_of(connection, values, request.headers)
        state, items = await read(connection, snapshot)
    check_reached(state)
    found = next((item for item in items if item.id == record_id), None)
    if found is None:
        raise ApiError(ProblemCode.NOT_FOUND, f"There is no {kind} {record_id!r}.")
    path: str = request.scope["path"]
    headers = state_headers(state, snapshot, [path]) | memento_headers(request, snapshot, state.updated_at)
    headers["Link"] = own_link(path)
    written = changed_at(state, snapshot)
    return conditional_response(request, found.model_dump_json().encode(), headers, written)
