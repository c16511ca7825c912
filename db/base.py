"""What every table shares: the naming convention of constraints and the column types of ids and words.

Tables themselves live in `db/models/`.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ColumnElement,
    DateTime,
    ForeignKey,
    MetaData,
    Text,
    any_,
    literal,
)
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, MappedColumn, mapped_column

ID_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*(:[cmt][0-9]+)?$"

# Ids sort by code point on every server, whatever its locale: a keyset walk relies on it.
IdText = Text(collation="C")

Id = Annotated[str, mapped_column(IdText)]
Key = Annotated[str, mapped_column(IdText, primary_key=True)]


class Base(DeclarativeBase):
    """The declarative base; constraint names are fixed because problem codes are mapped from them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map = {str: Text()}  # noqa: RUF012  (SQLAlchemy reads it as a plain class attribute)


def reference(target: str, **options: Any) -> MappedColumn[Any]:
    """Make a column that points at another record; checked at commit, and never cascading."""
    constraint = ForeignKey(target, deferrable=True, initially="DEFERRED")
    return mapped_column(IdText, constraint, **options)


def id_check() -> CheckConstraint:
    """Make the check that an id is well formed."""
    return CheckConstraint(f"id ~ '{ID_PATTERN}'", name="id_form")


def word_check(column: str, words: type[StrEnum]) -> CheckConstraint:
    """Make the check that a column holds one of a vocabulary's words."""
    listed = ", ".join(f"'{word.value}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_word")


def among(
    column: ColumnElement[str] | InstrumentedAttribute[str], values: Iterable[str]
) -> ColumnElement[bool]:
    """Give the clause that a column holds one of these texts, with one parameter however many they are."""
    return column == any_(literal(list(values), ARRAY(Text)))


Moment = DateTime(timezone=True)
