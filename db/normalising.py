"""From what a curator wrote to rows of the normalised tables, where the database itself refuses nonsense.

Pure functions: which rows a record has, and which tables hold them. Writing them is `db/writes.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, any_, select

from db.enums import Resource
from db.folding import fold, url_key
from db.inputs import (
    ActorInput,
    AgreementInput,
    ArticleInput,
    CoverageInput,
    ExchangeInput,
    MediationInput,
    PublisherInput,
    TotalInput,
)
from db.models import exchanges, reference, sources
from db.rendering import Input

Row = dict[str, Any]
Rows = list[tuple[Table, Row]]


@dataclass(frozen=True)
class Owned:
    """A table with rows of a record: `column` names the record, or a part of it, which `part` knows.

    `part`: the table of such parts, and its column that names the record.
    """

    table: Table
    column: str
    part: tuple[Table, str] | None = None

    def of(self, ids: ColumnElement[Sequence[str]]) -> ColumnElement[bool]:
        """Give the clause that a row belongs to one of the records of an array of ids."""
        if self.part is None:
            return self.table.c[self.column] == any_(ids)
        parts, pointer = self.part
        return self.table.c[self.column].in_(select(parts.c.id).where(parts.c[pointer] == any_(ids)))

    def owners(self, clause: ColumnElement[bool]) -> Select[Any]:
        """Give the statement of the records that rows of which a clause holds belong to."""
        if self.part is None:
            owner = self.table.c[self.column]
            return select(owner).where(clause, owner.is_not(None))
        parts, pointer = self.part
        joined = self.table.join(parts, parts.c.id == self.table.c[self.column])
        return select(parts.c[pointer]).select_from(joined).where(clause, parts.c[pointer].is_not(None))


def table(model: type[Any]) -> Table:
    """Give the table of a mapped class."""
    found = model.__table__
    assert isinstance(found, Table)  # noqa: S101  (a mapped class of this project always has one)
    return found


def rows_of(item: Input) -> Rows:
    """Give all rows of a record, in no order that matters: references are checked at commit."""
    make: Callable[..., Rows] = _ROWS[type(item)]
    return make(item)


def folded_names(item: ActorInput | PublisherInput) -> set[str]:
    """Give every folded name by which an actor or publisher is found."""
    return {folded for name in item.names() if (folded := fold(name))}


def _cited(model: type[Any], pointer: str, owner: str, citations: Iterable[str]) -> Rows:
    return [
        (table(model), {pointer: owner, "article_id": article, "position": position})
        for position, article in enumerate(citations)
    ]


def _listed(model: type[Any], pointer: str, owner: str, actors: Iterable[str]) -> Rows:
    return [
        (table(model), {pointer: owner, "actor_id": actor, "position": position})
        for position, actor in enumerate(actors)
    ]


def _mediations(owner: Row, mediations: Iterable[MediationInput]) -> Rows:
    rows: Rows = []
    for position, item in enumerate(mediations):
        row = {"exchange_id": None, "agreement_id": None, "position": position, **owner}
        row |= {"id": item.id, "actor_id": item.actor, "role": item.role, "stance": item.stance}
        rows.append((table(exchanges.Mediation), row | {"claimant": item.claimant}))
        rows += _cited(exchanges.MediationCitation, "mediation_id", item.id, item.citations)
    return rows


def _exchange(item: ExchangeInput) -> Rows:
    row = item.model_dump(include={"id", "kind", "date", "date_end", "date_precision", "status", "summary"})
    row |= {"location_name": item.location and item.location.name, "agreement_id": item.agreement}
    rows: Rows = [(table(exchanges.Exchange), row)]
    rows += _listed(exchanges.ExchangeParty, "exchange_id", item.id, item.parties)
    rows += _cited(exchanges.ExchangeCitation, "exchange_id", item.id, item.citations)
    if item.location is not None:
        rows += _cited(exchanges.LocationCitation, "exchange_id", item.id, item.location.citations)
    for position, claim in enumerate(item.claims):
        claim_row = claim.model_dump(exclude={"citations"})
        claim_row |= {"exchange_id": item.id, "position": position}
        rows.append((table(exchanges.Claim), claim_row))
        rows += _cited(exchanges.ClaimCitation, "claim_id", claim.id, claim.citations)
    for position, overlap in enumerate(item.overlaps):
        overlap_row = overlap.model_dump(exclude={"exchange"})
        overlap_row |= {
            "exchange_id": item.id,
            "position": position,
            "other_exchange_id": overlap.exchange,
        }
        rows.append((table(exchanges.ExchangeOverlap), overlap_row))
    return rows + _mediations({"exchange_id": item.id}, item.mediations)


def _agreement(item: AgreementInput) -> Rows:
    row = item.model_dump(include={"id", "title", "date", "place", "status"})
    rows: Rows = [(table(exchanges.Agreement), row)]
    rows += _listed(exchanges.AgreementParty, "agreement_id", item.id, item.parties)
    rows += _cited(exchanges.AgreementCitation, "agreement_id", item.id, item.citations)
    for position, term in enumerate(item.terms):
        term_row = term.model_dump(exclude={"citations"}) | {"agreement_id": item.id, "position": position}
        rows.append((table(exchanges.Term), term_row))
        rows += _cited(exchanges.TermCitation, "term_id", term.id, term.citations)
    return rows + _mediations({"agreement_id": item.id}, item.mediations)


def _total(item: TotalInput) -> Rows:
    row = item.model_dump(exclude={"parties", "citations", "agreement"}) | {"agreement_id": item.agreement}
    rows: Rows = [(table(reference.PublishedTotal), row)]
    rows += _listed(reference.PublishedTotalParty, "total_id", item.id, item.parties)
    return rows + _cited(reference.PublishedTotalCitation, "total_id", item.id, item.citations)


def _article(item: ArticleInput) -> Rows:
    row = item.model_dump(exclude={"publisher", "agency"})
    row |= {"publisher_id": item.publisher, "agency_id": item.agency, "url_key": url_key(item.url)}
    return [(table(sources.Article), row)]


def _publisher(item: PublisherInput) -> Rows:
    names = [
        (table(reference.PublisherName), {"folded": name, "publisher_id": item.id})
        for name in folded_names(item)
    ]
    return [(table(reference.Publisher), item.model_dump()), *names]


def _actor(item: ActorInput) -> Rows:
    row = item.model_dump(exclude={"members", "external_ids"})
    row["external_ids"] = item.external_ids.model_dump_json()
    rows: Rows = [(table(reference.Actor), row)]
    for name in folded_names(item):
        rows.append((table(reference.ActorName), {"folded": name, "actor_id": item.id}))
    for position, member in enumerate(item.members):
        member_row = {"actor_id": item.id, "member_id": member, "position": position}
        rows.append((table(reference.ActorMember), member_row))
    return rows


def _coverage(item: CoverageInput) -> Rows:
    return [(table(reference.CoverageNote), item.model_dump())]


_ROWS: Mapping[type[Input], Callable[..., Rows]] = {
    PublisherInput: _publisher,
    ActorInput: _actor,
    ArticleInput: _article,
    AgreementInput: _agreement,
    ExchangeInput: _exchange,
    TotalInput: _total,
    CoverageInput: _coverage,
}


def _by(model: type[Any], column: str) -> Owned:
    return Owned(table(model), column)


def _through(model: type[Any], column: str, part: type[Any], pointer: str) -> Owned:
    """Find rows that belong to a part of a record, such as the citations of its claims."""
    return Owned(table(model), column, (table(part), pointer))


# The tables that hold a record's rows, with how to find them.
OWNED: Mapping[Resource, tuple[Owned, ...]] = {
    Resource.EXCHANGE: (
        _through(exchanges.ClaimCitation, "claim_id", exchanges.Claim, "exchange_id"),
        _through(exchanges.MediationCitation, "mediation_id", exchanges.Mediation, "exchange_id"),
        _by(exchanges.Claim, "exchange_id"),
        _by(exchanges.Mediation, "exchange_id"),
        _by(exchanges.ExchangeCitation, "exchange_id"),
        _by(exchanges.LocationCitation, "exchange_id"),
        _by(exchanges.ExchangeParty, "exchange_id"),
        _by(exchanges.ExchangeOverlap, "exchange_id"),
        _by(exchanges.Exchange, "id"),
    ),
    Resource.AGREEMENT: (
        _through(exchanges.TermCitation, "term_id", exchanges.Term, "agreement_id"),
        _through(exchanges.MediationCitation, "mediation_id", exchanges.Mediation, "agreement_id"),
        _by(exchanges.Term, "agreement_id"),
        _by(exchanges.Mediation, "agreement_id"),
        _by(exchanges.AgreementCitation, "agreement_id"),
        _by(exchanges.AgreementParty, "agreement_id"),
        _by(exchanges.Agreement, "id"),
    ),
    Resource.TOTAL: (
        _by(reference.PublishedTotalCitation, "total_id"),
        _by(reference.PublishedTotalParty, "total_id"),
        _by(reference.PublishedTotal, "id"),
    ),
    Resource.ARTICLE: (_by(sources.Article, "id"),),
    Resource.PUBLISHER: (_by(reference.PublisherName, "publisher_id"), _by(reference.Publisher, "id")),
    Resource.ACTOR: (
        _by(reference.ActorName, "actor_id"),
        _by(reference.ActorMember, "actor_id"),
        _by(reference.Actor, "id"),
    ),
    Resource.COVERAGE: (_by(reference.CoverageNote, "id"),),
}
