"""How a page of a list is drawn as a table on a terminal: what a person wants to see of each record first."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table
from rich.text import Text

from db.enums import Stance
from db.indexing import MEDIATING

Record = Mapping[str, Any]

# The lists, with the fields that are shown of each; of what is not named here, those that are plain.
FIELDS: Mapping[str, Sequence[str]] = {
    "exchanges": ("date", "id", "handed over", "mediators", "source"),
    "figures": ("exchange", "released_by", "received_by", "measure", "low", "best", "high", "disputed"),
    "claims": ("exchange", "released_by", "received_by", "category", "count", "qualifier", "claimant"),
    "mediations": ("exchange", "actor", "role", "stance", "claimant"),
    "articles": ("id", "published_on", "publisher", "title", "url"),
    "publishers": ("id", "name", "is_agency"),
    "actors": ("id", "name", "kind"),
    "agreements": ("id", "date", "status", "title"),
    "totals": ("id", "as_of", "claimant", "measure", "value", "qualifier"),
    "coverage": ("id", "date_from", "date_to", "scope", "status", "statement"),
    "stats": ("group", "group2", "claimant", "low", "best", "high", "exchanges", "without_figure", "overlap"),
    "reconciliation": ("series", "after", "until", "published_difference", "own_else_best", "gap"),
    "disagreements": ("exchange_date", "exchange", "released_by", "received_by", "measure", "spread", "best"),
    "mediators": ("id", "exchanges"),
    "releases": ("name", "released_at", "level", "dataset_revision"),
}
_NUMBERS = frozenset({"low", "best", "high", "spread", "count", "value", "exchanges", "without_figure"})
_NUMBERS |= {"overlap", "published_difference", "own_else_best", "gap"}
# Fields that only some answers of a list have.
_OFTEN_EMPTY = frozenset({"group2", "claimant", "overlap"})
# What the rows are, where the name of the list does not say it.
_UNITS = {"stats": "rows", "reconciliation": "steps", "coverage": "coverage notes"}
MOST_PLAIN = 8


def draw(name: str, answer: Mapping[str, Any]) -> None:
    """Draw the records of an answer, and tell how many of how many they are, of which revision."""
    records = _rows(name, answer)
    console = Console()
    fields = [field for field in FIELDS.get(name) or _plain(records) if _told(field, records)]
    table = Table(box=None, pad_edge=False, header_style="bold", row_styles=("", "dim"))
    for field in fields:
        right = "right" if field in _NUMBERS else "left"
        table.add_column(field.replace("_", " "), justify=right, overflow="fold")  # type: ignore[arg-type]
    for record in records:
        table.add_row(*(_shown(record, field) for field in fields))
    if records:
        console.print(table)
    meta = answer["meta"]
    total = meta.get("total", len(records))
    rest = "" if len(records) == total else f", {len(records):,} of them shown"
    unit = _UNITS.get(name, name)
    counted = f"{total:,} {unit.removesuffix('s') if total == 1 else unit}{rest}"
    console.print(f"{counted}; dataset revision {meta['dataset']['revision']}", style="dim")
    for note in meta["notes"]:
        console.print(f"note: {note['text']}", style="dim", markup=False)


def _rows(name: str, answer: Mapping[str, Any]) -> list[Record]:
    """Give the rows of an answer: its records, groups with their total, or the steps of series."""
    data: list[Record] = answer["data"]
    if name == "stats":
        return [*data, {**answer["total"], "group": "total"}]
    if name == "reconciliation":
        return [{**series, **step} for series in data for step in series["steps"]]
    return data


def _told(field: str, records: Sequence[Record]) -> bool:
    """Tell whether a field that only some answers have says anything in this one."""
    return field not in _OFTEN_EMPTY or any(record.get(field) is not None for record in records)


def _plain(records: Sequence[Record]) -> list[str]:
    first = records[0] if records else {}
    return [name for name, value in first.items() if not isinstance(value, dict | list)][:MOST_PLAIN]


def _shown(record: Record, field: str) -> Text:
    if field == "source":  # a terminal that can makes a link of it
        url = str(record["source_url"])
        return Text(urlsplit(url).hostname or url, style=f"link {url}")
    return Text(_cell(record, field))


def _cell(record: Record, field: str) -> str:
    if field == "handed over":
        return "\n".join(map(_figure, _whole(record["figures"]))) or "no figure"
    if field == "mediators":
        return "\n".join(dict.fromkeys(map(_mediator, record["mediations"])))
    return _plainly(record.get(field))


def _plainly(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case list():
            return "\n".join(map(str, value))
        case _:
            return str(value)


def _whole(figures: Sequence[Record]) -> list[Record]:
    """Leave out the measures that are parts of persons, where persons are known in their direction."""
    known = {_direction(each) for each in figures if each["measure"] == "persons"}
    apart = {"persons", "remains"}
    return [each for each in figures if each["measure"] in apart or _direction(each) not in known]


def _direction(figure: Record) -> tuple[object, object]:
    return figure["released_by"], figure["received_by"]


def _mediator(mediation: Record) -> str:
    role = "" if mediation["role"] in MEDIATING else f" ({mediation['role']})"
    denied = " (denied)" if mediation["stance"] == Stance.DENIES else ""
    return f"{mediation['actor']}{role}{denied}"


def _figure(figure: Record) -> str:
    spread = "" if figure["low"] == figure["high"] else f" ({figure['low']:,}–{figure['high']:,})"
    measure = "" if figure["measure"] == "persons" else f" {figure['measure']}"
    return f"{figure['released_by']} → {figure['received_by']}: {figure['best']:,}{measure}{spread}"
