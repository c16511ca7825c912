"""A route that is to end says so in its answers and in the contract: one line above it."""

import datetime as dt

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from api.deprecation import deprecated
from api.errors import HANDLERS, ApiError, ProblemCode
from api.openapi import contract_of, describe_plain
from api.schemas import Health
from tests.contract import document

pytestmark = pytest.mark.anyio

SINCE, SUNSET = dt.date(2027, 1, 31), dt.date(2028, 2, 1)
PAGE = "/guide/stability"
MARKS = {
    "deprecation": "@1801353600",  # date --utc --date 2027-01-31 +%s
    "sunset": "Tue, 01 Feb 2028 00:00:00 GMT",
    "link": f'<{PAGE}>; rel="deprecation"; type="text/html"',
}
router = APIRouter(tags=["operations"])


@router.get("/old/{number}", operation_id="get_old", **describe_plain(Health))
@deprecated(since=SINCE, sunset=SUNSET, see=PAGE)
async def get_old(request: Request, number: str) -> Response:
    """Answer as it always did. More words."""
    if number == "unknown":
        raise ApiError(ProblemCode.NOT_FOUND, "There is no such thing.", headers={"Link": '</v1>; rel="up"'})
    links = {"Link": '</next>; rel="next"'} if "linked" in request.query_params else {}
    return Response(number, headers=links)


@router.get("/new/{number}", operation_id="get_new", **describe_plain(Health))
async def get_new(number: str) -> Response:
    """Answer as it does now. More words."""
    return Response(number)


@pytest.fixture
async def asked() -> httpx.AsyncClient:
    app = FastAPI(exception_handlers=dict(HANDLERS))
    app.include_router(router, prefix="/v1")
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_answers_say_that_the_route_ends(asked: httpx.AsyncClient) -> None:
    answer = await asked.get("/v1/old/thing")
    assert (answer.status_code, answer.text) == (200, "thing")
    assert {name: answer.headers[name] for name in MARKS} == MARKS


async def test_links_that_an_answer_has_stay(asked: httpx.AsyncClient) -> None:
    answer = await asked.get("/v1/old/thing?linked")
    assert answer.headers["link"] == f'</next>; rel="next", {MARKS["link"]}'


async def test_refusals_say_it_too(asked: httpx.AsyncClient) -> None:
    answer = await asked.get("/v1/old/unknown")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["deprecation"] == MARKS["deprecation"]
    assert answer.headers["sunset"] == MARKS["sunset"]
    assert answer.headers["link"] == f'</v1>; rel="up", {MARKS["link"]}'


async def test_other_routes_say_nothing(asked: httpx.AsyncClient) -> None:
    assert not MARKS.keys() & (await asked.get("/v1/new/thing")).headers.keys()


def test_the_contract_marks_it() -> None:
    app = FastAPI()
    app.include_router(router, prefix="/v1")
    paths = contract_of(app)["paths"]
    assert paths["/v1/old/{number}"]["get"]["deprecated"] is True
    assert paths["/v1/old/{number}"]["get"]["x-sunset"] == "2028-02-01"
    assert not {"deprecated", "x-sunset"} & paths["/v1/new/{number}"]["get"].keys()


def test_nothing_ends_sooner_than_is_promised() -> None:
    with pytest.raises(ValueError, match="a year is promised"):
        deprecated(since=SINCE, sunset=dt.date(2028, 1, 30), see=PAGE)
    deprecated(since=SINCE, sunset=dt.date(2028, 1, 31), see=PAGE)


async def test_headers_can_be_read_by_pages(client: httpx.AsyncClient) -> None:
    exposed = (await client.get("/healthz")).headers["access-control-expose-headers"].split(", ")
    assert {"Deprecation", "Sunset", "Link"} <= set(exposed)


def test_nothing_is_marked_by_mistake() -> None:
    operations = [operation for item in document()["paths"].values() for operation in item.values()]
    assert all(("deprecated" in each) is ("x-sunset" in each) for each in operations)
