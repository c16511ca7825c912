"""The envelopes around records: what a list answers with. Records themselves are `db/records.py`'s."""

import datetime as dt
from typing import Generic, TypeVar

from db import records
from db.fields import Model, described

Item = TypeVar("Item", bound=Model)

STATE = {"revision": 4012, "release": None, "updated_at": "2026-11-24T12:00:00.000000Z"}


class Note(Model):
    """Something to know about an answer."""

    code: str = described("What the note is about.", "coalition")
    text: str = described(
        "The note, as a sentence.",
        "dpr is a member of dpr-lpr; dpr-lpr is an actor of its own, which party=dpr does not ask for.",
    )


class DatasetState(Model):
    """The state of the dataset that an answer is made of."""

    revision: int = described("The dataset revision.", 4012)
    release: str | None = described("The release that was asked for, or null.", None)
    updated_at: dt.datetime = described("When that revision was written.", STATE["updated_at"])


class ListMeta(Model):
    """What a list says about itself."""

    total: int = described("How many records match, on all pages.", 26)
    limit: int = described("How many records a page holds at most.", 50)
    next: str | None = described("Path of the next page; null on the last one.", None)
    next_cursor: str | None = described("Cursor of the next page; null on the last one.", None)
    query: dict[str, list[str]] = described(
        "The query as it was understood: each parameter with its values, names resolved to ids.",
        {"mediator": ["uae"]},
    )
    notes: list[Note] = described("What to know about the answer.", [])
    dataset: DatasetState = described("The state of the dataset that was read.", STATE)


class _List(Model, Generic[Item]):
    data: list[Item] = described("The records of this page.", [])
    meta: ListMeta = described(
        "About the list.",
        {
            "total": 0,
            "limit": 50,
            "next": None,
            "next_cursor": None,
            "query": {"mediator": ["uae"]},
            "notes": [],
            "dataset": STATE,
        },
    )


class ExchangeList(_List[records.Exchange]):
    """A page of exchanges."""


class FigureList(_List[records.Figure]):
    """A page of figures."""


class ClaimList(_List[records.Claim]):
    """A page of claims."""


class MediationList(_List[records.Mediation]):
    """A page of mediations."""


class ArticleList(_List[records.Article]):
    """A page of articles."""


class PublisherList(_List[records.Publisher]):
    """A page of publishers."""


class ActorList(_List[records.Actor]):
    """A page of actors."""


class MediatorList(_List[records.Mediator]):
    """A page of mediators."""


class AgreementList(_List[records.Agreement]):
    """A page of agreements."""


class PublishedTotalList(_List[records.PublishedTotal]):
    """A page of published totals."""


class CoverageNoteList(_List[records.CoverageNote]):
    """A page of coverage notes."""


COUNTS = {
    "exchanges": 235,
    "claims": 819,
    "mediations": 227,
    "figures": 646,
    "articles": 1120,
    "publishers": 538,
    "actors": 27,
    "agreements": 7,
    "totals": 164,
    "coverage": 21,
}


class DatasetCounts(Model):
    """How many current records there are."""

    exchanges: int = described("Exchanges.", COUNTS["exchanges"])
    claims: int = described("Claims.", COUNTS["claims"])
    mediations: int = described("Mediations of exchanges.", COUNTS["mediations"])
    figures: int = described("Figures derived from the claims.", COUNTS["figures"])
    articles: int = described("Citing articles.", COUNTS["articles"])
    publishers: int = described("Publishers and agencies.", COUNTS["publishers"])
    actors: int = described("Actors.", COUNTS["actors"])
    agreements: int = described("Agreements.", COUNTS["agreements"])
    totals: int = described("Published totals.", COUNTS["totals"])
    coverage: int = described("Coverage notes.", COUNTS["coverage"])


class Dataset(Model):
    """What this dataset is, how far it has come and how to cite it."""

    title: str = described("The title of the dataset.", "Prisoner exchanges")
    description: str = described("What it holds.", "Curated records of prisoner exchanges.")
    licence: str = described("The licence of the data, SPDX.", "CC-BY-4.0")
    licence_url: str = described("Where the licence is.", "https://creativecommons.org/licenses/by/4.0/")
    citation: str = described("How to cite the dataset.", "Prisoner exchanges, dataset revision 1 (2026).")
    figures_rule: int = described("Version of the rule that figures follow.", 1)
    first_exchange: dt.date | None = described("Day of the earliest exchange, or null.", "2014-05-07")
    last_exchange: dt.date | None = described("Day of the latest exchange, or null.", "2026-11-01")
    counts: DatasetCounts = described("How many current records of each kind there are.", COUNTS)
    dataset: DatasetState = described("The state of the dataset that was read.", STATE)


class Health(Model):
    """Whether the service is up."""

    status: str = described("`ok`, or what is wrong.", "ok")
