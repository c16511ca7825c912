"""How citations are answered: what is stored of one, with its texts and what has become of it since.

What a URL asks for is understood in `api/citing.py`; the texts are made in `api/citationtexts.py`.
"""

import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from urllib.parse import urlencode

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from api import citationtexts as texts
from api.answers import CONTRACT_VERSION, LIVE, PINNED
from api.citationtexts import CitedData, subject_of
from api.citedas import ROWS
from api.citeschemas import CitationAnswer, CitationLinks
from api.citing import Target, count_left, lines, read_rows, understood_again
from api.conditional import JSON, is_not_modified, negotiate
from api.errors import ApiError, ProblemCode
from api.formats import FORMATS, FormatName
from api.formats.ndjson import as_lines
from api.leaving import Client
from api.schemas import Note
from api.streamed import Opened, Streamed
from api.understanding import Question
from db.citing import Cited, find
from db.queries.revisions import Entry
from db.reader import Reader
from db.releases import Released, read_releases

CITATION = "/v1/citations/{}"
NDJSON = FORMATS[FormatName.NDJSON].media_type
CHANGED = (
    "What is computed from that state now is not what was cited: a record of it was blanked since, or this "
    "version of the service computes or writes it in another way. The URL returns what is computed now, and "
    "sha256 is no longer that of what it returns."
)
FORMS = (JSON, texts.BIBTEX, texts.RIS, texts.CSL_JSON, texts.TEXT)


async def stored(reader: Reader, citation_id: str) -> Cited:
    """Give the citation with an id.

    Raises:
        ApiError: not_found.
    """
    async with reader.connection() as connection:
        cited = await find(connection, citation_id)
    if cited is None:
        raise ApiError(ProblemCode.NOT_FOUND, f"There is no citation {citation_id!r}.")
    return cited


async def answer_of(reader: Reader, cited: Cited, base: str) -> CitationAnswer:
    """Tell a citation: what it is of, how it is written, and whether all that it is of can still be read."""
    question = cited.question
    async with understood_again(reader, cited) as (connection, target, meaning):
        notes = [note async for note in _notes(connection, target, meaning, cited)]
        releases = await read_releases(connection)
    query = {name: list(values) for name, values in question.query.items()}
    subject = target.subject if target.record_id is not None else subject_of(target.subject, query)
    data = CitedData(
        key=cited.id,
        subject=subject,
        url=base + ROWS.format(cited.id),
        release=_first_of(releases, question.dataset_revision, question.dataset_revision + 1),
        revision=question.dataset_revision,
        written_at=meaning.state.updated_at,
        rows=cited.rows.count,
        sha256=cited.rows.sha256,
    )
    pinned = {**query, "as_of": [str(question.dataset_revision)]}
    links = CitationLinks(
        self=CITATION.format(cited.id), records=f"{question.path}?{urlencode(pinned, doseq=True)}"
    )
    return _answer(data, question.path, query, links, notes=notes, id_=cited.id, at=cited.at)


def answer_of_record(
    path: str, entries: Sequence[Entry], number: int, releases: Sequence[Released], base: str
) -> CitationAnswer:
    """Tell the own citation of a record: one of its revisions, whose path returns it for ever.

    `entries` are all of them. The release is the first that holds that revision.
    """
    entry = next(each for each in entries if each.number == number)
    until = next((each.dataset_revision for each in entries if each.number == number + 1), None)
    data = CitedData(
        key=f"{entry.id}-{number}",
        subject=f"{entry.resource} {entry.id}, revision {number}",
        url=f"{base}{path}/revisions/{number}",
        release=_first_of(releases, entry.dataset_revision, until),
        revision=entry.dataset_revision,
        written_at=entry.at,
        rows=1,
        sha256=sha256((entry.body or "").encode()).hexdigest(),
    )
    links = CitationLinks(self=None, records=f"{path}?as_of={entry.dataset_revision}")
    return _answer(data, path, {}, links)


