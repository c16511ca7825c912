"""Reading an agreement in one state, with the exchanges under it and the totals that count them.

What they say about its promises is worked out in `db/progress.py`.
"""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from db.checkrecords import AgreementProgress
from db.enums import ExchangeStatus
from db.models.index import ExchangeIndex, TotalIndex
from db.normalising import table
from db.progress import progress
from db.queries import lists
from db.queries.conditions import Condition, Group, Snapshot
from db.queries.pages import read_record
from db.queries.wholes import read_all
from db.records import Agreement, Exchange, PublishedTotal

EXCHANGES = Group(table(ExchangeIndex), "id", of="listed")
TOTALS = Group(table(TotalIndex), "id", of="listed")


async def read_progress(
    connection: AsyncConnection, agreement_id: str, snapshot: Snapshot
) -> AgreementProgress | None:
    """Tell how far an agreement has been carried out; None if it does not stand in the state.

    The connection must be in a transaction that sees one state.
    """
    found = await read_record(connection, lists.AGREEMENTS, agreement_id, snapshot)
    if found.body is None:
        return None
    carried_out = [
        _is("agreement", EXCHANGES, ExchangeIndex.agreement, agreement_id),
        _is("status", EXCHANGES, ExchangeIndex.status, ExchangeStatus.COMPLETED),
    ]
    counting = [_is("agreement", TOTALS, TotalIndex.agreement, agreement_id)]
    return progress(
        Agreement.model_validate_json(found.body),
        await read_all(connection, lists.EXCHANGES, carried_out, snapshot, Exchange),
        await read_all(connection, lists.TOTALS, counting, snapshot, PublishedTotal),
    )


def _is(field: str, group: Group, column: Any, value: str) -> Condition:
    return Condition(field, group, lambda _: column == value, (value,))
