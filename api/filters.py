"""What the lists can be filtered by: one class per resource, one line per filter, however long.

A line holds the parameter, its documentation and its SQL. How a query is parsed is `api/params.py`'s, how
clauses are combined `db/queries/conditions.py`'s; the shorthands are `api/filterkinds.py`'s.
"""

from sqlalchemy import true

from api import filterkinds as by
from api.between import between
from api.filterkinds import FilterSet
from db import enums
from db.models import index as i
from db.normalising import table

# fmt: off
ACTOR = by.record_group(i.ActorIndex)
AGREEMENT = by.record_group(i.AgreementIndex)
ARTICLE = by.record_group(i.ArticleIndex, "publisher", "agency", "language", "link_status")
COVERAGE = by.record_group(i.CoverageIndex)
PUBLISHER = by.record_group(i.PublisherIndex)
TOTAL = by.record_group(i.TotalIndex)


class ExchangeFilters(FilterSet):
    """Filters of exchanges; the lists of their parts take them too."""

    table = table(i.ExchangeIndex)

    mediator = by.actor(by.MEDIATION, i.MediationIndex.actor, "Brokered by one of these: somebody asserts it as mediator, facilitator or host. `none`: nobody does.", "UAE", none=True, absence=True)
    mediator_role = by.words(by.MEDIATION, i.MediationIndex.role, enums.MediationRole, "What the mediator did; without it all roles but `transit` match.", "host", sisters=by.REPEATED)
    mediator_claimant = by.actor(by.MEDIATION, i.MediationIndex.claimant, "Who says that the mediator brokered it; `none`: the article's own voice.", none=True)
    stance = by.words(by.MEDIATION, i.MediationIndex.stance, enums.Stance, "`denies` asks for mediations that somebody denies; without it only asserted ones match.", "denies", sisters=by.REPEATED)
    party = by.facet("exchange", "party", "actor", "One of these is a party of the exchange.", "russia")
    released_by = by.end_of_direction(i.ClaimIndex.released_by, i.FigureIndex.released_by, "A counted claim says that one of these let people go.")
    received_by = by.end_of_direction(i.ClaimIndex.received_by, i.FigureIndex.received_by, "A counted claim says that one of these took people in.")
    claimant = by.actor(by.CLAIM, i.ClaimIndex.claimant, "A counted claim is made by one of these; `none`: by the article's own voice.", none=True)
    category = by.words(by.CLAIM, i.ClaimIndex.category, enums.Category, "A counted claim is about such people.", "wounded", sisters=by.REPEATED)
    rank = by.words(by.CLAIM, i.ClaimIndex.rank, enums.Rank, "A claim, counted or not, has one of these ranks.", "deprecated", sisters=by.REPEATED)
    covers = by.words(by.CLAIM, i.ClaimIndex.covers, enums.Covers, "A claim, counted or not, covers these of the people.", "fragment", sisters=by.REPEATED)
    kind = by.words(by.EXCHANGE, i.ExchangeIndex.kind, enums.ExchangeKind, "The exchange is of one of these kinds.", "prisoner_exchange")
    status = by.words(by.EXCHANGE, i.ExchangeIndex.status, enums.ExchangeStatus, "The exchange has come so far.", "completed")
    agreement = by.agreement(by.EXCHANGE, i.ExchangeIndex.agreement, "The exchange carries out one of these agreements, by id; `none`: no agreement.")
    article, publisher, agency = by.sources("exchange", "The exchange")
    date_from = by.above(by.EXCHANGE, i.ExchangeIndex.date, "The exchange began on this day or later.", "2024-01-01", by.Day)
    date_to = by.below(by.EXCHANGE, i.ExchangeIndex.date, "The exchange began on this day or earlier.", "2024-12-31", by.Day)
    year = by.value(by.EXCHANGE, i.ExchangeIndex.year, by.Year, "The exchange began in one of these years.", 2024)
    min_persons = by.min_persons("At least so many living people (best figure): in the direction asked for by `released_by` or `received_by`, else in all.", 100)
    max_persons = by.max_persons("At most so many living people (best figure), likewise.", 500)
    disputed = by.flag(by.FIGURE, i.FigureIndex.disputed, "Whether two claimants state different exact values for a figure (of the direction asked for).")
    disputed_by_parties = by.flag(by.FIGURE, i.FigureIndex.disputed_by_parties, "Whether releaser and receiver state different exact values for a figure (of the direction asked for).")
    attestation = by.words(by.FIGURE, i.FigureIndex.attestation, enums.Attestation, "Who stands behind a figure (of the direction asked for).", "receiver_only", sisters=by.REPEATED)
    has_figures = by.flag(by.FIGURE, true(), "Whether there is any figure (of the direction asked for).")
    min_sources = by.above(by.EXCHANGE, i.ExchangeIndex.sources, "At least so many independent sources: distinct agencies or publishers.", 3)
    has_overlaps = by.flag(by.EXCHANGE, i.ExchangeIndex.has_overlaps, "Whether other exchanges already counted some of the same people.")
    q = by.search(by.EXCHANGE, i.ExchangeIndex, "All these words are in the record: in summary, place or notes; or the names of actors and publishers, in any spelling.", "bodies UAE")


