"""Cursors: where a walk through a list stands, signed, so that no worker has to remember it.

What the fields of a cursor mean to a list is `api/listing.py`'s business.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from pydantic import BaseModel, ConfigDict, ValidationError

from api.errors import ApiError, ProblemCode, ProblemItem
from db.queries.conditions import Snapshot

FOREIGN = "the cursor was not made by this service, or was changed; begin again without it"
OTHER_EPOCH = "the cursor is from before the dataset was restored from a backup; begin again without it"


class OtherEpochError(ApiError):
    """Raised for a cursor from before the dataset was restored from a backup."""


class Cursor(BaseModel):
    """Where a walk stands: its query as it was understood, its dataset revision, and the last row passed.

    `names` is the revision of the vocabulary that it began with: what is merged later changes no walk.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    query: Mapping[str, list[str]]
    search: str | None
    sort: str
    revision: int
    total: int
    key: int | str
    id: str
    names: int = 0

    def snapshot(self) -> Snapshot:
        """Give the state that the walk reads."""
        released = self.query.get("release")
        return Snapshot(self.revision, released[0] if released else None)

    def encode(self, secret: bytes, epoch: uuid.UUID) -> str:
        """Give the cursor as text that fits into a URL."""
        return str(_serializer(secret).dumps({"epoch": epoch.hex, **self.model_dump()}))

    @classmethod
    def decode(cls, text: str, secret: bytes, epoch: uuid.UUID) -> "Cursor":
        """Read a cursor.

        Raises:
            OtherEpochError: it was made before the dataset was last restored.
            ApiError: it was not made by this service.
        """
        try:
            content: dict[str, Any] = _serializer(secret).loads(text)
            made_in = content.pop("epoch")
            cursor = cls.model_validate(content)
        except (BadData, ValidationError, KeyError) as error:
            raise invalid_cursor(FOREIGN) from error
        if made_in != epoch.hex:
            raise OtherEpochError(ProblemCode.INVALID_CURSOR, OTHER_EPOCH, [_item(OTHER_EPOCH)])
        return cursor


def invalid_cursor(message: str) -> ApiError:
    """Make the problem of a cursor that cannot be followed."""
    return ApiError(ProblemCode.INVALID_CURSOR, message, [_item(message)])


def _item(message: str) -> ProblemItem:
    return ProblemItem(parameter="cursor", code="invalid_cursor", message=message)


def _serializer(secret: bytes) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt="cursor")
