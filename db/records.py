"""The published records: what an exchange, a claim, an article… IS when it is served.

The OpenAPI file publishes these models and the write path renders bodies with them, so that answer and
contract cannot differ. How the derived fields come about is in `db/rendering.py` and `db/figures.py`.
"""

import datetime as dt
from typing import Annotated

from pydantic import Field

from db import enums, inputs
from db.fields import (
    Attestation,
    ExchangeKind,
    Measure,
    MediationRole,
    Model,
    described,
)

RevisionNumber = Annotated[int, Field(ge=1)]
REVISION = "How many times the record has been written."
CREATED = "When the record was first written."
UPDATED = "When the record was last written."
ARTICLES = "The articles that are cited, in the order of their ids."
SOURCE_URL = "The one article to read first."
MOMENT = "2026-11-24T12:00:00.000000Z"
ARTICLE_URL = "https://example.org/news/1"
CITED = {
    "id": "al-jazeera-2024-12-30",
    "url": ARTICLE_URL,
    "title": None,
    "publisher": "al-jazeera",
    "agency": None,
    "published_on": "2024-12-30",
    "language": "en",
}


class SelfLinks(Model):
    """Where the record is found."""

    self: str = described("Path of the record.", "/v1/actors/uae")


class ExchangeLinks(SelfLinks):
    """Where the record and its parts are found."""

    claims: str = described("Path of its claims.", "/v1/claims?exchange=2024-12-30-russia-ukraine")
    mediations: str = described(
        "Path of its mediations.", "/v1/mediations?exchange=2024-12-30-russia-ukraine"
    )
    figures: str = described("Path of its figures.", "/v1/figures?exchange=2024-12-30-russia-ukraine")
    agreement: str | None = described("Path of the agreement it carries out, or null.", None)


class PartLinks(SelfLinks):
    """Where a part of an exchange is found, and the exchange."""

    exchange: str = described("Path of its exchange.", "/v1/exchanges/2024-12-30-russia-ukraine")


class FigureLinks(Model):
    """Where the exchange of a figure is found."""

    exchange: str = described("Path of its exchange.", "/v1/exchanges/2024-12-30-russia-ukraine")


class WithExchangesLinks(SelfLinks):
    """Where the record is found, and the exchanges that have to do with it."""

    exchanges: str = described("Path of the exchanges.", "/v1/exchanges?party=uae")


class CitedArticle(Model):
    """An article as the records that cite it show it."""

    id: str = described("The id of the article.", "al-jazeera-2024-12-30")
    url: str = described("The address of the page.", ARTICLE_URL)
    title: str | None = described("The title, or null.", None)
    publisher: str = described("Id of the publisher.", "al-jazeera")
    agency: str | None = described("Id of the agency that the text came from, or null.", None)
    published_on: dt.date | None = described("The day of publication, or null.", "2024-12-30")
    language: str = described("Language of the page, ISO 639.", "en")


class ClaimantValue(Model):
    """The value that one claimant states for a measure."""

    claimant: str | None = described("Id of the claimant; null is the article's own voice.", "ukraine")
    value: int = described("The number that the claimant states.", 189)
    qualifier: enums.Qualifier = described("How the number is worded.", "exact")
    claims: tuple[str, ...] = described("Ids of the claims behind it.", ["2024-12-30-russia-ukraine:c1"])


class ExchangeFigure(Model):
    """How many were handed over in one direction, derived from the claims by the figures rule."""

    released_by: str = described("Id of the releasing actor.", "russia")
    received_by: str = described("Id of the receiving actor.", "ukraine")
    measure: Measure = described("Who is measured; `persons` is living people.", "persons")
    low: int = described("The lowest count that any counted claim gives.", 150)
    best: int = described("The count taken, by the order of precedence of the rule.", 189)
    high: int = described("The highest count that any counted claim gives.", 189)
    best_claimant: str | None = described("Id of whose count is taken; null is the press.", "ukraine")
    best_qualifier: enums.Qualifier = described("How the count taken is worded.", "exact")
    disputed: bool = described("Whether two claimants state different exact values.", example=True)
    disputed_by_parties: bool = described("Whether releaser and receiver do.", example=True)
    attestation: Attestation = described("Who stands behind the figure.", "both_parties")
    independent_sources: int = described("Distinct agencies or publishers behind `best`.", 4)
    by_claimant: tuple[ClaimantValue, ...] = described("Each claimant's own value.", [])


