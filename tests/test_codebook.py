"""The codebook: nothing that a record or a vocabulary holds is left out, and its example is of the record."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from enum import StrEnum
from hashlib import sha256
from html.parser import HTMLParser

import httpx
import pytest
from pydantic import BaseModel

from api.codebook import codebook
from api.codebookpage import codebook_html, codebook_markdown
from api.columns import columns_of
from api.editions import Edition
from api.exports import EXPORTS
from api.metaschemas import ONLY_AS_JSON, TABLES
from api.workedexample import worked_example
from db import checks, enums
from db.dataset_files import read_dataset
from db.fieldnames import NAMES
from db.queries.dataset import Size
from db.records import Exchange
from db.rendering import PLURAL
from tests.asking import ask
from tests.contract import NEW_YEAR
from tests.databases import SHIPPED
from tests.test_dataset_metadata import AT

pytestmark = pytest.mark.anyio

EDITION = Edition(None, 7, AT, Size({}, None, None), "https://example.org")
ANSWER = codebook(EDITION, None)
WORDS = [
    found
    for found in vars(enums).values()
    if isinstance(found, type) and issubclass(found, StrEnum) and found not in {StrEnum, enums.Coded}
]


def models(of: object) -> Iterator[type[BaseModel]]:
    """Walk a model's fields, without the help of what the codebook is made with."""
    if isinstance(of, type) and issubclass(of, BaseModel):
        yield of
        for about in of.model_fields.values():
            yield from models(about.annotation)
    for argument in getattr(of, "__args__", ()):
        yield from models(argument)


def vocabularies(of: object) -> Iterator[type[StrEnum]]:
    if isinstance(of, type) and issubclass(of, StrEnum):
        yield of
    for argument in getattr(of, "__args__", ()):
        yield from vocabularies(argument)


@pytest.mark.parametrize("words", WORDS)
def test_every_word_has_one_meaning(words: type[enums.Coded]) -> None:
    assert issubclass(words, enums.Coded)
    assert (words.__doc__ or "").strip().endswith(".")
    for word in words:
        assert re.fullmatch(r"[^\n]{5,}[.?]", word.meaning), word
        assert words(word.value) is word
    assert len({word.meaning for word in words}) == len(words)


@pytest.mark.parametrize("name", TABLES)
def test_every_field_is_told(name: str) -> None:
    tables = {table.name: table for table in ANSWER.tables}
    told = {each.name: each for each in [*ANSWER.tables, *ANSWER.parts]}
    by_fields = {frozenset(v.name for v in each.variables) for each in told.values()}
    for model in models(TABLES[name]):
        fields = frozenset(model.model_fields)
        assert any(fields <= known for known in by_fields), model
    variables = {variable.name: variable for variable in tables[name].variables}
    assert list(variables) == list(TABLES[name].model_fields)
    for field, about in TABLES[name].model_fields.items():
        variable = variables[field]
        assert variable.description == about.description
        assert json.loads(variable.example) == about.examples[0]  # type: ignore[index]
        assert variable.may_be_null == (type(None) in getattr(about.annotation, "__args__", ()))
        assert variable.coding
        if variable.part is not None:
            assert variable.part in told
        if variable.table is not None:
            assert variable.table in TABLES


def test_every_word_of_a_record_is_told() -> None:
    told = {
        frozenset(word.word for word in vocabulary.words): vocabulary for vocabulary in ANSWER.vocabularies
    }
    names = {vocabulary.name for vocabulary in ANSWER.vocabularies}
    used = set()
    for table in TABLES.values():
        for model in models(table):
            for about in model.model_fields.values():
                used |= set(vocabularies(about.annotation))
    assert len(used) > 12
    for words in used:
        vocabulary = told[frozenset(str(word) for word in words)]
        assert {word.meaning for word in vocabulary.words} == {word.meaning for word in words}  # type: ignore[attr-defined]
    told_of = [*ANSWER.tables, *ANSWER.parts]
    assert {v.vocabulary for each in told_of for v in each.variables} - {None} == names


@pytest.mark.parametrize("name", sorted(TABLES.keys() - ONLY_AS_JSON))
def test_every_column_of_a_file_is_told(name: str) -> None:
    table = next(table for table in ANSWER.tables if table.name == name)
    only_in_files = {column.name: column.description for column in table.columns}
    variables = {variable.name: variable.description for variable in table.variables}
    for column in columns_of(TABLES[name]):
        assert (only_in_files.get(column.name) or variables[column.name]) == column.description


def test_tables_are_what_is_exported() -> None:
    assert {name: exported.model for name, exported in EXPORTS.items() if name in TABLES} == {
        name: model for name, model in TABLES.items() if name not in ONLY_AS_JSON
    }


def test_fields_name_what_writes_check_them_for() -> None:
    named = {
        (reference.field.rstrip("0123456789.").rpartition(".")[2], PLURAL[reference.target])
        for item in read_dataset([SHIPPED]).inputs
        for reference in checks._references(item)
    }
    assert {field for field, _ in named} >= {"citations", "claimant", "exchange", "agreement", "agency"}
    assert named <= set(NAMES.items())


