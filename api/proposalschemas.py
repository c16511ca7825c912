"""Proposals as they are sent and answered.

Records that they speak of are `db/inputs.py`'s and `db/records.py`'s; the list is in `api/schemas.py`.
"""

import datetime as dt
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from db.enums import ProposalAction, ProposalState, Resource
from db.fields import INT4_MAX, Model, RecordId, Text, Url, described, open_word

RECORD = "2024-12-30-russia-ukraine"
LONGEST_COMMENT = 1000
CHANGE = {"summary": "Each side returned 150 people."}

Action = Annotated[ProposalAction, open_word(ProposalAction)]
Kind = Annotated[Resource, open_word(Resource)]
State = Annotated[ProposalState, open_word(ProposalState)]


class ProposalInput(Model):
    """What somebody proposes to be written, and the page that says so."""

    action: Action = described("What is to be done to the record.", "update")
    resource: Kind = described("The kind of record.", "exchange")
    record_id: RecordId | None = described(
        "The record to change or delete; null, or left out, where one is created.", RECORD, default=None
    )
    base_revision: Annotated[int, Field(ge=1, le=INT4_MAX)] | None = described(
        "The revision of the record that the proposal is made on; null, or left out, where one is created.",
        1,
        default=None,
    )
    content: dict[str, JsonValue] | None = described(
        "The whole record to create, or what changes of a record, as a JSON Merge Patch; null, or left out, "
        "where one is deleted. Claims and mediations of an exchange are patched as whole lists here.",
        CHANGE,
        default=None,
    )
    source_url: Url = described(
        "The page that says so; it is cited only if the content cites it too.", "https://example.org/page"
    )
    comment: Annotated[Text, StringConstraints(max_length=LONGEST_COMMENT)] = described(
        "Why, for the curators; it becomes public if the proposal is accepted, and stays in the history of "
        "the record for good unless the curator gives another reason.",
        "The page gives another count.",
    )


class ProposalLinks(Model):
    """Where a proposal and what it speaks of are found."""

    self: str = described("Path of the proposal.", "/v1/proposals/p-000001")
    diff: str = described("Path of what it changes.", "/v1/proposals/p-000001/diff")
    record: str | None = described("Path of the record; null until it is made.", f"/v1/exchanges/{RECORD}")
    revision: str | None = described(
        "Path of the revision that accepting it made, or null.", f"/v1/exchanges/{RECORD}/revisions/2"
    )


class Proposal(Model):
    """A write that somebody proposes, and what became of it."""

    id: str = described("The id of the proposal.", "p-000001")
    state: State = described("How far it has come; only an open one still moves.", "accepted")
    conflicting: bool = described(
        "Whether it is open and its record has another revision now than the one that it is made on: then "
        "it cannot be accepted until its proposer has rebased it.",
        example=False,
    )
    action: Action = described("What is to be done to the record.", "update")
    resource: Kind = described("The kind of record.", "exchange")
    record_id: str | None = described("The record; null until it is made.", RECORD)
    base_revision: int | None = described(
        "The revision of the record that it is made on; null where it creates one.", 1
    )
    newest_revision: int | None = described(
        "The newest revision of the record, that of its end included; null where there is none.", 2
    )
    content: dict[str, JsonValue] | None = described(
        "The whole record to create, or what changes, as a JSON Merge Patch; null where it deletes.", CHANGE
    )
    source_url: str = described("The page that says so.", "https://example.org/page")
    comment: str = described("Why.", "The page gives another count.")
    proposed_by: str = described("Public id and name of the key that it came with.", "5d41f0c2a9 (Reader)")
    created_at: dt.datetime = described("When it was made.", "2026-11-24T12:00:00.000000Z")
    decided_at: dt.datetime | None = described(
        "When it was accepted, rejected or withdrawn; null while it is open.", "2026-11-25T12:00:00.000000Z"
    )
    decided_by: str | None = described(
        "Public id and name of the key that did so, or null.", "77aa01b2c3 (Curator)"
    )
    decision_reason: str | None = described(
        "Why it was rejected, or what the curator gave as the reason of the write; null if nothing was.", None
    )
    dataset_revision: int | None = described(
        "The dataset revision that accepting it made; null unless it is accepted.", 4013
    )
    version: int = described("How many times it was written, which is its ETag.", 2)
    links: ProposalLinks = described(
        "Related paths.",
        {
            "self": "/v1/proposals/p-000001",
            "diff": "/v1/proposals/p-000001/diff",
            "record": f"/v1/exchanges/{RECORD}",
            "revision": f"/v1/exchanges/{RECORD}/revisions/2",
        },
    )


class ProposalDiff(Model):
    """What a proposal changes: of the record as it stands, or once it is accepted, what it has changed."""

    id: str = described("The id of the proposal.", "p-000001")
    resource: str = described("The kind of record.", "exchange")
    record_id: str | None = described("The record; null until it is made.", RECORD)
    base_revision: int | None = described("The revision of the record that the proposal is made on.", 1)
    newest_revision: int | None = described("The newest revision of the record, or null.", 1)
    conflicting: bool = described("Whether the two differ, and it must be rebased.", example=False)
    patch: list[dict[str, JsonValue]] = described(
        "The changes as a JSON Patch (RFC 6902) of what curators write of the record; of `{}` where none "
        "stands, and to `{}` where it is deleted.",
        [{"op": "replace", "path": "/summary", "value": "Each side returned 150 people."}],
    )
    sentences: list[str] = described("The changes in words, one each.", ['summary was "a" and is now "b".'])


TALLY = {"open": 3, "accepted": 12, "rejected": 4, "withdrawn": 1}


class ProposalTally(Model):
    """How many proposals there are in each state."""

    open: int = described("Those that wait for a curator.", TALLY["open"])
    accepted: int = described("Those that were written.", TALLY["accepted"])
    rejected: int = described("Those that a curator rejected.", TALLY["rejected"])
    withdrawn: int = described("Those that were taken back.", TALLY["withdrawn"])


class ResourceProposals(Model):
    """How many proposals there are about records of one kind."""

    resource: str = described("The kind of record.", "exchange")
    counts: ProposalTally = described("How many in each state.", TALLY)


class ProposalCounts(Model):
    """How many proposals there are."""

    counts: ProposalTally = described("How many in each state, about all records.", TALLY)
    resources: list[ResourceProposals] = described("How many about records of each kind.", [])
