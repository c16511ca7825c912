"""Cited queries: what somebody cites, pinned to a dataset revision for good.

Which queries can be cited, and what their rows are, is not known here.
"""

import datetime as dt
import json
import uuid
from base64 import b32encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import RowMapping, Select, cast, delete, exists, func, or_, select
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.folding import tokens
from db.models.index import ActorIndex, AgreementIndex, ArticleIndex, ExchangeIndex, PublisherIndex
from db.models.releases import CitedQuery
from db.normalising import table

WORDED = (ExchangeIndex, ArticleIndex, PublisherIndex, ActorIndex, AgreementIndex)
LETTERS = 12  # of an id: 60 bits, so that a million of them are all different


@dataclass(frozen=True)
class Question:
    """What is cited: a list or a record at a path, by a query as it was understood at a dataset revision.

    Names have become ids in `query`. `names` is the revision of the vocabulary that it was understood with,
    and `search` what the words of `q` then stood for: what is merged or renamed later changes neither.
    """

    path: str
    query: Mapping[str, Sequence[str]]
    names: int
    search: str | None
    dataset_revision: int


@dataclass(frozen=True)
class Rows:
    """The rows of a citation: how many, and the SHA-256 of their NDJSON, hexadecimal."""

    count: int
    sha256: str


@dataclass(frozen=True)
class Cited:
    """A cited query, what its rows were, and when it was noted."""

    id: str
    question: Question
    rows: Rows
    at: dt.datetime


def id_of(question: Question, merged: Sequence[Sequence[str]], epoch: uuid.UUID) -> str:
    """Give the id of a citation: the same question has the same one, and nobody can guess the next.

    `merged`: each id of the query that stands for others too, with these; a merge makes another question.
    """
    facts = [epoch.hex, question.path, question.query, question.dataset_revision, question.search, merged]
    digest = sha256(json.dumps(facts, sort_keys=True).encode()).digest()
    return b32encode(digest).decode().lower()[:LETTERS]


async def store(engine: AsyncEngine, id_: str, question: Question, rows: Rows) -> tuple[Cited, bool]:
    """Note a cited query unless it is noted already; give what is noted, and whether it was not."""
    row = {
        "id": id_,
        "path": question.path,
        "query": json.dumps(
            {"query": question.query, "names": question.names, "search": question.search}, ensure_ascii=False
        ),
        "dataset_revision": question.dataset_revision,
        "rows": rows.count,
        "sha256": rows.sha256,
        "at": func.clock_timestamp(),
    }
    cited = table(CitedQuery)
    statement = insert(cited).values(row).on_conflict_do_nothing().returning(cited.c.id)
    async with engine.begin() as connection:
        new = (await connection.execute(statement)).one_or_none() is not None
        return _cited((await connection.execute(_of(id_))).mappings().one()), new


async def find(connection: AsyncConnection, id_: str) -> Cited | None:
    """Give the cited query with an id."""
    row = (await connection.execute(_of(id_))).mappings().one_or_none()
    return None if row is None else _cited(row)


async def is_cited(connection: AsyncConnection, id_: str) -> bool:
    """Tell whether there is a cited query with an id."""
    found = await connection.execute(select(CitedQuery.id).where(CitedQuery.id == id_))
    return found.one_or_none() is not None


async def forget(connection: AsyncConnection, texts: Collection[str]) -> int:
    """Let go of the citations whose `q` asks for a word that these texts held, and nothing that stands holds.

    Gives how many: a name that was blanked must not live on in what somebody searched for.
    """
    gone = set(tokens(" ".join(texts)))
    for word in sorted(gone):
        if await _stands(connection, word):
            gone.discard(word)
    rows = await connection.execute(select(CitedQuery.id, CitedQuery.query))
    asked = {id_: json.loads(query)["query"].get("q", ()) for id_, query in rows}
    ids = [id_ for id_, words in asked.items() if not gone.isdisjoint(tokens(" ".join(words)))]
    await connection.execute(delete(CitedQuery).where(CitedQuery.id.in_(ids)))
    return len(ids)


async def _stands(connection: AsyncConnection, word: str) -> bool:
    """Tell whether a record that stands holds a word."""
    query = cast(f"'{word}'", TSQUERY)  # words are letters and digits only
    found = [
        exists().where(index.to_revision.is_(None), cast(index.tsv, TSVECTOR).bool_op("@@")(query))
        for index in WORDED
    ]
    return bool((await connection.execute(select(or_(*found)))).scalar_one())


def _of(id_: str) -> Select[Any]:
    cited = table(CitedQuery)
    return select(cited).where(cited.c.id == id_)


def _cited(row: RowMapping) -> Cited:
    understood = json.loads(row["query"])
    question = Question(
        path=row["path"],
        query=understood["query"],
        names=understood["names"],
        search=understood["search"],
        dataset_revision=row["dataset_revision"],
    )
    return Cited(row["id"], question, Rows(row["rows"], row["sha256"]), row["at"])
