"""From a rendered record to the rows of the index tables that filters and sorts read.

Pure functions. Which span a row holds through is decided where it is written (`db/rows.py`).
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, any_

from db import records
from db.enums import MediationRole, Resource, Stance
from db.folding import tokens, url_key
from db.models import index
from db.models.index import NONE
from db.normalising import Row, table
from db.records import CitedArticle
from db.rendering import Record, claims_of, figures_of, mediations_of
from db.vocabulary import entity_word

MEDIATING = frozenset({MediationRole.MEDIATOR, MediationRole.FACILITATOR, MediationRole.HOST})
UNDATED = dt.date.min

RECORD_TABLE: Mapping[Resource, Table] = {
    Resource.EXCHANGE: table(index.ExchangeIndex),
    Resource.ARTICLE: table(index.ArticleIndex),
    Resource.PUBLISHER: table(index.PublisherIndex),
    Resource.ACTOR: table(index.ActorIndex),
    Resource.AGREEMENT: table(index.AgreementIndex),
    Resource.TOTAL: table(index.TotalIndex),
    Resource.COVERAGE: table(index.CoverageIndex),
}
# What has facets of its own: a record, and the parts of an exchange.
_FACETED: Mapping[Resource, tuple[str, ...]] = {
    Resource.EXCHANGE: ("exchange", "claim", "mediation", "figure"),
    Resource.AGREEMENT: ("agreement",),
    Resource.TOTAL: ("total",),
}


def columns_of(record: Record) -> Row:
    """Give what filters and sorts need of a record, without its span and its place in the history."""
    columns: Callable[..., Row] = _COLUMNS[type(record)]
    return {"id": record.id, "number": record.revision, "updated_at": record.updated_at} | columns(record)


def part_tables(
    resource: Resource, record_ids: ColumnElement[Sequence[str]]
) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Give the tables that hold parts of records of a kind, with what tells which belong to these ids.

    Records of two kinds may have the same id.
    """
    if resource is Resource.EXCHANGE:
        for part in (index.ClaimIndex, index.MediationIndex, index.FigureIndex, index.OwnValueIndex):
            yield table(part), part.exchange_id == any_(record_ids)
    if resource in _FACETED:
        facet = index.FacetIndex
        yield table(facet), and_(facet.owner_id == any_(record_ids), facet.resource.in_(_FACETED[resource]))


def parts_of(record: Record) -> Iterator[tuple[Table, Row]]:
    """Give the rows of a record's parts and facets, without their spans."""
    if isinstance(record, records.Exchange):
        yield from _exchange_parts(record)
    elif isinstance(record, records.Agreement):
        facets = {"party": record.parties, "mediator": _mediators(record.mediations)}
        yield from _facets("agreement", record.id, record.id, record.date, facets | _sources(record.articles))
    elif isinstance(record, records.PublishedTotal):
        facets = {"party": record.parties}
        yield from _facets("total", record.id, record.id, record.as_of, facets | _sources(record.articles))


def figure_id(figure: records.Figure) -> str:
    """Give the key of a figure: a figure has no id of its own, and no path."""
    return f"{figure.exchange}.{figure.released_by}.{figure.received_by}.{figure.measure}"


def _exchange_parts(record: records.Exchange) -> Iterator[tuple[Table, Row]]:
    facets = {"party": record.parties} | _sources(record.articles)
    yield from _facets("exchange", record.id, record.id, record.date, facets)
    owner: Row = {"exchange_id": record.id, "date": record.date}
    for claim in claims_of(record):
        columns = {
            "id": claim.id,
            "body": claim.model_dump_json(),
            "released_by": claim.released_by,
            "received_by": claim.received_by,
            "direction": f"{claim.released_by}.{claim.received_by}",
            "category": claim.category,
            "count": claim.count,
            "qualifier": claim.qualifier,
            "claimant": claim.claimant or NONE,
            "covers": claim.covers,
            "rank": claim.rank,
            "counts": claim.counts,
        }
        yield table(index.ClaimIndex), owner | columns
        yield from _facets("claim", claim.id, record.id, record.date, _sources(claim.articles))
    for mediation in mediations_of(record):
        columns = {
            "id": mediation.id,
            "body": mediation.model_dump_json(),
            "actor": mediation.actor,
            "role": mediation.role,
            "stance": mediation.stance,
            "claimant": mediation.claimant or NONE,
        }
        yield table(index.MediationIndex), owner | columns
        yield from _facets("mediation", mediation.id, record.id, record.date, _sources(mediation.articles))
    for figure in figures_of(record):
        values = [own.value for own in figure.by_claimant]
        measured = {
            "released_by": figure.released_by,
            "received_by": figure.received_by,
            "measure": figure.measure,
        }
        columns = measured | {
            "id": figure_id(figure),
            "body": figure.model_dump_json(),
            "low": figure.low,
            "best": figure.best,
            "high": figure.high,
            "spread": max(values) - min(values),
            "disputed": figure.disputed,
            "disputed_by_parties": figure.disputed_by_parties,
            "attestation": figure.attestation,
            "sources": figure.independent_sources,
        }
        yield table(index.FigureIndex), owner | columns
        for own in figure.by_claimant:
            claimant = own.claimant or NONE
            columns = measured | {
                "id": f"{figure_id(figure)}.{claimant}",
                "figure_id": figure_id(figure),
                "exchange_id": record.id,
                "claimant": claimant,
                "value": own.value,
                "qualifier": own.qualifier,
            }
            yield table(index.OwnValueIndex), columns
        yield from _facets("figure", figure_id(figure), record.id, record.date, _sources(figure.articles))


