"""What is checked of a write before it touches a table: that everything it refers to exists and is unique.

The database refuses the same things by its constraints; here every offence is found at once and named, so
that a curator mends a file in one go. What a single record must satisfy by itself is in `db/inputs.py`.
"""

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from itertools import combinations

from sqlalchemy import ARRAY, Text, any_, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.selectable import SelectBase

from db.base import among
from db.batches import Batches, Listed
from db.enums import Resource
from db.figures import counts
from db.folding import url_key
from db.inputs import (
    ActorInput,
    AgreementInput,
    ArticleInput,
    ClaimInput,
    ExchangeInput,
    MediationInput,
    TermInput,
    TotalInput,
)
from db.merges import Turns, merged_urls, read_merged
from db.models import exchanges, reference, sources
from db.models.history import Revision
from db.normalising import folded_names, table
from db.queries.shapes import Slot, fetch
from db.rendering import Input
from db.session import driver_of

CHUNK = 10_000  # names asked of the database at once

Referrer = tuple[Resource, str]
_Direction = tuple[str, str]  # who released, who received


@dataclass(frozen=True)
class WriteItem:
    """One reason why a write is refused: in which record and field, and why.

    `other` stands against it; `absent` is what the field refers to in vain.
    """

    resource: Resource
    id: str
    field: str
    code: str
    message: str
    other: Referrer | None = None
    absent: Referrer | None = None


class WriteError(Exception):
    """A write is refused as a whole; `items` holds every reason that was found."""

    def __init__(self, items: Sequence[WriteItem]) -> None:
        self.items = tuple(items)
        super().__init__("; ".join(f"{item.resource} {item.id}: {item.message}" for item in items[:5]))


@dataclass(frozen=True)
class _Reference:
    field: str
    target: Resource
    id: str


ID_TABLES = {
    Resource.ACTOR: table(reference.Actor),
    Resource.PUBLISHER: table(reference.Publisher),
    Resource.ARTICLE: table(sources.Article),
    Resource.AGREEMENT: table(exchanges.Agreement),
    Resource.EXCHANGE: table(exchanges.Exchange),
    Resource.TOTAL: table(reference.PublishedTotal),
    Resource.COVERAGE: table(reference.CoverageNote),
}


@dataclass(frozen=True)
class _Unique:
    """What no two records of a kind may have alike, and where the database keeps it."""

    resource: Resource
    names: Callable[..., Iterable[str]]
    name: InstrumentedAttribute[str]
    owner: InstrumentedAttribute[str]
    field: str
    code: str


_UNIQUE = (
    _Unique(
        Resource.ACTOR,
        folded_names,
        reference.ActorName.folded,
        reference.ActorName.actor_id,
        "aliases",
        "duplicate_name",
    ),
    _Unique(
        Resource.PUBLISHER,
        folded_names,
        reference.PublisherName.folded,
        reference.PublisherName.publisher_id,
        "aliases",
        "duplicate_name",
    ),
    _Unique(
        Resource.ARTICLE,
        lambda item: [url_key(item.url)],
        sources.Article.url_key,
        sources.Article.id,
        "url",
        "duplicate_url",
    ),
)


async def check(
    connection: AsyncConnection,
    inputs: Sequence[Input] | Batches,
    *,
    removed: Collection[Referrer] = (),
) -> None:
    """Refuse a write that refers to what is not there or takes a name or an id that is another's.

    `removed`: records that the same write takes out, whose names are free.

    Raises:
        WriteError: with every offence.
    """
    batches = inputs if isinstance(inputs, Batches) else Listed(inputs)
    checks = Checks(connection, batches.ids, removed=removed)
    items: list[WriteItem] = []
    async for resource, batch in batches:
        standing = await _existing(connection, {resource: {item.id for item in batch}})
        items += await checks.offences(resource, batch, standing[resource])
    if items:
        raise WriteError(items)


