"""Which lists there are: the index table of each, and its orders, the default one first."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import InstrumentedAttribute

from db.models.index import (
    ABOVE_ALL,
    NO_PERSONS,
    ActorIndex,
    AgreementIndex,
    ArticleIndex,
    ClaimIndex,
    CoverageIndex,
    ExchangeIndex,
    FigureIndex,
    MediationIndex,
    PublisherIndex,
    RecordIndex,
    TotalIndex,
)
from db.normalising import table
from db.queries.pages import Key, Listed, Sort


def _day(text: int | str) -> Key:
    return dt.date.fromisoformat(str(text))


def _moment(text: int | str) -> Key:
    return dt.datetime.fromisoformat(str(text))


def _same(key: int | str) -> Key:
    return key


def _both_ways(name: str, key: Any, parse: Callable[[int | str], Key]) -> dict[str, Sort]:
    return {
        name: Sort(key, descending=False, parse=parse),
        f"-{name}": Sort(key, descending=True, parse=parse),
    }


def _persons(missing: int) -> ColumnElement[int]:
    return func.coalesce(ExchangeIndex.persons, missing)


def _record_sorts(index: type[RecordIndex]) -> dict[str, Sort]:
    return _both_ways("updated", index.updated_at, _moment) | _both_ways("id", index.id, _same)


def _dated(date: InstrumentedAttribute[dt.date]) -> dict[str, Sort]:
    """Give the orders by date, the latest first by default."""
    both = _both_ways("date", date, _day)
    return {name: replace(both[name], by_date=True) for name in ("-date", "date")}


def _named(index: type[RecordIndex]) -> dict[str, Sort]:
    """Give the orders of records without a date, by id by default."""
    sorts = _record_sorts(index)
    return {"id": sorts.pop("id"), **sorts}


EXCHANGES = Listed(
    table(ExchangeIndex),
    sorts=_dated(ExchangeIndex.date)
    | {
        "persons": Sort(_persons(ABOVE_ALL), descending=False, parse=_same),
        "-persons": Sort(_persons(NO_PERSONS), descending=True, parse=_same),
    }
    | _record_sorts(ExchangeIndex),
)
FIGURES = Listed(
    table(FigureIndex),
    sorts=_dated(FigureIndex.date)
    | _both_ways("best", FigureIndex.best, _same)
    | _both_ways("id", FigureIndex.id, _same),
    exchange="exchange_id",
)
_BY_SPREAD = _both_ways("spread", FigureIndex.spread, _same)
DISAGREEMENTS = Listed(
    table(FigureIndex),
    sorts={"-spread": _BY_SPREAD["-spread"], "spread": _BY_SPREAD["spread"], **_dated(FigureIndex.date)},
    exchange="exchange_id",
)
CLAIMS = Listed(
    table(ClaimIndex),
    sorts=_dated(ClaimIndex.date)
    | _both_ways("count", ClaimIndex.count, _same)
    | _both_ways("id", ClaimIndex.id, _same),
    exchange="exchange_id",
)
MEDIATIONS = Listed(
    table(MediationIndex),
    sorts=_dated(MediationIndex.date) | _both_ways("id", MediationIndex.id, _same),
    exchange="exchange_id",
)
ARTICLES = Listed(table(ArticleIndex), sorts=_dated(ArticleIndex.sort_date) | _record_sorts(ArticleIndex))
PUBLISHERS = Listed(table(PublisherIndex), sorts=_named(PublisherIndex))
ACTORS = Listed(table(ActorIndex), sorts=_named(ActorIndex))
AGREEMENTS = Listed(table(AgreementIndex), sorts=_dated(AgreementIndex.date) | _record_sorts(AgreementIndex))
TOTALS = Listed(
    table(TotalIndex),
    sorts=_dated(TotalIndex.date) | _both_ways("value", TotalIndex.value, _same) | _record_sorts(TotalIndex),
)
COVERAGE = Listed(table(CoverageIndex), sorts=_dated(CoverageIndex.date) | _record_sorts(CoverageIndex))
