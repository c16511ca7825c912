"""The programs of Postgres that backups are made with: which one is taken, and what it is told."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from db.clients import ClientError, Target, client_program
from db.clients import beside as url_beside
from tests.backups import PROGRAM
from tests.serving import environment


def test_no_password_is_in_the_arguments_of_a_program(loaded_url: str, tmp_path: Path) -> None:
    parts = urlsplit(loaded_url)
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
