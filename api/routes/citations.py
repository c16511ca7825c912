"""Citations: a query, or a record, as of one dataset revision, with an address for good and its texts."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Path, Request, Response

from api.asof import HEADER, check_reached, snapshot_of
from api.bodies import as_input, read_json
from api.citeschemas import LONGEST_URL, CitationAnswer, CitationInput
from api.citing import target_of, understand
from api.citingviews import FORMS, NDJSON, answer, answer_of, answer_of_record, records, stored
from api.conditional import JSON, negotiate
from api.deps import CitationLimiterDep, ReaderDep, WriterDep
from api.errors import ApiError, ProblemCode
from api.expensive import IN_TURN
from api.limits import WriteLimiter
from api.listing import RECORD_SCHEMA
from api.missing import absent
from api.openapi import ANSWERS, NO_PARAMETERS, RecordId, conditional, describe_other, describe_queried
from api.proxies import subscriber_of
from api.streamed import GATE
from api.target import base_of
from api.writing import telling
from db import citing
from db.enums import Resource
from db.queries import lists
from db.queries.pages import read_record
from db.queries.revisions import read_revisions
from db.releases import read_releases

MOST_BYTES = 2 * LONGEST_URL  # of a body: a URL may be written with escapes

CitationId = Annotated[str, Path(description="The id of the citation.")]

ANSWERS[CitationInput.__name__] = CitationInput
router = APIRouter(tags=["citations"])


def _described() -> dict[str, Any]:
    """Give what the decorator of the POST needs: what was cited already is 200, what was not 201."""
    described = describe_queried(
        CitationAnswer,
        NO_PARAMETERS,
        ProblemCode.BAD_REQUEST,
        ProblemCode.PAYLOAD_TOO_LARGE,
        ProblemCode.UNSUPPORTED_MEDIA_TYPE,
        ProblemCode.INVALID_QUERY,
        ProblemCode.INVALID_BODY,
        ProblemCode.TOO_MANY_REQUESTS,
    )
    location = {"description": "Where the citation is found.", "schema": {"type": "string"}}
    described["responses"][201] = {
        "model": CitationAnswer,
        "description": "The citation, made now.",
        "headers": {"Location": location},
    }
    reference = {"schema": {"$ref": f"#/components/schemas/{CitationInput.__name__}"}}
    described["openapi_extra"]["requestBody"] = {
        "required": True,
        "description": "What is to be cited.",
        "content": {JSON: reference},
    }
    return described


@router.post("/citations", operation_id="create_citation", **_described())
async def create_citation(
    request: Request, reader: ReaderDep, writer: WriterDep, limiter: CitationLimiterDep
) -> Response:
    """Cite a query: its records at one dataset revision, under a short address that returns them for ever.

    No key is needed. The query is understood as its list understands it; `as_of` and `release` choose the
    state, else it is the newest. The same question at the same revision has the same citation.
    """
    negotiate(request, *FORMS)
    NO_PARAMETERS.parse(request.scope["query_string"])
    body = as_input(CitationInput, await read_json(request, limit=MOST_BYTES))
    base = base_of(request)
    hosts = {request.headers.get("host", "").lower(), urlsplit(base).netloc.lower()} - {""}
    target = target_of(body.url, hosts)
    spent = _spend(request, limiter)
    with telling(spent), GATE.admitted():
        understood = await understand(reader, target)
        cited, new = await citing.store(writer, understood.id, understood.question, understood.rows)
        told = await answer_of(reader, cited, base)
    response = answer(request, told, status=201 if new else 200)
    response.headers.update({**spent, "Location": str(told.links.self)})
    response.headers["Cache-Control"] = "no-store"
    return response


def _spend(request: Request, limiter: WriteLimiter) -> dict[str, str]:
    """Count a citation of an address, and give the headers that tell what it has left.

    Raises:
        ApiError: too_many_requests.
    """
    try:
        return dict(limiter.spend(subscriber_of(request.client.host if request.client else "")))
    except ApiError as error:
        wait = (error.headers or {})["Retry-After"]
        detail = f"From this address, no more can be cited for the moment; try again in {wait} s."
        raise ApiError(error.code, detail, headers=error.headers) from error


@router.get(
    "/citations/{citation_id}",
    operation_id="get_citation",
    dependencies=[IN_TURN],
    **conditional(describe_queried(CitationAnswer, NO_PARAMETERS, ProblemCode.NOT_FOUND)),
)
async def get_citation(request: Request, reader: ReaderDep, citation_id: CitationId) -> Response:
    """Read a citation: what it is of, its hash, and how it is written.

    `Accept` may ask for one text alone: `application/x-bibtex`, `application/x-research-info-systems`,
    `application/vnd.citationstyles.csl+json` or `text/plain`.
    """
    negotiate(request, *FORMS)
    NO_PARAMETERS.parse(request.scope["query_string"])
    cited = await stored(reader, citation_id)
    return answer(request, await answer_of(reader, cited, base_of(request)))


@router.get(
    "/c/{citation_id}",
    operation_id="get_cited_records",
    summary="Read what a citation is of",
    **conditional(
        describe_other(
            NDJSON,
            "The records, one on each line.",
            NO_PARAMETERS,
            ProblemCode.NOT_FOUND,
            ProblemCode.GONE,
            binary=True,
        )
    ),
)
async def get_cited_records(request: Request, reader: ReaderDep, citation_id: CitationId) -> Response:
    """Read the records of a citation as they were cited, as NDJSON: the bytes that its SHA-256 is of.

    What is merged or renamed later changes nothing here, and only a record that had to be blanked is missing.
    """
    negotiate(request, NDJSON)
    NO_PARAMETERS.parse(request.scope["query_string"])
    return records(request, reader, await stored(reader, citation_id))


@router.get(
    "/exchanges/{record_id}/citation",
    operation_id="get_exchange_citation",
    dependencies=[IN_TURN],
    summary="Tell how to cite an exchange",
    **describe_queried(
        CitationAnswer,
        RECORD_SCHEMA,
        ProblemCode.NOT_FOUND,
        ProblemCode.BAD_REQUEST,
        ProblemCode.GONE,
        ProblemCode.MERGED,
    ),
)
async def get_exchange_citation(request: Request, reader: ReaderDep, record_id: RecordId) -> Response:
    """Tell how to cite one exchange, as it stands or as it stood: by its revision, which never changes.

    `Accept` may ask for one text alone, as with other citations.
    """
    negotiate(request, *FORMS)
    query = request.scope["query_string"]
    values = RECORD_SCHEMA.parse(query)
    async with reader.unchanging() as connection:
        snapshot = await snapshot_of(connection, values, request.headers)
        found = await read_record(connection, lists.EXCHANGES, record_id, snapshot)
        check_reached(found.state)
        if found.body is None or found.number is None:
            sent = query.decode("latin-1")
            raise await absent(connection, Resource.EXCHANGE, record_id, snapshot, sent, below="/citation")
        entries = await read_revisions(connection, Resource.EXCHANGE, record_id)
        releases = await read_releases(connection)
    path = f"/v1/exchanges/{record_id}"
    told = answer_of_record(path, entries, found.number, releases, base_of(request))
    return answer(request, told, pinned=snapshot.revision is not None, vary=f"Accept, {HEADER}")
