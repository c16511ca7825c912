"""Importing a stream of records: all or none, every fault told with its line, and bounded memory."""

import json
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from api.main import create_app
from db import dataset_files
from db.access import create_key
from db.enums import Resource, Role
from db.models.history import Dataset, Revision
from db.rendering import PLURAL, RESOURCE_OF
from db.settings import DatabaseSettings
from tests.applications import application
from tests.applications import running as answering
from tests.databases import database_url
from tests.synthetic import Record, actor, article, claim, exchange, publisher, total
from tests.test_http_server import running
from tests.writing import small_dataset, stored_ids

pytestmark = pytest.mark.anyio

NDJSON = "application/x-ndjson"
SHIPPED = Path(__file__).parent.parent / "db" / "dataset"
MANY = 10_000
MOST_GROWTH = 200_000_000  # bytes over an idle process


def line(resource: str, record: Record) -> str:
    return json.dumps({"resource": resource} | record)


def stream(lines: Iterable[str]) -> bytes:
    return "".join(f"{each}\n" for each in lines).encode()


def small() -> list[str]:
    items = [(RESOURCE_OF[type(item)], item) for item in small_dataset()]
    return [line(resource, item.model_dump(mode="json")) for resource, item in items]


async def key_of(engine: AsyncEngine, role: Role = Role.CURATOR) -> dict[str, str]:
    _, token = await create_key(engine, "a test", role)
    return {"Authorization": f"Bearer {token}", "Content-Type": NDJSON}


class Curator:
    """Somebody who imports into a database of the test's own."""

    def __init__(self, client: httpx.AsyncClient, engine: AsyncEngine, headers: dict[str, str]) -> None:
        self.client = client
        self.engine = engine
        self.headers = headers

    async def send(self, content: Any, query: str = "reason=a+test", **headers: str) -> httpx.Response:
        sent = self.headers | {name.replace("_", "-"): text for name, text in headers.items()}
        return await self.client.post(f"/v1/import?{query}", content=content, headers=sent)

    async def report(self, *lines: str, query: str = "reason=a+test") -> dict[str, Any]:
        answer = await self.send(stream(lines), query)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        shown = answer.headers.get("x-dataset-revision")
        assert shown == (None if told["dry_run"] else str(told["revision"]))
        assert answer.headers["cache-control"] == "no-store"
        return told

    async def refusal(self, *lines: str | bytes, query: str = "reason=a+test") -> dict[str, Any]:
        """Send what must be refused; nothing may have been stored."""
        before = await self.state()
        content = b"".join((each.encode() if isinstance(each, str) else each) + b"\n" for each in lines)
        answer = await self.send(content, query)
        assert answer.status_code == 422, answer.text
        assert await self.state() == before
        told: dict[str, Any] = answer.json()
        assert told["code"] == "invalid_body"
        return told

    async def state(self) -> tuple[int, object]:
        async with self.engine.connect() as connection:
            revision = (await connection.execute(select(Dataset.revision))).scalar_one()
        return revision, await stored_ids(self.engine)


@pytest.fixture
async def own_url(engine: AsyncEngine, server_url: str) -> str:
    """The URL of the database of the `engine` fixture."""
    async with engine.connect() as connection:
        name = (await connection.exec_driver_sql("SELECT current_database()")).scalar_one()
    return database_url(server_url, name)


@pytest.fixture
async def curator(engine: AsyncEngine, own_url: str) -> AsyncIterator[Curator]:
    async with answering(application(own_url)) as client:
        yield Curator(client, engine, await key_of(engine))


def counts(report: dict[str, Any]) -> dict[str, tuple[int, int, int, int]]:
    kinds = ("created", "updated", "rerendered", "unchanged")
    return {each["resource"]: tuple(each[kind] for kind in kinds) for each in report["counts"]}  # type: ignore[misc]


