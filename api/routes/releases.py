"""Releases: named dataset revisions, their files, and what differs between two of them."""

import datetime as dt
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from api import streamed
from api.answers import DEFAULT_LIMIT, LIVE, conditional_response, dataset_state, page_path
from api.asof import BLANKED_SINCE, lost
from api.conditional import http_date, is_not_modified, negotiate, require_json
from api.cursor import Cursor, invalid_cursor
from api.deps import ReaderDep
from api.editions import SLUG
from api.errors import ApiError, ProblemCode, ProblemItem
from api.expensive import IN_TURN, spend_expensive
from api.listing import CURSOR, LIMIT
from api.openapi import OF_LISTS, describe_other, describe_queried
from api.params import Schema, text_of
from api.releaseschemas import (
    Release,
    ReleaseComparison,
    ReleaseComparisonLinks,
    ReleaseFile,
    ReleaseLinks,
    ReleaseList,
    ReleaseNotice,
    ResourceChanges,
    YearlyMove,
)
from api.releasing import blocks, zipped
from api.schemas import ListMeta, Note
from db.comparing import Comparison, compare
from db.queries.conditions import Snapshot
from db.queries.pages import read_state
from db.queries.releases import Notice, read_notices
from db.releases import LATEST, Released, read_releases
from db.rendering import PLURAL

PATH = "/v1/releases"
ZIP = "application/zip"
NEAR = 3  # names that are told where one is misspelt
LIST_SCHEMA = Schema.of(LIMIT, CURSOR)
RELEASE_SCHEMA = Schema.of()

ReleaseName = Annotated[str, Path(description=f"The name of the release, or `{LATEST}`.")]
LaterName = Annotated[str, Path(description=f"The name of the later release, or `{LATEST}`.")]

router = APIRouter(tags=["releases"])


@router.get(
    "/releases", operation_id="list_releases", **describe_queried(ReleaseList, LIST_SCHEMA, *OF_LISTS)
)
async def list_releases(request: Request, reader: ReaderDep) -> Response:
    """List the releases of the dataset, the newest first.

    What there is does not depend on a state of the dataset, so that neither `as_of` nor `release` is taken.
    """
    require_json(request)
    values = LIST_SCHEMA.parse(request.scope["query_string"])
    limit, text, after = int(text_of(values, "limit") or DEFAULT_LIMIT), text_of(values, "cursor"), None
    async with reader.unchanging() as connection:
        vocabulary = await reader.vocabulary(connection)
        if text is not None:
            cursor = Cursor.decode(text, vocabulary.cursor_secret, vocabulary.epoch)
            if cursor.path != PATH:
                raise invalid_cursor("the cursor belongs to another list")
            after = cursor
        state = await read_state(connection, Snapshot())
        told = list(reversed(_told(await read_releases(connection), await read_notices(connection))))
    begin = 0 if after is None else [each.name for each in told].index(after.id) + 1
    total, page = len(told) if after is None else after.total, told[begin : begin + limit]
    following = None
    if begin + limit < len(told):
        following = Cursor(
            path=PATH,
            query={},
            search=None,
            sort="-released_at",
            revision=state.revision,
            total=total,
            key=page[-1].name,
            id=page[-1].name,
        ).encode(vocabulary.cursor_secret, vocabulary.epoch)
    meta = ListMeta(
        total=total,
        limit=limit,
        next=following and page_path(PATH, following, limit),
        next_cursor=following,
        query={},
        notes=[],
        dataset=dataset_state(state, Snapshot()),
    )
    headers = _headers(state.revision) | ({} if meta.next is None else {"Link": f'<{meta.next}>; rel="next"'})
    return _answer(request, ReleaseList(data=page, meta=meta), headers, None)


