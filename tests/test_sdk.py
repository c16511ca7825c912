"""The SDKs as their users have them: installed from the built package, and run against a live server."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.live import Live
from tests.sdk_environments import ENVIRONMENTS, ROOT, SDK, Environment
from tests.sdk_front import Front, front_of

PROGRAMS = Path(__file__).with_name("sdk_programs")
FENCES = {"python": "python", "typescript": "ts", "r": "r"}
NEW_YEAR = "/v1/exchanges/2024-12-30-russia-ukraine"
SHIPPED = len((ROOT / "db" / "dataset" / "exchanges.jsonl").read_text().splitlines())
TOLD = {
    "mediated": 26,
    "walked": SHIPPED,
    "fetched": ["2024-12-30-russia-ukraine", "2024-12-30", 339],
    "unchanged": True,
    "frame": [26, 7059],
    "created": 201,
    "revision": 2,
    "stale": 412,
    "removed": 204,
}
TOLD_ASYNC = {"walked_async": SHIPPED, "framed_async": 26, "fetched_async": "2024-12-30-russia-ukraine"}

Installed = Callable[[str], Environment]
of_each_language = pytest.mark.parametrize("language", ENVIRONMENTS)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Give the environment of a language; its package is installed when it is first asked for."""
    made: dict[str, Environment] = {}

    def give(language: str) -> Environment:
        if language not in made:
            made[language] = ENVIRONMENTS[language](tmp_path_factory.mktemp(language))
        return made[language]

    return give


@pytest.fixture
def front(own_live: Live) -> Iterator[Front]:
    with front_of(own_live.base) as made:
        yield made


def test_what_is_missing_is_named() -> None:
    command = [sys.executable, str(SDK / "build.py"), "typescript", "r"]
    done = subprocess.run(command, env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "error: the SDK for typescript is not built: there is no `npm` here: install Node.js 20 or newer"
        " with npm",
        "error: the SDK for r is not built: there is no `java` here: install Java 11 or newer"
        " (Debian: default-jre-headless)",
    ]


@of_each_language
def test_the_example_program(installed: Installed, front: Front, own_live: Live, language: str) -> None:
    environment = installed(language)
    program = (SDK / language / f"example{environment.suffix}").read_text()
    told = json.loads(environment.run(program, front.base, own_live.key()))
    assert told == (TOLD | TOLD_ASYNC if language == "python" else TOLD)
    first, again, *_ = front.of("GET", NEW_YEAR)
    assert (first.status, first.is_conditional) == (200, False)
    assert (again.status, again.is_conditional) == (304, True)
    further = [each for each in front.of("GET", "/v1/exchanges") if "cursor=" in each.path]
    assert len(further) == (2 if language != "python" else 4)  # once more, asynchronously


