"""Settings of the data layer, from the environment. Nothing about HTTP belongs here."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DatabaseSettings(BaseSettings):
    """Where the database is. Without a URL the command line starts the embedded Postgres."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    database_url: str | None = Field(
        default=None, description="libpq URL of the Postgres; passed on unparsed"
    )
    database_pool_size: int = Field(default=10, ge=1, description="connections that one worker keeps")
