"""From what a curator wrote to the record that is served: the derived fields of `db/records.py`.

Pure functions; figures come from `db/figures.py`, rows from `db/normalising.py` and `db/indexing.py`.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from db import figures, records
from db.enums import Measure, Resource
from db.fields import Model
from db.inputs import (
    ActorInput,
    AgreementInput,
    ArticleInput,
    CoverageInput,
    ExchangeInput,
    PublisherInput,
    TotalInput,
)
from db.records import CitedArticle

Input = (
    PublisherInput | ActorInput | ArticleInput | AgreementInput | ExchangeInput | TotalInput | CoverageInput
)
Record = (
    records.Publisher
    | records.Actor
    | records.Article
    | records.Agreement
    | records.Exchange
    | records.PublishedTotal
    | records.CoverageNote
)
Articles = Mapping[str, CitedArticle]

# In the order of dependence: what a record refers to comes before it.
RESOURCE_OF: Mapping[type[Input], Resource] = {
    PublisherInput: Resource.PUBLISHER,
    ActorInput: Resource.ACTOR,
    ArticleInput: Resource.ARTICLE,
    AgreementInput: Resource.AGREEMENT,
    ExchangeInput: Resource.EXCHANGE,
    TotalInput: Resource.TOTAL,
    CoverageInput: Resource.COVERAGE,
}
INPUT_OF: Mapping[Resource, type[Input]] = {resource: model for model, resource in RESOURCE_OF.items()}
RECORD_OF: Mapping[Resource, type[Record]] = {
    Resource.PUBLISHER: records.Publisher,
    Resource.ACTOR: records.Actor,
    Resource.ARTICLE: records.Article,
    Resource.AGREEMENT: records.Agreement,
    Resource.EXCHANGE: records.Exchange,
    Resource.TOTAL: records.PublishedTotal,
    Resource.COVERAGE: records.CoverageNote,
}
# Plural words of the paths and the files.
PLURAL: Mapping[Resource, str] = {
    Resource.PUBLISHER: "publishers",
    Resource.ACTOR: "actors",
    Resource.ARTICLE: "articles",
    Resource.AGREEMENT: "agreements",
    Resource.EXCHANGE: "exchanges",
    Resource.TOTAL: "totals",
    Resource.COVERAGE: "coverage",
}


@dataclass(frozen=True)
class Stamp:
    """The fields of a record that come from its history."""

    revision: int
    created_at: dt.datetime
    updated_at: dt.datetime


def written(resource: Resource, body: str) -> dict[str, Any]:
    """Give what curators wrote of a record's body, without what is derived."""
    own = INPUT_OF[resource].model_fields
    return {name: value for name, value in json.loads(body).items() if name in own}


def cited_article(article: Input) -> CitedArticle:
    """Give an article as the records that cite it show it."""
    return CitedArticle(**{name: getattr(article, name) for name in CitedArticle.model_fields})


def render(item: Input, articles: Articles, stamp: Stamp) -> Record:
    """Give the record of an input. `articles` must hold every article that it cites."""
    renderer: Callable[..., Record] = _RENDERERS[type(item)]
    return renderer(item, articles, stamp)


def citations_of(item: Input) -> tuple[str, ...]:
    """Give the ids of all articles that the record of an input shows."""
    return item.citations if isinstance(item, AgreementInput | ExchangeInput | TotalInput) else ()


def source_of(article: CitedArticle) -> str:
    """Give whose word an article is: its agency's, else its publisher's."""
    return article.agency or article.publisher


def claims_of(exchange: records.Exchange) -> tuple[records.Claim, ...]:
    """Give the claims of an exchange as they are served on their own."""
    support = _support(exchange)
    return tuple(
        records.Claim(
            **_fields(claim),
            **_part(exchange, claim.citations, support),
            counts=figures.counts(claim),
            links=_part_links("claims", claim.id, exchange.id),
        )
        for claim in exchange.claims
    )


def mediations_of(exchange: records.Exchange) -> tuple[records.Mediation, ...]:
    """Give the mediations of an exchange as they are served on their own."""
    support = _support(exchange)
    return tuple(
        records.Mediation(
            **_fields(mediation),
            **_part(exchange, mediation.citations, support),
            links=_part_links("mediations", mediation.id, exchange.id),
        )
        for mediation in exchange.mediations
    )


def figures_of(exchange: records.Exchange) -> tuple[records.Figure, ...]:
    """Give the figures of an exchange as they are served on their own; they cite what `best` rests on."""
    support = _support(exchange)
    return tuple(
        records.Figure(
            **_fields(figure),
            **_part(exchange, _behind_best(figure, exchange), support),
            figures_rule=exchange.figures_rule,
            links=records.FigureLinks(exchange=_path("exchanges", exchange.id)),
        )
        for figure in exchange.figures
    )


def _exchange(item: ExchangeInput, articles: Articles, stamp: Stamp) -> records.Exchange:
    cited = _cited(item.citations, articles)
    derived = figures.figures(item, {article.id: source_of(article) for article in cited})
    agreement = None if item.agreement is None else _path("agreements", item.agreement)
    return records.Exchange(
        **_fields(item, "mediations", "claims"),
        mediations=_as_shown(item),
        claims=tuple(records.ExchangeClaim(**_fields(claim)) for claim in item.claims),
        figures=derived,
        persons=figures.persons(derived),
        figures_rule=figures.FIGURES_RULE,
        independent_sources=len({source_of(article) for article in cited}),
        source_url=_source_url(_first_to_read(item, derived), articles, _support(item)),
        articles=cited,
        links=records.ExchangeLinks(
            self=_path("exchanges", item.id),
            claims=f"/v1/claims?exchange={item.id}",
            mediations=f"/v1/mediations?exchange={item.id}",
            figures=f"/v1/figures?exchange={item.id}",
            agreement=agreement,
        ),
        **_stamped(stamp),
    )


