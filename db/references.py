"""Which records refer to which: found through the foreign keys, and turned from one record to another.

What a write checks of references is in `db/checks.py`; which records are merged is up to `db/amending.py`.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache

from sqlalchemy import Column, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from db.checks import ID_TABLES, Referrer
from db.enums import Resource
from db.fieldnames import NAMES
from db.merges import Turns
from db.normalising import OWNED, Owned
from db.rendering import PLURAL, Input

_RESOURCES = {plural: resource for resource, plural in PLURAL.items()}


async def referrers(connection: AsyncConnection, resource: Resource, record_id: str) -> list[Referrer]:
    """Give the records that refer to a record, in order."""
    found: set[Referrer] = set()
    for referring, owned, columns in _pointing_at(resource):
        clause = or_(*(column == record_id for column in columns))
        rows = await connection.execute(owned.owners(clause).distinct())
        found.update((referring, owner) for owner in rows.scalars())
    found.discard((resource, record_id))
    return sorted(found)


def turned(item: Input, turns: Turns) -> Input:
    """Give an input with its references turned to other records; what would stand twice stands once.

    Raises:
        pydantic.ValidationError: the record would contradict itself, for instance by receiving from itself.
    """
    body = json.loads(item.model_dump_json())
    changed = {name: _turned(name, value, turns) for name, value in body.items() if name != "id"}
    if "overlaps" in changed:
        changed["overlaps"] = _distinct_overlaps(body["id"], changed["overlaps"])
    return type(item).model_validate_json(json.dumps(body | changed))


@cache
def _pointing_at(resource: Resource) -> Sequence[tuple[Resource, Owned, Sequence[Column[object]]]]:
    return list(_foreign_keys(resource))


def _foreign_keys(resource: Resource) -> Iterator[tuple[Resource, Owned, Sequence[Column[object]]]]:
    """Find every table of records with columns that point at a kind of record, besides their own pointer."""
    target = ID_TABLES[resource].c.id
    for referring, tables in OWNED.items():
        for owned in tables:
            columns = [
                column
                for column in owned.table.columns
                if any(key.column is target for key in column.foreign_keys) and column.name != owned.column
            ]
            if columns:
                yield referring, owned, columns


def _turned(name: str, value: object, turns: Turns) -> object:
    resource = _RESOURCES.get(NAMES.get(name, ""))
    ids = {} if resource is None else turns.get(resource, {})
    match value:
        case str():
            return ids.get(value, value)
        case list() if all(isinstance(each, str) for each in value):
            return list(dict.fromkeys(ids.get(each, each) for each in value))
        case list():
            return [_turned(name, each, turns) for each in value]
        case dict():
            return {field: _turned(field, each, turns) for field, each in value.items()}
        case _:
            return value


def _distinct_overlaps(record_id: str, overlaps: object) -> list[dict[str, object]]:
    """Keep the first of overlaps that name the same people twice, and none with the exchange itself."""
    kept: dict[tuple[object, ...], dict[str, object]] = {}
    for overlap in overlaps if isinstance(overlaps, list) else ():
        if overlap["exchange"] != record_id:
            key = (overlap["exchange"], overlap["measure"], overlap["received_by"])
            kept.setdefault(key, overlap)
    return list(kept.values())
