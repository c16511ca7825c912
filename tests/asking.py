"""How tests ask lists: a query as a mapping, and all that it finds, over as many pages as there are."""

from collections.abc import Mapping
from typing import Any

import httpx

Query = Mapping[str, object]


async def ask(
    client: httpx.AsyncClient, path: str, query: Query | None = None, **headers: str
) -> httpx.Response:
    """Send a GET; lists in the query repeat their parameter."""
    plain = {"Accept-Encoding": "identity"} | {name.replace("_", "-"): text for name, text in headers.items()}
    # httpx drops the query of a URL where it is given parameters, and writes it anew where it adds some
    url = httpx.URL(path).copy_merge_params(dict(query)) if query else path
    return await client.get(url, headers=plain)


async def refused(client: httpx.AsyncClient, path: str, query: Query) -> list[dict[str, Any]]:
    """Send a query that must be refused, and give what it is told."""
    response = await ask(client, path, query)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_query"), response.text
    return response.json()["errors"]  # type: ignore[no-any-return]


async def walk(client: httpx.AsyncClient, path: str, query: Query | None = None) -> list[dict[str, Any]]:
    """Give all records of a list, following `next`; the total must be their number."""
    response = await ask(client, path, {"limit": 1000} | dict(query or {}))
    records: list[dict[str, Any]] = []
    while True:
        assert response.status_code == 200, response.text
        page = response.json()
        records += page["data"]
        if page["meta"]["next"] is None:
            assert page["meta"]["total"] == len(records)
            return records
        response = await ask(client, page["meta"]["next"])


async def found(client: httpx.AsyncClient, path: str, query: Query | None = None) -> set[str]:
    """Give the ids of all records of a list; each comes once."""
    ids = [id_of(record) for record in await walk(client, path, query)]
    assert len(set(ids)) == len(ids)
    return set(ids)


def id_of(record: Mapping[str, Any]) -> str:
    """Give the id of a record; a figure, which has none, is named by what it is about."""
    if "measure" in record and "exchange" in record and "id" not in record:
        return ".".join(record[part] for part in ("exchange", "released_by", "received_by", "measure"))
    return str(record["id"])
