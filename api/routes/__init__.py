"""The table of contents of the API: one module per resource."""

from api.routes import (
    actors,
    agreements,
    articles,
    changes,
    claims,
    coverage,
    dataset,
    editing,
    exchanges,
    figures,
    history,
    imports,
    me,
    mediations,
    mediators,
    operations,
    parts,
    proposals,
    publishers,
    totals,
)

ROUTERS = (
    exchanges.router,
    figures.router,
    claims.router,
    mediations.router,
    mediators.router,
    articles.router,
    publishers.router,
    actors.router,
    agreements.router,
    totals.router,
    coverage.router,
    dataset.router,
    changes.router,
    *history.ROUTERS,
    *parts.ROUTERS,
    *editing.ROUTERS,
    proposals.router,
    imports.router,
    me.router,
)
OPERATIONS = operations.router
# First segments of the paths that answer without their version too.
RESOURCE_NAMES = frozenset(
    {
        "exchanges",
        "figures",
        "claims",
        "mediations",
        "mediators",
        "articles",
        "publishers",
        "actors",
        "agreements",
        "totals",
        "coverage",
        "dataset",
        "changes",
    }
)
