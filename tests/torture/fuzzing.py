"""Trial 2: parameters of every route, headers, paths, methods and bodies, with strings that break programs.

None may be answered with a 500 or tell of our insides; refusals have our form and a status that the contract
declares; reads and dry runs store nothing.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from db.enums import Role
from tests.bench.goals import Finding
from tests.bench.places import Database
from tests.contract import EVERY, IDS, Operation
from tests.serving import Server
from tests.torture.corpus import (
    BODIES,
    HEADERS,
    IN_HEADERS,
    INJECTED,
    METHODS,
    PATHS,
    RAW,
    TEXTS,
    everywhere,
)
from tests.torture.talking import Answer, BrokenError, Talk, opened
from tests.torture.torture import Torture, at_least, at_most, key_of, quiet

TRIAL = "fuzz"
TALKS = 8
SEED = 7
SECONDS_TO_WAIT = 0.2
INSIDES = (b"Traceback", b"asyncpg", b"sqlalchemy", b'File \\"', b"site-packages", b"psycopg")
PROBLEM = frozenset({"type", "title", "status", "detail", "instance", "code", "errors"})
# What any path may be answered that a nasty value has made another one.
ANOTHER_PATH = frozenset({"400", "404", "405"})
MEGABYTE = b"m" * 1_000_000


@dataclass(frozen=True)
class Case:
    """A request, and what it tries."""

    what: str
    method: str
    target: bytes
    operation: Operation | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    within: frozenset[str] = frozenset()  # statuses that the contract tells, and more

    def __str__(self) -> str:
        return f"{self.method} {self.target[:120]!r} ({self.what})"


class Seen:
    """What the answers were, and what is wrong in them."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.wrong: dict[str, list[str]] = {}
        self.own = 0  # refused by the HTTP server, before anything of ours saw it

    def note(self, kind: str, case: Case, told: object) -> None:
        """Keep what is wrong."""
        self.wrong.setdefault(kind, []).append(f"{case}: {str(told)[:160]}")

    def look(self, case: Case, answer: Answer) -> None:
        """Hold an answer against what it must be."""
        self.statuses[str(answer.status)] += 1
        if answer.status >= 500:
            self.note("5xx", case, answer.body)
        if any(inside in answer.body for inside in INSIDES) or INJECTED in answer.headers:
            self.note("insides", case, answer.body)
        if 400 <= answer.status < 500 and not answer.body and "x-request-id" not in answer.headers:
            self.own += 1
            return
        if answer.status >= 400 and case.method != "HEAD" and not _is_problem(answer):
            self.note("form", case, answer.body)
        if case.within and str(answer.status) not in case.within:
            self.note("undeclared", case, answer.status)

    def figure(self, kind: str, what: str) -> Finding:
        """Say that nothing of a kind may be wrong."""
        found = self.wrong.get(kind, [])
        return at_most(TRIAL, what, len(found), 0, found[0] if found else "none")


def fuzz(torture: Torture) -> Iterator[Finding]:
    """Run the trial."""
    chance = random.Random(SEED)
    with torture.copied() as database, torture.served(database.url) as server:
        key = key_of(database.url, Role.CURATOR)
        reads, writes = list(every_case_of_reads()), list(_writes(server, key))
        known = len(reads) + len(writes)
        of_reads, of_writes = torture.form((2_500, 500), (25_000, 5_000))
        reads, writes = chance.sample(reads, of_reads), chance.sample(writes, of_writes)
        seen, before, began = Seen(), _rows(database), time.monotonic()
        asyncio.run(_send(server.port, reads, seen))
        after_reads = _rows(database)
        asyncio.run(_send(server.port, writes, seen))
        after_all = _rows(database)
        took = time.monotonic() - began
        told = ", ".join(f"{number:,} × {status}" for status, number in sorted(seen.statuses.items()))
        sent = len(reads) + len(writes)
        told = f"{told}; {seen.own:,} refused by the HTTP server itself; {sent / took:,.0f}/s"
        yield at_least(
            TRIAL, f"requests with nasty strings, of {known:,}", sent, torture.form(3_000, 30_000), told
        )
        yield seen.figure("5xx", "answered with a 5xx")
        yield seen.figure("silence", "not answered")
        yield seen.figure("insides", "answers that tell of insides")
        yield seen.figure("form", "refusals without our form")
        yield seen.figure("undeclared", "statuses that the contract does not declare")
        stored = _differences(before, after_reads) + _differences(after_reads, after_all)
        yield at_most(
            TRIAL, "tables changed by reads and dry runs", len(stored), 0, ", ".join(stored) or "none"
        )
        yield quiet(TRIAL, server)


async def _send(port: int, cases: Sequence[Case], seen: Seen) -> None:
    left = iter(cases)

    async def work() -> None:
        talk = await opened(port)
        for case in left:
            talk = await _try(port, talk, case, seen)
        talk.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(TALKS):
            group.create_task(work())


async def _try(port: int, talk: Talk, case: Case, seen: Seen) -> Talk:
    """Send a case, a second time where the server had ended the connection; give a connection that lasts."""
    for again in (False, True):
        try:
            answer = await _answered(talk, case)
        except TimeoutError:
            seen.note("silence", case, "nothing came in time")
        except BrokenError:
            talk.close()
            talk = await opened(port)
            if not again:
                continue
            if len(case.target) > len(MEGABYTE):  # the HTTP server reads no more of it, as it may
                seen.own += 1
            else:
                seen.note("silence", case, "the connection was ended")
            return talk
        else:
            seen.look(case, answer)
            if answer.headers.get("connection") != "close" and "x-request-id" in answer.headers:
                return talk
        talk.close()
        return await opened(port)
    return talk