async def test_records_of_all_kinds_are_stored_in_any_order(curator: Curator) -> None:
    report = await curator.report(*reversed(small()))
    assert (report["revision"], report["dry_run"], report["warnings"]) == (1, False, [])
    assert counts(report) == {
        "publisher": (2, 0, 0, 0),
        "actor": (3, 0, 0, 0),
        "article": (3, 0, 0, 0),
        "agreement": (1, 0, 0, 0),
        "exchange": (2, 0, 0, 0),
        "total": (2, 0, 0, 0),
        "coverage": (1, 0, 0, 0),
    }


async def test_an_import_says_why_and_who(curator: Curator) -> None:
    await curator.report(line("publisher", publisher("gazette")), query="reason=the+spring%27s+work")
    async with curator.engine.connect() as connection:
        [row] = (await connection.execute(select(Revision.reason, Revision.key))).all()
    assert row.reason == "the spring's work"
    assert row.key == f"{curator.headers['Authorization'].split('_')[1]} (a test)"


async def test_what_stands_already_stays_untouched(curator: Curator) -> None:
    await curator.report(*small())
    again = await curator.report(*small())
    assert again["revision"] == 1
    assert counts(again)["exchange"] == (0, 0, 0, 2)
    changed = await curator.report(
        line("article", article("page-1", title="A page")), line("total", total("total-1"))
    )
    assert changed["revision"] == 2
    assert counts(changed) == {
        "article": (0, 1, 0, 0),
        "agreement": (0, 0, 1, 0),
        "exchange": (0, 0, 1, 0),
        "total": (0, 0, 1, 0),
    }


async def test_the_shipped_dataset_is_imported_as_it_is_loaded(curator: Curator) -> None:
    lines = [
        line(resource, json.loads(record))
        for resource, plural in PLURAL.items()
        for record in (SHIPPED / f"{plural}.jsonl").read_text().splitlines()
    ]
    report = await curator.report(*lines)
    assert sum(each["created"] for each in report["counts"]) == len(lines) == 2112


async def test_a_dry_run_tells_the_same_and_stores_nothing(curator: Curator) -> None:
    before = await curator.state()
    report = await curator.report(*small(), query="dry_run=true")
    assert (report["revision"], report["dry_run"]) == (1, True)
    assert counts(report)["exchange"] == (2, 0, 0, 0)
    assert await curator.state() == before
    told = await curator.refusal(line("total", total("total-1")), query="dry_run=true")
    assert told["errors"][0]["code"].startswith("unknown_")


async def test_every_fault_is_told_with_its_line(curator: Curator) -> None:
    claims = [claim("a:c1", count=-1), claim("a:c2", claimant="nobody")]
    told = await curator.refusal(
        *small(),
        "{",
        line("exchange", exchange("a", claims=claims)),
        line("exchange", exchange("b", claims=[claim("b:c1", claimant="nobody")])),
        line("actor", actor("west", name="LAND-NORTH")),
        json.dumps(publisher("daily")),
        line("publishers", publisher("daily")),
        '{"resource": "total", "id": "x", "id": "y"}',
        b'{"resource": "total", "id": "\xff"}',
        line("total", total("a", summary="x")),
    )
    first = len(small())
    found = [(item["pointer"], item["code"], item["message"]) for item in told["errors"]]
    assert found == [
        (
            f"/{first}",
            "invalid_json",
            f"line {first + 1}: is not valid JSON: Expecting property name enclosed in double quotes at "
            "column 2",
        ),
        (
            f"/{first + 1}/claims/0/count",
            "invalid_value",
            f"line {first + 2}: claims.0.count: must be at least 0, not -1",
        ),
        (
            f"/{first + 3}/name",
            "duplicate_name",
            f"line {first + 4}: name: 'LAND-NORTH' is already a name of 'north', line 1",
        ),
        (f"/{first + 4}/resource", "missing", f"line {first + 5}: resource: is missing"),
        (
            f"/{first + 5}/resource",
            "invalid_value",
            f"line {first + 6}: resource: must be one of publisher, actor, article, agreement, exchange, "
            "total, coverage",
        ),
        (f"/{first + 6}/id", "repeated", f"line {first + 7}: id: is given more than once"),
        (f"/{first + 7}", "invalid_encoding", f"line {first + 8}: is not UTF-8: byte 0xff at position 30"),
        (f"/{first + 8}/summary", "unknown_field", f"line {first + 9}: summary: is not a known field"),
    ]
    assert told["errors"][4]["allowed"] == list(PLURAL)
    assert told["detail"] == f"{found[0][2]} (and 7 more)."


