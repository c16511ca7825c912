"""Data: what records are, how they are stored and found. Nothing here knows of HTTP."""
