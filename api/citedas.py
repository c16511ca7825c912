"""Under which id a query is cited: from a query as it was understood to what `db/citing.py` keeps.

How a URL is understood, and what its rows are, is in `api/citing.py`.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from sqlalchemy.ext.asyncio import AsyncConnection

from api.asof import STATE
from api.filterkinds import ClauseOf, Search
from api.params import Schema, Values
from api.resolving import with_merged
from api.understanding import Question as Understood
from db.citing import Question, id_of, is_cited
from db.vocabulary import Vocabulary

ROWS = "/c/{}"  # the path of a citation's rows: the same as below /v1, and short


def question_of(
    path: str,
    schema: Schema,
    values: Values,
    shown: Mapping[str, Sequence[str]],
    *,
    revision: int,
    names: int,
) -> Question:
    """Give what is cited by a query, so that two that mean the same are equal.

    `values` have ids for names, and `shown` is the query as its answer tells it; what `schema` does not know
    is how a file is made, rather than what is in it. `names` is the revision of the vocabulary.
    """
    query = {}
    for name, texts in shown.items():
        param, _ = schema.spellings.get(name, (None, None))
        if param is not None and param not in STATE and list(texts) != [param.usual]:
            query[name] = list(texts) if param.ordered else sorted(texts)
    search = next((given[0].tsquery for given in values.values() if isinstance(given[0], Search)), None)
    return Question(path, query, names, search, revision)


def asked_by(path: str, schema: Schema, understood: Understood) -> Question:
    """Give what is cited by a query that was understood as a whole."""
    return question_of(
        path,
        schema,
        understood.values,
        understood.shown,
        revision=understood.state.revision,
        names=understood.vocabulary.revision,
    )


def citation_id(question: Question, schema: Schema, vocabulary: Vocabulary) -> str:
    """Give the id that a question is cited by."""
    merged = []
    for name, texts in sorted(question.query.items()):
        param, _ = schema.spellings[name]
        # what a clause on ids is given, rather than a clause
        every = with_merged(param, cast("ClauseOf", list), vocabulary.merges, question.names)
        merged += [sorted(ids) for text in texts if len(ids := cast("list[str]", every([text]))) > 1]
    return id_of(question, merged, vocabulary.epoch)


async def cite_as(
    connection: AsyncConnection, path: str, schema: Schema, understood: Understood
) -> dict[str, str]:
    """Give the header by which an answer names where it is cited; none of a live one, which nobody cites."""
    if understood.snapshot.revision is None:
        return {}
    question = asked_by(path, schema, understood)
    link = await link_to(connection, question, schema, understood.vocabulary)
    return {} if link is None else {"Link": link}


async def link_to(
    connection: AsyncConnection, question: Question, schema: Schema, vocabulary: Vocabulary
) -> str | None:
    """Give the link of an answer to where it is cited (RFC 8574), if somebody cites it."""
    id_ = citation_id(question, schema, vocabulary)
    return f'<{ROWS.format(id_)}>; rel="cite-as"' if await is_cited(connection, id_) else None
