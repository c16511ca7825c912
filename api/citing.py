"""What a URL of this service asks for, so that it can be cited: the question, its rows and their hash.

Where citations are kept is `db/citing.py`'s business; how they are written, that of `api/citationtexts.py`.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from api.bodies import invalid_body
from api.citedas import asked_by, citation_id
from api.errors import ApiError, ProblemCode, ProblemItem
from api.exporting import BOM, FIELDS, Exported, Understanding, names_in
from api.exports import EXPORTS
from api.filterkinds import FilterSet
from api.formats import FORMATS
from api.formats.ndjson import as_lines
from api.listing import RECORD_SCHEMA, remembered
from api.missing import absent, absent_part
from api.params import Schema, problem, refuse
from api.uncitable import VERSION, reason_of
from api.understanding import Question, conditions, understood
from db.citing import Cited, Rows, find
from db.citing import Question as Asked
from db.enums import Resource
from db.fields import storable
from db.queries.conditions import Snapshot
from db.queries.pages import Found, read_record, read_state
from db.reader import Reader
from db.rendering import PLURAL

POINTER = "/url"
# What single records are called; figures have no paths.
RECORD_KINDS: Mapping[str, Resource | str] = {
    **{plural: resource for resource, plural in PLURAL.items()},
    "claims": "claim",
    "mediations": "mediation",
}
# What asks for a part of the rows only, and what to do instead.
_OF_A_PAGE = {
    "cursor": "holds a place in a walk, and only the whole list can be cited: send the query that the walk "
    "began with, which `meta.query` of its pages tells",
    "limit": "asks for a part of the list, and only the whole list can be cited: leave it out",
}
_OF_A_FILE = {
    FIELDS: "chooses columns of a file, and only whole rows can be cited: leave it out",
    BOM.name: "is about the bytes of a file, and its rows are what can be cited: leave it out",
}
# What a POST is refused with is never what the same URL is redirected with: it would be sent again there.
_OF_RECORDS = {ProblemCode.NOT_FOUND, ProblemCode.GONE, ProblemCode.MERGED}
_RECORD = re.compile(r"/v1/([a-z]+)/([a-z0-9:-]+)")
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True)
class Target:
    """A path and a query of this service that can be cited: rows of an export, or one record of its list.

    `as_file`: it was given as the path of a file, whose rows are those of the plain path.
    """

    query: bytes
    exported: Exported
    record_id: str | None = None
    as_file: bool = False

    @property
    def path(self) -> str:
        """The path that is cited, whichever it was given as."""
        return self.exported.path if self.record_id is None else f"{self.exported.path}/{self.record_id}"

    @property
    def schema(self) -> Schema:
        """What the path takes."""
        return self.exported.asked if self.record_id is None else RECORD_SCHEMA

    @property
    def filters(self) -> type[FilterSet] | None:
        """What the path filters by."""
        return self.exported.filters if self.record_id is None else None

    @property
    def subject(self) -> str:
        """What it is, without the query: `exchanges`, or the record."""
        name = self.exported.name
        return name if self.record_id is None else f"{RECORD_KINDS[name]} {self.record_id}"

    @property
    def computed(self) -> bool:
        """Whether the rows are made when they are read."""
        return self.record_id is None and not self.exported.stored

    def check_whole(self) -> None:
        """Refuse a query that asks for a part of the rows only.

        Raises:
            ApiError: invalid_query.
        """
        messages = {name: told for name, told in _OF_A_PAGE.items() if name in self.schema.params}
        messages |= _OF_A_FILE if self.as_file else {}
        found = sorted(messages.keys() & names_in(self.query))
        refuse([problem(name, "not_applicable", messages[name]) for name in found])

    def understood(self, reader: Reader) -> Understanding:
        """Understand the query as the path itself would."""
        scope = {"type": "http", "method": "GET", "path": self.path, "headers": []}
        request = Request(scope | {"query_string": self.query})
        if self.record_id is None:
            return self.exported.understood(request, reader, self.schema)
        return understood(request, reader, self.schema)


@dataclass(frozen=True)
class Understood:
    """What a URL asks for, under which id it is cited, and what its rows are."""

    id: str
    question: Asked
    rows: Rows


def target_of(url: str, hosts: Collection[str]) -> Target:
    """Give what a URL names: a path of this service, or a whole URL of its host.

    Raises:
        ApiError: invalid_body, pointing at the URL.
    """
    if not url:
        raise _refused("empty", "must not be empty: send what you have read, such as /v1/exchanges?year=2025")
    if _UNFIT.search(url):
        raise _refused("invalid_value", "must not hold spaces, backslashes or control characters")
    try:
        parts = urlsplit(url)
        path = unquote(parts.path, errors="strict")
    except ValueError as error:  # a broken host, or what is no Unicode
        raise _refused("invalid_value", "is no URL") from error
    if parts.scheme not in {"", "http", "https"} or (parts.scheme and not parts.netloc):
        raise _refused("invalid_value", "must be a path that begins with a slash, or an http URL")
    if parts.netloc and parts.netloc.lower() not in hosts:
        own = " or ".join(repr(host) for host in sorted(hosts))
        message = f"must be a URL of this service, whose host is {own}; a path without any host will do"
        raise _refused("foreign_host", message)
    target = _target(path if path.startswith(f"{VERSION}/") else VERSION + path, parts.query.encode())
    if target is None:
        message, instead = reason_of(path, parts.query)
        raise _refused("not_citable", message, [each.path for each in EXPORTS.values()], instead)
    return target


def _target(path: str, query: bytes) -> Target | None:
    """Give what a path below /v1 names, if that can be cited."""
    name, dot, ending = path.removeprefix(f"{VERSION}/").partition(".")
    if name in EXPORTS and (ending in FORMATS or (not dot and not EXPORTS[name].only_as_file)):
        return Target(query, EXPORTS[name], as_file=bool(dot))
    match = _RECORD.fullmatch(path)
    if match is not None and match[1] in RECORD_KINDS:
        return Target(query, EXPORTS[match[1]], match[2])
    return None


def _refused(
    code: str, message: str, allowed: Sequence[str] = (), suggestions: Sequence[str] = ()
) -> ApiError:
    item = ProblemItem(
        pointer=POINTER, code=code, message=message, allowed=list(allowed), suggestions=list(suggestions)
    )
    return invalid_body([item])


async def understand(reader: Reader, target: Target) -> Understood:
    """Understand a URL as the list itself would, read its rows, and give what is to be cited.

    Raises:
        ApiError: invalid_query with what is not understood in it, or that there is no such record.
    """
    try:
        target.check_whole()
        async with target.understood(reader) as (connection, question):
            _check_storable(question.shown)
            asked = asked_by(target.path, target.schema, question)
            id_ = citation_id(asked, target.schema, question.vocabulary)
            cited = await find(connection, id_)
            if cited is not None:
                return Understood(id_, asked, cited.rows)
            pinned = replace(question, snapshot=Snapshot(question.state.revision))
            return Understood(id_, asked, await read_rows(connection, target, pinned))
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


async def read_rows(connection: AsyncConnection, target: Target, question: Question) -> Rows:
    """Read the rows of a question to the last, and tell how many they are and their hash.

    Raises:
        ApiError: the record does not stand in that state.
    """
    count, digest = 0, sha256()
    async with aclosing(lines(connection, target, question)) as batches:
        async for bodies in batches:
            count += len(bodies)
            digest.update(as_lines(bodies))
    return Rows(count, digest.hexdigest())


def lines(
    connection: AsyncConnection, target: Target, question: Question
) -> AsyncGenerator[Sequence[str], None]:
    """Give the rows of a question, some hundred at a time.

    Raises:
        ApiError: the record does not stand in that state.
    """
    if target.record_id is None:
        return target.exported.bodies(connection, question)
    return _record(connection, target, question.snapshot)


async def _record(
    connection: AsyncConnection, target: Target, snapshot: Snapshot
) -> AsyncGenerator[Sequence[str], None]:
    body = (await _found(connection, target, snapshot)).body
    if body is None:
        raise await _missing(connection, target, snapshot)
    yield [body]


async def _found(connection: AsyncConnection, target: Target, snapshot: Snapshot) -> Found:
    assert target.exported.listing is not None  # noqa: S101  (what has records is a list)
    return await read_record(connection, target.exported.listing.listed, str(target.record_id), snapshot)


@asynccontextmanager
async def understood_again(
    reader: Reader, cited: Cited
) -> AsyncIterator[tuple[AsyncConnection, Target, Question]]:
    """Understand a citation as it was understood when it was made, whatever was merged or renamed since."""
    target, snapshot = _target(cited.question.path, b""), Snapshot(cited.question.dataset_revision)
    assert target is not None  # noqa: S101  (it was cited)
    asked = cited.question
    async with reader.unchanging() as connection:
        state = await read_state(connection, snapshot)
        reader.forget_before(state.version)
        vocabulary = await reader.vocabulary(connection)
        values = remembered(target.schema, asked.query, asked.search)
        question = Question(
            values=values,
            conditions=conditions(target.filters, values, vocabulary.merges, asked.names),
            snapshot=snapshot,
            state=state,
            shown={name: list(texts) for name, texts in asked.query.items()},
            notes=[],
            # whatever else reads the query takes names for what they were then, too
            vocabulary=replace(vocabulary, revision=asked.names),
        )
        yield connection, target, question


async def count_left(connection: AsyncConnection, target: Target, question: Question) -> int:
    """Tell how many of the stored records of a citation can be read: all, but for those blanked since."""
    if target.record_id is not None:
        return int((await _found(connection, target, question.snapshot)).body is not None)
    assert target.exported.count is not None  # noqa: S101  (what is stored is a list)
    return await target.exported.count(connection, question)


async def _missing(connection: AsyncConnection, target: Target, snapshot: Snapshot) -> ApiError:
    kind, record_id = RECORD_KINDS[target.exported.name], str(target.record_id)
    if isinstance(kind, Resource):
        return await absent(connection, kind, record_id, snapshot)
    return await absent_part(connection, kind, record_id, snapshot)
