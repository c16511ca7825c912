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
    PublisherInput,
    TermInput,
    TotalInput,
)
from db.models import exchanges, reference, sources
from db.normalising import folded_names, table
from db.rendering import RESOURCE_OF, Input

CHUNK = 10_000  # names asked of the database at once


@dataclass(frozen=True)
class WriteItem:
    """One reason why a write is refused: in which record and field, and why."""

    resource: Resource
    id: str
    field: str
    code: str
    message: str


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


async def check(connection: AsyncConnection, inputs: Sequence[Input]) -> None:
    """Refuse a write that refers to what is not there or takes a name that is another's.

    Raises:
        WriteError: with every offence.
    """
    items = await _missing(connection, inputs) + await _taken(connection, inputs)
    items += await _counted_twice(connection, inputs)
    if items:
        raise WriteError(items)


async def _missing(connection: AsyncConnection, inputs: Sequence[Input]) -> list[WriteItem]:
    written: dict[Resource, set[str]] = {resource: set() for resource in ID_TABLES}
    for item in inputs:
        written[RESOURCE_OF[type(item)]].add(item.id)
    wanted: dict[Resource, set[str]] = {resource: set() for resource in ID_TABLES}
    for item in inputs:
        for named in _references(item):
            if named.id not in written[named.target]:
                wanted[named.target].add(named.id)
    unknown = {
        target: ids - await _existing(connection, target, ids) for target, ids in wanted.items() if ids
    }
    if not any(unknown.values()):
        return []
    return [
        WriteItem(
            resource=RESOURCE_OF[type(item)],
            id=item.id,
            field=named.field,
            code=f"unknown_{named.target}",
            message=f"there is no {named.target} {named.id!r}",
        )
        for item in inputs
        for named in _references(item)
        if named.id in unknown.get(named.target, ())
    ]


async def _existing(connection: AsyncConnection, resource: Resource, ids: Iterable[str]) -> set[str]:
    column = ID_TABLES[resource].c.id
    found: set[str] = set()
    for chunk in _chunks(sorted(ids)):
        found.update((await connection.execute(select(column).where(column.in_(chunk)))).scalars())
    return found


async def _taken(connection: AsyncConnection, inputs: Sequence[Input]) -> list[WriteItem]:
    actors = [(name, item) for item in inputs if isinstance(item, ActorInput) for name in folded_names(item)]
    publishers = [
        (name, item) for item in inputs if isinstance(item, PublisherInput) for name in folded_names(item)
    ]
    articles = [(url_key(item.url), item) for item in inputs if isinstance(item, ArticleInput)]
    names, owner = reference.ActorName.folded, reference.ActorName.actor_id
    items = await _collisions(connection, actors, (names, owner), "aliases", "duplicate_name")
    names, owner = reference.PublisherName.folded, reference.PublisherName.publisher_id
    items += await _collisions(connection, publishers, (names, owner), "aliases", "duplicate_name")
    names, owner = sources.Article.url_key, sources.Article.id
    return items + await _collisions(connection, articles, (names, owner), "url", "duplicate_url")


async def _collisions(
    connection: AsyncConnection,
    taken: Sequence[tuple[str, Input]],
    columns: tuple[InstrumentedAttribute[str], InstrumentedAttribute[str]],
    field: str,
    code: str,
) -> list[WriteItem]:
    """Find names that two records want, of which one may be in the database and not be rewritten here."""
    rewritten = {item.id for _, item in taken}
    owners: dict[str, str] = {}
    for chunk in _chunks(sorted({name for name, _ in taken})):
        stored = await connection.execute(select(*columns).where(columns[0].in_(chunk)))
        owners.update((name, owner) for name, owner in stored if owner not in rewritten)
    items = []
    for name, item in taken:
        owner = owners.setdefault(name, item.id)
        if owner != item.id:
            resource = RESOURCE_OF[type(item)]
            message = f"{name!r} is already {resource} {owner}'s"
            items.append(WriteItem(resource=resource, id=item.id, field=field, code=code, message=message))
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
