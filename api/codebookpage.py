"""The codebook on paper: as a page for people, and as Markdown.

Both are written from `CodebookAnswer` alone. Nothing is explained here.
"""

import datetime as dt
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template

from api.codebookschemas import (
    CodebookAnswer,
    CodebookColumn,
    CodebookPart,
    CodebookTable,
    CodebookVariable,
    WorkedExample,
    WorkedFigure,
)

MARKDOWN = "text/markdown"
CAUTIONS, RULE, CONVENTIONS = "Before you count", "From claims to figures", "How to read the files"
TABLES, PARTS, VOCABULARIES = "Tables", "Parts of records", "Vocabularies"
HEADINGS = ("Variable", "Type", "What it says", "How it is coded", "Example")
COLUMN_HEADINGS = ("Column", "Type", "What it says")
WORD_HEADINGS = ("Word", "Meaning")
ONLY_IN_FILES_TEXT = "Columns that files have instead of parts and of lists of records:"
DERIVED = "derived"
SEE_THERE = "see there"  # instead of an example, of what has examples where its parts are told
NO_EXAMPLE = "No exchange here has a figure of living people, so that none can show the rule at work."

_CODE = re.compile("`([^`]*)`")


def codebook_html(answer: CodebookAnswer) -> bytes:
    """Write the codebook as a page that needs nothing besides itself."""
    template = Template(_read("codebook.html"))
    return template.substitute(
        title=escape(answer.title), style=_read("codebook.css"), body="\n".join(_page(answer))
    ).encode()


