"""How whole results are answered as files: from the raw query to the last byte, in whichever format.

What is exported is listed in `api/routes/exports.py`; how rows are written is `api/formats/`'s business.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property, partial
from typing import Self
from urllib.parse import parse_qsl, quote

from fastapi import Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from api.answers import changed_at, memento_headers, modified_header, state_headers
from api.citedas import cite_as
from api.columns import Column, columns_of
from api.errors import ApiError
from api.filterkinds import FilterSet
from api.formats import FORMATS, Format, FormatName, Sheet, UnfitError
from api.leaving import Client
from api.listing import EXPORTED, Listing
from api.params import Param, Schema, not_understood, problem, refuse, text_of
from api.streamed import Opened, Streamed, chained
from api.target import base_of
from api.understanding import PAGING, Question, understood
from db.queries.bodies import count_bodies, read_bodies
from db.queries.conditions import Condition, Snapshot
from db.reader import Reader

Bodies = Callable[[AsyncConnection, Question], AsyncGenerator[Sequence[str], None]]
Understanding = AbstractAsyncContextManager[tuple[AsyncConnection, Question]]
Understand = Callable[[Request, Reader, Schema], Understanding]
Count = Callable[[AsyncConnection, Question], Awaitable[int]]
FIELDS = "fields"  # the parameter that chooses columns
BOM = Param(
    name="bom",
    type=bool,
    description="Whether CSV begins with a byte order mark, by which Excel knows UTF-8. Only for `csv`.",
    example=True,
)
MOST_BYTES = 120  # of a file's name, without its revision and ending


@dataclass(frozen=True, eq=False)
class Exported:
    """What is exported: rows of a model, chosen by the parameters of a schema.

    `name` is the plural of what they are, and of the path. `bodies` reads the rows as JSON, batch by batch;
    `count` tells how many there will be, for formats that hold only so many. `schema` is what the same
    result takes as JSON; pages and the parameters of files are no part of it. `understand` takes the place of
    `understood`, for queries that it does not suffice for. `listing` is the list that has the same rows, if
    one has; `only_as_file`: nothing has them as JSON.
    """

    name: str
    model: type[BaseModel]
    asked: Schema
    filters: type[FilterSet] | None
    bodies: Bodies
    count: Count | None = None
    understand: Understand | None = None
    listing: Listing | None = None
    only_as_file: bool = False

    @classmethod
    def of_list(
        cls, name: str, model: type[BaseModel], listing: Listing, fixed: Sequence[Condition] = ()
    ) -> Self:
        """Make the export of a list; the list itself is answered so too, where Accept prefers it.

        `fixed` are conditions that hold besides what is asked.
        """

        def wanted(question: Question) -> Sequence[Condition]:
            return [*question.conditions, *fixed]

        async def bodies(
            connection: AsyncConnection, question: Question
        ) -> AsyncGenerator[Sequence[str], None]:
            listed = listing.listed
            sort = listed.sorts[text_of(question.values, "sort") or listing.default_sort]
            stored = read_bodies(connection, listed, wanted(question), question.snapshot, sort)
            async for batch in stored:
                if listing.render is None:
                    yield batch
                else:
                    yield await listing.render(connection, batch, Snapshot(question.state.revision))

        async def count(connection: AsyncConnection, question: Question) -> int:
            return await count_bodies(connection, listing.listed, wanted(question), question.snapshot)

        async def answer(request: Request, reader: Reader, form: str) -> Response:
            return await answer_export(request, reader, made, FORMATS[form])

        made = cls(name, model, listing.schema, listing.filters, bodies, count, listing=listing)
        EXPORTED[listing] = answer
        return made

    def understood(self, request: Request, reader: Reader, schema: Schema) -> Understanding:
        """Understand a query by a schema, on a connection on which nothing changes meanwhile."""
        if self.understand is not None:
            return self.understand(request, reader, schema)
        return understood(request, reader, schema, self.filters)

    @property
    def path(self) -> str:
        """Where the rows are read as JSON."""
        return f"/v1/{self.name}.{FormatName.NDJSON}" if self.only_as_file else f"/v1/{self.name}"

    @property
    def stored(self) -> bool:
        """Whether the rows are records as they are stored, which nothing but blanking takes away."""
        return self.listing is not None and self.listing.render is None

    @cached_property
    def columns(self) -> Sequence[Column]:
        """All columns, in their order."""
        return columns_of(self.model)

    @cached_property
    def schema(self) -> Schema:
        """All parameters of the export."""
        names = {column.name: column.name for column in self.columns}
        fields = Param(
            name=FIELDS,
            type=StrEnum("Fields", names),
            description="The columns wanted, all if left out; they keep their order. Only for `csv`, "
            "`parquet` and `xlsx`.",
            example=self.columns[0].name,
            many=True,
        )
        params = (param for name, param in self.asked.params.items() if name not in PAGING)
        return Schema.of(*params, fields, BOM)


def format_named(name: str) -> Format:
    """Give the format that a path ends in.

    Raises:
        ApiError: there is none of that name.
    """
    if name not in FORMATS:
        near = get_close_matches(name, FORMATS, n=3)
        message = f"there is no format {name!r}; JSON is at the path without an ending"
        raise not_understood([problem("format", "invalid_value", message, allowed=FORMATS, suggestions=near)])
    return FORMATS[name]


async def answer_export(request: Request, reader: Reader, exported: Exported, form: Format) -> Response:
    """Answer with the whole result of a query as a file, made of one state and never cut short.

    Raises:
        ApiError: naming every parameter that is not understood, here or in this format.
    """
    query = request.scope["query_string"]
    message = "does not belong to an export, which is always whole: leave it out"
    refuse([problem(name, "not_here", message) for name in sorted(PAGING & names_in(query))])
    values = exported.schema.parse(query)
    refuse(
        [
            problem(name, "not_here", f"has no meaning in {form.name}; it is for {' or '.join(formats)}")
            for name, formats in _OF_SOME.items()
            if name in values and form.name not in formats
        ]
    )
    return Streamed(request, form.media_type, partial(_opened, request, reader, exported, form))


def names_in(query: bytes) -> set[str]:
    """Give the names of the parameters that a raw query holds."""
    return {name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)}


# Parameters that only some formats have a meaning for.
_OF_SOME: Mapping[str, Sequence[str]] = {
    FIELDS: [form.name for form in FORMATS.values() if form.columnar],
    BOM.name: [FORMATS["csv"].name],
}


@asynccontextmanager
async def _opened(
    request: Request, reader: Reader, exported: Exported, form: Format, client: Client
) -> AsyncIterator[Opened]:
    async with exported.understood(request, reader, exported.schema) as (connection, question):
        sheet = _sheet(request, exported, question)
        link = await cite_as(connection, exported.path, exported.asked, question)
        await _check_room(connection, question, exported, form)
        async with aclosing(exported.bodies(connection, question)) as batches:
            # what rows are refused for is told before any header; a tuple as default would crash Python 3.11
            first = await anext(batches, list[str]())
            pieces = _fitting(form.write(sheet, chained(first, client.while_there(batches))))
            headers = _headers(request, exported, form, question, sheet) | link
            yield Opened(headers, changed_at(question.state, question.snapshot), pieces)


async def _fitting(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces):
        try:
            async for piece in pieces:
                yield piece
        except UnfitError as error:
            raise _unfit(str(error)) from error


def _sheet(request: Request, exported: Exported, question: Question) -> Sheet:
    wanted = question.values.get(FIELDS)
    return Sheet(
        name=exported.name,
        columns=[column for column in exported.columns if not wanted or column.name in wanted],
        bom=question.values.get(BOM.name) == (True,),
        base=base_of(request),
        at=question.state.updated_at,
    )


def _headers(
    request: Request, exported: Exported, form: Format, question: Question, sheet: Sheet
) -> dict[str, str]:
    name, state = exported.name, question.state
    chosen = dict(question.shown) | {FIELDS: [column.name for column in sheet.columns]}
    facts = [name, form.name, chosen, sheet.base, question.vocabulary.revision]
    return {
        **state_headers(state, question.snapshot, facts),
        **memento_headers(request, question.snapshot, state.updated_at),
        **modified_header(changed_at(state, question.snapshot)),
        "Content-Disposition": disposition("attachment", name, question, form.name),
    }


async def _check_room(
    connection: AsyncConnection, question: Question, exported: Exported, form: Format
) -> None:
    if form.most_rows is None or exported.count is None:
        return
    rows = await exported.count(connection, question)
    if rows > form.most_rows:
        most = f"{form.most_rows:,}"
        raise _unfit(f"holds at most {most} rows, and there are {rows:,}; narrow the query or take csv")


def disposition(kind: str, name: str, question: Question, ending: str) -> str:
    """Give the header Content-Disposition (RFC 6266): `attachment` or `inline`, and the name of the file.

    The name tells what the file holds, the query in short and the dataset revision. Where that takes letters
    outside of ASCII, there is a second name for clients that know no others: without the values that have
    them, since the rest of such a value would tell another query.
    """
    whole, plain = (f"{_file_name(name, question, kept)}.{ending}" for kept in (bool, str.isascii))
    also = "" if whole == plain else f"; filename*=UTF-8''{quote(whole)}"
    return f'{kind}; filename="{plain}"{also}'


def _file_name(name: str, question: Question, kept: Callable[[str], bool]) -> str:
    """Give the name of a file without its ending; of values only those that are `kept`."""
    told = [name]
    for parameter, values in question.shown.items():
        if parameter not in _NOT_TOLD:
            words = (re.sub(r"[\W_]+", "-", value.casefold()).strip("-") for value in values)
            told.append("-".join([parameter, *filter(kept, filter(None, words))]))
    short = "_".join(told).encode()[:MOST_BYTES].decode(errors="ignore")
    return f"{short}_r{question.state.revision}"


# What says how the file is made, rather than what is in it.
_NOT_TOLD = frozenset({FIELDS, BOM.name, "sort"})


def _unfit(message: str) -> ApiError:
    return not_understood([problem("format", "too_large", message)])
