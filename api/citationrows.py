"""The rows of the citations export: what a row is, what it can be filtered by, and how rows are read.

How a query is cited is another matter.
"""

import datetime as dt
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from api import filterkinds as by
from api.filters import ExchangeFilters
from api.understanding import Question
from db.fields import Model, described
from db.models import index as i
from db.queries.citations import CITED, CITING, Cited, read_citations
from db.queries.conditions import Group

CITATION = Group(CITED, "record_id", of="listed")
Citing = StrEnum("Citing", {word.upper(): word for word in CITING})  # type: ignore[misc]  # they stand once


class Citation(Model):
    """One record, or part of an exchange, that cites one article."""

    resource: str = described(
        "What cites: `exchange`, `claim`, `mediation`, `agreement` or `total`; a record cites whatever its "
        "parts do.",
        "claim",
    )
    record: str = described(
        "Id of the record; of a claim or mediation, its exchange.", "2024-12-30-russia-ukraine"
    )
    part: str | None = described("Id of the claim or mediation, else null.", "2024-12-30-russia-ukraine:c1")
    article: str = described("Id of the article.", "al-jazeera-2024-12-30")
    url: str = described("The address of the page.", "https://example.org/news/1")
    publisher: str = described("Id of who published the page.", "al-jazeera")
    agency: str | None = described("Id of the agency that the text came from, or null.", None)
    published_on: dt.date | None = described("The day of publication, or null.", "2024-12-30")


class CitationFilters(ExchangeFilters):
    """Filters of citations: those of exchanges, which leave out all other records; and of what is cited."""

    table = CITED

    # fmt: off
    resource = by.words(CITATION, Cited.resource, Citing, "What cites is one of these.", "claim")
    article = replace(by.exchange_id(CITATION, Cited.value), named="article", description="One of these articles is cited, by id.", example="al-jazeera-2024-12-30")
    publisher = by.publisher(CITATION, i.ArticleIndex.publisher, "The article is by one of these publishers.", "tass")
    agency = by.publisher(CITATION, i.ArticleIndex.agency, "The article's text is one of these agencies'; `none`: no agency's.", "reuters", none=True)
    # fmt: on


async def citations(connection: AsyncConnection, question: Question) -> AsyncGenerator[Sequence[str], None]:
    """Give the citations that a query asks for, as JSON."""
    others = any(condition.group is not CITATION for condition in question.conditions)
    found = read_citations(connection, question.conditions, question.snapshot, of_exchanges=others)
    async for rows in found:
        yield [
            Citation.model_validate(dict(zip(Citation.model_fields, row, strict=True))).model_dump_json()
            for row in rows
        ]
