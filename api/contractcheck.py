"""Whether the contract breaks clients of the newest released one without a word in the changelog.

`openapi/released/` keeps the contract of each release as it was, by version. What breaks is decided by
`api/contractdiff.py`.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from api.contractdiff import Break, breaks_between

_VERSION = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)(?:-([a-z]+)\.([0-9]+))?")
_ITEM = re.compile(r" *[-*] `([^`]+)`")
_BREAKING = ("## API", "### Unreleased", "#### Breaking")


def version_key(version: str) -> tuple[int, int, int, bool, str, int]:
    """Give what versions are ordered by: a candidate of a version comes before it.

    Raises:
        ValueError: it is not a version such as 1.0.0 or 1.0.0-rc.1.
    """
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ValueError(f"{version} is not a version such as 1.0.0 or 1.0.0-rc.1")
    major, minor, patch, candidate, number = found.groups()
    return int(major), int(minor), int(patch), candidate is None, candidate or "", int(number or 0)


def newest_released(folder: Path) -> Path | None:
    """Give the contract of the newest release, if there is any."""
    return max(folder.glob("*.json"), key=lambda file: version_key(file.stem), default=None)


def announced(changelog: str) -> frozenset[str]:
    """Give the places that the changelog names as breaking since the last release of the API.

    Each begins an item of the list: what the text mentions besides announces nothing.
    """
    headings: list[str] = []
    found: set[str] = set()
    for line in changelog.splitlines():
        if line.startswith("#"):
            level = len(line) - len(line.lstrip("#"))
            headings = [*(each for each in headings if each.index(" ") < level), line.strip()]
        elif tuple(headings[-len(_BREAKING) :]) == _BREAKING and (item := _ITEM.match(line)):
            found.add(item[1])
    return frozenset(found)


def unannounced(contract: Mapping[str, Any], released: Path, changelog: Path) -> list[Break]:
    """Give what breaks clients of a released contract, and begins no item of the changelog."""
    known = announced(changelog.read_text())
    found = breaks_between(json.loads(released.read_bytes()), contract)
    return [each for each in found if each.place not in known]
