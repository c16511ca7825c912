"""Fresh environments for the built SDKs: each is installed from `dist`, and programs run with nothing else.

A test that needs what is not here is skipped with one line that says what is missing.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SDK = ROOT / "openapi" / "sdk"
DIST = ROOT / "dist"
OF_NPM = ROOT / "build" / "sdk" / "typescript" / "node_modules"
R_PACKAGES = ("httr2", "jsonlite", "R6", "readr", "tibble")
STRICTLY = {
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "exactOptionalPropertyTypes": True,
    "target": "es2022",
    "module": "nodenext",
    "lib": ["es2022", "dom", "dom.iterable"],
    "types": ["node"],
    "typeRoots": [str(OF_NPM / "@types")],
}


@dataclass
class Environment:
    """Where one SDK is installed. `run` gives what a program prints."""

    language: str
    suffix: str
    folder: Path

    def run(self, program: str, *arguments: str) -> str:
        file = self.folder / f"program{self.suffix}"
        file.write_text(program, encoding="utf-8")
        return _said([*self.command(file), *arguments], self.folder, **self.settings)

    @property
    def settings(self) -> dict[str, str]:
        return {"R_LIBS": str(self.folder)} if self.language == "r" else {}

    def command(self, file: Path) -> list[str | Path]:
        if self.language == "python":
            return [self.folder / "bin" / "python", "-W", "error", file]
        if self.language == "r":
            return ["Rscript", "--vanilla", file]
        _said([OF_NPM / ".bin" / "tsc", "--project", self.folder], self.folder)
        return ["node", file.with_suffix(".js")]


def python_environment(folder: Path) -> Environment:
    """Install the wheel, with pandas, into a virtual environment of its own."""
    wheel = _built("prisoner_exchanges-*.whl")
    _said([sys.executable, "-m", "venv", folder], folder)
    _said([folder / "bin" / "python", "-m", "pip", "install", "--quiet", f"{wheel}[pandas]"], folder)
    return Environment("python", ".py", folder)


def typescript_environment(folder: Path) -> Environment:
    """Install the tarball into a project of its own; the compiler is the one that built it."""
    _need("npm")
    tarball = _built("prisoner-exchanges-*.tgz")
    if not OF_NPM.exists():
        pytest.skip("the SDK for typescript was built elsewhere: run `make sdk`")
    (folder / "package.json").write_text(json.dumps({"private": True, "type": "module"}))
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": STRICTLY, "files": ["program.ts"]}))
    _said(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", tarball], folder)
    return Environment("typescript", ".ts", folder)


def r_environment(folder: Path) -> Environment:
    """Install the source package into a library of its own; what it depends on comes from the system."""
    _need("R")
    package = _built("prisonerexchanges_*.tar.gz")
    asked = "".join(f'if (!requireNamespace("{name}", quietly = TRUE)) cat("{name} ")' for name in R_PACKAGES)
    lacking = _said(["Rscript", "--vanilla", "-e", asked.replace(")if", "); if")], folder).split()
    if lacking:
        pytest.skip(
            f"R lacks {', '.join(lacking)}: install r-cran-{' r-cran-'.join(map(str.lower, lacking))}"
        )
    _said(["R", "CMD", "INSTALL", f"--library={folder}", package], folder)
    return Environment("r", ".R", folder)


ENVIRONMENTS = {"python": python_environment, "typescript": typescript_environment, "r": r_environment}


def _need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")


def _built(pattern: str) -> Path:
    found = list(DIST.glob(pattern))
    if not found:
        pytest.skip(f"dist holds no {pattern}: run `make sdk`")
    [package] = found
    return package


def _said(command: list[str | Path], folder: Path, **settings: str) -> str:
    ours = {"PYTHONPATH", "DATABASE_URL", "R_LIBS"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment | settings,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
