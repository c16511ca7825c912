"""Generated requests against the contract, on a real server over the shipped dataset.

The short form tries the bounds of every parameter once, and a few random requests for each operation, the
same in every run: what fails in it was caused by the change under test. `SCHEMATHESIS_EXAMPLES=100` makes it
all parameters of all lists, and so many random requests for each, others in every run.
"""

import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.contract import Operation
from tests.narrowing import LOWER_BOUNDS, Contract, narrowed, thinned, with_parameters
from tests.test_http_server import running

ROOT = Path(__file__).parents[1]
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES")
PHASES = {"examples", "coverage", "fuzzing"}
CONTRACTS = {
    "queries": lambda contract: with_parameters(
        contract, lambda name: name != "cursor" and name not in LOWER_BOUNDS
    ),
    "lower bounds": lambda contract: with_parameters(
        contract, lambda name: name in LOWER_BOUNDS, needed=LOWER_BOUNDS
    ),
    "walks": lambda contract: with_parameters(
        contract, lambda name: name in {"cursor", "limit"}, needed={"cursor"}
    ),
}


@pytest.fixture(scope="module")
async def url(read_only_url: str) -> AsyncIterator[str]:
    environment = {"DATABASE_URL": read_only_url, "LOG_LEVEL": "error"}
    with running("api.main:create_app", environment) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture(scope="module")
async def contract(url: str) -> Contract:
    return await narrowed_contract(url)


@pytest.mark.anyio
@pytest.mark.parametrize("part", CONTRACTS)
async def test_generated_requests(url: str, contract: Contract, tmp_path: Path, part: str) -> None:
    chosen = CONTRACTS[part](contract if EXAMPLES else thinned(contract))
    told, report = await check(url, chosen, tmp_path)
    assert report["exit_code"] == 0, told
    assert report["complete"]
    assert report["operations"]["tested"] == len(chosen["paths"])
    assert {name for name, phase in report["phases"].items() if phase["status"] == "success"} == PHASES
    assert not report["warnings"]["missing_test_data"]


async def check(url: str, contract: Contract, folder: Path) -> tuple[str, dict[str, Any]]:
    """Generate requests from a contract, and give what was printed and what was reported."""
    file, report = folder / "v1.json", folder / "report.json"
    file.write_text(json.dumps(contract))
    finished = await anyio.run_process(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(ROOT / "schemathesis.toml")),
            *("run", str(file), "--url", url, "--include-method", "GET", "--phases", ",".join(PHASES)),
            *("--max-examples", EXAMPLES or "5", "--report-json-path", str(report)),
            *(() if EXAMPLES else ("--seed", "1")),
        ],
        cwd=folder,
        check=False,
    )
    told = finished.stdout.decode() + finished.stderr.decode()
    assert report.exists(), told
    return told, json.loads(report.read_bytes())


def _is_open_list(operation: dict[str, Any]) -> bool:
    paged = any(parameter["name"] == "cursor" for parameter in operation["parameters"])
    is_json = "application/json" in operation["responses"]["200"]["content"]
    return paged and is_json and not operation["security"]


async def narrowed_contract(url: str) -> Contract:
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:

        async def get(path: str, **query: int) -> Any:
            response = await client.get(path, params=query)
            assert response.status_code == 200, response.text
            return response.json()

        whole = await get("/v1/openapi.json")
        cursors = {
            path: (await get(Operation("GET", path, methods["get"]).path, limit=1))["meta"]["next_cursor"]
            for path, methods in whole["paths"].items()
            if "get" in methods and _is_open_list(methods["get"])
        }
        updated_at = (await get("/v1/dataset"))["dataset"]["updated_at"]
    return narrowed(whole, updated_at, cursors)
