"""What is answered where a record does not stand: it never did, was deleted, merged or blanked."""

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from api.asof import HEADER, STATE
from api.errors import ApiError, ProblemCode
from db.enums import Action, Resource
from db.merges import read_merged
from db.queries.conditions import Snapshot
from db.queries.lookups import blanking, last_action
from db.rendering import PLURAL

NOT_THERE = (ProblemCode.NOT_FOUND, ProblemCode.GONE, ProblemCode.MERGED)
ENDED = (Action.DELETED, Action.MERGED)
# Parameters that may name a state in which a record that has ended stood still.
_OF_THE_PAST = {"cursor", *(param.name for param in STATE)}


async def check_there(
    connection: AsyncConnection, request: Request, resource: Resource, record_id: str, below: str
) -> None:
    """Refuse what is asked for below a record that never was, or has ended unless the past is asked for.

    Raises:
        ApiError: as for the record itself.
    """
    action = await last_action(connection, resource, record_id, Snapshot())
    asks_for_the_past = not _OF_THE_PAST.isdisjoint(request.query_params) or HEADER in request.headers
    if action is None or (action in ENDED and not asks_for_the_past):
        query = request.scope["query_string"].decode("latin-1")
        raise await absent(connection, resource, record_id, Snapshot(), query, below=below)


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
    noun = noun_of(resource)
    action = await last_action(connection, resource, record_id, snapshot)
    if action is None:  # it never was, so that nothing of it can have been blanked
        return _never(noun, record_id, snapshot)
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
        detail = f"What the {noun} {record_id!r} was then, its revision {blanked[0]}, is gone ({blanked[1]})."
        return ApiError(ProblemCode.GONE, detail, headers=history)
    return _never(noun, record_id, snapshot)


async def absent_part(connection: AsyncConnection, noun: str, part_id: str, snapshot: Snapshot) -> ApiError:
    """Make the answer to who asks for a claim or a mediation that does not stand in a state.

    Where what its exchange was then is gone, nobody can tell whether it had that part.
    """
    exchange_id = part_id.partition(":")[0]
    action = await last_action(connection, Resource.EXCHANGE, exchange_id, snapshot)
    if action is not None and action not in ENDED:
        blanked = await blanking(connection, Resource.EXCHANGE, exchange_id, snapshot)
        if blanked is not None:
            return await absent(connection, Resource.EXCHANGE, exchange_id, snapshot)
    return _never(noun, part_id, snapshot)


def _never(noun: str, id_: str, snapshot: Snapshot) -> ApiError:
    when = "" if snapshot.revision is None else f" as of dataset revision {snapshot.revision}"
    return ApiError(ProblemCode.NOT_FOUND, f"There is no {noun} {id_!r}{when}.")


def noun_of(resource: Resource) -> str:
    """Give the word for one record of a kind, as sentences have it."""
    return "coverage note" if resource is Resource.COVERAGE else str(resource)
