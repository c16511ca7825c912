"""Backup and restore as operators do it: whole, verified, all or nothing, and told in one clear line."""

import json
import os
import re
import stat
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from db.clients import ClientError, Target, client_program
from db.clients import beside as url_beside
from db.migrate import downgrade, head
from tests.backups import Writer, beside, contents, empty_database, flipped, rewritten, rows, served
from tests.databases import database_url, drop_database, make_clone
from tests.embedded_users import ask, eventually
from tests.live import Live, apart, live_over
from tests.serving import QUESTION, UAE_EXCHANGES, environment, exchanges, refusal, serving
from tests.synthetic import coverage

EPOCH = "SELECT epoch FROM dataset"
PROGRAM = [os.sys.executable, "-m", "api.cli"]  # type: ignore[attr-defined]


@pytest.fixture
def empty(server_url: str) -> Iterator[str]:
    """The URL of a database in which nothing was ever made."""
    with empty_database(server_url) as url:
        yield url


@contextmanager
def _clone_of(server_url: str, template: str) -> Iterator[str]:
    name = apart(make_clone(server_url, template))
    yield database_url(server_url, name)
    apart(drop_database(server_url, name))


@pytest.fixture
def loaded(server_url: str, loaded_template: str) -> Iterator[str]:
    """The URL of a database of the test's own, with the shipped dataset."""
    with _clone_of(server_url, loaded_template) as url:
        yield url


