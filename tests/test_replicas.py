"""Reads from a replica that lags, and what clients see while servers go and come back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from typing import Any

import httpx
import pytest

from api import replicas, streamed
from api.counting import counts
from api.errors import Problem
from api.gates import Gate
from api.replicas import Fault, Terms
from api.settings import HttpSettings
from api.tries import Try
from db import session
from db.enums import Resource
from db.lag import LaggingError, Seen
from db.migrate import upgrade_async
from db.queries.pages import Version
from db.reader import Reader, same_cluster
from db.session import read_engine, shuffled, write_engine
from tests.applications import Queries
from tests.curating import CACHED, UNLIMITED, Curator
from tests.databases import own_database
from tests.pairing import Pair, until
from tests.replicated import Node, primary_and_replica
from tests.serving import free_port
from tests.synthetic import actor, exchange
from tests.test_http_shell import problem_of
from tests.writing import made, put, put_small

pytestmark = pytest.mark.anyio

HEADER = "X-Dataset-Revision"
FIRST = "/v1/exchanges/first"
LIST = "/v1/exchanges"
TEMPLATE = "small"
SHORT = session.BOUNDS.replace(f"'{session.STATEMENT_TIMEOUT_MS}'", "'300'").replace(
    f"'{session.LOCK_TIMEOUT_MS}'", "'200'"
)
LATE = (
    made(Resource.ACTOR, actor("late", name="Late Arrival")),
    made(Resource.EXCHANGE, exchange("later", parties=["north", "late"])),
)
_numbers = count(1)


@pytest.fixture(scope="module")
def nodes() -> Iterator[tuple[Node, Node]]:
    """A primary and its replica, and on them a template with a small dataset."""
    with primary_and_replica() as pair:
        asyncio.run(_make_template(pair[0]))
        yield pair


async def _make_template(primary: Node) -> None:
    await primary.ask(f"CREATE DATABASE {TEMPLATE}")
    await upgrade_async(primary.url(TEMPLATE))
    engine = write_engine(primary.url(TEMPLATE))
    await put_small(engine)
    await engine.dispose()


@pytest.fixture
async def pair(nodes: tuple[Node, Node]) -> AsyncIterator[Pair]:
    """A small dataset on both servers."""
    primary, replica = nodes
    name = f"exchanges_{next(_numbers)}"
    await primary.ask(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    made = Pair(primary, replica, name)
    await made.caught_up()
    yield made
    with suppress(OSError):
        await replica.ask("SELECT pg_wal_replay_resume()")


def unavailable(answer: httpx.Response) -> Problem:
    problem = problem_of(answer)
    assert (problem.status, problem.code) == (503, "database_unavailable"), problem
    assert int(answer.headers["retry-after"]) > 0
    return problem


async def change(curator: Curator, summary: str) -> httpx.Response:
    return await curator.change("PATCH", FIRST, {"summary": summary})


async def test_a_client_never_goes_back_behind_what_it_has_seen(pair: Pair) -> None:
    async with pair.worker() as one, pair.worker() as other:
        await pair.pause()
        written = await change(one, "Handover of the day.")
        new = written.headers[HEADER]
        old = await other.get(LIST)
        assert int(old.headers[HEADER]) < int(new)  # from the replica
        for path in (
            LIST,
            FIRST,
            "/v1/stats",
            "/v1/exchanges.ndjson",
            "/v1/exchanges?as_of=1",
            "/v1/changes",
        ):
            assert "Handover of the day." not in (await other.get(path)).text
            seen = await other.get(path, X_Dataset_Revision=new)
            assert seen.status_code == 200
            pinned = "as_of" in path
            assert seen.headers[HEADER] == ("1" if pinned else new)
        assert "Handover of the day." in (await other.get(FIRST, X_Dataset_Revision=new)).text
        both = await other.get(FIRST, X_Dataset_Revision=new, If_None_Match=written.headers["etag"])
        assert both.status_code == 304
        assert (await other.get(FIRST, X_Dataset_Revision=old.headers[HEADER])).headers[HEADER] == "1"


@pytest.mark.parametrize("settings", [UNLIMITED, CACHED], ids=["no cache", "cache"])
async def test_a_worker_never_goes_back_behind_its_own_write(pair: Pair, settings: Any) -> None:
    async with pair.worker(settings) as curator:
        for _ in range(3):
            await curator.get(LIST)  # kept, where answers are
        await pair.pause()
        for number in range(5):
            written = await change(curator, f"Handover {number}.")
            for path in (LIST, FIRST, LIST):
                answer = await curator.get(path)
                assert f"Handover {number}." in answer.text
                assert answer.headers[HEADER] == written.headers[HEADER]
        await pair.resume()
        assert "Handover 4." in (await curator.get(LIST)).text


async def test_what_a_replica_does_not_have_yet_is_asked_of_the_primary(pair: Pair) -> None:
    async with pair.worker() as one, pair.worker() as other:
        await other.get("/v1/exchanges?party=north")  # now it has names in memory
        await pair.pause()
        await put(one.engine, *LATE)
        page = await one.get("/v1/exchanges?limit=1", X_Dataset_Revision="2")
        assert page.headers[HEADER] == "2"
        for path, status in {
            "/v1/exchanges/later": 200,
            "/v1/exchanges?party=Late+Arrival": 200,
            page.json()["meta"]["next"]: 200,
            "/v1/exchanges?as_of=2": 200,
            "/v1/changes?since=2": 200,
            "/v1/exchanges/nowhere": 404,
            "/v1/exchanges?as_of=3": 422,
        }.items():
            assert (await other.get(path)).status_code == status, path
        lagging = await other.get("/v1/exchanges")
        assert lagging.headers[HEADER] == "1"


async def test_the_primary_by_another_address_is_asked_once(pair: Pair, queries: Queries) -> None:
    async def asked(curator: Curator) -> int:
        """Ask for what is not there, and tell how many statements that took."""
        queries.clear()
        answer = await curator.get("/v1/exchanges/nowhere")
        assert answer.status_code == 404
        return len(queries)

    async with pair.worker(database_read_url=None) as curator:  # type: ignore[arg-type]
        await asked(curator)
        alone = await asked(curator)
    async with pair.worker() as curator:
        await asked(curator)
        assert await asked(curator) > alone, "a replica may only not have it yet"
    async with pair.worker(database_read_url=pair.primary.url(pair.database)) as curator:
        assert await asked(curator) > alone, "it is not known yet"
        assert await asked(curator) == alone


async def test_requests_at_the_same_time_ask_once_whose_address_it_is(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def counted(one: Reader, other: Reader) -> bool:
        asked.append(one)
        return await same_cluster(one, other)

    monkeypatch.setattr(replicas, "same_cluster", counted)
    async with pair.worker(database_read_url=pair.primary.url(pair.database)) as curator:
        answers = await asyncio.gather(*(curator.get("/v1/exchanges/nowhere") for _ in range(10)))
        assert {answer.status_code for answer in answers} == {404}
        assert len(asked) == 1


@pytest.mark.parametrize("lost", ["stopped", "none there", "no standby"])
async def test_servers_that_cannot_be_asked_are_not_known_to_be_one(pair: Pair, lost: str) -> None:
    url = {
        "stopped": f"postgresql://postgres@127.0.0.1:{free_port()}/{pair.database}",
        "none there": pair.primary.url("nowhere"),
        "no standby": f"{pair.primary.url(pair.database)}?target_session_attrs=standby",
    }[lost]
    engines = [read_engine(each, pool_size=1) for each in (pair.primary.url(pair.database), url)]
    there, gone = map(Reader, engines)
    assert await same_cluster(there, there)
    assert not await same_cluster(there, gone)
    for engine in engines:
        await engine.dispose()


async def test_another_database_is_doubted_though_it_follows_nobody(
    pair: Pair, server_url: str, empty_template: str
) -> None:
    async with (
        own_database(server_url, empty_template) as other,
        pair.worker(database_read_url=other) as curator,
    ):
        for _ in range(3):
            assert (await curator.get(FIRST)).status_code == 200


async def test_what_is_asked_twice_is_counted_once(pair: Pair) -> None:
    settings = HttpSettings(log_level="error", cache_size=0, unlimited_readers=())
    told = ("not_found", "/v1/exchanges/{record_id}/citation")
    async with pair.worker(settings) as curator:
        before = counts.problems.get(told, 0)
        for number in (1, 2):
            answer = await curator.get("/v1/exchanges/nowhere/citation")
            assert answer.status_code == 404
            assert counts.problems[told] == before + number
            assert f'"expensive";r={settings.expensive_per_minute - number};' in answer.headers["ratelimit"]


@pytest.mark.parametrize("path", ["/v1/exchanges.csv", "/v1/exchanges.ics"])
async def test_what_a_client_has_seen_passes_by_no_limit(pair: Pair, path: str) -> None:
    settings = HttpSettings(log_level="error", cache_size=0, unlimited_readers=(), expensive_burst=1)
    async with pair.worker(settings) as curator:
        first = await curator.get(path, X_Dataset_Revision="1")
        assert first.status_code == 200
        for _ in range(2):
            refused = await curator.get(path, X_Dataset_Revision="1")
            assert (refused.status_code, problem_of(refused).code) == (429, "too_many_requests")
            assert '"expensive-burst";r=0;' in refused.headers["ratelimit"]


class Full(Gate):
    """A gate without room, which counts who comes to it."""

    asked = 0

    def __init__(self) -> None:
        super().__init__(0, "There is no room.")

    @contextmanager
    def admitted(self) -> Iterator[None]:
        self.asked += 1
        with super().admitted():
            yield


async def test_a_full_gate_is_not_come_to_twice(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Full()
    monkeypatch.setattr(streamed, "GATE", gate)
    async with pair.worker() as curator:
        answer = await curator.get("/v1/exchanges.csv", X_Dataset_Revision="1")
    assert (answer.status_code, problem_of(answer).code) == (503, "overloaded")
    assert gate.asked == 1


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_refusals_of_who_asks_are_sent(status: int) -> None:
    terms = Terms(1, doubts=True, sure=True)
    assert terms.fault(status, Try(asked=True), Seen()) is None
    assert terms.fault(500, Try(asked=True), Seen()) is Fault.DOUBTED


@pytest.mark.parametrize("given", ["x", "-1", "1.0", "1, 1", "99999999999", "", "３"])
@pytest.mark.parametrize("replicated", [True, False])
async def test_what_is_no_revision_is_refused(pair: Pair, given: str, *, replicated: bool) -> None:
    urls = {} if replicated else {"database_read_url": None}
    async with pair.worker(**urls) as curator:  # type: ignore[arg-type]
        answer = await curator.client.get(LIST, headers={HEADER: given.encode()})
        [item] = problem_of(answer).errors
        assert (answer.status_code, item.parameter, item.code) == (422, HEADER, "invalid_value")


@pytest.mark.parametrize("replicated", [True, False])
async def test_a_revision_that_is_not_reached_is_refused(pair: Pair, *, replicated: bool) -> None:
    urls = {} if replicated else {"database_read_url": None}
    async with pair.worker(**urls) as curator:  # type: ignore[arg-type]
        assert (await curator.get(LIST, X_Dataset_Revision="1")).status_code == 200
        for path in (LIST, FIRST, "/v1/exchanges.csv", "/v1/exchanges/nowhere"):
            answer = await curator.get(path, X_Dataset_Revision="2")
            [item] = problem_of(answer).errors
            assert (answer.status_code, item.parameter, item.code) == (422, HEADER, "out_of_range"), path


async def test_names_that_lag_behind_others_are_refused_once(pair: Pair) -> None:
    engine = read_engine(pair.replica.url(pair.database), pool_size=1)
    reader = Reader(engine)
    async with reader.connection() as connection:
        names = await reader.vocabulary(connection)
        assert reader.forget_before(Version(names.epoch, names.revision + 1, names.revision + 1))
        with pytest.raises(LaggingError):
            await reader.vocabulary(connection)
        assert (await reader.vocabulary(connection)).revision == names.revision
    await engine.dispose()


async def test_reads_go_on_when_the_replica_is_killed(pair: Pair) -> None:
    async with pair.worker() as curator:
        await asyncio.gather(*(curator.get(LIST) for _ in range(30)))  # opens all connections
        await asyncio.to_thread(pair.replica.kill)
        answers = await asyncio.gather(*(curator.get(path) for path in (LIST, FIRST, "/v1/stats") * 20))
        assert {answer.status_code for answer in answers} == {200}
        assert (await change(curator, "Handover of the day.")).status_code == 200
        assert "Handover of the day." in (await curator.get(FIRST)).text
        await asyncio.to_thread(pair.replica.start)
        await pair.caught_up()
        assert "Handover of the day." in (await curator.get(FIRST)).text


async def test_reads_go_on_when_the_primary_is_killed(pair: Pair) -> None:
    async with pair.worker(CACHED) as curator:
        await change(curator, "Handover of the day.")
        await pair.caught_up()
        record = await curator.get(FIRST)
        await asyncio.gather(*(curator.get(f"{LIST}?limit={limit}") for limit in range(1, 30)))
        await asyncio.to_thread(pair.primary.kill)
        try:
            for path in (LIST, FIRST, "/v1/stats", "/v1/exchanges.csv"):
                answers = await asyncio.gather(*(curator.get(path) for _ in range(5)))
                assert {answer.status_code for answer in answers} == {200}, path
            seen = await curator.get(FIRST, X_Dataset_Revision=record.headers[HEADER])
            assert (seen.status_code, seen.content) == (200, record.content)
            assert (await curator.get("/v1/exchanges/nowhere")).status_code == 404
            beyond = await curator.get(FIRST, X_Dataset_Revision="99")
            assert "99" in unavailable(beyond).detail
            writes = [
                curator.send("PATCH", FIRST, {"summary": "Lost."}, etag=record.headers["etag"])
                for _ in range(20)
            ]
            for answer in await asyncio.gather(*writes):
                unavailable(answer)
            with_key = await curator.client.get(LIST, headers={"Authorization": f"Bearer {curator.token}"})
            unavailable(with_key)  # a replica may not know yet that a key was revoked
        finally:
            await asyncio.to_thread(pair.primary.start)
        again = await change(curator, "Handover of the next day.")
        assert again.status_code == 200
        assert "Handover of the next day." in (await curator.get(FIRST)).text


async def test_one_database_that_restarts_fails_no_read(pair: Pair) -> None:
    async with pair.worker(database_read_url=None) as curator:  # type: ignore[arg-type]
        await asyncio.gather(*(curator.get(LIST) for _ in range(30)))
        await asyncio.to_thread(pair.primary.kill)
        unavailable(await curator.get(LIST))
        await asyncio.to_thread(pair.primary.start)
        answers = await asyncio.gather(*(curator.get(path) for path in (LIST, FIRST) * 20))
        assert {answer.status_code for answer in answers} == {200}


async def test_a_write_that_reaches_a_replica_is_refused_for_now(pair: Pair) -> None:
    """So it is for as long as what leads to the primary has not noticed that another one is."""
    async with pair.worker(database_url=pair.replica.url(pair.database)) as curator:
        record = await curator.get(FIRST)
        unavailable(await curator.send("PATCH", FIRST, {"summary": "No."}, etag=record.headers["etag"]))


async def test_a_write_that_waits_too_long_for_its_turn_is_refused(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "BOUNDS", SHORT)
    async with pair.worker() as curator:
        record = await curator.get(FIRST)
        async with curator.engine.begin() as connection:
            await connection.exec_driver_sql("SELECT 1 FROM dataset FOR UPDATE")
            answer = await curator.send("PATCH", FIRST, {"summary": "No."}, etag=record.headers["etag"])
        assert (answer.status_code, problem_of(answer).code) == (503, "overloaded")
        assert (await change(curator, "Handover of the day.")).status_code == 200


# A backend that waits for the replica to confirm a commit, for longer than any of its statements may take.
WAITING = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = $1 AND wait_event = 'SyncRep' AND clock_timestamp() - query_start > interval '1 s'
"""


