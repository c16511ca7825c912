"""Settings of the HTTP side, from the environment; the command line's options override them.

Where the database is belongs to `db/settings.py`.
"""

from typing import Literal

from pydantic import Field, HttpUrl
from pydantic_settings import BaseSettings, SettingsConfigDict


class HttpSettings(BaseSettings):
    """How the service listens and how much it tells."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    host: str = Field(default="127.0.0.1", description="address to listen on; 0.0.0.0 for all")
    port: int = Field(default=8000, ge=1, le=65535, description="port to listen on")
    public_url: HttpUrl | None = Field(
        default=None,
        description="where readers find the service, as citations, charts and feeds print it; "
        "if left out, where the request found it",
    )
    workers: int = Field(default=1, ge=1, description="processes that answer; one per core is plenty")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least severe that is logged; requests are logged at info"
    )
    max_streams: int = Field(
        default=100, ge=0, description="streams of changes that a worker keeps open; one more gets 503"
    )
    stream_interval: float = Field(
        default=1.0, ge=0.01, description="seconds after which a stream looks for new changes"
    )
    stall_timeout: float = Field(
        default=60.0, gt=0, description="seconds that a whole result waits for a client that takes no more"
    )
    cache_size: int = Field(
        default=67_108_864,
        ge=0,
        description="bytes of answers that a worker keeps to give out again; 0 for none",
    )
    max_url_length: int = Field(
        default=8192, ge=256, description="bytes of path and query that are read; longer URLs get 414"
    )
    writes_per_minute: int = Field(
        default=120, ge=1, description="writes that one key has in a minute, with each worker"
    )
    write_burst: int = Field(default=100, ge=1, description="how many of them may come at once")
    citations_per_minute: int = Field(
        default=60, ge=1, description="queries that can be cited from one address in a minute"
    )
    citation_burst: int = Field(default=20, ge=1, description="how many of them may come at once")
    max_body_size: int = Field(
        default=1_048_576, ge=1024, description="bytes of a request's body that are read; larger ones get 413"
    )
    max_import_size: int = Field(
        default=268_435_456, ge=1024, description="bytes of an import that are read; larger ones get 413"
    )
