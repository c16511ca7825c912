"""The one door through which records are written: load, and whatever else changes the dataset.

One write is one transaction: lock the dataset row, render the records that change (and those that show a
changed article), store them with their revisions and index rows, bump the dataset revision. What a write may
hold is checked in `db/checks.py`; how it reaches the tables is `db/storing.py`'s; removing, restoring,
reverting and merging are in `db/amending.py`.
"""

import asyncio
import datetime as dt
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import asyncpg
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db import storing
from db.base import among
from db.batches import BATCH, Batches, Listed, ahead, in_batches
from db.checks import Checks, Referrer, WriteError, WriteItem
from db.enums import Action, Resource
from db.models import exchanges, reference
from db.records import CitedArticle
from db.rendering import (
    INPUT_OF,
    RECORD_OF,
    Input,
    Record,
    Stamp,
    citations_of,
    cited_article,
    render,
    written,
)
from db.session import commit
from db.storing import Change, Current, Ledger, read_cited_articles, read_current

MOST_CHANGES = 10_000  # of which a write that stores them remembers the bodies
NOT_NULL_VIOLATION = "23502"
CITING = (
    (Resource.AGREEMENT, exchanges.AgreementCitation.agreement_id, exchanges.AgreementCitation.article_id),
    (Resource.EXCHANGE, exchanges.ExchangeCitation.exchange_id, exchanges.ExchangeCitation.article_id),
    (
        Resource.TOTAL,
        reference.PublishedTotalCitation.total_id,
        reference.PublishedTotalCitation.article_id,
    ),
)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Outcome:
    """What a write did, or in a dry run would do.

    `revision` is the dataset revision that it made, or the newest if nothing changed. `counts` tells how many
    changes there are of each kind; of very many, `changes` holds the first. `standing` counts the records
    that stand as they were.
    """

    revision: int
    at: dt.datetime
    changes: tuple[Change, ...]
    counts: Mapping[tuple[Resource, Action], int]
    standing: Mapping[Resource, int]

    @property
    def unchanged(self) -> int:
        """How many records of all kinds stand as they were."""
        return sum(self.standing.values())


