"""All tables, by subject. Importing this package registers every table with `Base.metadata`."""

from db.models import access, exchanges, history, index, proposals, reference, releases, sources

__all__ = ["access", "exchanges", "history", "index", "proposals", "reference", "releases", "sources"]
