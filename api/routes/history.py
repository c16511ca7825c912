"""The history of single records: their revisions, and what changed between two of them."""

import json
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated

import jsonpatch
from fastapi import APIRouter, Path, Request, Response
from pydantic import AfterValidator, WithJsonSchema
from sqlalchemy.ext.asyncio import AsyncConnection

from api.answers import LIVE, PINNED, conditional_response, version_links
from api.computed import answer_computed_list
from api.conditional import http_date, require_json
from api.deps import ReaderDep
from api.errors import ApiError, ProblemCode
from api.missing import noun_of
from api.openapi import RecordId, describe_computed_list, describe_queried
from api.params import Param, Schema, Values, not_understood, problem, text_of
from api.schemas import Diff, RevisionEntry, RevisionEntryList, RevisionLinks
from db import records
from db.enums import Action, Resource
from db.load import in_words
from db.queries.conditions import Snapshot
from db.queries.pages import State, read_state
from db.queries.releases import TOMBSTONES
from db.queries.revisions import STAMPED, Entry, read_revisions
from db.releases import LATEST, Released, read_releases
from db.rendering import PLURAL, RECORD_OF
from db.wording import revisions_to

RELEASE_PREFIX = "release:"
_NAMED = re.compile(r"[0-9]{1,10}|release:([0-9]{4}\.[0-9]{2}(\.[0-9]{1,9})?|latest)")
FORM = "must be the number of a revision, or release: and the name of a release, such as release:2026.11"


def _named(text: str) -> str:
    if not _NAMED.fullmatch(text):
        raise ValueError(FORM)
    return text


RevisionName = Annotated[
    str, AfterValidator(_named), WithJsonSchema({"type": "string", "pattern": f"^({_NAMED.pattern})$"})
]
FROM = Param(
    name="from_revision",
    type=RevisionName,
    description="The earlier revision: its number, or `release:2026.11` for the one that stood in that "
    "release; the one before if left out.",
    example="1",
)
TO = Param(
    name="to_revision",
    type=RevisionName,
    description="The later revision, likewise; the newest if left out.",
    example="1",
)
DIFF_SCHEMA = Schema.of(FROM, TO)
RevisionNumber = Annotated[str, Path(description="The number of the revision, from 1.")]
REVISION_SCHEMA = Schema.of()


