"""How tests blank revisions, and look for what is left of a text. No test lives here."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.enums import Resource
from db.queries.revisions import read_revisions
from db.redacting import Redaction, redact
from db.writes import Outcome, writing
from tests.synthetic import claim, exchange
from tests.writing import changed, everything, made, put

R = Resource

NAME = "Qwertyova"
REASON = "it named a private person"


async def blank(
    engine: AsyncEngine, resource: Resource, record_id: str, *numbers: int, dry_run: bool = False
) -> tuple[Redaction, Outcome]:
    async with engine.connect() as connection:
        async with writing(connection, REASON, dry_run=dry_run) as write:
            redaction = await redact(write, resource, record_id, numbers)
        await connection.commit()
    return redaction, write.outcome()


async def told(engine: AsyncEngine, resource: Resource, record_id: str) -> list[tuple[int, str, bool]]:
    async with engine.connect() as connection:
        entries = await read_revisions(connection, resource, record_id)
    return [(entry.number, entry.action, entry.body is not None) for entry in entries]


def names(redaction: Redaction) -> list[tuple[Resource, str, int]]:
    return [(*held.record, held.number) for held in redaction.blanked]


async def holding(engine: AsyncEngine, wanted: str = NAME) -> set[str]:
    """Give the tables in which any column of any row holds a text, however it is spelt."""
    ours = {
        name
        for name, rows in (await everything(engine)).items()
        if any(wanted.casefold() in row.casefold() for row in rows)
    }
    async with engine.connect() as connection:
        tables = await connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        for name in tables.scalars().all():
            count = f"SELECT count(*) FROM {name} AS t WHERE strpos(lower(t::text), lower(:wanted)) > 0"
            if (await connection.execute(text(count), {"wanted": wanted})).scalar_one():
                ours.add(name)
    return ours


async def named_then_mended(engine: AsyncEngine) -> None:
    """Name a person in an exchange (dataset revision 2), change another thing, take the name out (4)."""
    claims = [claim("first:c1", note=f"With {NAME}."), claim("first:c2", category="military")]
    await put(engine, await changed(engine, R.EXCHANGE, "first", summary=f"{NAME} was freed.", claims=claims))
    await put(engine, await changed(engine, R.TOTAL, "total-1", value=51))
    await put(engine, made(R.EXCHANGE, exchange("first", summary="Somebody was freed.")))
