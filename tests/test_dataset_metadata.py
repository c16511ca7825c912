"""The dataset as catalogues, Data Packages and Croissant describe it, checked with readers of each format."""

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Mapping
from typing import Any

import frictionless
import httpx
import mlcroissant
import pytest
import yaml
from pyld import jsonld

from api.catalogue import catalogue
from api.citationfiles import citation_cff, datacite
from api.columns import columns_of
from api.croissant import croissant
from api.datapackage import data_package
from api.editions import LICENCE_URL, Edition, FileFacts
from api.metaschemas import ONLY_AS_JSON, TABLES
from db.queries.dataset import Size
from tests.applications import application, running
from tests.asking import ask
from tests.databases import own_database

# The library that mlcroissant reads with warns of its own class.
pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")]

AT = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
DAYS = (dt.date(2014, 5, 7), dt.date(2026, 6, 7))
RELEASE = Edition("2026.11.2", 7, AT, Size({"exchanges": 3}, *DAYS), "https://example.org", ("Ukraine",))
FILES = [
    FileFacts(f"data/{name}.{ending}", media_type, 12, "ab" * 32, name, columns_of(model))
    for name, model in TABLES.items()
    if name not in ONLY_AS_JSON
    for ending, media_type in (("csv", "text/csv"), ("ndjson", "application/x-ndjson"))
]
SCHEMA = "https://schema.org/"
DCAT = "http://www.w3.org/ns/dcat#"
DCT = "http://purl.org/dc/terms/"


def refuse(url: str, _: object) -> None:
    raise AssertionError(f"{url} was asked for")


def expand(document: Mapping[str, Any]) -> dict[str, Any]:
    (expanded,) = jsonld.expand(dict(document), {"documentLoader": refuse, "base": "https://example.org/x"})
    found: dict[str, Any] = expanded
    return found


def croissant_issues(document: Mapping[str, Any]) -> str:
    # the validator writes into what it is given
    metadata = mlcroissant.Dataset(jsonld=json.loads(json.dumps(document))).metadata
    return str(metadata.ctx.issues.report())


async def test_dataset(client: httpx.AsyncClient) -> None:
    response = await ask(client, "/v1/dataset")
    told = response.json()
    assert told["places"] == sorted(told["places"])
    assert {"Russia", "Ukraine"} <= set(told["places"])
    assert "Organisation" not in " ".join(told["places"])
    assert told["newest_release"] == "2026.11"
    assert told["citation"].endswith("CC BY 4.0.")
    links = response.headers["link"]
    assert '</v1/codebook?as_of=1>; rel="describedby"' in links
    assert f'<{LICENCE_URL}>; rel="license"' in links
    for path in told["links"].values():
        assert (await ask(client, path)).status_code == 200, path
    assert len(told["files"]) == 5 * (len(TABLES) - 1)
    for file in told["files"]:
        answer = await client.head(file["path"])
        assert answer.status_code == 200, file
        assert answer.headers["content-type"].partition(";")[0] == file["media_type"]


async def test_newest_release_is_part_of_the_tag(client: httpx.AsyncClient) -> None:
    plain, other = await ask(client, "/v1/dataset"), await ask(client, "/v1/dataset.jsonld")
    assert plain.headers["etag"] != other.headers["etag"]
    again = await ask(client, "/v1/dataset", If_None_Match=plain.headers["etag"])
    assert again.status_code == 304


async def test_catalogue(client: httpx.AsyncClient) -> None:
    document = (await ask(client, "/v1/dataset.jsonld")).json()
    accepted = await ask(client, "/v1/dataset", Accept="application/ld+json")
    assert accepted.headers["content-type"] == "application/ld+json"
    assert accepted.json() == document
    assert (await ask(client, "/dataset.jsonld")).json() == document
    node = expand(document)
    assert set(node["@type"]) == {f"{SCHEMA}Dataset", f"{DCAT}Dataset"}
    assert node["@id"] == "http://testserver/v1/dataset?as_of=1"
    assert node[f"{SCHEMA}license"] == node[f"{DCT}license"] == [{"@id": LICENCE_URL}]
    assert node[f"{SCHEMA}isAccessibleForFree"] == [{"@value": True}]
    assert node[f"{SCHEMA}temporalCoverage"] == [{"@value": "2014-05-07/2026-06-07"}]
    assert {each[f"{SCHEMA}name"][0]["@value"] for each in node[f"{SCHEMA}variableMeasured"]} >= {"persons"}
    distributions = node[f"{SCHEMA}distribution"]
    ids = [each["@id"] for each in distributions]
    assert [each["@id"] for each in node[f"{DCAT}distribution"]] == ids
    assert "http://testserver/v1/exchanges.csv?as_of=1" in ids
    for each in distributions:
        assert set(each["@type"]) == {f"{SCHEMA}DataDownload", f"{DCAT}Distribution"}
        assert each[f"{SCHEMA}contentUrl"] == each[f"{DCAT}downloadURL"] == [{"@id": each["@id"]}]
        assert f"{SCHEMA}sha256" not in each