@pytest.fixture(scope="module")
def shipped(server_url: str, loaded_template: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the shipped dataset; nobody changes it."""
    file = tmp_path_factory.mktemp("backups") / "shipped.backup"
    with _clone_of(server_url, loaded_template) as url:
        done("backup", file, DATABASE_URL=url)
    return file


def done(*arguments: object, **settings: str) -> str:
    result = exchanges(*arguments, **settings)
    assert result.returncode == 0, result.stderr
    return result.stdout


def last_line(*arguments: object, **settings: str) -> str:
    """Give what a refused command says at its end; before it may be told what it does."""
    result = exchanges(*arguments, **settings)
    assert (result.returncode, result.stdout) == (1, ""), result.stderr
    *before, line = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert "Traceback" not in result.stderr
    assert all(
        each.startswith(("Reading ", "Checking ", "warning: ")) or "parts of" in each for each in before
    )
    return line


def name_of(url: str) -> str:
    return urlsplit(url).path[1:]


# --- the drill ---


def test_a_dataset_that_is_written_to_comes_back_as_it_was(
    own_live: Live, empty: str, tmp_path: Path
) -> None:
    token, file = own_live.key(), tmp_path / "drill.backup"
    signed = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=own_live.base, headers=signed, timeout=60) as client:
        sent = {
            "url": "/v1/coverage",
            "params": {"reason": "A test."},
            "json": coverage("synthetic"),
            "headers": {"Idempotency-Key": "once"},
        }
        created = client.post(**sent)
        assert created.status_code == 201, created.text
        cursor = client.get("/v1/exchanges?limit=5").json()["meta"]["next_cursor"]
        epoch = client.get("/v1/changes?since=0&limit=1").json()["meta"]["epoch"]
        with Writer(own_live, token) as writer:
            eventually(lambda: writer.written >= 2)
            said = done("backup", file, DATABASE_URL=own_live.database_url)
            before = writer.written
            eventually(lambda: writer.written > before)
        assert writer.written > 3
        manifest = json.loads(zipfile.ZipFile(file).read("manifest.json"))
        revision = manifest["facts"]["dataset_revision"]
        assert f"dataset revision {revision}, " in said
        newest = client.get("/v1/changes?since=0&limit=1").json()["meta"]["head"]
        assert 1 < revision < newest

        told = done("restore", file, DATABASE_URL=empty)
        assert f"dataset revision {revision}, " in told
        assert "verified" in told
        with (
            live_over(empty, tmp_path) as restored,
            httpx.Client(base_url=restored.base, headers=signed, timeout=60) as other,
        ):
            assert served(restored.base, revision) == served(own_live.base, revision)
            chain = f"SELECT * FROM revision WHERE dataset_revision <= {revision} ORDER BY 1, 2"
            assert rows(empty, chain) == rows(own_live.database_url, chain)
            assert ask(empty, "SELECT encode(head, 'hex') FROM dataset") == manifest["facts"]["head"]

            # it is another history
            assert other.get("/v1/changes?since=0&limit=1").json()["meta"]["head"] == revision
            begun = other.get("/v1/changes?since=0&limit=1").json()["meta"]["epoch"]
            assert begun != epoch
            assert f"new epoch {begun}" in told
            refused = other.get(f"/v1/exchanges?cursor={cursor}")
            assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor")
            assert other.get(f"/v1/changes?since=0&epoch={epoch}").status_code == 409

            # keys hold, writing goes on, and what was sent before is not done twice
            again = other.post(**sent)
            assert (again.status_code, again.json()) == (201, created.json())
            with Writer(restored, token) as other_writer:
                eventually(lambda: other_writer.written)
            assert other.get("/v1/changes?since=0&limit=1").json()["meta"]["head"] > revision
    assert "is whole" in done("verify", DATABASE_URL=empty)


def test_schema_rights_and_every_row_come_back(shipped: Path, loaded: str, empty: str) -> None:
    done("restore", shipped, DATABASE_URL=empty)
    before, after = contents(loaded), contents(empty)
    assert before.pop("dataset") != after.pop("dataset")  # another epoch
    assert after == before
    kept = "SELECT to_jsonb(dataset) - 'epoch' #>> '{}' FROM dataset"
    assert ask(empty, kept) == ask(loaded, kept)
    analysed = "SELECT count(*) FROM pg_class WHERE relname = 'claim_index' AND reltuples > 0"
    assert ask(empty, analysed) == 1


def test_the_embedded_database_is_backed_up_while_it_serves(
    data_dir: Path, place: Path, tmp_path: Path
) -> None:
    file, other = tmp_path / "embedded.backup", place / "other"
    with serving(data_dir) as server:
        server.answer(QUESTION)
        done("backup", file, "--data-dir", data_dir)
        assert "stop the service" in last_line("restore", file, "--replace", "--data-dir", data_dir)
    done("restore", file, "--data-dir", other)
    with serving(other) as server:
        assert server.answer(QUESTION)["meta"]["total"] == UAE_EXCHANGES
    assert "is not empty" in last_line("restore", file, "--data-dir", other)
    assert "will be gone for good" in exchanges("restore", file, "--replace", "--data-dir", other).stderr
    assert "is whole" in done("verify", "--data-dir", other)


def test_a_backup_of_an_older_schema_is_brought_up_to_date(loaded: str, empty: str, tmp_path: Path) -> None:
    file = tmp_path / "older.backup"
    downgrade(loaded, "0008")
    assert "schema 0008" in done("backup", file, DATABASE_URL=loaded)
    done("restore", file, DATABASE_URL=empty)
    assert ask(empty, "SELECT version_num FROM alembic_version") == head()


# --- what is refused, with nothing changed ---


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
    shipped: Path, loaded: str, tmp_path: Path, kind: str, told: str
) -> None:
    file = damaged(kind, shipped, tmp_path / "file")
    line = last_line("restore", file, "--replace", DATABASE_URL=loaded)
    assert line == f"error: {file} {told}"
    assert refusal("backup", "--check", file) == line
    assert beside(loaded, name_of(loaded)) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"facts__head": "00" * 32}, "the manifest was changed: it tells of head 0000"),
        ({"facts__dataset_revision": 7}, "it tells of dataset_revision 7, and the dump holds 1"),
        ({"facts__epoch": "5f0c0000-0000-4000-8000-000000000000"}, "it tells of epoch 5f0c0000-"),
        ({"facts__schema_revision": "0008"}, "it tells of schema_revision 0008, and the dump holds 00"),
        ({"facts__rows__claim": 1}, "it tells of 1 rows in claim, and the dump holds "),
        ({"dump_sha256": "00" * 32}, "the dump is not the one that manifest.json tells of"),
        ({"facts__schema_revision": "9999"}, "was made by a newer version of this service"),
        ({"format": "exchanges-backup-2"}, "manifest.json was changed, or is of another version: format: "),
        ({"facts__rows": None}, "manifest.json was changed, or is of another version: facts.rows: "),
    ],
)
def test_a_changed_manifest_is_noticed_and_nothing_is_touched(
    shipped: Path, loaded: str, tmp_path: Path, changed: dict[str, object], told: str
) -> None:
    before = contents(loaded)
    file = rewritten(shipped, tmp_path / "file", **changed)
    assert told in last_line("restore", file, "--replace", DATABASE_URL=loaded)
    assert contents(loaded) == before
    assert beside(loaded, name_of(loaded)) == []


def test_a_database_with_records_is_replaced_only_if_told_so(shipped: Path, loaded: str) -> None:
    done("load", "db/dataset/actors.jsonl", "--reason", "Nothing new.", DATABASE_URL=loaded)
    before = contents(loaded)
    line = last_line("restore", shipped, DATABASE_URL=loaded)
    assert "it holds a dataset, at revision 1. To have it replaced" in line
    assert "--replace" in line
    assert contents(loaded) == before
    epoch = ask(loaded, EPOCH)
    done("restore", shipped, "--replace", DATABASE_URL=loaded)
    assert ask(loaded, EPOCH) != epoch
    assert beside(loaded, name_of(loaded)) == []


def test_a_database_of_something_else_is_left_alone(shipped: Path, empty: str) -> None:
    ask(empty, "CREATE TABLE guests AS SELECT 1 AS guest")
    assert "is not empty: it has rows in public.guests" in last_line("restore", shipped, DATABASE_URL=empty)
    assert "the database holds no dataset" in refusal("backup", shipped.with_name("no"), DATABASE_URL=empty)


def test_nothing_is_restored_under_a_running_service(shipped: Path, own_live: Live) -> None:
    line = last_line("restore", shipped, "--replace", DATABASE_URL=own_live.database_url)
    assert "others are connected to the database" in line
    assert "stop the service" in line
    assert httpx.get(f"{own_live.base}{QUESTION}").json()["meta"]["total"] == UAE_EXCHANGES


def test_who_connects_meanwhile_keeps_the_old_database(shipped: Path, loaded: str, server_url: str) -> None:
    """Nobody is thrown out: the new database cannot take the name, and is dropped."""
    before = contents(loaded)
    with psutil.Popen(
        [*PROGRAM, "restore", str(shipped), "--replace"],
        env=environment(DATABASE_URL=loaded),
        stdout=-1,
        stderr=-1,
        text=True,
    ) as process:
        eventually(lambda: beside(server_url, name_of(loaded)))
        leave = threading.Event()
        guest = threading.Thread(target=apart, args=(_stay(loaded, leave),))
        guest.start()
        said, line = process.communicate(timeout=120)
        leave.set()
        guest.join()
    assert (process.returncode, said) == (1, "")
    assert "others are connected to the database" in line.splitlines()[-1]
    assert contents(loaded) == before
    assert beside(server_url, name_of(loaded)) == []


async def _stay(url: str, leave: threading.Event) -> None:
    import asyncio

    import asyncpg

    connection = await asyncpg.connect(url)
    await asyncio.to_thread(leave.wait)
    await connection.close()


def test_a_restore_that_is_killed_leaves_the_old_database(
    shipped: Path, loaded: str, server_url: str
) -> None:
    before = contents(loaded)
    with psutil.Popen(
        [*PROGRAM, "restore", str(shipped), "--replace"],
        env=environment(DATABASE_URL=loaded),
        stdout=-3,
        stderr=-3,
    ) as process:
        eventually(lambda: beside(server_url, name_of(loaded)))
        process.kill()
    assert contents(loaded) == before
    assert beside(server_url, name_of(loaded)) != []
    visitors = f"SELECT count(*) FROM pg_stat_activity WHERE datname LIKE '{name_of(loaded)}%'"
    eventually(lambda: ask(server_url, visitors) == 0)
    done("restore", shipped, "--replace", DATABASE_URL=loaded)
    assert beside(server_url, name_of(loaded)) == []


def test_faults_that_were_backed_up_are_told_and_restored_only_if_told_so(
    loaded: str, empty: str, tmp_path: Path
) -> None:
    ask(
        loaded,
        "DO $$ BEGIN SET LOCAL session_replication_role = replica; "
        "UPDATE revision SET reason = 'another' WHERE position = 3; END $$",
    )
    file = tmp_path / "faulty.backup"
    done("backup", file, DATABASE_URL=loaded)
    line = last_line("restore", file, DATABASE_URL=empty)
    assert "the dataset was not when it was backed up: 1 faults" in line
    assert "the hash chain is broken" in line
    assert ask(empty, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    result = exchanges("restore", file, "--despite-faults", DATABASE_URL=empty)
    assert result.returncode == 0
    assert "warning: " in result.stderr


def test_rights_of_roles_come_back_or_nothing_does(loaded: str, empty: str, tmp_path: Path) -> None:
    file, role = tmp_path / "file", f"exchanges_backup_{os.getpid()}"
    ask(loaded, f"CREATE ROLE {role}")
    try:
        ask(loaded, f"GRANT SELECT ON claim TO {role}")
        done("backup", file, DATABASE_URL=loaded)
        ask(loaded, f"DROP OWNED BY {role}")
    finally:
        ask(loaded, f"DROP ROLE {role}")
    line = last_line("restore", file, DATABASE_URL=empty)
    assert f"roles that this server does not have: {role}. Make them first" in line
    ask(loaded, f"CREATE ROLE {role}")
    try:
        done("restore", file, DATABASE_URL=empty)
        assert ask(empty, f"SELECT has_table_privilege('{role}', 'claim', 'SELECT')")
        ask(empty, f"DROP OWNED BY {role}")
    finally:
        ask(loaded, f"DROP ROLE {role}")


def test_an_account_that_may_not_create_databases_is_told_so(shipped: Path, loaded: str, empty: str) -> None:
    role = f"exchanges_backup_{os.getpid()}"
    ask(loaded, f"CREATE ROLE {role} LOGIN PASSWORD 'synthetic'")
    try:
        parts = urlsplit(empty)
        url = parts._replace(netloc=f"{role}:synthetic@{parts.netloc.rpartition('@')[2]}").geturl()
        assert "ALTER ROLE … CREATEDB" in last_line("restore", shipped, DATABASE_URL=url)
    finally:
        ask(loaded, f"DROP ROLE {role}")


# --- the file ---


def test_a_file_is_private_and_replaced_only_if_told_so(loaded: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("something dear")
    assert "is there already, and stays as it is" in refusal("backup", file, DATABASE_URL=loaded)
    assert file.read_text() == "something dear"
    done("backup", file, "--force", DATABASE_URL=loaded)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["file"]
    assert "is whole." in done("backup", "--check", file)
    with zipfile.ZipFile(file) as archive:
        assert {each.compress_type for each in archive.infolist()} == {zipfile.ZIP_STORED}


def test_a_backup_that_fails_leaves_no_file(empty: str, tmp_path: Path) -> None:
    refusal("backup", tmp_path / "file", DATABASE_URL=empty)
    assert os.listdir(tmp_path) == []
    assert "No such file or directory" in refusal("backup", tmp_path / "none" / "file", DATABASE_URL=empty)
    assert "is a directory" in refusal("backup", tmp_path, DATABASE_URL=empty)


# --- client programs ---


def test_no_password_is_in_the_arguments_of_a_program(loaded: str, tmp_path: Path) -> None:
    parts = urlsplit(loaded)
    user, _, host = parts.netloc.rpartition("@")
    url = parts._replace(netloc=f"{user.partition(':')[0]}:not-to-be-seen@{host}").geturl()
    if ":" in user:
        pytest.skip("this server asks for the right password")
    seen: dict[str, list[str]] = {}
    with psutil.Popen(
        [*PROGRAM, "backup", str(tmp_path / "file")],
        env=environment(DATABASE_URL=url),
        stdout=-3,
        stderr=-3,
    ) as process:
        while process.poll() is None:
            for child in process.children():
                try:
                    if child.name() == "pg_dump" and child.cmdline():
                        seen[" ".join(child.cmdline())] = [child.environ().get("PGPASSWORD", "")]
                except psutil.Error:
                    continue
    assert process.returncode == 0
    assert any("--snapshot=" in line for line in seen)
    assert not any("not-to-be-seen" in line for line in seen)
    assert ["not-to-be-seen"] in seen.values()


@pytest.mark.parametrize(
    ("url", "bare", "password"),
    [
        ("postgresql://u:p%40ss@h:1,h2:2/d", "postgresql://u@h:1,h2:2/d", "p@ss"),
        ("postgres://h/d?password=x+y&user=u", "postgres://h/d?user=u", "x y"),
        (
            "postgresql://u:p@/d?host=%2Frun%2Fa%20b&port=5432",
            "postgresql://u@/d?host=%2Frun%2Fa%20b&port=5432",
            "p",
        ),
        ("postgresql:///d?host=%2Frun&sslpassword=x", "postgresql:///d?host=%2Frun", None),
        ("postgresql://u@h/d?sslmode=require", "postgresql://u@h/d?sslmode=require", None),
    ],
)
def test_a_url_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str, bare: str, password: str | None
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    target = Target.of(url)
    assert (target.url, target.environment.get("PGPASSWORD")) == (bare, password)


@pytest.mark.parametrize(
    ("url", "other"),
    [
        (
            "postgresql://u:p%40@h1,h2:2/d?sslmode=require",
            "postgresql://u:p%40@h1,h2:2/a%20b?sslmode=require",
        ),
        ("postgresql://u:p@/d?host=%2Frun&port=1", "postgresql://u:p@/a%20b?host=%2Frun&port=1"),
        ("postgresql://h?dbname=d", "postgresql://h/a%20b"),
    ],
)
def test_another_database_is_reached_in_the_same_way(url: str, other: str) -> None:
    assert url_beside(url, "a b") == other


def test_a_program_that_is_too_old_is_not_used() -> None:
    with pytest.raises(
        ClientError, match=r"^there is only pg_dump \d+.*, and this needs pg_dump 99 or newer"
    ):
        client_program("pg_dump", 99)
    with pytest.raises(ClientError, match=r"^there is no pg_nothing, and this needs"):
        client_program("pg_nothing", 15)
    assert re.search(r"pginstall\d+", str(client_program("pg_dump", 15)))