@dataclass
class Write:
    """A write under way, between the lock and the bump.

    `changes` are all changes, but for a write of very many records that stores them: then the first.
    """

    ledger: Ledger
    changes: list[Change] = field(default_factory=list)
    counts: Counter[tuple[Resource, Action]] = field(default_factory=Counter)
    standing: Counter[Resource] = field(default_factory=Counter)
    _read: dict[Referrer, Current] = field(default_factory=dict)

    @property
    def connection(self) -> AsyncConnection:
        """The connection whose transaction the write is."""
        return self.ledger.connection

    def note(self, changes: Sequence[Change]) -> None:
        """Remember what the write did; of a dry run all, since it is found nowhere else."""
        for change in changes:
            self._read.pop((change.resource, change.id), None)
        self.counts.update((change.resource, change.action) for change in changes)
        room = len(changes) if self.ledger.dry else max(0, MOST_CHANGES - len(self.changes))
        self.changes += changes[:room]

    async def current(self, resource: Resource, record_id: str) -> Current | None:
        """Give a record that stands; once it is known how, that is not asked again before it changes."""
        stands = (await self._current(resource, [record_id])).get(record_id)
        if stands is not None:
            self._read[resource, record_id] = stands
        return stands

    async def put(
        self,
        inputs: Sequence[Input] | Batches,
        progress: Progress | None = None,
        *,
        removed: Collection[Referrer] = (),
        gone: Mapping[str, Current] | None = None,
    ) -> None:
        """Store records; one that would not change gets no revision.

        `progress` is called with the number of records done and the number of all. `removed`: records that
        the same write takes out of the dataset. `gone`: of records that come back, how they last stood.

        Raises:
            WriteError: with every offence that was found; the transaction must be rolled back then.
        """
        batches = inputs if isinstance(inputs, Batches) else Listed(inputs)
        checks = Checks(self.connection, batches.ids, removed=removed, restored=frozenset(gone or ()))
        offences: list[WriteItem] = []
        done, total = 0, len(batches)
        touched: set[str] = set()
        made: _Made | None = None  # and not stored yet: that is done while the next batch is made
        async with aclosing(ahead(batches)) as taken:
            async for resource, batch in taken:
                if made is not None and made.resource is not resource:  # what follows may show it
                    await self._store(made)
                    made = None
                current = await self._current(resource, [item.id for item in batch])
                offences += await checks.offences(resource, batch, current.keys())
                if not offences:  # else the rest is only checked, so that all is mended in one go
                    known = _Known(current, gone or {}, await self._cited_articles(batch))
                    made = await self._make(resource, batch, known, meanwhile=made)
                    self.standing[resource] += len(batch) - len(made.changes)
                    if resource is Resource.ARTICLE:
                        touched.update(change.id for change in made.changes if change.before is not None)
                done += len(batch)
                if progress is not None:
                    progress(done, total)
        if offences:
            raise WriteError(offences)
        await self._store(made)
        await self._put_citing(touched, batches)

    def outcome(self) -> Outcome:
        """Give what the write did, once it is done."""
        made = self.ledger.revision if self.changes else self.ledger.revision - 1
        return Outcome(made, self.ledger.at, tuple(self.changes), self.counts, +self.standing)

    async def _put_citing(self, articles: set[str], put: Batches) -> None:
        """Render again whatever shows one of these articles; what this write has put is up to date."""
        if not articles:
            return
        for resource, owner, article in CITING:
            statement = select(owner).distinct().where(among(article, sorted(articles))).order_by(owner)
            ids = (await self.connection.execute(statement)).scalars()
            done = {change.id for change in self.changes if change.resource is resource}
            for batch in in_batches(id_ for id_ in ids if id_ not in put.ids[resource] and id_ not in done):
                current = await read_current(self.connection, resource, batch)
                inputs = [stored_input(resource, each.body) for each in current.values()]
                known = _Known(current, {}, await self._cited_articles(inputs))
                await self._store(await self._make(resource, inputs, known))

    async def _current(self, resource: Resource, ids: Sequence[str]) -> Mapping[str, Current]:
        known = {id_: self._read[resource, id_] for id_ in ids if (resource, id_) in self._read}
        asked = [id_ for id_ in ids if id_ not in known]
        return known | await read_current(self.connection, resource, asked) if asked else known

    async def _make(
        self, resource: Resource, batch: Sequence[Input], known: "_Known", *, meanwhile: "_Made | None" = None
    ) -> "_Made":
        """Render a batch, and store the one before it meanwhile: that waits for the database mostly."""
        make = partial(_made, resource, batch, known, self.ledger.at)
        if meanwhile is None and len(batch) < BATCH:
            return make()
        rendering = asyncio.get_running_loop().run_in_executor(None, make)
        await self._store(meanwhile)  # in this task: whatever ends it has then left the connection
        return await rendering

    async def _store(self, made: "_Made | None") -> None:
        if made is None:
            return
        if made.changes:
            await storing.store(self.ledger, made.resource, made.changes, made.changed)
        self.note(made.changes)

    async def _cited_articles(self, batch: Sequence[Input]) -> dict[str, CitedArticle]:
        ids = sorted({article for item in batch for article in citations_of(item)})
        if not ids:
            return {}
        found = await read_cited_articles(self.connection, ids)
        if self.ledger.dry:  # what this write has put is not in the tables
            put = [change.after for change in self.changes if change.resource is Resource.ARTICLE]
            articles = [cited_article(stored_input(Resource.ARTICLE, body)) for body in put]
            found |= {article.id: article for article in articles if article.id in ids}
        return found


@dataclass(frozen=True)
class _Known:
    """What records are made with: how they stand, how those stood that come back, what they cite."""

    current: Mapping[str, Current]
    gone: Mapping[str, Current]
    articles: Mapping[str, CitedArticle]


@dataclass(frozen=True)
class _Made:
    """A batch of records of one resource that change, as they will stand."""

    resource: Resource
    changes: Sequence[Change]
    changed: Sequence[tuple[Input, Record]]


