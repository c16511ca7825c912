"""All tables, by subject. Importing this package registers every table with `Base.metadata`."""

from db.models import exchanges, history, index, reference, sources

__all__ = ["exchanges", "history", "index", "reference", "sources"]
