"""What things are called, as of one state: ids in records, names and titles in words that people read."""

from collections.abc import Callable, Collection, Mapping

from sqlalchemy import true
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import Resource
from db.queries import lists
from db.queries.conditions import Snapshot
from db.queries.pages import Listed
from db.records import Actor, Agreement, Article, Publisher


def _actor(body: str) -> str:
    return Actor.model_validate_json(body).name


def _publisher(body: str) -> str:
    return Publisher.model_validate_json(body).name


def _agreement(body: str) -> str:
    return Agreement.model_validate_json(body).title


def _article(body: str) -> str:
    """Give the title, or the address of a page whose title is not known."""
    article = Article.model_validate_json(body)
    return article.title or article.url


_CALLED: Mapping[Resource, tuple[Listed, Callable[[str], str]]] = {
    Resource.ACTOR: (lists.ACTORS, _actor),
    Resource.PUBLISHER: (lists.PUBLISHERS, _publisher),
    Resource.AGREEMENT: (lists.AGREEMENTS, _agreement),
    Resource.ARTICLE: (lists.ARTICLES, _article),
}


async def read_names(
    connection: AsyncConnection,
    snapshot: Snapshot,
    ids: Collection[str] | None = None,
    resource: Resource = Resource.ACTOR,
) -> Mapping[str, str]:
    """Give the names of actors, or what else is asked for, by id; of all, if no ids are given."""
    listed, called = _CALLED[resource]
    record = listed.table
    wanted = true() if ids is None else record.c.id.in_(sorted(ids))
    statement = listed.bodies(record.c.id).where(snapshot.holds(record), wanted)
    return {id_: called(body) for body, id_ in await connection.execute(statement)}