def _first_to_read(item: ExchangeInput, derived: Iterable[records.ExchangeFigure]) -> Iterable[str]:
    """Give the articles behind the best figure of the larger direction: of persons, else of what there is."""
    by_measure: dict[Measure, list[records.ExchangeFigure]] = {}
    for figure in derived:
        by_measure.setdefault(figure.measure, []).append(figure)
    for measure in Measure:
        if measure in by_measure:
            largest = max(figure.best for figure in by_measure[measure])
            return {
                article
                for figure in by_measure[measure]
                if figure.best == largest
                for article in _behind_best(figure, item)
            }
    return item.citations


def _behind_best(figure: records.ExchangeFigure, item: ExchangeInput) -> tuple[str, ...]:
    behind = {
        claim
        for value in figure.by_claimant
        if value.claimant == figure.best_claimant
        for claim in value.claims
    }
    cited = {article for claim in item.claims if claim.id in behind for article in claim.citations}
    return tuple(sorted(cited))


def _agreement(item: AgreementInput, articles: Articles, stamp: Stamp) -> records.Agreement:
    support = Counter(article for term in item.terms for article in term.citations)
    return records.Agreement(
        **_fields(item, "mediations", "terms"),
        mediations=_as_shown(item),
        terms=tuple(records.Term(**_fields(term)) for term in item.terms),
        source_url=_source_url(item.citations, articles, support),
        articles=_cited(item.citations, articles),
        links=_with_exchanges("agreements", item.id, f"/v1/exchanges?agreement={item.id}"),
        **_stamped(stamp),
    )


def _total(item: TotalInput, articles: Articles, stamp: Stamp) -> records.PublishedTotal:
    return records.PublishedTotal(
        **_fields(item),
        source_url=_source_url(item.citations, articles, Counter()),
        articles=_cited(item.citations, articles),
        links=records.SelfLinks(self=_path("totals", item.id)),
        **_stamped(stamp),
    )


def _article(item: ArticleInput, _: Articles, stamp: Stamp) -> records.Article:
    links = _with_exchanges("articles", item.id, f"/v1/articles/{item.id}/exchanges")
    return records.Article(**_fields(item), links=links, **_stamped(stamp))


def _publisher(item: PublisherInput, _: Articles, stamp: Stamp) -> records.Publisher:
    links = _with_exchanges("publishers", item.id, f"/v1/exchanges?publisher={item.id}")
    return records.Publisher(**_fields(item), links=links, **_stamped(stamp))


def _actor(item: ActorInput, _: Articles, stamp: Stamp) -> records.Actor:
    links = _with_exchanges("actors", item.id, f"/v1/exchanges?party={item.id}")
    return records.Actor(**_fields(item), links=links, **_stamped(stamp))


def _coverage(item: CoverageInput, _: Articles, stamp: Stamp) -> records.CoverageNote:
    links = records.SelfLinks(self=_path("coverage", item.id))
    return records.CoverageNote(**_fields(item), links=links, **_stamped(stamp))


_RENDERERS: Mapping[type[Input], Callable[..., Record]] = {
    PublisherInput: _publisher,
    ActorInput: _actor,
    ArticleInput: _article,
    AgreementInput: _agreement,
    ExchangeInput: _exchange,
    TotalInput: _total,
    CoverageInput: _coverage,
}


def _fields(model: Model, *without: str) -> dict[str, object]:
    return {name: value for name, value in vars(model).items() if name not in without}


def _stamped(stamp: Stamp) -> dict[str, object]:
    return {"revision": stamp.revision, "created_at": stamp.created_at, "updated_at": stamp.updated_at}


def _as_shown(item: ExchangeInput | AgreementInput) -> tuple[records.ExchangeMediation, ...]:
    return tuple(records.ExchangeMediation(**_fields(mediation)) for mediation in item.mediations)


def _path(plural: str, record_id: str) -> str:
    return f"/v1/{plural}/{record_id}"


def _part_links(plural: str, part_id: str, exchange_id: str) -> records.PartLinks:
    return records.PartLinks(self=_path(plural, part_id), exchange=_path("exchanges", exchange_id))


def _with_exchanges(plural: str, record_id: str, exchanges: str) -> records.WithExchangesLinks:
    return records.WithExchangesLinks(self=_path(plural, record_id), exchanges=exchanges)


def _cited(citations: Iterable[str], articles: Articles) -> tuple[CitedArticle, ...]:
    return tuple(articles[article_id] for article_id in sorted(citations))


def _support(item: ExchangeInput) -> Counter[str]:
    """Count for each article the claims that it supports."""
    return Counter(article for claim in item.claims for article in claim.citations)


def _source_url(candidates: Iterable[str], articles: Articles, support: Counter[str]) -> str:
    """Choose the article to read first: most claims, then the earliest published, then by id."""

    def order(article: CitedArticle) -> tuple[int, dt.date, str]:
        return -support[article.id], article.published_on or dt.date.max, article.id

    return min((articles[candidate] for candidate in candidates), key=order).url


def _part(exchange: records.Exchange, citations: Iterable[str], support: Counter[str]) -> dict[str, object]:
    articles = {article.id: article for article in exchange.articles}
    return {
        "exchange": exchange.id,
        "exchange_date": exchange.date,
        "exchange_kind": exchange.kind,
        "source_url": _source_url(citations, articles, support),
        "articles": _cited(citations, articles),
    }
