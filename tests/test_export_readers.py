"""Exports as others read them: pandas, DuckDB, pyarrow, openpyxl, Python's csv and pyld, against the JSON.

What each cell must hold is worked out here from the lists' JSON, and not by the code that makes the files.
"""

import csv
import datetime as dt
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import httpx
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyld import jsonld
from sqlalchemy.ext.asyncio import AsyncEngine

from api.columns import Kind
from api.exports import EXPORTS
from api.formats import cells
from db.enums import Resource
from tests.asking import Query, ask, walk
from tests.synthetic import actor, article, claim, coverage, exchange, publisher
from tests.writing import made, put

pytestmark = pytest.mark.anyio

Row = dict[str, Any]
# What must be asked, for there to be an answer of some rows.
QUERIES: Mapping[str, Query] = {
    "stats": {"group_by": ["year", "mediator"], "fill": "true", "date_from": "2021-01-01"},
    "reconciliation": {"claimant": "uae"},
}
COMPUTED = ("stats", "reconciliation")
CITING = {"exchanges": "exchange", "agreements": "agreement", "totals": "total"}
MEDIATING = {"mediator", "facilitator", "host"}
ODD = "=cmd|' /C calc'!A0"
TEXTS = [
    'He said "home", twice',
    "two\nlines, and\n\nanother",
    "Обмен пленными: 189 на 150",
    "тест; semicolon\tand tab",
    "-1 is not a number here",
    "@handle",
    "+380",
    "back\\slash",
    "'quoted'",
    "\n=1+1",
    "\t=1+1",
    "  =1+1",
    "\u00a0+1",
    "\uff1d1+1",
    "a =1+1",
]


def expected(record: Mapping[str, Any]) -> Row:
    """Give the row of a record."""
    row: Row = {}
    for name, value in record.items():
        if name == "links":
            continue
        if name == "location":
            place = value or {"name": None, "citations": []}
            row |= {"location_name": place["name"], "location_citations": place["citations"]}
        elif isinstance(value, dict):
            row |= {f"{name}_{inner}": each for inner, each in value.items()}
        elif name == "mediations":
            asserted = [m["actor"] for m in value if m["stance"] == "asserts" and m["role"] in MEDIATING]
            row["mediators"] = list(dict.fromkeys(asserted))
        elif name == "figures":
            row[name] = [f"{f['released_by']}.{f['received_by']}.{f['measure']}={f['best']}" for f in value]
        elif name in {"by_claimant", "values"}:
            row[name] = [f"{own['claimant'] or 'none'}={own['value']}" for own in value]
        elif name == "overlaps":
            row[name] = [
                f"{o['exchange']}.{o['released_by']}.{o['received_by']}.{o['measure']}={o['count']}"
                for o in value
            ]
        elif name == "terms":
            counts = ["none" if term["count"] is None else term["count"] for term in value]
            row[name] = [f"{t['id']}.{t['category']}={n}" for t, n in zip(value, counts, strict=True)]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            row[name] = [each["id"] for each in value]
        else:
            row[name] = value
    return row


def cited(record: Mapping[str, Any], resource: str) -> list[Row]:
    """Give the citations of a record and, of an exchange, of its claims and mediations."""
    articles = {each["id"]: each for each in record["articles"]}
    parts: list[tuple[str, str | None, Sequence[str]]] = [(resource, None, list(articles))]
    if resource == "exchange":
        parts += [("claim", part["id"], part["citations"]) for part in record["claims"]]
        parts += [("mediation", part["id"], part["citations"]) for part in record["mediations"]]
    shown = ("url", "publisher", "agency", "published_on")
    return [
        {"resource": kind, "record": record["id"], "part": part, "article": id_}
        | {name: articles[id_][name] for name in shown}
        for kind, part, ids in parts
        for id_ in ids
    ]


async def rows_of(client: httpx.AsyncClient, name: str, query: Query | None = None) -> list[Row]:
    """Give the rows that an export must have, from what JSON answers of the same."""
    query = {**QUERIES.get(name, {}), **(query or {})}
    if name == "citations":
        return [
            row
            for plural, resource in CITING.items()
            for record in await walk(client, f"/v1/{plural}", query)
            for row in cited(record, resource)
        ]
    if name not in COMPUTED:
        return [expected(record) for record in await walk(client, f"/v1/{name}", query)]
    found = (await ask(client, f"/v1/{name}", query)).json()["data"]
    if name == "stats":
        return [row | {"overlap": None} for row in found]
    columns = [column.name for column in EXPORTS[name].columns]
    flat = [series | step for series in found for step in series["steps"]]
    return [{column: row[column] for column in columns} for row in flat]


