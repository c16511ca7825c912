"""What the cold reads ask: pages of 50 with random filters at random depths, the same every time.

Filters come from what is common in the small database, so that a page of any size of data is full. A depth is
a cursor of the service with its place moved to a random day, which is what a walk to there would have got.
"""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from random import Random
from urllib.parse import quote, urlencode

from api.cursor import Cursor
from tests.bench.places import Database
from tests.bench.services import Served

PAGE = 50
LIST = "/v1/exchanges"
ATTEMPTS = 30  # at a place with a full page behind it
SOURCES = {
    "mediator": "SELECT actor FROM mediation_index WHERE to_revision IS NULL AND stance = 'asserts'"
    " AND role <> 'transit'",
    "party": "SELECT value FROM facet_index WHERE to_revision IS NULL AND resource = 'exchange'"
    " AND facet = 'party'",
    "publisher": "SELECT value FROM facet_index WHERE to_revision IS NULL AND resource = 'exchange'"
    " AND facet = 'publisher'",
    "released_by": "SELECT released_by FROM claim_index WHERE to_revision IS NULL AND counts",
    "received_by": "SELECT received_by FROM claim_index WHERE to_revision IS NULL AND counts",
    "claimant": "SELECT claimant FROM claim_index WHERE to_revision IS NULL AND counts",
    "category": "SELECT category FROM claim_index WHERE to_revision IS NULL AND counts",
    "kind": "SELECT kind FROM exchange_index WHERE to_revision IS NULL",
    "status": "SELECT status FROM exchange_index WHERE to_revision IS NULL",
    "year": "SELECT year::text FROM exchange_index WHERE to_revision IS NULL",
    "attestation": "SELECT attestation FROM figure_index WHERE to_revision IS NULL",
}
OTHERS = (("disputed", "true"), ("has_figures", "true"), ("min_persons", "100"), ("min_sources", "2"))
PAIRS = (("mediator", "status"), ("party", "kind"), ("kind", "year"), ("received_by", "category"))
MOST_VALUES = 4  # of each filter: the most common ones

Question = Sequence[tuple[str, str]]


def filters_of(database: Database, seed: int, number: int) -> list[Question]:
    """Give so many filters, single ones and pairs in turns, that the common values of a database allow."""
    chance = Random(seed)
    values = {name: _common(database, name, statement) for name, statement in SOURCES.items()}
    single = [(name, value) for name, found in values.items() for value in found] + list(OTHERS)
    made: list[Question] = []
    for turn in range(number):
        if turn % 3 < 2:
            made.append([chance.choice(single)])
        else:
            made.append([(name, chance.choice(values[name][:2])) for name in chance.choice(PAIRS)])
    return made


def paths_of(server: Served, database: Database, questions: Sequence[Question], seed: int) -> list[str]:
    """Give the paths of pages: every other one the first of its list, the others somewhere in it."""
    return list(_paths(server, database, questions, Random(seed)))


def _paths(
    server: Served, database: Database, questions: Sequence[Question], chance: Random
) -> Iterator[str]:
    [(secret, epoch)] = database.fetch("SELECT cursor_secret, epoch FROM dataset")
    for turn, question in enumerate(questions):
        path = f"{LIST}?{urlencode([*question, ('limit', str(PAGE))])}"
        meta = json.loads(server.ask(path).body)["meta"]
        if turn % 2 == 0 or meta["next_cursor"] is None:
            yield path
            continue
        cursor = Cursor.decode(meta["next_cursor"], secret, epoch)
        last = dt.date.fromisoformat(str(cursor.key))
        for _ in range(ATTEMPTS):
            day = dt.date(2000, 1, 1) + (last - dt.date(2000, 1, 1)) * chance.random()
            moved = cursor.model_copy(update={"key": day.isoformat(), "id": "m"})
            deep = f"{LIST}?cursor={quote(moved.encode(secret, epoch))}&limit={PAGE}"
            if len(json.loads(server.ask(deep).body)["data"]) == PAGE:
                path = deep
                break
        yield path


def _common(database: Database, name: str, statement: str) -> list[str]:
    counted = f"SELECT value FROM ({statement}) AS all_of(value) GROUP BY value"
    rows = database.fetch(f"{counted} HAVING count(*) >= {PAGE} ORDER BY count(*) DESC, value")
    return [row["value"] for row in rows if name == "claimant" or row["value"] != "none"][:MOST_VALUES]
