"""Loading: all or nothing, repeatable, with one revision for what changed and none for what did not."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from db.checks import twin_directions
from db.dataset_files import DatasetError
from db.enums import Action, Resource
from db.inputs import ExchangeInput
from db.load import LoadReport, describe, load, summary_lines
from db.models.history import Dataset, Revision
from tests.synthetic import actor, article, claim, exchange, publisher, total, write_dataset, write_lines
from tests.writing import stored_ids

pytestmark = pytest.mark.anyio

SHIPPED = Path(__file__).parent.parent / "db" / "dataset"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_dataset(tmp_path)


async def dataset_revision(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return (await connection.execute(select(Dataset.revision))).scalar_one()


async def refused(engine: AsyncEngine, *paths: Path) -> list[tuple[str, int | None, str | None, str]]:
    """Load what must be refused, and give the errors; nothing may have been stored."""
    before = await stored_ids(engine), await dataset_revision(engine)
    with pytest.raises(DatasetError) as caught:
        await load(engine, paths, reason="a test")
    assert (await stored_ids(engine), await dataset_revision(engine)) == before
    return [(Path(error.file).name, error.line, error.field, error.message) for error in caught.value.errors]


async def test_the_first_load_creates_everything(engine: AsyncEngine, dataset: Path) -> None:
    before = await dataset_revision(engine)
    steps: list[tuple[int, int]] = []
    report = await load(engine, [dataset], reason="a test", progress=lambda *step: steps.append(step))
    assert report.revision == before + 1 == await dataset_revision(engine)
    assert report.counts == {
        (Resource.PUBLISHER, Action.CREATED): 1,
        (Resource.ACTOR, Action.CREATED): 3,
        (Resource.ARTICLE, Action.CREATED): 2,
        (Resource.AGREEMENT, Action.CREATED): 1,
        (Resource.EXCHANGE, Action.CREATED): 2,
        (Resource.TOTAL, Action.CREATED): 1,
        (Resource.COVERAGE, Action.CREATED): 1,
    }
    assert report.missing == {}
    assert steps[-1] == (11, 11)
    assert summary_lines(report)[:2] == [
        "publishers: 1 created, 0 updated, 0 unchanged",
        "actors: 3 created, 0 updated, 0 unchanged",
    ]
    assert summary_lines(report)[-1] == f"dataset revision {report.revision}"


async def test_a_second_load_changes_nothing(engine: AsyncEngine, dataset: Path) -> None:
    first = await load(engine, [dataset], reason="a test")
    second = await load(engine, [dataset], reason="a test")
    assert (second.revision, second.changes) == (first.revision, ())
    assert second.unchanged[Resource.ACTOR] == 3
    assert summary_lines(second)[-1] == f"nothing changed; dataset revision {first.revision}"


async def test_the_shipped_dataset_loads_and_loads_again(engine: AsyncEngine) -> None:
    first = await load(engine, [SHIPPED], reason="a test")
    assert first.counts[Resource.EXCHANGE, Action.CREATED] == 235
    assert len(first.changes) == 2112
    assert (await load(engine, [SHIPPED], reason="a test")).changes == ()


async def test_one_changed_line_is_one_update_with_its_reason(engine: AsyncEngine, dataset: Path) -> None:
    await load(engine, [dataset], reason="a test")
    path = write_lines(dataset / "totals.jsonl", total("total-1", value=51))
    report = await load(engine, [dataset], reason="a correction")
    assert describe(report) == ["total total-1: value 50 → 51"]
    assert report.unchanged[Resource.EXCHANGE] == 2
    assert report.unchanged[Resource.TOTAL] == 0
    assert (await load(engine, [path], reason="again")).changes == ()
    async with engine.connect() as connection:
        columns = (Revision.record_id, Revision.number, Revision.action, Revision.reason)
        statement = select(*columns).where(Revision.dataset_revision == report.revision)
        rows = (await connection.execute(statement)).all()
    assert [tuple(row) for row in rows] == [("total-1", 2, "updated", "a correction")]


async def test_claims_are_matched_by_their_ids(engine: AsyncEngine, dataset: Path) -> None:
    await load(engine, [dataset], reason="a test")
    claims = [claim("first:c3", category="civilian"), claim("first:c1", count=6)]
    path = write_lines(dataset / "exchanges.jsonl", exchange("first", claims=claims))
    report = await load(engine, [path], reason="a test")
    added, changed, removed = describe(report)
    assert added.startswith('exchange first: claims.0 + {"id": "first:c3"')
    assert changed == "exchange first: claims.1.count 5 → 6"
    assert removed.startswith('exchange first: claims.1 − {"id": "first:c2"')


async def test_what_the_files_lack_is_reported_and_kept(engine: AsyncEngine, dataset: Path) -> None:
    await load(engine, [dataset], reason="a test")
    path = write_lines(dataset / "exchanges.jsonl", exchange("second", date="2020-03-01"))
    report = await load(engine, [path], reason="a test")
    assert report.missing == {Resource.EXCHANGE: ("first",)}
    assert (await stored_ids(engine))[Resource.EXCHANGE] == {"first", "second"}
    assert "exchanges: 1 in the database but not in the files, kept: first" in summary_lines(report)


async def test_a_file_may_refer_to_what_the_database_has(engine: AsyncEngine, dataset: Path) -> None:
    await load(engine, [dataset], reason="a test")
    path = write_lines(dataset / "totals.jsonl", total("total-2", mediator="east", agreement="talks"))
    report = await load(engine, [path], reason="a test")
    assert describe(report) == ["total total-2: created"]


async def test_unknown_references_store_nothing(engine: AsyncEngine, dataset: Path) -> None:
    claims = [claim("first:c1"), claim("first:c2", claimant="nobody")]
    write_lines(dataset / "exchanges.jsonl", exchange("second"), exchange("first", claims=claims))
    write_lines(dataset / "totals.jsonl", total("total-1", citations=["page-1", "page-9"]))
    assert await refused(engine, dataset) == [
        ("exchanges.jsonl", 2, "claims.1.claimant", "there is no actor 'nobody'"),
        ("totals.jsonl", 1, "citations.1", "there is no article 'page-9'"),
    ]


async def test_names_and_pages_of_the_database_are_taken(engine: AsyncEngine, dataset: Path) -> None:
    await load(engine, [dataset], reason="a test")
    write_lines(dataset / "actors.jsonl", actor("west", aliases=["NORTH"]))
    write_lines(dataset / "articles.jsonl", article("page-3", url="https://example.org/page-1/"))
    errors = await refused(engine, dataset / "actors.jsonl", dataset / "articles.jsonl")
    assert [(file, line, field) for file, line, field, _ in errors] == [
        ("actors.jsonl", 1, "aliases"),
        ("articles.jsonl", 1, "url"),
    ]


async def test_faults_of_all_kinds_are_reported_at_once(engine: AsyncEngine, dataset: Path) -> None:
    write_lines(dataset / "articles.jsonl", article("page-1", title=5), article("page-2", publisher="no-one"))
    write_lines(dataset / "totals.jsonl", total("total-1", mediator="nobody"), "{}")
    errors = await refused(engine, dataset)
    places = [(file, line, field) for file, line, field, _ in errors]
    assert places[:3] == [
        ("articles.jsonl", 1, "title"),
        ("articles.jsonl", 2, "publisher"),
        ("totals.jsonl", 1, "mediator"),
    ]
    assert {place[:2] for place in places[3:]} == {("totals.jsonl", 2)}


async def test_an_unreadable_line_blames_no_other(engine: AsyncEngine, dataset: Path) -> None:
    write_lines(dataset / "articles.jsonl", "{", article("page-2"))
    errors = await refused(engine, dataset)
    assert [(file, line) for file, line, _, _ in errors] == [("articles.jsonl", 1)]


async def test_a_missing_path_blames_no_line(engine: AsyncEngine, dataset: Path) -> None:
    errors = await refused(engine, dataset / "exchanges.jsonl", dataset / "nowhere")
    assert errors == [("nowhere", None, None, "no such file or directory")]


async def test_a_dry_run_stores_nothing_and_shows_the_difference(engine: AsyncEngine, dataset: Path) -> None:
    first = await load(engine, [dataset], reason="a test")
    claims = [claim("first:c1", count=6), claim("first:c2", category="military")]
    write_lines(dataset / "exchanges.jsonl", exchange("first", claims=claims), exchange("third"))
    report = await load(engine, [dataset], reason="a test", dry_run=True)
    assert describe(report) == ["exchange first: claims.0.count 5 → 6", "exchange third: created"]
    assert (
        summary_lines(report)[-1]
        == f"dry run, nothing stored; would be dataset revision {first.revision + 1}"
    )
    assert await dataset_revision(engine) == first.revision
    assert (await stored_ids(engine))[Resource.EXCHANGE] == {"first", "second"}


async def test_a_changed_article_shows_in_what_cites_it(engine: AsyncEngine, dataset: Path) -> None:
    await load(engine, [dataset], reason="a test")
    path = write_lines(dataset / "articles.jsonl", article("page-1", title="A page"), article("page-2"))
    report = await load(engine, [path], reason="a test")
    assert describe(report) == [
        'article page-1: title null → "A page"',
        'agreement talks: articles.0.title null → "A page"',
        'exchange first: articles.0.title null → "A page"',
        'exchange second: articles.0.title null → "A page"',
        'total total-1: articles.0.title null → "A page"',
    ]
    assert report.unchanged == {Resource.ARTICLE: 1}


async def test_a_record_without_a_citation_is_refused(engine: AsyncEngine, dataset: Path) -> None:
    write_lines(dataset / "totals.jsonl", total("total-1", citations=[]))
    assert await refused(engine, dataset) == [
        ("totals.jsonl", 1, "citations", "must hold at least 1, not 0"),
    ]


async def test_a_publisher_alone_can_be_loaded(engine: AsyncEngine, tmp_path: Path) -> None:
    report = await load(
        engine, [write_lines(tmp_path / "publishers.jsonl", publisher("gazette"))], reason="a test"
    )
    assert isinstance(report, LoadReport)
    assert report.missing == {}


async def test_a_coalition_and_its_member_are_not_counted_side_by_side(
    engine: AsyncEngine, dataset: Path
) -> None:
    await load(engine, [dataset], reason="a test")
    bloc = write_lines(dataset / "actors.jsonl", actor("bloc", kind="coalition", members=["south"]))
    await load(engine, [bloc], reason="a test")
    claims = [claim("first:c1"), claim("first:c2", received_by="bloc")]
    path = write_lines(dataset / "exchanges.jsonl", exchange("first", claims=claims))
    (error,) = await refused(engine, path)
    assert error[1:3] == (1, "claims")
    assert error[3] == "north to bloc and north to south differ only by a coalition and its member"


@pytest.mark.parametrize(
    "second",
    [
        claim("a:c2", received_by="bloc", rank="deprecated"),
        claim("a:c2", received_by="bloc", covers="fragment"),
        claim("a:c2", released_by="east", received_by="bloc"),
        claim("a:c2", released_by="bloc", received_by="north"),
    ],
)
def test_a_coalition_beside_its_member_is_fine_where_nothing_is_counted_twice(
    second: dict[str, object],
) -> None:
    item = ExchangeInput.model_validate_json(json.dumps(exchange("a", claims=[claim("a:c1"), second])))
    assert twin_directions(item, {"bloc": ["south"]}) == []