def in_order(name: str, rows: Sequence[Row]) -> list[Row]:
    """Citations have no list whose order the file must have; their own is tested elsewhere."""
    return sorted(rows, key=repr) if name == "citations" else list(rows)


async def download(client: httpx.AsyncClient, path: str, query: Query | None = None) -> bytes:
    name = path.removeprefix("/v1/").partition(".")[0]
    response = await ask(client, path, {**QUERIES.get(name, {}), **(query or {})})
    assert response.status_code == 200, response.text
    return response.content


def guarded(text: str) -> str:
    runs = text[:1] in {"\t", "\r", "\n"} or text.lstrip()[:1] in {*"=+-@", *"\uff1d\uff0b\uff0d\uff20"}
    return f"'{text}" if runs else text


def spelt(value: object) -> str:
    """Give what CSV holds for a value of the JSON."""
    if value is None:
        return ""
    if isinstance(value, list):
        value = "|".join(item.replace("\\", "\\\\").replace("|", "\\|") for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return guarded(value) if isinstance(value, str) else str(value)


def typed(name: str, value: Any) -> Any:
    """Give what Parquet holds for a value of the JSON."""
    if isinstance(value, str) and name in {"created_at", "updated_at", "link_checked_at"}:
        return dt.datetime.fromisoformat(value)
    days = {"date", "date_end", "exchange_date", "as_of", "since", "date_from", "date_to", "published_on"}
    days |= {"after", "until"}
    return dt.date.fromisoformat(value) if isinstance(value, str) and name in days else value


def read_csv(content: bytes) -> list[Row]:
    header, *rows = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def records_of(frame: pd.DataFrame) -> list[Row]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def plain(value: Any) -> Any:
    """Give a value that pandas has read as one that compares."""
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    if hasattr(value, "tolist"):
        return value.tolist()
    return None if value is pd.NA or value is pd.NaT or value != value else value  # noqa: PLR0124  (not a number)


@pytest.mark.parametrize("name", EXPORTS)
async def test_csv_is_what_the_list_says(client: httpx.AsyncClient, name: str, tmp_path: Path) -> None:
    wanted = in_order(name, [{k: spelt(v) for k, v in row.items()} for row in await rows_of(client, name)])
    content = await download(client, f"/v1/{name}.csv")
    assert wanted
    assert in_order(name, read_csv(content)) == wanted
    as_text = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    assert in_order(name, records_of(as_text)) == wanted
    file = tmp_path / "rows.csv"
    file.write_bytes(content)
    with duckdb.connect() as database:
        relation = database.read_csv(str(file), all_varchar=True, header=True)
        found = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    assert in_order(name, [{k: v or "" for k, v in row.items()} for row in found]) == wanted


@pytest.mark.parametrize("name", EXPORTS)
async def test_parquet_is_what_the_list_says(client: httpx.AsyncClient, name: str, tmp_path: Path) -> None:
    rows = await rows_of(client, name)
    wanted = in_order(name, [{k: typed(k, v) for k, v in row.items()} for row in rows])
    content = await download(client, f"/v1/{name}.parquet")
    table = pq.read_table(io.BytesIO(content))
    assert in_order(name, table.to_pylist()) == wanted
    for field, column in zip(table.schema, EXPORTS[name].columns, strict=True):
        assert field.metadata[b"description"].decode() == column.description
        assert field.nullable is not column.required
    frame = pd.read_parquet(io.BytesIO(content))
    found = [{k: plain(v) for k, v in row.items()} for row in records_of(frame)]
    assert in_order(name, found) == wanted
    file = tmp_path / "rows.parquet"
    file.write_bytes(content)
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        relation = database.read_parquet(str(file))
        seen = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    assert in_order(name, seen) == wanted


async def test_parquet_has_real_types(client: httpx.AsyncClient) -> None:
    schema = pq.read_schema(io.BytesIO(await download(client, "/v1/exchanges.parquet")))
    assert schema.field("date").type == pa.date32()
    assert schema.field("updated_at").type == pa.timestamp("us", tz="UTC")
    assert schema.field("articles").type.value_type == pa.string()
    assert schema.field("persons_best").type == pa.int64()
    assert schema.field("persons_both_directions").type == pa.bool_()


@pytest.mark.parametrize("name", EXPORTS)
async def test_xlsx_is_what_the_list_says(client: httpx.AsyncClient, name: str) -> None:
    rows = await rows_of(client, name)
    content = await download(client, f"/v1/{name}.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    assert book.sheetnames == ["data", "columns"]
    (header, *cells), (_, *explained) = (list(book[sheet].values) for sheet in book.sheetnames)
    columns = EXPORTS[name].columns
    assert list(header) == [column.name for column in columns]
    assert explained == [(c.name, c.kind, c.required, c.description) for c in columns]
    found = [dict(zip(header, row, strict=True)) for row in cells]
    assert in_order(name, found) == in_order(name, [in_excel(row) for row in rows])
    frame = pd.read_excel(io.BytesIO(content), "data")
    assert list(frame.columns) == list(header)
    assert len(frame) == len(rows)


def in_excel(row: Row) -> Row:
    """Give what Excel holds for a row: days are days at midnight there, moments are texts."""
    found: Row = {}
    for name, value in row.items():
        as_typed = typed(name, value)
        if type(as_typed) is dt.date:
            found[name] = dt.datetime.combine(as_typed, dt.time())
        elif isinstance(value, str | list):
            found[name] = spelt(value) or None
        else:
            found[name] = value
    return found


@pytest.mark.parametrize("name", [name for name in EXPORTS if name not in {"citations", *COMPUTED}])
async def test_ndjson_is_the_bodies(client: httpx.AsyncClient, name: str) -> None:
    content = await download(client, f"/v1/{name}.ndjson")
    lines = content.decode().split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == await walk(client, f"/v1/{name}")
    if name not in {"figures", "disagreements"}:  # which have no path
        for line in lines[:3]:
            one = await ask(client, f"/v1/{name}/{json.loads(line)['id']}")
            assert one.text == line


@pytest.mark.parametrize("name", EXPORTS)
async def test_jsonld_expands_without_a_network(client: httpx.AsyncClient, name: str) -> None:
    document = json.loads(await download(client, f"/v1/{name}.jsonld"))

    def refuse(url: str, _: object) -> None:
        raise AssertionError(f"the context must be in the document, and {url} was asked for")

    nodes = jsonld.expand(document, {"documentLoader": refuse})
    rows = await rows_of(client, name)
    assert len(nodes) == len(rows)
    addresses = [node.get("@id") for node in nodes]
    if name not in {"citations", *COMPUTED}:
        assert all(str(address).startswith("http://testserver/v1/") for address in addresses)
        assert len(set(addresses)) == len(rows)
    prov = "http://www.w3.org/ns/prov#wasDerivedFrom"
    for node, row in zip(nodes, rows if "articles" in rows[0] else [], strict=False):
        found = [source["@id"] for source in node[prov]]
        assert found == [f"http://testserver/v1/articles/{id_}" for id_ in row["articles"]]


async def test_an_exchange_is_an_event(client: httpx.AsyncClient) -> None:
    content = await download(
        client, "/v1/exchanges.jsonld", {"date_from": "2024-12-30", "date_to": "2024-12-30"}
    )
    node = jsonld.expand(json.loads(content))[0]
    schema = "https://schema.org/"
    assert node["@id"] == "http://testserver/v1/exchanges/2024-12-30-russia-ukraine"
    assert f"{schema}Event" in node["@type"]
    (begun,) = node[f"{schema}startDate"]
    assert begun == {"@type": "http://www.w3.org/2001/XMLSchema#date", "@value": "2024-12-30"}
    sides = {side["@id"].rpartition("/")[2] for side in node[f"{schema}attendee"]}
    assert sides == {"russia", "ukraine"}


async def test_statistics_without_groups_are_their_total(client: httpx.AsyncClient) -> None:
    total = (await ask(client, "/v1/stats", {"year": 2024})).json()["total"]
    response = await ask(client, "/v1/stats.csv", {"year": 2024})
    [row] = read_csv(response.content)
    assert {name: row[name] for name in ("low", "best", "high", "exchanges", "overlap", "group")} == {
        **{name: str(total[name]) for name in ("low", "best", "high", "exchanges", "overlap")},
        "group": "",
    }
    response = await ask(client, "/v1/stats.csv", {"year": 1999, "group_by": "mediator"})
    assert read_csv(response.content) == []


@pytest.mark.parametrize("text", ["\r=1", "\r\n@SUM(1)", "\n", "\t", " \t-1", "\u3000=1"])
def test_no_text_runs_whatever_is_before_its_sign(text: str) -> None:
    assert cells.guarded(text) == f"'{text}"


def test_what_runs_nowhere_stays_as_it_is() -> None:
    for text in ("", " ", "a=1", "1-2", "é", "'=1"):
        assert cells.guarded(text) == text
    assert cells.guarded(None) is None
    for number in (-1, 0, 1.5):
        assert cells.spelt(Kind.NUMBER, number) == number


async def test_odd_texts_survive(own_client: httpx.AsyncClient, loaded_engine: AsyncEngine) -> None:
    claims = [
        claim(f"odd:c{number}", released_by="russia", received_by="ukraine", note=text)
        for number, text in enumerate([ODD, *TEXTS], start=1)
    ]
    await put(
        loaded_engine,
        made(Resource.PUBLISHER, publisher("gazette")),
        made(Resource.ARTICLE, article("page-1", title=ODD)),
        made(Resource.ACTOR, actor("odd-land", name="Odd land", aliases=["a|b odd", "c\\d odd", "=odd"])),
        made(Resource.COVERAGE, coverage("odd-notes", statement=TEXTS[1])),
        made(Resource.EXCHANGE, exchange("odd", parties=["russia", "ukraine"], claims=claims, summary=ODD)),
    )
    content = await download(own_client, "/v1/claims.csv", {"exchange": "odd", "sort": "id"})
    rows = read_csv(content)
    assert rows == [
        {k: spelt(v) for k, v in row.items()}
        for row in await rows_of(own_client, "claims", {"exchange": "odd", "sort": "id"})
    ]
    notes = {row["id"]: row["note"] for row in rows}
    assert notes["odd:c1"] == f"'{ODD}"
    assert notes["odd:c2"] == TEXTS[0]
    assert notes["odd:c6"] == f"'{TEXTS[4]}"
    frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    assert [row["note"] for row in rows] == list(frame["note"])
    for form in ("parquet", "xlsx"):
        book = await download(own_client, f"/v1/claims.{form}", {"exchange": "odd", "sort": "id"})
        if form == "parquet":
            told = {row["id"]: row["note"] for row in pq.read_table(io.BytesIO(book)).to_pylist()}
            assert [told[each["id"]] for each in claims] == [ODD, *TEXTS]
        else:
            sheet = openpyxl.load_workbook(io.BytesIO(book))["data"]
            header, *cells = sheet.values
            told = {row[header.index("id")]: row[header.index("note")] for row in cells}
            assert told["odd:c1"] == f"'{ODD}"
            assert told["odd:c4"] == TEXTS[2]
            assert all(cell.data_type != "f" for line in sheet.iter_rows() for cell in line)
    actors = read_csv(await download(own_client, "/v1/actors.csv", {"q": "odd"}))
    assert [row["aliases"] for row in actors] == [r"a\|b odd|c\\d odd|=odd"]
    titled = read_csv(await download(own_client, "/v1/articles.csv", {"publisher": "gazette"}))
    assert [row["title"] for row in titled] == [f"'{ODD}"]


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet", "xlsx", "jsonld"])
async def test_nothing_found_is_a_file_all_the_same(client: httpx.AsyncClient, form: str) -> None:
    content = await download(client, f"/v1/exchanges.{form}", {"year": 1999})
    names = [column.name for column in EXPORTS["exchanges"].columns]
    if form == "csv":
        assert content == (",".join(names) + "\r\n").encode()
    elif form == "ndjson":
        assert content == b""
    elif form == "parquet":
        table = pq.read_table(io.BytesIO(content))
        assert (table.num_rows, table.column_names) == (0, names)
        assert table.schema.field("date").type == pa.date32()
    elif form == "xlsx":
        assert list(openpyxl.load_workbook(io.BytesIO(content))["data"].values) == [tuple(names)]
    else:
        assert jsonld.expand(json.loads(content)) == []
