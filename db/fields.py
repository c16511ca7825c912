"""The types that fields of inputs and records are made of, with what each accepts.

Field descriptions live where the fields are (`db/inputs.py`, `db/records.py`); no record is defined here.
"""

import datetime as dt
import re
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
from db.folding import fold
from db.tokens import holds_token

HOLDS_KEY = "must not hold a key: revoke the key, since it has been shown"
INT4_MAX = 2_147_483_647
MAX_COUNT = 100_000_000  # so that the sum of a claimant's categories still fits into an int4
_WORDS = "[a-z0-9]+(-[a-z0-9]+)*"
RECORD_ID_PATTERN = f"^{_WORDS}$"
CLAIM_ID_PATTERN = f"^{_WORDS}:c[0-9]+$"
MEDIATION_ID_PATTERN = f"^{_WORDS}:m[0-9]+$"
TERM_ID_PATTERN = f"^{_WORDS}:t[0-9]+$"
Word = TypeVar("Word", bound=StrEnum)
# Control characters but for tab and line feed, what turns the direction of the text after it, and letters
# that programs read and people do not see.
_DECEIVING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a\u202b\u202d\u202e\U000e0000-\U000e007f]")


class Model(BaseModel):
    """The base of all inputs and records: nothing unknown is accepted, nothing changes once made."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        json_schema_serialization_defaults_required=True,
    )


def described(description: str, example: object, **constraints: Any) -> Any:
    """Make a field with what every field has: a description and an example."""
    return Field(description=description, examples=[example], **constraints)


def storable(text: str) -> str:
    """Give a text back that can be kept and shown to anybody.

    Raises:
        ValueError: it shows nothing, holds what changes how other text is shown, or holds a key.
    """
    if _DECEIVING.search(text):
        raise ValueError(
            "must not contain control characters, such as NUL, escapes or bidirectional overrides"
        )
    if not any(letter.isprintable() for letter in text if not letter.isspace()):
        raise ValueError("must not be blank")
    if holds_token(text):
        raise ValueError(HOLDS_KEY)
    return text


def _not_reserved(name: str) -> str:
    if name == "none":
        raise ValueError("must not be 'none', which asks for absence in queries")
    return name


def _findable(name: str) -> str:
    folded = fold(name)
    if not folded:
        raise ValueError("must hold a letter or a digit, by which it can be found")
    _not_reserved(folded)
    return name


_URL = TypeAdapter(HttpUrl)


def _web_url(url: str) -> str:
    if (parsed := _URL.validate_python(url)).username is not None or parsed.password is not None:
        raise ValueError("must not hold a user name or a password")
    return url


def open_word(words: type[StrEnum]) -> WithJsonSchema:
    """Publish a vocabulary that may grow: any string in answers, though closed in what is written."""
    known = [word.value for word in words]
    return WithJsonSchema({"type": "string", "x-extensible-enum": known}, mode="serialization")


Text = Annotated[str, StringConstraints(min_length=1, max_length=4000), AfterValidator(storable)]
Name = Annotated[str, StringConstraints(max_length=200), AfterValidator(storable), AfterValidator(_findable)]
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN, max_length=120), AfterValidator(_not_reserved)]
RecordId = Annotated[
    str, StringConstraints(pattern=RECORD_ID_PATTERN, max_length=100), AfterValidator(_not_reserved)
]
ClaimId = Annotated[str, StringConstraints(pattern=CLAIM_ID_PATTERN, max_length=120)]
MediationId = Annotated[str, StringConstraints(pattern=MEDIATION_ID_PATTERN, max_length=120)]
TermId = Annotated[str, StringConstraints(pattern=TERM_ID_PATTERN, max_length=120)]
Url = Annotated[str, StringConstraints(max_length=2000), AfterValidator(storable), AfterValidator(_web_url)]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT, strict=True)]
PositiveCount = Annotated[int, Field(ge=1, le=MAX_COUNT, strict=True)]
Int4 = Annotated[int, Field(ge=0, le=INT4_MAX, strict=True)]
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
