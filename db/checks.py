"""What is checked of a write before it touches a table: that everything it refers to exists and is unique.

The database refuses the same things by its constraints; here every offence is found at once and named, so
that a curator mends a file in one go. What a single record must satisfy by itself is in `db/inputs.py`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

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
from db.rendering import RESOURCE_OF, Input

CHUNK = 10_000  # names asked of the database at once

Referrer = tuple[Resource, str]


@dataclass(frozen=True)
class WriteItem:
    """One reason why a write is refused: in which record and field, and why; `other` stands against it."""

    resource: Resource
    id: str
    field: str
    code: str
    message: str
    other: Referrer | None = None


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
    inputs: Sequence[Input],
    *,
    removed: Collection[Referrer] = (),
    restored: Collection[str] = (),
) -> None:
    """Refuse a write that refers to what is not there or takes a name or an id that is another's.

    `removed`: records that the same write takes out, whose names are free. `restored`: ids of records that
    come back, which nobody else could take.

    Raises:
        WriteError: with every offence.
    """
    items = await _missing(connection, inputs, removed) + await _taken(connection, inputs, removed)
    items += await _counted_twice(connection, inputs)
    items += await _once_used(connection, inputs, restored)
    if items:
        raise WriteError(items)


async def _missing(
    connection: AsyncConnection, inputs: Sequence[Input], removed: Collection[Referrer]
) -> list[WriteItem]:
    written: dict[Resource, set[str]] = {resource: set() for resource in ID_TABLES}
    for item in inputs:
        written[RESOURCE_OF[type(item)]].add(item.id)
    wanted: dict[Resource, set[str]] = {resource: set() for resource in ID_TABLES}
    for item in inputs:
        for named in _references(item):
            if named.id not in written[named.target]:
                wanted[named.target].add(named.id)
    leaving = {target: {id_ for resource, id_ in removed if resource is target} for target in wanted}
    unknown = {
        target: ids - (await _existing(connection, target, ids) - leaving[target])
        for target, ids in wanted.items()
        if ids
    }
    if not any(unknown.values()):
        return []
    merged = await read_merged(connection)
    return [
        WriteItem(
            resource=RESOURCE_OF[type(item)],
            id=item.id,
            field=named.field,
            code=f"unknown_{named.target}",
            message=_unknown(named, merged),
        )
        for item in inputs
        for named in _references(item)
        if named.id in unknown.get(named.target, ())
    ]


def _unknown(named: _Reference, merged: Turns) -> str:
    into = merged.get(named.target, {}).get(named.id)
    message = f"there is no {named.target} {named.id!r}"
    return message if into is None else f"{message} any more: it is part of {into!r} now"


async def _existing(connection: AsyncConnection, resource: Resource, ids: Iterable[str]) -> set[str]:
    column = ID_TABLES[resource].c.id
    found: set[str] = set()
    for chunk in _chunks(sorted(ids)):
        found.update((await connection.execute(select(column).where(column.in_(chunk)))).scalars())
    return found


async def _taken(
    connection: AsyncConnection, inputs: Sequence[Input], removed: Collection[Referrer]
) -> list[WriteItem]:
    """Find names that two records want, of which one may be in the database and not be rewritten here."""
    items = []
    for unique in _UNIQUE:
        written = [item for item in inputs if RESOURCE_OF[type(item)] is unique.resource]
        taken = [(name, item) for item in written for name in unique.names(item)]
        leaving = {item.id for item in written} | {id_ for of, id_ in removed if of is unique.resource}
        owners: dict[str, str] = {}
        for chunk in _chunks(sorted({name for name, _ in taken})):
            stored = select(unique.name, unique.owner).where(unique.name.in_(chunk))
            rows = await connection.execute(stored)
            owners.update((name, owner) for name, owner in rows if owner not in leaving)
            if unique.resource is Resource.ARTICLE:
                owners |= await merged_urls(connection, chunk)
        for name, item in taken:
            owner = owners.setdefault(name, item.id)
            if owner != item.id:
                message = f"{name!r} belongs to {unique.resource} {owner!r} already"
                other = (unique.resource, owner)
                items.append(WriteItem(unique.resource, item.id, unique.field, unique.code, message, other))
    return items


async def _once_used(
    connection: AsyncConnection, inputs: Sequence[Input], restored: Collection[str]
) -> list[WriteItem]:
    """Find new records with the id of one that was deleted or merged: ids are never used again."""
    by_resource: dict[Resource, set[str]] = {}
    for item in inputs:
        if item.id not in restored:
            by_resource.setdefault(RESOURCE_OF[type(item)], set()).add(item.id)
    items = []
    for resource, ids in by_resource.items():
        used: set[str] = set()
        for chunk in _chunks(sorted(ids)):
            once = (Revision.resource == resource, Revision.number == 1, Revision.record_id.in_(chunk))
            used.update((await connection.execute(select(Revision.record_id).where(*once))).scalars())
        for id_ in sorted(used - await _existing(connection, resource, used)):
            message = f"{resource} {id_!r} was deleted or merged; restore it, or choose another id"
            items.append(WriteItem(resource, id_, "id", "id_used", message, (resource, id_)))
    return items


async def _counted_twice(connection: AsyncConnection, inputs: Sequence[Input]) -> list[WriteItem]:
    """Find exchanges that have figures to or from a coalition and to or from its member as well."""
    exchanges_ = [item for item in inputs if isinstance(item, ExchangeInput)]
    if not exchanges_:
        return []
    members: dict[str, set[str]] = {}
    stored = select(reference.ActorMember.actor_id, reference.ActorMember.member_id)
    for coalition, member in await connection.execute(stored):
        members.setdefault(coalition, set()).add(member)
    members |= {item.id: set(item.members) for item in inputs if isinstance(item, ActorInput)}
    return [
        WriteItem(
            resource=Resource.EXCHANGE,
            id=item.id,
            field="claims",
            code="counted_twice",
            message=f"{' to '.join(one)} and {' to '.join(other)} differ only by a coalition and its member",
        )
        for item in exchanges_
        for one, other in twin_directions(item, members)
    ]


def twin_directions(
    item: ExchangeInput, members: Mapping[str, Collection[str]]
) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """Find directions of counted claims that differ only by a coalition and its member.

    `members` gives the members of each coalition by its id.
    """

    def kin(one: str, other: str) -> bool:
        return other in members.get(one, ()) or one in members.get(other, ())

    directions = sorted({(claim.released_by, claim.received_by) for claim in item.claims if counts(claim)})
    return [
        (one, other)
        for one, other in combinations(directions, 2)
        if (one[0] == other[0] and kin(one[1], other[1])) or (one[1] == other[1] and kin(one[0], other[0]))
    ]


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