def _facets(
    resource: str, record_id: str, owner_id: str, date: dt.date, facets: Mapping[str, Iterable[str]]
) -> Iterator[tuple[Table, Row]]:
    into = table(index.FacetIndex)
    owner = {"resource": resource, "record_id": record_id, "owner_id": owner_id, "date": date}
    for facet, values in facets.items():
        for value in sorted(set(values)):
            yield into, {**owner, "facet": facet, "value": value}


def _sources(articles: Iterable[CitedArticle]) -> dict[str, Iterable[str]]:
    cited = tuple(articles)
    return {
        "article": [article.id for article in cited],
        "publisher": [article.publisher for article in cited],
        "agency": [article.agency for article in cited if article.agency is not None],
    }


def _mediators(mediations: Iterable[records.ExchangeMediation]) -> list[str]:
    return [item.actor for item in mediations if item.stance is Stance.ASSERTS and item.role in MEDIATING]


def _words(texts: Iterable[str | None], actors: Iterable[str | None], publishers: Iterable[str]) -> list[str]:
    words = {word for text in texts if text is not None for word in tokens(text)}
    words.update(entity_word("actor", actor) for actor in actors if actor is not None)
    words.update(entity_word("publisher", publisher) for publisher in publishers)
    return sorted(words)


def _exchange(record: records.Exchange) -> Row:
    texts = [record.summary, record.location.name if record.location else None]
    texts += [claim.note for claim in record.claims]
    texts += [overlap.note for overlap in record.overlaps]
    actors: list[str | None] = [*record.parties]
    for claim in record.claims:
        actors += [claim.released_by, claim.received_by, claim.claimant]
    for mediation in record.mediations:
        actors += [mediation.actor, mediation.claimant]
    named = _sources(record.articles)
    return {
        "date": record.date,
        "year": record.date.year,
        "kind": record.kind,
        "status": record.status,
        "agreement": record.agreement or NONE,
        "persons_low": record.persons.low,
        "persons": record.persons.best,
        "persons_high": record.persons.high,
        "disputed": any(figure.disputed for figure in record.figures),
        "disputed_by_parties": any(figure.disputed_by_parties for figure in record.figures),
        "sources": record.independent_sources,
        "has_figures": bool(record.figures),
        "has_overlaps": bool(record.overlaps),
        "words": _words(texts, actors, [*named["publisher"], *named["agency"]]),
    }


def _article(record: records.Article) -> Row:
    return {
        "url_key": url_key(record.url),
        "publisher": record.publisher,
        "agency": record.agency or NONE,
        "language": record.language,
        "link_status": record.link_status,
        "published_on": record.published_on,
        "sort_date": record.published_on or UNDATED,
        "words": _words([record.title], [], [name for name in (record.publisher, record.agency) if name]),
    }


def _publisher(record: records.Publisher) -> Row:
    return {"is_agency": record.is_agency, "words": _words(record.names(), [], [record.id])}


def _actor(record: records.Actor) -> Row:
    return {"kind": record.kind, "words": _words(record.names(), [record.id], [])}


def _agreement(record: records.Agreement) -> Row:
    texts = [record.title, record.place, *(term.note for term in record.terms)]
    actors = [*record.parties, *(mediation.actor for mediation in record.mediations)]
    named = _sources(record.articles)
    return {
        "date": record.date,
        "status": record.status,
        "words": _words(texts, actors, [*named["publisher"], *named["agency"]]),
    }


def _total(record: records.PublishedTotal) -> Row:
    return {
        "date": record.as_of,
        "measure": record.measure,
        "value": record.value,
        "qualifier": record.qualifier,
        "category": record.category,
        "claimant": record.claimant or NONE,
        "mediator": record.mediator or NONE,
        "released_by": record.released_by or NONE,
        "received_by": record.received_by or NONE,
        "agreement": record.agreement or NONE,
        "year": record.year,
    }


def _coverage(record: records.CoverageNote) -> Row:
    return {
        "date": record.date_from,
        "date_to": record.date_to,
        "scope": record.scope,
        "status": record.status,
    }


_COLUMNS: Mapping[type[Any], Callable[..., Row]] = {
    records.Exchange: _exchange,
    records.Article: _article,
    records.Publisher: _publisher,
    records.Actor: _actor,
    records.Agreement: _agreement,
    records.PublishedTotal: _total,
    records.CoverageNote: _coverage,
}
