"""The schemas of request bodies: what a curator writes (`db/inputs.py`), as clients may send it.

Of a new record ids may be left out, since the service makes them, and so may what is not known; articles may
be cited by URL.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from api.proposalschemas import ProposalInput
from db.drafts import unsaid
from db.inputs import ClaimInput, MediationInput
from db.rendering import INPUT_OF

TEMPLATE = "#/components/schemas/{model}"
OWN_PATHS = {"ExchangeInput": {"claims", "mediations"}}  # fields that are not patched with their record
BY_URL = " An article may also stand by its URL, or as an object with what is known of it."


def body_schemas() -> dict[str, Any]:
    """Give the schemas of all bodies, and of what they consist of, by name."""
    written = [*INPUT_OF.values(), ClaimInput, MediationInput]
    models = [*written, ProposalInput]
    _, made = models_json_schema([(model, "validation") for model in models], ref_template=TEMPLATE)
    found: dict[str, Any] = _told_from_answers(made["$defs"])
    for model in written:
        _leave_out(found[model.__name__], {"id", *unsaid(model)})
    for schema in found.values():
        _let_articles_stand_by_url(schema)
    patches = {
        model.__name__.removesuffix("Input") + "Patch": _patch(found[model.__name__]) for model in models
    }
    return found | patches


def _told_from_answers(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Call objects by names that no schema of an answer has: what is open there is closed here."""
    text = json.dumps(schemas)
    for name, schema in schemas.items():
        if schema.get("type") == "object" and not name.endswith("Input"):
            text = text.replace(f'"{TEMPLATE.format(model=name)}"', f'"{TEMPLATE.format(model=name)}Input"')
            text = text.replace(f'"{name}": {{', f'"{name}Input": {{')
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def _leave_out(schema: dict[str, Any], names: Collection[str]) -> None:
    """Require no more than a new record must say; one that stands is put whole, as the guide tells."""
    schema["required"] = [name for name in schema["required"] if name not in names]


def _let_articles_stand_by_url(schema: dict[str, Any]) -> None:
    citations = schema.get("properties", {}).get("citations")
    if citations is not None:
        citations["items"] = {"type": "string", "minLength": 1}
        citations["description"] += BY_URL


def _patch(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Make the schema of a merge patch: every field may be left out, and the id never changes."""
    left_out = {"id"} | OWN_PATHS.get(schema["title"], set())
    fields = {name: told for name, told in schema["properties"].items() if name not in left_out}
    return {"type": "object", "description": f"What changes: {schema['description']}", "properties": fields}
