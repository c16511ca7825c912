"""The envelopes around what the dataset is checked by; what they hold is `db/checkrecords.py`'s."""

from api.schemas import STATE, AnswerMeta, PageOf
from db.checkrecords import AgreementProgress, Disagreement, ReconciliationSeries
from db.fields import Model, described


def _meta(query: dict[str, list[str]]) -> AnswerMeta:
    meta: AnswerMeta = described("About the answer.", {"query": query, "notes": [], "dataset": STATE})
    return meta


class ReconciliationAnswer(Model):
    """Published totals set against our own sums, series by series."""

    data: list[ReconciliationSeries] = described("The series, in the order of their ids.", [])
    meta: AnswerMeta = _meta({"claimant": ["uae"], "mediator": ["uae"]})


class ProgressAnswer(Model):
    """How far an agreement has been carried out."""

    data: AgreementProgress = described(
        "The agreement, term by term.",
        {
            "agreement": "istanbul-2025-05-16",
            "title": "Istanbul talks, first round",
            "date": "2025-05-16",
            "exchanges": 3,
            "terms": [],
            "totals": [],
        },
    )
    meta: AnswerMeta = _meta({})


class DisagreementList(PageOf[Disagreement]):
    """A page of disagreements."""
