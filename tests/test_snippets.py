"""Every example of README and guide, run as a reader would run it, against a real server.

How blocks are marked, and what may be left out of an output, is in `tests/snippets.py`.
"""

import asyncio
import datetime as dt
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import Resource, Role
from db.load import load
from db.session import write_engine
from tests.databases import SHIPPED, database_url, drop_database, make_clone
from tests.live import Live, live_over
from tests.releasing import release
from tests.snippets import (
    EXAMPLE_BASE,
    SESSION,
    URL,
    Block,
    PageError,
    begins_as_shown,
    blocks_of,
    check_shown,
    pages,
)
from tests.writing import changed, put

BLOCKS = [block for page, text in pages().items() for block in blocks_of(page, text)]
RUN = [block for block in BLOCKS if not block.reason]
RELEASES = "openapi/guide/releases.md"
# Pages whose examples write. All others ask one server, and have neither a key nor its database.
WRITING = {
    "README.md",
    RELEASES,
    *(f"openapi/guide/{name}.md" for name in ("citing", "curating", "mirrors", "privacy", "proposals")),
}
TOOLS = ("bash", "curl", "jq", "unzip", "sha256sum")
TYPES = {
    ".atom": "application/atom+xml",
    ".csv": "text/csv",
    ".svg": "image/svg+xml",
    "": "application/json",
}
SESSION_SCRIPT = """
set -euo pipefail
. "$SNIPPETS/state"
cd "$(cat "$SNIPPETS/folder")"
set -a
{code}
set +a
export -p >"$SNIPPETS/state"
pwd >"$SNIPPETS/folder"
"""
SQL = "python -c 'import duckdb, sys; duckdb.sql(sys.stdin.read()).show()' <<'END'\n{code}END"
DEADLINE = 120  # seconds, for what hangs


@dataclass(frozen=True)
class Place:
    """Where blocks run: the server that they ask, their folder, and what they find in the environment."""

    base: str
    folder: Path
    environment: dict[str, str]

    def run(self, block: Block) -> None:
        """Run a block; check how it ends, and what it prints if the page shows that."""
        with self._started(block) as process:
            if block.endless:
                self._await_shown(block, process)
                return
            printed, said = process.communicate(timeout=DEADLINE)
        printed = printed.replace(self.base, EXAMPLE_BASE)
        if process.returncode != (0 if block.refusal is None else 22):  # curl's code for what is refused
            raise PageError(f"{block} ended with {process.returncode}\n{printed[:2000]}\n{said[-2000:]}")
        if block.refusal is not None and not re.search(rf'"status": ?{block.refusal}\b', printed):
            raise PageError(f"{block} was not refused with {block.refusal}:\n{printed}")
        if block.shown is not None:
            check_shown(block.shown, printed)

    @contextmanager
    def _started(self, block: Block) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            self._command(block),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def _command(self, block: Block) -> list[str]:
        code = block.code.replace(EXAMPLE_BASE, self.base)
        if block.language in SESSION:
            code = SQL.format(code=code) if block.language == "sql" else code
            return ["bash", "-c", SESSION_SCRIPT.format(code=code)]
        script = self.folder / f"{block.line}.{block.language}"
        script.write_text(code, encoding="utf-8")
        return [*(["Rscript", "--vanilla"] if block.language == "r" else ["python"]), str(script)]

    def _await_shown(self, block: Block, process: subprocess.Popen[str]) -> None:
        assert block.shown is not None, f"{block} must show what is to come"
        assert process.stdout is not None
        printed, until = "", time.monotonic() + DEADLINE
        while not begins_as_shown(block.shown, printed):
            select.select([process.stdout], [], [], max(0, until - time.monotonic()))
            more = os.read(process.stdout.fileno(), 65536) if time.monotonic() < until else b""
            if not more:
                raise PageError(f"{block} did not print what the page shows:\n{printed[:2000]}")
            printed += more.decode(errors="replace").replace(self.base, EXAMPLE_BASE)


