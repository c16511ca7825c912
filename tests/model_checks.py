"""Holding the answers of the service against the model of `tests/dataset_model.py`. No test lives here."""

import json
from collections.abc import Sequence
from typing import Any

from db.enums import Resource
from db.rendering import PLURAL
from db.verify import verify
from tests.asking import walk
from tests.curating import Curator, path_of
from tests.dataset_model import Key, Model, Standing, seen
from tests.synthetic import Record

R = Resource

MODELLED = (R.EXCHANGE, R.ARTICLE, R.ACTOR, R.COVERAGE)
OF_A_CLAIM = ("count", "claimant", "citations", "category")


def agree(stands: Standing, body: Record) -> None:
    """Hold a record as it is served against the model's."""
    assert {name: body[name] for name in stands.fields} == stands.fields
    assert body["revision"] == stands.number
    if "articles" in body:
        assert {each["id"]: seen(each) for each in body["articles"]} == {
            id_: seen(each) for id_, each in stands.shown.items()
        }


async def check_lists(
    curator: Curator, model: Model, as_of: int | None = None, resources: Sequence[Resource] = MODELLED
) -> None:
    """Hold all records that stand, or stood, against the model's."""
    query = {} if as_of is None else {"as_of": as_of}
    claims: dict[str, Record] = {}
    for resource in resources:
        listed = {each["id"]: each for each in await walk(curator.client, f"/v1/{PLURAL[resource]}", query)}
        assert sorted(listed) == model.standing(resource, as_of)
        for id_, body in listed.items():
            stands = model.read((resource, id_), as_of)
            agree(stands, body)
            claims |= {part["id"]: part for part in stands.fields.get("claims", [])}
    parts = {each["id"]: each for each in await walk(curator.client, "/v1/claims", query)}
    assert {id_: _claimed(part) for id_, part in parts.items()} == {
        id_: _claimed(part) for id_, part in claims.items()
    }


async def check_record(curator: Curator, model: Model, key: Key, as_of: int | None = None) -> None:
    """Hold the answer about one record, which need not stand, against the model's."""
    query = "" if as_of is None else f"?as_of={as_of}"
    read = await curator.get(f"{path_of(*key)}{query}")
    assert read.status_code == model.status(key, as_of), (key, as_of, read.text)
    if read.status_code == 200:
        agree(model.read(key, as_of), read.json())
    elif read.status_code == 308:
        assert read.headers["location"] == f"{path_of(key[0], model.end(key))}{query}"


async def check_all(curator: Curator, model: Model) -> None:
    """Hold everything against the model: each record, each past state, the feed; and verify."""
    assert await curator.revision() == model.revision
    for key in model.history:
        await check_record(curator, model, key)
    for as_of in range(1, model.revision + 1):
        await check_lists(curator, model, as_of, MODELLED[:1])
    await check_lists(curator, model)
    page = (await curator.get("/v1/changes?body=true&limit=1000")).json()
    assert page["meta"]["next"] is None
    entries: list[dict[str, Any]] = page["data"]
    log = [(e["dataset_revision"], e["resource"], e["id"], e["number"], e["action"]) for e in entries]
    assert sorted(log) == sorted(model.log)
    mirror: dict[Key, Record] = {}
    for entry in entries:
        key = (Resource(entry["resource"]), entry["id"])
        if entry["action"] in {"deleted", "merged"}:
            mirror.pop(key, None)
        elif entry["body"] is not None:
            mirror[key] = json.loads(entry["body"])
    for resource in MODELLED:
        told = {id_: body for (of, id_), body in mirror.items() if of is resource}
        assert sorted(told) == model.standing(resource)
        for id_, body in told.items():
            agree(model.read((resource, id_)), body)
    assert [fault async for fault in verify(curator.engine)] == []


def _claimed(part: Record) -> Record:
    return {name: part[name] for name in OF_A_CLAIM}
