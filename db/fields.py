"""The types that fields of inputs and records are made of, with what each accepts.

Field descriptions live where the fields are (`db/inputs.py`, `db/records.py`); no record is defined here.
"""

import datetime as dt
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
)

from db import enums
from db.base import ID_PATTERN

INT4_MAX = 2_147_483_647
Word = TypeVar("Word", bound=StrEnum)


class Model(BaseModel):
    """The base of all inputs and records: nothing unknown is accepted, nothing changes once made."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def described(description: str, example: object, **constraints: Any) -> Any:
    """Make a field with what every field has: a description and an example."""
    return Field(description=description, examples=[example], **constraints)


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain a NUL character")
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _not_reserved(name: str) -> str:
    if name == "none":
        raise ValueError("must not be 'none', which asks for absence in queries")
    return name


_URL = TypeAdapter(HttpUrl)


def _web_url(url: str) -> str:
    _URL.validate_python(url)
    return url


def open_word(words: type[StrEnum]) -> WithJsonSchema:
    """Publish a vocabulary that may grow: any string in answers, though closed in what is written."""
    known = [word.value for word in words]
    return WithJsonSchema({"type": "string", "x-extensible-enum": known}, mode="serialization")


Text = Annotated[str, StringConstraints(min_length=1, max_length=4000), AfterValidator(_storable)]
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN, max_length=120), AfterValidator(_not_reserved)]
Url = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_storable), AfterValidator(_web_url)]
Count = Annotated[int, Field(ge=0, le=INT4_MAX, strict=True)]
Year = Annotated[int, Field(ge=1900, le=2100, strict=True)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Day = Annotated[dt.date, Field(ge=dt.date(1900, 1, 1), le=dt.date(2100, 12, 31))]
Citations = Annotated[tuple[Id, ...], Field(min_length=1)]

ExchangeKind = Annotated[enums.ExchangeKind, open_word(enums.ExchangeKind)]
ExchangeStatus = Annotated[enums.ExchangeStatus, open_word(enums.ExchangeStatus)]
ActorKind = Annotated[enums.ActorKind, open_word(enums.ActorKind)]
Category = Annotated[enums.Category, open_word(enums.Category)]
Measure = Annotated[enums.Measure, open_word(enums.Measure)]
MediationRole = Annotated[enums.MediationRole, open_word(enums.MediationRole)]
Attestation = Annotated[enums.Attestation, open_word(enums.Attestation)]
AgreementStatus = Annotated[enums.AgreementStatus, open_word(enums.AgreementStatus)]
CoverageStatus = Annotated[enums.CoverageStatus, open_word(enums.CoverageStatus)]
LinkStatus = Annotated[enums.LinkStatus, open_word(enums.LinkStatus)]
TotalMeasure = Annotated[enums.TotalMeasure, open_word(enums.TotalMeasure)]