def place(folder: Path, live: Live, **settings: str) -> Place:
    """Prepare a folder with what README and guide take for granted: `.venv`, and programs on the path."""
    work, state = folder / "work", folder / "state"
    work.mkdir()
    state.mkdir()
    (work / ".venv").symlink_to(sys.prefix)
    (state / "state").touch()
    (state / "folder").write_text(str(work))
    (state / ".curlrc").write_text("fail-with-body\n")  # an example that is refused is a broken one
    ours = {"DATABASE_URL", "DATABASE_READ_URL", "PUBLIC_URL", "PYTHONPATH", "CURL_HOME", "R_LIBS"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    environment |= {"SNIPPETS": str(state), "CURL_HOME": str(state), "LC_ALL": "C.UTF-8", **settings}
    return Place(live.base, work, environment)


@cache
def r_lacks() -> str | None:
    """Say what is missing to run R; None if nothing is."""
    if shutil.which("Rscript") is None:
        return "Rscript is not installed (Debian: r-base-core)"
    wanted = subprocess.run(["Rscript", "-e", "library(jsonlite)"], capture_output=True, check=False)
    return "R has no jsonlite (Debian: r-cran-jsonlite)" if wanted.returncode else None


def sessions(pages_wanted: set[str]) -> list[str]:
    found = dict.fromkeys(block.page for block in RUN if block.language in SESSION)
    return [page for page in found if page in pages_wanted]


def run_session(page: str, where: Place) -> None:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    for block in RUN:
        if block.page == page and block.language in SESSION:
            where.run(block)


@pytest.mark.parametrize("page", sessions({block.page for block in BLOCKS} - WRITING))
def test_what_a_page_tells_to_type_works(page: str, live: Live, tmp_path: Path) -> None:
    run_session(page, place(tmp_path, live, DATABASE_URL=live.database_url))


@pytest.mark.parametrize("page", sessions(WRITING - {RELEASES}))
def test_what_a_page_tells_to_write_works(page: str, own_live: Live, tmp_path: Path) -> None:
    folder = tmp_path / "session"
    folder.mkdir()
    keys = {"KEY": own_live.key(Role.CURATOR)}
    run_session(page, place(folder, own_live, DATABASE_URL=own_live.database_url, **keys))


@pytest.fixture
def released_live(server_url: str, empty_template: str, tmp_path: Path) -> Iterator[Live]:
    """A server with the releases 2026.10 and 2026.11, the newer one with files, and a write since."""
    name = asyncio.run(make_clone(server_url, empty_template))
    url = database_url(server_url, name)

    async def state(engine: AsyncEngine, statement: str) -> None:
        await put(engine, await changed(engine, Resource.COVERAGE, "2014-autumn", statement=statement))

    async def fill() -> None:
        engine = write_engine(url)
        await load(engine, [SHIPPED], reason="the shipped dataset")
        await release(engine, "2026.10", today=dt.date(2026, 10, 31))
        await state(engine, "Nothing more.")
        await release(engine, "2026.11", files=True)
        await put(
            engine, await changed(engine, Resource.COVERAGE, "2014-autumn", statement="Nothing at all.")
        )
        await engine.dispose()

    try:
        asyncio.run(fill())
        with live_over(url, tmp_path) as server:
            yield server
    finally:
        asyncio.run(drop_database(server_url, name))


def test_what_the_page_on_releases_tells_works(released_live: Live, tmp_path: Path) -> None:
    folder = tmp_path / "session"
    folder.mkdir()
    run_session(RELEASES, place(folder, released_live, DATABASE_URL=released_live.database_url))


@pytest.mark.parametrize("block", [block for block in RUN if block.language == "python"], ids=str)
def test_python_works(block: Block, live: Live, tmp_path: Path) -> None:
    place(tmp_path, live).run(block)


@pytest.mark.parametrize("block", [block for block in RUN if block.language == "r"], ids=str)
def test_r_works(block: Block, live: Live, tmp_path: Path) -> None:
    missing = r_lacks()
    if missing:
        pytest.skip(missing)
    place(tmp_path, live).run(block)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.reason], ids=str)
def test_what_cannot_be_run_asks_for_what_is_there(block: Block, live: Live) -> None:
    for url in URL.findall(block.code):
        answer = httpx.get(url.replace(EXAMPLE_BASE, live.base))
        assert answer.status_code == 200, f"{block}: {answer.text}"
        promised = TYPES[Path(urlsplit(url).path).suffix]
        assert answer.headers["content-type"].partition(";")[0] == promised, block


# --- that these tests can fail ---