async def _answered(talk: Talk, case: Case) -> Answer:
    """Ask, again for as long as all of the places for large results are taken, which a client waits for."""
    while True:
        answer = await talk.ask(case.target, case.headers, method=case.method, body=case.body)
        if (
            answer.status != 503
            or "retry-after" not in answer.headers
            or b"/problems/overloaded" not in answer.body
        ):
            return answer
        await asyncio.sleep(SECONDS_TO_WAIT)


def every_case_of_reads() -> Iterator[Case]:
    """Give all that is asked without being able to change anything."""
    for operation in EVERY:
        if operation.method == "GET":
            yield from _of_operation(operation, {})
    for name in IN_HEADERS:
        for what, text in HEADERS.items():
            yield Case(f"{name}: {what}", "GET", b"/v1/exchanges?limit=1", headers={name: text})
    for path in PATHS:
        yield Case("a path", "GET", path)
    for method in METHODS:
        yield from (Case("a method", method, path) for path in (b"/v1/exchanges", b"/exchanges", b"*", b"/x"))
    yield from (
        Case("a megabyte", "GET", b"/v1/exchanges?" + name + b"=" + MEGABYTE)
        for name in (b"q", b"mediator", b"x")
    )


def _writes(server: Server, key: str) -> Iterator[Case]:
    records = {name: server.ask(f"/v1/{name}?limit=1")["data"][0] for name in IDS if name != "releases"}
    for operation in EVERY:
        if operation.method == "GET":
            continue
        names = {each["name"] for each in operation.spec["parameters"]}
        headers = {"If-Match": '"1"', "Content-Type": "application/json"}
        if "dry_run" in names:  # with a key only where nothing can come of it
            headers["Authorization"] = f"Bearer {key}"
        yield from _of_operation(operation, headers)
        target = operation.path.encode() + (b"&" if "?" in operation.path else b"?") + b"dry_run=true"
        target = target if "dry_run" in names else operation.path.encode()
        within = frozenset(operation.spec["responses"])
        record = records.get(operation.template.split("/")[2], {})
        bodies = {what: json.dumps(everywhere(record, text)).encode() for what, text in TEXTS.items()}
        if "requestBody" not in operation.spec:
            bodies = {}
        for what, body in {**BODIES, **bodies}.items():
            yield Case(f"the body: {what}", operation.method, target, operation, headers, body, within)


def _of_operation(operation: Operation, headers: Mapping[str, str]) -> Iterator[Case]:
    """Give each parameter of an operation each of the strings."""
    within = frozenset(operation.spec["responses"])
    path, _, query = operation.path.partition("?")
    pairs = [pair for pair in query.split("&") if pair]
    if any(each["name"] == "dry_run" for each in operation.spec["parameters"]):
        pairs.append("dry_run=true")
    values = {what: quote(text, safe="").encode() for what, text in TEXTS.items()} | dict(RAW)
    for parameter in operation.spec["parameters"]:
        name, place = parameter["name"], parameter["in"]
        if place == "header":
            for what, text in HEADERS.items():
                with_it = {**headers, name: text}
                target = f"{path}?{'&'.join(pairs)}".encode()
                yield Case(f"{name}: {what}", operation.method, target, operation, with_it, within=within)
            continue
        for what, value in values.items():
            if place == "path":
                asked = _path_with(operation, name, value) + b"?" + "&".join(pairs).encode()
                allowed = within | ANOTHER_PATH
            else:
                others = [pair for pair in pairs if not pair.startswith((f"{name}=", "dry_run="))]
                if "dry_run=true" in pairs and name != "dry_run":
                    others.append("dry_run=true")
                given = quote(name).encode() + b"=" + value
                asked = path.encode() + b"?" + b"&".join([*(pair.encode() for pair in others), given])
                allowed = within
            yield Case(f"{name}: {what}", operation.method, asked, operation, headers, within=allowed)


def _path_with(operation: Operation, name: str, value: bytes) -> bytes:
    """Give the path of an operation with a value in place of one of its parameters."""
    pieces = operation.template.split("{" + name + "}")
    plain = operation.path.partition("?")[0]
    # the other parameters keep what answers: take their pieces of the path from the one that does
    before = (
        "/".join(plain.split("/")[: pieces[0].count("/")]) + "/" if pieces[0].endswith("/") else pieces[0]
    )
    after = pieces[1]
    for each, id_ in (("{other}", "latest"), ("{number}", "1"), ("{format}", "csv"), ("{part_id}", "x:c1")):
        after = after.replace(each, id_)
    return before.encode() + value + after.encode()


def _is_problem(answer: Answer) -> bool:
    if answer.headers.get("content-type") != "application/problem+json":
        return False
    told = answer.json()
    return told.keys() >= PROBLEM and told["status"] == answer.status


def _rows(database: Database) -> dict[str, int]:
    """Count the rows of every table, and give the number of the newest revision beside them."""
    tables = database.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    counted = ", ".join(f'(SELECT count(*) FROM "{row[0]}") AS "{row[0]}"' for row in tables)
    [row] = database.fetch(f"SELECT (SELECT revision FROM dataset) AS revision, {counted}")
    return dict(row)


def _differences(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    return [f"{name} {number} → {after[name]}" for name, number in before.items() if after[name] != number]