def _made(resource: Resource, batch: Sequence[Input], known: _Known, at: dt.datetime) -> _Made:
    changes: list[Change] = []
    changed: list[tuple[Input, Record]] = []
    for item in batch:
        stands, back = known.current.get(item.id), known.gone.get(item.id)
        record = _rendered(item, known.articles, stands, back, at)
        if record is None:
            continue
        after = record.model_dump_json()
        before = None if stands is None else stands.body
        action = Action.RESTORED if back is not None else _action(item, before, after)
        changes.append(Change(resource, item.id, action, record.revision, before, after))
        changed.append((item, record))
    return _Made(resource, changes, changed)


@asynccontextmanager
async def writing(
    connection: AsyncConnection, reason: str, key: str | None = None, *, dry_run: bool = False
) -> AsyncIterator[Write]:
    """Open a write in the transaction of a connection; committing it is the caller's.

    A dry run takes no lock and stores nothing.

    Raises:
        WriteError: with every offence that was found.
    """
    try:
        write_ = Write(await storing.open_ledger(connection, reason, key, dry=dry_run))
        yield write_
        await storing.close_ledger(write_.ledger)
    except (IntegrityError, asyncpg.IntegrityConstraintViolationError) as error:
        if getattr(_cause(error), "sqlstate", None) == NOT_NULL_VIOLATION:
            raise  # a row that was made wrong, not a record that is
        raise WriteError([_refused_by_database(error)]) from error


async def write(
    engine: AsyncEngine,
    inputs: Sequence[Input] | Batches,
    *,
    reason: str,
    key: str | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Store records in a write of their own, all or none.

    Raises:
        WriteError: with every offence that was found.
    """
    async with engine.connect() as connection:
        async with writing(connection, reason, key, dry_run=dry_run) as write_:
            await write_.put(inputs, progress)
        await commit(connection)
    return write_.outcome()


def stored_input(resource: Resource, body: str) -> Input:
    """Give what the curator wrote out of a record's body."""
    return INPUT_OF[resource].model_validate_json(json.dumps(written(resource, body)))


def written_again(resource: Resource, stands: Current, at: dt.datetime) -> Record:
    """Give a record as it stands, with the stamp of one more write."""
    record = RECORD_OF[resource].model_validate_json(stands.body)
    return record.model_copy(update={"revision": stands.number + 1, "updated_at": at})


def _rendered(
    item: Input,
    articles: Mapping[str, CitedArticle],
    stands: Current | None,
    back: Current | None,
    at: dt.datetime,
) -> Record | None:
    """Render a record as it will stand, or give None if it stands so already.

    `stands`: as it stands now. `back`: of one that comes back, as it last stood.
    """
    known = stands or back
    if known is None:
        return render(item, articles, Stamp(1, at, at))
    stamp = stamp_of(known)
    same = render(item, articles, stamp)
    if stands is not None and same.model_dump_json() == stands.body:
        return None
    return same.model_copy(update={"revision": stamp.revision + 1, "updated_at": at})


def stamp_of(known: Current) -> Stamp:
    """Give the stamp of a record out of its body."""
    old = json.loads(known.body)
    created, updated = (dt.datetime.fromisoformat(old[name]) for name in ("created_at", "updated_at"))
    return Stamp(known.number, created, updated)


def _action(item: Input, before: str | None, after: str) -> Action:
    if before is None:
        return Action.CREATED
    old, new = json.loads(before), json.loads(after)
    own = type(item).model_fields
    return Action.UPDATED if any(old.get(name) != new[name] for name in own) else Action.RERENDERED


def _cause(error: Exception) -> BaseException | None:
    """Give what the driver itself raised."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, asyncpg.PostgresError):
        cause = cause.__cause__
    return cause


def _refused_by_database(error: Exception) -> WriteItem:
    """Name the constraint that refused; the driver's own text stays in the log."""
    cause = _cause(error)
    constraint = getattr(cause, "constraint_name", None) or "constraint"
    where = getattr(cause, "table_name", None) or "the database"
    return WriteItem(
        resource=next((resource for resource in Resource if resource == where), Resource.EXCHANGE),
        id="",
        field="",
        code=constraint,
        message=f"the database refuses it: {constraint} on {where}",
    )
