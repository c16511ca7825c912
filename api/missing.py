"""What is answered where a record does not stand: it never did, was deleted, merged or blanked."""

from sqlalchemy.ext.asyncio import AsyncConnection

from api.errors import ApiError, ProblemCode
from db.enums import Action, Resource
from db.merges import read_merged
from db.queries.conditions import Snapshot
from db.queries.lookups import blanking, last_action
from db.rendering import PLURAL


async def absent(
    connection: AsyncConnection,
    resource: Resource,
    record_id: str,
    snapshot: Snapshot,
    query: str = "",
    *,
    below: str = "",
) -> ApiError:
    """Make the answer to who asks for a record that does not stand in a state.

    One that was merged is answered 308, to what it has become part of: the record, or what was asked
    for below it, with the same query.
    """
    noun = "coverage note" if resource is Resource.COVERAGE else str(resource)
    action = await last_action(connection, resource, record_id, snapshot)
    path = f"/v1/{PLURAL[resource]}/{record_id}"
    history = {"Link": f'<{path}/revisions>; rel="version-history"'}
    if action == Action.MERGED:
        into = (await read_merged(connection))[resource][record_id]
        location = f"/v1/{PLURAL[resource]}/{into}{below}{query and f'?{query}'}"
        detail = f"The {noun} {record_id!r} is part of {into!r} now."
        return ApiError(ProblemCode.MERGED, detail, headers=history | {"Location": location})
    if action == Action.DELETED:
        detail = f"The {noun} {record_id!r} was deleted. Its history is at {path}/revisions."
        return ApiError(ProblemCode.GONE, detail, headers=history)
    blanked = await blanking(connection, resource, record_id, snapshot)
    if blanked is not None:
        detail = f"What the {noun} {record_id!r} was then, its revision {blanked[0]}, is gone: {blanked[1]}"
        return ApiError(ProblemCode.GONE, detail, headers=history)
    when = "" if snapshot.revision is None else f" as of dataset revision {snapshot.revision}"
    return ApiError(ProblemCode.NOT_FOUND, f"There is no {noun} {record_id!r}{when}.")
