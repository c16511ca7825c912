"""Goals K and N: sums over everything, and totals of lists, against the same computed by hand in psql."""

import json
import time
from collections.abc import Iterator, Mapping
from itertools import count

from tests.bench.bench import Bench
from tests.bench.goals import Finding
from tests.bench.loads import paired, psql_seconds
from tests.bench.patching import IDS, UNLIMITED, make_key, patch
from tests.bench.places import Database
from tests.bench.questions import SOURCES
from tests.bench.running import BenchError
from tests.bench.services import UNCACHED, Served, service
from tests.bench.warm import shown, warm_pair

STATS = "/v1/stats?group_by=mediator&group_by=year"
# What the service sets for these sums (db/queries/stats.py), so that psql has as much memory.
SETTINGS = {"work_mem": "32MB", "jit": "off"}
SUMS = """
SELECT coalesce(actor, 'none') AS mediator, year::text, count(*)::int AS exchanges,
    sum(low)::bigint AS low, sum(best)::bigint AS best, sum(high)::bigint AS high
FROM (SELECT id, year FROM exchange_index WHERE to_revision IS NULL AND status = 'completed') AS exchange
LEFT JOIN (
    SELECT exchange_id, sum(low) AS low, sum(best) AS best, sum(high) AS high
    FROM figure_index WHERE to_revision IS NULL AND measure = 'persons' GROUP BY exchange_id
) AS figure ON figure.exchange_id = id
LEFT JOIN (
    SELECT DISTINCT exchange_id, actor FROM mediation_index
    WHERE to_revision IS NULL AND stance = 'asserts' AND role IN ('mediator', 'facilitator', 'host')
) AS mediation ON mediation.exchange_id = id
GROUP BY 1, 2
"""
LIVE = "to_revision IS NULL"
# The twenty most common filters, and by hand which rows they count. `{}` is the most common value.
OF_EXCHANGES = f"FROM exchange_index WHERE {LIVE} AND"
OF_CLAIMS = f"FROM claim_index WHERE {LIVE} AND counts AND"
OF_FIGURES = f"FROM figure_index WHERE {LIVE} AND"
OF_MEDIATIONS = f"FROM mediation_index WHERE {LIVE} AND stance = 'asserts' AND role <> 'transit' AND"
OF_FACETS = f"FROM facet_index WHERE {LIVE} AND resource = 'exchange' AND"
ONE_EACH, EACH_ONCE = "SELECT count(*)", "SELECT count(DISTINCT exchange_id)"
BOTH = f"{OF_EXCHANGES} status = 'completed' AND id IN (SELECT exchange_id"
TOTALS: Mapping[str, str] = {
    "mediator={mediator}": f"{EACH_ONCE} {OF_MEDIATIONS} actor = '{{mediator}}'",
    "mediator_role=host": f"{EACH_ONCE} FROM mediation_index WHERE {LIVE} AND stance = 'asserts'"
    " AND role = 'host'",
    "party={party}": f"{ONE_EACH} {OF_FACETS} facet = 'party' AND value = '{{party}}'",
    "publisher={publisher}": f"{ONE_EACH} {OF_FACETS} facet = 'publisher' AND value = '{{publisher}}'",
    "released_by={released_by}": f"{EACH_ONCE} {OF_CLAIMS} released_by = '{{released_by}}'",
    "received_by={received_by}": f"{EACH_ONCE} {OF_CLAIMS} received_by = '{{received_by}}'",
    "claimant={claimant}": f"{EACH_ONCE} {OF_CLAIMS} claimant = '{{claimant}}'",
    "category=civilian": f"{EACH_ONCE} {OF_CLAIMS} category = 'civilian'",
    "kind=prisoner_exchange": f"{ONE_EACH} {OF_EXCHANGES} kind = 'prisoner_exchange'",
    "kind=release": f"{ONE_EACH} {OF_EXCHANGES} kind = 'release'",
    "status=completed": f"{ONE_EACH} {OF_EXCHANGES} status = 'completed'",
    "year=2024": f"{ONE_EACH} {OF_EXCHANGES} year = 2024",
    "date_from=2020-01-01": f"{ONE_EACH} {OF_EXCHANGES} date >= '2020-01-01'",
    "date_to=2019-12-31": f"{ONE_EACH} {OF_EXCHANGES} date <= '2019-12-31'",
    "min_persons=100": f"{ONE_EACH} {OF_EXCHANGES} persons >= 100",
    "disputed=true": f"{EACH_ONCE} {OF_FIGURES} disputed",
    "has_figures=true": f"{ONE_EACH} {OF_EXCHANGES} has_figures",
    "min_sources=2": f"{ONE_EACH} {OF_EXCHANGES} sources >= 2",
    "mediator={mediator}&status=completed": f"{ONE_EACH} {BOTH} {OF_MEDIATIONS} actor = '{{mediator}}')",
    "received_by={received_by}&status=completed": f"{ONE_EACH} {BOTH} {OF_CLAIMS}"
    " received_by = '{received_by}')",
}


