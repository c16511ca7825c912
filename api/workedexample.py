"""The figures rule at work: sentences that tell how the figures of one exchange come about.

Pure functions of a record; the rule itself is `db/figures.py`.
"""

from collections.abc import Iterator, Mapping, Sequence

from api.codebookschemas import WorkedExample, WorkedFigure
from db.enums import Category, Covers, Measure, Qualifier, Rank
from db.figures import counts
from db.records import ClaimantValue, Exchange, ExchangeClaim, ExchangeFigure

_BY_THE_ARTICLE = "the article's own voice"
_WORDED: Mapping[Qualifier, str] = {
    Qualifier.EXACT: "",
    Qualifier.AT_LEAST: "at least ",
    Qualifier.AT_MOST: "at most ",
    Qualifier.APPROXIMATELY: "about ",
}


def worked_example(exchange: Exchange) -> WorkedExample:
    """Tell how the figures of living people of an exchange come about."""
    claims = {claim.id: claim for claim in exchange.claims}
    return WorkedExample(
        exchange=exchange.id,
        path=exchange.links.self,
        date=exchange.date,
        summary=exchange.summary,
        figures=[
            WorkedFigure(
                released_by=figure.released_by,
                received_by=figure.received_by,
                measure=figure.measure,
                low=figure.low,
                best=figure.best,
                high=figure.high,
                steps=list(_steps(figure, claims)),
            )
            for figure in exchange.figures
            if figure.measure == Measure.PERSONS
        ],
    )


def _steps(figure: ExchangeFigure, claims: Mapping[str, ExchangeClaim]) -> Iterator[str]:
    for value in figure.by_claimant:
        yield _stated(value, [claims[claim] for claim in value.claims])
    here = (figure.released_by, figure.received_by)
    left_out = [
        claim
        for claim in claims.values()
        if (claim.released_by, claim.received_by) == here and not counts(claim)
    ]
    if left_out:
        told = ", ".join(f"{claim.count} ({_why_not(claim)})" for claim in left_out)
        yield f"Kept and not counted: {told}."
    if figure.low == figure.high:
        yield f"Low and high are {figure.low}: no counted number differs."
    else:
        yield f"Low is {figure.low}, the smallest number that enters, and high is {figure.high}, the largest."
    preferred = any(claims[claim].rank == Rank.PREFERRED for claim in figure.by_claimant[0].claims)
    yield f"Best is {figure.best}, {_why_best(figure, preferred=preferred)}."
    if figure.disputed_by_parties:
        yield "The figure is disputed, by the two parties themselves: both state exact numbers that differ."
    elif figure.disputed:
        yield "The figure is disputed: two claimants state exact numbers that differ."
    sources = figure.independent_sources
    yield (
        "Behind best stands one agency or publisher."
        if sources == 1
        else f"Behind best stand {sources} different agencies or publishers."
    )


def _stated(value: ClaimantValue, claims: Sequence[ExchangeClaim]) -> str:
    who = _who(value.claimant)
    number = f"{_WORDED[value.qualifier]}{value.value}"
    articles = {article for claim in claims for article in claim.citations}
    cited = f"{len(articles)} article{'' if len(articles) == 1 else 's'}"
    if [claim.category for claim in claims] == [Category.TOTAL]:
        return f"{who[0].upper()}{who[1:]} says {number}, according to {cited}."
    parts = " and ".join(f"{claim.count} {claim.category}" for claim in claims)
    return (
        f"{who[0].upper()}{who[1:]} gives no total; it says {parts}, which makes {number} persons, "
        f"according to {cited}."
    )


def _who(claimant: str | None) -> str:
    return _BY_THE_ARTICLE if claimant is None else f"`{claimant}`"


def _why_not(claim: ExchangeClaim) -> str:
    return "a fragment" if claim.covers == Covers.FRAGMENT else "deprecated"


def _why_best(figure: ExchangeFigure, *, preferred: bool) -> str:
    who = _who(figure.best_claimant)
    if len(figure.by_claimant) == 1:
        return f"the only number, that of {who}"
    if preferred:
        return f"the count of {who}, which the curators prefer"
    if figure.best_claimant == figure.received_by:
        return f"the count of {who}, which received the people: its count goes first"
    if figure.best_claimant == figure.released_by:
        return f"the count of {who}, which let the people go: the receiving side states none"
    return f"the count of {who}: neither side states one"
