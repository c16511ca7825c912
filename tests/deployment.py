"""The compose file as tests use it: its texts word for word, for programs that run here as they are."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PACKAGES = {"varnishd": "varnish", "etcd": "etcd-server"}  # of Debian; others are called like their program
PATH = f"{os.environ['PATH']}:/usr/sbin"  # where Debian has servers
ACCOUNTS = ("SUPERUSER", "OWNER", "WRITER", "READER", "REPLICATION")
PASSWORDS = {f"{name}_PASSWORD": f"of-{name.lower()}" for name in ACCOUNTS}


@cache
def compose() -> dict[str, Any]:
    """Give the compose file as it is written."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return loaded


def as_run(text: str) -> str:
    """Give a text of the compose file as a container has it, where nothing of it is a variable of compose."""
    return text.replace("$$", "$")


def as_password(value: str) -> str:
    """Give what compose makes of the passwords in a text."""
    return re.sub(r"\$\{(\w+)(:\?[^}]*)?\}", lambda match: PASSWORDS[match[1]], value)


def changed(text: str, changes: Mapping[str, str]) -> str:
    """Give a text with what is changed to run it here; all of that must be there."""
    for old, new in changes.items():
        assert old in text, f"no {old!r} in: {text}"
        text = text.replace(old, new)
    return text


def configuration(name: str, changes: Mapping[str, str] | None = None) -> str:
    """Give the text of a configuration, changed to run it here."""
    return changed(as_run(compose()["configs"][name]["content"]), changes or {})


def program(name: str) -> str:
    """Find a program, or skip the test."""
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"{name} is missing: apt-get install {PACKAGES.get(name, name)}")
    return found


@contextmanager
def running(
    arguments: list[str], log: Path, environment: Mapping[str, str] = os.environ, folder: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block is left; what it says goes into a file."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
