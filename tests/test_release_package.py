"""The download of a release: a valid data package with checksums, and the same bytes each time."""

import csv
import io
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pyarrow.parquet
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from api import streamed
from api.gates import Gate
from api.releasing import remake
from db.enums import Resource
from db.models.releases import Release
from db.releases import Released
from db.session import write_engine
from tests.applications import application, running
from tests.asking import ask, walk
from tests.blanking import NAME, REASON, blank
from tests.contract import NEW_YEAR
from tests.curating import curating, refused
from tests.databases import own_database
from tests.releasing import BASE_URL, release, released, told_to_nobody
from tests.synthetic import actor, claim
from tests.test_http_server import running as serving
from tests.writing import changed, made, put, put_small

pytestmark = pytest.mark.anyio

R = Resource
TABLES = ("exchanges", "figures", "claims", "mediations", "articles", "publishers", "actors", "agreements")
TABLES += ("totals", "coverage", "citations")
FORMS = ("csv", "parquet", "ndjson")
DESCRIBED = ("codebook.md", "CITATION.cff", "datacite.json", "croissant.json", "README.md")
ZIP = "application/zip"


@dataclass(frozen=True)
class Download:
    """A client of a dataset whose release 2026.11.1 has files, its URL, and that release with its zip."""

    client: httpx.AsyncClient
    url: str
    release: Released
    answer: httpx.Response

    @property
    def archive(self) -> ZipFile:
        return opened(self.answer.content)


def path_of(name: str) -> str:
    return f"/v1/releases/{name}/download"


@pytest.fixture(scope="module")
async def download(server_url: str, loaded_template: str) -> AsyncIterator[Download]:
    async with own_database(server_url, loaded_template) as url:
        engine = write_engine(url)
        await put(engine, await changed(engine, R.COVERAGE, "2014-autumn", statement="Nothing more."))
        made_ = await release(engine, "2026.11.1", "More of **2014**.", files=True)
        await put(engine, await changed(engine, R.COVERAGE, "2014-autumn", statement="Not in the release."))
        await engine.dispose()
        async with running(application(url)) as client:
            answer = await client.get(path_of("2026.11.1"))
            assert answer.status_code == 200, answer.text
            yield Download(client, url, made_, answer)


