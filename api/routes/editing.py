"""Writing records: the same seven operations for every kind of record."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import StringConstraints

from api import editing
from api.auth import CuratorDep
from api.bodies import PATCHES, read_json
from api.deps import LimiterDep, WriterDep
from api.filterkinds import Count
from api.openapi import RecordId
from api.params import Param, Schema, not_understood, problem, text_of
from api.writecontract import describe_write
from api.writing import CREATE_SCHEMA, DRY_RUN, REASON, WRITE_SCHEMA, Writer, answer_write
from db.enums import Resource
from db.rendering import INPUT_OF, PLURAL

TO = Param(
    name="to", type=Count, description="Number of the revision that the record goes back to.", example=1
)
INTO = Param(
    name="into",
    type=Annotated[str, StringConstraints(max_length=100)],
    description="Id of the record that this one becomes part of.",
    example="al-jazeera-2024-12-30",
)
REVERT_SCHEMA = Schema.of(TO, REASON, DRY_RUN)
MERGE_SCHEMA = Schema.of(INTO, REASON, DRY_RUN)


async def _curator(caller: CuratorDep, engine: WriterDep, limiter: LimiterDep) -> Writer:
    return Writer(engine, limiter, caller)


CuratorWriterDep = Annotated[Writer, Depends(_curator)]


def _router(resource: Resource) -> APIRouter:
    plural, noun = PLURAL[resource], str(resource)
    path, item = f"/{plural}", f"/{plural}/{{record_id}}"
    router = APIRouter(tags=["writing"])

    @router.post(
        path, operation_id=f"create_{noun}", **describe_write(resource, CREATE_SCHEMA, 201, body="Input")
    )
    async def create(request: Request, writer: CuratorWriterDep) -> Response:
        """Store a new record; without an `id` the service makes one.

        In `citations`, an article may stand by its id, by its URL, or as an object like that of an article:
        one that is known under its URL is cited, any other is created. `allow_duplicate=true` stores an
        exchange though another has the same day, kind, parties and best figures.
        """
        body = await read_json(request)
        return await answer_write(request, writer, CREATE_SCHEMA, editing.creation(resource, body), body)

    @router.put(
        item,
        operation_id=f"replace_{noun}",
        **describe_write(resource, CREATE_SCHEMA, 200, 201, body="Input"),
    )
    async def replace(request: Request, writer: CuratorWriterDep, record_id: RecordId) -> Response:
        """Put a record whole, as it was read but for what is to change.

        Fields that the service derives may be sent back as they were read, or left out. Parts with an `id`
        are kept, parts without one are created, parts that are absent are removed. With `If-None-Match: *`
        the record is created.
        """
        body = await read_json(request)
        work = editing.replacement(request, resource, record_id, body)
        return await answer_write(request, writer, CREATE_SCHEMA, work, body)

    @router.patch(
        item, operation_id=f"update_{noun}", **describe_write(resource, WRITE_SCHEMA, 200, body="Patch")
    )
    async def update(request: Request, writer: CuratorWriterDep, record_id: RecordId) -> Response:
        """Change some fields of a record: a JSON Merge Patch (RFC 7396), in which null means no value.

        Lists are put as wholes. Claims and mediations of exchanges have paths of their own.
        """
        patch = await read_json(request, PATCHES)
        work = editing.update(request, resource, record_id, patch)
        return await answer_write(request, writer, WRITE_SCHEMA, work, patch)

    @router.delete(
        item, operation_id=f"delete_{noun}", **describe_write(resource, WRITE_SCHEMA, 204, body=None)
    )
    async def delete(request: Request, writer: CuratorWriterDep, record_id: RecordId) -> Response:
        """Take a record out of the dataset; its history stays, and it can be restored.

        One that others refer to stays, and the answer names those.
        """
        work = editing.deletion(request, resource, record_id)
        return await answer_write(request, writer, WRITE_SCHEMA, work)

    @router.post(
        f"{item}/restore",
        operation_id=f"restore_{noun}",
        **describe_write(resource, WRITE_SCHEMA, 200, body=None, conditional=False),
    )
    async def restore(request: Request, writer: CuratorWriterDep, record_id: RecordId) -> Response:
        """Bring a deleted record back as it last stood."""
        work = editing.restoration(request, resource, record_id)
        return await answer_write(request, writer, WRITE_SCHEMA, work)

    @router.post(
        f"{item}/revert",
        operation_id=f"revert_{noun}",
        **describe_write(resource, REVERT_SCHEMA, 200, body=None),
    )
    async def revert(request: Request, writer: CuratorWriterDep, record_id: RecordId) -> Response:
        """Put a record back to one of its revisions; that is a new revision, and what came between stays."""
        number = int(_needed(request, REVERT_SCHEMA, "to"))
        work = editing.reversion(request, resource, record_id, number)
        return await answer_write(request, writer, REVERT_SCHEMA, work)

    @router.post(
        f"{item}/merge",
        operation_id=f"merge_{noun}",
        **describe_write(resource, MERGE_SCHEMA, 200, body=None),
    )
    async def merge(request: Request, writer: CuratorWriterDep, record_id: RecordId) -> Response:
        """Make a record part of another one, which takes over its citations, parts and names.

        Whatever refers to it refers to the other one from then on, and its path answers 308.
        """
        into = _needed(request, MERGE_SCHEMA, "into")
        work = editing.fusion(request, resource, record_id, into)
        return await answer_write(request, writer, MERGE_SCHEMA, work)

    return router


def _needed(request: Request, schema: Schema, name: str) -> str:
    """Give the value of a parameter that the path cannot do without."""
    value = text_of(schema.parse(request.scope["query_string"]), name)
    if value is None:
        raise not_understood([problem(name, "missing", "is needed")])
    return value


ROUTERS = tuple(_router(resource) for resource in INPUT_OF)
