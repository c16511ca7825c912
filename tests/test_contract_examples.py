"""The examples of the contract are what the service answers today, and bodies that it takes."""

import json
import os
from pathlib import Path

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import api
from api.contractexamples import FILE, recorded_examples
from tests.recording import Example, record_reads, record_writes, settled

pytestmark = pytest.mark.anyio
RECORDED = Path(api.__file__).with_name(FILE)


async def test_examples_are_what_the_service_answers(
    client: httpx.AsyncClient, loaded_engine: AsyncEngine, server_url: str
) -> None:
    """Compare, or with RECORD_EXAMPLES=1 write; what differs by times only is kept as it was recorded."""
    now = await record_reads(client) | await record_writes(loaded_engine, server_url)
    before = recorded_examples()
    if os.environ.get("RECORD_EXAMPLES"):
        RECORDED.write_text(_text({name: _kept(before.get(name), each) for name, each in now.items()}))
        return
    assert sorted(before) == sorted(now), "run `make examples openapi`"
    for name, example in now.items():
        assert settled(before[name]) == settled(example), f"{name}: run `make examples openapi`"


def _kept(before: Example | None, now: Example) -> Example:
    return before if before is not None and settled(before) == settled(now) else now


def _text(examples: dict[str, Example]) -> str:
    return json.dumps(dict(sorted(examples.items())), ensure_ascii=False, indent=1) + "\n"


async def test_answers_that_are_only_named_are_there(client: httpx.AsyncClient) -> None:
    """Files and long answers stand in the contract by their addresses."""
    for name, example in recorded_examples().items():
        # making the files of a release takes seconds: tests/test_release_package.py has some
        if "externalValue" in example and name != "get_release_download":
            answer = await client.get(example["externalValue"])
            assert answer.status_code == 200, name
            assert answer.content, name