class ArticleExchangeFilters(ExchangeFilters):
    """Filters of the exchanges that cite one article, which the path names."""

    article = by.LEFT_OUT


class FigureFilters(ExchangeFilters):
    """Filters of figures: those of exchanges, and those that the figure itself must meet."""

    table = table(i.FigureIndex)

    exchange = by.exchange_id(by.FIGURE, i.FigureIndex.exchange_id)
    released_by = by.actor(by.FIGURE, i.FigureIndex.released_by, "The figure counts people whom one of these let go.", sisters=by.OF_ONE)
    received_by = by.actor(by.FIGURE, i.FigureIndex.received_by, "The figure counts people whom one of these took in.", sisters=by.OF_ONE)
    min_persons = by.min_persons("At least so many living people (best figure): in the figure's direction if `released_by` or `received_by` is given, else in all of the exchange.", 100, by.PERSONS_OF_FIGURE)
    max_persons = by.max_persons("At most so many living people (best figure), likewise.", 500, by.PERSONS_OF_FIGURE)
    measure = by.words(by.FIGURE, i.FigureIndex.measure, enums.Measure, "The figure measures one of these.", "persons")
    min_best = by.above(by.FIGURE, i.FigureIndex.best, "The figure is at least so high (best).", 100)
    max_best = by.below(by.FIGURE, i.FigureIndex.best, "The figure is at most so high (best).", 500)
    disputed = by.flag(by.FIGURE, i.FigureIndex.disputed, "Whether two claimants state different exact values.")
    disputed_by_parties = by.flag(by.FIGURE, i.FigureIndex.disputed_by_parties, "Whether releaser and receiver do.")
    attestation = by.words(by.FIGURE, i.FigureIndex.attestation, enums.Attestation, "Who stands behind the figure.", "receiver_only")
    min_sources = by.above(by.FIGURE, i.FigureIndex.sources, "At least so many independent sources stand behind the best value.", 3)
    max_sources = by.below(by.FIGURE, i.FigureIndex.sources, "At most so many independent sources stand behind the best value.", 1)
    claimant = by.actor(by.CLAIM_OF_FIGURE, i.ClaimIndex.claimant, "A counted claim of the figure's direction is made by one of these; `none`: by the article's own voice.", none=True)
    category = by.words(by.CLAIM_OF_FIGURE, i.ClaimIndex.category, enums.Category, "A counted claim of the figure's direction is about such people.", "wounded", sisters=by.REPEATED)
    rank = by.words(by.CLAIM_OF_FIGURE, i.ClaimIndex.rank, enums.Rank, "A claim of the figure's direction, counted or not, has one of these ranks.", "deprecated", sisters=by.REPEATED)
    covers = by.words(by.CLAIM_OF_FIGURE, i.ClaimIndex.covers, enums.Covers, "A claim of the figure's direction, counted or not, covers these of the people.", "fragment", sisters=by.REPEATED)
    article, publisher, agency = by.sources("figure", "What stands behind the figure")
    has_figures = by.LEFT_OUT