@dataclass
class Checks:
    """The checks of one write, batch by batch in the order of dependence.

    `written`: the ids of all that it writes. `removed`: records that it takes out, whose names are free.
    `restored`: ids of records that come back, which nobody else could take.
    """

    connection: AsyncConnection
    written: Mapping[Resource, Container[str]]
    removed: Collection[Referrer] = ()
    restored: Collection[str] = ()
    _members: dict[str, set[str]] | None = None
    _own_members: dict[str, set[str]] = dataclass_field(default_factory=dict)

    async def offences(
        self, resource: Resource, batch: Sequence[Input], standing: Container[str]
    ) -> list[WriteItem]:
        """Give every reason to refuse records of one kind; `standing`: ids of those that stand already."""
        items = await self._missing(resource, batch)
        for unique in _UNIQUE:
            if unique.resource is resource:
                items += await self._taken(unique, batch)
        items += await self._counted_twice(batch)
        return items + await self._once_used(resource, [item.id for item in batch if item.id not in standing])

    async def _missing(self, resource: Resource, batch: Sequence[Input]) -> list[WriteItem]:
        wanted: dict[Resource, set[str]] = {}
        for item in batch:
            for named in _references(item):
                if named.id not in self.written[named.target]:
                    wanted.setdefault(named.target, set()).add(named.id)
        existing = await _existing(self.connection, wanted)
        unknown = {target: ids - (existing[target] - self._leaving(target)) for target, ids in wanted.items()}
        if not any(unknown.values()):
            return []
        merged = await read_merged(self.connection)
        return [
            WriteItem(
                resource=resource,
                id=item.id,
                field=named.field,
                code=f"unknown_{named.target}",
                message=_unknown(named, merged),
                absent=(named.target, named.id),
            )
            for item in batch
            for named in _references(item)
            if named.id in unknown.get(named.target, ())
        ]

    async def _taken(self, unique: _Unique, batch: Sequence[Input]) -> list[WriteItem]:
        """Find names that two records want, of which one may be in the database and not be rewritten here."""
        taken = [(name, item) for item in batch for name in unique.names(item)]
        written, leaving = self.written[unique.resource], self._leaving(unique.resource)
        owners: dict[str, str] = {}
        for chunk in _chunks(sorted({name for name, _ in taken})):
            rows = await self.connection.execute(
                select(unique.name, unique.owner).where(among(unique.name, chunk))
            )
            owners |= {name: owner for name, owner in rows if owner not in written and owner not in leaving}
            if unique.resource is Resource.ARTICLE:
                owners |= await merged_urls(self.connection, chunk)
        items = []
        for name, item in taken:
            owner = owners.setdefault(name, item.id)
            if owner != item.id:
                message = f"{name!r} belongs to {unique.resource} {owner!r} already"
                other = (unique.resource, owner)
                items.append(WriteItem(unique.resource, item.id, unique.field, unique.code, message, other))
        return items

    async def _once_used(self, resource: Resource, new: Iterable[str]) -> list[WriteItem]:
        """Find new records with the id of one that was deleted or merged: ids are never used again."""
        used: set[str] = set()
        for chunk in _chunks(sorted(set(new).difference(self.restored))):
            once = (Revision.resource == resource, Revision.number == 1, among(Revision.record_id, chunk))
            used.update((await self.connection.execute(select(Revision.record_id).where(*once))).scalars())
        items = []
        for id_ in sorted(used):
            message = f"{resource} {id_!r} was deleted or merged; restore it, or choose another id"
            items.append(WriteItem(resource, id_, "id", "id_used", message, (resource, id_)))
        return items

    async def _counted_twice(self, batch: Sequence[Input]) -> list[WriteItem]:
        """Find exchanges that have figures to or from a coalition and to or from its member as well."""
        self._own_members |= {item.id: set(item.members) for item in batch if isinstance(item, ActorInput)}
        exchanges_ = [item for item in batch if isinstance(item, ExchangeInput) and _akin(_directions(item))]
        if not exchanges_:
            return []
        if self._members is None:
            self._members = {}
            stored = select(reference.ActorMember.actor_id, reference.ActorMember.member_id)
            for coalition, member in await self.connection.execute(stored):
                self._members.setdefault(coalition, set()).add(member)
            self._members |= self._own_members  # actors come before exchanges
        items = []
        for item in exchanges_:
            for one, other in twin_directions(item, self._members):
                twins = f"{' to '.join(one)} and {' to '.join(other)}"
                message = f"{twins} differ only by a coalition and its member"
                items.append(WriteItem(Resource.EXCHANGE, item.id, "claims", "counted_twice", message))
        return items

    def _leaving(self, resource: Resource) -> set[str]:
        return {id_ for of, id_ in self.removed if of is resource}


def _unknown(named: _Reference, merged: Turns) -> str:
    into = merged.get(named.target, {}).get(named.id)
    message = f"there is no {named.target} {named.id!r}"
    return message if into is None else f"{message} any more: it is part of {into!r} now"


async def _existing(
    connection: AsyncConnection, wanted: Mapping[Resource, Iterable[str]]
) -> Mapping[Resource, set[str]]:
    """Give which ids of each kind there are; the transaction must have begun."""
    found: dict[Resource, set[str]] = {resource: set() for resource in wanted}
    if wanted:
        ids = [list(ids) for ids in wanted.values()]
        async with driver_of(connection) as driver:
            rows = await fetch(driver, ("existing", *wanted), lambda: _ids_of(wanted), ids)
        for resource, id_ in rows:
            found[Resource(resource)].add(id_)
    return found


