"""What a restore refuses, and does not lose: whatever goes wrong, the database stays as it was."""

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.backups import (
    account,
    beside,
    contents,
    done,
    empty_database,
    flipped,
    held,
    last_line,
    name_of,
    rewritten,
    started,
)
from tests.databases import database_url
from tests.embedded_users import ask, eventually
from tests.live import Live
from tests.serving import QUESTION, UAE_EXCHANGES, exchanges, refusal

EPOCH = "SELECT epoch FROM dataset"
DESCRIBED = """
SELECT row_to_json(described)::text FROM (
    SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider
    FROM pg_database WHERE datname = '%s'
) AS described
"""


@contextmanager
def under_way(backup: Path, url: str, server_url: str, *options: str) -> Iterator[psutil.Popen]:
    """Restore into a database, and go on as soon as there is another one beside it."""
    with started("restore", backup, *options, DATABASE_URL=url) as process:
        eventually(lambda: beside(server_url, name_of(url)))
        yield process


def damaged(kind: str, backup: Path, file: Path) -> Path:
    size = backup.stat().st_size
    match kind:
        case "truncated":
            file.write_bytes(backup.read_bytes()[: size // 2])
        case "its last byte missing":
            file.write_bytes(backup.read_bytes()[:-1])
        case "a bit of the dump":
            return flipped(backup, file, size // 2)
        case "a bit of the manifest":
            return flipped(backup, file, backup.read_bytes().rindex(b'"head"') + 12)
        case "something else":
            file.write_text("id,date\n1,2026-01-01\n")
        case "another archive":
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("data.csv", "id,date\n")
        case "nothing":
            file.touch()
    return file


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("truncated", "is cut short: its end is missing"),
        ("its last byte missing", "is cut short: its end is missing"),
        ("a bit of the dump", "is damaged: Bad CRC-32 for file 'dump'"),
        ("a bit of the manifest", "is damaged: Bad CRC-32 for file 'manifest.json'"),
        ("something else", "is no backup made by `exchanges backup`"),
        ("another archive", "is no backup made by `exchanges backup`"),
        ("nothing", "is no backup made by `exchanges backup`"),
    ],
)
def test_a_damaged_file_is_named_and_nothing_is_touched(
    shipped_backup: Path, loaded_url: str, tmp_path: Path, kind: str, told: str
) -> None:
    file = damaged(kind, shipped_backup, tmp_path / "file")
    line = last_line("restore", file, "--replace", DATABASE_URL=loaded_url)
    assert line == f"error: {file} {told}"
    assert refusal("backup", "--check", file) == line
    assert beside(loaded_url, name_of(loaded_url)) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"facts__head": "00" * 32}, "the manifest was changed: it tells of head 0000"),
        ({"facts__dataset_revision": 7}, "it tells of dataset_revision 7, and the dump holds 1"),
        ({"facts__epoch": "5f0c0000-0000-4000-8000-000000000000"}, "it tells of epoch 5f0c0000-"),
        ({"facts__schema_revision": "0008"}, "it tells of schema_revision 0008, and the dump holds 00"),
        ({"facts__rows__claim": 1}, "it tells of 1 rows in claim, and the dump holds "),
        ({"dump_sha256": "00" * 32}, "the dump is not the one that manifest.json tells of"),
        ({"dump_bytes": 7}, "the dump is not the one that manifest.json tells of"),
        ({"facts__schema_revision": "9999"}, "was made by a newer version of this service"),
        ({"format": "exchanges-backup-2"}, "manifest.json was changed, or is of another version: format: "),
        ({"facts__rows": None}, "manifest.json was changed, or is of another version: facts.rows: "),
    ],
)
def test_a_changed_manifest_is_noticed_and_nothing_is_touched(
    shipped_backup: Path, loaded_url: str, tmp_path: Path, changed: dict[str, object], told: str
) -> None:
    before = contents(loaded_url)
    file = rewritten(shipped_backup, tmp_path / "file", **changed)
    assert told in last_line("restore", file, "--replace", DATABASE_URL=loaded_url)
    assert contents(loaded_url) == before
    assert beside(loaded_url, name_of(loaded_url)) == []


