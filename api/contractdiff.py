"""What of a contract would break clients of an earlier one: a pure comparison of two OpenAPI documents.

For a request, breaking is what refuses something that was taken; for an answer, what is missing or other than
it was. Names of operations and schemas count, since generated clients call functions and classes by them.
Which documents are compared, and what follows, is `api/contractcheck.py`'s.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Node = Mapping[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
NULL = {"type": "null"}
WAY_OF_A_KEY = ("type", "scheme", "in", "name")
OPEN_WORDS = "x-extensible-enum"
# Bounds of what is taken: whether a greater number takes more.
BOUNDS = {
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), True),
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), False),
}


class Way(Enum):
    """Who sends what a schema is of: the client takes what it gets, the service takes what it is sent."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclass(frozen=True, order=True)
class Break:
    """One thing that would break clients. `place` is how a changelog names it."""

    place: str
    what: str

    def __str__(self) -> str:
        """Give it as a line."""
        return f"`{self.place}`: {self.what}"


def breaks_between(before: Node, after: Node) -> list[Break]:
    """Give all that would break clients of the earlier contract, each once, in the order of their places."""
    return sorted(set(_Comparison(before, after).run()))


@dataclass
class _Comparison:
    before: Node
    after: Node
    compared: set[tuple[str, str, Way]] = field(default_factory=set)

    def run(self) -> Iterator[Break]:
        schemas = _schemas(self.after)
        for name in _schemas(self.before):
            if name not in schemas:
                yield Break(name, "the schema is gone")
        ways = self.after.get("components", {}).get("securitySchemes", {})
        for name, was in self.before.get("components", {}).get("securitySchemes", {}).items():
            if any(ways.get(name, {}).get(each) != was.get(each) for each in WAY_OF_A_KEY):
                yield Break(name, "a key is sent in another way")
        for path, item in self.before["paths"].items():
            for method in METHODS:
                if method in item:
                    place = f"{method.upper()} {path}"
                    now = self.after["paths"].get(path, {}).get(method)
                    yield from [Break(place, "the operation is gone")] if now is None else []
                    yield from () if now is None else self._operation(place, item[method], now)

    def _operation(self, place: str, before: Node, after: Node) -> Iterator[Break]:
        if before.get("operationId") != after.get("operationId"):
            yield Break(place, f"operationId is {after.get('operationId')}, was {before.get('operationId')}")
        if before.get("tags", [])[:1] != after.get("tags", [])[:1]:
            yield Break(place, f"its tags are {after.get('tags')}, were {before.get('tags')}")
        if _is_public(before) and not _is_public(after):
            yield Break(place, "a key is needed")
        yield from self._parameters(place, _parameters(before), _parameters(after))
        yield from self._bodies(place, before.get("requestBody"), after.get("requestBody"))
        for status, answer in before["responses"].items():
            # A refusal that no longer happens breaks nobody.
            if status.startswith("2") or status in after["responses"]:
                yield from self._answer(f"{place} {status}", answer, after["responses"].get(status))

    def _parameters(
        self, place: str, before: Mapping[tuple[str, str], Node], after: Mapping[tuple[str, str], Node]
    ) -> Iterator[Break]:
        for key, was in before.items():
            named = f"{place} {key[1]}"
            now = after.get(key)
            if now is None:
                yield Break(named, f"the {key[0]} parameter is gone")
                continue
            if now.get("required", False) and not was.get("required", False):
                yield Break(named, "the parameter is required")
            for spelling in ("style", "explode"):
                if was.get(spelling) != now.get(spelling):
                    yield Break(named, f"its {spelling} has changed")
            yield from self._schema(named, was["schema"], now["schema"], Way.REQUEST)
        for key, now in after.items():
            if key not in before and now.get("required", False):
                yield Break(f"{place} {key[1]}", f"the {key[0]} parameter is new and required")

    def _bodies(self, place: str, before: Node | None, after: Node | None) -> Iterator[Break]:
        if after is None:
            if before is not None:
                yield Break(f"{place} body", "no body is taken")
            return
        if after.get("required", False) and not (before or {}).get("required", False):
            yield Break(f"{place} body", "a body is required")
        if before is not None:
            yield from self._contents(f"{place} body", before, after, Way.REQUEST)

    def _answer(self, place: str, before: Node, after: Node | None) -> Iterator[Break]:
        if after is None:
            yield Break(place, "the answer is gone")
            return
        headers = after.get("headers", {})
        for name, told in before.get("headers", {}).items():
            if name not in headers:
                yield Break(f"{place} {name}", "the header is gone")
            else:
                was, now = _header(self.before, told), _header(self.after, headers[name])
                yield from self._schema(f"{place} {name}", was["schema"], now["schema"], Way.ANSWER)
        yield from self._contents(place, before, after, Way.ANSWER)

    def _contents(self, place: str, before: Node, after: Node, way: Way) -> Iterator[Break]:
        now = after.get("content", {})
        for media_type, told in before.get("content", {}).items():
            if media_type not in now:
                yield Break(f"{place} {media_type}", "the media type is gone")
            else:
                yield from self._schema(place, told["schema"], now[media_type]["schema"], way)

    def _schema(self, place: str, before: Node, after: Node, way: Way) -> Iterator[Break]:
        """Compare two schemas; one that has a name is compared once for each way, under its name."""
        was, was_null = _without_null(before)
        now, now_null = _without_null(after)
        if way is Way.ANSWER and now_null and not was_null:
            yield Break(place, "it may be null")
        if way is Way.REQUEST and was_null and not now_null:
            yield Break(place, "null is refused")
        old, new = _name(was), _name(now)
        if old:
            if (old, new, way) in self.compared:
                return
            self.compared.add((old, new, way))
            place = old
        was = _schemas(self.before)[old] if old else was
        now = _schemas(self.after)[new] if new else now
        if _kind(was) != _kind(now):
            yield Break(place, f"the type is {_kind(now)}, was {_kind(was)}")
            return
        yield from _words(place, was, now, way)
        if way is Way.REQUEST:
            yield from _bounds(place, was, now)
        yield from self._properties(place, was, now, way)
        for part, mark in (("items", "[]"), ("additionalProperties", "{}")):
            if not isinstance(was.get(part), Mapping):
                continue
            if not isinstance(now.get(part), Mapping):
                yield Break(f"{place}{mark}", "what is in it is no longer told")
            else:
                yield from self._schema(f"{place}{mark}", was[part], now[part], way)

    def _properties(self, place: str, before: Node, after: Node, way: Way) -> Iterator[Break]:
        was, now = before.get("properties", {}), after.get("properties", {})
        needed_before, needed_now = set(before.get("required", ())), set(after.get("required", ()))
        for name, described in was.items():
            if name not in now:
                yield Break(f"{place}.{name}", "the field is gone")
                continue
            if way is Way.ANSWER and name in needed_before - needed_now:
                yield Break(f"{place}.{name}", "the field may be missing")
            yield from self._schema(f"{place}.{name}", described, now[name], way)
        # A new field of an answer is never `required`: past states, rendered before it, lack it.
        for name in sorted(needed_now - (needed_before if way is Way.REQUEST else set(was))):
            yield Break(f"{place}.{name}", "the field is required")


