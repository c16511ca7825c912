"""Who may see a proposal, and how it is shown: as it stands, and as what it changes.

What is done to proposals is in `api/proposing.py`.
"""

import json

import jsonpatch
from sqlalchemy.ext.asyncio import AsyncConnection

from api import proposalschemas
from api.editing import path_of
from api.errors import ApiError, ProblemCode
from api.proposalschemas import ProposalDiff, ProposalLinks
from db import proposals
from db.access import Caller
from db.drafts import Body, patched
from db.enums import ProposalAction, ProposalState, Role
from db.load import in_words
from db.proposals import Proposal
from db.queries.revisions import read_revisions
from db.rendering import written

PATH = "/v1/proposals"


async def seen_by(
    connection: AsyncConnection, proposal_id: str, caller: Caller | None, *, lock: bool = False
) -> Proposal:
    """Give a proposal that a caller may see: their own, any if a curator, and those that were accepted.

    Raises:
        ApiError: not_found, in the same words whether there is such a proposal or not.
    """
    number = proposals.number_of(proposal_id)
    found = None if number is None else await proposals.read(connection, number, lock=lock)
    if found is not None:
        if found.state is ProposalState.ACCEPTED:
            return found
        if caller is not None and (caller.role.rank >= Role.CURATOR.rank or caller.key_id == found.key_id):
            return found
    detail = f"There is no proposal {proposal_id!r}, or only its proposer and curators may see it."
    raise ApiError(ProblemCode.NOT_FOUND, detail)


def told(proposal: Proposal) -> proposalschemas.Proposal:
    """Give a proposal as it is served."""
    path = f"{PATH}/{proposal.id}"
    record = None
    if proposal.record_id is not None:
        record = path_of(proposal.resource, proposal.record_id)
    return proposalschemas.Proposal(
        id=proposal.id,
        state=proposal.state,
        conflicting=proposal.conflicting,
        action=proposal.action,
        resource=proposal.resource,
        record_id=proposal.record_id,
        base_revision=proposal.base_revision,
        newest_revision=proposal.newest,
        content=proposal.content,
        source_url=proposal.source_url,
        comment=proposal.comment,
        proposed_by=proposal.proposed_by,
        created_at=proposal.created_at,
        decided_at=proposal.decided_at,
        decided_by=proposal.decided_by,
        decision_reason=proposal.decision_reason,
        dataset_revision=proposal.dataset_revision,
        version=proposal.version,
        links=ProposalLinks(
            self=path,
            diff=f"{path}/diff",
            record=record,
            revision=None if proposal.made is None else f"{record}/revisions/{proposal.made}",
        ),
    )


async def difference(connection: AsyncConnection, proposal: Proposal) -> ProposalDiff:
    """Tell what a proposal changes of the record as it stands; of an accepted one, what it has changed."""
    if proposal.state is ProposalState.ACCEPTED:
        old, new = await _what_it_changed(connection, proposal)
    else:
        stands = await proposals.read_base(connection, proposal)
        old = {} if stands is None else written(proposal.resource, stands.body)
        new = _as_proposed(proposal, old)
    return ProposalDiff(
        id=proposal.id,
        resource=proposal.resource,
        record_id=proposal.record_id,
        base_revision=proposal.base_revision,
        newest_revision=proposal.newest,
        conflicting=proposal.conflicting,
        patch=list(jsonpatch.make_patch(old, new)),
        sentences=in_words(proposal.resource, json.dumps(old), json.dumps(new)),
    )


def etag_of(proposal: Proposal) -> str:
    """Give the ETag of a proposal."""
    return f'"{proposal.version}"'


def _as_proposed(proposal: Proposal, old: Body) -> Body:
    """Give what curators write of a record as a proposal has it; a patch of what is gone has nothing else."""
    content = proposal.content or {}
    match proposal.action:
        case ProposalAction.CREATE:
            return content
        case ProposalAction.UPDATE:
            return patched(proposal.resource, old, content) if old else content
        case ProposalAction.DELETE:
            return {}


async def _what_it_changed(connection: AsyncConnection, proposal: Proposal) -> tuple[Body, Body]:
    entries = await read_revisions(connection, proposal.resource, proposal.record_id or "")
    entry = next(each for each in entries if each.number == proposal.made)
    if entry.body is None or (entry.before is None and proposal.action is not ProposalAction.CREATE):
        detail = f"What the proposal {proposal.id} changed was blanked."
        raise ApiError(ProblemCode.GONE, detail)
    old = {} if entry.before is None else written(proposal.resource, entry.before)
    if proposal.action is ProposalAction.DELETE:
        return old, {}
    return old, written(proposal.resource, entry.body)
