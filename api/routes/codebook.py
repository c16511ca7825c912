"""The codebook: as JSON for programs, as a page for people, as Markdown beside the data."""

from fastapi import APIRouter, Request, Response

from api.answers import changed_at, conditional_response, memento_headers, state_headers
from api.asof import check_reached, snapshot_of
from api.codebook import codebook
from api.codebookpage import MARKDOWN, codebook_html, codebook_markdown, page_policy
from api.codebookschemas import CodebookAnswer
from api.conditional import JSON, negotiate
from api.deps import ReaderDep
from api.docs import HTML
from api.errors import ProblemCode
from api.listing import RECORD_SCHEMA
from api.livedataset import read_edition, read_example
from api.openapi import describe_other, describe_state
from api.securityheaders import page_headers
from api.target import base_of
from db.queries.conditions import Snapshot
from db.queries.pages import State
from db.reader import Reader

router = APIRouter(tags=["dataset"])


@router.get(
    "/codebook",
    operation_id="get_codebook",
    summary="Read the codebook",
    **describe_state(CodebookAnswer),
)
async def get_codebook(request: Request, reader: ReaderDep) -> Response:
    """Tell what each variable is, how it is coded, what each word means, and how figures follow from claims.

    With `Accept: text/html`, as browsers send it, the same comes as a page.
    """
    chosen = negotiate(request, JSON, HTML)
    state, snapshot, answer = await _codebook(request, reader)
    if chosen == JSON:
        return _respond(request, state, snapshot, answer.model_dump_json().encode(), JSON)
    response = _respond(request, state, snapshot, codebook_html(answer), HTML)
    response.headers.update(page_headers(page_policy()))
    return response


@router.get(
    "/codebook.md",
    operation_id="get_codebook_markdown",
    summary="Read the codebook as Markdown",
    **describe_other(MARKDOWN, "The codebook.", RECORD_SCHEMA, ProblemCode.BAD_REQUEST),
)
async def get_codebook_markdown(request: Request, reader: ReaderDep) -> Response:
    """Tell the same as Markdown, as releases hold it."""
    negotiate(request, MARKDOWN)
    state, snapshot, answer = await _codebook(request, reader)
    return _respond(request, state, snapshot, codebook_markdown(answer).encode(), MARKDOWN)


async def _codebook(request: Request, reader: Reader) -> tuple[State, Snapshot, CodebookAnswer]:
    values = RECORD_SCHEMA.parse(request.scope["query_string"])
    async with reader.unchanging() as connection:
        snapshot = await snapshot_of(connection, values, request.headers)
        state, edition = await read_edition(connection, snapshot, base_of(request))
        check_reached(state)
        example = await read_example(connection, Snapshot(state.revision))
    return state, snapshot, codebook(edition, example)


def _respond(request: Request, state: State, snapshot: Snapshot, body: bytes, media_type: str) -> Response:
    headers = state_headers(state, snapshot, ["codebook", media_type])
    headers |= memento_headers(request, snapshot, state.updated_at)
    return conditional_response(request, body, headers, changed_at(state, snapshot), media_type)
