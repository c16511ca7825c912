"""How bodies become answers: the envelope of lists, and the headers that every read carries.

What the bodies are is decided by `api/listing.py` (stored records) and `api/computed.py` (computed ones).
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType

from fastapi import Request, Response
from pydantic import BaseModel

from api.asof import HEADER, blanked_notes
from api.caching import may_be_kept
from api.conditional import JSON, http_date, is_not_modified
from api.schemas import AnswerMeta, DatasetState, ListMeta, Note
from api.understanding import Question
from db.queries.conditions import Snapshot
from db.queries.pages import State

CONTRACT_VERSION = "1"
DEFAULT_LIMIT = 50
# Caches on the way may keep an answer but ask each time: a write is seen by the next read, and to tell that
# nothing changed costs next to nothing (`api/caching.py`). Some take `no-cache` for "do not keep".
LIVE = "public, max-age=0, must-revalidate"
PINNED = "public, max-age=86400"


@dataclass(frozen=True)
class Told:
    """What a page says about itself, besides its records. `here` tells pages of one query apart.

    `names_releases`: it names releases of its records, so that making one changes it too.
    """

    path: str
    query: Mapping[str, list[str]]
    sort: str
    limit: int
    total: int
    snapshot: Snapshot
    state: State
    next_cursor: str | None
    here: str
    notes: Sequence[Note] = ()
    vocabulary_revision: int = 0
    cite_as: str | None = None
    names_releases: bool = False


def page_path(path: str, cursor: str | None, limit: int) -> str:
    """Give the path of the page of a walk that a cursor names, or of the first one."""
    given = [] if cursor is None else [f"cursor={cursor}"]
    given += [] if limit == DEFAULT_LIMIT else [f"limit={limit}"]
    return f"{path}?{'&'.join(given)}" if given else path


def dataset_state(state: State, snapshot: Snapshot) -> DatasetState:
    """Tell which state an answer is made of."""
    return DatasetState(revision=state.revision, release=snapshot.release, updated_at=state.updated_at)


def list_response(request: Request, bodies: Sequence[bytes], told: Told) -> Response:
    """Answer with a page of a list."""
    cursor = told.next_cursor
    following = None if cursor is None else page_path(told.path, cursor, told.limit)
    meta = ListMeta(
        total=told.total,
        limit=told.limit,
        next=following,
        next_cursor=cursor,
        query=dict(told.query),
        notes=[*told.notes, *blanked_notes(told.state, told.snapshot)],
        dataset=dataset_state(told.state, told.snapshot),
    )
    body = b'{"data":[%b],"meta":%b}' % (b",".join(bodies), meta.model_dump_json().encode())
    facts = [told.path, told.query, told.sort, told.limit, told.here, told.vocabulary_revision]
    headers = state_headers(told.state, told.snapshot, facts)
    headers |= memento_headers(request, told.snapshot, told.state.updated_at)
    following_link = None if following is None else f'<{following}>; rel="next"'
    links = [link for link in (following_link, told.cite_as) if link is not None]
    if links:
        headers["Link"] = ", ".join(links)
    if told.snapshot.revision is None and not told.names_releases:
        may_be_kept(request, told.state)
    written = None if told.names_releases else changed_at(told.state, told.snapshot)
    return conditional_response(request, body, headers, written)


def whole_response(
    request: Request, question: Question, answer: BaseModel, more: Mapping[str, str] = MappingProxyType({})
) -> Response:
    """Answer with something that is made of one state as a whole, and has no pages; `more` are headers."""
    facts = [request.scope["path"], question.shown, question.vocabulary.revision]
    headers = {
        **state_headers(question.state, question.snapshot, facts),
        **memento_headers(request, question.snapshot, question.state.updated_at),
        **more,
    }
    if question.snapshot.revision is None:
        may_be_kept(request, question.state)
    written = changed_at(question.state, question.snapshot)
    return conditional_response(request, answer.model_dump_json().encode(), headers, written)


def answer_meta(question: Question, notes: Sequence[Note] = ()) -> AnswerMeta:
    """Tell how a query was understood, and what else there is to know about its answer."""
    return AnswerMeta(
        query=dict(question.shown),
        notes=[*question.notes, *notes],
        dataset=dataset_state(question.state, question.snapshot),
    )


def state_headers(state: State, snapshot: Snapshot, facts: Sequence[object]) -> dict[str, str]:
    """Give the headers of an answer made of one state; its ETag stands for the state and these facts.

    And for what names stand for now and what was blanked until now, which change what a past state tells.
    """
    seed = json.dumps([state.epoch.hex, state.revision, state.vocabulary_revision, CONTRACT_VERSION, *facts])
    return {
        "ETag": f'"{sha256(seed.encode()).hexdigest()[:32]}"',
        "Cache-Control": LIVE if snapshot.revision is None or snapshot.moving else PINNED,
        "Vary": f"Accept, {HEADER}",
        "X-Dataset-Revision": str(state.revision),
    }


def changed_at(state: State, snapshot: Snapshot) -> dt.datetime | None:
    """Tell when an answer made of one state changed last, if only writes change it.

    What a pinned state tells changes by a redaction, long after its last write: only ETags know.
    """
    return state.updated_at if snapshot.revision is None else None


def modified_header(at: dt.datetime | None) -> dict[str, str]:
    """Give the header Last-Modified, if such a time is known."""
    return {} if at is None else {"Last-Modified": http_date(at)}


def memento_headers(request: Request, snapshot: Snapshot, at: dt.datetime) -> dict[str, str]:
    """Tell the time of the state read (RFC 7089), where a time or a state was asked for."""
    if snapshot.revision is None and HEADER not in request.headers:
        return {}
    return {"Memento-Datetime": http_date(at)}


def version_links(path: str, number: int, newest: int | None = None) -> str:
    """Give the links of one revision of a record, by the relations of RFC 5829, RFC 7089 and RFC 8574.

    The one after it is named only where the newest is known.
    """
    links = [
        f'<{path}>; rel="original timegate latest-version"',
        f'<{path}/revisions>; rel="version-history"',
        f'<{path}/revisions/{number}>; rel="cite-as"',
    ]
    if number > 1:
        links.append(f'<{path}/revisions/{number - 1}>; rel="predecessor-version"')
    if newest is not None and number < newest:
        links.append(f'<{path}/revisions/{number + 1}>; rel="successor-version"')
    return ", ".join(links)


def own_link(path: str) -> str:
    """Give the link of a thing that has no revisions of its own, by the relations of RFC 7089."""
    return f'<{path}>; rel="original timegate"'


def conditional_response(
    request: Request,
    body: bytes,
    headers: Mapping[str, str],
    last_modified: dt.datetime | None,
    media_type: str = JSON,
) -> Response:
    """Answer with the body, or with 304 where the client's copy still holds.

    `last_modified` is null where the state alone does not tell when the answer changed last.
    """
    told = {**headers, **modified_header(last_modified)}
    if is_not_modified(request.headers, headers["ETag"], last_modified):
        return Response(status_code=304, headers=told)
    return Response(body, media_type=media_type, headers=told)
