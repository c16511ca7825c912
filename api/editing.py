"""What each kind of write does to a record: create, replace, update, delete, restore, revert, merge.

Each is a `Work` for `api/writing.py`. The record is read inside the write, under its lock, so that the
conditions that a request makes still hold when it is stored. Parts of exchanges are `api/parts.py`'s.
"""

import json
from collections.abc import Sequence

from fastapi import Request

from api.bodies import as_input, invalid_body
from api.conditional import require_match
from api.errors import ApiError, ProblemCode, ProblemItem
from api.missing import absent
from api.params import not_understood, problem
from api.writing import Asked, Done, Work, conflict
from db import amending
from db.checks import WriteError
from db.drafts import Body, Draft, drafted, patched
from db.duplicates import probable_duplicates
from db.enums import Resource
from db.inputs import ArticleInput
from db.merges import read_merged
from db.queries.conditions import Snapshot
from db.queries.lookups import last_number
from db.rendering import INPUT_OF, PLURAL, Input
from db.storing import Change, Current, read_current
from db.strictjson import location_of
from db.writes import Write

# Fields of exchanges that have paths of their own, and are not patched with the record.
OWN_PATHS = ("claims", "mediations")


def creation(resource: Resource, body: Body) -> Work:
    """Make the work that stores a new record."""

    async def work(write: Write, asked: Asked) -> Done:
        if isinstance(body.get("id"), str):
            stands = await read_current(write.connection, resource, [body["id"]])
            if stands:
                raise conflict(
                    f"There is {resource} {body['id']!r} already.", [(resource, body["id"])], "It has the id."
                )
        draft = await drafted(write.connection, resource, body)
        await put(write, draft)
        if asked.values.get("allow_duplicate") != (True,):
            await refuse_duplicates(write)
        return created(write, resource, draft.body["id"])

    return work


def replacement(request: Request, resource: Resource, record_id: str, body: Body) -> Work:
    """Make the work that puts a record whole: in the place of the one that stands, or as a new one."""
    check_id(body, record_id)

    async def work(write: Write, asked: Asked) -> Done:
        if request.headers.get("if-none-match", "").strip() == "*":
            found = await read_current(write.connection, resource, [record_id])
            if found:
                raise stale(f"There is {resource} {record_id!r} already.", found[record_id])
            return await creation(resource, body)(write, asked)
        stands = await expected(request, write, resource, record_id)
        return await store(write, resource, body, stands, json.loads(stands.body))

    return work


def update(request: Request, resource: Resource, record_id: str, patch: Body) -> Work:
    """Make the work that changes some fields of a record: a merge patch."""
    if resource is Resource.EXCHANGE:
        _refuse_own_paths(record_id, patch)
    check_id(patch, record_id)

    async def work(write: Write, _: Asked) -> Done:
        stands = await expected(request, write, resource, record_id)
        served = json.loads(stands.body)
        return await store(write, resource, patched(resource, served, patch), stands, served)

    return work


def deletion(request: Request, resource: Resource, record_id: str) -> Work:
    """Make the work that takes a record out of the dataset."""

    async def work(write: Write, _: Asked) -> Done:
        await expected(request, write, resource, record_id)
        await amending.remove(write, resource, record_id)
        return Done(204, "", {})

    return work


def restoration(request: Request, resource: Resource, record_id: str) -> Work:
    """Make the work that brings a deleted record back.

    The answer to a deletion has no ETag, so none is demanded; one that is sent must be the tombstone's.
    """

    async def work(write: Write, _: Asked) -> Done:
        number = await last_number(write.connection, resource, record_id)
        try:
            await amending.restore(write, resource, record_id)
        except amending.UnknownRevisionError as error:
            raise ApiError(ProblemCode.NOT_FOUND, f"{error}.".capitalize()) from error
        if number is not None and "if-match" in request.headers:
            require_match(request.headers, number, "record")
        return stands_now(write, resource, record_id)

    return work


def reversion(request: Request, resource: Resource, record_id: str, number: int) -> Work:
    """Make the work that puts a record back to one of its revisions."""

    async def work(write: Write, _: Asked) -> Done:
        stands = await expected(request, write, resource, record_id)
        try:
            await amending.revert(write, resource, record_id, number)
        except amending.UnknownRevisionError as error:
            raise not_understood([problem("to", "out_of_range", str(error))]) from error
        return stands_now(write, resource, record_id, stands)

    return work


def fusion(request: Request, resource: Resource, record_id: str, into: str) -> Work:
    """Make the work that makes a record part of another; it answers with the one that stays."""
    if into == record_id:
        raise not_understood([problem("into", "invalid_value", "must be another record")])

    async def work(write: Write, _: Asked) -> Done:
        await expected(request, write, resource, record_id)
        staying = await read_current(write.connection, resource, [into])
        if not staying:
            fault = problem("into", f"unknown_{resource}", f"there is no {resource} {into!r}")
            raise not_understood([fault])
        await amending.merge(write, resource, record_id, into)
        location = {"Content-Location": path_of(resource, into)}
        done = stands_now(write, resource, into, staying[into])
        return Done(200, done.body, {**done.headers, **location})

    return work