def test_a_database_with_records_is_replaced_only_if_told_so(shipped_backup: Path, loaded_url: str) -> None:
    done("load", "db/dataset/actors.jsonl", "--reason", "Nothing new.", DATABASE_URL=loaded_url)
    before = contents(loaded_url)
    line = last_line("restore", shipped_backup, DATABASE_URL=loaded_url)
    assert "it holds a dataset, at revision 1. To have it replaced" in line
    assert "--replace" in line
    assert contents(loaded_url) == before
    epoch = ask(loaded_url, EPOCH)
    done("restore", shipped_backup, "--replace", DATABASE_URL=loaded_url)
    assert ask(loaded_url, EPOCH) != epoch
    assert beside(loaded_url, name_of(loaded_url)) == []


def test_a_database_of_something_else_is_left_alone(shipped_backup: Path, empty_url: str) -> None:
    ask(empty_url, "CREATE TABLE guests AS SELECT 1 AS guest")
    assert "is not empty: it has rows in public.guests" in last_line(
        "restore", shipped_backup, DATABASE_URL=empty_url
    )
    assert "the database holds no dataset" in refusal(
        "backup", shipped_backup.with_name("no"), DATABASE_URL=empty_url
    )


def test_nothing_is_restored_under_a_running_service(shipped_backup: Path, own_live: Live) -> None:
    """Nor begun: it would be refused at its end."""
    refused = exchanges("restore", shipped_backup, "--replace", DATABASE_URL=own_live.database_url)
    assert (refused.returncode, refused.stdout) == (1, "")
    reading, line = refused.stderr.splitlines()
    assert reading.startswith("Reading ")
    assert "others are connected to the database" in line
    assert "stop the service" in line
    assert httpx.get(f"{own_live.base}{QUESTION}").json()["meta"]["total"] == UAE_EXCHANGES


def test_who_connects_meanwhile_keeps_the_old_database(
    shipped_backup: Path, loaded_url: str, server_url: str
) -> None:
    """Nobody is thrown out: the new database cannot take the name, and is dropped."""
    before = contents(loaded_url)
    with (
        under_way(shipped_backup, loaded_url, server_url, "--replace") as process,
        held(loaded_url, "SELECT"),
    ):
        said, line = process.communicate(timeout=120)
    assert (process.returncode, said) == (1, "")
    assert "others are connected to the database" in line.splitlines()[-1]
    assert contents(loaded_url) == before
    assert beside(server_url, name_of(loaded_url)) == []


def test_a_restore_that_is_killed_leaves_the_old_database(
    shipped_backup: Path, loaded_url: str, server_url: str
) -> None:
    before = contents(loaded_url)
    with under_way(shipped_backup, loaded_url, server_url, "--replace") as process:
        process.kill()
    assert contents(loaded_url) == before
    assert beside(server_url, name_of(loaded_url)) != []
    visitors = f"SELECT count(*) FROM pg_stat_activity WHERE datname LIKE '{name_of(loaded_url)}%'"
    eventually(lambda: ask(server_url, visitors) == 0)
    done("restore", shipped_backup, "--replace", DATABASE_URL=loaded_url)
    assert beside(server_url, name_of(loaded_url)) == []


