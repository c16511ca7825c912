"""Figures for which claimants state different values, with the articles that each of them rests on.

They are rows of `figure_index`; which they are is `db/queries/lists.py`'s and the filters' to say.
"""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.checkrecords import StatedValue
from db.enums import Measure
from db.models.index import ClaimIndex, FigureIndex, OwnValueIndex
from db.normalising import table
from db.queries.conditions import Group, Snapshot

_VALUES = TypeAdapter(tuple[StatedValue, ...])
_ONE, _OTHER = table(OwnValueIndex).alias("one"), table(OwnValueIndex).alias("other")
# Two claimants whose own values of a figure differ. A pair holds where both values do; as LEAST passes over
# nulls, one that nothing has ended yet has no end.
PAIRS = (
    select(
        _ONE.c.figure_id,
        _ONE.c.claimant.label("one"),
        _OTHER.c.claimant.label("other"),
        func.greatest(_ONE.c.from_revision, _OTHER.c.from_revision).label("from_revision"),
        func.least(_ONE.c.to_revision, _OTHER.c.to_revision).label("to_revision"),
    )
    .join_from(_ONE, _OTHER, and_(_ONE.c.figure_id == _OTHER.c.figure_id, _ONE.c.value != _OTHER.c.value))
    .subquery("pair")
)
PAIR = Group(PAIRS, "figure_id", of="listed")


async def read_widest(connection: AsyncConnection, snapshot: Snapshot) -> str | None:
    """Give the exchange whose claimants are the furthest apart on living people, if any has such a figure."""
    figure = table(FigureIndex)
    statement = (
        select(figure.c.exchange_id)
        .where(figure.c.measure == Measure.PERSONS, snapshot.holds(figure))
        .order_by(figure.c.spread.desc(), figure.c.id)
        .limit(1)
    )
    return (await connection.execute(statement)).scalar_one_or_none()


async def with_values(connection: AsyncConnection, bodies: Sequence[str], snapshot: Snapshot) -> list[str]:
    """Add to stored figures how far their own values are apart, and the articles behind each value.

    What was stored stays as it is, byte for byte, and comes first.
    """
    figures: list[dict[str, Any]] = [json.loads(body) for body in bodies]
    claim = table(ClaimIndex)
    statement = select(claim.c.id, claim.c.body).where(
        claim.c.exchange_id.in_({figure["exchange"] for figure in figures}), snapshot.holds(claim)
    )
    cited = {row.id: json.loads(row.body)["articles"] for row in await connection.execute(statement)}
    return [_rendered(body, figure, cited) for body, figure in zip(bodies, figures, strict=True)]


def _rendered(body: str, figure: dict[str, Any], cited: dict[str, list[dict[str, Any]]]) -> str:
    values = []
    for own in figure["by_claimant"]:
        articles = {article["id"]: article for claim in own["claims"] for article in cited[claim]}
        values.append({**own, "articles": [articles[id_] for id_ in sorted(articles)]})
    stated = [own["value"] for own in values]
    spread = max(stated) - min(stated)
    told = _VALUES.dump_json(_VALUES.validate_python(values)).decode()
    return f'{body.removesuffix("}")},"spread":{spread},"values":{told}}}'
