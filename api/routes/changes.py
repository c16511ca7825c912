"""The change feed: every write of every record, in the one order of the dataset."""

from fastapi import APIRouter, Request, Response

from api.answers import DEFAULT_LIMIT, LIVE, conditional_response, state_headers
from api.conditional import require_json
from api.cursor import Cursor, invalid_cursor
from api.deps import ReaderDep
from api.errors import ProblemCode
from api.filterkinds import Count
from api.listing import CURSOR, LIMIT, text_of
from api.openapi import describe_queried
from api.params import Param, Schema, Values, problem, refuse
from api.routes.history import revision_links
from api.schemas import ChangeEntry, ChangeFeed, ChangeMeta
from db.queries.conditions import Snapshot
from db.queries.pages import State, read_state
from db.queries.revisions import Entry, read_changes
from db.vocabulary import Vocabulary

LAST = 2**31 - 1  # a position beyond any in its revision
SINCE = Param(type=Count, description="Changes after this dataset revision; all if left out.", example=0)
BODY = Param(type=bool, description="Give each record as it then stood.", example=True)
for _name, _param in (("since", SINCE), ("body", BODY)):
    _param.__set_name__(None, _name)
SCHEMA = Schema.of(SINCE, BODY, LIMIT, CURSOR)

router = APIRouter(tags=["history"])


@router.get(
    "/changes",
    operation_id="get_changes",
    summary="Follow what is written",
    **describe_queried(ChangeFeed, SCHEMA, ProblemCode.INVALID_CURSOR),
)
async def get_changes(request: Request, reader: ReaderDep) -> Response:
    """Follow everything that is written, in order, from any dataset revision on.

    Ask again with `since` set to the last revision that was applied whole. Nothing in the feed expires.
    """
    require_json(request)
    values = SCHEMA.parse(request.scope["query_string"])
    limit = int(text_of(values, "limit") or DEFAULT_LIMIT)
    async with reader.connection() as connection:
        state = await read_state(connection, Snapshot())
        vocabulary = await reader.vocabulary(connection)
        after, bodies = _place(values, state, vocabulary)
        entries = list(await read_changes(connection, after, state.revision, limit + 1))
    page = entries[:limit]
    following = _following(page[-1], bodies, state, vocabulary) if len(entries) > limit else None
    shown = "" if limit == DEFAULT_LIMIT else f"&limit={limit}"
    next_path = None if following is None else f"/v1/changes?cursor={following}{shown}"
    feed = ChangeFeed(
        data=[_told(entry, bodies) for entry in page],
        meta=ChangeMeta(epoch=state.epoch.hex, head=state.revision, next=next_path, next_cursor=following),
    )
    headers = state_headers(state, Snapshot(), ["changes", after, bodies, limit]) | {"Cache-Control": LIVE}
    if next_path is not None:
        headers["Link"] = f'<{next_path}>; rel="next"'
    return conditional_response(request, feed.model_dump_json().encode(), headers, state.updated_at)


def _place(values: Values, state: State, vocabulary: Vocabulary) -> tuple[tuple[int, int], bool]:
    """Give where the page begins, and whether bodies are wanted."""
    text = text_of(values, "cursor")
    if text is not None:
        cursor = Cursor.decode(text, vocabulary.cursor_secret, vocabulary.epoch)
        if cursor.path != "/v1/changes" or values.keys() & {"since", "body"}:
            raise invalid_cursor("the cursor belongs to another list, or since or body was sent beside it")
        return (cursor.revision, int(cursor.key)), cursor.query.get("body") == ["true"]
    since = int(text_of(values, "since") or 0)
    if since > state.revision:
        refuse([problem("since", "out_of_range", f"the newest dataset revision is {state.revision}")])
    return (since, LAST), values.get("body") == (True,)


def _following(last: Entry, bodies: bool, state: State, vocabulary: Vocabulary) -> str:
    cursor = Cursor(
        path="/v1/changes",
        query={"body": ["true"]} if bodies else {},
        search=None,
        sort="",
        revision=last.dataset_revision,
        total=0,
        key=last.position,
        id="",
    )
    return cursor.encode(vocabulary.cursor_secret, state.epoch)


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
