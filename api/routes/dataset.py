"""The dataset as a whole, and the contract of this API."""

from hashlib import sha256

from fastapi import APIRouter, Request, Response

from api.answers import conditional_response, dataset_state, memento_headers, state_headers
from api.asof import check_reached, snapshot_of
from api.conditional import is_not_modified, require_json
from api.deps import ReaderDep
from api.listing import RECORD_SCHEMA
from api.openapi import contract_json, describe_state
from api.params import Schema
from api.schemas import Dataset, DatasetCounts
from db.figures import FIGURES_RULE
from db.queries.dataset import read_size

TITLE = "Prisoner exchanges: claims and their sources"
DESCRIPTION = (
    "Curated records of prisoner exchanges, returns of civilians and of remains. Sources contradict each "
    "other, so the unit is the claim with its claimant and its articles; figures are derived from claims by "
    "a written rule. No personal data: numbers and roles only."
)

router = APIRouter(tags=["dataset"])


@router.get("/dataset", operation_id="get_dataset", **describe_state(Dataset))
async def get_dataset(request: Request, reader: ReaderDep) -> Response:
    """Tell what the dataset is, how much it holds, which licence it has and how to cite it."""
    require_json(request)
    values = RECORD_SCHEMA.parse(request.scope["query_string"])
    async with reader.connection() as connection:
        snapshot = await snapshot_of(connection, values, request.headers)
        state, size = await read_size(connection, snapshot)
    check_reached(state)
    written = state.updated_at
    dataset = Dataset(
        title=TITLE,
        description=DESCRIPTION,
        licence="CC-BY-4.0",
        licence_url="https://creativecommons.org/licenses/by/4.0/",
        citation=f"{TITLE}. Dataset revision {state.revision}, {written:%d %B %Y}. CC BY 4.0.",
        figures_rule=FIGURES_RULE,
        first_exchange=size.first,
        last_exchange=size.last,
        counts=DatasetCounts(**size.counts),
        dataset=dataset_state(state, snapshot),
    )
    headers = state_headers(state, snapshot, ["dataset"]) | memento_headers(request, snapshot, written)
    return conditional_response(request, dataset.model_dump_json().encode(), headers, written)


@router.get("/openapi.json", operation_id="get_contract", include_in_schema=False)
async def get_contract(request: Request) -> Response:
    """Serve the contract of this API: OpenAPI 3.1."""
    require_json(request)
    Schema.of().parse(request.scope["query_string"])
    body = contract_json(request.app)
    headers = {
        "ETag": f'"{sha256(body).hexdigest()[:32]}"',
        "Cache-Control": "public, max-age=300",
        "Vary": "Accept",
    }
    if is_not_modified(request.headers, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