def _router(resource: Resource) -> APIRouter:
    plural, noun = PLURAL[resource], str(resource)
    item = f"/{plural}/{{record_id}}"
    router = APIRouter(tags=["history"])

    @router.get(
        f"{item}/revisions",
        operation_id=f"list_{noun}_revisions",
        summary=f"List the revisions of one of the {plural}",
        **describe_computed_list(RevisionEntryList, ProblemCode.NOT_FOUND),
    )
    async def list_revisions(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
        """List every write of a record, the first one first; of deleted and merged records too."""

        async def read(
            connection: AsyncConnection, snapshot: Snapshot
        ) -> tuple[State, Sequence[RevisionEntry]]:
            state = await read_state(connection, snapshot)
            entries = await _history(connection, resource, record_id)
            releases = [
                each
                for each in await read_releases(connection)
                if each.dataset_revision <= state.revision  # so that a past state is told of as it was
            ]
            holding = _first_releases(entries, releases)
            return state, [
                _told(entry, holding.get(entry.number))
                for entry in entries
                if entry.dataset_revision <= state.revision
            ]

        return await answer_computed_list(request, reader, read, names_releases=True)

    @router.get(
        f"{item}/revisions/{{number}}",
        operation_id=f"get_{noun}_revision",
        summary=f"Read one of the {plural} as a revision left it",
        **describe_queried(
            RECORD_OF[resource],
            REVISION_SCHEMA,
            ProblemCode.NOT_FOUND,
            ProblemCode.BAD_REQUEST,
            ProblemCode.GONE,
        ),
    )
    async def get_revision(
        request: Request, reader: ReaderDep, record_id: RecordId, number: RevisionNumber
    ) -> Response:
        """Read a record as it stood after one of its writes."""
        require_json(request)
        REVISION_SCHEMA.parse(request.scope["query_string"])
        async with reader.connection() as connection:
            entries = await _history(connection, resource, record_id)
        entry = next((each for each in entries if str(each.number) == number), None)
        if entry is None:
            detail = f"The {noun_of(resource)} {record_id!r} has no revision {number!r}."
            raise ApiError(ProblemCode.NOT_FOUND, detail)
        if entry.body is None:
            raise _blanked(entry, entries)
        headers = {
            "ETag": f'"{entry.number}"',
            "Cache-Control": PINNED,
            "Vary": "Accept",
            "X-Dataset-Revision": str(entry.dataset_revision),
            "Memento-Datetime": http_date(entry.at),
            "Link": version_links(f"/v1/{plural}/{record_id}", entry.number, len(entries)),
        }
        return conditional_response(request, entry.body.encode(), headers, entry.at)

    @router.get(
        f"{item}/diff",
        operation_id=f"get_{noun}_diff",
        summary=f"Tell what changed in one of the {plural}",
        **describe_queried(
            Diff, DIFF_SCHEMA, ProblemCode.NOT_FOUND, ProblemCode.BAD_REQUEST, ProblemCode.GONE
        ),
    )
    async def diff(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
        """Tell what changed between two revisions: as a JSON Patch (RFC 6902), and in words."""
        require_json(request)
        values = DIFF_SCHEMA.parse(request.scope["query_string"])
        async with reader.connection() as connection:
            entries = await _history(connection, resource, record_id)
            releases = await read_releases(connection)
        later = _chosen(values, "to_revision", len(entries), entries, releases)
        earlier = _chosen(values, "from_revision", max(1, later.number - 1), entries, releases)
        body = _diff(earlier, later, entries).model_dump_json().encode()
        fixed = _fixed(values)
        headers = {
            "ETag": f'"{earlier.number}-to-{later.number}"',
            "Cache-Control": PINNED if fixed else LIVE,
            "Vary": "Accept",
        }
        return conditional_response(request, body, headers, max(earlier.at, later.at) if fixed else None)

    return router


async def _history(connection: AsyncConnection, resource: Resource, record_id: str) -> Sequence[Entry]:
    entries = await read_revisions(connection, resource, record_id)
    if not entries:
        raise ApiError(ProblemCode.NOT_FOUND, f"No {noun_of(resource)} was ever called {record_id!r}.")
    return entries


def _chosen(
    values: Values, name: str, otherwise: int, entries: Sequence[Entry], releases: Sequence[Released]
) -> Entry:
    """Give the revision that a parameter names, by its number or by a release in which it stood."""
    text = text_of(values, name) or str(otherwise)
    if text.startswith(RELEASE_PREFIX):
        release = _release(name, text.removeprefix(RELEASE_PREFIX), releases)
        found = _standing(entries, release.dataset_revision)
        message = f"the record is not in release {release.name}"
    else:
        found = next((entry for entry in entries if entry.number == int(text)), None)
        message = f"the record has {revisions_to(len(entries))}"
    if found is None:
        raise not_understood([problem(name, "out_of_range", message)])
    return found


def _release(parameter: str, name: str, releases: Sequence[Released]) -> Released:
    if name == LATEST and releases:
        return releases[-1]
    known = {f"{RELEASE_PREFIX}{release.name}": release for release in releases}
    text = f"{RELEASE_PREFIX}{name}"
    if text not in known:
        message = f"there is no release {name!r}" if known else "there is no release yet"
        near = get_close_matches(text, known, n=3)
        raise not_understood(
            [problem(parameter, "unknown_release", message, allowed=known, suggestions=near)]
        )
    return known[text]


def _standing(entries: Sequence[Entry], revision: int) -> Entry | None:
    """Give the revision of a record that stood at a dataset revision; be it that it was blanked since."""
    last = next((entry for entry in reversed(entries) if entry.dataset_revision <= revision), None)
    if last is None or last.action in TOMBSTONES:
        return None
    return None if last.body is None and last.blanked_by is None else last


def _first_releases(entries: Sequence[Entry], releases: Sequence[Released]) -> dict[int, str]:
    """Give the first release in which each revision stood, by the number of the revision."""
    found: dict[int, str] = {}
    for release in releases:
        standing = _standing(entries, release.dataset_revision)
        if standing is not None:
            found.setdefault(standing.number, release.name)
    return found


def _fixed(values: Values) -> bool:
    """Tell whether a query names both revisions so that it always means the same."""
    return len(values) == len(DIFF_SCHEMA.params) and not any(
        str(value).endswith(LATEST) for value, *_ in values.values()
    )


def _told(entry: Entry, release: str | None) -> RevisionEntry:
    figures = []
    if entry.resource is Resource.EXCHANGE and entry.body is not None:
        figures = [records.ExchangeFigure.model_validate(each) for each in json.loads(entry.body)["figures"]]
    return RevisionEntry(
        number=entry.number,
        dataset_revision=entry.dataset_revision,
        at=entry.at,
        action=entry.action,
        reason=entry.reason,
        by=entry.by,
        release=release,
        figures=figures,
        links=revision_links(entry),
    )


def revision_links(entry: Entry) -> RevisionLinks:
    """Give the paths of a revision and of its record."""
    record = f"/v1/{PLURAL[entry.resource]}/{entry.id}"
    return RevisionLinks(self=f"{record}/revisions/{entry.number}", record=record)


def _blanked(entry: Entry, entries: Sequence[Entry]) -> ApiError:
    if entry.action == Action.REDACTED and entry.blanked_by is None:
        detail = f"Revision {entry.number} only tells of a redaction ({entry.reason})."
        return ApiError(ProblemCode.GONE, detail)
    reason = next((each.reason for each in entries if each.dataset_revision == entry.blanked_by), "")
    return ApiError(ProblemCode.GONE, f"Revision {entry.number} is gone ({reason}).")


def _diff(earlier: Entry, later: Entry, entries: Sequence[Entry]) -> Diff:
    if earlier.body is None or later.body is None:
        raise _blanked(earlier if earlier.body is None else later, entries)
    old, new = _unstamped(earlier.body), _unstamped(later.body)
    return Diff(
        resource=earlier.resource,
        id=earlier.id,
        from_revision=earlier.number,
        to_revision=later.number,
        patch=list(jsonpatch.make_patch(old, new)),
        sentences=in_words(earlier.resource, earlier.body, later.body),
    )


def _unstamped(body: str) -> dict[str, object]:
    return {name: value for name, value in json.loads(body).items() if name not in STAMPED}


ROUTERS = tuple(_router(resource) for resource in RECORD_OF)
