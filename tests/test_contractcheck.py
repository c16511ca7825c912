"""The contract keeps what the newest released one promised, or the changelog says that it does not."""

import json
from pathlib import Path

import pytest

from api.contractcheck import announced, newest_released, unannounced, version_key
from api.contractdiff import Break
from tests.contract import document

ROOT = Path(__file__).parents[1]
RELEASED = ROOT / "openapi" / "released"
CHANGELOG = """# Changelog

## API

### Unreleased

- `GET /v1/things` is faster.

#### Breaking

- `GET /v1/things q` is gone: ask by `kind`.
- `Thing.id`, which nobody used and `Thing` has no use for, with
  `Thing.day`.
- And `Thing.note`.

#### Fixed

- `POST /v1/things`

### 1.0.0

#### Breaking

- `GET /v1/old`

## Data

### Unreleased

#### Breaking

- `GET /v1/data`
"""


def test_the_contract_breaks_nothing_unannounced() -> None:
    released = newest_released(RELEASED)
    assert released is not None, "make release-contract"
    assert unannounced(document(), released, ROOT / "CHANGELOG.md") == []


def test_released_contracts_are_of_their_version() -> None:
    for file in RELEASED.glob("*.json"):
        version = json.loads(file.read_bytes())["info"]["version"]
        assert version_key(file.stem)[:3] == version_key(version)[:3]


def test_what_the_changelog_announces() -> None:
    assert announced(CHANGELOG) == {"GET /v1/things q", "Thing.id"}
    assert announced("# Changelog\n") == frozenset()


def test_versions_are_ordered_by_their_numbers() -> None:
    ordered = [
        "0.9.0",
        "1.0.0-rc.1",
        "1.0.0-rc.2",
        "1.0.0-rc.10",
        "1.0.0",
        "1.0.1",
        "1.2.0",
        "1.10.0",
        "2.0.0",
    ]
    assert sorted([*ordered[4:], *ordered[:4]], key=version_key) == ordered
    for word in ("1.0", "v1.0.0", "1.0.0-", "main"):
        with pytest.raises(ValueError, match="is not a version"):
            version_key(word)


def test_the_newest_release_counts(tmp_path: Path) -> None:
    assert newest_released(tmp_path) is None
    for name in ("1.9.0.json", "1.10.0.json", "1.2.0.json", "README.md"):
        (tmp_path / name).touch()
    assert newest_released(tmp_path) == tmp_path / "1.10.0.json"


def test_what_is_announced_may_break(tmp_path: Path) -> None:
    things = {"get": {"operationId": "list_things", "responses": {}}}
    before = {"paths": {"/v1/things": things, "/v1/other": things}}
    released, changelog = tmp_path / "1.0.0.json", tmp_path / "CHANGELOG.md"
    released.write_text(json.dumps(before))
    changelog.write_text("## API\n### Unreleased\n#### Breaking\n- `GET /v1/other` is gone.\n")
    assert unannounced(before, released, changelog) == []
    found = unannounced({"paths": {}}, released, changelog)
    assert found == [Break("GET /v1/things", "the operation is gone")]
