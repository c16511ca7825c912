"""Build the SDKs: `make sdk`, or `make sdk SDK=python` for one of them.

A generator makes most of each package from `openapi/v1.json`, and what stands beside this file is laid over
it: settings, templates, and the thin parts that no generator writes. Everything is made in `build/sdk`, and
the packages are put into `dist`; neither is committed. What the packages do is told in their README files.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WORK = ROOT / "build" / "sdk"
CONTRACT = WORK / "contract.json"
DIST = ROOT / "dist"


class BuildError(Exception):
    """A package cannot be built here; the text says why, and what would help."""


def build_python() -> Path:
    """Build the wheel `prisoner-exchanges`."""
    generators, source, folder = _generators(), HERE / "python", _anew("python")
    package = folder / "prisoner_exchanges"
    options: list[str | Path] = ["--path", CONTRACT, "--meta", "none", "--fail-on-warning"]
    options += ["--config", source / "config.yml", "--custom-template-path", source / "templates"]
    _run([generators / "openapi-python-client", "generate", *options, "--output-path", package])
    (package / "py.typed").touch()
    _lay(source / "prisoner_exchanges", package)
    shutil.copy(source / "README.md", folder)
    shutil.copy(ROOT / "LICENSE", folder)
    _fill(source / "pyproject.toml", folder)
    _discard("prisoner_exchanges-*.whl")
    _run([generators / "python", "-m", "build", "--wheel", "--no-isolation", "--outdir", DIST, folder])
    return _built("prisoner_exchanges-*.whl")


def build_typescript() -> Path:
    """Build the npm tarball `prisoner-exchanges`."""
    npm = _tool("npm", "Node.js 20 or newer with npm")
    source, folder = HERE / "typescript", WORK / "typescript"
    _discard("prisoner-exchanges-*.tgz")
    for old in ("src", "dist"):
        shutil.rmtree(folder / old, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    for file in (source / "tsconfig.json", source / "README.md", ROOT / "LICENSE"):
        shutil.copy(file, folder)
    _lay(source / "src", folder / "src")
    _fill(source / "package.json", folder)
    _fill(source / "package-lock.json", folder)
    if _is_new(folder / "node_modules" / ".installed", source / "package-lock.json"):
        _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
        _note(folder / "node_modules" / ".installed", source / "package-lock.json")
    tools = folder / "node_modules" / ".bin"
    options = ["--root-types", "--root-types-no-schema-prefix"]
    _run([tools / "openapi-typescript", CONTRACT, *options, "--output", folder / "src" / "schema.ts"])
    _run([tools / "tsc", "--project", folder])
    _run([npm, "pack", "--ignore-scripts", "--pack-destination", DIST], folder)
    return _built("prisoner-exchanges-*.tgz")


def build_r() -> Path:
    """Build the R source package `prisonerexchanges`."""
    _tool("java", "Java 11 or newer (Debian: default-jre-headless)")
    r = _tool("R", "R (Debian: r-base-core)")
    generators, source, folder = _generators(), HERE / "r", _anew("r")
    package = folder / "prisonerexchanges"
    package.mkdir()
    shutil.copy(source / ".openapi-generator-ignore", package)
    options: list[str | Path] = ["--generator-name", "r", "--input-spec", CONTRACT, "--config"]
    options += [source / "config.yml", "--template-dir", source / "templates"]
    options += ["--global-property=apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"]
    _run([generators / "openapi-generator-cli", "generate", *options, "--output", package])
    _lay(source / "R", package / "R")
    _lay(source / "man", package / "man")
    shutil.copy(source / "README.md", package)
    _fill(source / "DESCRIPTION", package)
    _discard("prisonerexchanges_*.tar.gz")
    _run([r, "CMD", "build", "--no-manual", package], DIST)
    return _built("prisonerexchanges_*.tar.gz")


BUILDERS: dict[str, Callable[[], Path]] = {
    "python": build_python,
    "typescript": build_typescript,
    "r": build_r,
}


def _generators() -> Path:
    """Install the generators that come from PyPI, unless they are there, and tell where they are."""
    folder, needed = WORK / "generators", HERE / "requirements.txt"
    if _is_new(folder / "installed", needed):
        _run([sys.executable, "-m", "venv", "--clear", folder])
        _run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--requirement", needed])
        _note(folder / "installed", needed)
    return folder / "bin"


def _is_new(stamp: Path, needed: Path) -> bool:
    return not stamp.exists() or stamp.read_text() != hashlib.sha256(needed.read_bytes()).hexdigest()


def _note(stamp: Path, needed: Path) -> None:
    stamp.write_text(hashlib.sha256(needed.read_bytes()).hexdigest())


def _tool(name: str, what: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BuildError(f"there is no `{name}` here: install {what}")
    return found


def _write_contract() -> None:
    """Write the contract as generators need it.

    304 is between client and service, and they would make "or anything at all" of an answer without a body.
    Examples of whole bodies are nothing for code, and some are addresses that they would try to read.
    """
    contract = json.loads((ROOT / "openapi" / "v1.json").read_text())
    contract["components"].pop("examples", None)
    for path in contract["paths"].values():
        for operation in path.values():
            operation["responses"].pop("304", None)
            for body in (operation.get("requestBody", {}), *operation["responses"].values()):
                for content in body.get("content", {}).values():
                    content.pop("example", None)
                    content.pop("examples", None)
    WORK.mkdir(parents=True, exist_ok=True)
    CONTRACT.write_text(json.dumps(contract))


def _version() -> str:
    version: str = json.loads(CONTRACT.read_text())["info"]["version"]
    return version


def _anew(name: str) -> Path:
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _lay(source: Path, target: Path) -> None:
    """Copy what is in a folder into another, over what is there."""
    shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def _fill(source: Path, folder: Path) -> None:
    """Copy a file, with the version of the contract for 0.0.0."""
    text = re.sub(r"(?<![\d.])0\.0\.0(?![\d.])", _version(), source.read_text())
    (folder / source.name).write_text(text)


def _discard(pattern: str) -> None:
    DIST.mkdir(exist_ok=True)
    for old in DIST.glob(pattern):
        old.unlink()


def _built(pattern: str) -> Path:
    [package] = DIST.glob(pattern)
    return package


def _run(command: list[str | Path], folder: Path = ROOT) -> None:
    """Run a program, and tell what it said only if it fails."""
    done = subprocess.run(  # noqa: S603
        command, cwd=folder, env=os.environ | {"NO_COLOR": "1"}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildError(
            f"`{Path(command[0]).name}` failed with exit code {done.returncode}:\n{done.stdout}{done.stderr}"
        )


def main() -> int:
    """Build what is asked for, or all; a package that cannot be built does not stop the others."""
    parser = argparse.ArgumentParser(description="Build the SDKs into dist/.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BUILDERS), choices=[*BUILDERS, []])
    failed = False
    _write_contract()
    for name in parser.parse_args().names or BUILDERS:
        began = time.monotonic()
        try:
            package = BUILDERS[name]()
        except BuildError as error:
            print(f"error: the SDK for {name} is not built: {error}", file=sys.stderr)
            failed = True
        else:
            size, seconds = package.stat().st_size / 1000, time.monotonic() - began
            print(f"{package.relative_to(ROOT)}: {size:,.0f} kB, built in {seconds:.1f} s")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
