"""Ids that the service makes for records and parts of records whose curator gave none.

An id is a name, not a fact: it says what a person would call the record, and is never used again.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import count
from typing import Any

from sqlalchemy import func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import Resource
from db.folding import fold, url_key
from db.models.history import Blanked, Revision

# The letter that stands before the number of a part, by the field that holds the parts.
LETTERS: Mapping[str, str] = {"claims": "c", "mediations": "m", "terms": "t"}
LONGEST = 80  # characters of a made id, so that a number still fits behind it
_PLAIN = re.compile(r"[^a-z0-9]+")


class Numbers:
    """Numbers for the parts of one record: each is higher than any that the record's history knows."""

    def __init__(self, record_id: str, highest: Mapping[str, int]) -> None:
        self.record_id = record_id
        self._next = {field: count(highest.get(field, 0) + 1) for field in LETTERS}

    def next(self, field: str) -> str:
        """Give the id of a new part."""
        return f"{self.record_id}:{LETTERS[field]}{next(self._next[field])}"


async def read_numbers(connection: AsyncConnection, resource: Resource, record_id: str) -> Numbers:
    """Give the numbers that are free for parts of a record, whatever was removed from it since."""
    own = f"{re.escape(record_id)}:([cmt])([0-9]+)"
    of_record = (Revision.resource == resource, Revision.record_id == record_id)
    standing = select(func.regexp_matches(Revision.body, f'"{own}"', "g").label("part")).where(
        *of_record, Revision.body.is_not(None)
    )
    here = (Blanked.dataset_revision == Revision.dataset_revision) & (Blanked.position == Revision.position)
    blanked = select(func.regexp_matches(func.unnest(Blanked.parts), f"^{own}$")).join(Revision, here)
    found = union_all(standing, blanked.where(*of_record)).subquery()
    highest: dict[str, int] = {}
    fields = {letter: field for field, letter in LETTERS.items()}
    for (part,) in await connection.execute(select(found.c.part)):
        field, number = fields[part[0]], int(part[1])
        highest[field] = max(number, highest.get(field, 0))
    return Numbers(record_id, highest)


async def free_id(connection: AsyncConnection, resource: Resource, body: Mapping[str, Any]) -> str | None:
    """Give an id that no record has ever had for a new record; None if its name gives none."""
    base = _BASES[resource](body)
    if base is None:
        return None
    alike = select(Revision.record_id).where(
        Revision.resource == resource, Revision.number == 1, func.starts_with(Revision.record_id, base)
    )
    used = set((await connection.execute(alike)).scalars())
    return next(id_ for id_ in _candidates(base) if id_ not in used)


def _candidates(base: str) -> Iterator[str]:
    yield base
    for number in count(2):
        yield f"{base}-{number}"


def _slug(*words: object) -> str | None:
    """Join words into an id; None where nothing is left of one, as of a name in another script."""
    parts = [_PLAIN.sub("-", fold(str(word))).strip("-") for word in words]
    return "-".join(parts)[:LONGEST].rstrip("-") if all(parts) else None


def _exchange(body: Mapping[str, Any]) -> str | None:
    parties = body.get("parties")
    return _slug(body.get("date") or "", *_words(parties if isinstance(parties, list) else []))


def _article(body: Mapping[str, Any]) -> str | None:
    url = body.get("url")
    if not isinstance(url, str):
        return None
    try:
        key = url_key(url)
    except ValueError:
        return None
    digest = sha256(key.encode()).hexdigest()[:6]
    # without a publisher the article is refused for that, not for an id that nobody asked for
    return _slug(body.get("publisher") or "", digest) or f"article-{digest}"


def _total(body: Mapping[str, Any]) -> str | None:
    return _slug("total", body.get("as_of") or "", body.get("claimant") or "press")


_BASES: Mapping[Resource, Any] = {
    Resource.EXCHANGE: _exchange,
    Resource.ARTICLE: _article,
    Resource.PUBLISHER: lambda body: _slug(body.get("name") or ""),
    Resource.ACTOR: lambda body: _slug(body.get("name") or ""),
    Resource.AGREEMENT: lambda body: _slug(body.get("title") or "", body.get("date") or ""),
    Resource.TOTAL: _total,
    Resource.COVERAGE: lambda body: _slug(body.get("date_from") or "", body.get("scope") or ""),
}


def _words(values: Iterable[object]) -> list[str]:
    return [str(value) for value in values] or [""]
