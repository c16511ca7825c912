"""The names of all operations, which are the names of functions in generated clients: they never change."""

from db.rendering import PLURAL
from tests.contract import ALL, EVERY, WITH_KEY, document

HISTORY = {
    "list_{}_revisions": "revisions",
    "get_{}_revision": "revisions/{number}",
    "get_{}_diff": "diff",
}
WRITES = {
    "create_{}": ("POST", ""),
    "replace_{}": ("PUT", "/{record_id}"),
    "update_{}": ("PATCH", "/{record_id}"),
    "delete_{}": ("DELETE", "/{record_id}"),
    "restore_{}": ("POST", "/{record_id}/restore"),
    "revert_{}": ("POST", "/{record_id}/revert"),
    "merge_{}": ("POST", "/{record_id}/merge"),
}
PART_WRITES = {
    "create_{}": ("POST", ""),
    "replace_{}": ("PUT", "/{part_id}"),
    "update_{}": ("PATCH", "/{part_id}"),
    "delete_{}": ("DELETE", "/{part_id}"),
}
PROPOSALS = {
    "create_proposal": ("POST", "/v1/proposals"),
    "list_proposals": ("GET", "/v1/proposals"),
    "get_proposal": ("GET", "/v1/proposals/{proposal_id}"),
    "get_proposal_diff": ("GET", "/v1/proposals/{proposal_id}/diff"),
    "replace_proposal": ("PUT", "/v1/proposals/{proposal_id}"),
    "withdraw_proposal": ("POST", "/v1/proposals/{proposal_id}/withdraw"),
    "accept_proposal": ("POST", "/v1/proposals/{proposal_id}/accept"),
    "reject_proposal": ("POST", "/v1/proposals/{proposal_id}/reject"),
}


def test_operation_ids_of_what_needs_a_key() -> None:
    of_records = {
        operation_id.format(resource): (method, f"/v1/{plural}{path}")
        for resource, plural in PLURAL.items()
        for operation_id, (method, path) in WRITES.items()
    }
    of_parts = {
        operation_id.format(noun): (method, f"/v1/exchanges/{{record_id}}/{noun}s{path}")
        for noun in ("claim", "mediation")
        for operation_id, (method, path) in PART_WRITES.items()
    }
    found = {each.spec["operationId"]: (each.method, each.template) for each in WITH_KEY}
    other = {"get_me": ("GET", "/v1/me"), "import_records": ("POST", "/v1/import")}
    assert found == of_records | of_parts | other | PROPOSALS
    optional = {"get_proposal", "get_proposal_diff"}  # public once they are accepted
    for operation in WITH_KEY:
        needed = [{"key": []}, {}] if operation.spec["operationId"] in optional else [{"key": []}]
        assert operation.spec["security"] == needed
    assert document()["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_operation_ids() -> None:
    assert {operation.spec["operationId"]: operation.template for operation in ALL} == {
        "get_health": "/healthz",
        "get_readiness": "/readyz",
        "get_dataset": "/v1/dataset",
        "get_codebook": "/v1/codebook",
        "list_exchanges": "/v1/exchanges",
        "get_exchange": "/v1/exchanges/{record_id}",
        "get_exchange_citation": "/v1/exchanges/{record_id}/citation",
        "list_figures": "/v1/figures",
        "list_claims": "/v1/claims",
        "get_claim": "/v1/claims/{record_id}",
        "list_mediations": "/v1/mediations",
        "get_mediation": "/v1/mediations/{record_id}",
        "list_mediators": "/v1/mediators",
        "get_mediator": "/v1/mediators/{record_id}",
        "list_articles": "/v1/articles",
        "get_article": "/v1/articles/{record_id}",
        "list_article_exchanges": "/v1/articles/{record_id}/exchanges",
        "list_publishers": "/v1/publishers",
        "get_publisher": "/v1/publishers/{record_id}",
        "list_actors": "/v1/actors",
        "get_actor": "/v1/actors/{record_id}",
        "list_agreements": "/v1/agreements",
        "get_agreement": "/v1/agreements/{record_id}",
        "get_agreement_progress": "/v1/agreements/{record_id}/progress",
        "get_reconciliation": "/v1/reconciliation",
        "list_disagreements": "/v1/disagreements",
        "list_totals": "/v1/totals",
        "get_total": "/v1/totals/{record_id}",
        "list_coverage": "/v1/coverage",
        "get_coverage_note": "/v1/coverage/{record_id}",
        "get_stats": "/v1/stats",
        "list_releases": "/v1/releases",
        "get_release": "/v1/releases/{record_id}",
        "get_release_comparison": "/v1/releases/{record_id}/compare/{other}",
        "get_changes": "/v1/changes",
        "get_proposal_counts": "/v1/proposal-counts",
        "list_exchange_claims": "/v1/exchanges/{record_id}/claims",
        "get_exchange_claim": "/v1/exchanges/{record_id}/claims/{part_id}",
        "list_exchange_mediations": "/v1/exchanges/{record_id}/mediations",
        "get_exchange_mediation": "/v1/exchanges/{record_id}/mediations/{part_id}",
        **{
            operation_id.format(resource): f"/v1/{plural}/{{record_id}}/{path}"
            for resource, plural in PLURAL.items()
            for operation_id, path in HISTORY.items()
        },
    }


def test_operation_ids_of_exports() -> None:
    names = ("exchanges", "figures", "claims", "mediations", "articles", "publishers", "actors", "agreements")
    names += ("totals", "coverage", "citations", "stats", "reconciliation", "disagreements")
    exports = [operation for operation in EVERY if operation.spec["tags"] == ["exports"]]
    assert {each.spec["operationId"]: each.template for each in exports} == {
        f"export_{name}": f"/v1/{name}.{{format}}" for name in names
    }
    for operation in exports:
        formats = operation.spec["parameters"][0]["schema"]["enum"]
        assert formats == ["csv", "ndjson", "parquet", "xlsx", "jsonld"]
        [(media_type, content)] = operation.spec["responses"]["200"]["content"].items()
        assert (media_type, content["schema"]["format"]) == ("application/octet-stream", "binary")
