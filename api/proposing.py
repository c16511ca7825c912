"""What each request about a proposal does: to make it, edit it, withdraw it, accept it, reject it.

Each is a `Work` for `api/writing.py`. What is proposed is tried as the write that it stands for, dry, before
it is kept. Who sees a proposal, and how, is in `api/proposalviews.py`; states and statements are
`db/proposals.py`'s.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from api import editing
from api.bodies import as_input, invalid_body
from api.conditional import require_match
from api.errors import ApiError, ProblemCode, ProblemItem
from api.proposalschemas import ProposalInput
from api.proposalviews import PATH, etag_of, seen_by, told
from api.writing import Asked, Done, Work, conflict, told_refusals
from db import amending, proposals
from db.drafts import Body, patched
from db.enums import ProposalAction, ProposalState
from db.proposals import Act, Proposal, Proposed
from db.rendering import INPUT_OF
from db.storing import Current
from db.writes import Write, writing

CONTENT = "/content"
NEEDED: Mapping[ProposalAction, frozenset[str]] = {
    ProposalAction.CREATE: frozenset({"content"}),
    ProposalAction.UPDATE: frozenset({"record_id", "base_revision", "content"}),
    ProposalAction.DELETE: frozenset({"record_id", "base_revision"}),
}
FIXED = ("action", "resource", "record_id")  # what another proposal is made for


def creation(body: Body) -> Work:
    """Make the work that keeps a new proposal."""

    async def work(write: Write, asked: Asked) -> Done:
        proposed = await _tried(write, asked, _proposed(body))
        if asked.dry_run:
            return Done(202, "", {})
        number = await proposals.add(write.connection, proposed, asked.caller, write.ledger.at)
        done = await _as_it_is(write, number)
        return Done(201, done.body, {**done.headers, "Location": f"{PATH}/{proposals.id_of(number)}"})

    return work


def edition(request: Request, proposal_id: str, body: Body) -> Work:
    """Make the work that puts another content, base, page or comment into an open proposal."""

    async def work(write: Write, asked: Asked) -> Done:
        proposal = await _own(write, asked, proposal_id, Act.EDIT)
        require_match(request.headers, proposal.version, "proposal")
        proposed = _proposed(body)
        changed = [name for name in FIXED if getattr(proposed, name) != getattr(proposal, name)]
        if changed:
            message = "cannot be changed: withdraw the proposal, and make another"
            raise invalid_body(
                [ProblemItem(pointer=f"/{name}", code="read_only", message=message) for name in changed]
            )
        kept = await _tried(write, asked, proposed)
        if not asked.dry_run:
            await proposals.edit(write.connection, proposal.number, kept)
        return await _as_it_is(write, proposal.number)

    return work


def withdrawal(proposal_id: str) -> Work:
    """Make the work by which whoever made a proposal takes it back."""

    async def work(write: Write, asked: Asked) -> Done:
        proposal = await _own(write, asked, proposal_id, Act.WITHDRAW)
        state = _moved(proposal, Act.WITHDRAW)
        by, at = asked.caller.label, write.ledger.at
        await proposals.decide(write.connection, proposal.number, state, by=by, at=at)
        return await _as_it_is(write, proposal.number)

    return work


def rejection(request: Request, proposal_id: str) -> Work:
    """Make the work that rejects a proposal, for the reason that the request gives."""

    async def work(write: Write, asked: Asked) -> Done:
        proposal = await _seen(write, asked, proposal_id)
        state = _moved(proposal, Act.REJECT)
        require_match(request.headers, proposal.version, "proposal")
        by, at = asked.caller.label, write.ledger.at
        await proposals.decide(
            write.connection, proposal.number, state, by=by, at=at, decision_reason=asked.reason
        )
        return await _as_it_is(write, proposal.number)

    return work


def acceptance(request: Request, proposal_id: str) -> Work:
    """Make the work that writes what a proposal proposes, in one transaction with its new state."""

    async def work(write: Write, asked: Asked) -> Done:
        proposal = await _seen(write, asked, proposal_id)
        state = _moved(proposal, Act.ACCEPT)
        require_match(request.headers, proposal.version, "proposal")
        stands = await _base_of(write.connection, proposal)
        write.ledger.reason = f"proposal {proposal.id}: {asked.reason or proposal.comment}"
        async with _told_as_conflict(), _told_of_content(), told_refusals():
            record_id = await _carry_out(write, asked, proposal, stands)
            _refuse_unless_changed(write)
        if not asked.dry_run:
            await proposals.decide(
                write.connection,
                proposal.number,
                state,
                by=asked.caller.label,
                at=write.ledger.at,
                record_id=record_id,
                decision_reason=asked.reason or None,
                dataset_revision=write.outcome().revision,
            )
        return await _as_it_is(write, proposal.number)

    return work


def _proposed(body: Body) -> Proposed:
    """Give what a body proposes.

    Raises:
        ApiError: invalid_body, with everything that is wrong, or is not for this action.
    """
    sent = as_input(ProposalInput, body)
    items = []
    for name in ("record_id", "base_revision", "content"):
        given, needed = getattr(sent, name) is not None, name in NEEDED[sent.action]
        if needed and not given:
            message = f"is missing: what is to {sent.action} needs it"
            items.append(ProblemItem(pointer=f"/{name}", code="missing", message=message))
        elif given and not needed:
            message = f"must be null or left out where the action is {sent.action}"
            items.append(ProblemItem(pointer=f"/{name}", code="invalid_value", message=message))
    if items:
        raise invalid_body(items)
    return Proposed(
        sent.action,
        sent.resource,
        sent.record_id,
        sent.base_revision,
        None if sent.content is None else dict(sent.content),
        sent.source_url,
        sent.comment,
    )


async def _tried(write: Write, asked: Asked, proposed: Proposed) -> Proposed:
    """Run what is proposed dry, so that what could not be accepted as things stand is refused at once.

    It is given as it is to be kept: without what the service derives, which was sent as it was read, and
    may be derived otherwise by the time that somebody decides.
    """
    stands = None
    if proposed.record_id is not None:
        stands = await _named_base(write.connection, proposed, proposed.record_id)
    async with _told_of_content(), told_refusals(), writing(write.connection, "", dry_run=True) as trial:
        await _carry_out(trial, asked, proposed, stands)
        _refuse_unless_changed(trial)
    if asked.dry_run:
        write.note(trial.changes)
    if proposed.content is None:
        return proposed
    fields = INPUT_OF[proposed.resource].model_fields
    content = {name: value for name, value in proposed.content.items() if name in fields}
    return replace(proposed, content=content)


async def _named_base(connection: AsyncConnection, proposed: Proposed, record_id: str) -> Current:
    """Give the record that something is proposed of; it must have the revision that the body names."""
    stands = await proposals.read_base(connection, proposed)
    if stands is None:
        code, message = f"unknown_{proposed.resource}", f"there is no {proposed.resource} {record_id!r}"
        raise invalid_body([ProblemItem(pointer="/record_id", code=code, message=message)])
    if stands.number != proposed.base_revision:
        detail = (
            f"The {proposed.resource} {record_id!r} has revision {stands.number}, not the base_revision "
            f"{proposed.base_revision}: read it again, and propose what is to change of that."
        )
        raise conflict(detail, [(proposed.resource, record_id)], "It has another revision.")
    return stands


async def _base_of(connection: AsyncConnection, proposal: Proposal) -> Current | None:
    """Give the record that a proposal is made on, None where it creates one; it must not conflict."""
    stands = await proposals.read_base(connection, proposal)
    number = None if stands is None else stands.number
    if not proposal.conflicting and number == proposal.base_revision:
        return stands
    record_id = proposal.record_id or str((proposal.content or {})["id"])
    detail = f"The proposal {proposal.id} is made on revision {proposal.base_revision}"
    if proposal.action is ProposalAction.CREATE:
        detail = f"The proposal {proposal.id} creates a record"
    detail += (
        f", and {proposal.resource} {record_id!r} has revision {proposal.newest} now: its proposer must "
        "rebase it."
    )
    raise conflict(detail, [(proposal.resource, record_id)], "It was written since.")


async def _carry_out(write: Write, asked: Asked, proposed: Proposed, stands: Current | None) -> str:
    """Write what is proposed of a record that stands, or of a new one, and give its id."""
    content = dict(proposed.content or {})
    if stands is None:
        done = await editing.creation(proposed.resource, content)(write, asked)
        return str(json.loads(done.body)["id"])
    record_id = str(proposed.record_id)
    if proposed.action is ProposalAction.DELETE:
        await amending.remove(write, proposed.resource, record_id)
    else:
        editing.check_id(content, record_id)
        served = json.loads(stands.body)
        body = patched(proposed.resource, served, content)
        await editing.store(write, proposed.resource, body, stands, served)
    return record_id


def _refuse_unless_changed(write: Write) -> None:
    if not write.changes:
        message = "changes nothing of what stands"
        raise invalid_body([ProblemItem(pointer="", code="no_change", message=message)])


async def _seen(write: Write, asked: Asked, proposal_id: str) -> Proposal:
    return await seen_by(write.connection, proposal_id, asked.caller, lock=not asked.dry_run)


async def _own(write: Write, asked: Asked, proposal_id: str, act: Act) -> Proposal:
    """Give a proposal that the caller has made."""
    proposal = await _seen(write, asked, proposal_id)
    if proposal.key_id != asked.caller.key_id:
        detail = f"Only the key that made the proposal {proposal.id} may have it {act}."
        raise ApiError(ProblemCode.FORBIDDEN, detail)
    _moved(proposal, act)
    return proposal


def _moved(proposal: Proposal, act: Act) -> ProposalState:
    try:
        return proposals.moved(proposal, act)
    except proposals.MoveError as error:
        raise ApiError(ProblemCode.CONFLICT, str(error)) from error


async def _as_it_is(write: Write, number: int) -> Done:
    proposal = await proposals.read(write.connection, number)
    assert proposal is not None  # noqa: S101  (proposals are never deleted)
    return Done(200, told(proposal).model_dump_json(), {"ETag": etag_of(proposal)})


@asynccontextmanager
async def _told_of_content() -> AsyncIterator[None]:
    """Make the pointers of a problem begin where the record stands in the body of a proposal."""
    try:
        yield
    except ApiError as error:
        if error.code is ProblemCode.INVALID_BODY and error.errors:
            separator = "" if error.errors[0].pointer else ": "
            error.detail = f"{CONTENT}{separator}{error.detail}"
        error.errors = [
            item.model_copy(update={"pointer": CONTENT + (item.pointer or "")}) for item in error.errors
        ]
        raise


@asynccontextmanager
async def _told_as_conflict() -> AsyncIterator[None]:
    """Tell what is wrong with a content as a conflict: it was right when it was proposed."""
    try:
        yield
    except ApiError as error:
        if error.code is not ProblemCode.INVALID_BODY:
            raise
        detail = f"As things stand now, the proposal cannot be written: {error.detail}"
        raise ApiError(ProblemCode.CONFLICT, detail, error.errors) from error
