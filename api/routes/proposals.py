"""Proposals: what contributors would have written, for curators to accept or reject."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel

from api import proposalviews, proposing
from api.answers import DEFAULT_LIMIT, dataset_state, page_path
from api.auth import CallerDep, ContributorDep
from api.bodies import read_json
from api.conditional import JSON, require_json
from api.cursor import Cursor, invalid_cursor
from api.deps import LimiterDep, PrimaryDep, WriterDep
from api.errors import ProblemCode
from api.listing import CURSOR, LIMIT
from api.openapi import KEY, NO_PARAMETERS, OF_LISTS, describe_plain, describe_queried
from api.params import Param, Schema, Values, text_of
from api.proposalschemas import Proposal as ProposalAnswer
from api.proposalschemas import ProposalCounts, ProposalDiff, ProposalTally, ResourceProposals
from api.routes.editing import CuratorWriterDep
from api.schemas import ListMeta, ProposalList
from api.writecontract import describe_proposal_write
from api.writing import ALLOW_DUPLICATE, CREATE_SCHEMA, DRY_RUN, REASON, Writer, answer_write
from db import proposals
from db.access import Caller
from db.enums import ProposalState, Resource, Role
from db.proposals import Wanted
from db.queries.conditions import Snapshot
from db.queries.pages import read_state

PRIVATE = {"Cache-Control": "private, no-store", "Vary": "Accept, Authorization"}
STATE = Param(name="state", type=ProposalState, description="How far it has come.", example="open", many=True)
RESOURCE = Param(
    name="resource", type=Resource, description="The kind of record.", example="exchange", many=True
)
MINE = Param(
    name="mine",
    type=bool,
    description="Whether it was made with the key that the request carries.",
    example=True,
)
CONFLICTING = Param(
    name="conflicting",
    type=bool,
    description="Whether it is open and its record has changed since it was made.",
    example=False,
)
FILTERS = (STATE, RESOURCE, MINE, CONFLICTING)
LIST_SCHEMA = Schema.of(*FILTERS, LIMIT, CURSOR)
PROPOSE_SCHEMA = Schema.of(DRY_RUN, ALLOW_DUPLICATE)
REJECT_SCHEMA = Schema.of(REASON)

ProposalId = Annotated[str, Path(description="The id of the proposal.")]

router = APIRouter(tags=["proposals"])


async def _contributor(caller: ContributorDep, engine: WriterDep, limiter: LimiterDep) -> Writer:
    return Writer(engine, limiter, caller)


ContributorWriterDep = Annotated[Writer, Depends(_contributor)]


def _described(
    model: type[BaseModel],
    schema: Schema,
    *codes: ProblemCode,
    security: list[dict[str, list[str]]],
) -> dict[str, Any]:
    """Give what the decorator of a read needs: nobody may keep a copy, so that none can still hold."""
    described = describe_queried(model, schema, *codes)
    described["responses"].pop(304, None)
    described["openapi_extra"]["security"] = security
    return described


WITH_KEY: list[dict[str, list[str]]] = [{KEY: []}]
WITH_OR_WITHOUT: list[dict[str, list[str]]] = [{KEY: []}, {}]


@router.post(
    "/proposals",
    operation_id="create_proposal",
    **describe_proposal_write(PROPOSE_SCHEMA, 201, body=True, conditional=False),
)
async def create(request: Request, writer: ContributorWriterDep) -> Response:
    """Propose a write: a new record, a change of one, or that one is deleted.

    It is tried out as the write that it stands for, and refused if that would be. A change or a deletion
    names the revision of the record that it is made on, which must be the one that stands. With
    `dry_run=true` it is only tried out.
    """
    body = await read_json(request)
    work = proposing.creation(body)
    return await answer_write(request, writer, PROPOSE_SCHEMA, work, body, needs_reason=False)


@router.get(
    "/proposals",
    operation_id="list_proposals",
    **_described(ProposalList, LIST_SCHEMA, *OF_LISTS, ProblemCode.FORBIDDEN, security=WITH_KEY),
)
async def list_proposals(request: Request, caller: ContributorDep, reader: PrimaryDep) -> Response:
    """List proposals, the newest first: curators see all, contributors those of their own key."""
    require_json(request)
    path: str = request.scope["path"]
    values: Values = LIST_SCHEMA.parse(request.scope["query_string"])
    limit = int(text_of(values, "limit") or DEFAULT_LIMIT)
    query, before, text = _shown(values), None, text_of(values, "cursor")
    async with reader.connection() as connection:
        vocabulary = await reader.vocabulary(connection)
        if text is not None:
            cursor = Cursor.decode(text, vocabulary.cursor_secret, vocabulary.epoch)
            if cursor.path != path or (query and query != cursor.query):
                raise invalid_cursor("the cursor belongs to another list, or to other filters")
            query, before = dict(cursor.query), int(cursor.key)
        total, found = await proposals.read_page(connection, _wanted(query, caller), before, limit + 1)
        state = await read_state(connection, Snapshot())
    following = None
    if len(found) > limit:
        last = found[limit - 1]
        following = Cursor(
            path=path,
            query=query,
            search=None,
            sort="-number",
            revision=state.revision,
            total=total,
            key=last.number,
            id=last.id,
        ).encode(vocabulary.cursor_secret, vocabulary.epoch)
    meta = ListMeta(
        total=total,
        limit=limit,
        next=following and page_path(path, following, limit),
        next_cursor=following,
        query=query,
        notes=[],
        dataset=dataset_state(state, Snapshot()),
    )
    page = ProposalList(data=[proposalviews.told(each) for each in found[:limit]], meta=meta)
    links = {} if meta.next is None else {"Link": f'<{meta.next}>; rel="next"'}
    return _private(page, links)


@router.get("/proposal-counts", operation_id="get_proposal_counts", **describe_plain(ProposalCounts))
async def get_counts(request: Request, reader: PrimaryDep) -> Response:
    """Tell how many proposals there are in each state, and about records of which kind; no key is needed."""
    require_json(request)
    NO_PARAMETERS.parse(request.scope["query_string"])
    async with reader.connection() as connection:
        counted = await proposals.count(connection)
    by_resource = {
        resource: {state.value: counted.get((resource, state), 0) for state in ProposalState}
        for resource in Resource
    }
    whole = {
        state.value: sum(counts[state.value] for counts in by_resource.values()) for state in ProposalState
    }
    counts = ProposalCounts(
        counts=ProposalTally(**whole),
        resources=[
            ResourceProposals(resource=resource, counts=ProposalTally(**of_resource))
            for resource, of_resource in by_resource.items()
        ],
    )
    return _private(counts)


@router.get(
    "/proposals/{proposal_id}",
    operation_id="get_proposal",
    **_described(ProposalAnswer, NO_PARAMETERS, ProblemCode.NOT_FOUND, security=WITH_OR_WITHOUT),
)
async def get_proposal(
    request: Request, caller: CallerDep, reader: PrimaryDep, proposal_id: ProposalId
) -> Response:
    """Read a proposal: your own, any as a curator, and without a key one that was accepted."""
    require_json(request)
    NO_PARAMETERS.parse(request.scope["query_string"])
    async with reader.connection() as connection:
        proposal = await proposalviews.seen_by(connection, proposal_id, caller)
    return _private(proposalviews.told(proposal), {"ETag": proposalviews.etag_of(proposal)})


@router.get(
    "/proposals/{proposal_id}/diff",
    operation_id="get_proposal_diff",
    **_described(
        ProposalDiff, NO_PARAMETERS, ProblemCode.NOT_FOUND, ProblemCode.GONE, security=WITH_OR_WITHOUT
    ),
)
async def get_diff(
    request: Request, caller: CallerDep, reader: PrimaryDep, proposal_id: ProposalId
) -> Response:
    """Tell what a proposal changes of the record as it stands; of an accepted one, what it has changed.

    Only what curators write is compared. What is derived from it, accepting with `dry_run=true` tells.
    """
    require_json(request)
    NO_PARAMETERS.parse(request.scope["query_string"])
    async with reader.connection() as connection:
        proposal = await proposalviews.seen_by(connection, proposal_id, caller)
        diff = await proposalviews.difference(connection, proposal)
    return _private(diff)


@router.put(
    "/proposals/{proposal_id}",
    operation_id="replace_proposal",
    **describe_proposal_write(PROPOSE_SCHEMA, 200, body=True),
)
async def replace(request: Request, writer: ContributorWriterDep, proposal_id: ProposalId) -> Response:
    """Edit your own open proposal, or rebase it: put it whole, on the revision that the record has now.

    Action, resource and record stay as they are. It is tried out again.
    """
    body = await read_json(request)
    work = proposing.edition(request, proposal_id, body)
    return await answer_write(request, writer, PROPOSE_SCHEMA, work, body, needs_reason=False)


@router.post(
    "/proposals/{proposal_id}/withdraw",
    operation_id="withdraw_proposal",
    **describe_proposal_write(NO_PARAMETERS, 200, conditional=False),
)
async def withdraw(request: Request, writer: ContributorWriterDep, proposal_id: ProposalId) -> Response:
    """Take back your own open proposal, for good."""
    work = proposing.withdrawal(proposal_id)
    return await answer_write(request, writer, NO_PARAMETERS, work, needs_reason=False)


@router.post(
    "/proposals/{proposal_id}/accept",
    operation_id="accept_proposal",
    **describe_proposal_write(CREATE_SCHEMA, 200),
)
async def accept(request: Request, writer: CuratorWriterDep, proposal_id: ProposalId) -> Response:
    """Write what an open proposal proposes, your own included; the history of the record names it.

    `If-Match` names the version of the proposal that you have seen. Without a `reason` of yours, its comment
    becomes that of the write, for good. One that conflicts is refused until it is rebased.
    """
    work = proposing.acceptance(request, proposal_id)
    return await answer_write(request, writer, CREATE_SCHEMA, work, needs_reason=False)


@router.post(
    "/proposals/{proposal_id}/reject",
    operation_id="reject_proposal",
    **describe_proposal_write(REJECT_SCHEMA, 200),
)
async def reject(request: Request, writer: CuratorWriterDep, proposal_id: ProposalId) -> Response:
    """Reject an open proposal for a reason, which its proposer sees; it stays rejected."""
    work = proposing.rejection(request, proposal_id)
    return await answer_write(request, writer, REJECT_SCHEMA, work)


def _shown(values: Values) -> dict[str, list[str]]:
    """Give the filters of a query as texts, in the order in which they are declared."""
    return {
        param.name: [str(value).lower() for value in values[param.name]]
        for param in FILTERS
        if param.name in values
    }


def _wanted(query: Mapping[str, list[str]], caller: Caller) -> Wanted:
    """Give what a query asks for, of what the caller may see."""
    mine, conflicting = query.get("mine"), query.get("conflicting")
    return Wanted(
        states=[ProposalState(text) for text in query.get("state", ())],
        resources=[Resource(text) for text in query.get("resource", ())],
        conflicting=None if conflicting is None else conflicting == ["true"],
        by=caller.key_id if mine == ["true"] or caller.role.rank < Role.CURATOR.rank else None,
        not_by=caller.key_id if mine == ["false"] else None,
    )


def _private(answer: BaseModel, headers: Mapping[str, str] | None = None) -> Response:
    """Answer so that nothing on the way keeps it."""
    return Response(answer.model_dump_json(), media_type=JSON, headers={**PRIVATE, **(headers or {})})