def check_id(body: Body, id_: str) -> None:
    """Refuse a body that names another id than its path does; give it that id if it names none."""
    if body.setdefault("id", id_) != id_:
        item = ProblemItem(pointer="/id", code="read_only", message=f"must be {id_!r}, as in the path")
        raise invalid_body([item])


async def expected(request: Request, write: Write, resource: Resource, record_id: str) -> Current:
    """Give a record that stands, if the request names the revision that it has.

    Raises:
        ApiError: not_found, gone, precondition_required, or precondition_failed with the current ETag.
    """
    found = await write.current(resource, record_id)
    if found is None:
        raise await _nothing_to_write(write, resource, record_id)
    require_match(request.headers, found.number, "record")
    return found


async def _nothing_to_write(write: Write, resource: Resource, record_id: str) -> ApiError:
    """Make the problem of a write to a record that does not stand.

    It is never sent on to the record that it was merged into: the revision that it names is another's.
    """
    error = await absent(write.connection, resource, record_id, Snapshot())
    if error.code is ProblemCode.NOT_FOUND:
        return ApiError(error.code, f"{error.detail} To create one with PUT, send If-None-Match: *.")
    if error.code is not ProblemCode.MERGED:
        return error
    into = (await read_merged(write.connection))[resource][record_id]
    return conflict(error.detail, [(resource, into)], "The record is part of it.")


def stale(detail: str, found: Current) -> ApiError:
    """Make the problem of a request that speaks of another state of a record than it has."""
    return ApiError(ProblemCode.PRECONDITION_FAILED, detail, current_etag=etag_of(found))


async def store(write: Write, resource: Resource, body: Body, stands: Current, served: Body) -> Done:
    """Put what was sent of a record that stands; `served`: what its body says."""
    draft = await drafted(write.connection, resource, body, served)
    await put(write, draft)
    return stands_now(write, resource, draft.body["id"], stands)


async def put(write: Write, draft: Draft) -> None:
    """Validate a draft, and put the record with the articles that it brings.

    Raises:
        ApiError: with all that is wrong in one of them.
        WriteError: they do not fit what stands.
    """
    inputs: list[Input] = []
    for path, article in draft.articles.items():
        inputs.append(as_input(ArticleInput, article, location_of(path)))
    inputs.append(as_input(INPUT_OF[draft.resource], draft.body))
    try:
        await write.put(inputs)
    except WriteError as error:
        raise draft.told(error) from error


async def refuse_duplicates(write: Write) -> None:
    """Refuse a write that creates an exchange which is very probably there already."""
    for record_id, others in (await probable_duplicates(write.connection, write.changes)).items():
        detail = (
            f"{record_id!r} has the day, kind, parties and best figures of another exchange. "
            "If it is another one all the same, send allow_duplicate=true."
        )
        raise conflict(detail, [(Resource.EXCHANGE, other) for other in others], "It is probably the same.")


def created(write: Write, resource: Resource, record_id: str) -> Done:
    """Answer with a new record."""
    done = stands_now(write, resource, record_id)
    return Done(201, done.body, {**done.headers, "Location": path_of(resource, record_id)})


def stands_now(write: Write, resource: Resource, record_id: str, stands: Current | None = None) -> Done:
    """Answer with a record as the write left it; `stands`: as it was, where it need not have changed."""
    body, number = body_after(write.changes, resource, record_id, stands)
    return Done(200, body, {"ETag": f'"{number}"'})


def body_after(
    changes: Sequence[Change], resource: Resource, record_id: str, stands: Current | None
) -> tuple[str, int]:
    """Give the body and the number of a record after a write."""
    for change in reversed(changes):
        if (change.resource, change.id) == (resource, record_id):
            return change.after, change.number
    if stands is None:
        raise LookupError(f"{resource} {record_id} was not written")
    return stands.body, stands.number


def etag_of(found: Current) -> str:
    """Give the ETag of a record."""
    return f'"{found.number}"'


def path_of(resource: Resource, record_id: str) -> str:
    """Give the path of a record."""
    return f"/v1/{PLURAL[resource]}/{record_id}"


def _refuse_own_paths(record_id: str, patch: Body) -> None:
    items = [
        ProblemItem(
            pointer=f"/{field}",
            code="own_path",
            message=f"is not patched with the record: send to /v1/exchanges/{record_id}/{field}",
        )
        for field in OWN_PATHS
        if field in patch
    ]
    if items:
        raise invalid_body(items)
