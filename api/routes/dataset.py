"""The dataset as a whole, for people, programs and catalogues, and the contract of this API."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from api.answers import conditional_response, dataset_state, memento_headers, state_headers
from api.asof import check_reached, snapshot_of
from api.catalogue import MEDIA_TYPE as LD_JSON
from api.catalogue import catalogue
from api.conditional import JSON, is_not_modified, negotiate, require_json
from api.croissant import MEDIA_TYPE as CROISSANT
from api.croissant import croissant
from api.datapackage import MEDIA_TYPE as DATA_PACKAGE
from api.datapackage import data_package
from api.deps import ReaderDep
from api.editions import CREATOR, DESCRIPTION, KEYWORDS, LICENCE, LICENCE_URL, TITLE, Edition, FileFacts
from api.errors import ProblemCode
from api.listing import RECORD_SCHEMA
from api.livedataset import live_files, read_edition
from api.openapi import contract_json, describe_other, describe_state
from api.params import Schema
from api.schemas import Dataset, DatasetCounts, DatasetFile, DatasetLinks
from api.target import base_of
from db.figures import FIGURES_RULE
from db.queries.conditions import Snapshot
from db.queries.pages import State
from db.reader import Reader
from db.releases import read_releases

Builder = Callable[[Edition, Sequence[FileFacts]], Mapping[str, Any]]


@dataclass(frozen=True)
class _Read:
    """The state that a request asked for, and the name of the newest release there is."""

    state: State
    snapshot: Snapshot
    edition: Edition
    newest: str | None


router = APIRouter(tags=["dataset"])


@router.get("/dataset", operation_id="get_dataset", **describe_state(Dataset))
async def get_dataset(request: Request, reader: ReaderDep) -> Response:
    """Tell what the dataset is, how much it holds, which licence it has and how to cite it.

    With `Accept: application/ld+json` the same comes for catalogues, as schema.org Dataset and DCAT.
    """
    if negotiate(request, JSON, LD_JSON) == LD_JSON:
        return await _described(request, reader, catalogue, LD_JSON)
    read = await _read(request, reader)
    edition = read.edition
    dataset = Dataset(
        title=TITLE,
        description=DESCRIPTION,
        licence=LICENCE,
        licence_url=LICENCE_URL,
        creator=CREATOR,
        keywords=list(KEYWORDS),
        citation=edition.citation,
        figures_rule=FIGURES_RULE,
        first_exchange=edition.size.first,
        last_exchange=edition.size.last,
        places=list(edition.places),
        newest_release=read.newest,
        counts=DatasetCounts(**edition.size.counts),
        files=[
            DatasetFile(
                table=file.resource, media_type=file.media_type, path=file.path.removeprefix(edition.base_url)
            )
            for file in live_files(edition)
        ],
        links=DatasetLinks(
            self=edition.pinned("/v1/dataset"),
            codebook=edition.pinned("/v1/codebook"),
            json_ld=edition.pinned("/v1/dataset.jsonld"),
            data_package=edition.pinned("/v1/datapackage.json"),
            croissant=edition.pinned("/v1/croissant.json"),
            releases="/v1/releases",
            changes="/v1/changes",
            contract="/v1/openapi.json",
        ),
        dataset=dataset_state(read.state, read.snapshot),
    )
    return _respond(request, read, dataset.model_dump_json().encode(), JSON)


@router.get(
    "/dataset.jsonld",
    operation_id="get_dataset_jsonld",
    summary="Describe the dataset for catalogues",
    **describe_other(LD_JSON, "schema.org Dataset and DCAT.", RECORD_SCHEMA, ProblemCode.BAD_REQUEST),
)
async def get_dataset_jsonld(request: Request, reader: ReaderDep) -> Response:
    """Describe the dataset for catalogues: schema.org Dataset and DCAT, as JSON-LD."""
    negotiate(request, LD_JSON)
    return await _described(request, reader, catalogue, LD_JSON)


@router.get(
    "/datapackage.json",
    operation_id="get_data_package",
    summary="Describe the dataset as a Data Package",
    **describe_other(DATA_PACKAGE, "A Data Package.", RECORD_SCHEMA, ProblemCode.BAD_REQUEST),
)
async def get_data_package(request: Request, reader: ReaderDep) -> Response:
    """Describe the dataset as a Frictionless Data Package (v2), with the schema of each table.

    Its resources are the exports of this very state; those of a release, with checksums, are in its download.
    """
    chosen = negotiate(request, DATA_PACKAGE, JSON)
    return await _described(request, reader, data_package, chosen)


@router.get(
    "/croissant.json",
    operation_id="get_croissant",
    summary="Describe the dataset as Croissant",
    **describe_other(LD_JSON, "Croissant.", RECORD_SCHEMA, ProblemCode.BAD_REQUEST),
)
async def get_croissant(request: Request, reader: ReaderDep) -> Response:
    """Describe the dataset as Croissant (1.1), which machine-learning tools load.

    Its files are the exports of this very state; those of a release, with checksums, are in its download.
    """
    chosen = negotiate(request, LD_JSON, JSON)
    return await _described(request, reader, croissant, CROISSANT if chosen == LD_JSON else chosen)


@router.get("/openapi.json", operation_id="get_contract", include_in_schema=False)
async def get_contract(request: Request) -> Response:
    """Serve the contract of this API: OpenAPI 3.1."""
    require_json(request)
    Schema.of().parse(request.scope["query_string"])
    body = await to_thread.run_sync(contract_json, request.app)
    headers = {
        "ETag": f'"{sha256(body).hexdigest()[:32]}"',
        "Cache-Control": "public, max-age=300",
        "Vary": "Accept",
    }
    if is_not_modified(request.headers, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


async def _read(request: Request, reader: Reader) -> _Read:
    values = RECORD_SCHEMA.parse(request.scope["query_string"])
    async with reader.unchanging() as connection:
        snapshot = await snapshot_of(connection, values, request.headers)
        state, edition = await read_edition(connection, snapshot, base_of(request))
        check_reached(state)
        releases = await read_releases(connection)
    return _Read(state, snapshot, edition, releases[-1].name if releases else None)


async def _described(request: Request, reader: Reader, build: Builder, media_type: str) -> Response:
    read = await _read(request, reader)
    text = json.dumps(build(read.edition, live_files(read.edition)), ensure_ascii=False, indent=2)
    return _respond(request, read, f"{text}\n".encode(), media_type)


def _respond(request: Request, read: _Read, body: bytes, media_type: str) -> Response:
    state, snapshot, edition = read.state, read.snapshot, read.edition
    # besides the state, it shows where the service is found and which release is the newest
    facts = [request.scope["path"], media_type, edition.base_url, read.newest]
    headers = state_headers(state, snapshot, facts) | memento_headers(request, snapshot, state.updated_at)
    headers["Link"] = (
        f'<{edition.pinned("/v1/codebook")}>; rel="describedby", <{LICENCE_URL}>; rel="license", '
        f'<{edition.pinned("/v1/dataset.jsonld")}>; rel="alternate"; type="{LD_JSON}"'
    )
    return conditional_response(request, body, headers, None, media_type)
