"""Who may do what: every route, asked without a key and with every kind of key. A new route needs a row."""

from collections.abc import AsyncIterator, Iterator, Mapping

import httpx
import pytest
from starlette.routing import BaseRoute, Router

from api.exports import EXPORTS
from db.enums import Role
from db.rendering import PLURAL
from tests.applications import application, running
from tests.contract import EVERY, Operation
from tests.keyring import BAD, Keys, keyring

pytestmark = pytest.mark.anyio

ANYBODY = None
RECORD_WRITES = ("create", "replace", "update", "delete", "restore", "revert", "merge")
PART_WRITES = ("create", "replace", "update", "delete")
# The least role that each operation needs; what is not of the contract stands below.
NEEDED: Mapping[str, Role | None] = {
    **dict.fromkeys(("get_health", "get_readiness", "get_dataset"), ANYBODY),
    **dict.fromkeys(("get_dataset_jsonld", "get_data_package", "get_croissant"), ANYBODY),
    **dict.fromkeys(("get_codebook", "get_codebook_markdown"), ANYBODY),
    **dict.fromkeys((f"list_{plural}" for plural in PLURAL.values()), ANYBODY),
    **dict.fromkeys((f"get_{noun}" for noun in PLURAL if noun != "coverage"), ANYBODY),
    **dict.fromkeys(("get_coverage_note", "list_article_exchanges", "list_figures"), ANYBODY),
    **dict.fromkeys(("list_claims", "get_claim", "list_mediations", "get_mediation"), ANYBODY),
    **dict.fromkeys(("list_mediators", "get_mediator"), ANYBODY),
    **dict.fromkeys(("get_reconciliation", "get_agreement_progress", "list_disagreements"), ANYBODY),
    **dict.fromkeys(("list_exchange_claims", "get_exchange_claim"), ANYBODY),
    **dict.fromkeys(("list_exchange_mediations", "get_exchange_mediation"), ANYBODY),
    "get_stats": ANYBODY,
    **dict.fromkeys(("list_releases", "get_release"), ANYBODY),
    **dict.fromkeys(("get_release_download", "get_release_comparison"), ANYBODY),
    **dict.fromkeys(("get_changes", "get_changes_atom"), ANYBODY),
    **dict.fromkeys(("create_citation", "get_citation", "get_cited_records"), ANYBODY),
    **dict.fromkeys(("get_exchange_citation", "get_exchanges_atom", "get_exchanges_calendar"), ANYBODY),
    **dict.fromkeys(("get_chart_svg", "get_chart_png"), ANYBODY),
    **dict.fromkeys((f"export_{name}" for name in EXPORTS), ANYBODY),
    **dict.fromkeys((f"list_{noun}_revisions" for noun in PLURAL), ANYBODY),
    **dict.fromkeys((f"get_{noun}_revision" for noun in PLURAL), ANYBODY),
    **dict.fromkeys((f"get_{noun}_diff" for noun in PLURAL), ANYBODY),
    **dict.fromkeys(("get_proposal_counts", "get_proposal", "get_proposal_diff"), ANYBODY),
    **dict.fromkeys(("create_proposal", "list_proposals"), Role.CONTRIBUTOR),
    **dict.fromkeys(("replace_proposal", "withdraw_proposal"), Role.CONTRIBUTOR),
    **dict.fromkeys(("accept_proposal", "reject_proposal"), Role.CURATOR),
    "get_me": Role.CONTRIBUTOR,
    "import_records": Role.CURATOR,
    **dict.fromkeys((f"{verb}_{noun}" for verb in RECORD_WRITES for noun in PLURAL), Role.CURATOR),
    **dict.fromkeys((f"{verb}_claim" for verb in PART_WRITES), Role.CURATOR),
    **dict.fromkeys((f"{verb}_mediation" for verb in PART_WRITES), Role.CURATOR),
}
# Routes that people and programs read outside of the contract; none of them takes a key.
OUTSIDE = {"get_contract", "api_catalog", "documentation", "asset", "problems", "problem"}
OUTSIDE |= {"page", "script", "guide", "guide_page", "llms_txt"}
BODY: Mapping[str, str] = {}


@pytest.fixture(scope="module")
async def keys(server_url: str, loaded_template: str) -> AsyncIterator[Keys]:
    async with keyring(server_url, loaded_template) as made:
        yield made


@pytest.fixture(scope="module")
async def anybody(keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    async with running(application(keys.url)) as made:
        yield made


def test_every_operation_has_a_row() -> None:
    assert {operation.spec["operationId"] for operation in EVERY} == set(NEEDED)


def test_what_is_outside_of_the_contract_is_known() -> None:
    assert {route.name for route in routes(application("postgresql://127.0.0.1/none").router)} == OUTSIDE


def routes(router: Router) -> Iterator[BaseRoute]:
    """Give the routes that the contract leaves out."""
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes(inner)
        elif not getattr(route, "include_in_schema", False):
            yield route


@pytest.mark.parametrize("operation", EVERY, ids=lambda operation: operation.spec["operationId"])
async def test_who_may(anybody: httpx.AsyncClient, keys: Keys, operation: Operation) -> None:
    needed = NEEDED[operation.spec["operationId"]]
    with_key = operation.template.startswith("/v1/")
    security = operation.spec["security"]
    assert (security == [] or {} in security) is (needed is ANYBODY)

    async def status(token: str | None) -> int:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        asked = operation.needed or None
        response = await anybody.request(
            operation.method, operation.path, params=asked, headers=headers, json=BODY
        )
        if response.status_code == 401:
            assert response.headers["www-authenticate"].startswith("Bearer")
        if response.status_code == 403:
            assert str(needed) in response.json()["detail"]
        return response.status_code

    assert (await status(None) == 401) is (needed is not ANYBODY)
    for name in BAD:
        assert (await status(keys.bad[name]) == 401) is with_key, name
    for role in Role:
        found = await status(keys.good[role])
        if needed is not ANYBODY and role.rank < needed.rank:
            assert found == 403, role
        else:
            assert found not in {401, 403}, role
            # there is no proposal and no citation: 404, and not 403
            named = not {"{proposal_id}", "{citation_id}"} & {*operation.template.split("/")}
            assert found == (200 if named else 404) if operation.method == "GET" else 400 <= found < 500, role


async def test_nothing_was_written(anybody: httpx.AsyncClient) -> None:
    """Runs last: no request of the above told a reason."""
    assert (await anybody.get("/v1/dataset")).json()["dataset"]["revision"] == 1