@router.get(
    "/releases/{record_id}",
    operation_id="get_release",
    **describe_queried(Release, RELEASE_SCHEMA, ProblemCode.NOT_FOUND, ProblemCode.BAD_REQUEST),
)
async def get_release(request: Request, reader: ReaderDep, record_id: ReleaseName) -> Response:
    """Read what a release is, what its files are, and what had to be blanked in it since."""
    require_json(request)
    RELEASE_SCHEMA.parse(request.scope["query_string"])
    async with reader.unchanging() as connection:
        releases = await read_releases(connection)
        found = chosen(releases, record_id)
        told = _told(releases, await read_notices(connection))[releases.index(found)]
    headers = _headers(found.dataset_revision)
    if record_id == LATEST:
        headers["Content-Location"] = told.links.self
    return _answer(request, told, headers, found.remade_at or found.at)


@router.get(
    "/releases/{record_id}/download",
    operation_id="get_release_download",
    **describe_other(
        ZIP,
        "The package of the release, as a zip.",
        RELEASE_SCHEMA,
        ProblemCode.NOT_FOUND,
        ProblemCode.BAD_REQUEST,
        binary=True,
    ),
)
async def download_release(request: Request, reader: ReaderDep, record_id: ReleaseName) -> Response:
    """Download all of a release as one zip: a Frictionless Data Package with CSV, Parquet and NDJSON.

    It is made when it is asked for, and always of the same bytes.
    """
    negotiate(request, ZIP)
    RELEASE_SCHEMA.parse(request.scope["query_string"])
    async with reader.unchanging() as connection:
        release = chosen(await read_releases(connection), record_id)
        facts = [
            release.name,
            release.dataset_revision,
            str(release.at),
            str(release.remade_at),
            *release.files,
        ]
        headers = _headers(release.dataset_revision) | {"ETag": _tag(json.dumps(facts).encode())}
        headers["Last-Modified"] = http_date(release.remade_at or release.at)
        if record_id == LATEST:
            headers["Content-Location"] = f"{PATH}/{release.name}/download"
        if is_not_modified(request.headers, headers["ETag"], release.remade_at or release.at):
            return Response(status_code=304, headers=headers)
        await spend_expensive(request)
        with streamed.GATE.admitted():
            file = await zipped(connection, release)
    headers["Content-Length"] = str(file.seek(0, os.SEEK_END))
    headers["Content-Disposition"] = f'attachment; filename="{SLUG}-{release.name}.zip"'
    return StreamingResponse(blocks(file), media_type=ZIP, headers=headers)


@router.get(
    "/releases/{record_id}/compare/{other}",
    operation_id="get_release_comparison",
    dependencies=[IN_TURN],
    **describe_queried(ReleaseComparison, RELEASE_SCHEMA, ProblemCode.NOT_FOUND, ProblemCode.BAD_REQUEST),
)
async def compare_releases(
    request: Request, reader: ReaderDep, record_id: ReleaseName, other: LaterName
) -> Response:
    """Tell what differs between two releases: records added, changed and removed, and yearly figures.

    The earlier release comes first in the path. What was blanked in one of them since is told of in `notes`.
    """
    require_json(request)
    RELEASE_SCHEMA.parse(request.scope["query_string"])
    async with reader.unchanging() as connection:
        releases = await read_releases(connection)
        earlier, later = chosen(releases, record_id), chosen(releases, other)
        if earlier.at > later.at:
            raise _wrong_way_round(request.scope["path"], earlier, later)
        found = await compare(connection, earlier.dataset_revision, later.dataset_revision)
        notices = await read_notices(connection)
    written = max(each.remade_at or each.at for each in (earlier, later))
    answer = _compared(earlier, later, found, notices)
    return _answer(request, answer, _headers(later.dataset_revision), written)


def _wrong_way_round(path: str, first: Released, second: Released) -> ApiError:
    right = _comparison_path(second, first)
    message = f"{path} names the later release first: {first.name} was made after {second.name}; ask {right}"
    item = ProblemItem(code="invalid_range", message=message, suggestions=[right])
    return ApiError(ProblemCode.INVALID_QUERY, message, [item])


