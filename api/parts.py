"""What each kind of write does to a claim or a mediation: it is a write of the exchange that it is part of.

The conditions of a request speak of the exchange, whose revision they name; faults are told in the words of
the part. Writes of whole records are `api/editing.py`'s.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from api.bodies import invalid_body
from api.editing import body_after, check_id, expected, path_of, put
from api.errors import ApiError, ProblemCode, ProblemItem
from api.writing import Asked, Done, Work, told_refusals
from db import records
from db.drafts import Body, drafted
from db.enums import Resource
from db.rendering import claims_of, mediations_of, written
from db.storing import Current
from db.writes import Write


@dataclass(frozen=True)
class PartKind:
    """A kind of part of exchanges: the field that holds it, and its records as they are served."""

    field: str
    noun: str
    served: Callable[[records.Exchange], Iterable[records.Claim | records.Mediation]]


CLAIMS = PartKind("claims", "claim", claims_of)
MEDIATIONS = PartKind("mediations", "mediation", mediations_of)


def creation(request: Request, kind: PartKind, record_id: str, body: Body) -> Work:
    """Make the work that adds a part to an exchange."""
    if "id" in body:
        item = ProblemItem(pointer="/id", code="read_only", message="is made by the service: leave it out")
        raise invalid_body([item])

    async def work(write: Write, _: Asked) -> Done:
        stands = await expected(request, write, Resource.EXCHANGE, record_id)
        exchange = written(Resource.EXCHANGE, stands.body)
        exchange[kind.field].append(body)
        stored = await _store(write, kind, exchange, stands, len(exchange[kind.field]) - 1)
        part_id = stored[kind.field][-1]["id"]
        location = f"{path_of(Resource.EXCHANGE, record_id)}/{kind.field}/{part_id}"
        done = _answer(write, kind, part_id, stands)
        return Done(201, done.body, {**done.headers, "Location": location})

    return work


def replacement(request: Request, kind: PartKind, record_id: str, part_id: str, body: Body) -> Work:
    """Make the work that puts a part whole."""
    check_id(body, part_id)

    async def work(write: Write, _: Asked) -> Done:
        stands = await expected(request, write, Resource.EXCHANGE, record_id)
        exchange = written(Resource.EXCHANGE, stands.body)
        place = _place(exchange, kind, part_id)
        exchange[kind.field][place] = _without_derived(kind, stands, part_id, body)
        await _store(write, kind, exchange, stands, place)
        return _answer(write, kind, part_id, stands)

    return work


def update(request: Request, kind: PartKind, record_id: str, part_id: str, patch: Body) -> Work:
    """Make the work that changes some fields of a part: a merge patch."""
    check_id(patch, part_id)

    async def work(write: Write, _: Asked) -> Done:
        stands = await expected(request, write, Resource.EXCHANGE, record_id)
        exchange = written(Resource.EXCHANGE, stands.body)
        place = _place(exchange, kind, part_id)
        own = _without_derived(kind, stands, part_id, patch)
        exchange[kind.field][place] |= own
        await _store(write, kind, exchange, stands, place)
        return _answer(write, kind, part_id, stands)

    return work


def deletion(request: Request, kind: PartKind, record_id: str, part_id: str) -> Work:
    """Make the work that takes a part out of its exchange, which still cites what the part cited."""

    async def work(write: Write, _: Asked) -> Done:
        stands = await expected(request, write, Resource.EXCHANGE, record_id)
        exchange = written(Resource.EXCHANGE, stands.body)
        place = _place(exchange, kind, part_id)
        del exchange[kind.field][place]
        await _store(write, kind, exchange, stands, place)
        number = body_after(write.changes, Resource.EXCHANGE, record_id, stands)[1]
        return Done(204, "", {"ETag": f'"{number}"'})

    return work


def _place(exchange: Body, kind: PartKind, part_id: str) -> int:
    for place, part in enumerate(exchange[kind.field]):
        if part["id"] == part_id:
            return place
    detail = f"The exchange {exchange['id']!r} has no {kind.noun} {part_id!r}."
    raise ApiError(ProblemCode.NOT_FOUND, detail)


def _without_derived(kind: PartKind, stands: Current, part_id: str, body: Body) -> Body:
    """Take out the fields that the service derives; they must be as they were read."""
    exchange = records.Exchange.model_validate_json(stands.body)
    part = next(each for each in kind.served(exchange) if each.id == part_id)
    served, written = json.loads(part.model_dump_json()), json.loads(stands.body)[kind.field][0]
    derived = served.keys() & body.keys() - written.keys()
    message = "is derived by the service: send it as it was read, or not at all"
    items = [
        ProblemItem(pointer=f"/{name}", code="read_only", message=message)
        for name in sorted(derived)
        if body[name] != served[name]
    ]
    if items:
        raise invalid_body(items)
    return {name: value for name, value in body.items() if name not in derived}


async def _store(write: Write, kind: PartKind, exchange: Body, stands: Current, place: int) -> Body:
    """Put the exchange with a part changed at a place, and tell what is wrong in the words of the part."""
    async with _told_of_part(f"/{kind.field}/{place}"), told_refusals():
        draft = await drafted(write.connection, Resource.EXCHANGE, exchange, json.loads(stands.body))
        await put(write, draft)
    return draft.body


@asynccontextmanager
async def _told_of_part(prefix: str) -> AsyncIterator[None]:
    """Tell what is wrong with the part by where it stands there, instead of what follows for its exchange."""
    try:
        yield
    except ApiError as error:
        items = [
            item.model_copy(update={"pointer": item.pointer.removeprefix(prefix)})
            for item in error.errors
            if item.pointer is not None and item.pointer.startswith(f"{prefix}/")
        ]
        if error.code is ProblemCode.INVALID_BODY and items:
            raise invalid_body(items) from error
        raise


def _answer(write: Write, kind: PartKind, part_id: str, stands: Current) -> Done:
    """Answer with a part as the write left it, under the ETag of its exchange."""
    exchange_id = part_id.partition(":")[0]
    body, number = body_after(write.changes, Resource.EXCHANGE, exchange_id, stands)
    exchange = records.Exchange.model_validate_json(body)
    part = next(each for each in kind.served(exchange) if each.id == part_id)
    return Done(200, part.model_dump_json(), {"ETag": f'"{number}"'})
