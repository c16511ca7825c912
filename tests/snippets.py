"""The fenced blocks of README and guide: which are run, which show an output, and what counts as the same.

A block is run if its language is `sh`, `python`, `r` or `sql`. All `sh` and `sql` blocks of a page are one
session, in its order: variables, folder and files stay. A `python` or `r` block stands by itself. A block of
`json` or `text` shows what the nearest block above it printed, and is held to that.

A comment right before a block says what else is to be known of it:

- `<!-- not run: REASON -->`: it cannot be run here; the URLs in it must answer, with the type they promise.
- `<!-- refused: 422 -->`: the last request in it is meant to be refused, with that status.
- `<!-- until stopped -->`: it does not end by itself; it is stopped once what the page shows has come.

What varies or would be long is left out by `…`, and only that: within a line of text or a string any
characters, on a line of its own any lines, in an array any items, in an object any further members, as a
value any value.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from api.guide import EXAMPLE_BASE
from api.guide import OUTPUT as SHOWN

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "openapi" / "guide"
SESSION = ("sh", "sql")
ALONE = ("python", "r")
DOTS = "…"
URL = re.compile(re.escape(EXAMPLE_BASE) + r"[^\s\"'<>)`]*")

_MARKER = re.compile(r"<!-- (not run|refused|until stopped)(?:: (.+?))? -->\s*", re.DOTALL)
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|…|[^\s{}\[\]:,"…]+')


class PageError(AssertionError):
    """A page breaks the rules above, or does not tell what is so."""


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, what marks it, and the block below it that shows its output."""

    page: str
    line: int
    language: str
    code: str
    mark: str | None = None
    detail: str | None = None
    shown: "Block | None" = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def reason(self) -> str | None:
        """Say why it is not run; None if it is."""
        return self.detail if self.mark == "not run" else None

    @property
    def refusal(self) -> int | None:
        """Give the status with which it is refused; None if it is not."""
        return int(self.detail or "") if self.mark == "refused" else None

    @property
    def endless(self) -> bool:
        return self.mark == "until stopped"


def pages() -> dict[str, str]:
    """Give the text of each page by its path."""
    paths = [ROOT / "README.md", *sorted(GUIDE.glob("*.md"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def blocks_of(page: str, text: str) -> list[Block]:
    """Give the blocks that are run or marked as not run, each with the block that shows its output.

    Raises:
        PageError: a block is neither, or a comment marks nothing.
    """
    found: list[Block] = []
    for block in _fences(page, text):
        if block.language in SHOWN and block.mark is None:
            if not found or found[-1].reason or found[-1].shown:
                raise PageError(f"{block} shows the output of no block above it")
            found[-1] = replace(found[-1], shown=block)
        elif block.language in (*SESSION, *ALONE) or block.reason:
            found.append(block)
        else:
            raise PageError(f"{block} is neither run nor marked: {block.language or 'it has no language'}")
    return found


def _fences(page: str, text: str) -> Iterator[Block]:
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "code_block":
            raise PageError(f"{page}:{(token.map or [0])[0] + 1} is indented code; fence it")
        if token.type != "fence":
            continue
        line = (token.map or [0])[0] + 1
        comment = before.content if before is not None and before.type == "html_block" else ""
        marker = _MARKER.fullmatch(comment)
        if comment and marker is None:
            raise PageError(f"{page}:{line} has a comment before it that marks nothing: {comment.strip()}")
        mark, detail = (marker[1], marker[2]) if marker else (None, None)
        if (detail is None) == (mark in ("not run", "refused")):
            raise PageError(f"{page}:{line} is marked as '{mark}' in the wrong way")
        yield Block(page, line, token.info.strip(), token.content, mark, detail)


def check_shown(shown: Block, printed: str) -> None:
    """Compare what a page shows with what came.

    Raises:
        PageError: they differ otherwise than in what the page leaves out.
    """
    if shown.language == "json":
        fault = _differs(_pattern(shown.code), json.loads(printed), "")
        if fault:
            raise PageError(f"{shown}: {fault}\n--- came:\n{printed}")
    elif _text_pattern(shown.code).fullmatch(_trimmed(printed)) is None:
        raise PageError(f"{shown} shows another output than this:\n{printed}")


def begins_as_shown(shown: Block, printed: str) -> bool:
    """Tell whether all that a page shows has come, whatever comes behind it."""
    return _text_pattern(shown.code).match(_trimmed(printed)) is not None


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines()) + "\n"


def _text_pattern(shown: str) -> re.Pattern[str]:
    lines = (
        r"(?:.*\n)*?" if line.strip() == DOTS else ".*".join(map(re.escape, line.split(DOTS))) + r"\n"
        for line in _trimmed(shown).splitlines()
    )
    return re.compile("".join(lines))


def _pattern(shown: str) -> Any:
    """Read JSON in which bare dots stand for what is left out; they become strings, or members."""
    tokens, inside, last = [], [], ""
    for token in _JSON_TOKEN.findall(shown):
        if token in "{[":
            inside.append(token)
        elif token in "}]":
            inside.pop()
        if (last == DOTS and token not in ",]}") or (token == DOTS and last not in ",:[{"):
            tokens.append(",")
        member = token == DOTS and bool(inside) and inside[-1] == "{" and last != ":"
        tokens.append('"…":"…"' if member else '"…"' if token == DOTS else token)
        last = token
    return json.loads("".join(tokens))


def _differs(shown: Any, came: Any, path: str) -> str | None:
    """Say where an answer is not as shown; None if it is."""
    if shown == DOTS:
        return None
    if isinstance(shown, dict) and isinstance(came, dict):
        wanted = {name: value for name, value in shown.items() if name != DOTS}
        if set(wanted) - set(came) or (DOTS not in shown and set(came) - set(wanted)):
            return f"{path or '/'} has the members {sorted(came)}"
        faults = (_differs(value, came[name], f"{path}/{name}") for name, value in wanted.items())
        return next(filter(None, faults), None)
    if isinstance(shown, list) and isinstance(came, list):
        return _items_differ(shown, came, path)
    if isinstance(shown, str) and isinstance(came, str) and DOTS in shown:
        pattern = ".*".join(map(re.escape, shown.split(DOTS)))
        return None if re.fullmatch(pattern, came, re.DOTALL) else f"{path} is {came!r}"
    return None if type(shown) is type(came) and shown == came else f"{path} is {came!r}, not {shown!r}"


def _items_differ(shown: list[Any], came: list[Any], path: str) -> str | None:
    if not shown:
        return f"{path} has {len(came)} items more" if came else None
    first, *rest = shown
    if first == DOTS:
        faults = [_items_differ(rest, came[start:], path) for start in range(len(came) + 1)]
        return None if None in faults else faults[0]
    if not came:
        return f"{path} ends before {first!r}"
    return _differs(first, came[0], f"{path}/0") or _items_differ(rest, came[1:], path)
