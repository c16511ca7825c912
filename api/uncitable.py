"""Why a path cannot be cited, and what can be cited in its place, in words.

What can be cited is decided in `api/citing.py`. A line is about one kind of path; the first that fits speaks.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from urllib.parse import urlencode

from api.charts import DIMENSIONS, SCALE, WIDTH
from api.exports import EXPORTS
from api.formats import FORMATS
from api.statistics import GROUP_BY
from db.rendering import PLURAL

VERSION = "/v1"
ID = "[a-z0-9:-]+"
RECORDS = "|".join(PLURAL.values())
MOST_SHOWN = 100  # characters of a path
# What says how large a picture is.
_PICTURE = re.compile(f"(?:{WIDTH.name}|{SCALE.name})=")


@dataclass(frozen=True)
class _Kind:
    """A kind of path: what it is, in words, and what to cite in its place, with what the pattern has found.

    `keeps`: what is cited in its place takes the same query.
    """

    pattern: str
    message: str
    instead: Sequence[str] = ()
    keeps: bool = False


_KINDS = (
    *(
        _Kind(
            rf"charts/{chart}\.(?:svg|png)",
            "is a picture: cite the statistics that it shows",
            [f"/v1/stats?{urlencode([(GROUP_BY.name, each) for each in dimensions])}".rstrip("?")],
            keeps=True,
        )
        for chart, dimensions in DIMENSIONS.items()
    ),
    _Kind(
        rf"(?:c|citations)/{ID}",
        "is a citation already: its `url`, which ends in /c/ and the id, is the address to print",
    ),
    _Kind(
        "citations",
        "takes citations and holds no rows: cite the file of what cites which article",
        [EXPORTS["citations"].path],
        keeps=True,
    ),
    _Kind(
        rf"exchanges/({ID})/citation",
        "tells how to cite an exchange: print the `url` that it gives, or cite the exchange",
        [r"/v1/exchanges/\1"],
        keeps=True,
    ),
    _Kind(
        rf"({RECORDS})/({ID})/revisions/[0-9]+",
        "is the address of one revision, which never changes: print it as it is, or cite the record",
        [r"/v1/\1/\2"],
    ),
    _Kind(
        rf"({RECORDS})/({ID})/(?:revisions|diff)",
        "tells the history of a record, which goes on: cite the record, with `as_of` for an earlier state",
        [r"/v1/\1/\2"],
    ),
    _Kind(
        rf"exchanges/{ID}/(claims|mediations)/({ID})",
        "is a part of an exchange: cite it by its own path",
        [r"/v1/\1/\2"],
        keeps=True,
    ),
    _Kind(
        rf"exchanges/({ID})/(claims|mediations)",
        "is a part of an exchange: cite the list of all, narrowed down to it",
        [r"/v1/\2?exchange=\1"],
    ),
    _Kind(
        rf"articles/({ID})/exchanges",
        "is a part of a list: cite the list, narrowed down by the article",
        [r"/v1/exchanges?article=\1"],
        keeps=True,
    ),
    _Kind(
        rf"agreements/({ID})/progress",
        "is told anew from figures: cite the agreement, or the figures of the exchanges that carry it out",
        [r"/v1/agreements/\1", r"/v1/figures?agreement=\1"],
    ),
    _Kind(
        rf"mediators(?:/{ID})?",
        "counts mediations: cite these, or statistics of them",
        ["/v1/mediations", "/v1/stats?group_by=mediator&measure=exchanges"],
    ),
    _Kind(
        rf"figures/{ID}",
        "is no path of a figure, which has none: cite the list, narrowed down to it",
        ["/v1/figures"],
    ),
    _Kind(
        r"exchanges\.(?:atom|ics)",
        "is a feed, which goes on: cite the list that it follows",
        ["/v1/exchanges"],
        keeps=True,
    ),
    _Kind(
        r"changes(?:\.atom)?",
        "is a feed, which goes on: cite the records that were changed, with `as_of` for an earlier state",
    ),
    _Kind(
        r"releases/([0-9.]+|latest)(?:/.*)?",
        "is about a release, and its download holds CITATION.cff to cite it as a whole; or cite a list or a "
        "record with `release`",
        [r"/v1/exchanges?release=\1"],
    ),
    _Kind(
        "(?:releases|dataset|codebook|datapackage|croissant)(?:[./].*)?",
        "describes the dataset, which is cited as /v1/dataset says: cite a list or a record here",
    ),
    _Kind(
        "(?:me|import|proposals|proposal-counts)(?:/.*)?",
        "is for those who write, and holds nothing to cite: cite a list or a record",
    ),
    _Kind(
        r"(?:docs|problems|healthz|readyz|metrics|openapi\.json)(?:/.*)?|",
        "tells about the service, and holds no records: cite a list or a record",
    ),
    _Kind(
        rf"({'|'.join(EXPORTS)})\.[^/]*",
        f"has an ending that is no format ({', '.join(FORMATS)}): leave the ending out",
        [r"/v1/\1"],
        keeps=True,
    ),
    _Kind(r"(.+)/", "ends in a slash: leave it out", [r"/v1/\1"], keeps=True),
)


def reason_of(path: str, query: str) -> tuple[str, Sequence[str]]:
    """Give why a path of this service cannot be cited, and URLs that can in its place.

    `path` is as it was sent, with the version or without.
    """
    if not path.startswith("/"):
        return "must begin with a slash, or with http and the host of this service", _near(f"/{path}")
    below = path.removeprefix(VERSION).removeprefix("/")
    for kind in _KINDS:
        match = re.fullmatch(kind.pattern, below)
        if match is not None:
            instead = [match.expand(each) for each in kind.instead]
            kept = "&".join(each for each in query.split("&") if each and not _PICTURE.match(each))
            if kind.keeps and kept:
                instead = [f"{each}{'&' if '?' in each else '?'}{kept}" for each in instead]
            told = f", as {' or '.join(instead)}" if instead else ""
            return f"names {_shown(path)}, which {kind.message}{told}", instead
    message = f"names {_shown(path)}, which is neither a list, nor a record, nor statistics of this service"
    return message, _near(path)


def _shown(path: str) -> str:
    return repr(path[:MOST_SHOWN])


def _near(path: str) -> Sequence[str]:
    versioned = path if path.startswith(f"{VERSION}/") else VERSION + path
    return get_close_matches(versioned, [each.path for each in EXPORTS.values()], n=3, cutoff=0.8)
