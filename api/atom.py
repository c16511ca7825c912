"""The change feed as Atom (RFC 4287), for feed readers: from entries of the history to the document.

Which entries, and how they are paged, is decided by `api/routes/changes.py`.
"""

import datetime as dt
import re
import uuid
from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from db.queries.pages import State
from db.queries.revisions import Entry
from db.rendering import PLURAL

ATOM = "application/atom+xml"
NAMESPACE = "http://www.w3.org/2005/Atom"
TITLE = "Prisoner exchanges: changes"
SUBTITLE = "Every write of every record, the newest first."
RIGHTS = "CC BY 4.0"
NOBODY = "the service"  # wrote what no key wrote

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Xml.register_namespace("", NAMESPACE)


def atom_feed(entries: Sequence[Entry], state: State, base: str, here: str, following: str | None) -> bytes:
    """Render a page of the feed: `here` and `following` are the paths of this page and of the next one."""
    feed = Xml.Element(_name("feed"))
    updated = entries[0].at if entries else state.updated_at
    _text(feed, "id", state.epoch.urn)
    _text(feed, "title", TITLE)
    _text(feed, "subtitle", SUBTITLE)
    _text(feed, "updated", _moment(updated))
    _text(feed, "rights", RIGHTS)
    _person(feed, NOBODY)
    _link(feed, "self", base + here, ATOM)
    _link(feed, "alternate", f"{base}/v1/changes", "application/json")
    if following is not None:
        _link(feed, "next", base + following, ATOM)  # RFC 5005
    for entry in entries:
        _add(feed, entry, state.epoch, base)
    return bytes(Xml.tostring(feed, encoding="utf-8", xml_declaration=True))


def _add(feed: Xml.Element, entry: Entry, epoch: uuid.UUID, base: str) -> None:
    made = Xml.SubElement(feed, _name("entry"))
    record = f"{base}/v1/{PLURAL[entry.resource]}/{entry.id}"
    changed = ", ".join(entry.changed())
    # the place of an entry never changes within an epoch, and another epoch is another history
    _text(made, "id", uuid.uuid5(epoch, f"{entry.dataset_revision}-{entry.position}").urn)
    _text(made, "title", f"{entry.resource} {entry.id} {entry.action}")
    _text(made, "updated", _moment(entry.at))
    _person(made, entry.by or NOBODY)
    _link(made, "alternate", f"{record}/revisions/{entry.number}", "application/json")
    _link(made, "latest-version", record, "application/json")
    _text(made, "summary", f"{entry.reason}\nChanged: {changed}." if changed else entry.reason)


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"


def _text(parent: Xml.Element, name: str, text: str) -> None:
    """Add an element; characters that no XML document can hold are replaced."""
    Xml.SubElement(parent, _name(name)).text = _NO_XML.sub("\ufffd", text)


def _person(parent: Xml.Element, name: str) -> None:
    _text(Xml.SubElement(parent, _name("author")), "name", name)


def _link(parent: Xml.Element, relation: str, target: str, media_type: str) -> None:
    Xml.SubElement(parent, _name("link"), {"rel": relation, "href": target, "type": media_type})


def _moment(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat()
