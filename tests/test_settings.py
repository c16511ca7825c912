"""Settings from the environment, as compose files and shells hand them on."""

import pytest
from pydantic_settings import BaseSettings

from api.releasing import Published
from api.settings import HttpSettings
from db.settings import DatabaseSettings


@pytest.mark.parametrize("settings", [HttpSettings, DatabaseSettings, Published])
def test_an_empty_variable_counts_as_none(
    settings: type[BaseSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`PUBLIC_URL: ${PUBLIC_URL:-}` in a compose file sets every variable, if only to nothing."""
    for name in settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    untouched = settings()
    for name in settings.model_fields:
        monkeypatch.setenv(name.upper(), "")
    assert settings() == untouched
    assert settings().model_fields_set == set()