class DisagreementFilters(FigureFilters):
    """Filters of figures for which claimants state different values."""

    between = between("These two claimants state a value each, and not the same; `none`: the article's own voice.", "ukraine")


class StatsFilters(ExchangeFilters):
    """Filters of statistics: those of exchanges, but that the ends choose which directions are summed."""

    released_by = by.actor(by.FIGURE, i.FigureIndex.released_by, "Sums the people whom one of these let go; all other filters choose exchanges.", sisters=by.OF_ONE)
    received_by = by.actor(by.FIGURE, i.FigureIndex.received_by, "Sums the people whom one of these took in; all other filters choose exchanges.", sisters=by.OF_ONE)


class ClaimFilters(ExchangeFilters):
    """Filters of claims: those of exchanges, and those that the claim itself must meet."""

    table = table(i.ClaimIndex)

    exchange = by.exchange_id(by.CLAIM, i.ClaimIndex.exchange_id)
    direction = by.direction(by.CLAIM, i.ClaimIndex.direction, "The claim is about this direction: who releases, a full stop, who receives.")
    min_count = by.above(by.CLAIM, i.ClaimIndex.count, "The claim counts at least so many people.", 100)
    max_count = by.below(by.CLAIM, i.ClaimIndex.count, "The claim counts at most so many people.", 500)
    qualifier = by.words(by.CLAIM, i.ClaimIndex.qualifier, enums.Qualifier, "The count is worded so.", "exact")
    counts = by.flag(by.CLAIM, i.ClaimIndex.counts, "Whether the figures rule counts the claim.")
    article, publisher, agency = by.sources("claim", "The claim")


class MediationFilters(ExchangeFilters):
    """Filters of mediations: those of exchanges, and those that the mediation itself must meet."""

    table = table(i.MediationIndex)

    exchange = by.exchange_id(by.MEDIATION, i.MediationIndex.exchange_id)
    mediator = by.actor(by.MEDIATION, i.MediationIndex.actor, "One of these brokered it: as mediator, facilitator or host, and asserted, unless `mediator_role` or `stance` say otherwise.", "UAE")
    article, publisher, agency = by.sources("mediation", "The mediation")


class ArticleFilters(FilterSet):
    """Filters of articles."""

    table = table(i.ArticleIndex)

    url = by.page_url(ARTICLE, i.ArticleIndex.url_key, "The address of the page; `www.`, the scheme and the parameters `utm_…`, `fbclid` and `gclid` make no difference.")
    publisher = by.publisher(ARTICLE, i.ArticleIndex.publisher, "Published by one of these.", "tass")
    agency = by.publisher(ARTICLE, i.ArticleIndex.agency, "The text is one of these agencies'; `none`: no agency's.", "reuters", none=True)
    language = by.value(ARTICLE, i.ArticleIndex.language, by.Code, "Written in one of these languages, ISO 639.", "uk")
    link_status = by.words(ARTICLE, i.ArticleIndex.link_status, enums.LinkStatus, "What the last check of the link found.", "unchecked")
    date_from = by.above(ARTICLE, i.ArticleIndex.published_on, "Published on this day or later.", "2024-01-01", by.Day)
    date_to = by.below(ARTICLE, i.ArticleIndex.published_on, "Published on this day or earlier.", "2024-12-31", by.Day)
    q = by.search(ARTICLE, i.ArticleIndex, "All these words are in the title, or name its publisher or agency.", "prisoner swap")


class PublisherFilters(FilterSet):
    """Filters of publishers."""

    table = table(i.PublisherIndex)

    is_agency = by.flag(PUBLISHER, i.PublisherIndex.is_agency, "Whether others carry its text.")
    q = by.search(PUBLISHER, i.PublisherIndex, "All these words are in one of its names.", "Ukrainska Pravda")


class ActorFilters(FilterSet):
    """Filters of actors."""

    table = table(i.ActorIndex)

    kind = by.words(ACTOR, i.ActorIndex.kind, enums.ActorKind, "The actor is of one of these kinds.", "state")
    q = by.search(ACTOR, i.ActorIndex, "All these words are in one of its names, in any script.", "ОАЭ")


