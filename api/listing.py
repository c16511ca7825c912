"""How lists and records are answered: from the raw query to the bytes, the same for every resource.

What a resource has of its own (filters, orders) comes as a `Listing` from its module in `api/routes/`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated

from fastapi import Request, Response
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncConnection

from api.answers import (
    DEFAULT_LIMIT,
    Told,
    conditional_response,
    list_response,
    memento_headers,
    own_link,
    state_headers,
    version_links,
)
from api.asof import RELEASE, STATE, check_pinned, check_reached, snapshot_of
from api.conditional import require_json
from api.cursor import Cursor, invalid_cursor
from api.errors import ApiError, ProblemCode, ProblemItem
from api.filterkinds import FilterSet, Search
from api.missing import absent
from api.params import NONE, Param, Schema, Value, Values, refuse, sort_name, text_of
from api.resolving import coalition_notes, resolve
from api.schemas import Note
from api.understanding import check_ranges, conditions, shown
from db.enums import Resource
from db.queries.conditions import Condition, Snapshot
from db.queries.pages import After, Listed, ListQuery, Page, read_page, read_record
from db.reader import Reader
from db.vocabulary import Merges, Vocabulary

MAX_LIMIT = 1000
LIMIT = Param(
    name="limit",
    type=Annotated[int, Field(ge=1, le=MAX_LIMIT)],
    description=f"How many records a page holds, 1 to {MAX_LIMIT}; {DEFAULT_LIMIT} if left out.",
    example=100,
)
CURSOR = Param(
    name="cursor",
    type=Annotated[str, StringConstraints(max_length=8000)],
    description="Where the walk stands, from `meta.next_cursor`. It suffices alone; filters sent beside it "
    "must mean the same.",
    example=None,  # a cursor is good for one database only
)


@dataclass(frozen=True, eq=False)
class Listing:
    """A list of one resource: what is listed, and what it can be filtered by."""

    listed: Listed
    filters: type[FilterSet]

    @cached_property
    def schema(self) -> Schema:
        """All parameters of the list."""
        names = {sort_name(word): word for word in self.listed.sorts}
        words = StrEnum("Sort", names)  # type: ignore[misc]  # made from the orders, so that they stand once
        sort = Param(
            name="sort",
            type=words,
            description=f"The order, `-` for descending; the id decides between equals. "
            f"`{self.default_sort}` if left out.",
            example=self.default_sort,
        )
        return Schema.of(*self.filters.params.values(), sort, LIMIT, CURSOR, *STATE)

    @cached_property
    def filter_spellings(self) -> frozenset[str]:
        """The names of all filters and their sisters."""
        filters = self.filters.params.values()
        return frozenset(name for param in filters for name, _ in param.spellings())

    @cached_property
    def default_sort(self) -> str:
        """The order of the list if none is asked for."""
        return next(iter(self.listed.sorts))


@dataclass(frozen=True)
class Asked:
    """A query as it was understood; `names`: the revision of the vocabulary that it was first read with."""

    values: Values
    sort: str
    limit: int
    snapshot: Snapshot
    after: After | None
    names: int
    notes: Sequence[Note]
    shown: Mapping[str, list[str]]


RECORD_SCHEMA = Schema.of(*STATE)


async def answer_list(
    request: Request, reader: Reader, listing: Listing, fixed: Sequence[Condition] = ()
) -> Response:
    """Answer a list. `fixed` are conditions that the path sets rather than the query."""
    require_json(request)
    path: str = request.scope["path"]
    values = listing.schema.parse(request.scope["query_string"])
    async with reader.connection() as connection:
        while True:
            vocabulary = await reader.vocabulary(connection)
            asked, errors = await _understand(connection, listing, request, values, vocabulary)
            if errors:
                if await reader.forget_if_stale(connection):
                    continue
                refuse(errors)
            query = _list_query(listing, asked, fixed, vocabulary.merges)
            page = await read_page(connection, listing.listed, query)
            if not reader.forget_before(page.state.vocabulary_revision):
                break
    check_reached(page.state)
    told = Told(
        path=path,
        query=asked.shown,
        sort=asked.sort,
        limit=asked.limit,
        total=page.total,
        snapshot=asked.snapshot,
        state=page.state,
        next_cursor=_following(path, asked, page, vocabulary),
        here="" if asked.after is None else asked.after.id,
        notes=asked.notes,
        vocabulary_revision=vocabulary.revision,
    )
    return list_response(request, page.bodies, told)


async def answer_record(
    request: Request, reader: Reader, listed: Listed, kind: Resource | str, record_id: str
) -> Response:
    """Answer one record, or a part of one, as it stands or stood.

    `kind` is its resource; parts have none, and are told of by a noun.
    """
    require_json(request)
    values = RECORD_SCHEMA.parse(request.scope["query_string"])
    async with reader.connection() as connection:
        snapshot = await snapshot_of(connection, values, request.headers)
        found = await read_record(connection, listed, record_id, snapshot)
        check_reached(found.state)
        if found.body is None or found.number is None or found.updated_at is None:
            if isinstance(kind, Resource):
                query = request.scope["query_string"].decode("latin-1")
                raise await absent(connection, kind, record_id, snapshot, query)
            when = "" if snapshot.revision is None else f" as of dataset revision {snapshot.revision}"
            raise ApiError(ProblemCode.NOT_FOUND, f"There is no {kind} {record_id!r}{when}.")
    path: str = request.scope["path"]
    headers = {
        **state_headers(found.state, snapshot, ()),
        **memento_headers(request, snapshot, found.updated_at),
        "ETag": f'"{found.number}"',
        "Link": own_link(path) if listed.parts else version_links(path, found.number),
    }
    return conditional_response(request, found.body.encode(), headers, found.updated_at)


async def _understand(
    connection: AsyncConnection, listing: Listing, request: Request, values: Values, vocabulary: Vocabulary
) -> tuple[Asked, list[ProblemItem]]:
    """Give what a query means, and what of it is not understood."""
    text = text_of(values, "cursor")
    cursor = None if text is None else Cursor.decode(text, vocabulary.cursor_secret, vocabulary.epoch)
    if cursor is not None and cursor.path != request.scope["path"]:
        raise invalid_cursor("the cursor belongs to another list")
    filters = {name: given for name, given in values.items() if name in listing.filter_spellings}
    resolved, errors = await resolve(connection, listing.schema, filters, vocabulary)
    errors += check_ranges(resolved)
    sort = text_of(values, "sort") or listing.default_sort
    limit = int(str(values["limit"][0])) if "limit" in values else DEFAULT_LIMIT
    if cursor is not None:
        given = shown({**values, **resolved}, Snapshot(release=text_of(values, RELEASE.name)))
        if given and not errors and _meaning(listing, given) != _meaning(listing, cursor.query):
            raise invalid_cursor("the parameters beside the cursor do not mean what the walk began with")
        await check_pinned(connection, cursor.revision, request.headers)
        resolved = _remembered(listing, cursor)
        query, sort, snapshot = dict(cursor.query), cursor.sort, cursor.snapshot()
        after = After(listing.listed.sorts[sort].parse(cursor.key), cursor.id, cursor.total)
    else:
        after = None
        snapshot = await snapshot_of(connection, values, request.headers)
        query = shown({**values, **resolved}, snapshot)
    notes = list(coalition_notes(listing.schema, resolved, vocabulary))
    names = vocabulary.revision if cursor is None else cursor.names
    return Asked(resolved, sort, limit, snapshot, after, names, notes, query), errors


def _meaning(listing: Listing, query: Mapping[str, list[str]]) -> Mapping[str, list[str]]:
    """Give a query so that two that mean the same are equal."""
    return {"sort": [listing.default_sort]} | {name: sorted(values) for name, values in query.items()}


def _remembered(listing: Listing, cursor: Cursor) -> dict[str, tuple[Value, ...]]:
    """Give the values of a cursor's filters; its names are ids, and stay what they meant when it was made."""
    remembered: dict[str, tuple[Value, ...]] = {}
    for name, texts in cursor.query.items():
        if name not in listing.filter_spellings:
            continue
        param, _ = listing.schema.spellings[name]
        if param.named == "search":
            remembered[name] = (Search(texts[0], cursor.search or ""),)
        elif param.named is not None:
            remembered[name] = tuple(texts)
        else:
            validate = listing.schema.adapters[param.name].validate_strings
            remembered[name] = tuple(
                text if param.none and text == NONE else validate(text) for text in texts
            )
    return remembered


def _list_query(listing: Listing, asked: Asked, fixed: Sequence[Condition], merges: Merges) -> ListQuery:
    wanted = conditions(listing.filters, asked.values, merges, asked.names)
    return ListQuery(
        [*wanted, *fixed], asked.snapshot, listing.listed.sorts[asked.sort], asked.limit, asked.after
    )


def _following(path: str, asked: Asked, page: Page, vocabulary: Vocabulary) -> str | None:
    """Give the cursor of the page after this one, if there is one."""
    if page.next is None:
        return None
    key = page.next.key
    search = next((given[0].tsquery for given in asked.values.values() if isinstance(given[0], Search)), None)
    cursor = Cursor(
        path=path,
        query=asked.shown,
        search=search,
        sort=asked.sort,
        revision=page.state.revision,
        total=page.next.total,
        key=key.isoformat() if isinstance(key, dt.date) else key,
        id=page.next.id,
        names=asked.names,
    )
    return cursor.encode(vocabulary.cursor_secret, vocabulary.epoch)
