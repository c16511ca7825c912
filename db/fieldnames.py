"""Which record an id names, by the name of the field that holds it: of inputs, of records, of computed rows.

Whether there is such a record is checked when it is written (`db/checks.py`).
"""

from collections.abc import Mapping

# By the plural of what they name.
_FIELDS: Mapping[str, str] = {
    "actors": (
        "actor best_claimant claimant counted_by mediator mediators members parties received_by released_by"
    ),
    "articles": "article articles citations location_citations",
    "publishers": "agency publisher",
    "agreements": "agreement",
    "exchanges": "exchange",
    "claims": "claims",
    "totals": "previous total",
    "coverage": "coverage",
}
NAMES: Mapping[str, str] = {field: plural for plural, fields in _FIELDS.items() for field in fields.split()}
