"""From what a curator sends of a record to a whole one: ids made, articles found by URL, citations united.

Plain JSON in and out: whether the result is sound is said by `db/inputs.py` and `db/checks.py`. What a
request must carry besides is the API's business.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, get_args, get_origin

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.checks import WriteError, WriteItem
from db.enums import Resource
from db.fields import Model
from db.folding import url_key
from db.inputs import ArticleInput, ExternalIds
from db.merges import merged_urls
from db.models import sources
from db.naming import LETTERS, Numbers, free_id, read_numbers
from db.normalising import table
from db.rendering import INPUT_OF, RECORD_OF
from db.storing import read_current

Body = dict[str, Any]

UNKNOWN_PAGE = (
    "no article has this address; to create one, give it as an object with url, publisher, language "
    "and what else is known of it"
)


@dataclass(frozen=True)
class Draft:
    """A record as it is to be put, and the articles that it cites and nobody knew, by their dotted paths."""

    resource: Resource
    body: Body
    articles: Mapping[str, Body]

    def told(self, error: WriteError) -> WriteError:
        """Give an error with the faults of new articles where they stand in the record."""
        paths = {article["id"]: path for path, article in self.articles.items()}
        return WriteError(
            [
                replace(item, field=f"{paths[item.id]}.{item.field}")
                if item.resource is Resource.ARTICLE and item.id in paths
                else item
                for item in error.items
            ]
        )


async def drafted(
    connection: AsyncConnection, resource: Resource, sent: Body, stands: Body | None = None
) -> Draft:
    """Complete what was sent of a record; `stands` is the record as it is now served.

    Raises:
        WriteError: for what no completion can mend.
    """
    made = _Making(resource, stands or {}, dict(sent))
    if stands is None:
        made.refuse_read_only()
        made.body = {**unsaid(INPUT_OF[resource]), **made.body}
        if "id" not in made.body:
            made.body["id"] = await free_id(connection, resource, made.body)
            if made.body["id"] is None:
                made.refuse_unnamed()
    else:
        made.drop_read_only()
    made.stop()
    await _number_parts(connection, made)
    await _find_articles(connection, made)
    made.stop()
    _unite_citations(made)
    made.stop()
    return Draft(resource, made.body, made.articles)


@cache
def unsaid(model: type[Model]) -> Mapping[str, object]:
    """Give what fields of a new record hold of which nothing is said: null or nothing, where they may."""
    values: dict[str, object] = {}
    for name, field in model.model_fields.items():
        needed = any(getattr(each, "min_length", 0) for each in field.metadata)
        if type(None) in get_args(field.annotation):
            values[name] = None
        elif get_origin(field.annotation) is tuple and not needed:
            values[name] = []
        elif field.annotation is ExternalIds:
            values[name] = {}
    return values


def patched(resource: Resource, stands: Body, patch: Body) -> Body:
    """Give a record with a merge patch (RFC 7396) applied; null stands for no value.

    Claims and mediations of exchanges are no part of it: they have paths of their own.
    """
    kept = {name: stands[name] for name in INPUT_OF[resource].model_fields}
    for name, value in patch.items():
        # What the service derives is compared with what was read, its nulls too.
        merges = isinstance(value, dict) and name in kept
        kept[name] = _merged(kept[name], value) if merges else value
    return kept


def _merged(value: object, patch: Mapping[str, Any]) -> Body:
    merged: Body = dict(value) if isinstance(value, dict) else {}
    for name, each in patch.items():
        if each is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), each) if isinstance(each, dict) else each
    return merged


class _Making:
    """A draft under way, with what is wrong with it."""

    def __init__(self, resource: Resource, stands: Body, body: Body) -> None:
        self.resource = resource
        self.stands = stands
        self.body = json.loads(json.dumps(body))
        self.articles: dict[str, Body] = {}
        self.items: list[WriteItem] = []

    def refuse(self, field: str, code: str, message: str) -> None:
        """Note what is wrong."""
        id_ = self.body.get("id")
        self.items.append(WriteItem(self.resource, id_ if isinstance(id_, str) else "", field, code, message))

    def stop(self) -> None:
        """Raise what is wrong, if anything is."""
        if self.items:
            raise WriteError(self.items)

    def refuse_read_only(self) -> None:
        """Refuse the fields that the service derives: of a new record nobody can have read them."""
        for name in RECORD_OF[self.resource].model_fields:
            if name in self.body and name not in INPUT_OF[self.resource].model_fields:
                self.refuse(name, "read_only", "is derived by the service: leave it out of a new record")

    def refuse_unnamed(self) -> None:
        """Refuse a record that its fields give no id: for what it lacks, or else for the id."""
        lacking = [
            name
            for name, field in INPUT_OF[self.resource].model_fields.items()
            if field.is_required() and name not in {"id", "citations"} and name not in self.body
        ]
        for name in lacking:
            self.refuse(name, "missing", "is missing")
        if not lacking:
            self.refuse("id", "missing", "is missing, and the record's other fields give none")

    def drop_read_only(self) -> None:
        """Take out the fields that the service derives; they must be as they were read."""
        for name in self.stands.keys() & self.body.keys() - INPUT_OF[self.resource].model_fields.keys():
            if self.body.pop(name) != self.stands[name]:
                self.refuse(
                    name, "read_only", "is derived by the service: send it as it was read, or not at all"
                )

    def parts(self) -> Iterator[tuple[str, str, Body]]:
        """Give the parts of the record with their fields and dotted paths."""
        for field in LETTERS:
            listed = self.body.get(field)
            for n, part in enumerate(listed if isinstance(listed, list) else ()):
                if isinstance(part, dict):
                    yield field, f"{field}.{n}", part

    def citing(self) -> Iterator[tuple[str, Body]]:
        """Give everything in the record that cites, with its dotted path; the record itself comes last."""
        for _, path, part in self.parts():
            yield f"{path}.citations", part
        if isinstance(self.body.get("location"), dict):
            yield "location.citations", self.body["location"]
        yield "citations", self.body


async def _number_parts(connection: AsyncConnection, made: _Making) -> None:
    """Give new parts their ids; a part that brings one is one that the record has."""
    fields = INPUT_OF[made.resource].model_fields
    parts = [(field, path, part) for field, path, part in made.parts() if field in fields]
    if not parts or not isinstance(made.body["id"], str):
        return
    known = {part["id"] for field in LETTERS for part in made.stands.get(field, ())}
    if made.stands:
        for field, path, part in parts:
            if "id" in part and str(part["id"]) not in known:
                message = f"the record has no part {part['id']!r}; leave the id out to add one to its {field}"
                made.refuse(f"{path}.id", "unknown_part", message)
    if all("id" in part for _, _, part in parts):
        return
    numbers = await read_numbers(connection, made.resource, made.body["id"])
    taken = {part["id"] for _, _, part in parts if isinstance(part.get("id"), str)}
    for field, _, part in parts:
        if "id" not in part:
            part |= {**unsaid(_model_of_part(made.resource, field)), **part}
            part["id"] = _next_free(numbers, field, taken)


def _model_of_part(resource: Resource, field: str) -> type[Model]:
    """Give the model of the parts that a field lists."""
    annotation = INPUT_OF[resource].model_fields[field].annotation
    model: type[Model] = get_args(annotation)[0]
    return model


def _next_free(numbers: Numbers, field: str, taken: set[str]) -> str:
    id_ = numbers.next(field)
    while id_ in taken:
        id_ = numbers.next(field)
    return id_


async def _find_articles(connection: AsyncConnection, made: _Making) -> None:
    """Put ids in the place of articles given by their URL; one that nobody knows is to be created."""
    inline = [
        (f"{path}.{n}", citations, n)
        for path, citing in made.citing()
        if isinstance(citations := citing.get("citations"), list)
        for n, cited in enumerate(citations)
        if isinstance(cited, dict) or (isinstance(cited, str) and "://" in cited)
    ]
    bare = {path for path, citations, n in inline if isinstance(citations[n], str)}
    sent = {path: _by_url(citations[n]) for path, citations, n in inline}
    keys = {path: key for path, each in sent.items() if (key := _key(made, path, each)) is not None}
    found = await _known(connection, set(keys.values()))
    # of several that bring one article, the one that says most
    for path, key in sorted(keys.items(), key=lambda pair: -len(sent[pair[0]])):
        if key not in found and path in bare:
            made.refuse(path, "unknown_article", UNKNOWN_PAGE)
        elif key not in found:
            found[key] = made.articles[path] = {**unsaid(ArticleInput), **sent[path]}
            found[key].setdefault("id", await free_id(connection, Resource.ARTICLE, sent[path]))
    await _refuse_ids_of_others(connection, made)
    for path, citations, n in inline:
        if keys.get(path) in found:
            _compare(made, path, sent[path], found[keys[path]])
            citations[n] = found[keys[path]]["id"]


def _by_url(cited: Body | str) -> Body:
    return {"url": cited} if isinstance(cited, str) else cited


async def _refuse_ids_of_others(connection: AsyncConnection, made: _Making) -> None:
    """Refuse a new article under the id of one that stands, or of another new one."""
    ids = [body["id"] for body in made.articles.values() if isinstance(body["id"], str)]
    stand = await read_current(connection, Resource.ARTICLE, ids) if ids else {}
    for path, body in made.articles.items():
        if body["id"] in stand or ids.count(body["id"]) > 1:
            made.refuse(f"{path}.id", "id_used", f"{body['id']!r} is the id of an article with another URL")


def _key(made: _Making, path: str, sent: Body) -> str | None:
    url = sent.get("url")
    if isinstance(url, str):
        try:
            return url_key(url)
        except ValueError:
            pass
    made.refuse(f"{path}.url", "invalid_value", "an article is given by its id, or as an object with its URL")
    return None


def _compare(made: _Making, path: str, sent: Body, known: Body) -> None:
    """Refuse what is said of an article that is known otherwise: it is changed at its own path alone."""
    for name, value in sent.items():
        if name != "url" and name in known and known[name] != value:
            message = (
                f"article {known['id']} is known otherwise; change it at its own path, or leave this out"
            )
            made.refuse(f"{path}.{name}", "known_otherwise", message)


async def _known(connection: AsyncConnection, keys: set[str]) -> dict[str, Body]:
    """Give the articles that stand under these URLs, or have become part of those that stand."""
    if not keys:
        return {}
    merged = await merged_urls(connection, keys)
    article = sources.Article
    wanted = article.url_key.in_(keys) | article.id.in_(list(merged.values()))
    rows = (await connection.execute(select(table(article)).where(wanted))).mappings()
    by_id = {row["id"]: _article(dict(row)) for row in rows}
    by_key = {url_key(body["url"]): body for body in by_id.values()}
    return {
        key: by_key[key] if key in by_key else by_id[merged[key]]
        for key in keys
        if key in by_key or merged.get(key) in by_id
    }


def _article(row: Mapping[str, Any]) -> Body:
    fields = {**row, "publisher": row["publisher_id"], "agency": row["agency_id"]}
    model = ArticleInput.model_validate({name: fields[name] for name in ArticleInput.model_fields})
    body: Body = json.loads(model.model_dump_json())
    return body


def _unite_citations(made: _Making) -> None:
    """Make the record cite what its parts cite; what was dropped must not be cited by a part any more."""
    if "citations" not in INPUT_OF[made.resource].model_fields or made.resource is Resource.TOTAL:
        return
    own = made.body.setdefault("citations", [])
    if not isinstance(own, list):
        return
    dropped = set(_texts(made.stands.get("citations", ()))) - set(_texts(own))
    for path, citing in made.citing():
        for article in _texts(citing.get("citations")):
            if article in dropped and path != "citations":
                place = path.removesuffix(".citations")
                made.refuse("citations", "still_cited", f"lacks {article}, which {place} still cites")
            elif article not in own:
                own.append(article)


def _texts(listed: object) -> Sequence[str]:
    return [each for each in listed if isinstance(each, str)] if isinstance(listed, list | tuple) else []
