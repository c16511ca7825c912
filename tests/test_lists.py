"""Order, pages and cursors of every list; the golden record and the golden numbers."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests import oracle
from tests.asking import ask, found, id_of, walk
from tests.contract import LISTS, NEW_YEAR
from tests.oracle import Record

pytestmark = pytest.mark.anyio

# The key of each order: what it sorts by, as a number or a text; None comes last either way.
KEYS: dict[str, dict[str, Callable[[Record], Any]]] = {
    "/v1/exchanges": {"date": lambda r: r["date"], "persons": lambda r: r["persons"]["best"]},
    "/v1/figures": {"date": lambda r: r["exchange_date"], "best": lambda r: r["best"]},
    "/v1/disagreements": {"date": lambda r: r["exchange_date"], "spread": lambda r: r["spread"]},
    "/v1/claims": {"date": lambda r: r["exchange_date"], "count": lambda r: r["count"]},
    "/v1/mediations": {"date": lambda r: r["exchange_date"]},
    "/v1/articles": {"date": lambda r: r["published_on"] or "0001-01-01"},
    "/v1/publishers": {},
    "/v1/actors": {},
    "/v1/agreements": {"date": lambda r: r["date"]},
    "/v1/totals": {"date": lambda r: r["as_of"], "value": lambda r: r["value"]},
    "/v1/coverage": {"date": lambda r: r["date_from"]},
}
KEYS["/v1/articles/{record_id}/exchanges"] = KEYS["/v1/exchanges"]
KEYS["/v1/exchanges/{record_id}/claims"] = KEYS["/v1/claims"]
KEYS["/v1/exchanges/{record_id}/mediations"] = KEYS["/v1/mediations"]
SHARED: dict[str, Callable[[Record], Any]] = {"updated": lambda r: r["updated_at"], "id": id_of}
SORTS = [
    (operation, parameter["schema"]["enum"])
    for operation in LISTS
    for parameter in operation.spec["parameters"]
    if parameter["name"] == "sort"
]


@pytest.mark.parametrize(
    ("path", "template", "sort"),
    [
        pytest.param(operation.path, operation.template, sort, id=f"{operation.template}-{sort}")
        for operation, sorts in SORTS
        for sort in sorts
    ],
)
async def test_every_order(client: httpx.AsyncClient, path: str, template: str, sort: str) -> None:
    key = (SHARED | KEYS[template])[sort.removeprefix("-")]
    records = await walk(client, path, {"sort": sort})
    present = [record for record in records if key(record) is not None]
    missing = records[len(present) :]
    assert all(key(record) is None for record in missing), "what has no key comes last, in both orders"
    for part in (present, missing):
        keyed = [("" if key(record) is None else key(record), id_of(record)) for record in part]
        assert keyed == sorted(keyed, reverse=sort.startswith("-")), "the id decides between equals"
    default = next(sorts[0] for operation, sorts in SORTS if operation.template == template)
    if sort == default:
        assert records == await walk(client, path)


def test_every_list_is_sorted() -> None:
    assert {operation.template for operation, _ in SORTS} == set(KEYS)
    assert {operation.template for operation in LISTS} == {*KEYS, "/v1/mediators"}
    for operation, sorts in SORTS:
        assert {sort.removeprefix("-") for sort in sorts} <= set(SHARED | KEYS[operation.template])


@pytest.mark.parametrize("path", [operation.path for operation in LISTS])
async def test_small_pages_give_everything_once(client: httpx.AsyncClient, path: str) -> None:
    size = 7 if path in {"/v1/exchanges", "/v1/mediations", "/v1/actors", "/v1/mediators"} else 97
    size = min(size, 7) if path.endswith("exchanges") else size
    everything = [id_of(record) for record in await walk(client, path)]
    ids: list[str] = []
    url: str | None = f"{path}?limit={size}"
    while url:
        page = (await ask(client, url)).json()
        assert page["meta"]["total"] == len(everything)
        assert len(page["data"]) == min(size, len(everything) - len(ids))
        ids += [id_of(record) for record in page["data"]]
        url = page["meta"]["next"]
    assert ids == everything
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("sort", ["-persons", "persons", "updated", "-updated", "id", "date"])
async def test_pages_of_every_order_join(client: httpx.AsyncClient, sort: str) -> None:
    """Also where most keys are equal, or missing."""
    everything = [id_of(record) for record in await walk(client, "/v1/exchanges", {"sort": sort})]
    for size in (1, 7):
        joined = await walk(client, "/v1/exchanges", {"sort": sort, "limit": size, "year": 2025})
        assert [id_of(r) for r in joined] == [id_ for id_ in everything if id_.startswith("2025")]


@pytest.mark.parametrize("limit", [1, 50, 234, 235, 236, 1000])
async def test_limits(client: httpx.AsyncClient, limit: int) -> None:
    page = (await ask(client, "/v1/exchanges", {"limit": limit})).json()
    assert (len(page["data"]), page["meta"]["limit"]) == (min(limit, 235), limit)
    assert (page["meta"]["next"] is None) is (limit >= 235)


@pytest.mark.parametrize(
    "query",
    [
        {"mediator": ["UAE", "Türkiye"], "sort": "-persons"},
        {"party_all": ["russia", "ukraine"], "mediator": "none"},
        {"q": "Istanbul", "has_figures": "true", "date_from": "2014-01-01"},
        {"received_by": "Kyiv", "min_persons": 100, "disputed": "false"},
        {"agency": ["reuters", "none"], "as_of": "1"},
    ],
    ids=str,
)
async def test_a_cursor_alone_suffices(client: httpx.AsyncClient, query: dict[str, object]) -> None:
    whole = [id_of(record) for record in await walk(client, "/v1/exchanges", query)]
    first = (await ask(client, "/v1/exchanges", {"limit": 3} | query)).json()
    cursor = {"cursor": first["meta"]["next_cursor"], "limit": 1000}
    alone = (await ask(client, "/v1/exchanges", cursor)).json()
    assert [id_of(record) for record in first["data"] + alone["data"]] == whole
    assert alone["meta"]["total"] == first["meta"]["total"] == len(whole)
    assert alone["meta"]["query"] == first["meta"]["query"]
    again = (await ask(client, "/v1/exchanges", cursor | query)).json()
    assert (again["data"], again["meta"]) == (alone["data"], alone["meta"])


async def test_what_means_the_same_beside_a_cursor(client: httpx.AsyncClient) -> None:
    first = {"mediator": ["uae", "turkey"], "limit": 3}
    cursor = (await ask(client, "/v1/exchanges", first)).json()["meta"]["next_cursor"]
    expected = (await ask(client, "/v1/exchanges", {"cursor": cursor, "limit": 3})).json()
    for same in (
        {"mediator": ["ОАЭ", "Turkiye"]},
        {"mediator": ["turkey", "uae"]},
        {"mediator": ["uae", "turkey", "ARE"]},
        {"mediator": ["uae", "turkey"], "sort": "-date"},
    ):
        answer = await ask(client, "/v1/exchanges", {"cursor": cursor, "limit": 3} | same)
        assert answer.json() == expected, same


# The golden record


async def test_the_golden_record(client: httpx.AsyncClient) -> None:
    record = (await ask(client, f"/v1/exchanges/{NEW_YEAR}")).json()
    source = oracle.by_id("exchanges")[NEW_YEAR]
    assert {name: record[name] for name in source} == source
    assert record["persons"] == {"low": 300, "best": 339, "high": 339, "both_directions": True}
    assert record["figures_rule"] == 1
    assert record["independent_sources"] == len(oracle.sources(source["citations"])) == 7
    assert [article["id"] for article in record["articles"]] == sorted(source["citations"])
    shown = ["id", "url", "title", "publisher", "agency", "published_on", "language"]
    for article in record["articles"]:
        original = oracle.by_id("articles")[article["id"]]
        assert article == {name: original[name] for name in shown}
    # Of the four articles behind 189, three support three claims each, on one day; the id decides.
    assert record["source_url"] == oracle.by_id("articles")["al-jazeera-2024-12-30"]["url"]
    assert (record["revision"], record["created_at"]) == (1, record["updated_at"])
    assert record["links"] == {
        "self": f"/v1/exchanges/{NEW_YEAR}",
        "claims": f"/v1/claims?exchange={NEW_YEAR}",
        "mediations": f"/v1/mediations?exchange={NEW_YEAR}",
        "figures": f"/v1/figures?exchange={NEW_YEAR}",
        "agreement": None,
    }
    derived = {"persons", "figures", "figures_rule", "independent_sources", "source_url", "articles"}
    assert set(record) == set(source) | derived | {"revision", "created_at", "updated_at", "links"}
    [home] = [
        figure
        for figure in record["figures"]
        if (figure["received_by"], figure["measure"]) == ("ukraine", "persons")
    ]
    assert home == {
        "released_by": "russia",
        "received_by": "ukraine",
        "measure": "persons",
        "low": 150,
        "best": 189,
        "high": 189,
        "best_claimant": "ukraine",
        "best_qualifier": "exact",
        "disputed": True,
        "disputed_by_parties": True,
        "attestation": "both_parties",
        "independent_sources": 4,
        "by_claimant": [
            {"claimant": "ukraine", "value": 189, "qualifier": "exact", "claims": [f"{NEW_YEAR}:c1"]},
            {"claimant": "russia", "value": 150, "qualifier": "exact", "claims": [f"{NEW_YEAR}:c4"]},
            {"claimant": "uae", "value": 150, "qualifier": "exact", "claims": [f"{NEW_YEAR}:c6"]},
        ],
    }


@pytest.mark.parametrize(
    ("path", "id_", "file"),
    [
        ("articles", "al-jazeera-2024-12-30", "articles"),
        ("publishers", "al-jazeera", "publishers"),
        ("actors", "dpr-lpr", "actors"),
        ("agreements", "istanbul-2025-06-02", "agreements"),
        ("totals", "total-0002", "totals"),
        ("coverage", "2014-autumn", "coverage"),
    ],
)
async def test_golden_records_of_the_others(
    client: httpx.AsyncClient, path: str, id_: str, file: str
) -> None:
    record = (await ask(client, f"/v1/{path}/{id_}")).json()
    source = oracle.by_id(file)[id_]
    assert {name: record[name] for name in source} == source
    derived = {"revision", "created_at", "updated_at", "links"}
    derived |= {"articles": {"archive_url", "link_status", "link_checked_at"}}.get(path, set())
    derived |= {"source_url", "articles"} if "citations" in source else set()
    assert set(record) == set(source) | derived
    if path == "articles":
        assert (record["archive_url"], record["link_status"], record["link_checked_at"]) == (
            None,
            "unchecked",
            None,
        )


async def test_golden_parts(client: httpx.AsyncClient) -> None:
    source = oracle.by_id("exchanges")[NEW_YEAR]
    of = {"exchange": NEW_YEAR, "exchange_date": "2024-12-30", "exchange_kind": "prisoner_exchange"}
    for kind in ("claims", "mediations"):
        for part in source[kind]:
            record = (await ask(client, f"/v1/{kind}/{part['id']}")).json()
            assert {name: record[name] for name in part} == part
            assert {name: record[name] for name in of} == of
            assert [article["id"] for article in record["articles"]] == sorted(part["citations"])
            assert record["source_url"] in {article["url"] for article in record["articles"]}


# The golden numbers


async def test_the_emirates_brokered_26(client: httpx.AsyncClient) -> None:
    answer = (await ask(client, "/exchanges", {"mediator": "UAE", "limit": 1000})).json()
    assert (answer["meta"]["total"], len(answer["data"])) == (26, 26)
    for record in answer["data"]:
        assert record["source_url"].startswith("http")
        assert record["source_url"] in [article["url"] for article in record["articles"]]


async def test_the_official_sum_of_2024(client: httpx.AsyncClient) -> None:
    query = {"measure": "persons", "received_by": "ukraine", "year": 2024, "kind": "prisoner_exchange"}
    assert sum(figure["best"] for figure in await walk(client, "/v1/figures", query)) == 1358


async def test_the_19th_of_april_2025(client: httpx.AsyncClient) -> None:
    query = {"measure": "persons", "date_from": "2025-04-19", "date_to": "2025-04-19"}
    figures = await walk(client, "/v1/figures", query)
    assert {figure["received_by"]: figure["best"] for figure in figures} == {"ukraine": 277, "russia": 261}


async def test_disputed_persons_figures(client: httpx.AsyncClient) -> None:
    for query, number in (
        ({}, 273),
        ({"disputed": "true"}, 25),
        ({"disputed": "false"}, 248),
        ({"disputed_by_parties": "true"}, 12),
    ):
        assert len(await found(client, "/v1/figures", {"measure": "persons"} | query)) == number


async def test_records_without_figures_still_cite(client: httpx.AsyncClient) -> None:
    records = await walk(client, "/v1/exchanges", {"has_figures": "false"})
    assert len(records) == 8
    for record in records:
        assert (record["claims"], record["figures"], record["persons"]["best"]) == ([], [], None)
        assert record["articles"]
        assert record["source_url"]
