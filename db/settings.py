"""Settings of the data layer, from the environment. Nothing about HTTP belongs here."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DatabaseSettings(BaseSettings):
    """Where the database is. Without a URL the command line starts the embedded Postgres."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    database_url: str | None = Field(
        default=None, description="libpq URL of the Postgres; passed on unparsed"
    )
    database_read_url: str | None = Field(
        default=None,
        description="libpq URL of replicas to read from, which may name several hosts; as DATABASE_URL if "
        "left out",
    )
    database_pool_size: int = Field(default=10, ge=1, description="connections that one worker keeps")
    database_statement_timeout: float = Field(
        default=30.0, gt=0, le=3600, description="seconds that a statement of a read may take"
    )
