"""The commands `exchanges query` and `exchanges export`: the lists of the API, asked from a terminal.

Thin: every filter is the API's own, so what is not understood is refused in its words. How the API is asked
is in `api/asking.py`, how tables are drawn in `api/querytables.py`.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import urlencode

import typer

from api.commands import CommandError, DataDir, open_database, say

if TYPE_CHECKING:
    from api.asking import Ask, Head

Found = TypeVar("Found")
USAGE = "[LIST] [--FILTER VALUE]... [OPTIONS]"
FILTERS_TOO = {"allow_extra_args": True, "ignore_unknown_options": True}

Url = Annotated[str | None, typer.Option(help="A running service to ask, instead of the database here.")]


class Shown(StrEnum):
    """How a query is answered on the terminal."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class Filed(StrEnum):
    """What an export can be written as."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    XLSX = "xlsx"
    JSONLD = "jsonld"


def query(
    context: typer.Context,
    form: Annotated[Shown, typer.Option("--format", help="How the answer is written.")] = Shown.TABLE,
    url: Url = None,
    data_dir: DataDir = None,
) -> None:
    """Ask a list of the dataset, such as `exchanges query --mediator UAE --year 2025`.

    LIST is the name of a list, exchanges if left out; FILTERs are the parameters of that list, repeated to
    mean any of several values. A table and JSON show one page (--limit: how long), CSV is the whole result.
    """
    out = BytesIO()
    with _known(context.args, "query", _filed_lists if form is Shown.CSV else _shown_lists) as name:
        target = _target(f"/v1/{name}" + (".csv" if form is Shown.CSV else ""), filters_of(context.args)[1])
        _asked(url, data_dir, lambda ask: _fetched(ask, target, out))
    body = out.getvalue()
    if form is Shown.TABLE:
        from api.querytables import draw

        answer = json.loads(body)
        if not isinstance(answer.get("data"), list) or "dataset" not in answer["meta"]:
            raise CommandError(f"{name} is no list, and has no table; ask with --format json")
        draw(name, answer)
    else:
        sys.stdout.buffer.write(body if body.endswith(b"\n") else body + b"\n")
        sys.stdout.buffer.flush()


def export(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; its ending may tell the format.")
    ] = None,
    form: Annotated[
        Filed | None, typer.Option("--format", help="What to write; csv if nothing tells.")
    ] = None,
    url: Url = None,
    data_dir: DataDir = None,
) -> None:
    """Write a whole list, or what of it filters choose, to a file: all of it or no file.

    LIST and FILTERs are those of `exchanges query`. Without --output it goes to standard output.
    """
    chosen = form or _by_ending(output)
    if output is None and sys.stdout.isatty() and chosen in {Filed.PARQUET, Filed.XLSX}:
        raise CommandError(f"{chosen} is not for a terminal; name a file with --output")
    if output is not None and output.is_dir():
        raise CommandError(f"{output} is a folder: name a file in it with --output")
    if output is not None and not output.parent.is_dir():
        raise CommandError(f"there is no folder {output.parent} for {output.name} to be written in")
    with _known(context.args, "export", _filed_lists) as name:
        target = _target(f"/v1/{name}.{chosen}", filters_of(context.args)[1])
        if output is None:
            _asked(url, data_dir, lambda ask: _fetched(ask, target, sys.stdout.buffer))
            return
        head = _asked(url, data_dir, lambda ask: _filed(ask, target, output))
    revision = head.headers["x-dataset-revision"]
    say(f"{output}: {output.stat().st_size:,} bytes of dataset revision {revision}")


class NoListError(CommandError):
    """There is no list of that name, or nothing where it should be."""


@contextmanager
def _known(arguments: Sequence[str], doing: str, lists: Callable[[], Sequence[str]]) -> Iterator[str]:
    """Give the name of the list that arguments name; where it is none, tell which ones there are."""
    name = _list_of(arguments)
    try:
        yield name
    except NoListError as error:
        names = lists()
        if name in names:
            raise
        near = get_close_matches(name.casefold(), names, n=3)
        told = [f"there is no list {name!r} to {doing}"]
        told += [f"  did you mean: {', '.join(near)}"] if near else []
        raise CommandError("\n".join([*told, f"  lists: {', '.join(names)}"])) from error


def _shown_lists() -> Sequence[str]:
    from api.querytables import FIELDS

    return list(FIELDS)


def _filed_lists() -> Sequence[str]:
    from api.exports import EXPORTS

    return list(EXPORTS)


def filters_of(arguments: Sequence[str]) -> tuple[str, list[tuple[str, str]]]:
    """Give the list that arguments name, and the parameters that they give: `--date-from 2025-01-01`.

    Raises:
        CommandError: they are not of that form.
    """
    name = _list_of(arguments)
    rest = list(arguments[1:] if [*arguments[:1]] == [name] else arguments)
    given: list[tuple[str, str]] = []
    while rest:
        option = rest.pop(0)
        if not option.startswith("--") or option == "--":
            raise CommandError(f"{option!r} is not an option; filters are written as --name value")
        spelt, equals, value = option[2:].partition("=")
        if not equals:
            if not rest:
                raise CommandError(f"--{spelt} needs a value")
            value = rest.pop(0)
        given.append((spelt.replace("-", "_"), value))
    if not name.replace("-", "").isalnum():
        raise NoListError(f"there is no list called {name!r}")
    return name, given


def _list_of(arguments: Sequence[str]) -> str:
    return arguments[0] if arguments and not arguments[0].startswith("-") else "exchanges"


def _target(path: str, given: Sequence[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(given)}" if given else path


def _by_ending(output: Path | None) -> Filed:
    ending = "" if output is None else output.suffix.removeprefix(".").lower()
    if ending and ending not in [*Filed]:
        raise CommandError(f"no format has the ending .{ending}; say which with --format: {', '.join(Filed)}")
    return Filed(ending) if ending else Filed.CSV


def _asked(url: str | None, data_dir: Path | None, work: "Callable[[Ask], Awaitable[Found]]") -> Found:
    """Run some work that asks the service of a URL, or else the database here."""
    from api.asking import AskError, asking_here, asking_service
    from api.serving import StopSignals

    async def run(database_url: str | None) -> Found:
        asking = asking_service(url or "") if database_url is None else asking_here(database_url)
        async with asking as ask:
            try:
                return await work(ask)
            except AskError as error:
                raise CommandError(str(error)) from error

    if url is not None:
        return asyncio.run(run(None))
    with StopSignals() as signals, open_database(data_dir, signals) as database:
        return asyncio.run(run(database.url))


async def _fetched(ask: "Ask", target: str, out: IO[bytes]) -> "Head":
    """Write the body of an answer, but for a refusal, which is told.

    Raises:
        CommandError: the answer is not 200; NoListError, if it is that nothing can be read there.
    """
    refusal = BytesIO()
    head = await ask(target, lambda head: out if head.status == 200 else refusal)
    if head.status != 200:
        kind = NoListError if head.status in {404, 405} else CommandError
        raise kind("\n".join(_told(head, refusal.getvalue())))
    return head


async def _filed(ask: "Ask", target: str, output: Path) -> "Head":
    """Write an answer to a file that is there only once it is whole."""
    part = output.with_name(f".{output.name}.part")
    try:
        with part.open("wb") as out, _progress(part):
            head = await _fetched(ask, target, out)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    return head


def _told(head: "Head", body: bytes) -> Iterator[str]:
    """Tell a refusal as the service words it, with what it allows and suggests."""
    try:
        problem = json.loads(body)
        faults = problem["errors"]
        yield problem["detail"]
    except (ValueError, KeyError, TypeError):
        yield f"the service answered {head.status}, which is no answer of this API"
        return
    for fault in faults:
        option = f"--{fault['parameter'].replace('_', '-')}" if fault["parameter"] else "the path"
        yield f"  {option}: {fault['message']}"
        for words, intro in ((fault["suggestions"], "did you mean"), (fault["allowed"], "allowed")):
            if words:
                yield f"    {intro}: {', '.join(words)}"


@contextmanager
def _progress(part: Path) -> Iterator[None]:
    """Show on a terminal how much of a file has come; how much will come nobody knows before the end."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    class Grown(DownloadColumn):
        def render(self, task: Any) -> Any:
            task.completed = part.stat().st_size if part.exists() else 0
            return super().render(task)

    columns = (SpinnerColumn(), TextColumn("{task.description}"), Grown(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        bar.add_task("writing", total=None)
        yield
