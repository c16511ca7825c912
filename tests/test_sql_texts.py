"""What a request says goes nowhere but into parameters: SQL is fixed in the code, and no URL is fetched.

SQLAlchemy builds statements with parameters, and refuses plain strings. So it is enough to look at every
place where a string becomes SQL: each is a constant, or made of constants of its module (in capitals), or was
read and is listed here.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [*ROOT.glob("api/**/*.py"), *ROOT.glob("db/**/*.py")]
# What makes SQL of its first argument: functions of SQLAlchemy, methods of its objects and of the driver's.
FUNCTIONS = frozenset({"text", "literal_column", "DDL", "TextClause"})
METHODS = frozenset(
    {"exec_driver_sql", "prefix_with", "suffix_with", "with_hint", "op", "bool_op", "prepare"}
)
METHODS |= {"execute", "executemany", "fetch", "fetchrow", "fetchval", "cursor", "copy_from_query"}
# Places that were read: the file, and the expression, which holds nothing that a request says.
READ = {
    ("db/queries/shapes.py", "shape.sql"),  # a compiled statement, whose values are parameters
    ("db/queries/rarity.py", "f'EXPLAIN {shape.sql}'"),  # the same
    ("db/timing.py", "query"),  # handed on
}
# Modules of commands, which put names into SQL that the owner of the database gave; no request reaches them.
OF_COMMANDS = frozenset({"db/backup.py", "db/restoring.py", "db/roles.py"})


def is_fixed(node: ast.expr) -> bool:
    """Tell whether an expression is a constant, or made of constants in capitals."""
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.isupper()
        case ast.JoinedStr(values=parts):
            return all(is_fixed(part) for part in parts)
        case ast.FormattedValue(value=value):
            return is_fixed(value)
        case _:
            return False


def makings(tree: ast.AST) -> Iterator[ast.expr]:
    """Give every expression that becomes SQL; what is executed is a statement, unless it is put together."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="execute"), args=[first, *_]):
                if isinstance(first, ast.JoinedStr | ast.BinOp):
                    yield first
            case ast.Call(func=ast.Attribute(attr=name), args=[first, *_]) if name in METHODS:
                yield first
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[first, *_]) if (
                name in FUNCTIONS
            ):
                yield first


def test_sql_is_fixed_in_the_code() -> None:
    found = {
        (str(path.relative_to(ROOT)), ast.unparse(made))
        for path in SOURCES
        for made in makings(ast.parse(path.read_text(encoding="utf-8")))
        if not is_fixed(made)
    }
    found = {place for place in found if place[0] not in OF_COMMANDS}
    assert found <= READ, "read the place: may anything of a request get into it? Then list it here"


def loaded_by_the_service() -> set[str]:
    code = "import sys, api.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_no_request_reaches_the_modules_of_commands() -> None:
    names = {file.removesuffix(".py").replace("/", ".") for file in OF_COMMANDS}
    assert not names & loaded_by_the_service()


def test_the_service_asks_nobody() -> None:
    """No URL in a record or a request is ever fetched: only the command `query` has a client."""
    clients = {"httpx", "requests", "aiohttp", "urllib.request", "urllib3", "http.client"}
    importing = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import) and clients & {alias.name for alias in node.names})
        or (isinstance(node, ast.ImportFrom) and node.module in clients)
    }
    assert importing == {"api/asking.py"}
    assert "api.asking" not in loaded_by_the_service()


@pytest.mark.parametrize(
    "code",
    ["text(f'SELECT {name}')", "driver.fetch('SELECT ' + name)", "connection.exec_driver_sql(query % name)"],
)
def test_the_test_notices(code: str) -> None:
    [made] = makings(ast.parse(code))
    assert not is_fixed(made)