def _schemas(document: Node) -> Node:
    found: Node = document.get("components", {}).get("schemas", {})
    return found


def _header(document: Node, told: Node) -> Node:
    """Give a header, where it is told or where that refers to."""
    found: Node = document["components"]["headers"][_name(told)] if "$ref" in told else told
    return found


def _name(schema: Node) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _without_null(schema: Node) -> tuple[Node, bool]:
    """Give what a schema is beside null, and whether it may be null: the contract has no other unions."""
    kinds = schema.get("anyOf", ())
    others = [each for each in kinds if each != NULL]
    return (others[0], len(others) < len(kinds)) if len(others) == 1 else (schema, False)


def _parameters(operation: Node) -> Mapping[tuple[str, str], Node]:
    return {(each["in"], each["name"]): each for each in operation.get("parameters", ())}


def _is_public(operation: Node) -> bool:
    needed = operation.get("security", [])
    return not needed or {} in needed


def _kind(schema: Node) -> str:
    """Give the type with its format, which generated clients read as another type."""
    kind = str(schema.get("type", "anything"))
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _words(place: str, before: Node, after: Node, way: Way) -> Iterator[Break]:
    """Compare vocabularies. A closed one of answers is closed: it gets no new words and is not opened."""
    was, now = before.get("enum"), after.get("enum")
    known = [*(was or ()), *before.get(OPEN_WORDS, ())]
    told = [*(now or ()), *after.get(OPEN_WORDS, ())]
    for word in known:
        if told and word not in told:
            yield Break(place, f"the word {word} is gone")
    if way is Way.REQUEST and now is not None and was is None:
        yield Break(place, "only some words are taken")
    if way is Way.ANSWER and was is not None:
        if now is None:
            yield Break(place, "the vocabulary is no longer closed")
        for word in now or ():
            if word not in was:
                yield Break(place, f"the closed vocabulary has the new word {word}")


def _bounds(place: str, before: Node, after: Node) -> Iterator[Break]:
    """Compare what is taken: less than before is breaking."""
    if "pattern" in after and before.get("pattern") != after["pattern"]:
        yield Break(place, "another pattern must match")
    if after.get("uniqueItems", False) and not before.get("uniqueItems", False):
        yield Break(place, "nothing may be in it twice")
    for bound, greater_takes_more in BOUNDS.items():
        if bound not in after:
            continue
        was, now = before.get(bound), after[bound]
        if was is None or (now < was if greater_takes_more else now > was):
            yield Break(place, f"{bound} is {now}, was {'none' if was is None else was}")
