"""What the dataset is checked by: reconciled totals, the progress of agreements, disagreements.

The published shapes of what is computed over records; how it is computed is in `db/reconciling.py`,
`db/progress.py` and `db/queries/disagreements.py`. The stored records are `db/records.py`'s.
"""

import datetime as dt
from typing import Annotated

from db import enums
from db.fields import Category, ExchangeKind, Measure, Model, TotalMeasure, described, open_word
from db.records import (
    ARTICLES,
    CITED,
    CitedArticle,
    ClaimantValue,
    CoverageNote,
    Figure,
    PublishedTotal,
    Term,
)

Basis = Annotated[enums.Basis, open_word(enums.Basis)]

SERIES = "uae.persons.total.russia.ukraine.mediator-uae"
BASIS = "`own_value`: the claimant's own; `best`: the best figure, as the claimant states none; "


class SeriesScope(Model):
    """What a series of published totals counts; null is no limit."""

    series: str = described("The id of the series, made of its scope.", SERIES)
    claimant: str | None = described("Id of who announced it; null is the article's own voice.", "uae")
    measure: TotalMeasure = described("What it counts.", "persons")
    category: Category = described("Whom it counts.", "total")
    parties: tuple[str, ...] = described(
        "Ids of the parties: exchanges between exactly these count.", ["russia", "ukraine"]
    )
    mediator: str | None = described("Id of the mediator whose exchanges count, or null.", "uae")
    released_by: str | None = described("Id of the releasing side that counts, or null for any.", None)
    received_by: str | None = described("Id of the receiving side that counts, or null for any.", None)
    since: dt.date | None = described("The day from which it counts, or null.", None)
    year: int | None = described("The one year that it counts, or null.", None)
    agreement: str | None = described("Id of the agreement whose exchanges count, or null.", None)


class StepNumbers(Model):
    """One step of a series: how far the published total rose, and what our figures sum to meanwhile."""

    total: str = described("Id of the published total that ends the step.", "total-0112")
    previous: str | None = described(
        "Id of the one before; null where the step begins where the series does.", "total-0107"
    )
    after: dt.date | None = described(
        "Exchanges after this day count; null: all of the scope up to the last day.", "2025-08-14"
    )
    until: dt.date = described("Exchanges up to this day count, the day included.", "2025-08-24")
    previous_value: int = described("The published total before; 0 where the series begins.", 4349)
    value: int = described("The published total at the end.", 4641)
    published_difference: int = described("By how much the published total rose.", 292)
    own: int = described("Sum of the claimant's own values alone.", 292)
    own_gap: int = described("The published difference less that sum.", 0)
    own_else_best: int = described("Sum of the claimant's own values, and the best figure elsewhere.", 292)
    gap: int = described("The published difference less that sum: the gap to look at.", 0)
    best: int = described("Sum of the best figures.", 300)
    best_gap: int = described("The published difference less that sum.", -8)
    exchanges_counted: int = described("How many exchanges fall into the step.", 1)
    exchanges_by_own_value: int = described(
        "In how many of them all that is known of is taken from the claimant.", 1
    )
    exchanges_without_figure: int = described(
        "For how many of them nobody gives a figure: their people are in no sum.", 0
    )


class ReconciliationStep(SeriesScope, StepNumbers):
    """A step with the scope of its series, as one flat row."""


class CountedDirection(Model):
    """What one direction of an exchange gives to a step."""

    released_by: str = described("Id of the releasing actor.", "russia")
    received_by: str = described("Id of the receiving actor.", "ukraine")
    basis: Basis = described(BASIS + "never anything else here.", "own_value")
    number: int = described("The number taken.", 146)
    own: int | None = described("What the claimant itself states, or null.", 146)
    best: int = described("The best figure.", 154)


class CountedExchange(Model):
    """What one exchange gives to a step, and on what basis."""

    exchange: str = described("Id of the exchange.", "2025-08-24-russia-ukraine")
    date: dt.date = described("The day of the exchange.", "2025-08-24")
    kind: ExchangeKind = described("The kind of the exchange.", "prisoner_exchange")
    basis: Basis = described(
        BASIS + "`mixed`: one in one direction, one in another; `no_figure`: nobody gives one.", "own_value"
    )
    number: int | None = described(
        "The number taken: of people, or 1 where exchanges are counted; null without a figure.", 292
    )
    own: int | None = described("The same by the claimant's own values alone, or null.", 292)
    best: int | None = described("The same by the best figures alone, or null.", 300)
    directions: tuple[CountedDirection, ...] = described(
        "The directions that count; none without a figure, or where exchanges are counted.", []
    )


