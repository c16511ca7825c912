"""Which records have become part of others, for good.

What a merge does is `db/amending.py`'s; how it turns what refers to a record, `db/references.py`'s.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import Resource
from db.models.access import Merged
from db.models.index import ArticleIndex

Turns = Mapping[Resource, Mapping[str, str]]


async def read_merged(connection: AsyncConnection) -> Turns:
    """Give where each record that was merged is now found; chains are followed to their end."""
    turns: dict[Resource, dict[str, str]] = {}
    rows = await connection.execute(select(Merged.resource, Merged.id, Merged.into_id))
    for resource, record_id, into in rows:
        turns.setdefault(Resource(resource), {})[record_id] = into
    return {resource: {id_: _end(ids, id_) for id_ in ids} for resource, ids in turns.items()}


async def merged_urls(connection: AsyncConnection, keys: Collection[str]) -> dict[str, str]:
    """Give the articles that now stand for URLs which merged articles had, by the keys of the URLs."""
    turns = (await read_merged(connection)).get(Resource.ARTICLE, {})
    if not turns:
        return {}
    past = await connection.execute(
        select(ArticleIndex.url_key, ArticleIndex.id).where(
            ArticleIndex.url_key.in_(keys), ArticleIndex.id.in_(list(turns))
        )
    )
    return {key: turns[id_] for key, id_ in past}


def _end(ids: Mapping[str, str], record_id: str) -> str:
    """Follow a chain of merges; it ends, since a record that was merged takes no other in."""
    while record_id in ids:
        record_id = ids[record_id]
    return record_id