@pytest.fixture(scope="module")
def folder(download: Download, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the download, for tests that only read them."""
    place = tmp_path_factory.mktemp("package")
    download.archive.extractall(place)
    return place


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, strict=True))


def faults(folder: Path) -> list[str]:
    """Give what Frictionless finds wrong with a package."""
    import frictionless

    report = frictionless.validate(str(folder / "datapackage.json"))
    told = [f"{task.name}: {error.type}: {error.message}" for task in report.tasks for error in task.errors]
    told += [f"{error.type}: {error.message}" for error in report.errors]
    assert report.valid is not bool(told)
    return told


def differing(one: bytes, other: bytes) -> list[str]:
    """Give the names of the files in which two zips differ."""
    first, second = (
        {name: zipped.read(name) for name in zipped.namelist()} for zipped in map(opened, (one, other))
    )
    return [name for name in first if first[name] != second.get(name)]


def opened(content: bytes) -> ZipFile:
    return ZipFile(io.BytesIO(content))


# The zip


async def test_what_it_holds(download: Download) -> None:
    names = download.archive.namelist()
    data = [f"data/{table}.{form}" for table in TABLES for form in FORMS]
    assert names == [*data, *DESCRIBED, "datapackage.json"]
    at = download.release.at
    second = at.second // 2 * 2  # as exactly as a zip tells
    for info in download.archive.infolist():
        assert info.date_time == (at.year, at.month, at.day, at.hour, at.minute, second)
        assert info.external_attr >> 16 == 0o644
    assert download.archive.testzip() is None


async def test_every_file_is_as_it_was_recorded(download: Download) -> None:
    told = (await ask(download.client, "/v1/releases/2026.11.1")).json()["files"]
    assert [file["name"] for file in told] == download.archive.namelist()
    package = json.loads(download.archive.read("datapackage.json"))
    described = {each["path"]: (each["bytes"], each["hash"]) for each in package["resources"]}
    croissant = json.loads(download.archive.read("croissant.json"))
    pictured = {each["contentUrl"]: each["sha256"] for each in croissant["distribution"]}
    for file in told:
        content = download.archive.read(file["name"])
        digest = sha256(content).hexdigest()
        assert (file["bytes"], file["sha256"]) == (len(content), digest)
        if file["name"] != "datapackage.json":
            assert described.pop(file["name"]) == (len(content), f"sha256:{digest}")
        if file["name"].startswith("data/"):
            assert pictured.pop(file["name"]) == digest
    assert (described, pictured) == ({}, {})


async def test_what_the_answer_says(download: Download) -> None:
    headers = download.answer.headers
    assert headers["content-type"] == ZIP
    assert int(headers["content-length"]) == len(download.answer.content)
    assert headers["content-disposition"] == 'attachment; filename="prisoner-exchanges-2026.11.1.zip"'
    assert headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert headers["x-dataset-revision"] == "2"
    assert "content-encoding" not in headers
    path = path_of("2026.11.1")
    for condition in (
        {"If_None_Match": headers["etag"]},
        {"If_Modified_Since": headers["last-modified"]},
    ):
        again = await ask(download.client, path, **condition)
        assert (again.status_code, again.content) == (304, b"")
    head = await download.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == headers["content-length"]
    for accept, status in (
        ("application/zip", 200),
        ("*/*", 200),
        ("application/json", 406),
        ("text/csv", 406),
    ):
        assert (await ask(download.client, path, Accept=accept)).status_code == status
    latest = await ask(download.client, path_of("latest"))
    assert latest.content == download.answer.content
    assert latest.headers["content-location"] == path
    refused(await ask(download.client, path, {"release": "2026.11"}), 422, "invalid_query")


async def test_two_processes_give_the_same_bytes(download: Download) -> None:
    for place in ({"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "1"}, {"TZ": "UTC", "PYTHONHASHSEED": "2"}):
        environment = {"DATABASE_URL": download.url, "LOG_LEVEL": "error", **place}
        with serving("api.main:create_app", environment) as server:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
                answer = await client.get(path_of("2026.11.1"))
        assert differing(answer.content, download.answer.content) == []
        assert answer.content == download.answer.content


async def test_where_the_service_is_found_stays_as_it_was(
    download: Download, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert BASE_URL in download.archive.read("datapackage.json").decode()
    monkeypatch.setenv("PUBLIC_URL", "https://elsewhere.example.org")
    again = await download.client.get(path_of("2026.11.1"))
    assert again.headers["etag"] == download.answer.headers["etag"]
    assert differing(again.content, download.answer.content) == []


async def test_only_so_many_are_made_at_once(download: Download, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "GATE", Gate(1, "Too many."))
    with streamed.GATE.admitted():
        answer = await ask(download.client, path_of("2026.11.1"))
        assert refused(answer, 503, "overloaded").detail == "Too many."
        assert answer.headers["retry-after"]
        tag = download.answer.headers["etag"]
        kept = await ask(download.client, path_of("2026.11.1"), If_None_Match=tag)
        assert kept.status_code == 304, "nothing need be made for that"
    for _ in range(2):
        assert (await ask(download.client, path_of("2026.11.1"))).status_code == 200


async def test_files_that_are_not_as_recorded_are_not_sent(
    loaded_engine: AsyncEngine, own_client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await own_client.get(path_of("2026.11"))).status_code == 200, "none were recorded"
    recorded = [{"name": "data/exchanges.csv", "bytes": 1, "sha256": "0" * 64}]
    async with loaded_engine.begin() as connection:
        await connection.execute(update(Release).values(files=recorded))
    refused(await own_client.get(path_of("2026.11")), 500, "internal_error")
    assert "the files of release 2026.11 are not those that were recorded" in caplog.text


# The package


async def test_it_is_a_valid_data_package(folder: Path) -> None:
    assert faults(folder) == []
    package = json.loads((folder / "datapackage.json").read_bytes())
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert package["version"] == "2026.11.1"
    assert [licence["name"] for licence in package["licenses"]] == ["CC-BY-4.0"]
    assert package["sources"]
    tables = {each["name"]: each["schema"] for each in package["resources"] if each.get("type") == "table"}
    assert tables.keys() == set(TABLES)
    for name, schema in tables.items():
        assert all(field["description"] for field in schema["fields"]), name
        assert ("primaryKey" in schema) is (name != "citations")
    keys = {
        (name, key["fields"][0], key["reference"]["resource"])
        for name, schema in tables.items()
        for key in schema.get("foreignKeys", ())
    }
    assert {
        ("claims", "exchange", "exchanges"),
        ("claims", "claimant", "actors"),
        ("figures", "exchange", "exchanges"),
        ("mediations", "actor", "actors"),
        ("articles", "publisher", "publishers"),
        ("exchanges", "agreement", "agreements"),
        ("citations", "article", "articles"),
    } <= keys


@pytest.mark.parametrize(
    ("table", "column"), [("actors", "claimant"), ("exchanges", "exchange"), ("articles", "article")]
)
async def test_foreign_keys_are_checked(folder: Path, tmp_path: Path, table: str, column: str) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    lines = (tmp_path / f"data/{table}.csv").read_bytes().splitlines(keepends=True)
    wanted = {"actors": b"ukraine,", "exchanges": NEW_YEAR.encode(), "articles": b"al-jazeera-2024-12-30,"}
    left = [line for line in lines if not line.startswith(wanted[table])]
    assert len(left) < len(lines)
    (tmp_path / f"data/{table}.csv").write_bytes(b"".join(left))
    assert any("foreign-key" in fault and column in fault for fault in faults(tmp_path))


async def test_the_three_forms_hold_the_same_rows(download: Download, folder: Path) -> None:
    for table in TABLES:
        lines = (folder / f"data/{table}.ndjson").read_bytes().splitlines()
        rows = rows_of(folder / f"data/{table}.csv")
        parquet = pyarrow.parquet.read_table(folder / f"data/{table}.parquet")
        assert len(lines) == len(rows) == parquet.num_rows > 0
        assert parquet.column_names == list(rows[0])
        if table == "citations":
            continue
        served = await walk(download.client, f"/v1/{table}", {"release": "2026.11.1", "sort": "id"})
        assert [json.loads(line) for line in lines] == served
        if "id" in rows[0]:
            assert [row["id"] for row in rows] == [each["id"] for each in served]


async def test_ndjson_lines_are_the_bodies_as_they_are_served(download: Download, folder: Path) -> None:
    lines = (folder / "data/coverage.ndjson").read_bytes().splitlines()
    for id_ in ("2014-autumn", json.loads(lines[-1])["id"]):
        body = (await ask(download.client, f"/v1/coverage/{id_}", {"release": "2026.11.1"})).content
        assert body in lines
    assert b"Nothing more." in b"".join(lines)
    assert b"Not in the release." not in b"".join(lines)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib", "ignore::DeprecationWarning:mlcroissant")
async def test_it_is_a_croissant(folder: Path) -> None:
    import mlcroissant

    dataset = mlcroissant.Dataset(str(folder / "croissant.json"))
    assert dataset.metadata.issues.errors == set()
    assert json.loads((folder / "croissant.json").read_bytes())["version"] == "2026.11.1"
    counted = sum(1 for _ in dataset.records("coverage"))
    assert counted == len(rows_of(folder / "data/coverage.csv"))


async def test_what_is_written_beside_the_data(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "Release 2026.11.1 (patch) of dataset revision 2" in text
    assert "More of **2014**." in text
    assert "blanked" not in text
    cff = (folder / "CITATION.cff").read_text(encoding="utf-8")
    assert 'version: "2026.11.1"' in cff
    assert json.loads((folder / "datacite.json").read_bytes())["version"] == "2026.11.1"
    codebook = (folder / "codebook.md").read_text(encoding="utf-8")
    assert "released_by" in codebook
    assert "http://testserver" not in "".join(
        (folder / name).read_text(encoding="utf-8") for name in (*DESCRIBED, "datapackage.json")
    ), "where a download is asked for is not where the service is found"


# What was blanked


def named_anywhere(content: Mapping[str, bytes]) -> list[str]:
    return [name for name, each in content.items() if NAME.encode() in each]


async def test_what_was_blanked_is_in_no_file(engine: AsyncEngine, server_url: str, tmp_path: Path) -> None:
    await put_small(engine)
    await put(engine, made(R.ACTOR, actor("west", aliases=[NAME])))
    claims = [claim("first:c1", claimant="west"), claim("first:c2", category="military")]
    await put(engine, await changed(engine, R.EXCHANGE, "first", claims=claims))
    await put(engine, await changed(engine, R.EXCHANGE, "second", summary=f"{NAME} was freed."))
    before = await release(engine, "2026.09", files=True)
    await put(engine, await changed(engine, R.ACTOR, "west", aliases=[]))
    await put(engine, await changed(engine, R.EXCHANGE, "second", summary="Somebody was freed."))
    async with curating(engine, server_url) as curator:

        async def content() -> dict[str, bytes]:
            answer = await curator.client.get(path_of("2026.09"))
            assert answer.status_code == 200, answer.text
            archive = opened(answer.content)
            return {name: archive.read(name) for name in archive.namelist()}

        assert named_anywhere(await content()) != []
        for resource, id_, number in ((R.ACTOR, "west", 1), (R.EXCHANGE, "second", 2)):
            _, outcome = await blank(engine, resource, id_, number)
            async with engine.begin() as connection:
                assert await remake(connection, outcome.revision, told_to_nobody) == ["2026.09"]
        files = await content()
        assert named_anywhere(files) == []
        after = await released(engine, "2026.09")
        assert after.remade_at is not None
        assert after.files != before.files
        hashes: dict[str, Any] = {file["name"]: file["sha256"] for file in after.files}
        assert hashes == {name: sha256(each).hexdigest() for name, each in files.items()}
        readme = files["README.md"].decode()
        assert f"- actor west: revision 1 blanked: {REASON}" in readme
        assert f"- exchange second: revision 2 blanked: {REASON}" in readme
        assert b"second" not in files["data/claims.csv"] + files["data/citations.csv"]
        assert b"west" not in files["data/actors.csv"]
        for name, each in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(each)
        assert faults(tmp_path) == [], "no foreign key leads to the actor who is gone"
        page = json.loads(files["datapackage.json"])
        targets = {
            key["reference"]["resource"]
            for each in page["resources"]
            for key in each.get("schema", {}).get("foreignKeys", ())
        }
        assert "actors" not in targets
        assert "exchanges" in targets


async def test_a_package_of_nearly_nothing_is_valid(
    engine: AsyncEngine, server_url: str, tmp_path: Path
) -> None:
    await put(engine, made(R.ACTOR, actor("west")))
    await release(engine, "2026.09", files=True)
    async with curating(engine, server_url) as curator:
        answer = await curator.client.get(path_of("2026.09"))
    opened(answer.content).extractall(tmp_path)
    assert faults(tmp_path) == []
    assert rows_of(tmp_path / "data/claims.csv") == []
    assert pyarrow.parquet.read_table(tmp_path / "data/claims.parquet").num_rows == 0