class Persons(Model):
    """Living people handed over, all directions together; null where no direction has a figure."""

    low: int | None = described("Sum of the low figures.", 300)
    best: int | None = described("Sum of the best figures.", 339)
    high: int | None = described("Sum of the high figures.", 339)
    both_directions: bool = described("Whether figures are known for both directions.", example=True)


class ExchangeMediation(inputs.MediationInput):
    """A mediation as its exchange or agreement shows it."""


class ExchangeClaim(inputs.ClaimInput):
    """A claim as its exchange shows it."""


class Exchange(inputs.ExchangeInput):
    """One handover event with its claims, the figures derived from them, and its articles."""

    mediations: tuple[ExchangeMediation, ...] = described("Who is said to have brokered it.", [])
    claims: tuple[ExchangeClaim, ...] = described("Who says how many were handed over.", [])
    figures: tuple[ExchangeFigure, ...] = described("Low, best and high for each direction and measure.", [])
    persons: Persons = described(
        "Living people in all directions.",
        {"low": 300, "best": 339, "high": 339, "both_directions": True},
    )
    figures_rule: int = described("Version of the rule that the figures follow.", 1)
    independent_sources: int = described("Distinct agencies or publishers among the articles.", 7)
    source_url: str = described(SOURCE_URL, ARTICLE_URL)
    articles: tuple[CitedArticle, ...] = described(ARTICLES, [CITED], min_length=1)
    revision: RevisionNumber = described(REVISION, 1)
    created_at: dt.datetime = described(CREATED, MOMENT)
    updated_at: dt.datetime = described(UPDATED, MOMENT)
    links: ExchangeLinks = described(
        "Related paths.",
        {
            "self": "/v1/exchanges/2024-12-30-russia-ukraine",
            "claims": "/v1/claims?exchange=2024-12-30-russia-ukraine",
            "mediations": "/v1/mediations?exchange=2024-12-30-russia-ukraine",
            "figures": "/v1/figures?exchange=2024-12-30-russia-ukraine",
            "agreement": None,
        },
    )


class _Part(Model):
    exchange: str = described("Id of the exchange.", "2024-12-30-russia-ukraine")
    exchange_date: dt.date = described("The day of the exchange.", "2024-12-30")
    exchange_kind: ExchangeKind = described("The kind of the exchange.", "prisoner_exchange")
    source_url: str = described(SOURCE_URL, ARTICLE_URL)
    articles: tuple[CitedArticle, ...] = described(ARTICLES, [CITED], min_length=1)


_PART_LINKS = {
    "self": "/v1/claims/2024-12-30-russia-ukraine:c1",
    "exchange": "/v1/exchanges/2024-12-30-russia-ukraine",
}


class Claim(_Part, inputs.ClaimInput):
    """A claim on its own, with its exchange and its articles."""

    counts: bool = described("Whether the figures rule counts it.", example=True)
    links: PartLinks = described("Related paths.", _PART_LINKS)


class Mediation(_Part, inputs.MediationInput):
    """A mediation on its own, with its exchange and its articles."""

    links: PartLinks = described("Related paths.", _PART_LINKS)


class Figure(_Part, ExchangeFigure):
    """A figure on its own, with its exchange and the articles behind it."""

    figures_rule: int = described("Version of the rule that the figure follows.", 1)
    links: FigureLinks = described("Related paths.", {"exchange": "/v1/exchanges/2024-12-30-russia-ukraine"})