def _answer(
    data: CitedData,
    path: str,
    query: dict[str, list[str]],
    links: CitationLinks,
    *,
    notes: Sequence[Note] = (),
    id_: str | None = None,
    at: dt.datetime | None = None,
) -> CitationAnswer:
    return CitationAnswer(
        id=id_,
        url=data.url,
        path=path,
        query=query,
        dataset_revision=data.revision,
        release=data.release,
        updated_at=data.written_at,
        rows=data.rows,
        sha256=data.sha256,
        created_at=at,
        notes=list(notes),
        text=texts.as_text(data),
        bibtex=texts.as_bibtex(data),
        ris=texts.as_ris(data),
        csl_json=texts.as_csl(data),
        links=links,
    )


def _first_of(releases: Sequence[Released], since: int, until: int | None) -> str | None:
    """Give the first release of a span of dataset revisions, up to before the second."""
    return next(
        (
            each.name
            for each in releases
            if since <= each.dataset_revision and (until is None or each.dataset_revision < until)
        ),
        None,
    )


async def _notes(
    connection: AsyncConnection, target: Target, meaning: Question, cited: Cited
) -> AsyncIterator[Note]:
    """Tell what of a citation cannot be read any more."""
    if target.computed:
        if await read_rows(connection, target, meaning) != cited.rows:
            yield Note(code="changed", text=CHANGED)
    elif gone := cited.rows.count - await count_left(connection, target, meaning):
        yield Note(code="blanked", text=_blanked(gone, cited.rows.count))


def _blanked(gone: int, rows: int) -> str:
    were = "1 was" if gone == 1 else f"{gone:,} were"
    what = f"Of the {rows:,} records that were cited, {were} blanked since, because of what they said"
    left = "the URL returns the others, and sha256 is no longer that of what it returns"
    if gone == rows:
        what = "All that was cited was blanked since, because of what it said"
        left = "the URL returns nothing of it"
    return f"{what}: {left}."


def answer(
    request: Request,
    told: CitationAnswer,
    *,
    status: int = 200,
    pinned: bool = False,
    vary: str = "Accept",
) -> Response:
    """Answer with a citation in the form that Accept asks for; `pinned`: of a state that was asked for.

    Unless a release holds that already, one that is made later is told of.
    """
    form = negotiate(request, *FORMS)
    body = {
        JSON: told.model_dump_json(),
        texts.BIBTEX: told.bibtex,
        texts.RIS: told.ris,
        texts.CSL_JSON: told.csl_json,
        texts.TEXT: told.text,
    }[form]
    headers = {
        "ETag": f'"{sha256(f"{form} {body}".encode()).hexdigest()[:32]}"',
        "Cache-Control": PINNED if pinned and told.release is not None else LIVE,
        "Vary": vary,
        "X-Dataset-Revision": str(told.dataset_revision),
        "Link": f'<{told.url}>; rel="cite-as"',
    }
    if status == 200 and request.method == "GET" and is_not_modified(request.headers, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, status, media_type=form, headers=headers)


def records(request: Request, reader: Reader, cited: Cited) -> Response:
    """Answer with the records of a citation as NDJSON: the bytes whose hash it tells."""

    @asynccontextmanager
    async def opening(client: Client) -> AsyncIterator[Opened]:
        async with understood_again(reader, cited) as (connection, target, question):
            headers = {
                # what is blanked moves the vocabulary on; the contract, how rows are computed
                "ETag": f'"{cited.id}-{question.state.vocabulary_revision}-{CONTRACT_VERSION}"',
                "Cache-Control": LIVE,
                "Vary": "Accept",
                "X-Dataset-Revision": str(cited.question.dataset_revision),
                "Content-Disposition": f'attachment; filename="{cited.id}.ndjson"',
                "Link": f'<{ROWS.format(cited.id)}>; rel="cite-as", '
                f'<{CITATION.format(cited.id)}>; rel="describedby"',
            }
            yield Opened(headers, None, _bytes(client.while_there(lines(connection, target, question))))

    return Streamed(request, NDJSON, opening)


async def _bytes(batches: AsyncIterator[Sequence[str]]) -> AsyncGenerator[bytes, None]:
    async for bodies in batches:
        yield as_lines(bodies)
