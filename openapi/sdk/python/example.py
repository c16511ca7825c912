"""What the package is for, in one program: `python example.py URL KEY`.

It writes, so give it a service to try on.
"""

import asyncio
import datetime as dt
import json
import sys
import uuid

from prisoner_exchanges import (
    ProblemError,
    checked,
    connect,
    read_frame,
    read_frame_async,
    walk,
    walk_async,
    written,
)
from prisoner_exchanges.api.exchanges import get_exchange, list_exchanges
from prisoner_exchanges.api.exports import export_exchanges
from prisoner_exchanges.api.writing import create_coverage, delete_coverage, update_coverage
from prisoner_exchanges.models import (
    CoverageInput,
    CoverageNote,
    CoveragePatch,
    CoverageStatus,
    ExchangeKind,
)

NEW_YEAR = "2024-12-30-russia-ukraine"


def read(base_url: str) -> dict[str, object]:
    """Ask for a list, walk over all pages of another, fetch a record, and read a data frame."""
    with connect(base_url) as client:
        brokered = checked(list_exchanges.sync(client=client, mediator=["UAE"]))
        walked = [exchange.id for exchange in walk(list_exchanges.sync, client=client, limit=100)]
        fetched = checked(get_exchange.sync(NEW_YEAR, client=client))
        again = checked(get_exchange.sync(NEW_YEAR, client=client))  # not sent again: it has not changed
        frame = read_frame(export_exchanges.sync_detailed, client=client, mediator=["UAE"])
    return {
        "mediated": brokered.meta.total,
        "walked": len(set(walked)),
        "fetched": [fetched.id, fetched.date.isoformat(), fetched.persons.best],
        "unchanged": fetched == again,
        "frame": [len(frame), int(frame["persons_best"].sum())],
    }


async def read_async(base_url: str) -> dict[str, object]:
    """Do the same without waiting for one answer before the next is asked for."""
    async with connect(base_url) as client:
        ids = [exchange.id async for exchange in walk_async(list_exchanges.asyncio, client=client, limit=100)]
        frame, fetched = await asyncio.gather(
            read_frame_async(export_exchanges.asyncio_detailed, client=client, mediator=["UAE"]),
            get_exchange.asyncio(NEW_YEAR, client=client),
        )
    return {"walked_async": len(set(ids)), "framed_async": len(frame), "fetched_async": checked(fetched).id}


def write(base_url: str, key: str) -> dict[str, object]:
    """Store a note, change it, and be refused where it was read before the change."""
    note = CoverageInput(
        date_from=dt.date(2023, 3, 1),
        date_to=dt.date(2023, 3, 31),
        scope=ExchangeKind.PRISONER_EXCHANGE,
        status=CoverageStatus.NOT_SEARCHED,
        statement="Written by an example.",
        languages_searched=[],
    )
    with connect(base_url, key=key) as client:
        answer = create_coverage.sync_detailed(
            client=client, body=note, reason="trying the package", idempotency_key=str(uuid.uuid4())
        )
        made = written(answer.parsed)
        as_read = answer.headers["ETag"]

        def change(status: CoverageStatus) -> CoverageNote:
            changed = update_coverage.sync(
                made.id,
                client=client,
                body=CoveragePatch(status=status),
                reason="trying the package",
                if_match=as_read,
            )
            return written(changed)

        revision = change(CoverageStatus.NONE_KNOWN).revision
        try:
            change(CoverageStatus.RECONCILED)
        except ProblemError as error:
            stale, current = error.problem.status, error.problem.current_etag
        removed = delete_coverage.sync_detailed(
            made.id, client=client, reason="trying the package", if_match=str(current)
        )
    return {
        "created": answer.status_code,
        "revision": revision,
        "stale": stale,
        "removed": removed.status_code,
    }


if __name__ == "__main__":
    base, curator = sys.argv[1:]
    told = {**read(base), **asyncio.run(read_async(base)), **write(base, curator)}
    print(json.dumps(told))