async def test_example_is_computed_from_the_record(client: httpx.AsyncClient) -> None:
    answer = (await ask(client, "/v1/codebook")).json()
    record = (await ask(client, f"/v1/exchanges/{NEW_YEAR}")).json()
    example = answer["figures_rule"]["example"]
    assert example["exchange"] == NEW_YEAR
    living = [figure for figure in record["figures"] if figure["measure"] == "persons"]
    for worked, figure in zip(example["figures"], living, strict=True):
        for part in ("released_by", "received_by", "low", "best", "high"):
            assert worked[part] == figure[part]
    home = example["figures"][0]
    assert (home["low"], home["best"], home["high"]) == (150, 189, 189)
    assert home["steps"] == [
        "`ukraine` says 189, according to 4 articles.",
        "`russia` gives no total; it says 150 military, which makes 150 persons, according to 2 articles.",
        "`uae` says 150, according to 1 article.",
        "Low is 150, the smallest number that enters, and high is 189, the largest.",
        "Best is 189, the count of `ukraine`, which received the people: its count goes first.",
        "The figure is disputed, by the two parties themselves: both state exact numbers that differ.",
        "Behind best stand 4 different agencies or publishers.",
    ]


async def test_example_of_every_exchange_can_be_told(client: httpx.AsyncClient) -> None:
    bodies = (await ask(client, "/v1/exchanges.ndjson")).text.splitlines()
    assert len(bodies) > 200
    steps = [
        step
        for body in bodies
        for figure in worked_example(Exchange.model_validate_json(body)).figures
        for step in figure.steps
    ]
    assert all(re.fullmatch(r"[A-Z0-9`][^\n]*\.", step) for step in steps)
    assert any(step.startswith("Kept and not counted: ") for step in steps)
    assert any("let the people go: the receiving side states none" in step for step in steps)
    assert any(step.startswith("The article's own voice") for step in steps)


def test_without_the_record_there_is_no_example() -> None:
    assert ANSWER.figures_rule.example is None
    for told in (codebook_markdown(ANSWER), codebook_html(ANSWER).decode()):
        assert "The rule at work" not in told
        assert "No exchange here has a figure of living people" in told


class Page(HTMLParser):
    """Checks that tags are closed in order; collects texts, ids and links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"]] if given.get("id") else []  # type: ignore[list-item]
        self.links += [given["href"]] if tag == "a" and given.get("href") else []  # type: ignore[list-item]
        if tag not in {"meta", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


async def test_page(client: httpx.AsyncClient) -> None:
    response = await ask(client, "/codebook", Accept="text/html,application/xml;q=0.9,*/*;q=0.8")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-location"] == "/v1/codebook"
    page = Page(response.text)
    assert len(set(page.ids)) == len(page.ids)
    assert [link for link in page.links if not link.startswith(("/", "#"))] == []
    assert not re.search(r"<(td|th|p|li)[^>]*>\s*</", response.text), "a gap"
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    told = "".join(page.texts)
    for table in ANSWER.tables:
        for variable in table.variables:
            assert variable.name in told
    for vocabulary in ANSWER.vocabularies:
        for word in vocabulary.words:
            assert word.meaning.replace("`", "") in told
    assert (await ask(client, "/v1/codebook", Accept="text/csv")).status_code == 406


async def test_page_needs_nothing_and_lets_nothing_in(client: httpx.AsyncClient) -> None:
    response = await ask(client, "/codebook", Accept="text/html")
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    (style,) = re.findall("<style>(.*?)</style>", response.text, re.DOTALL)
    assert f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in policy
    assert not re.search(r"<script|style=|src=|@import|url\(", response.text)


def test_page_escapes_what_it_tells() -> None:
    hostile = ANSWER.model_copy(update={"description": "<script>`<b>`", "title": "a & <i>"})
    page = codebook_html(hostile).decode()
    assert "<script>" not in page
    assert "<code>&lt;b&gt;</code>" in page
    assert "<title>Codebook · a &amp; &lt;i&gt;</title>" in page


async def test_markdown(client: httpx.AsyncClient) -> None:
    response = await ask(client, "/v1/codebook.md")
    assert response.headers["content-type"] == "text/markdown; charset=utf-8"
    lines = response.text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("| ---"):
            width = len(re.findall(r"(?<!\\)\|", line))
            rows = iter(lines[number - 1 :])
            while (row := next(rows, "")).startswith("|"):
                assert len(re.findall(r"(?<!\\)\|", row)) == width, row
    assert not re.search(r"\|[ \t]*\||\S  +\S|[ \t]$|\n\n\n", response.text, re.MULTILINE), "a gap"
    for table in ANSWER.tables:
        assert f"### {table.name.capitalize()}" in lines
        for variable in table.variables:
            assert f"| `{variable.name}` | " in response.text


def test_a_path_is_no_id() -> None:
    links = [part for part in ANSWER.parts if part.name.endswith("links")]
    assert links
    assert [variable.table for part in links for variable in part.variables if variable.table] == []


async def test_codebook_of_a_state(client: httpx.AsyncClient) -> None:
    pinned = await ask(client, "/v1/codebook", {"release": "2026.11"})
    assert pinned.json()["dataset"]["release"] == "2026.11"
    assert "Release 2026.11" in pinned.json()["citation"]
    again = await ask(client, "/v1/codebook", {"release": "2026.11"}, If_None_Match=pinned.headers["etag"])
    assert again.status_code == 304
    assert (await ask(client, "/v1/codebook", {"as_of": 99})).status_code == 422
    other = await ask(client, "/v1/codebook", {"release": "2026.11"}, Accept="text/html")
    assert other.headers["etag"] != pinned.headers["etag"]


def test_the_same_facts_give_the_same_text() -> None:
    assert codebook_markdown(codebook(EDITION, None)) == codebook_markdown(ANSWER)
    assert codebook_html(codebook(EDITION, None)) == codebook_html(ANSWER)