def chosen(releases: Sequence[Released], name: str) -> Released:
    """Give the release of a name, or the newest one.

    Raises:
        ApiError: not_found, with names that are near.
    """
    if not releases:
        raise ApiError(ProblemCode.NOT_FOUND, "There is no release yet.")
    if name == LATEST:
        return releases[-1]
    names = [release.name for release in releases]
    if name not in names:
        near = get_close_matches(name, names, n=NEAR) or names[-1:]
        detail = f"There is no release {name!r}; there is {', '.join(near)}."
        raise ApiError(ProblemCode.NOT_FOUND, detail)
    return releases[names.index(name)]


def _told(releases: Sequence[Released], notices: Iterable[Notice]) -> list[Release]:
    """Give releases as they are served, in the order given, which is that in which they were made."""
    by_release: dict[str, list[ReleaseNotice]] = {}
    for notice in notices:
        by_release.setdefault(notice.release, []).append(
            ReleaseNotice(
                resource=notice.resource,
                id=notice.id,
                revision=notice.number,
                reason=notice.reason,
                at=notice.at,
                history=f"/v1/{PLURAL[notice.resource]}/{notice.id}/revisions",
            )
        )
    before = [None, *(release.name for release in releases)]
    return [
        Release(
            id=release.name,
            name=release.name,
            dataset_revision=release.dataset_revision,
            level=release.level,
            notes=release.notes,
            released_at=release.at,
            remade_at=release.remade_at,
            files=[ReleaseFile(**file) for file in release.files],
            notices=by_release.get(release.name, []),
            links=_links(release.name, previous),
        )
        for release, previous in zip(releases, before, strict=False)
    ]


def _links(name: str, previous: str | None) -> ReleaseLinks:
    return ReleaseLinks(
        self=f"{PATH}/{name}",
        download=f"{PATH}/{name}/download",
        dataset=f"/v1/dataset?release={name}",
        previous=None if previous is None else f"{PATH}/{previous}",
        changes=None if previous is None else f"{PATH}/{previous}/compare/{name}",
    )


def _comparison_path(earlier: Released, later: Released) -> str:
    return f"{PATH}/{earlier.name}/compare/{later.name}"


def _compared(
    earlier: Released, later: Released, found: Comparison, notices: Sequence[Notice]
) -> ReleaseComparison:
    return ReleaseComparison(
        earlier=earlier.name,
        later=later.name,
        level=found.level,
        records=[
            ResourceChanges(
                resource=resource, added=changes.added, changed=changes.changed, removed=changes.removed
            )
            for resource, changes in found.records.items()
        ],
        figures=[YearlyMove(**each._asdict(), moved=each.after - each.before) for each in found.figures],
        notes=list(_lost(dict.fromkeys((earlier.name, later.name)), notices)),
        links=ReleaseComparisonLinks(
            self=_comparison_path(earlier, later),
            earlier=f"{PATH}/{earlier.name}",
            later=f"{PATH}/{later.name}",
        ),
    )


def _lost(names: Iterable[str], notices: Iterable[Notice]) -> Iterator[Note]:
    """Tell of each release that records of it were blanked since, and what a comparison makes of that."""
    counted = Counter(notice.release for notice in notices)
    for name in names:
        if counted[name]:
            said = lost(counted[name], f"release {name} was made", "its records")
            text = (
                f"{said}; {PATH}/{name} names what was blanked. It differs here from every other revision of "
                "the record, whatever it said, and the yearly figures of the release are without it."
            )
            yield Note(code=BLANKED_SINCE, text=text)


def _headers(dataset_revision: int) -> dict[str, str]:
    return {"Cache-Control": LIVE, "Vary": "Accept", "X-Dataset-Revision": str(dataset_revision)}


def _answer(
    request: Request, answer: BaseModel, headers: dict[str, str], written: dt.datetime | None
) -> Response:
    """Answer under a tag of what is told, since releases are no function of the dataset revision."""
    body = answer.model_dump_json().encode()
    return conditional_response(request, body, headers | {"ETag": _tag(body)}, written)


def _tag(content: bytes) -> str:
    return f'"{sha256(content).hexdigest()[:32]}"'