def _ids_of(kinds: Iterable[Resource]) -> SelectBase:
    """Make the statement of the ids that there are of some kinds, among those of a slot for each."""
    asked = [(kind, ID_TABLES[kind].c.id, literal(Slot(n), ARRAY(Text))) for n, kind in enumerate(kinds)]
    return union_all(*(select(literal(kind, Text), id_).where(id_ == any_(ids)) for kind, id_, ids in asked))


def twin_directions(
    item: ExchangeInput, members: Mapping[str, Collection[str]]
) -> list[tuple[_Direction, _Direction]]:
    """Find directions of counted claims that differ only by a coalition and its member.

    `members` gives the members of each coalition by its id.
    """

    def kin(one: str, other: str) -> bool:
        return other in members.get(one, ()) or one in members.get(other, ())

    return [
        (one, other)
        for one, other in _akin(_directions(item))
        if kin(one[1], other[1]) or kin(one[0], other[0])
    ]


def _directions(item: ExchangeInput) -> set[_Direction]:
    return {(claim.released_by, claim.received_by) for claim in item.claims if counts(claim)}


def _akin(directions: Collection[_Direction]) -> list[tuple[_Direction, _Direction]]:
    """Give pairs of directions that share a side."""
    pairs = combinations(sorted(directions), 2)
    return [(one, other) for one, other in pairs if one[0] == other[0] or one[1] == other[1]]


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), CHUNK):
        yield names[start : start + CHUNK]


def _references(item: Input) -> Iterator[_Reference]:
    """Give everything that a record refers to, with the field where it does."""
    find = _FINDERS.get(type(item))
    return iter(()) if find is None else find(item)


def _actors(field: str, *ids: str | None) -> Iterator[_Reference]:
    return (_Reference(field, Resource.ACTOR, id_) for id_ in ids if id_ is not None)


def _articles(field: str, ids: Iterable[str]) -> Iterator[_Reference]:
    return (_Reference(f"{field}.{n}", Resource.ARTICLE, id_) for n, id_ in enumerate(ids))


def _party_references(parties: Iterable[str], field: str = "parties") -> Iterator[_Reference]:
    return (_Reference(f"{field}.{n}", Resource.ACTOR, id_) for n, id_ in enumerate(parties))


def _stated(field: str, parts: Sequence[ClaimInput | TermInput]) -> Iterator[_Reference]:
    for n, part in enumerate(parts):
        yield from _actors(f"{field}.{n}.released_by", part.released_by)
        yield from _actors(f"{field}.{n}.received_by", part.received_by)
        yield from _actors(f"{field}.{n}.claimant", part.claimant)
        yield from _articles(f"{field}.{n}.citations", part.citations)


def _mediated(parts: Sequence[MediationInput]) -> Iterator[_Reference]:
    for n, part in enumerate(parts):
        yield from _actors(f"mediations.{n}.actor", part.actor)
        yield from _actors(f"mediations.{n}.claimant", part.claimant)
        yield from _articles(f"mediations.{n}.citations", part.citations)


def _of_exchange(item: ExchangeInput) -> Iterator[_Reference]:
    yield from _party_references(item.parties)
    yield from _articles("citations", item.citations)
    yield from _stated("claims", item.claims)
    yield from _mediated(item.mediations)
    if item.location is not None:
        yield from _articles("location.citations", item.location.citations)
    if item.agreement is not None:
        yield _Reference("agreement", Resource.AGREEMENT, item.agreement)
    for n, overlap in enumerate(item.overlaps):
        yield _Reference(f"overlaps.{n}.exchange", Resource.EXCHANGE, overlap.exchange)
        yield from _actors(f"overlaps.{n}.released_by", overlap.released_by)
        yield from _actors(f"overlaps.{n}.received_by", overlap.received_by)


def _of_agreement(item: AgreementInput) -> Iterator[_Reference]:
    yield from _party_references(item.parties)
    yield from _articles("citations", item.citations)
    yield from _stated("terms", item.terms)
    yield from _mediated(item.mediations)


def _of_total(item: TotalInput) -> Iterator[_Reference]:
    yield from _party_references(item.parties)
    yield from _articles("citations", item.citations)
    for field in ("claimant", "mediator", "released_by", "received_by"):
        yield from _actors(field, getattr(item, field))
    if item.agreement is not None:
        yield _Reference("agreement", Resource.AGREEMENT, item.agreement)


def _of_article(item: ArticleInput) -> Iterator[_Reference]:
    yield _Reference("publisher", Resource.PUBLISHER, item.publisher)
    if item.agency is not None:
        yield _Reference("agency", Resource.PUBLISHER, item.agency)


def _of_actor(item: ActorInput) -> Iterator[_Reference]:
    yield from _party_references(item.members, "members")


_FINDERS: Mapping[type[Input], Callable[..., Iterator[_Reference]]] = {
    ExchangeInput: _of_exchange,
    AgreementInput: _of_agreement,
    TotalInput: _of_total,
    ArticleInput: _of_article,
    ActorInput: _of_actor,
}