def measure_stats(bench: Bench) -> Iterator[Finding]:
    """Measure goal K."""
    database, psql = bench.many, bench.places.program("psql")
    with service(bench, database.url, settings=UNCACHED) as server:
        _check_sums(server, database)
        pair = paired(
            bench.rounds,
            lambda: _seconds(server, STATS)[0],
            lambda: psql_seconds(psql, database.url, SUMS, SETTINGS),
        )
    yield Finding(
        "K",
        f"sums of {bench.exchanges:,} by mediator and year, cold, against psql",
        pair.ratio,
        1.3,
        f"{pair.first * 1000:,.0f} ms against {pair.second * 1000:,.0f} ms",
        at_least=False,
    )
    warm, size = warm_pair(bench, database, STATS, {})
    yield Finding("K", "the same, warm, against a bare callable", warm.ratio, 0.80, shown(warm, size))


def measure_totals(bench: Bench) -> Iterator[Finding]:
    """Measure goal N: the request for the total, all of it, is set against the count alone."""
    database, psql = bench.many, bench.places.program("psql")
    values = {name: _most_common(database, name) for name in SOURCES}
    ours: dict[str, float] = {}
    theirs: dict[str, float] = {}
    with service(bench, database.url, settings=UNCACHED | UNLIMITED) as server:
        writes = _writes(server, database)
        for pattern, statement in TOTALS.items():
            query, counting = pattern.format(**values), statement.format(**values)
            path = f"/v1/exchanges?{query}&limit=1"
            for _ in range(2):  # the first time ever, which counts all; and the first after any write
                _seconds(server, path)
                next(writes)
            ours[query], answer = _seconds(server, path)
            theirs[query] = psql_seconds(psql, database.url, counting)
            told, counted = json.loads(answer)["meta"]["total"], database.fetch(counting)[0][0]
            if told != counted:
                raise BenchError(f"the total of {query} is {told:,}, and {counted:,} in psql")
    worst = max(ours, key=lambda query: ours[query] / theirs[query])
    first, second = sum(ours.values()), sum(theirs.values())
    yield Finding(
        "N",
        f"{len(TOTALS)} totals at {bench.exchanges:,} after a write, against count(*)",
        first / second,
        0.1,
        f"{first / len(ours) * 1000:.1f} ms against {second / len(ours) * 1000:.1f} ms each; worst {worst}:"
        f" {ours[worst] * 1000:.1f} against {theirs[worst] * 1000:.1f} ms",
        at_least=False,
    )


def _check_sums(server: Served, database: Database) -> None:
    """Make sure that both compute the same."""
    told = {
        (cell["group"], cell["group2"]): tuple(cell[name] for name in ("exchanges", "low", "best", "high"))
        for cell in json.loads(server.ask(STATS).body)["data"]
    }
    found = {
        (row["mediator"], row["year"]): tuple(row[name] for name in ("exchanges", "low", "best", "high"))
        for row in database.fetch(SUMS)
    }
    if told != found:
        different = sorted(key for key in told.keys() | found.keys() if told.get(key) != found.get(key))
        one = different[0]
        raise BenchError(
            f"the sums of the service and of psql differ in {len(different)} groups; of {one}:"
            f" {told.get(one)} and {found.get(one)}"
        )


def _seconds(server: Served, path: str) -> tuple[float, bytes]:
    begun = time.perf_counter()
    answer = server.ask(path)
    seconds = time.perf_counter() - begun
    if answer.status != 200:
        raise BenchError(f"{path} was answered with {answer.status}: {answer.body[:300]!r}")
    return seconds, answer.body


def _most_common(database: Database, name: str) -> str:
    statement = f"SELECT value FROM ({SOURCES[name]}) AS all_of(value) WHERE value::text <> 'none'"
    return str(database.fetch(f"{statement} GROUP BY value ORDER BY count(*) DESC, value LIMIT 1")[0][0])


def _writes(server: Served, database: Database) -> Iterator[None]:
    """Write an exchange at each step, through the service."""
    key = make_key(database)
    [(id_, number), *_] = database.fetch(f"{IDS} LIMIT 1")
    for turn in count():
        patch(server, key, id_, number + turn, f"Written for the {turn + 1}th time since {number}.")
        yield
