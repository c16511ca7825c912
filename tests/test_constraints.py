"""What the database itself refuses, whoever writes: by SQL, without the door of `db/writes.py`.

Cases run inside one transaction that is rolled back, with the deferred constraints told to look at once.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from enum import StrEnum

import asyncpg
import pytest
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db import enums
from db.base import Base
from db.models.history import Revision
from db.session import write_engine
from tests.writing import put_small

pytestmark = pytest.mark.anyio

TABLES = Base.metadata.tables
# What must cite, where its citations are, which column there points back.
CITING = (
    ("exchange", "exchange_citation", "exchange_id"),
    ("exchange", "location_citation", "exchange_id"),
    ("claim", "claim_citation", "claim_id"),
    ("mediation", "mediation_citation", "mediation_id"),
    ("agreement", "agreement_citation", "agreement_id"),
    ("term", "term_citation", "term_id"),
    ("published_total", "published_total_citation", "total_id"),
)
CHECKS = [
    (table.name, check)
    for table in Base.metadata.sorted_tables
    for check in table.constraints
    if isinstance(check, CheckConstraint)
]
WORD_CHECKS = sorted((table, str(check.name)) for table, check in CHECKS if str(check.name).endswith("_word"))
WITH_IDS = sorted(table for table, check in CHECKS if str(check.name).endswith("_id_form"))
NEW_EXCHANGE = (
    "INSERT INTO exchange (id, kind, date, date_precision, status, summary, location_name) "
    "VALUES ('new', 'release', '2020-01-01', 'day', 'completed', 'A handover.', {location})"
)
UNSHIPPED = (  # a row in each table that the dataset leaves empty
    "INSERT INTO api_key (id, name, role, secret_sha256, created_at) "
    "VALUES ('0123456789', 'somebody', 'admin', sha256('x'), now())",
    "INSERT INTO merged VALUES ('actor', 'old', 'new', 1)",
    "INSERT INTO proposal (action, resource, record_id, base_revision, content, source_url, comment, state, "
    "version, key_id, proposed_by, created_at, decided_at, decided_by) VALUES ('update', 'actor', 'uae', 1, "
    "'{}', 'https://example.org/', 'so', 'withdrawn', 1, '0123456789', 'somebody', now(), now(), 'somebody')",
)
CITE = "INSERT INTO {citation} VALUES ('{owner}', (SELECT min(id) FROM article), 0)"
IMMEDIATE = "SET CONSTRAINTS ALL IMMEDIATE"
DEFERRED = "SET CONSTRAINTS ALL DEFERRED"
BAD_IDS = ("", "Upper", "a b", "a--b", "-a", "a-", "a:x1", "a:c", "a:c1:c2", "é", "a\n", "a_b", "a.b")


@pytest.fixture
async def connection(read_only_url: str) -> AsyncIterator[AsyncConnection]:
    """A connection to the loaded dataset whose transaction is never committed."""
    engine = write_engine(read_only_url)
    async with engine.connect() as made:
        for statement in UNSHIPPED:
            await made.exec_driver_sql(statement)
        yield made
        await made.rollback()
    await engine.dispose()


async def refused(connection: AsyncConnection, *statements: str) -> str:
    """Run statements of which one must be refused, and give the name of the constraint that did."""
    with pytest.raises(DBAPIError) as caught:
        await accepted(connection, *statements)
    cause = caught.value.orig.__cause__  # type: ignore[union-attr]
    assert isinstance(cause, asyncpg.IntegrityConstraintViolationError), cause
    return str(cause.constraint_name)


async def accepted(connection: AsyncConnection, *statements: str) -> None:
    async with connection.begin_nested():
        for statement in (*statements, IMMEDIATE, DEFERRED):
            await connection.exec_driver_sql(statement)


def copied(table: str, id_: str) -> str:
    """Give the statement that stores a second row like the first, without its citations."""
    names = [column.name for column in TABLES[table].columns]
    values = [f"'{id_}'" if name == "id" else name for name in names]
    source = f"SELECT {', '.join(values)} FROM {table} WHERE id NOT LIKE 'new%%' ORDER BY id LIMIT 1"
    return f"INSERT INTO {table} ({', '.join(names)}) {source}"


@pytest.mark.parametrize(("table", "citation", "pointer"), CITING, ids=[case[1] for case in CITING])
class TestWhatMustCite:
    """Every way to leave a thing uncited ends at the commit."""

    def new(self, table: str, citation: str) -> tuple[list[str], str]:
        """Give the statements that store an uncited thing, and its id."""
        if citation == "location_citation":
            cited = CITE.format(citation="exchange_citation", owner="new")
            return [NEW_EXCHANGE.format(location="'Somewhere'"), cited], "new"
        if table == "exchange":
            return [NEW_EXCHANGE.format(location="NULL")], "new"
        id_ = {"claim": "new:c1", "mediation": "new:m1", "term": "new:t1"}.get(table, "new")
        return [copied(table, id_)], id_

    async def test_new(self, connection: AsyncConnection, table: str, citation: str, pointer: str) -> None:
        statements, id_ = self.new(table, citation)
        assert await refused(connection, *statements) == f"{citation}_present"
        await accepted(connection, *statements, CITE.format(citation=citation, owner=id_))

    async def test_last_citation(
        self, connection: AsyncConnection, table: str, citation: str, pointer: str
    ) -> None:
        owner = f"(SELECT min({pointer}) FROM {citation})"
        assert await refused(connection, f"DELETE FROM {citation}") == f"{citation}_kept"
        gone = f"DELETE FROM {citation} WHERE {pointer} = {owner}"
        assert await refused(connection, gone) == f"{citation}_kept"
        all_but_one = (
            f"DELETE FROM {citation} AS c WHERE EXISTS (SELECT FROM {citation} AS o "
            f"WHERE o.{pointer} = c.{pointer} AND o.article_id < c.article_id)"
        )
        await accepted(connection, all_but_one)
        assert await refused(connection, all_but_one, gone) == f"{citation}_kept"

    async def test_citation_moved_to_another(
        self, connection: AsyncConnection, table: str, citation: str, pointer: str
    ) -> None:
        statements, id_ = self.new(table, citation)
        cited = CITE.format(citation=citation, owner=id_)
        other = f"SELECT min({pointer}) FROM {citation} WHERE {pointer} NOT LIKE 'new%%'"
        away = f"UPDATE {citation} SET {pointer} = ({other}), "
        uncited = f"SELECT max(id) FROM article WHERE id NOT IN (SELECT article_id FROM {citation})"
        away += f"article_id = ({uncited}) WHERE {pointer} = '{id_}'"
        assert await refused(connection, *statements, cited, IMMEDIATE, DEFERRED, away) == f"{citation}_kept"

    async def test_renamed_away_from_its_citations(
        self, connection: AsyncConnection, table: str, citation: str, pointer: str
    ) -> None:
        statements, id_ = self.new(table, citation)
        await accepted(connection, *statements, CITE.format(citation=citation, owner=id_))
        renamed = f"UPDATE {table} SET id = '{id_.replace('new', 'newer')}' WHERE id = '{id_}'"
        dropped = f"DELETE FROM {citation} WHERE {pointer} = '{id_}'"
        assert await refused(connection, renamed, dropped) == f"{table}_id_fixed"

    async def test_truncated(
        self, connection: AsyncConnection, table: str, citation: str, pointer: str
    ) -> None:
        assert await refused(connection, f"TRUNCATE {citation}") == f"{citation}_no_truncate"
        assert (await refused(connection, f"TRUNCATE {table} CASCADE")).endswith("_no_truncate")

    async def test_gone_with_its_citations(
        self, connection: AsyncConnection, table: str, citation: str, pointer: str
    ) -> None:
        statements, id_ = self.new(table, citation)
        await accepted(connection, *statements, CITE.format(citation=citation, owner=id_))
        dropped = [f"DELETE FROM {citation} WHERE {pointer} = '{id_}'"]
        if citation == "location_citation":
            dropped.append("DELETE FROM exchange_citation WHERE exchange_id = 'new'")
        await accepted(connection, *dropped, f"DELETE FROM {table} WHERE id = '{id_}'")


async def test_a_place_added_later_must_cite(connection: AsyncConnection) -> None:
    placed = "UPDATE exchange SET location_name = 'Somewhere' WHERE id = "
    without = "(SELECT min(id) FROM exchange WHERE location_name IS NULL)"
    assert await refused(connection, placed + without) == "location_citation_present"
    gone = "UPDATE exchange SET location_name = NULL WHERE location_name IS NOT NULL"
    await accepted(connection, "DELETE FROM location_citation", gone)


def test_every_citation_table_is_guarded() -> None:
    assert {case[1] for case in CITING} == {name for name in TABLES if name.endswith("_citation")}


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
async def test_two_transactions_cannot_each_take_one_of_the_last_two_citations(
    engine: AsyncEngine, isolation: str
) -> None:
    await put_small(engine)
    two = "INSERT INTO claim_citation VALUES ('first:c1', 'page-2', 1)"
    async with engine.begin() as connection:
        await connection.exec_driver_sql(two)
    take = "DELETE FROM claim_citation WHERE claim_id = 'first:c1' AND article_id = "
    isolated = engine.execution_options(isolation_level=isolation)
    async with isolated.connect() as one, isolated.connect() as other, engine.connect() as watch:
        await other.exec_driver_sql(take + "'page-2'")
        await one.exec_driver_sql(take + "'page-1'")
        await one.exec_driver_sql(IMMEDIATE)  # sees the other's citation, and holds the claim
        pid = (await other.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one()
        second = asyncio.create_task(other.exec_driver_sql(IMMEDIATE))
        blocked = text("SELECT cardinality(pg_blocking_pids(:pid)) > 0")
        # The database is asked, since it tells no event.
        while not (second.done() or (await watch.execute(blocked, {"pid": pid})).scalar_one()):  # noqa: ASYNC110
            await asyncio.sleep(0)
        await one.commit()
        with pytest.raises(DBAPIError) as caught:
            await second
        await other.rollback()
    state = caught.value.orig.sqlstate  # type: ignore[union-attr]
    assert state == ("23514" if isolation == "READ COMMITTED" else "40001")
    async with engine.connect() as connection:
        left = "SELECT article_id FROM claim_citation WHERE claim_id = 'first:c1'"
        assert (await connection.exec_driver_sql(left)).scalars().all() == ["page-2"]


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE claim SET count = -1", "ck_claim_count_not_negative"),
        ("UPDATE term SET count = -1", "ck_term_count_not_negative"),
        ("UPDATE published_total SET value = -1", "ck_published_total_value_not_negative"),
        ("UPDATE exchange_overlap SET count = 0", "ck_exchange_overlap_count_positive"),
        ("UPDATE claim SET released_by = received_by", "ck_claim_two_sides"),
        ("UPDATE exchange_overlap SET released_by = received_by", "ck_exchange_overlap_two_sides"),
        ("UPDATE term SET released_by = 'russia', received_by = 'russia'", "ck_term_two_sides"),
        (
            "UPDATE published_total SET released_by = 'russia', received_by = 'russia'",
            "ck_published_total_two_sides",
        ),
        ("UPDATE exchange SET date_end = date - 1", "ck_exchange_dates_in_order"),
        ("UPDATE coverage_note SET date_to = date_from - 1", "ck_coverage_note_dates_in_order"),
        ("UPDATE published_total SET since = as_of + 1", "ck_published_total_since_before_as_of"),
        ("UPDATE exchange_overlap SET other_exchange_id = exchange_id", "ck_exchange_overlap_not_itself"),
        ("UPDATE actor_member SET member_id = actor_id", "ck_actor_member_not_itself"),
        ("UPDATE mediation SET exchange_id = NULL, agreement_id = NULL", "ck_mediation_one_owner"),
        (
            "UPDATE mediation SET agreement_id = (SELECT min(id) FROM agreement) WHERE exchange_id <> ''",
            "ck_mediation_one_owner",
        ),
        (
            "INSERT INTO article SELECT 'new', url, url_key, title, publisher_id, agency_id, published_on, "
            "language, archive_url, link_status, link_checked_at FROM article LIMIT 1",
            "uq_article_url_key",
        ),
        ("INSERT INTO actor_name VALUES ('uae', 'russia')", "pk_actor_name"),
        ("INSERT INTO publisher_name VALUES ('reuters', 'tass')", "pk_publisher_name"),
        (
            "INSERT INTO dataset SELECT 2, 0, 0, epoch, updated_at, head, head FROM dataset",
            "ck_dataset_one_row",
        ),
        ("DELETE FROM dataset", "dataset_no_delete"),
        ("TRUNCATE dataset", "dataset_no_delete"),
        ("UPDATE dataset_revision SET reason = 'another'", "dataset_revision_no_update"),
        ("DELETE FROM dataset_revision", "dataset_revision_no_delete"),
        ("TRUNCATE dataset_revision", "dataset_revision_no_delete"),
        (
            "INSERT INTO dataset_revision SELECT revision + 1, at, reason, entries FROM dataset_revision",
            "uq_dataset_revision_at",
        ),
        ("DELETE FROM revision", "revision_no_delete"),
        ("DELETE FROM revision WHERE position = 7", "revision_no_delete"),
        ("TRUNCATE revision", "revision_no_delete"),
        ("UPDATE revision SET body = '{}'", "revision_redact_only"),
        ("UPDATE revision SET body = body", "revision_redact_only"),
        ("UPDATE revision SET body = NULL, reason = 'x'", "revision_redact_only"),
        ("UPDATE revision SET body = NULL, at = now()", "revision_redact_only"),
        ("UPDATE revision SET body = NULL, body_sha256 = ''", "revision_redact_only"),
        ("UPDATE revision SET reason = 'x' WHERE position = 7", "revision_redact_only"),
    ],
)
async def test_nonsense_is_refused(connection: AsyncConnection, statement: str, constraint: str) -> None:
    assert await refused(connection, statement) == constraint


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE claim SET count = 0",
        "UPDATE exchange SET date_end = date",
        "UPDATE coverage_note SET date_to = date_from",
        "UPDATE published_total SET since = as_of",
        "UPDATE published_total SET released_by = NULL, received_by = NULL",
        "UPDATE dataset SET revision = revision + 1",
    ],
)
async def test_what_is_just_right_is_accepted(connection: AsyncConnection, statement: str) -> None:
    await accepted(connection, statement)


async def test_a_stored_body_may_be_blanked_once_and_never_come_back(connection: AsyncConnection) -> None:
    one = " WHERE position = 7"
    await accepted(connection, "UPDATE revision SET body = NULL" + one)
    assert await refused(connection, "UPDATE revision SET body = '{}'" + one) == "revision_redact_only"
    kept = "SELECT count(*) FROM revision WHERE body IS NULL AND length(body_sha256) = 32"
    assert (await connection.exec_driver_sql(kept)).scalar_one() == 1


@pytest.mark.parametrize("table", WITH_IDS)
async def test_ids_have_their_form(connection: AsyncConnection, table: str) -> None:
    if table == "cited_query":  # nobody has cited anything of the shipped dataset
        values = "'abcdefghijkl', '/v1/exchanges', '{}', 1, 235, '', now()"
        await accepted(connection, f"INSERT INTO cited_query VALUES ({values})")
    for bad in BAD_IDS:
        assert await refused(connection, copied(table, bad)) == f"ck_{table}_id_form", bad


@pytest.mark.parametrize(("table", "name"), WORD_CHECKS, ids=[name for _, name in WORD_CHECKS])
async def test_words_are_those_of_the_vocabulary(connection: AsyncConnection, table: str, name: str) -> None:
    column = name.removeprefix(f"ck_{table}_").removesuffix("_word")
    if table == Revision.__tablename__:
        columns = [
            f"'nonsense' AS {each.name}" if each.name == column else each.name for each in TABLES[table].c
        ]
        columns[0] = "dataset_revision + 1"
        statement = f"INSERT INTO revision SELECT {', '.join(columns)} FROM revision LIMIT 1"
    else:
        statement = f"UPDATE {table} SET {column} = 'nonsense'"
    assert await refused(connection, statement) == name
    query = text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name")
    definition = (await connection.execute(query, {"name": name})).scalar_one()
    words = set(re.findall(r"'(\w+)'", definition))
    vocabularies = [
        set(found)
        for found in vars(enums).values()
        if isinstance(found, type) and issubclass(found, StrEnum) and found is not StrEnum
    ]
    assert words in vocabularies


async def test_nothing_is_carried_away_by_a_foreign_key(connection: AsyncConnection) -> None:
    query = "SELECT conname, confdeltype, confupdtype, condeferrable FROM pg_constraint WHERE contype = 'f'"
    found = (await connection.exec_driver_sql(query)).all()
    assert {tuple(row[1:]) for row in found} == {(b"a", b"a", True)}
    keys = [
        (table, key)
        for table in TABLES.values()
        for key in table.constraints
        if isinstance(key, ForeignKeyConstraint)
    ]
    assert {row.conname for row in found} == {key.name for _, key in keys}
    assert {(key.ondelete, key.onupdate) for _, key in keys} == {(None, None)}


@pytest.mark.parametrize(
    ("table", "of"),
    [
        ("article", "article_id"),
        ("actor", "actor_id"),
        ("publisher", "publisher_id"),
        ("exchange", "exchange_id"),
    ],
)
async def test_what_is_referred_to_stays(connection: AsyncConnection, table: str, of: str) -> None:
    constraint = await refused(connection, f"DELETE FROM {table}")
    assert constraint.startswith("fk_")
    assert constraint.endswith(of)


def _expected_name(table: Table, constraint: object) -> str:
    columns = [column.name for column in getattr(constraint, "columns", ())]
    kind = type(constraint).__name__
    return {
        "PrimaryKeyConstraint": f"pk_{table.name}",
        "ForeignKeyConstraint": f"fk_{table.name}_{columns[0] if columns else ''}",
        "UniqueConstraint": f"uq_{table.name}_{'_'.join(columns)}",
    }.get(kind, "")


async def test_constraints_are_named_by_the_convention(connection: AsyncConnection) -> None:
    named = set()
    for table in TABLES.values():
        for constraint in table.constraints:
            name = str(constraint.name)
            if isinstance(constraint, CheckConstraint):
                assert re.fullmatch(rf"ck_{table.name}_[a-z0-9_]+", name)
            else:
                assert name == _expected_name(table, constraint)
            named.add(name)
    query = (
        "SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace "
        "AND contype NOT IN ('t', 'n') AND conrelid <> 'alembic_version'::regclass"
    )
    assert set((await connection.exec_driver_sql(query)).scalars()) == named
