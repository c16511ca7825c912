"""The least that each side of a running service needs of its database: one role that reads, one that writes.

The owner of the tables migrates, makes keys, freezes releases and redacts, by commands. The service does none
of it: with the writer's account it changes records and adds to the history, of which it can take nothing
back; with the reader's it reads what is public. A service that has only the owner's account works too.

Rights are given table by table, not by default, so that a new table is nobody's until it has a line here.
"""

import os
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import pbkdf2_hmac, sha256
from hmac import digest

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.models.access import ApiKey

DEFAULT_PREFIX = "exchanges"
PREFIX = re.compile(r"[a-z][a-z0-9_]{0,49}")
ITERATIONS = 4096  # Postgres' own number
MADE_ALREADY = frozenset({"42710", "23505"})  # duplicate_object; unique_violation, of one made meanwhile


class RoleError(Exception):
    """The roles cannot be made as asked; the message is one line and holds no password."""


class Passwords(BaseSettings):
    """With which passwords the roles log in, from the environment: everybody on a machine sees arguments."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    reader_password: SecretStr | None = None
    writer_password: SecretStr | None = None


@dataclass(frozen=True)
class Rights:
    """What the two roles may do with a table; nothing, where it is empty."""

    reader: str
    writer: str


_KNOWN_OF_KEYS = ", ".join(column.name for column in ApiKey.__table__.c if column.name != "secret_sha256")
_RECORDS = Rights("SELECT", "SELECT, INSERT, UPDATE, DELETE")
_INDEXES = Rights("SELECT", "SELECT, INSERT, UPDATE (to_revision)")
_ADDED = Rights("SELECT", "SELECT, INSERT")
_READ = Rights("SELECT", "SELECT")

RIGHTS: Mapping[str, Rights] = {
    **dict.fromkeys(("actor", "actor_name", "actor_member", "article"), _RECORDS),
    **dict.fromkeys(("publisher", "publisher_name", "coverage_note"), _RECORDS),
    **dict.fromkeys(
        ("agreement", "agreement_party", "agreement_citation", "term", "term_citation"), _RECORDS
    ),
    **dict.fromkeys(("exchange", "exchange_party", "exchange_overlap", "exchange_citation"), _RECORDS),
    **dict.fromkeys(("location_citation", "claim", "claim_citation"), _RECORDS),
    **dict.fromkeys(("mediation", "mediation_citation"), _RECORDS),
    **dict.fromkeys(("published_total", "published_total_party", "published_total_citation"), _RECORDS),
    **dict.fromkeys(("exchange_index", "claim_index", "mediation_index", "figure_index"), _INDEXES),
    **dict.fromkeys(("own_value_index", "facet_index", "article_index", "publisher_index"), _INDEXES),
    **dict.fromkeys(("actor_index", "agreement_index", "total_index", "coverage_index"), _INDEXES),
    "dataset": Rights("SELECT", "SELECT, UPDATE"),
    **dict.fromkeys(("dataset_revision", "revision", "merged", "cited_query"), _ADDED),
    **dict.fromkeys(("blanked", "release", "alembic_version"), _READ),
    "proposal": Rights("SELECT", "SELECT, INSERT, UPDATE"),
    "kept_answer": Rights("", "SELECT, INSERT, DELETE"),
    # how a key is recognised is `db/access.py`'s
    "api_key": Rights("", f"SELECT ({_KNOWN_OF_KEYS}), UPDATE (last_used_at)"),
}
FUNCTIONS = ("api_key_of(text)",)  # that PUBLIC must not call; both roles may


async def grant_roles(
    engine: AsyncEngine, prefix: str = DEFAULT_PREFIX, passwords: Passwords | None = None
) -> Sequence[str]:
    """Make both roles if they are not there, and let them do in this database what they need and no more.

    Roles belong to all databases of a server, rights to one. Gives their names, the reader's first. A role
    without a password is left as it is: a new one cannot log in, but be given to accounts that can.

    Raises:
        RoleError: the prefix or a password will not do.
    """
    if not PREFIX.fullmatch(prefix):
        raise RoleError(f"the roles' names cannot begin with {prefix!r}: {PREFIX.pattern} is the form")
    chosen = passwords or Passwords()
    reader, writer = f"{prefix}_reader", f"{prefix}_writer"
    async with engine.begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('exchanges roles'))"))
        await _make(connection, reader, chosen.reader_password)
        await _make(connection, writer, chosen.writer_password)
        for statement in _grants(reader, writer, await _places(connection)):
            await connection.exec_driver_sql(statement)
    return reader, writer


async def _make(connection: AsyncConnection, role: str, password: SecretStr | None) -> None:
    verifier = None if password is None else scram_verifier(password.get_secret_value())
    there = await connection.scalar(text("SELECT true FROM pg_roles WHERE rolname = :role"), {"role": role})
    if not there:
        try:
            async with connection.begin_nested():
                await connection.exec_driver_sql(f"CREATE ROLE {role} NOLOGIN")
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in MADE_ALREADY:
                raise
    if verifier is not None:
        # hashed here, so that no log of the server ever holds it
        await connection.exec_driver_sql(f"ALTER ROLE {role} LOGIN PASSWORD '{verifier}'")


async def _places(connection: AsyncConnection) -> tuple[str, str]:
    """Give the database and the schema, quoted."""
    row = await connection.execute(
        text("SELECT quote_ident(current_database()), quote_ident(current_schema())")
    )
    database, schema = row.one()
    return database, schema


def _grants(reader: str, writer: str, places: tuple[str, str]) -> Sequence[str]:
    database, schema = places
    both = f"{reader}, {writer}"
    statements = [
        f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC",  # who only reads fills no disk
        f"GRANT CONNECT ON DATABASE {database} TO {both}",
        f"GRANT USAGE ON SCHEMA {schema} TO {both}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {both}",  # what an older version gave
    ]
    for table, rights in RIGHTS.items():
        for role, given in ((reader, rights.reader), (writer, rights.writer)):
            if given:
                statements.append(f"GRANT {given} ON {schema}.{table} TO {role}")
    statements += [f"GRANT EXECUTE ON FUNCTION {schema}.{function} TO {both}" for function in FUNCTIONS]
    return statements


def scram_verifier(password: str, salt: bytes | None = None) -> str:
    """Make what Postgres keeps of a password (RFC 5803), as psql's \\password does.

    Raises:
        RoleError: it holds other characters than printable ASCII, which drivers do not all prepare alike.
    """
    if not (password.isascii() and password.isprintable()):
        raise RoleError("a role's password must be of printable ASCII characters")
    salt = salt or os.urandom(16)
    salted = pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored = sha256(digest(salted, b"Client Key", "sha256")).digest()
    parts = (b64encode(part).decode() for part in (salt, stored, digest(salted, b"Server Key", "sha256")))
    return "SCRAM-SHA-256${}:{}${}:{}".format(ITERATIONS, *parts)
