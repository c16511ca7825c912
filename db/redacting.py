"""Blanking what names a private person: bodies of past revisions, and every copy of what they say.

Part of a `Write` (`db/writes.py`), and an entry in the history of each record that it touches. What stands is
never blanked: a curator first writes it without the name. Reasons, ids and names of keys cannot be blanked.
"""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    RowMapping,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from db import citing, kept, proposals, storing
from db.amending import AmendError, UnknownRevisionError
from db.checks import Referrer
from db.enums import Action, Resource
from db.indexing import RECORD_TABLE, part_tables
from db.models.history import Blanked, Revision
from db.normalising import Row, table
from db.rendering import written
from db.rows import copy
from db.storing import Change, Current, read_current
from db.wording import revisions_to
from db.writes import Write, stored_input, written_again

# Fields, at any depth, in which a curator writes freely; all others hold ids, numbers and chosen words.
FREE = frozenset(
    {"name", "aliases", "title", "summary", "note", "place", "statement", "url", "archive_url", "wikidata"}
)
SHOWING = (Resource.EXCHANGE, Resource.AGREEMENT, Resource.TOTAL)  # their bodies show articles

_PART = re.compile(r'"([a-z0-9-]+:[cmt][0-9]+)"')

Span = tuple[int, int]  # dataset revisions, up to before the second


@dataclass(frozen=True)
class Held:
    """A stored revision; `body` is null where it is blanked already, `newest` if no other came after it."""

    resource: Resource
    id: str
    number: int
    dataset_revision: int
    position: int
    body: str | None
    newest: bool

    @property
    def record(self) -> Referrer:
        """The record that it is a revision of."""
        return self.resource, self.id


@dataclass(frozen=True)
class Redaction:
    """What was blanked, or in a dry run would be; and how many kept answers were dropped, proposals blanked,
    citations of queries dropped.

    `alike`: what else holds a text of it. It is left: only a person can tell whether that names somebody.
    """

    blanked: tuple[Held, ...]
    alike: tuple[Held, ...]
    answers: int
    proposals: int
    citations: int


async def redact(write: Write, resource: Resource, record_id: str, numbers: Collection[int]) -> Redaction:
    """Blank past revisions of a record, with all revisions that say the same or show what they say.

    Raises:
        UnknownRevisionError: the record has no such revision, or its body is blanked already.
        AmendError: what a revision says still stands.
    """
    connection = write.connection
    history = await _held(connection, Revision.resource == resource, Revision.record_id == record_id)
    chosen = [written(resource, body) for body in _chosen(resource, record_id, history, numbers)]
    stands = (await read_current(connection, resource, [record_id])).get(record_id)
    now = {} if stands is None else written(resource, stands.body)
    if now in chosen:
        raise AmendError(
            f"{resource} {record_id!r} still says what a curator wrote in that revision: write it without "
            "the name first (a name in an article that it shows is blanked with the article)"
        )
    said = set(_texts(chosen)) - set(_texts(now))
    blanked = [each for each in history if each.body and written(resource, each.body) in chosen]
    if resource is Resource.ARTICLE:
        blanked += await _showing(connection, record_id, said)
    alike = await _holding(connection, said)
    for _, revisions in groupby(blanked, key=lambda each: each.record):
        await _blank(write, list(revisions))
    answers = proposed = cited = 0
    if not write.ledger.dry:
        answers = await kept.forget(connection, [each.body or "" for each in blanked], said)
        proposed = await proposals.forget(connection, said)
        cited = await citing.forget(connection, said)
    left = tuple(each for each in alike if each not in blanked)
    return Redaction(tuple(blanked), left, answers, proposed, cited)


def _chosen(
    resource: Resource, record_id: str, history: Sequence[Held], numbers: Collection[int]
) -> Iterator[str]:
    """Give the bodies of the revisions that are asked for."""
    if not history:
        raise UnknownRevisionError(f"there never was {resource} {record_id!r}")
    by_number = {each.number: each for each in history}
    for number in sorted(numbers):
        if number not in by_number:
            raise UnknownRevisionError(
                f"{resource} {record_id!r} has {revisions_to(len(history))}, and no revision {number}"
            )
        body = by_number[number].body
        if body is None:
            raise UnknownRevisionError(f"revision {number} of {resource} {record_id!r} has no body any more")
        yield body


async def _held(connection: AsyncConnection, *wanted: ColumnElement[bool]) -> list[Held]:
    later = Revision.__table__.alias("later")
    newest = ~(
        select(later.c.number)
        .where(
            later.c.resource == Revision.resource,
            later.c.record_id == Revision.record_id,
            later.c.number > Revision.number,
        )
        .exists()
    )
    statement = select(
        Revision.resource,
        Revision.record_id,
        Revision.number,
        Revision.dataset_revision,
        Revision.position,
        Revision.body,
        newest,
    )
    ordered = statement.where(*wanted).order_by(Revision.resource, Revision.record_id, Revision.number)
    rows = await connection.execute(ordered)
    return [
        Held(Resource(resource), id_, number, revision, position, body, last)
        for resource, id_, number, revision, position, body, last in rows
    ]


async def _holding(
    connection: AsyncConnection, texts: Collection[str], *wanted: ColumnElement[bool]
) -> list[Held]:
    """Give the revisions whose bodies hold one of the texts as the whole of a value."""
    if not texts:
        return []
    values = [json.dumps(text, ensure_ascii=False) for text in sorted(texts)]
    return await _held(connection, or_(*(func.strpos(Revision.body, value) > 0 for value in values)), *wanted)


