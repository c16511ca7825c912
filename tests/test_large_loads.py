"""Loads that are too large for memory: read, checked and stored in batches, and still all or nothing."""

import gc
import os
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db import batches, writes
from db.conflicts import Hashes
from db.dataset_files import DatasetError, read_dataset, scan_dataset
from db.enums import Action, Resource
from db.inputs import ExchangeInput
from db.load import describe, load
from db.verify import verify
from tests.synthetic import actor, article, claim, exchange, total, write_dataset, write_lines
from tests.writing import stored_ids

pytestmark = pytest.mark.anyio


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_dataset(tmp_path)


@pytest.fixture(autouse=True)
def tiny_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH", 1)


def overlap(other: str) -> dict[str, object]:
    sides = {"released_by": "north", "received_by": "south"}
    return {"exchange": other, **sides, "measure": "persons", "count": 1, "note": None}


async def test_records_refer_to_others_of_later_batches(engine: AsyncEngine, dataset: Path) -> None:
    write_lines(dataset / "actors.jsonl", actor("bloc", members=["east", "north"]), actor("north"))
    path = dataset / "more" / "actors.jsonl"
    path.parent.mkdir()
    write_lines(path, actor("south"), actor("east"))
    records = [exchange("first", overlaps=[overlap("second")]), exchange("second")]
    write_lines(dataset / "exchanges.jsonl", *records)
    report = await load(engine, [dataset, path], reason="a test")
    assert report.counts[Resource.EXCHANGE, Action.CREATED] == 2
    assert [fault async for fault in verify(engine)] == []


async def test_faults_of_all_batches_are_told_and_nothing_is_stored(
    engine: AsyncEngine, dataset: Path
) -> None:
    records = [exchange(f"e{n}", claims=[claim(f"e{n}:c1", claimant=f"nobody-{n}")]) for n in range(3)]
    write_lines(dataset / "exchanges.jsonl", exchange("first"), *records, exchange("last"))
    write_lines(dataset / "totals.jsonl", total("total-1", mediator="no-one"))
    with pytest.raises(DatasetError) as caught:
        await load(engine, [dataset], reason="a test")
    assert [(Path(error.file).name, error.line, error.message) for error in caught.value.errors] == [
        ("exchanges.jsonl", 2, "there is no actor 'nobody-0'"),
        ("exchanges.jsonl", 3, "there is no actor 'nobody-1'"),
        ("exchanges.jsonl", 4, "there is no actor 'nobody-2'"),
        ("totals.jsonl", 1, "there is no actor 'no-one'"),
    ]
    assert not any((await stored_ids(engine)).values())


async def test_of_very_many_changes_only_the_first_are_remembered(
    engine: AsyncEngine, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writes, "MOST_CHANGES", 3)
    dry = await load(engine, [dataset], reason="a test", dry_run=True)
    report = await load(engine, [dataset], reason="a test")
    assert len(report.changes) == 3
    assert report.counts == dry.counts
    assert sum(report.counts.values()) == len(describe(dry)) == 11
    write_lines(dataset / "articles.jsonl", article("page-1", title="A page"), article("page-2"))
    again = await load(engine, [dataset], reason="a test")
    assert again.counts == {
        (Resource.ARTICLE, Action.UPDATED): 1,
        (Resource.AGREEMENT, Action.RERENDERED): 1,
        (Resource.EXCHANGE, Action.RERENDERED): 2,
        (Resource.TOTAL, Action.RERENDERED): 1,
    }
    assert [fault async for fault in verify(engine)] == []


def exchanges_in_memory() -> int:
    gc.collect()
    return sum(isinstance(each, ExchangeInput) for each in gc.get_objects())


def test_what_was_read_is_not_kept(dataset: Path) -> None:
    write_lines(dataset / "exchanges.jsonl", *(exchange(f"e{n}") for n in range(50)))
    before = exchanges_in_memory()
    files = read_dataset([dataset])
    assert exchanges_in_memory() == before
    assert [entry.item.id for entry in files.entries.of(Resource.EXCHANGE)] == [f"e{n}" for n in range(50)]
    assert len(files) == 59


def test_a_file_that_changes_while_it_is_read(dataset: Path) -> None:
    files = read_dataset([dataset])
    write_lines(dataset / "totals.jsonl", total("total-1", value="many"))
    with pytest.raises(DatasetError, match=r"totals\.jsonl:1: was changed while it was read"):
        list(files.inputs)


def test_a_pipe_cannot_be_read_twice(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "totals.jsonl")
    (error,) = scan_dataset([tmp_path]).errors
    assert error.message == "cannot be a pipe, since it is read twice"


def test_hashes_stand_for_what_was_added() -> None:
    hashes = Hashes()
    for member in ("a", "b", "c", "b"):
        hashes.add(member)
    hashes.sort()
    assert [member in hashes for member in "abcd"] == [True, True, True, False]
    assert hashes.repeated() == {hash("b")}