class AgreementFilters(FilterSet):
    """Filters of agreements."""

    table = table(i.AgreementIndex)

    party = by.facet("agreement", "party", "actor", "One of these is a party of the agreement.", "russia")
    mediator = by.facet("agreement", "mediator", "actor", "Somebody asserts that one of these brokered it, as mediator, facilitator or host; `none`: nobody does.", "turkey", none=True)
    status = by.words(AGREEMENT, i.AgreementIndex.status, enums.AgreementStatus, "What became of the agreement.", "fulfilled")
    date_from = by.above(AGREEMENT, i.AgreementIndex.date, "Reached on this day or later.", "2024-01-01", by.Day)
    date_to = by.below(AGREEMENT, i.AgreementIndex.date, "Reached on this day or earlier.", "2025-12-31", by.Day)
    article, publisher, agency = by.sources("agreement", "The agreement")
    q = by.search(AGREEMENT, i.AgreementIndex, "All these words are in the record, or name its actors or publishers.", "Istanbul")


class TotalFilters(FilterSet):
    """Filters of published totals."""

    table = table(i.TotalIndex)

    claimant = by.actor(TOTAL, i.TotalIndex.claimant, "Announced by one of these; `none`: the article's own voice.", "uae", none=True, sisters=by.OF_ONE)
    party = by.facet("total", "party", "actor", "It counts exchanges of one of these parties.", "russia")
    mediator = by.actor(TOTAL, i.TotalIndex.mediator, "It counts only exchanges that one of these brokered; `none`: whoever did.", "UAE", none=True, sisters=by.OF_ONE)
    released_by = by.actor(TOTAL, i.TotalIndex.released_by, "It counts only people whom one of these let go; `none`: whoever did.", none=True, sisters=by.OF_ONE)
    received_by = by.actor(TOTAL, i.TotalIndex.received_by, "It counts only people whom one of these took in; `none`: whoever did.", none=True, sisters=by.OF_ONE)
    agreement = by.agreement(TOTAL, i.TotalIndex.agreement, "It counts only exchanges of this agreement, by id; `none`: of any and none.")
    measure = by.words(TOTAL, i.TotalIndex.measure, enums.TotalMeasure, "What it counts.", "persons")
    category = by.words(TOTAL, i.TotalIndex.category, enums.Category, "Whom it counts.", "child")
    qualifier = by.words(TOTAL, i.TotalIndex.qualifier, enums.Qualifier, "The total is worded so.", "exact")
    year = by.value(TOTAL, i.TotalIndex.year, by.Year, "It counts this one year.", 2024)
    min_value = by.above(TOTAL, i.TotalIndex.value, "The total is at least so high.", 1000)
    max_value = by.below(TOTAL, i.TotalIndex.value, "The total is at most so high.", 5000)
    date_from = by.above(TOTAL, i.TotalIndex.date, "It speaks of this day or later.", "2024-01-01", by.Day)
    date_to = by.below(TOTAL, i.TotalIndex.date, "It speaks of this day or earlier.", "2024-12-31", by.Day)
    article, publisher, agency = by.sources("total", "The total")


class ReconciliationFilters(FilterSet):
    """What chooses the published totals that are set against our own sums."""

    table = table(i.TotalIndex)

    claimant = TotalFilters.claimant
    mediator = TotalFilters.mediator
    received_by = TotalFilters.received_by
    category = TotalFilters.category
    measure = by.words(TOTAL, i.TotalIndex.measure, enums.TotalMeasure, "What it counts; `persons` if left out.", "persons")


class CoverageFilters(FilterSet):
    """Filters of coverage notes."""

    table = table(i.CoverageIndex)

    scope = by.words(COVERAGE, i.CoverageIndex.scope, enums.ExchangeKind, "The kind of exchange that it is about.", "remains")
    status = by.words(COVERAGE, i.CoverageIndex.status, enums.CoverageStatus, "What is known about the gap.", "suspected_missing")
    date_from = by.above(COVERAGE, i.CoverageIndex.date_to, "The gap ends on this day or later.", "2022-01-01", by.Day)
    date_to = by.below(COVERAGE, i.CoverageIndex.date, "The gap begins on this day or earlier.", "2022-12-31", by.Day)