class Article(inputs.ArticleInput):
    """A citing page."""

    revision: RevisionNumber = described(REVISION, 1)
    created_at: dt.datetime = described(CREATED, MOMENT)
    updated_at: dt.datetime = described(UPDATED, MOMENT)
    links: WithExchangesLinks = described(
        "Related paths.",
        {
            "self": "/v1/articles/al-jazeera-2024-12-30",
            "exchanges": "/v1/articles/al-jazeera-2024-12-30/exchanges",
        },
    )


class Publisher(inputs.PublisherInput):
    """A publisher or news agency."""

    revision: RevisionNumber = described(REVISION, 1)
    created_at: dt.datetime = described(CREATED, MOMENT)
    updated_at: dt.datetime = described(UPDATED, MOMENT)
    links: WithExchangesLinks = described(
        "Related paths.",
        {"self": "/v1/publishers/al-jazeera", "exchanges": "/v1/exchanges?publisher=al-jazeera"},
    )


class Actor(inputs.ActorInput):
    """A state, organisation, armed group or coalition."""

    revision: RevisionNumber = described(REVISION, 1)
    created_at: dt.datetime = described(CREATED, MOMENT)
    updated_at: dt.datetime = described(UPDATED, MOMENT)
    links: WithExchangesLinks = described(
        "Related paths.", {"self": "/v1/actors/uae", "exchanges": "/v1/exchanges?party=uae"}
    )


class Term(inputs.TermInput):
    """One promise of an agreement."""


class Agreement(inputs.AgreementInput):
    """What parties promised each other."""

    mediations: tuple[ExchangeMediation, ...] = described("Who is said to have brokered it.", [])
    terms: tuple[Term, ...] = described("What was promised.", [])
    source_url: str = described(SOURCE_URL, ARTICLE_URL)
    articles: tuple[CitedArticle, ...] = described(ARTICLES, [CITED], min_length=1)
    revision: RevisionNumber = described(REVISION, 1)
    created_at: dt.datetime = described(CREATED, MOMENT)
    updated_at: dt.datetime = described(UPDATED, MOMENT)
    links: WithExchangesLinks = described(
        "Related paths.",
        {
            "self": "/v1/agreements/istanbul-2025-05-16",
            "exchanges": "/v1/exchanges?agreement=istanbul-2025-05-16",
        },
    )


class PublishedTotal(inputs.TotalInput):
    """A running total that somebody announced."""

    source_url: str = described(SOURCE_URL, ARTICLE_URL)
    articles: tuple[CitedArticle, ...] = described(ARTICLES, [CITED], min_length=1)
    revision: RevisionNumber = described(REVISION, 1)
    created_at: dt.datetime = described(CREATED, MOMENT)
    updated_at: dt.datetime = described(UPDATED, MOMENT)
    links: SelfLinks = described("Related paths.", {"self": "/v1/totals/total-0100"})


class CoverageNote(inputs.CoverageInput):
    """A known gap of the dataset."""

    revision: RevisionNumber = described(REVISION, 1)
    created_at: dt.datetime = described(CREATED, MOMENT)
    updated_at: dt.datetime = described(UPDATED, MOMENT)
    links: SelfLinks = described("Related paths.", {"self": "/v1/coverage/2022-summer"})


class MediationCount(Model):
    """In how many exchanges an actor is said to have had a role, by who says so."""

    role: MediationRole = described("The role.", "mediator")
    stance: enums.Stance = described("Whether it is asserted or denied.", "asserts")
    claimant: str | None = described("Id of who says so; null is the article's own voice.", "ukraine")
    exchanges: int = described("In how many exchanges.", 30)


class Mediator(Model):
    """An actor that is said, or denied, to have brokered exchanges."""

    id: str = described("Id of the actor.", "uae")
    exchanges: int = described("Exchanges where it is asserted to be mediator, facilitator or host.", 30)
    counts: tuple[MediationCount, ...] = described("The same by role, stance and claimant.", [])
    links: WithExchangesLinks = described(
        "Related paths.", {"self": "/v1/mediators/uae", "exchanges": "/v1/exchanges?mediator=uae"}
    )
