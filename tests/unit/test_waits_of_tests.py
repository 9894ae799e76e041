"""No test fails because the machine is busy: whoever waits for what comes at once waits as long as all do."""

import ast
from collections.abc import Iterator
from pathlib import Path

from patience import PATIENCE

TESTS = Path(__file__).parents[1]
FOLDERS = ("unit", "edges", "system", "chaos")
MODULES = [*TESTS.glob("*.py"), *(path for folder in FOLDERS for path in (TESTS / folder).rglob("*.py"))]
TRIED = 1
"""Fewer seconds than this are what is tried, and are over before anything else counts on them."""


def short(tree: ast.AST) -> Iterator[str]:
    """Waits for something to come about with a number of their own, given there or as a constant of the module."""
    constants = dict(_constants(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for given in _bounds(node):
                said = constants.get(ast.unparse(given), given)
                number = said.value if isinstance(said, ast.Constant) else None
                if isinstance(number, int | float) and TRIED <= number < PATIENCE:
                    yield f"{node.lineno}: {ast.unparse(node)}"


def _constants(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            (target, *_) = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield ast.unparse(target), node.value


def _bounds(call: ast.Call) -> list[ast.expr]:
    match ast.unparse(call.func):
        case "asyncio.timeout":
            return call.args
        case "asyncio.wait_for" | "asyncio.wait":
            return [*call.args[1:], *_named(call, "timeout")]
        case "subprocess.run":
            return _named(call, "timeout")
        case "aiohttp.ClientTimeout":
            return _named(call, "total")
        case "until" | "eventually":
            return _named(call, "within")
        case _:
            return []


def _named(call: ast.Call, name: str) -> list[ast.expr]:
    return [each.value for each in call.keywords if each.arg == name]


def test_the_search_finds_what_it_is_for() -> None:
    """And not what is tried."""
    waits = (
        "asyncio.timeout(10)",
        "asyncio.wait_for(task, 30)",
        "until(ready, within=30)",
        "LONG: Final = 9\nasyncio.wait_for(x, LONG)",
    )
    for told in (*waits, "subprocess.run(x, timeout=60)", "aiohttp.ClientTimeout(total=5)"):
        assert list(short(ast.parse(told)))
    assert not list(short(ast.parse("asyncio.timeout(PATIENCE), asyncio.timeout(0.2), until(ready)")))


def test_nobody_has_less_patience() -> None:
    """One number for all."""
    found = {str(path.relative_to(TESTS)): list(short(ast.parse(path.read_text()))) for path in MODULES}
    assert {path: waits for path, waits in found.items() if waits} == {}
    assert len(found) > 200
