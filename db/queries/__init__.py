"""Statements in, rows out: how records are found. What a parameter means in SQL is told by the caller."""