async def test_descriptions_are_pinned(loaded_url: str, own_client: httpx.AsyncClient) -> None:
    before = (await ask(own_client, "/v1/datapackage.json")).json()
    release = (await ask(own_client, "/v1/datapackage.json", {"release": "2026.11"})).json()
    assert before["version"] == "0.0.0-revision.1"
    assert release["version"] == "2026.11.0"
    for resource in release["resources"]:
        assert resource["path"].endswith("?release=2026.11")
    for resource in before["resources"]:
        assert resource["path"].endswith("?as_of=1")
        assert "hash" not in resource


async def test_before_anything_was_written_no_link_names_a_state(
    server_url: str, empty_template: str
) -> None:
    async with own_database(server_url, empty_template) as url, running(application(url)) as client:
        for path in ("dataset", "dataset.jsonld", "datapackage.json", "croissant.json"):
            answer = await ask(client, f"/v1/{path}")
            assert "as_of=" not in answer.text + answer.headers["link"]
        links = (await ask(client, "/v1/dataset")).json()["links"]
        for link in links.values():
            assert (await ask(client, link)).status_code == 200


async def test_data_package(client: httpx.AsyncClient) -> None:
    response = await ask(client, "/datapackage.json")
    assert response.headers["content-type"] == "application/vnd.datapackage+json"
    as_json = await ask(client, "/v1/datapackage.json", Accept="application/json")
    assert as_json.headers["content-type"] == "application/json"
    document = response.json()
    assert as_json.json() == document
    assert list(frictionless.Package.metadata_validate(document)) == []
    package = frictionless.Package.from_descriptor(document)
    assert {resource.name for resource in package.resources if resource.type == "table"} >= TABLES.keys() - (
        ONLY_AS_JSON
    )
    assert all("type" not in each or each["type"] == "table" for each in document["resources"])


def schema_of(package: Mapping[str, Any], name: str) -> dict[str, Any]:
    schema: dict[str, Any] = next(r for r in package["resources"] if r["name"] == name)["schema"]
    return schema


def test_schemas() -> None:
    package = data_package(RELEASE, FILES)
    assert list(frictionless.Package.metadata_validate(package)) == []
    claims, figures = schema_of(package, "claims"), schema_of(package, "figures")
    assert claims["primaryKey"] == ["id"]
    assert figures["primaryKey"] == ["exchange", "released_by", "received_by", "measure"]
    keys = {key["fields"][0]: key["reference"]["resource"] for key in claims["foreignKeys"]}
    assert keys == {
        "released_by": "actors",
        "received_by": "actors",
        "claimant": "actors",
        "exchange": "exchanges",
    }
    fields = {field["name"]: field for field in claims["fields"]}
    assert fields["qualifier"]["constraints"] == {
        "required": True,
        "enum": ["exact", "at_least", "at_most", "approximately"],
    }
    assert "constraints" not in fields["note"]
    assert fields["citations"]["type"] == "list"
    assert fields["count"]["type"] == "integer"
    assert fields["exchange_date"]["type"] == "date"
    without_actors = [file for file in FILES if file.resource != "actors"]
    left = schema_of(data_package(RELEASE, without_actors), "claims")["foreignKeys"]
    assert [key["reference"]["resource"] for key in left] == ["exchanges"]
    resource = package["resources"][0]
    assert (resource["bytes"], resource["hash"]) == (12, f"sha256:{'ab' * 32}")