async def _showing(connection: AsyncConnection, article: str, texts: Collection[str]) -> list[Held]:
    """Give the revisions of other records that show one of the texts as the article's.

    Raises:
        AmendError: one of them stands.
    """
    candidates = await _holding(connection, texts, Revision.resource.in_(SHOWING))
    found = [each for each in candidates if _shows(each, article, texts)]
    standing = []
    for resource in SHOWING:
        ids = sorted({each.id for each in found if each.newest and each.resource is resource})
        standing += [(resource, id_) for id_ in await read_current(connection, resource, ids)]
    if standing:
        named = ", ".join(f"{resource} {id_}" for resource, id_ in standing)
        raise AmendError(f"these records still show it: {named}", standing)
    return found


def _shows(held: Held, article: str, texts: Collection[str]) -> bool:
    shown = json.loads(held.body or "{}")["articles"]
    return any(each["id"] == article and not {each["url"], each["title"]}.isdisjoint(texts) for each in shown)


async def _blank(write: Write, revisions: Sequence[Held]) -> None:
    """Blank revisions of one record, and enter that into its history."""
    resource, record_id = revisions[0].record
    ledger = write.ledger
    stands = (await read_current(write.connection, resource, [record_id])).get(record_id)
    reason = f"{in_words([each.number for each in revisions])} blanked: {ledger.reason}"
    if stands is None:
        newest = select(func.max(Revision.number)).where(
            Revision.resource == resource, Revision.record_id == record_id
        )
        number = (await write.connection.execute(newest)).scalar_one() + 1
        change = Change(resource, record_id, Action.REDACTED, number, None, "", reason)
        await storing.store(ledger, resource, [change])
    else:
        change = await _written_again(write, resource, record_id, stands, reason)
    write.note([change])
    # Answers about past states change, and their ETags hold this revision.
    ledger.vocabulary_touched = True
    if not ledger.dry:
        await _blank_bodies(write.connection, ledger.revision, revisions)
        await _take_out_of_index(write.connection, resource, record_id, revisions)


async def _written_again(
    write: Write, resource: Resource, record_id: str, stands: Current, reason: str
) -> Change:
    """Write a record as it stands, so that those who follow its revisions see that something was done."""
    record = written_again(resource, stands, write.ledger.at)
    after = record.model_dump_json()
    change = Change(resource, record_id, Action.REDACTED, record.revision, stands.body, after, reason)
    stored = [(stored_input(resource, stands.body), record)]
    await storing.store(write.ledger, resource, [change], stored)
    return change


async def _blank_bodies(connection: AsyncConnection, by_revision: int, revisions: Sequence[Held]) -> None:
    revision = table(Revision)
    here = [revision.c[name] == bindparam(f"at_{name}") for name in ("dataset_revision", "position")]
    places = [
        {"at_dataset_revision": each.dataset_revision, "at_position": each.position} for each in revisions
    ]
    await connection.execute(update(revision).where(*here).values(body=None), places)
    rows: list[Row] = [
        {
            "dataset_revision": each.dataset_revision,
            "position": each.position,
            "by_revision": by_revision,
            "parts": sorted(set(_PART.findall(each.body or ""))),
        }
        for each in revisions
    ]
    await connection.execute(insert(table(Blanked)), rows)


async def _take_out_of_index(
    connection: AsyncConnection, resource: Resource, record_id: str, revisions: Sequence[Held]
) -> None:
    """Make the record and its parts absent from all states in which it was as these revisions left it."""
    index = RECORD_TABLE[resource]
    froms = [each.dataset_revision for each in revisions]
    of_record = delete(index).where(index.c.id == record_id, index.c.from_revision.in_(froms))
    gone = await connection.execute(of_record.returning(index.c.from_revision, index.c.to_revision))
    spans: list[Span] = sorted((begin, end) for begin, end in gone)
    if not spans:  # a tombstone is in no state
        return
    for into, of_owner in part_tables(resource, literal([record_id], ARRAY(Text))):
        await _cut(connection, into, of_owner, spans)


async def _cut(
    connection: AsyncConnection, into: Table, of_owner: ColumnElement[bool], spans: Sequence[Span]
) -> None:
    """Cut spans out of the rows of parts: a row may go, become shorter, or fall in two."""
    begin, end = into.c.from_revision, into.c.to_revision
    overlapping = or_(*(and_(begin < until, or_(end.is_(None), end > since)) for since, until in spans))
    rows = (await connection.execute(select(into).where(of_owner, overlapping))).mappings().all()
    pieces: list[tuple[Table, Row]] = []
    for row in rows:
        same = [column == row[column.name] for column in into.primary_key.columns]
        await connection.execute(delete(into).where(*same))
        pieces += [
            (into, {**_stored_columns(into, row), "from_revision": since, "to_revision": until})
            for since, until in _without(row["from_revision"], row["to_revision"], spans)
        ]
    await copy(connection, pieces)


def _stored_columns(into: Table, row: RowMapping) -> Row:
    return {column.name: row[column.name] for column in into.columns if column.computed is None}


def _without(begin: int, end: int | None, spans: Sequence[Span]) -> Iterator[tuple[int, int | None]]:
    """Give what is left of a span without others, which are in order."""
    for since, until in spans:
        if end is not None and end <= since:
            break
        if until <= begin:
            continue
        if begin < since:
            yield begin, since
        begin = until
    if end is None or begin < end:
        yield begin, end


def in_words(numbers: Sequence[int]) -> str:
    """Name revisions, such as `revisions 1, 3 and 4`."""
    *first, last = map(str, sorted(numbers))
    return f"revisions {', '.join(first)} and {last}" if first else f"revision {last}"


def _texts(value: object, field: str = "") -> Iterator[str]:
    """Give every text that a curator wrote freely."""
    match value:
        case str() if field in FREE:
            yield value
        case list():
            for each in value:
                yield from _texts(each, field)
        case dict():
            for name, each in value.items():
                yield from _texts(each, name)
