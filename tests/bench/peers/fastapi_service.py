"""The page as a plain FastAPI service gives it: SQLAlchemy's ORM with selectinload, and a response_model.

DATABASE_URL names the Postgres. All models are of tables that are there.
"""

import datetime as dt
import os
from collections.abc import AsyncIterator
from typing import Annotated

import asyncpg
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload


class Base(DeclarativeBase):
    pass


class ArticleRow(Base):
    __tablename__ = "article"

    id: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    title: Mapped[str | None]
    publisher: Mapped[str] = mapped_column("publisher_id")
    agency: Mapped[str | None] = mapped_column("agency_id")
    published_on: Mapped[dt.date | None]
    language: Mapped[str]


class PartyRow(Base):
    __tablename__ = "exchange_party"

    exchange_id: Mapped[str] = mapped_column(ForeignKey("exchange.id"), primary_key=True)
    actor_id: Mapped[str] = mapped_column(primary_key=True)


class CitationRow(Base):
    __tablename__ = "exchange_citation"

    exchange_id: Mapped[str] = mapped_column(ForeignKey("exchange.id"), primary_key=True)
    article_id: Mapped[str] = mapped_column(ForeignKey("article.id"), primary_key=True)


class ClaimCitationRow(Base):
    __tablename__ = "claim_citation"

    claim_id: Mapped[str] = mapped_column(ForeignKey("claim.id"), primary_key=True)
    article_id: Mapped[str] = mapped_column(primary_key=True)


class MediationCitationRow(Base):
    __tablename__ = "mediation_citation"

    mediation_id: Mapped[str] = mapped_column(ForeignKey("mediation.id"), primary_key=True)
    article_id: Mapped[str] = mapped_column(primary_key=True)


class ClaimRow(Base):
    __tablename__ = "claim"

    id: Mapped[str] = mapped_column(primary_key=True)
    exchange_id: Mapped[str] = mapped_column(ForeignKey("exchange.id"))
    released_by: Mapped[str]
    received_by: Mapped[str]
    category: Mapped[str]
    count: Mapped[int]
    qualifier: Mapped[str]
    claimant: Mapped[str | None]
    covers: Mapped[str]
    rank: Mapped[str]
    note: Mapped[str | None]
    citations: Mapped[list[ClaimCitationRow]] = relationship()


class MediationRow(Base):
    __tablename__ = "mediation"

    id: Mapped[str] = mapped_column(primary_key=True)
    exchange_id: Mapped[str | None] = mapped_column(ForeignKey("exchange.id"))
    actor: Mapped[str] = mapped_column("actor_id")
    role: Mapped[str]
    stance: Mapped[str]
    claimant: Mapped[str | None]
    citations: Mapped[list[MediationCitationRow]] = relationship()


class ExchangeRow(Base):
    __tablename__ = "exchange"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    date: Mapped[dt.date]
    date_end: Mapped[dt.date | None]
    date_precision: Mapped[str]
    status: Mapped[str]
    summary: Mapped[str]
    location_name: Mapped[str | None]
    agreement_id: Mapped[str | None]
    parties: Mapped[list[PartyRow]] = relationship()
    claims: Mapped[list[ClaimRow]] = relationship()
    mediations: Mapped[list[MediationRow]] = relationship()
    articles: Mapped[list[ArticleRow]] = relationship(secondary="exchange_citation")


class Model(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Cited(Model):
    article_id: str


class Party(Model):
    actor_id: str


class Article(Model):
    id: str
    url: str
    title: str | None
    publisher: str
    agency: str | None
    published_on: dt.date | None
    language: str


class Claim(Model):
    id: str
    released_by: str
    received_by: str
    category: str
    count: int
    qualifier: str
    claimant: str | None
    covers: str
    rank: str
    note: str | None
    citations: list[Cited]


class Mediation(Model):
    id: str
    actor: str
    role: str
    stance: str
    claimant: str | None
    citations: list[Cited]


class Exchange(Model):
    id: str
    kind: str
    date: dt.date
    date_end: dt.date | None
    date_precision: str
    status: str
    summary: str
    location_name: str | None
    agreement_id: str | None
    parties: list[Party]
    claims: list[Claim]
    mediations: list[Mediation]
    articles: list[Article]


async def _connect() -> asyncpg.Connection:
    return await asyncpg.connect(os.environ["DATABASE_URL"])


engine = create_async_engine("postgresql+asyncpg://", async_creator=_connect, pool_size=10)
sessions = async_sessionmaker(engine)
application = FastAPI()


async def _session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


@application.get("/exchanges", response_model=list[Exchange])
async def list_exchanges(mediator: str, session: Annotated[AsyncSession, Depends(_session)]) -> object:
    brokered = ExchangeRow.mediations.any(
        (MediationRow.actor == mediator)
        & (MediationRow.stance == "asserts")
        & (MediationRow.role != "transit")
    )
    statement = (
        select(ExchangeRow)
        .where(brokered)
        .order_by(ExchangeRow.date.desc(), ExchangeRow.id.desc())
        .limit(50)
        .options(
            selectinload(ExchangeRow.parties),
            selectinload(ExchangeRow.claims).selectinload(ClaimRow.citations),
            selectinload(ExchangeRow.mediations).selectinload(MediationRow.citations),
            selectinload(ExchangeRow.articles),
        )
    )
    return (await session.scalars(statement)).all()