async def test_the_exports_are_as_the_package_says(client: httpx.AsyncClient, tmp_path: Any) -> None:
    document = (await ask(client, "/v1/datapackage.json")).json()
    tables = [resource for resource in document["resources"] if resource.get("type") == "table"]
    for resource in tables:
        text = await ask(client, resource["path"])
        (tmp_path / f"{resource['name']}.csv").write_bytes(text.content)
        header = next(csv.reader(io.StringIO(text.text)))
        assert header == [field["name"] for field in resource["schema"]["fields"]]
        resource["path"] = f"{resource['name']}.csv"
    (tmp_path / "datapackage.json").write_text(json.dumps({**document, "resources": tables}))
    report = frictionless.Package(str(tmp_path / "datapackage.json")).validate()
    assert report.valid, report.flatten(["name", "type", "message"])[:5]


async def test_croissant(client: httpx.AsyncClient) -> None:
    response = await ask(client, "/croissant.json")
    assert response.headers["content-type"] == (
        'application/ld+json; profile="http://mlcommons.org/croissant/1.1"'
    )
    document = response.json()
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert croissant_issues(document) == ""
    assert expand(document)["@type"] == [f"{SCHEMA}Dataset"]


def test_croissant_of_a_release() -> None:
    document = croissant(RELEASE, FILES)
    assert croissant_issues(document) == ""
    assert "isLiveDataset" not in document
    assert all(file["sha256"] == "ab" * 32 for file in document["distribution"])
    claims = next(each for each in document["recordSet"] if each["@id"] == "claims")
    fields = {field["name"]: field for field in claims["field"]}
    assert fields["claimant"]["references"] == {"field": {"@id": "actors/id"}}
    assert fields["citations"]["source"]["transform"] == {"separator": "|"}
    unchecked = [FileFacts(f.path, f.media_type, None, None, f.resource, f.columns) for f in FILES]
    with pytest.raises(mlcroissant.ValidationError):
        croissant_issues(croissant(RELEASE, unchecked))


def test_citation_file() -> None:
    told = yaml.safe_load(citation_cff(RELEASE))
    # what version 1.2.0 of the format requires and allows
    assert {"authors", "cff-version", "message", "title"} <= told.keys()
    assert told.keys() <= {
        "abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi", "identifiers",
        "keywords", "license", "license-url", "message", "preferred-citation", "references", "repository",
        "repository-artifact", "repository-code", "title", "type", "url", "version",
    }  # fmt: skip
    assert (told["cff-version"], told["type"], told["license"]) == ("1.2.0", "dataset", "CC-BY-4.0")
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", told["date-released"])
    assert all(author.keys() <= {"name", "website", "alias"} and author["name"] for author in told["authors"])
    assert told["version"] == "2026.11.2"
    assert re.match("https?://", told["url"])
    assert len(set(told["keywords"])) == len(told["keywords"])


def test_datacite() -> None:
    told = datacite(RELEASE, FILES)
    required = {"types", "identifiers", "creators", "titles", "publisher", "publicationYear", "schemaVersion"}
    assert told.keys() >= required
    assert told["schemaVersion"] == "http://datacite.org/schema/kernel-4"
    assert told["identifiers"] == [
        {"identifier": "https://example.org/v1/dataset?release=2026.11.2", "identifierType": "URL"}
    ]
    assert told["publicationYear"] == "2026"
    assert told["types"]["resourceTypeGeneral"] == "Dataset"
    assert {each["date"] for each in told["dates"]} == {"2026-11-24", "2014-05-07/2026-06-07"}
    assert "10." not in json.dumps([told["identifiers"], told["creators"]])


@pytest.mark.parametrize("build", [data_package, croissant, catalogue, datacite])
def test_the_same_facts_give_the_same_bytes(build: Any) -> None:
    assert json.dumps(build(RELEASE, FILES)) == json.dumps(build(RELEASE, list(FILES)))
    empty = Edition(None, 0, AT, Size({}, None, None), "https://example.org")
    assert json.dumps(build(empty, []))


def test_catalogue_of_a_release() -> None:
    node = expand(catalogue(RELEASE, FILES))
    first = node[f"{SCHEMA}distribution"][0]
    assert first[f"{SCHEMA}sha256"] == [{"@value": "ab" * 32}]
    assert first["@id"] == "https://example.org/data/exchanges.csv"
    (period,) = node[f"{DCT}temporal"]
    assert period[f"{DCAT}startDate"][0]["@value"] == "2014-05-07"


def test_numbers_of_versions() -> None:
    assert RELEASE.number == "2026.11.2"
    assert Edition("2026.05", 7, AT, RELEASE.size, "").number == "2026.5.0"
    assert Edition(None, 7, AT, RELEASE.size, "").number == "0.0.0-revision.7"