class SeriesStep(StepNumbers):
    """A step of a series with the exchanges, articles and known gaps behind it."""

    exchanges: tuple[CountedExchange, ...] = described("The exchanges of the step, in order of date.", [])
    articles: tuple[CitedArticle, ...] = described(
        "The articles that state the totals at both ends, in the order of their ids.", [CITED]
    )
    coverage: tuple[CoverageNote, ...] = described(
        "The known gaps of such exchanges that overlap the step, by their first day.", []
    )


class SeriesTotal(Model):
    """One published total of a series."""

    total: str = described("Id of the published total.", "total-0112")
    as_of: dt.date = described("The day of which it speaks.", "2025-08-24")
    value: int = described("The total.", 4641)
    qualifier: enums.Qualifier = described("How it is worded; only `exact` ones bound steps.", "exact")


class ReconciliationSeries(SeriesScope):
    """Published totals of one claimant and scope, set against our own sums step by step."""

    totals: tuple[SeriesTotal, ...] = described("All its totals, in order of date.", [])
    baseline: str | None = described(
        "Id of the first exact total where nobody says since when it counts: it begins the first step, and "
        "ends none; else null.",
        "total-0034",
    )
    steps: tuple[SeriesStep, ...] = described("The steps, in order of date.", [])
    steps_without_gap: int = described("How many of them have a `gap` of 0.", 11)


class ClaimantSum(Model):
    """What one claimant's own values sum to over the stages of an agreement."""

    claimant: str | None = described("Id of the claimant; null is the article's own voice.", "ukraine")
    value: int = described("Sum of the claimant's own values.", 1000)
    stages: int = described("In how many stages it states one.", 3)
    stages_not_stated: int = described("In how many stages it states none.", 0)


class AgreementStage(Model):
    """One exchange that carries a term out, and the figures of it that count towards the term."""

    exchange: str = described("Id of the exchange.", "2025-05-23-russia-ukraine")
    date: dt.date = described("The day of the exchange.", "2025-05-23")
    low: int | None = described("The low figure; null where there is no figure.", 390)
    best: int | None = described("The best figure; null where there is no figure.", 390)
    high: int | None = described("The high figure; null where there is no figure.", 390)


class Delivery(Model):
    """How far a promise has been carried out: in one direction, or in both together."""

    released_by: str | None = described("Id of the releasing side; null for any.", "russia")
    received_by: str | None = described("Id of the receiving side; null for any.", "ukraine")
    promised: int | None = described("How many were promised here, or null where no number was.", 1000)
    low: int | None = described("Sum of the low figures; null where no stage has one.", 1000)
    best: int | None = described("Sum of the best figures; null where no stage has one.", 1000)
    high: int | None = described("Sum of the high figures; null where no stage has one.", 1000)
    share: float | None = described(
        "`best` by `promised`; may exceed 1. Null while any stage lacks a figure, before the first stage, "
        "and where no number was promised.",
        1.0,
    )
    stages: tuple[AgreementStage, ...] = described("The stages, in order of date.", [])
    stages_without_figure: int = described("How many of the stages have no figure.", 0)
    claimants_differ: bool = described(
        "Whether two claimants state different values for a stage.", example=True
    )
    by_claimant: tuple[ClaimantSum, ...] = described("The views of the sides: each claimant's own sum.", [])
    totals: tuple[str, ...] = described(
        "Ids of the published totals of the agreement that speak of the same people.", []
    )


class TermProgress(Term):
    """A promise of an agreement, and how far it has been carried out."""

    measure: Measure = described("The measure of the figures that count towards it.", "persons")
    deliveries: tuple[Delivery, ...] = described(
        "What was delivered: both directions apart where each side promised as much, else in one.", []
    )


class AgreementProgress(Model):
    """How far an agreement has been carried out, computed from the figures of its exchanges."""

    agreement: str = described("Id of the agreement.", "istanbul-2025-05-16")
    title: str = described("What it is called.", "Istanbul talks, first round")
    date: dt.date = described("The day it was reached.", "2025-05-16")
    exchanges: int = described("How many completed exchanges carry it out.", 3)
    terms: tuple[TermProgress, ...] = described("Term by term.", [])
    totals: tuple[PublishedTotal, ...] = described(
        "The published totals that count exchanges of this agreement, in order of date.", []
    )


class StatedValue(ClaimantValue):
    """The value that one claimant states for a measure, with the articles that say so."""

    articles: tuple[CitedArticle, ...] = described(ARTICLES, [CITED], min_length=1)


class Disagreement(Figure):
    """A figure for which claimants state different values, with the articles of each."""

    spread: int = described("How far apart the claimants' own values are.", 39)
    values: tuple[StatedValue, ...] = described("Each claimant's own value, in the order of the rule.", [])