@of_each_language
def test_the_readme(installed: Installed, own_live: Live, language: str) -> None:
    environment = installed(language)
    text = (SDK / language / "README.md").read_text()
    snippets = re.findall(rf"^```{FENCES[language]}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(snippets) >= 3
    program = "\n".join(snippets).replace("http://127.0.0.1:8000", own_live.base)
    said = environment.run(program.replace("exk_…", own_live.key()))
    assert said.startswith("26 ")
    assert "The Emirates" in httpx.get(f"{own_live.base}/v1/actors/uae").json()["aliases"]
    notes = httpx.get(f"{own_live.base}/v1/coverage", params={"date_from": "2023-03-01"}).json()["data"]
    assert "Nobody has looked at this month yet." in [note["statement"] for note in notes]


@of_each_language
def test_what_is_refused_is_asked_again(
    installed: Installed, front: Front, own_live: Live, language: str
) -> None:
    environment = installed(language)
    programs = sorted(PROGRAMS.glob(f"patience*{environment.suffix}"))
    assert programs
    for program in programs:
        front.passed.clear()
        front.refusals["GET /v1/actors/uae"] = [(503, "1"), (429, "1")]
        front.refusals["GET /v1/actors/russia"] = [(503, "3600")] * 100
        front.refusals["POST /v1/publishers"] = [(503, "0"), (503, "1")]
        told = json.loads(
            environment.run(program.read_text(), front.base, own_live.key(), program.stem.replace("_", "-"))
        )
        assert told == ["uae", 503, 503, 201]
        assert [each.status for each in front.of("GET", "/v1/actors/uae")] == [503, 429, 200]
        assert min(front.waits("GET", "/v1/actors/uae")) >= 1
        assert len(front.of("GET", "/v1/actors/russia")) == 4
        assert [each.status for each in front.of("POST", "/v1/publishers")] == [503, 503, 201]


@of_each_language
def test_a_merged_record_is_read_as_the_other(
    installed: Installed, front: Front, own_live: Live, language: str
) -> None:
    environment = installed(language)
    key = own_live.key()
    programs = sorted(PROGRAMS.glob(f"merged*{environment.suffix}"))
    assert programs
    for program in programs:
        word = program.stem.replace("_", "-")
        old, staying = f"{word}-old", f"{word}-staying"
        _twice_written(own_live.base, key, old)
        _once_written(own_live.base, key, staying)
        told = json.loads(environment.run(program.read_text(), front.base, key, old, staying))
        assert told == [old, '"2"', '"2"', staying, staying]
        moved = [each.status for each in front.of("GET", f"/v1/publishers/{old}")]
        assert moved[0] == 200
        assert set(moved[1:]) == {308}


@pytest.mark.parametrize("language", ["python", "typescript"])  # R keeps answers in files
def test_further_pages_are_not_kept(installed: Installed, front: Front, language: str) -> None:
    environment = installed(language)
    program = (PROGRAMS / f"walked_twice{environment.suffix}").read_text()
    assert environment.run(program, front.base).split() == [str(SHIPPED)] * 2
    asked = front.of("GET", "/v1/exchanges")
    further = [each for each in asked if "cursor=" in each.path]
    assert [(each.status, each.is_conditional) for each in asked if each not in further] == [
        (200, False),
        (304, True),
    ]
    assert len({each.path for each in further}) == 2
    assert [(each.status, each.is_conditional) for each in further] == [(200, False)] * 4


def test_large_numbers_in_r(installed: Installed, front: Front) -> None:
    environment = installed("r")
    assert json.loads(environment.run((PROGRAMS / "numbers.R").read_text(), front.base)) == [404, 422, 100]
    assert [each.path for each in front.passed] == [
        "/v1/actors/uae/revisions/100000",
        "/v1/actors/uae?as_of=1000000000000000",
        "/v1/exchanges?limit=100",
    ]


@of_each_language
def test_answers_that_have_grown(installed: Installed, front: Front, language: str) -> None:
    def grow(content: bytes) -> bytes:
        content = re.sub(rb'"qualifier": ?"[a-z_]+"', b'"qualifier":"roughly","weather":"snow"', content)
        content = re.sub(rb'"rank": ?"[a-z_]+"', b'"rank":"golden"', content)
        return content.replace(b'"prisoner_exchange"', b'"swap_of_another_kind"')

    environment = installed(language)
    front.change = grow
    told = json.loads(environment.run((PROGRAMS / f"grown{environment.suffix}").read_text(), front.base))
    assert told == ["swap_of_another_kind", "roughly", "golden", "snow", 189]


def _once_written(base: str, key: str, publisher: str) -> None:
    body = {"id": publisher, "name": f"The {publisher}", "is_agency": False, "aliases": []}
    _write("POST", f"{base}/v1/publishers", key, body)


def _twice_written(base: str, key: str, publisher: str) -> None:
    _once_written(base, key, publisher)
    _write(
        "PATCH",
        f"{base}/v1/publishers/{publisher}",
        key,
        {"aliases": [f"A {publisher}"]},
        **{"If-Match": '"1"'},
    )


def _write(method: str, url: str, key: str, body: dict[str, object], **headers: str) -> None:
    headers |= {"Authorization": f"Bearer {key}"}
    httpx.request(method, url, params={"reason": "a try"}, json=body, headers=headers).raise_for_status()


def test_the_python_package_is_typed(installed: Installed, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from prisoner_exchanges import connect, walk\n"
        "from prisoner_exchanges.api.exchanges import list_exchanges\n"
        'for exchange in walk(list_exchanges.sync, client=connect("x"), mediatr=["UAE"]):\n'
        "    print(exchange.sumary)\n"
    )
    python = installed("python").folder / "bin" / "python"
    options = [
        "--strict",
        "--config-file",
        "",
        "--cache-dir",
        tmp_path / "cache",
        "--python-executable",
        python,
    ]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, SDK / "python" / "example.py", wrong],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    told = re.findall(r"^\S*?(\w+\.py):\d+: error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    assert told == [("wrong.py", "call-arg"), ("wrong.py", "attr-defined")], done.stdout + done.stderr
