"""Settings of the HTTP side, from the environment; the command line's options override them.

Where the database is belongs to `db/settings.py`.
"""

from typing import Annotated, Literal

from limits.errors import ConfigurationError
from pydantic import BeforeValidator, Field, HttpUrl, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from api.proxies import LOOPBACK, Network
from api.readlimits import IN_MEMORY, storage_of

NOBODY = "none"  # what is set to say that there is no such address


def _between_commas(given: object) -> object:
    """Read a list with commas or spaces between, as one kind of proxy wants it or the other."""
    if not isinstance(given, str):
        return given
    return [] if given.strip() == NOBODY else given.replace(",", " ").split()


Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_between_commas)]


class HttpSettings(BaseSettings):
    """How the service listens and how much it tells."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    host: str = Field(default="127.0.0.1", description="address to listen on; 0.0.0.0 for all")
    port: int = Field(default=8000, ge=1, le=65535, description="port to listen on")
    public_url: HttpUrl | None = Field(
        default=None,
        description="where readers find the service, as citations, charts and feeds print it; "
        "if left out, where the request found it",
    )
    workers: int = Field(default=1, ge=1, description="processes that answer; one per core is plenty")
    metrics_port: int | None = Field(
        default=None, ge=1, le=65535, description="port where Prometheus reads metrics; none if left out"
    )
    metrics_host: str = Field(default="127.0.0.1", description="address of that port")
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
    reads_per_minute: int = Field(
        default=1800, ge=1, description="reads that one address, or one key, has in a minute"
    )
    read_burst: int = Field(default=500, ge=1, description="how many of them may come in ten seconds")
    expensive_per_minute: int = Field(
        default=900, ge=1, description="how many of a minute's reads may be such as take the database long"
    )
    expensive_burst: int = Field(default=200, ge=1, description="how many of them may come in ten seconds")
    unlimited_readers: Networks = Field(
        default=LOOPBACK, description="addresses and networks whose reads are not counted"
    )
    trusted_proxies: Networks = Field(
        default=(),
        description="addresses and networks of proxies whose X-Forwarded-For, -Proto and -Host are believed",
    )
    rate_limit_storage: SecretStr = Field(
        default=SecretStr(IN_MEMORY),
        description="where reads are counted: memory:// (each worker for itself) or redis://… (all together)",
    )
    max_body_size: int = Field(
        default=1_048_576, ge=1024, description="bytes of a request's body that are read; larger ones get 413"
    )
    max_import_size: int = Field(
        default=268_435_456, ge=1024, description="bytes of an import that are read; larger ones get 413"
    )

    @field_validator("rate_limit_storage")
    @classmethod
    def _can_be_used(cls, url: SecretStr) -> SecretStr:
        try:
            storage_of(url.get_secret_value())
        except ConfigurationError as error:
            raise ValueError(str(error)) from error
        return url
