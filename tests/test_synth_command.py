"""Made-up datasets: the same seed gives the same files, and they load through the normal door in any size."""

import filecmp
import json
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import Action, ExchangeKind, Resource
from db.load import load
from db.rendering import INPUT_OF, PLURAL
from db.synthetic import PARTS, Synthesis, write_files
from db.verify import verify
from tests.serving import exchanges, refusal

MANY = 2_000


@pytest.fixture(scope="module")
def made() -> dict[Resource, list[dict[str, Any]]]:
    synthesis = Synthesis(MANY, seed=1)
    return {resource: list(synthesis.records(resource)) for resource in INPUT_OF}


@pytest.mark.anyio
async def test_the_parts_load_one_after_the_other(engine: AsyncEngine, tmp_path: Path) -> None:
    synthesis = Synthesis(300, seed=7)
    steps: list[tuple[int, int]] = []
    write_files(synthesis, tmp_path, lambda *step: steps.append(step))
    reports = [await load(engine, [tmp_path / part], reason=part) for part in PARTS]
    assert reports[0].counts == {
        (resource, Action.CREATED): count for resource, count in synthesis.counts.items()
    }
    assert [report.counts for report in reports[1:]] == [
        {(Resource.EXCHANGE, Action.UPDATED): 15},
        {(Resource.EXCHANGE, Action.UPDATED): 3},
    ]
    assert steps[-1] == (sum(synthesis.counts.values()) + 18,) * 2
    assert [fault async for fault in verify(engine)] == []


def test_a_seed_gives_the_same_files_again(tmp_path: Path) -> None:
    for folder, seed in (("one", 3), ("again", 3), ("other", 4)):
        result = exchanges("synth", "--exchanges", 50, "--seed", seed, "--output", tmp_path / folder)
        assert result.returncode == 0, result.stderr
    files = [f"{PARTS[0]}/{PLURAL[resource]}.jsonl" for resource in Resource]
    files += [f"{part}/exchanges.jsonl" for part in PARTS[1:]]
    assert filecmp.cmpfiles(tmp_path / "one", tmp_path / "again", files, shallow=False)[0] == files
    assert (
        "part-1/exchanges.jsonl"
        in filecmp.cmpfiles(tmp_path / "one", tmp_path / "other", files, shallow=False)[1]
    )
    assert f"exchanges load {tmp_path / 'other' / 'part-3'} --reason" in result.stdout


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for taken in (tmp_path, tmp_path / "notes.txt"):
        assert "name a folder that is new or empty" in refusal("synth", "--output", taken)


def test_nothing_could_be_taken_for_real(made: dict[Resource, list[dict[str, Any]]]) -> None:
    for resource, records in made.items():
        assert all(record["id"].startswith("synthetic-") for record in records), resource
    assert all("synthetic.example.org/" in record["url"] for record in made[Resource.ARTICLE])
    named = [record["name"] for resource in (Resource.ACTOR, Resource.PUBLISHER) for record in made[resource]]
    assert all(name.startswith("Synthetic ") for name in named)
    assert all(record["summary"].startswith("Synthetic ") for record in made[Resource.EXCHANGE])


def test_the_shapes_are_those_of_real_data(made: dict[Resource, list[dict[str, Any]]]) -> None:
    records = made[Resource.EXCHANGE]
    claims = [claim for record in records for claim in record["claims"]]
    assert {len(record["claims"]) for record in records} == set(range(1, 7))
    assert {len(claim["citations"]) for claim in claims} == set(range(1, 5))
    assert {record["kind"] for record in records} == set(ExchangeKind)
    years = Counter(record["date"][:4] for record in records)
    assert len(years) > 20
    assert years["2024"] > 2 * years["2008"]
    mediators = Counter(each["actor"] for record in records for each in record["mediations"])
    assert sum(count for _, count in mediators.most_common(2)) > sum(mediators.values()) / 2 > 0
    publishers = Counter(record["publisher"] for record in made[Resource.ARTICLE])
    assert sum(count for _, count in publishers.most_common(10)) > MANY / 2
    assert 0 < sum(bool(record["overlaps"]) for record in records) < MANY / 50
    assert len(made[Resource.AGREEMENT]) < MANY / 100
    cited = Counter(id_ for record in records for id_ in record["citations"])
    assert sum(count > 1 for count in cited.values()) > len(cited) / 2
    letters = json.dumps(made[Resource.ACTOR], ensure_ascii=False)
    assert all(letter in letters for letter in "иيक行ν")


def test_a_record_needs_no_other_record() -> None:
    records = Synthesis(10_000_000, seed=1).records(Resource.EXCHANGE)
    assert len(list(islice(records, 3))) == 3