async def test_references_are_checked_beside_lines_that_are_wrong(curator: Curator) -> None:
    bad = line("total", total("a", value=-1))
    told = await curator.refusal(
        *small(), bad, line("exchange", exchange("b", claims=[claim("b:c1", claimant="nobody")]))
    )
    assert [(item["pointer"], item["code"]) for item in told["errors"]] == [
        (f"/{len(small())}/value", "invalid_value"),
        (f"/{len(small()) + 1}/claims/0/claimant", "unknown_actor"),
    ]
    # the line that is wrong may be the very actor
    for faulty in (line("actor", {"id": "nobody"}), json.dumps({"id": "nobody"}), "{"):
        told = await curator.refusal(
            *small(), faulty, line("exchange", exchange("b", claims=[claim("b:c1", claimant="nobody")]))
        )
        assert {item["pointer"].split("/")[1] for item in told["errors"]} == {str(len(small()))}


async def test_an_import_without_a_line_is_refused(curator: Curator) -> None:
    told = await curator.refusal()
    assert told["detail"] == "there is no line."
    assert told["errors"][0]["code"] == "empty"


async def test_empty_lines_are_refused_and_a_missing_line_end_is_not(curator: Curator) -> None:
    gazette = line("publisher", publisher("gazette"))
    told = await curator.refusal(gazette, "")
    assert [(item["pointer"], item["message"]) for item in told["errors"]] == [("/1", "line 2: is empty")]
    answer = await curator.send(gazette.encode())
    assert answer.status_code == 200


async def test_a_hundred_faults_are_listed_and_the_others_counted(
    curator: Curator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_files, "MOST_ERRORS", 150)
    told = await curator.refusal(*["[]"] * 400)
    assert len(told["errors"]) == 100
    assert told["detail"] == "line 1: must be a JSON object (and 399 more); the first 100 are listed."


async def test_too_many_lines_are_refused(curator: Curator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_files, "MOST_LINES", 2)
    lines = [line("publisher", publisher(name)) for name in ("a", "b", "c")]
    told = await curator.refusal(*lines)
    assert told["detail"] == "there are more than 2 lines; send them in several parts."
    assert (await curator.report(*lines[:2]))["revision"] == 1


@pytest.mark.parametrize(
    ("query", "parameter", "code"),
    [
        ("", "reason", "missing"),
        ("dry_run=false", "reason", "missing"),
        ("reason=", "reason", "empty"),
        ("reason=a&reason=b", "reason", "repeated"),
        (f"reason={'a' * 1001}", "reason", "invalid_value"),
        ("reason=a&dry_run=yes", "dry_run", "invalid_value"),
        ("reason=a&dryrun=true", "dryrun", "unknown_parameter"),
    ],
)
async def test_a_query_that_is_not_understood_stores_nothing(
    curator: Curator, query: str, parameter: str, code: str
) -> None:
    answer = await curator.send(stream(small()), query)
    assert answer.status_code == 422
    told = answer.json()
    assert (told["code"], told["errors"][0]["parameter"]) == ("invalid_query", parameter)
    assert told["errors"][0]["code"] == code
    assert (await curator.state())[0] == 0


async def test_only_curators_import(curator: Curator) -> None:
    contributor = await key_of(curator.engine, Role.CONTRIBUTOR)
    for headers, status in (({"Authorization": ""}, 401), (contributor, 403)):
        answer = await curator.send(stream(small()), **{k.replace("-", "_"): v for k, v in headers.items()})
        assert answer.status_code == status, answer.text
    anonymous = await curator.client.post(
        "/v1/import?reason=x", content=stream(small()), headers={"Content-Type": NDJSON}
    )
    assert anonymous.status_code == 401
    admin = await key_of(curator.engine, Role.ADMIN)
    assert (
        await curator.client.post("/v1/import?reason=x", content=stream(small()), headers=admin)
    ).is_success


