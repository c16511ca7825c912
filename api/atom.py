"""Atom (RFC 4287) for feed readers: how a feed and its entries become a document, and the feed of changes.

Which entries, and how they are paged, is decided by the routes; the feed of exchanges is
`api/eventfeeds.py`'s.
"""

import datetime as dt
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from api.conditional import JSON
from api.editions import CREATOR, LICENCE_NAME
from db.moments import rfc3339
from db.queries.pages import State
from db.queries.revisions import Entry
from db.rendering import PLURAL

ATOM = "application/atom+xml"
NAMESPACE = "http://www.w3.org/2005/Atom"
TITLE = "Prisoner exchanges: changes"
SUBTITLE = "Every write of every record, the newest first."

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Xml.register_namespace("", NAMESPACE)


@dataclass(frozen=True)
class Link:
    """A link of a feed or of an entry, to a whole URL; the media type is null where it is not known."""

    relation: str
    target: str
    media_type: str | None


@dataclass(frozen=True)
class FeedEntry:
    """One entry of a feed."""

    id: str
    title: str
    updated: dt.datetime
    author: str
    links: Sequence[Link]
    summary: str
    published: dt.datetime | None = None


@dataclass(frozen=True)
class Feed:
    """A page of a feed. `here` is its own URL, `following` that of the next page (RFC 5005), if there is one.

    `alternate` is the URL of the same as JSON.
    """

    id: str
    title: str
    subtitle: str
    updated: dt.datetime
    here: str
    alternate: str
    following: str | None
    entries: Sequence[FeedEntry]


def atom_feed(entries: Sequence[Entry], state: State, base: str, here: str, following: str | None) -> bytes:
    """Render a page of the changes: `here` and `following` are the paths of this page and of the next one."""
    feed = Feed(
        id=state.epoch.urn,
        title=TITLE,
        subtitle=SUBTITLE,
        updated=entries[0].at if entries else state.updated_at,
        here=base + here,
        alternate=f"{base}/v1/changes",
        following=None if following is None else base + following,
        entries=[_change(entry, state.epoch, base) for entry in entries],
    )
    return rendered(feed)


def _change(entry: Entry, epoch: uuid.UUID, base: str) -> FeedEntry:
    record = f"{base}/v1/{PLURAL[entry.resource]}/{entry.id}"
    changed = ", ".join(entry.changed())
    return FeedEntry(
        # the place of an entry never changes within an epoch, and another epoch is another history
        id=uuid.uuid5(epoch, f"{entry.dataset_revision}-{entry.position}").urn,
        title=f"{entry.resource} {entry.id} {entry.action}",
        updated=entry.at,
        author=entry.by or CREATOR,
        links=[
            Link("alternate", f"{record}/revisions/{entry.number}", JSON),
            Link("latest-version", record, JSON),
        ],
        summary=f"{entry.reason}\nChanged: {changed}." if changed else entry.reason,
    )


def rendered(feed: Feed) -> bytes:
    """Render a page of a feed."""
    root = Xml.Element(_name("feed"))
    _text(root, "id", feed.id)
    _text(root, "title", feed.title)
    _text(root, "subtitle", feed.subtitle)
    _text(root, "updated", rfc3339(feed.updated))
    _text(root, "rights", LICENCE_NAME)
    _person(root, CREATOR)
    _link(root, Link("self", feed.here, ATOM))
    _link(root, Link("alternate", feed.alternate, JSON))
    if feed.following is not None:
        _link(root, Link("next", feed.following, ATOM))
    for entry in feed.entries:
        _add(root, entry)
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def _add(root: Xml.Element, entry: FeedEntry) -> None:
    made = Xml.SubElement(root, _name("entry"))
    _text(made, "id", entry.id)
    _text(made, "title", entry.title)
    _text(made, "updated", rfc3339(entry.updated))
    if entry.published is not None:
        _text(made, "published", rfc3339(entry.published))
    _person(made, entry.author)
    for link in entry.links:
        _link(made, link)
    _text(made, "summary", entry.summary)


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"


def _text(parent: Xml.Element, name: str, text: str) -> None:
    """Add an element; characters that no XML document can hold are replaced."""
    Xml.SubElement(parent, _name(name)).text = _NO_XML.sub("\ufffd", text)


def _person(parent: Xml.Element, name: str) -> None:
    _text(Xml.SubElement(parent, _name("author")), "name", name)


def _link(parent: Xml.Element, link: Link) -> None:
    told = {"rel": link.relation, "href": link.target}
    if link.media_type is not None:
        told["type"] = link.media_type
    Xml.SubElement(parent, _name("link"), told)