@cache
def page_policy() -> str:
    """Give the Content-Security-Policy of the page: nothing but its own style sheet."""
    digest = b64encode(sha256(_read("codebook.css").encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


def codebook_markdown(answer: CodebookAnswer) -> str:
    """Write the codebook as Markdown (GitHub's tables)."""
    return "\n".join(_lines(answer)) + "\n"


def state_line(answer: CodebookAnswer) -> str:
    """Tell which state of the dataset a codebook speaks of."""
    return f"{answer.citation} Figures rule {answer.figures_rule.version}."


def _read(name: str) -> str:
    return files("api").joinpath("web", name).read_text(encoding="utf-8")


def _page(answer: CodebookAnswer) -> Iterator[str]:
    rule = answer.figures_rule
    yield f"<h1>Codebook</h1><p class='lead'>{_rich(answer.title)}. {_rich(answer.description)}</p>"
    yield f"<p class='source'>{_rich(state_line(answer))}</p>"
    yield _contents(answer)
    yield f"<h2 id='cautions'>{CAUTIONS}</h2><div class='cautions'>"
    for caution in answer.cautions:
        yield f"<section id='{escape(caution.code)}'><h3>{_rich(caution.title)}</h3>"
        yield f"<p>{_rich(caution.text)}</p></section>"
    yield f"</div><h2 id='rule'>{RULE}</h2><ol class='rule'>{_items(rule.statements)}</ol>"
    yield from [f"<p>{NO_EXAMPLE}</p>"] if rule.example is None else _worked(rule.example)
    yield f"<h2 id='conventions'>{CONVENTIONS}</h2><ul>{_items(answer.conventions)}</ul>"
    yield f"<h2 id='tables'>{TABLES}</h2>"
    for table in answer.tables:
        yield f"<h3 id='{escape(table.name)}'>{_titled(table.name)}</h3>"
        yield f"<p>{_rich(table.description)} <a href='{escape(table.path)}'>{escape(table.path)}</a></p>"
        yield _variables_table(table)
        if table.columns:
            columns = [[_code(c.name), _column_type(c), _rich(c.description)] for c in table.columns]
            yield f"<p>{ONLY_IN_FILES_TEXT}</p>{_html_table(COLUMN_HEADINGS, columns)}"
    yield f"<h2 id='parts'>{PARTS}</h2>"
    for part in answer.parts:
        yield f"<h3 id='{escape(part.name)}'>{_titled(part.name)}</h3><p>{_rich(part.description)}</p>"
        yield _variables_table(part)
    yield f"<h2 id='vocabularies'>{VOCABULARIES}</h2>"
    for vocabulary in answer.vocabularies:
        yield f"<h3 id='{_anchor_of_words(vocabulary.name)}'>{_titled(vocabulary.name)}</h3>"
        yield f"<p>{_rich(vocabulary.description)}</p>"
        yield _html_table(WORD_HEADINGS, [[_code(w.word), _rich(w.meaning)] for w in vocabulary.words])


def _contents(answer: CodebookAnswer) -> str:
    entries = [("cautions", CAUTIONS), ("rule", RULE), ("conventions", CONVENTIONS)]
    entries += [(table.name, f"{TABLES}: {_titled(table.name)}") for table in answer.tables]
    entries += [("parts", PARTS), ("vocabularies", VOCABULARIES)]
    links = "".join(f"<li><a href='#{anchor}'>{text}</a></li>" for anchor, text in entries)
    return f"<ul class='contents'>{links}</ul>"


def _worked(example: WorkedExample) -> Iterator[str]:
    yield f"<div class='example'><h3>The rule at work: {_day(example.date)}</h3>"
    yield f"<p>{_rich(example.summary)} <a href='{escape(example.path)}'>{escape(example.exchange)}</a></p>"
    for figure in example.figures:
        yield f"<h4>{escape(_direction(figure))}</h4><div class='range'>"
        for name, value in (("low", figure.low), ("best", figure.best), ("high", figure.high)):
            yield f"<div class='{name}'><span>{name}</span><b>{value:,}</b></div>"
        yield f"</div><ol>{_items(figure.steps)}</ol>"
    yield "</div>"


def _variables_table(told: CodebookTable | CodebookPart) -> str:
    rows = [
        [
            _code(variable.name),
            escape(_type(variable)),
            _rich(variable.description)
            + ("" if variable.curated else f" <span class='mark'>{DERIVED}</span>"),
            _linked(variable),
            _code(variable.example) if variable.part is None else SEE_THERE,
        ]
        for variable in told.variables
    ]
    return _html_table(HEADINGS, rows)


def _linked(variable: CodebookVariable) -> str:
    """Write how a variable is coded, with a link to where its words or its parts are told."""
    coding = _rich(variable.coding)
    for name, anchor in (
        (variable.vocabulary, _anchor_of_words(variable.vocabulary or "")),
        (variable.table, variable.table),
        (variable.part, variable.part),
    ):
        if name is not None:
            coding = coding.replace(_code(name), f"<a href='#{anchor}'>{_code(name)}</a>")
    return coding


def _html_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    classes = {"What it says": "what", "Meaning": "what", "How it is coded": "coding", "Example": "value"}
    head = "".join(f"<th scope='col'>{heading}</th>" for heading in headings)
    body = "".join(
        f"<tr><th scope='row'>{first}</th>"
        + "".join(
            f"<td class='{classes.get(heading, 'type')}'>{cell}</td>"
            for heading, cell in zip(headings[1:], rest, strict=True)
        )
        + "</tr>"
        for first, *rest in rows
    )
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _items(sentences: Iterable[str]) -> str:
    return "".join(f"<li>{_rich(sentence)}</li>" for sentence in sentences)


def _rich(text: str) -> str:
    """Write a text as HTML; what stands in backticks is code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _titled(name: str) -> str:
    return escape(name.replace("_", " ").capitalize())


def _anchor_of_words(name: str) -> str:
    return f"words-{escape(name)}"  # a vocabulary may be called as a part is


def _direction(figure: WorkedFigure) -> str:
    return f"Released by {figure.released_by}, received by {figure.received_by}"


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"


def _type(variable: CodebookVariable) -> str:
    listed = f"list of {variable.type}" if variable.many else variable.type
    return f"{listed} or null" if variable.may_be_null else listed


def _column_type(column: CodebookColumn) -> str:
    return f"{column.type} or empty" if column.may_be_null else column.type


def _lines(answer: CodebookAnswer) -> Iterator[str]:
    rule = answer.figures_rule
    yield from (f"# Codebook: {answer.title}", "", answer.description, "", state_line(answer), "")
    yield from (f"## {CAUTIONS}", "")
    for caution in answer.cautions:
        yield from (f"**{caution.title}.** {caution.text}", "")
    yield from (f"## {RULE}", "", *_numbered(rule.statements), "")
    if rule.example is None:
        yield from (NO_EXAMPLE, "")
    else:
        yield from (f"### The rule at work: {_day(rule.example.date)}", "")
        yield from (f"{rule.example.summary} (`{rule.example.exchange}`)", "")
        for figure in rule.example.figures:
            yield from (
                f"{_direction(figure)}: low {figure.low}, best {figure.best}, high {figure.high}.",
                "",
            )
            yield from (*_numbered(figure.steps), "")
    yield from (f"## {CONVENTIONS}", "", *(f"- {convention}" for convention in answer.conventions), "")
    yield from (f"## {TABLES}", "")
    for table in answer.tables:
        yield from (f"### {_plain_title(table.name)}", "", table.description, "", *_variable_lines(table), "")
        if table.columns:
            yield from (ONLY_IN_FILES_TEXT, "")
            rows = [[f"`{c.name}`", _column_type(c), c.description] for c in table.columns]
            yield from (*_table_lines(COLUMN_HEADINGS, rows), "")
    yield from (f"## {PARTS}", "")
    for part in answer.parts:
        yield from (f"### {_plain_title(part.name)}", "", part.description, "", *_variable_lines(part), "")
    yield f"## {VOCABULARIES}"
    for vocabulary in answer.vocabularies:
        yield from ("", f"### {_plain_title(vocabulary.name)}", "", vocabulary.description, "")
        yield from _table_lines(WORD_HEADINGS, [[f"`{w.word}`", w.meaning] for w in vocabulary.words])


def _plain_title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _numbered(sentences: Iterable[str]) -> Iterator[str]:
    return (f"{number}. {sentence}" for number, sentence in enumerate(sentences, 1))


def _variable_lines(told: CodebookTable | CodebookPart) -> Iterator[str]:
    return _table_lines(
        HEADINGS,
        [
            [
                f"`{variable.name}`",
                _type(variable),
                variable.description + ("" if variable.curated else f" ({DERIVED})"),
                variable.coding,
                f"`{variable.example}`" if variable.part is None else SEE_THERE,
            ]
            for variable in told.variables
        ],
    )


def _table_lines(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(headings)
    yield _row(["---"] * len(headings))
    yield from map(_row, rows)


def _row(cells: Iterable[str]) -> str:
    """Write a row; a bar within a cell would end it."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
