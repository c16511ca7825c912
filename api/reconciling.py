"""Reconciliation: what a query for it means, and the series that it asks for.

How totals are set against our own sums is `db/reconciling.py`'s, what is read for it
`db/queries/reconciliation.py`'s.
"""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from api.asof import STATE
from api.filters import ReconciliationFilters
from api.params import Schema, not_understood, problem
from api.understanding import Question
from db.checkrecords import ReconciliationSeries
from db.enums import TotalMeasure
from db.queries import reconciliation
from db.queries.conditions import Condition

SCHEMA = Schema.of(*ReconciliationFilters.params.values(), *STATE)


async def read_reconciliation(connection: AsyncConnection, question: Question) -> list[ReconciliationSeries]:
    """Give the series that a question asks for; their steps as rows are `db.reconciling.steps_of`.

    Raises:
        ApiError: it names no claimant.
    """
    if "claimant" not in question.values:
        message = "is needed: whose totals are checked; `none` asks for those in the article's own voice"
        raise not_understood([problem("claimant", "missing", message)])
    conditions = [*question.conditions, *_default(question)]
    return await reconciliation.read_reconciliation(connection, conditions, question.snapshot)


def _default(question: Question) -> Sequence[Condition]:
    """Ask for totals of people where the question does not say what is counted."""
    if question.values.keys() & {"measure", "measure_not"}:
        return []
    return ReconciliationFilters.filters()["measure"].conditions({"measure": (TotalMeasure.PERSONS,)})
