"""What a URL of this service asks for, so that it can be cited: the question, its rows and their hash.

Where citations are kept is `db/citing.py`'s business; how they are written, that of `api/citationtexts.py`.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from api.bodies import invalid_body
from api.citedas import citation_id, question_of
from api.errors import ApiError, ProblemCode, ProblemItem
from api.filterkinds import FilterSet
from api.listing import RECORD_SCHEMA, Listing, remembered
from api.missing import absent
from api.params import Schema, problem, refuse, text_of
from api.routes.actors import ACTORS
from api.routes.agreements import AGREEMENTS
from api.routes.articles import ARTICLES
from api.routes.claims import CLAIMS
from api.routes.coverage import COVERAGE
from api.routes.exchanges import EXCHANGES
from api.routes.figures import FIGURES
from api.routes.mediations import MEDIATIONS
from api.routes.publishers import PUBLISHERS
from api.routes.totals import TOTALS
from api.understanding import PAGING, Question, conditions, understood
from db.citing import Cited, find
from db.citing import Question as Asked
from db.enums import Resource
from db.fields import storable
from db.queries.bodies import count_bodies, read_bodies
from db.queries.conditions import Snapshot
from db.queries.pages import read_record, read_state
from db.reader import Reader
from db.rendering import PLURAL

POINTER = "/url"
VERSION = "/v1"
LISTINGS: Mapping[str, Listing] = {
    "exchanges": EXCHANGES,
    "figures": FIGURES,
    "claims": CLAIMS,
    "mediations": MEDIATIONS,
    "articles": ARTICLES,
    "publishers": PUBLISHERS,
    "actors": ACTORS,
    "agreements": AGREEMENTS,
    "totals": TOTALS,
    "coverage": COVERAGE,
}
# What single records are called; figures have no paths.
RECORD_KINDS: Mapping[str, Resource | str] = {
    **{plural: resource for resource, plural in PLURAL.items()},
    "claims": "claim",
    "mediations": "mediation",
}
# What a POST is refused with is never what the same URL is redirected with: it would be sent again there.
_OF_RECORDS = {ProblemCode.NOT_FOUND, ProblemCode.GONE, ProblemCode.MERGED}
_RECORD = re.compile(r"/v1/([a-z]+)/([a-z0-9:-]+)")
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True)
class Rows:
    """The rows of a citation: how many, the SHA-256 of their NDJSON, hexadecimal."""

    count: int
    sha256: str


@dataclass(frozen=True)
class Target:
    """A path and a query of this service that can be cited: a list, or one record of it."""

    path: str
    query: bytes
    name: str
    record_id: str | None

    @property
    def listing(self) -> Listing:
        """The list, or that of the record."""
        return LISTINGS[self.name]

    @property
    def schema(self) -> Schema:
        """What the path takes."""
        return self.listing.schema if self.record_id is None else RECORD_SCHEMA

    @property
    def filters(self) -> type[FilterSet] | None:
        """What the path filters by."""
        return self.listing.filters if self.record_id is None else None


@dataclass(frozen=True)
class Understood:
    """What a URL asks for, under which id it is cited, and what its rows are."""

    id: str
    question: Asked
    rows: Rows


def target_of(url: str, host: str) -> Target:
    """Give what a URL names: a path of this service, or a whole URL of its host.

    Raises:
        ApiError: invalid_body, pointing at the URL.
    """
    if _UNFIT.search(url):
        raise _refused("invalid_value", "must not hold spaces, backslashes or control characters")
    try:
        parts = urlsplit(url)
        query = parts.query.encode()
        path = unquote(parts.path, errors="strict")
    except ValueError as error:  # a broken host, or what is no Unicode
        raise _refused("invalid_value", "is no URL") from error
    if parts.scheme not in {"", "http", "https"} or (parts.scheme and not parts.netloc):
        raise _refused("invalid_value", "must be a path that begins with a slash, or an http URL")
    if parts.netloc and parts.netloc.lower() != host.lower():
        raise _refused("foreign_host", f"must be a URL of this service, whose host is {host!r}")
    return _target(path if path.startswith(f"{VERSION}/") else VERSION + path, query)


def _target(path: str, query: bytes) -> Target:
    name = path.removeprefix(f"{VERSION}/")
    if name in LISTINGS:
        return Target(path, query, name, None)
    match = _RECORD.fullmatch(path)
    if match is not None and match[1] in RECORD_KINDS:
        return Target(path, query, match[1], match[2])
    allowed = [f"{VERSION}/{name}" for name in LISTINGS]
    raise _refused("not_citable", "must name a list of records, or one record of it", allowed)


def _refused(code: str, message: str, allowed: Sequence[str] = ()) -> ApiError:
    item = ProblemItem(pointer=POINTER, code=code, message=message, allowed=list(allowed))
    return invalid_body([item])


async def understand(reader: Reader, target: Target) -> Understood:
    """Understand a URL as the list itself would, read its rows, and give what is to be cited.

    Raises:
        ApiError: invalid_query with what is not understood in it, or that there is no such record.
    """
    scope = {"type": "http", "method": "GET", "path": target.path, "headers": []}
    request = Request(scope | {"query_string": target.query})
    try:
        async with understood(request, reader, target.schema, target.filters) as (connection, question):
            message = "a page of a walk cannot be cited, only the whole list: leave it out"
            paged = sorted(PAGING & question.values.keys())
            refuse([problem(name, "not_applicable", message) for name in paged])
            _check_storable(question.shown)
            asked = question_of(
                target.path,
                question.values,
                question.shown,
                usual=target.listing.default_sort,
                revision=question.state.revision,
                names=question.vocabulary.revision,
            )
            pinned = replace(question, snapshot=Snapshot(question.state.revision))
            id_ = citation_id(asked, target.schema, question.vocabulary)
            cited = await find(connection, id_)
            known = cited and Rows(cited.rows, cited.sha256)
            return Understood(id_, asked, known or await _read(connection, target, pinned))
    except ApiError as error:
        raise _at_url(error) from error


def _check_storable(shown: Mapping[str, Sequence[str]]) -> None:
    """Refuse what must not be shown to others for good, such as a key."""
    errors = []
    for name, texts in shown.items():
        for text in texts:
            try:
                storable(text)
            except ValueError as error:
                errors.append(problem(name, "invalid_value", str(error)))
    refuse(errors)


def _at_url(error: ApiError) -> ApiError:
    """Tell a problem of what the URL asks for as one of the URL."""
    if error.code in _OF_RECORDS:
        item = ProblemItem(pointer=POINTER, code=error.code, message=error.detail)
        return ApiError(ProblemCode.INVALID_QUERY, error.detail, [item])
    items = [item.model_copy(update={"pointer": POINTER}) for item in error.errors]
    return ApiError(error.code, error.detail, items)


async def _read(connection: AsyncConnection, target: Target, question: Question) -> Rows:
    count, digest = 0, sha256()
    async with aclosing(lines(connection, target, question)) as batches:
        async for bodies in batches:
            count += len(bodies)
            digest.update(ndjson(bodies))
    return Rows(count, digest.hexdigest())


def ndjson(bodies: Sequence[str]) -> bytes:
    """Give bodies as lines, as the export does."""
    return "".join(f"{body}\n" for body in bodies).encode()


async def lines(
    connection: AsyncConnection, target: Target, question: Question
) -> AsyncGenerator[Sequence[str], None]:
    """Give the rows of a question, some hundred at a time.

    Raises:
        ApiError: the record does not stand in that state.
    """
    snapshot = question.snapshot
    if target.record_id is not None:
        found = await read_record(connection, target.listing.listed, target.record_id, snapshot)
        if found.body is None:
            raise await _missing(connection, target, snapshot)
        yield [found.body]
        return
    listed = target.listing.listed
    sort = listed.sorts[text_of(question.values, "sort") or target.listing.default_sort]
    async for bodies in read_bodies(connection, listed, question.conditions, snapshot, sort):
        yield bodies


@asynccontextmanager
async def understood_again(
    reader: Reader, cited: Cited
) -> AsyncIterator[tuple[AsyncConnection, Target, Question]]:
    """Understand a citation as it was understood when it was made, whatever was merged or renamed since."""
    target, snapshot = _target(cited.question.path, b""), Snapshot(cited.question.dataset_revision)
    async with reader.unchanging() as connection:
        state = await read_state(connection, snapshot)
        reader.forget_before(state.vocabulary_revision)
        vocabulary = await reader.vocabulary(connection)
        values = remembered(target.listing, cited.question.query, cited.question.search)
        wanted = conditions(target.filters, values, vocabulary.merges, cited.question.names)
        order = {"sort": tuple(cited.question.query["sort"])} if "sort" in cited.question.query else {}
        question = Question(
            values={**values, **order},
            conditions=wanted,
            snapshot=snapshot,
            state=state,
            shown={name: list(texts) for name, texts in cited.question.query.items()},
            notes=[],
            vocabulary=vocabulary,
        )
        yield connection, target, question


async def still_there(connection: AsyncConnection, target: Target, question: Question) -> int:
    """Tell how many of the rows of a citation can be read: all, but for those that were blanked since."""
    listed, snapshot = target.listing.listed, question.snapshot
    if target.record_id is not None:
        found = await read_record(connection, listed, target.record_id, snapshot)
        return int(found.body is not None)
    return await count_bodies(connection, listed, question.conditions, snapshot)


async def _missing(connection: AsyncConnection, target: Target, snapshot: Snapshot) -> ApiError:
    kind, record_id = RECORD_KINDS[target.name], str(target.record_id)
    if isinstance(kind, Resource):
        return await absent(connection, kind, record_id, snapshot)
    return ApiError(ProblemCode.NOT_FOUND, f"There is no {kind} {record_id!r} as of {snapshot.revision}.")
