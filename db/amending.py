"""What a write does to one record besides putting it: remove, restore, revert, merge.

Each is part of a `Write` (`db/writes.py`), and a revision like any other. A merge makes several: everything
that refers to the record that goes is turned to the one that stays.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from db import storing
from db.checks import Referrer, WriteError, WriteItem, check
from db.enums import Action, Resource
from db.folding import fold
from db.inputs import ActorInput, PublisherInput
from db.merges import read_merged
from db.naming import Numbers, read_numbers
from db.normalising import folded_names
from db.queries.revisions import Entry, read_revisions
from db.references import referrers, turned
from db.rendering import INPUT_OF, Input
from db.storing import Change, Current, read_current
from db.wording import field_path, reason, revisions_to
from db.writes import Write, stored_input, written_again

# Fields whose values the record that stays takes over from the one that goes.
_UNITED: Mapping[Resource, tuple[str, ...]] = {
    Resource.EXCHANGE: ("citations", "claims", "mediations"),
    Resource.AGREEMENT: ("citations", "terms", "mediations"),
    Resource.TOTAL: ("citations",),
}


NAMED = (ActorInput, PublisherInput)


class AmendError(Exception):
    """A record is not in the state that an amendment needs; `referrers` are those that stand against it."""

    def __init__(self, message: str, standing: Sequence[Referrer] = ()) -> None:
        super().__init__(message)
        self.referrers = tuple(standing)


class UnknownRevisionError(AmendError):
    """The record has no such revision, or its body was blanked."""


async def remove(write: Write, resource: Resource, record_id: str) -> None:
    """Take a current record out of the dataset; its history stays.

    Raises:
        AmendError: other records refer to it.
    """
    standing = await referrers(write.connection, resource, record_id)
    if standing:
        raise AmendError(f"other records refer to {resource} {record_id!r}", standing)
    stands = (await read_current(write.connection, resource, [record_id]))[record_id]
    await _take_out(write, resource, record_id, stands, Action.DELETED)


async def restore(write: Write, resource: Resource, record_id: str) -> None:
    """Bring a deleted record back as it last stood.

    Raises:
        AmendError: it stands, was never there, was merged into another, or was blanked.
        WriteError: what it refers to is gone, or its names are taken.
    """
    entries = await read_revisions(write.connection, resource, record_id)
    if not entries:
        raise UnknownRevisionError(f"there never was {resource} {record_id!r}")
    last = [entry for entry in entries if entry.action != Action.REDACTED][-1]
    if last.action == Action.MERGED:
        raise AmendError(f"{resource} {record_id!r} was merged into another record, and stays there")
    if last.action != Action.DELETED:
        raise AmendError(f"{resource} {record_id!r} is not deleted")
    if last.body is None:
        raise AmendError(f"{resource} {record_id!r} cannot come back: what it last said was blanked")
    item = await _as_it_stood(write, resource, last)
    await write.put([item], gone={record_id: Current(entries[-1].number, last.body)})


async def revert(write: Write, resource: Resource, record_id: str, number: int) -> None:
    """Put a current record as one of its revisions had it; references to merged records are turned.

    Raises:
        UnknownRevisionError: there is no such revision.
        WriteError: it would not stand today.
    """
    entries = await read_revisions(write.connection, resource, record_id)
    chosen = next((entry for entry in entries if entry.number == number), None)
    if chosen is None:
        raise UnknownRevisionError(f"the record has {revisions_to(len(entries))}")
    await write.put([await _as_it_stood(write, resource, chosen)])


async def merge(write: Write, resource: Resource, record_id: str, into: str) -> None:
    """Make a current record part of another, which takes over what it says; what refers to it is turned.

    Raises:
        AmendError: a record would contradict itself.
        WriteError: the records as turned would not stand.
    """
    found = await read_current(write.connection, resource, [record_id, into])
    leaving, staying = (stored_input(resource, found[id_].body) for id_ in (record_id, into))
    turns = {resource: {record_id: into}}
    gone = {(resource, record_id)}
    try:
        numbers = await read_numbers(write.connection, resource, into)
        inputs = [turned(_united(resource, staying, leaving, numbers), turns)]
        for referring, owner in await referrers(write.connection, resource, record_id):
            if (referring, owner) != (resource, into):
                stands = await read_current(write.connection, referring, [owner])
                inputs.append(turned(stored_input(referring, stands[owner].body), turns))
    except ValidationError as error:
        raise AmendError(f"a record would contradict itself: {_first(error)}") from error
    await check(write.connection, inputs, removed=gone)
    await _take_out(write, resource, record_id, found[record_id], Action.MERGED)
    await storing.note_merged(write.ledger, resource, record_id, into)
    await write.put(inputs, removed=gone)


async def _take_out(
    write: Write, resource: Resource, record_id: str, stands: Current, action: Action
) -> None:
    last = written_again(resource, stands, write.ledger.at)
    change = Change(resource, record_id, action, last.revision, stands.body, last.model_dump_json())
    await storing.store(write.ledger, resource, [change])
    write.note([change])


async def _as_it_stood(write: Write, resource: Resource, entry: Entry) -> Input:
    """Give a revision as an input that refers to nothing that was merged since."""
    item = stored_input(resource, _body_of(entry))
    try:
        return turned(item, await read_merged(write.connection))
    except ValidationError as error:
        message = f"after the merges since, it would contradict itself: {_first(error)}"
        raise WriteError([WriteItem(resource, entry.id, "", "invalid", message)]) from error


def _body_of(entry: Entry) -> str:
    if entry.body is None:
        raise UnknownRevisionError(f"revision {entry.number} was blanked")
    return entry.body


def _united(resource: Resource, staying: Input, leaving: Input, numbers: Numbers) -> Input:
    """Give the record that stays with what it takes over: citations, parts under new numbers, names."""
    stays, goes = (json.loads(item.model_dump_json()) for item in (staying, leaving))
    for field in _UNITED.get(resource, ()):
        if field == "citations":
            stays[field] = list(dict.fromkeys([*stays[field], *goes[field]]))
        else:
            stays[field] = _united_parts(stays[field], goes[field], field, numbers)
    if isinstance(staying, NAMED) and isinstance(leaving, NAMED):
        known = folded_names(staying)
        for name in (leaving.name, *leaving.names()):  # the name as it is written comes before the id
            if fold(name) not in known:
                known.add(fold(name))
                stays["aliases"].append(name)
    return INPUT_OF[resource].model_validate_json(json.dumps(stays))


def _united_parts(
    staying: list[dict[str, Any]], leaving: list[dict[str, Any]], field: str, numbers: Numbers
) -> list[dict[str, Any]]:
    """Add parts; one that says the same only lends its citations."""
    united = [dict(part) for part in staying]
    for part in leaving:
        same = next((each for each in united if _said(each) == _said(part)), None)
        if same is None:
            united.append(part | {"id": numbers.next(field)})
        else:
            same["citations"] = list(dict.fromkeys([*same["citations"], *part["citations"]]))
    return united


def _said(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name not in {"id", "citations"}}


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    where = field_path(fault["loc"])
    return f"{where}: {reason(fault)}" if where else reason(fault)
