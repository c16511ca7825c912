"""Backup and restore as operators do it: whole, of one moment, and in a file that is safe.

What a restore refuses is in `tests/test_restore.py`, how the programs of Postgres are run in
`tests/test_backup_programs.py`.
"""

import datetime as dt
import json
import os
import stat
import zipfile
from pathlib import Path

import httpx

from db.migrate import downgrade, head, upgrade
from tests.backups import (
    Writer,
    account,
    contents,
    done,
    held,
    last_line,
    rows,
    served,
    somebody_waits,
    started,
)
from tests.embedded_users import ask, eventually
from tests.live import Live, live_over
from tests.serving import QUESTION, UAE_EXCHANGES, exchanges, refusal, serving
from tests.synthetic import coverage


def test_a_dataset_that_is_written_to_comes_back_as_it_was(
    own_live: Live, empty_url: str, tmp_path: Path
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

        told = done("restore", file, DATABASE_URL=empty_url)
        assert f"dataset revision {revision}, " in told
        assert "verified" in told
        with (
            live_over(empty_url, tmp_path) as restored,
            httpx.Client(base_url=restored.base, headers=signed, timeout=60) as other,
        ):
            assert served(restored.base, revision) == served(own_live.base, revision)
            chain = f"SELECT * FROM revision WHERE dataset_revision <= {revision} ORDER BY 1, 2"
            assert rows(empty_url, chain) == rows(own_live.database_url, chain)
            assert ask(empty_url, "SELECT encode(head, 'hex') FROM dataset") == manifest["facts"]["head"]

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
    assert "is whole" in done("verify", DATABASE_URL=empty_url)


def test_schema_rights_and_every_row_come_back(shipped_backup: Path, loaded_url: str, empty_url: str) -> None:
    done("restore", shipped_backup, DATABASE_URL=empty_url)
    before, after = contents(loaded_url), contents(empty_url)
    assert before.pop("dataset") != after.pop("dataset")  # another epoch
    assert after == before
    kept = "SELECT to_jsonb(dataset) - 'epoch' #>> '{}' FROM dataset"
    assert ask(empty_url, kept) == ask(loaded_url, kept)
    analysed = "SELECT count(*) FROM pg_class WHERE relname = 'claim_index' AND reltuples > 0"
    assert ask(empty_url, analysed) == 1


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


def test_a_backup_of_an_older_schema_is_brought_up_to_date(
    loaded_url: str, empty_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "older.backup"
    downgrade(loaded_url, "0008")
    upgrade(empty_url)  # a schema of ours without a record is nothing that could be lost
    assert "schema 0008" in done("backup", file, DATABASE_URL=loaded_url)
    done("restore", file, DATABASE_URL=empty_url)
    assert ask(empty_url, "SELECT version_num FROM alembic_version") == head()


def test_facts_and_dump_are_of_one_moment(loaded_url: str, empty_url: str, tmp_path: Path) -> None:
    """What is written while the tables are counted is in neither."""
    file = tmp_path / "file"
    ask(loaded_url, "CREATE TABLE guests AS SELECT 1 AS guest")
    last = ask(loaded_url, "SELECT max(tablename) FROM pg_tables WHERE schemaname = 'public'")
    with held(loaded_url, f'LOCK TABLE "{last}"; INSERT INTO guests VALUES (2)'):
        process = started("backup", file, DATABASE_URL=loaded_url)
        eventually(lambda: somebody_waits(loaded_url))
    with process:
        _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert ask(loaded_url, "SELECT count(*) FROM guests") == 2
    done("restore", file, DATABASE_URL=empty_url)
    assert ask(empty_url, "SELECT count(*) FROM guests") == 1


# --- the file ---


def test_a_file_is_private_and_replaced_only_if_told_so(loaded_url: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("something dear")
    assert "is there already, and stays as it is" in refusal("backup", file, DATABASE_URL=loaded_url)
    assert file.read_text() == "something dear"
    before = ask(loaded_url, "SELECT now()")
    told = done("backup", file, "--force", DATABASE_URL=loaded_url).splitlines()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["file"]
    whole, *again = done("backup", "--check", file).splitlines()
    assert (whole, again) == (f"{file} is whole.", told)
    with zipfile.ZipFile(file) as archive:
        assert {each.compress_type for each in archive.infolist()} == {zipfile.ZIP_STORED}
        manifest = json.loads(archive.read("manifest.json"))
    assert before <= dt.datetime.fromisoformat(manifest["made_at"]) <= ask(loaded_url, "SELECT now()")
    chain = ask(loaded_url, "SELECT encode(head, 'hex') FROM dataset")
    assert f"head of the hash chain {chain}" in told


def test_a_backup_that_fails_leaves_no_file(empty_url: str, tmp_path: Path) -> None:
    refusal("backup", tmp_path / "file", DATABASE_URL=empty_url)
    assert os.listdir(tmp_path) == []
    assert "No such file or directory" in refusal(
        "backup", tmp_path / "none" / "file", DATABASE_URL=empty_url
    )
    assert "is a directory" in refusal("backup", tmp_path, DATABASE_URL=empty_url)


def test_a_file_that_comes_meanwhile_is_left_alone(loaded_url: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    with held(loaded_url, "LOCK TABLE claim"):
        process = started("backup", file, DATABASE_URL=loaded_url)
        eventually(lambda: somebody_waits(loaded_url))
        file.write_text("something dear")
    with process:
        _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "is there already, and stays as it is" in said.splitlines()[-1]
    assert file.read_text() == "something dear"
    assert os.listdir(tmp_path) == ["file"]


def test_a_backup_that_lacks_something_is_none(loaded_url: str, tmp_path: Path) -> None:
    ask(loaded_url, "CREATE SCHEMA aside CREATE TABLE secret ()")
    with account(loaded_url) as (role, url):
        ask(loaded_url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        line = last_line("backup", tmp_path / "file", DATABASE_URL=url)
    assert "pg_dump failed: " in line
    assert "permission denied for schema aside" in line
    assert os.listdir(tmp_path) == []