PAGE = "page.md"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("```\ncurl x\n```", "it has no language"),
        ("```perl\nprint\n```", "neither run nor marked: perl"),
        ("<!-- not run -->\n```m\nx\n```", "in the wrong way"),
        ("<!-- refused -->\n```sh\nx\n```", "in the wrong way"),
        ("<!-- later -->\n```sh\nx\n```", "marks nothing"),
        ("```json\n{}\n```", "output of no block"),
        ("```sh\nx\n```\n```json\n{}\n```\n```json\n{}\n```", "output of no block"),
        ("    curl x\n", "indented code"),
        ("<!-- until stopped -->\n```text\nx\n```", "neither run nor marked: text"),
    ],
)
def test_a_block_that_nobody_looks_after_is_a_mistake(text: str, fault: str) -> None:
    with pytest.raises(PageError, match=fault):
        blocks_of(PAGE, text)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("```sh\nfalse\n```", "ended with 1"),
        ("```sh\nfalse | true\n```", "ended with 1"),
        ("```sh\necho $NOT_SET_ANYWHERE\n```", "ended with"),
        (f"```sh\ncurl -s {EXAMPLE_BASE}/nothing\n```", "ended with 22"),
        (f"<!-- refused: 422 -->\n```sh\ncurl -s {EXAMPLE_BASE}/nothing\n```", "not refused with 422"),
        (f"<!-- refused: 404 -->\n```sh\ncurl -s {EXAMPLE_BASE}/healthz\n```", "ended with 0"),
        (f"```sh\ncurl -s '{EXAMPLE_BASE}/healthz'\n```\n```json\n{{}}\n```", "has the members"),
        ("```sh\necho one\n```\n```text\ntwo\n```", "shows another output"),
        ("```python\nraise SystemExit(3)\n```", "ended with 3"),
        ("```sql\nSELECT nothing\n```", "ended with 1"),
        ("<!-- until stopped -->\n```sh\necho one\n```\n```text\ntwo\n```", "did not print"),
    ],
)
def test_a_block_that_does_not_work_is_found(code: str, fault: str, live: Live, tmp_path: Path) -> None:
    [block] = blocks_of(PAGE, code)
    with pytest.raises(PageError, match=fault):
        place(tmp_path, live).run(block)


def test_a_session_keeps_variables_folder_and_files(live: Live, tmp_path: Path) -> None:
    where = place(tmp_path, live)
    text = "```sh\nNAME='a b'\nmkdir new && cd new\n```\n"
    text += '```sh\necho "$NAME" | tee name\n```\n```text\na b\n```\n'
    text += "```sql\nSELECT * FROM read_text('name')\n```"
    for block in blocks_of(PAGE, text):
        where.run(block)
    assert (tmp_path / "work" / "new" / "name").read_text() == "a b\n"


@pytest.mark.parametrize(
    ("shown", "came", "same"),
    [
        ('{"a": 1}', {"a": 1}, True),
        ('{"a": 1}', {"a": 2}, False),
        ('{"a": 1}', {"a": True}, False),
        ('{"a": 1}', {"a": 1, "b": 2}, False),
        ('{"a": 1, …}', {"a": 1, "b": 2}, True),
        ('{…, "b": 2}', {"a": 1, "b": 2}, True),
        ('{"a": 1, …}', {"b": 2}, False),
        ('{"a": 1 … "c": 3}', {"a": 1, "b": 2, "c": 3}, True),
        ('{"a": …}', {"a": [1]}, True),
        ('{"a": "x…z"}', {"a": "xyz"}, True),
        ('{"a": "x…z"}', {"a": "xy"}, False),
        ("[1, …]", [1, 2, 3], True),
        ("[1, …]", [2], False),
        ("[…, 3]", [1, 2, 3], True),
        ("[…, 2]", [1, 2, 3], False),
        ("[1, 2]", [1, 2, 3], False),
        ('[…, {"a": 1, …}, …]', [{"a": 0}, {"a": 1, "b": 2}, {}], True),
        ('[…, {"a": 3, …}, …]', [{"a": 0}, {"a": 1}], False),
        ('[… {"a": 1} …]', [{"a": 0}, {"a": 1}, {"a": 2}], True),
    ],
)
def test_what_counts_as_the_same_json(shown: str, came: object, same: bool) -> None:
    block = Block(PAGE, 1, "json", shown)
    if same:
        check_shown(block, json.dumps(came))
    else:
        with pytest.raises(PageError):
            check_shown(block, json.dumps(came))


@pytest.mark.parametrize(
    ("shown", "came", "same"),
    [
        ("one\ntwo", "one\ntwo\n", True),
        ("one\ntwo", "one\ntwo  \n\n", True),
        ("one", "one\ntwo\n", False),
        ("one\n…", "one\ntwo\nthree\n", True),
        ("…\nthree", "one\ntwo\nthree\n", True),
        ("one\n…\nfour", "one\ntwo\nthree\n", False),
        ("t…o", "two\n", True),
        ("t…o", "tw\no\n", False),
        ("1.5", "145\n", False),
    ],
)
def test_what_counts_as_the_same_text(shown: str, came: str, same: bool) -> None:
    block = Block(PAGE, 1, "text", shown)
    if same:
        check_shown(block, came)
    else:
        with pytest.raises(PageError):
            check_shown(block, came)
