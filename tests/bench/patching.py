"""Goal I: one write end to end, against pgbench making the same changes of rows with nothing rendered.

What a PATCH of a summary changes: the row of the exchange, a revision is added, the row of the index ends and
a new one begins, and the dataset goes on by one. pgbench does this in one transaction behind the same lock
and with the same checks at its end. It keeps the record's body as it was, and makes a hash of no meaning, so
both write into copies of the small database. That a PATCH changes these rows and no others is a test of
`tests/test_patching.py`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from db.enums import Resource
from db.indexing import RECORD_TABLE
from tests.bench.bench import Bench
from tests.bench.goals import Finding
from tests.bench.loads import Load, paired, pgbench, wrk
from tests.bench.places import EXCHANGES, Database
from tests.bench.running import BenchError, run
from tests.bench.services import Served, service

UNLIMITED = {"WRITES_PER_MINUTE": "100000000", "WRITE_BURST": "100000000"}
INDEX = RECORD_TABLE[Resource.EXCHANGE]
OF_A_SPAN = ("from_revision", "to_revision", "number", "position", "updated_at")
WARMING_UP = 10  # writes, before they are measured
IDS = "SELECT id, number FROM exchange_index WHERE to_revision IS NULL ORDER BY md5(id)"
NUMBERED = """
CREATE TABLE measured AS
SELECT id, row_number() OVER (ORDER BY id) AS n FROM exchange_index WHERE to_revision IS NULL
"""
BEGINNING = r"""
\set n random(1, {count})
BEGIN;
SELECT revision + 1 AS next FROM dataset FOR UPDATE \gset
SELECT index.id AS id, index.number + 1 AS number, index.from_revision AS since, index.position AS place
FROM exchange_index AS index JOIN measured USING (id) WHERE n = :n AND to_revision IS NULL \gset
"""
ENDING = """
UPDATE exchange SET summary = 'Measured as ' || CAST(:next AS text) || '.' WHERE id = :id;
INSERT INTO revision (dataset_revision, position, resource, record_id, number, action, body, body_sha256,
reason, key, at, previous_hash, hash)
SELECT :next, 0, resource, record_id, :number, 'updated', body, body_sha256, 'measured', NULL,
clock_timestamp(), hash, sha256(hash) FROM revision WHERE dataset_revision = :since AND position = :place;
UPDATE exchange_index SET to_revision = :next WHERE id = :id AND to_revision IS NULL;
INSERT INTO exchange_index ({columns}, from_revision, to_revision, number, position, updated_at)
SELECT {columns}, :next, NULL, :number, 0, clock_timestamp()
FROM exchange_index WHERE id = :id AND from_revision = :since;
INSERT INTO dataset_revision (revision, at, reason, entries)
VALUES (:next, clock_timestamp(), 'measured', 1);
UPDATE dataset SET revision = :next, updated_at = clock_timestamp(), head = sha256(head);
SET CONSTRAINTS ALL IMMEDIATE;
END;
"""


def measure_writes(bench: Bench) -> Iterator[Finding]:
    """Measure goal I, for one client and for eight."""
    with (
        bench.places.copied(bench.few, "bench_written") as ours,
        bench.places.copied(bench.few, "bench_changed") as theirs,
    ):
        script = _script(theirs, bench.scratch / "write.sql")
        for clients in (1, 8):
            pair = paired(
                bench.rounds,
                lambda clients=clients: _patched(bench, ours, clients).rate,  # type: ignore[misc]
                lambda clients=clients: _changed(bench, theirs, script, clients).rate,  # type: ignore[misc]
            )
            yield Finding(
                "I",
                f"PATCH by {clients} client{'s' if clients > 1 else ''}, against the same rows in pgbench",
                pair.ratio,
                0.3,
                f"{pair.first:,.0f}/s against {pair.second:,.0f}/s",
            )


def make_key(database: Database) -> str:
    """Make a key that may write."""
    made = run(
        [*EXCHANGES, "key", "create", "--role=curator", "--name=measured"],
        settings={"DATABASE_URL": database.url},
    )
    return made.strip()


def patch(server: Served, key: str, id_: str, number: int, summary: str) -> None:
    """Give an exchange with this revision number another summary, through the service.

    Raises:
        BenchError: the service refuses it.
    """
    headers = {"Authorization": f"Bearer {key}", "If-Match": f'"{number}"'}
    headers |= {"Content-Type": "application/merge-patch+json"}
    path, body = f"/v1/exchanges/{id_}?reason=measured", json.dumps({"summary": summary})
    answer = server.ask(path, headers, method="PATCH", body=body)
    if answer.status != 200:
        raise BenchError(f"a write was answered with {answer.status}: {answer.body[:300]!r}")


def _patched(bench: Bench, database: Database, clients: int) -> Load:
    """Write through the service; its records are read each time, since their numbers have gone on."""
    key = make_key(database)
    file = bench.scratch / "patches"
    with service(bench, database.url, settings=UNLIMITED) as server:
        for id_, number in database.fetch(f"{IDS} LIMIT {WARMING_UP}"):
            patch(server, key, id_, number, "Written once, since the first writes of a worker take longer.")
        file.write_text("".join(f"{id_} {number}\n" for id_, number in database.fetch(IDS)))
        return wrk(server.base, bench.seconds, "patches", file, key, connections=clients)


def _changed(bench: Bench, database: Database, script: Path, clients: int) -> Load:
    program = bench.places.program("pgbench")
    return pgbench(program, database.url, bench.seconds, [script], {}, connections=clients)


def _script(database: Database, file: Path) -> Path:
    database.fetch(NUMBERED)
    database.fetch("CREATE UNIQUE INDEX ON measured (n)")
    count = database.fetch("SELECT count(*) FROM measured")[0][0]
    columns = ", ".join(
        column.name for column in INDEX.c if column.name not in OF_A_SPAN and column.computed is None
    )
    file.write_text(BEGINNING.format(count=count) + ENDING.format(columns=columns))
    return file
