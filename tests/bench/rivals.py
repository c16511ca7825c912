"""Goal E: the same page, cold, from the service and from three services that others would write.

The page: the latest 50 exchanges brokered by an actor, with claims, mediations and articles nested. Before
anything is measured, all four must give the same records. The peers are in `peers/`, in an environment of
their own under BENCH_DIR; what they must not have to do without (an index by date) is made for them.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.bench.bench import Bench
from tests.bench.goals import Finding
from tests.bench.loads import CONNECTIONS, paired, wrk
from tests.bench.places import Database
from tests.bench.questions import PAGE, SOURCES
from tests.bench.running import BenchError, run
from tests.bench.services import UNCACHED, Served, served, service
from tests.bench.sqlite_copy import copy_to_sqlite

PEERS = Path(__file__).with_name("peers")
INDEX = "bench_peers_by_date"
MEDIATORS = 8  # whose pages are asked for, in turns
JSON_COLUMNS = "".join(f"&_json={name}" for name in ("parties", "claims", "mediations", "articles"))


@dataclass(frozen=True)
class Peer:
    """A service to compare with: what runs it, where its page is, and what it should be beaten by."""

    name: str
    command: tuple[str, ...]
    path: str
    records: Callable[[Any], Any]
    bound: float
    copied: bool = False


FOUND = (
    Peer(
        "Datasette",
        ("datasette_service.py",),
        f"/data/page.json?_shape=objects{JSON_COLUMNS}&mediator=",
        lambda told: told["rows"],
        3,
        copied=True,
    ),
    Peer(
        "Django REST framework",
        ("serve.py", "django_service", "wsgi"),
        "/exchanges?mediator=",
        lambda told: told["results"],
        8,
    ),
    Peer(
        "FastAPI with ORM",
        ("serve.py", "fastapi_service", "asgi"),
        "/exchanges?mediator=",
        lambda told: told,
        5,
    ),
)


def measure_peers(bench: Bench) -> Iterator[Finding]:
    """Measure goal E."""
    python = _environment(bench)
    database = bench.many
    mediators = _mediators(database)
    with _index_by_date(database), service(bench, database.url, settings=UNCACHED) as ours:
        asked = _file(bench, "ours", f"/v1/exchanges?limit={PAGE}&mediator=", mediators)
        for peer in FOUND:
            bench.say(f"comparing with {peer.name}")
            with _serving(bench, peer, python, database, mediators[0]) as theirs:
                _check_same(ours, theirs, peer, mediators)
                of_peer = _file(bench, peer.name, peer.path, mediators)
                wrk(ours.base, 1, "paths", asked)
                wrk(theirs.base, 1, "paths", of_peer)
                pair = paired(
                    bench.rounds,
                    lambda: wrk(ours.base, bench.seconds, "paths", asked).rate,
                    lambda theirs=theirs, of_peer=of_peer: (  # type: ignore[misc]
                        wrk(theirs.base, bench.seconds, "paths", of_peer).rate
                    ),
                )
            yield Finding(
                "E",
                f"cold page of {bench.exchanges:,} against {peer.name}",
                pair.ratio,
                peer.bound,
                f"{pair.first:,.0f}/s against {pair.second:,.1f}/s, {CONNECTIONS} connections",
            )


def versions(bench: Bench) -> dict[str, str]:
    """Give the versions of the peers' packages, where they were installed."""
    python = bench.folder / "peers" / "bin" / "python"
    if not python.exists():
        return {}
    told = json.loads(run([python, "-m", "pip", "list", "--format=json"]))
    wanted = {"datasette", "django", "djangorestframework", "fastapi", "granian", "sqlalchemy"}
    return {each["name"]: each["version"] for each in told if each["name"].lower() in wanted}


def _environment(bench: Bench) -> Path:
    """Install what the peers need, unless it is there, and give their Python."""
    folder, needed = bench.folder / "peers", PEERS / "requirements.txt"
    stamp, digest = folder / "installed", hashlib.sha256(needed.read_bytes()).hexdigest()
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != digest:
        bench.say("installing the peers")
        run([sys.executable, "-m", "venv", "--clear", folder])
        run([python, "-m", "pip", "install", "--quiet", "--requirement", needed])
        stamp.write_text(digest)
    return python


@contextmanager
def _serving(bench: Bench, peer: Peer, python: Path, database: Database, mediator: str) -> Iterator[Served]:
    command: list[str | Path] = [python, *peer.command]
    settings = {"DATABASE_URL": database.url}
    if peer.copied:
        file = bench.folder / f"exchanges-{bench.exchanges}.sqlite"
        if not file.exists():
            bench.say("copying the data to SQLite")
            copy_to_sqlite(database, file)
        command += [file, bench.scratch]
    with served(bench, command, settings, f"{peer.path}{quote(mediator)}", PEERS) as it:
        yield it


@contextmanager
def _index_by_date(database: Database) -> Iterator[None]:
    database.fetch(f"CREATE INDEX IF NOT EXISTS {INDEX} ON exchange (date DESC, id DESC)")
    database.fetch("ANALYZE exchange")
    try:
        yield
    finally:
        database.fetch(f"DROP INDEX {INDEX}")


def _mediators(database: Database) -> list[str]:
    statement = f"SELECT value FROM ({SOURCES['mediator']}) AS all_of(value) GROUP BY value"
    rows = database.fetch(f"{statement} HAVING count(*) > {PAGE} ORDER BY count(*) DESC, value")
    return [row["value"] for row in rows][:MEDIATORS]


def _file(bench: Bench, name: str, path: str, mediators: list[str]) -> Path:
    file = bench.scratch / f"{name}.paths"
    file.write_text("".join(f"{path}{quote(mediator)}\n" for mediator in mediators))
    return file


def _check_same(ours: Served, theirs: Served, peer: Peer, mediators: list[str]) -> None:
    """Make sure that a peer's pages hold the same exchanges, claims and articles as the service's."""
    for mediator in mediators:
        expected = json.loads(ours.ask(f"/v1/exchanges?limit={PAGE}&mediator={quote(mediator)}").body)
        found = peer.records(json.loads(theirs.ask(f"{peer.path}{quote(mediator)}").body))
        if [_parts(each) for each in expected["data"]] != [_parts(each) for each in found]:
            raise BenchError(f"{peer.name} gives other records than the service for {mediator}")


def _parts(record: Any) -> tuple[str, list[list[str]]]:
    nested = [sorted(each["id"] for each in record[name]) for name in ("claims", "mediations", "articles")]
    return record["id"], nested
