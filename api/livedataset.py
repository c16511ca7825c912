"""One state of the dataset as it is read now: the facts that metadata files are built from.

The builders are pure and get these facts; releases bring their own files.
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from api.codebook import EXAMPLE
from api.columns import columns_of
from api.editions import Edition, FileFacts
from api.formats import FORMATS
from api.metaschemas import ONLY_AS_JSON, TABLES
from db.enums import Measure
from db.queries.conditions import Snapshot
from db.queries.dataset import read_size
from db.queries.disagreements import read_widest
from db.queries.lists import EXCHANGES
from db.queries.pages import State, read_record
from db.queries.places import read_places
from db.records import Exchange


async def read_edition(
    connection: AsyncConnection, snapshot: Snapshot, base_url: str
) -> tuple[State, Edition]:
    """Read what there is to know of a state as a whole, on a connection on which nothing changes."""
    state, size = await read_size(connection, snapshot)
    # live, where nothing was pinned: the conditions are fewer, and the connection sees one state anyway
    places = await read_places(connection, snapshot)
    return state, Edition(snapshot.release, state.revision, state.updated_at, size, base_url, places)


async def read_example(connection: AsyncConnection, snapshot: Snapshot) -> Exchange | None:
    """Give the exchange that the codebook shows the figures rule at: the same one for the same state.

    Where the usual one is missing, blanked perhaps, or tells no figure of living people, it is the one of the
    widest disagreement. There is none only where no exchange has such a figure.
    """
    usual = await _exchange(connection, EXAMPLE, snapshot)
    if usual is not None and any(figure.measure == Measure.PERSONS for figure in usual.figures):
        return usual
    other = await read_widest(connection, snapshot)
    return None if other is None else await _exchange(connection, other, snapshot)


async def _exchange(connection: AsyncConnection, record_id: str, snapshot: Snapshot) -> Exchange | None:
    body = (await read_record(connection, EXCHANGES, record_id, snapshot)).body
    return None if body is None else Exchange.model_validate_json(body)


def live_files(edition: Edition) -> list[FileFacts]:
    """Give the exports of an edition: made when asked for, so that size and checksum are not known."""
    return [
        FileFacts(
            path=f"{edition.base_url}{edition.pinned(f'/v1/{name}.{ending}')}",
            media_type=form.media_type,
            bytes=None,
            sha256=None,
            resource=name,
            columns=columns_of(model),
        )
        for name, model in TABLES.items()
        if name not in ONLY_AS_JSON
        for ending, form in FORMATS.items()
    ]