def test_faults_that_were_backed_up_are_told_and_restored_only_if_told_so(
    loaded_url: str, empty_url: str, tmp_path: Path
) -> None:
    ask(
        loaded_url,
        "DO $$ BEGIN SET LOCAL session_replication_role = replica; "
        "UPDATE revision SET reason = 'another' WHERE position = 3; END $$",
    )
    file = tmp_path / "faulty.backup"
    done("backup", file, DATABASE_URL=loaded_url)
    line = last_line("restore", file, DATABASE_URL=empty_url)
    assert "the dataset was not when it was backed up: 1 faults" in line
    assert "the hash chain is broken" in line
    assert ask(empty_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    result = exchanges("restore", file, "--despite-faults", DATABASE_URL=empty_url)
    assert result.returncode == 0
    assert "warning: " in result.stderr


def test_rights_of_roles_come_back_or_nothing_does(loaded_url: str, empty_url: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    with account(loaded_url) as (role, _):
        ask(loaded_url, f"GRANT SELECT ON claim TO {role}")
        done("backup", file, DATABASE_URL=loaded_url)
    line = last_line("restore", file, DATABASE_URL=empty_url)
    assert f"roles that this server does not have: {role}. Make them first" in line
    with account(empty_url) as (role, _):
        done("restore", file, DATABASE_URL=empty_url)
        assert ask(empty_url, f"SELECT has_table_privilege('{role}', 'claim', 'SELECT')")


def test_an_account_that_may_not_create_databases_is_told_so(shipped_backup: Path, empty_url: str) -> None:
    with account(empty_url) as (_, url):
        assert "ALTER ROLE … CREATEDB" in last_line("restore", shipped_backup, DATABASE_URL=url)


def test_two_restores_into_one_database_do_not_meet(
    shipped_backup: Path, empty_url: str, server_url: str
) -> None:
    with under_way(shipped_backup, empty_url, server_url) as first:
        first.suspend()
        try:
            line = last_line("restore", shipped_backup, DATABASE_URL=empty_url)
        finally:
            first.resume()
        _, said = first.communicate(timeout=120)
    assert line.endswith(f"being restored into the database {name_of(empty_url)} already")
    assert first.returncode == 0, said
    assert "is whole" in done("verify", DATABASE_URL=empty_url)


def test_no_other_database_is_taken_for_what_a_killed_restore_left(
    shipped_backup: Path, server_url: str
) -> None:
    """The server cuts names that are too long, and what it would drop then is the database itself."""
    name = f"exchanges_{os.getpid()}_".ljust(63, "x")
    ask(server_url, f"CREATE DATABASE {name}")
    try:
        identity = ask(server_url, f"SELECT oid FROM pg_database WHERE datname = '{name}'")
        line = last_line("restore", shipped_backup, DATABASE_URL=database_url(server_url, name))
        assert f"the name of the database {name} is too long for another one beside it" in line
        assert ask(server_url, f"SELECT oid FROM pg_database WHERE datname = '{name}'") == identity
    finally:
        ask(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def test_owner_and_locale_stay_and_the_rest_is_told(shipped_backup: Path, server_url: str) -> None:
    how = "TEMPLATE template0 LC_COLLATE 'POSIX' OWNER"
    with account(server_url) as (role, _), empty_database(server_url, f"{how} {role}") as url:
        name = name_of(url)
        ask(url, f"ALTER DATABASE {name} SET work_mem = '5MB'")
        before = ask(server_url, DESCRIBED % name)
        restored = exchanges("restore", shipped_backup, DATABASE_URL=url)
        assert restored.returncode == 0, restored.stderr
        assert ask(server_url, DESCRIBED % name) == before
        assert f"grants on the database {name} itself and settings of it are not carried over" in (
            restored.stderr
        )


def test_a_table_belongs_to_whoever_restores_it(loaded_url: str, empty_url: str, tmp_path: Path) -> None:
    with account(loaded_url) as (role, _):
        ask(loaded_url, f"ALTER TABLE claim OWNER TO {role}")
        done("backup", tmp_path / "file", DATABASE_URL=loaded_url)
        ask(loaded_url, f"REASSIGN OWNED BY {role} TO CURRENT_USER")
    done("restore", tmp_path / "file", DATABASE_URL=empty_url)
    assert ask(empty_url, "SELECT tableowner = current_user FROM pg_tables WHERE tablename = 'claim'")


def test_a_row_that_cannot_come_back_is_no_small_matter(
    loaded_url: str, empty_url: str, tmp_path: Path
) -> None:
    """Its table is none of ours, so that no manifest counts it: a rule of it looks into a later table."""
    for statement in (
        "CREATE SCHEMA aside",
        "CREATE TABLE aside.later AS SELECT 1 AS x",
        "CREATE FUNCTION aside.fits(int) RETURNS boolean LANGUAGE sql "
        "AS 'SELECT EXISTS (SELECT FROM aside.later AS each WHERE each.x = $1)'",
        "CREATE TABLE aside.earlier AS SELECT 1 AS x",
        "ALTER TABLE aside.earlier ADD CHECK (aside.fits(x))",
    ):
        ask(loaded_url, statement)
    done("backup", tmp_path / "file", DATABASE_URL=loaded_url)
    line = last_line("restore", tmp_path / "file", DATABASE_URL=empty_url)
    assert "pg_restore failed: " in line
    assert 'COPY failed for table "earlier"' in line
    assert ask(empty_url, "SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'aside')") == 0
