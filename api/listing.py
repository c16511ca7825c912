"""How lists and records are answered: from the raw query to the bytes, the same for every resource.

What a resource has of its own (filters, orders) comes as a `Listing` from its module in `api/routes/`.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
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
from api.asof import STATE, check_pinned, check_reached, snapshot_of
from api.caching import may_be_kept
from api.citedas import link_to, question_of
from api.conditional import JSON, negotiate, require_json
from api.cursor import Cursor, invalid_cursor
from api.errors import ProblemItem
from api.filterkinds import FilterSet, Search
from api.formats import BY_MEDIA_TYPE
from api.missing import absent, absent_part
from api.params import NONE, Param, Schema, Value, Values, refuse, sort_name, text_of
from api.resolving import coalition_notes, resolve
from api.schemas import Note
from api.understanding import check_ranges, conditions, shown, shown_beside
from db.enums import Resource
from db.queries.conditions import Condition, Snapshot
from db.queries.pages import After, Listed, ListQuery, Page, read_record
from db.queries.walking import read_page
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


# Makes items of stored bodies that more must be read for, from the same state.
Render = Callable[[AsyncConnection, Sequence[str], Snapshot], Awaitable[Sequence[str]]]


@dataclass(frozen=True, eq=False)
class Listing:
    """A list of one resource: what is listed, and what it can be filtered by.

    Items are the stored bodies, unless `render` makes them of these.
    """

    listed: Listed
    filters: type[FilterSet]
    render: Render | None = None

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
            usual=self.default_sort,
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


# How lists are answered in the other formats they have, by name: noted by `api/exporting.py`.
EXPORTED: dict[Listing, Callable[[Request, Reader, str], Awaitable[Response]]] = {}


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
    if listing not in EXPORTED:
        require_json(request)
    elif (asked_for := negotiate(request, JSON, *BY_MEDIA_TYPE)) != JSON:
        return await EXPORTED[listing](request, reader, BY_MEDIA_TYPE[asked_for])
    return list_response(request, *await read_list(request, reader, listing, fixed))


async def read_list(
    request: Request, reader: Reader, listing: Listing, fixed: Sequence[Condition] = ()
) -> tuple[Sequence[bytes], Told]:
    """Read the page of a list that a request asks for: its bodies, and what it says about itself."""
    path: str = request.scope["path"]
    values = listing.schema.parse(request.scope["query_string"])
    while True:
        async with reader.lazy_connection() as connection:
            vocabulary = await reader.vocabulary(connection)
            asked, errors = await _understand(connection, listing, request, values, vocabulary)
            if errors:
                if await reader.forget_if_stale(connection):
                    continue
                refuse(errors)
        query = _list_query(listing, asked, fixed, vocabulary.merges)
        async with reader.driver() as driver:
            page = await read_page(driver, listing.listed, query, reader.memory)
        if not reader.forget_before(page.state.version):
            break
    bodies, link = page.bodies, None
    async with reader.lazy_connection() as connection:
        if listing.render is not None:
            stored = [body.decode() for body in bodies]
            rendered = await listing.render(connection, stored, Snapshot(page.state.revision))
            bodies = [body.encode() for body in rendered]
        if asked.snapshot.revision is not None and asked.after is None:
            question = question_of(
                path,
                listing.schema,
                asked.values,
                asked.shown,
                revision=page.state.revision,
                names=asked.names,
            )
            link = await link_to(connection, question, listing.schema, vocabulary)
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
        cite_as=link,
    )
    return bodies, told


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
            raise await absent_part(connection, kind, record_id, snapshot)
    if snapshot.revision is None:
        may_be_kept(request, found.state)
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
        given = shown_beside({**values, **resolved}, cursor.query)
        if given and not errors and _meaning(listing, given) != _meaning(listing, cursor.query):
            raise invalid_cursor("the parameters beside the cursor do not mean what the walk began with")
        await check_pinned(connection, cursor.revision, request.headers)
        resolved = remembered(listing.schema, cursor.query, cursor.search)
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


def remembered(
    schema: Schema, query: Mapping[str, Sequence[str]], search: str | None
) -> dict[str, tuple[Value, ...]]:
    """Give the values of a query that was understood once: names are ids, and stay what they meant then.

    `search` is the tsquery that the words of `q` stood for.
    """
    values: dict[str, tuple[Value, ...]] = {}
    for name, texts in query.items():
        if name not in schema.spellings:
            continue
        param, _ = schema.spellings[name]
        if param.named == "search":
            values[name] = (Search(texts[0], search or ""),)
        elif param.named is not None:
            values[name] = tuple(texts)
        else:
            validate = schema.adapters[param.name].validate_strings
            values[name] = tuple(text if param.none and text == NONE else validate(text) for text in texts)
    return values


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