@asynccontextmanager
async def unconfirmed(pair: Pair) -> AsyncIterator[tuple["asyncio.Task[httpx.Response]", int]]:
    """Send a write to a primary that waits for its replica, and give it with the backend that waits."""
    async with pair.worker() as curator:
        etag = (await curator.get(FIRST)).headers["etag"]
        await pair.primary.ask(f"ALTER DATABASE {pair.database} SET synchronous_commit = 'remote_apply'")
        await pair.pause()
        await pair.primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        await pair.primary.ask("SELECT pg_reload_conf()")
        try:
            await until(lambda: pair.primary.ask("SELECT sync_state = 'sync' FROM pg_stat_replication"))
            sending = asyncio.create_task(curator.send("PATCH", FIRST, {"summary": "Sure."}, etag=etag))
            yield sending, await until(lambda: pair.primary.ask(WAITING, pair.database))
        finally:
            await pair.primary.ask("ALTER SYSTEM RESET synchronous_standby_names")
            await pair.primary.ask("SELECT pg_reload_conf()")
            await pair.replica.ask("SELECT pg_wal_replay_resume()")


async def test_no_write_is_acknowledged_before_it_is_confirmed(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose wait for a standby is cut short says that all is well; no bound of ours does that."""
    monkeypatch.setattr(session, "BOUNDS", SHORT)
    async with unconfirmed(pair) as (sending, _):
        assert not sending.done()
        await pair.replica.ask("SELECT pg_wal_replay_resume()")
        assert (await sending).status_code == 200


async def test_a_write_whose_outcome_nobody_knows_says_so(pair: Pair) -> None:
    async with unconfirmed(pair) as (sending, backend):
        await pair.primary.ask("SELECT pg_terminate_backend($1)", backend)
        problem = unavailable(await sending)
        assert "may be stored, or not" in problem.detail
        assert "Idempotency-Key" in problem.detail


def test_hosts_change_places_and_nothing_else_does() -> None:
    url = "postgresql://user:p%2Cw@one:1,two,[::1]:3/name?target_session_attrs=prefer-standby"
    every = {shuffled(url) for _ in range(500)}
    assert len(every) == 6
    assert {each.replace("[::1]:3", "").replace("one:1", "").replace("two", "") for each in every} == {
        "postgresql://user:p%2Cw@,,/name?target_session_attrs=prefer-standby"
    }
    for kept in ("postgresql:///name?host=/run/a", "host=one,two", "postgresql://a,b/name?port=1,2"):
        assert {shuffled(kept) for _ in range(20)} == {kept}