@pytest.mark.parametrize(
    ("content_type", "status"),
    [(NDJSON, 200), ("application/jsonl; charset=utf-8", 200), ("application/json", 415), ("text/csv", 415)],
)
async def test_media_types(curator: Curator, content_type: str, status: int) -> None:
    answer = await curator.send(stream(small()), Content_Type=content_type)
    assert answer.status_code == status
    if status == 415:
        assert answer.headers["accept"] == "application/x-ndjson, application/jsonl"


async def test_imports_have_a_limit_of_their_own(
    curator: Curator, own_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = stream(small())
    monkeypatch.setenv("MAX_BODY_SIZE", "1024")
    monkeypatch.setenv("MAX_IMPORT_SIZE", str(len(body) - 1))
    async with answering(create_app(database=DatabaseSettings(database_url=own_url))) as client:
        limited = Curator(client, curator.engine, curator.headers)
        answer = await limited.send(body)
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
        assert f"{len(body) - 1:,} bytes" in answer.json()["detail"]
        assert (await limited.send(stream(small()[:-1]))).status_code == 200


async def test_imports_count_as_writes_and_dry_runs_do_not(curator: Curator) -> None:
    answer = await curator.send(stream(small()), "dry_run=true")
    assert "ratelimit" not in answer.headers
    answer = await curator.send(stream(small()))
    assert '"writes";r=119' in answer.headers["ratelimit"]


@pytest.fixture
def served(own_url: str) -> Iterator[tuple[int, psutil.Process]]:
    """The port of a real server over the database of the test, and its one worker."""
    with running("api.main:create_app", {"DATABASE_URL": own_url}) as server:
        yield server.port, psutil.Process(server.process.pid).children()[0]


async def test_a_body_that_breaks_off_stores_nothing(
    engine: AsyncEngine, served: tuple[int, psutil.Process]
) -> None:
    port, _ = served
    key = (await key_of(engine))["Authorization"]
    head = (
        f"POST /v1/import?reason=x HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\nContent-Type: {NDJSON}\r\n"
    )
    body = stream(small())
    chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n"
    for framing, part in (("Transfer-Encoding: chunked", chunk), (f"Content-Length: {len(body) + 1}", body)):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(f"{head}{framing}\r\n\r\n".encode() + part)
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
            assert b" 200 " not in answer.partition(b"\r\n")[0]
    async with engine.connect() as connection_:
        assert (await connection_.execute(select(Dataset.revision))).scalar_one() == 0


async def test_a_body_that_is_too_large_is_refused_before_it_is_sent(
    engine: AsyncEngine, served: tuple[int, psutil.Process]
) -> None:
    port, _ = served
    headers = await key_of(engine) | {"Content-Length": str(2**40)}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(
            f"POST /v1/import?reason=x HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode() + b"x" * 100_000
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


async def test_ten_thousand_records_take_little_memory(
    engine: AsyncEngine, served: tuple[int, psutil.Process]
) -> None:
    port, worker = served
    headers = await key_of(engine)
    body = stream(line("exchange", exchange(f"many-{number}")) for number in range(MANY))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=600) as client:
        first = await client.post("/v1/import?reason=x", content=stream(small()))
        assert first.status_code == 200, first.text
        idle = worker.memory_info().rss
        answer = await client.post("/v1/import?reason=x", content=body)
        assert answer.status_code == 200, answer.text
    assert counts(answer.json()) == {"exchange": (MANY, 0, 0, 0)}
    assert len((await stored_ids(engine))[Resource.EXCHANGE]) == MANY + 2
    assert peak(worker) - idle < MOST_GROWTH


def peak(process: psutil.Process) -> int:
    """Give the most memory that a process ever had."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    [told] = [each for each in status.splitlines() if each.startswith("VmHWM:")]
    return int(told.split()[1]) * 1024
