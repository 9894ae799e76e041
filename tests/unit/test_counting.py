"""One of something is told as one, wherever it is counted."""

import ast
import re
from pathlib import Path

import pytest

from worker.counting import NARROW, counted, thousands, which

TREE = Path(__file__).parents[2] / "worker"
NOUNS = (
    "arguments|attempts|days|hours|batches|brokers|bytes|calls|causes|customers|doubts|entries|events|keys|letters|lines|members|messages|"
    "offsets|partitions|POSTs|records|repeats|replicas|requests|rows|rules|sessions|times|topics|workers"
)
BEFORE = "dead|further|more|new|old|open|other"
MANY = re.compile(rf" (?:(?:{BEFORE}) ){{0,2}}(?:{NOUNS})\b(?!/|\.\w)")


@pytest.mark.parametrize(
    ("number", "told"),
    [(0, "0 records"), (1, "1 record"), (1.0, "1 record"), (0.5, "0.5 records"), (1234567, "1234567 records")],
)
def test_one_and_many(number: float, told: str) -> None:
    """An s is all that most words need."""
    assert counted(number, "record") == told


def test_words_that_need_more() -> None:
    """What is said of it agrees with the number."""
    assert counted(1, "batch is broken", "batches are broken") == "1 batch is broken"
    assert counted(0, "batch is broken", "batches are broken") == "0 batches are broken"
    assert which(1, "is", "are") == "is"


def test_thousands() -> None:
    """For a table or a page."""
    assert counted(1234567, "record", gap=NARROW) == "1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567 records"
    assert thousands(999, " ") == "999"


def _by_hand(tree: ast.AST) -> list[str]:
    """A number that may be one, and a word for many behind it; what is in capitals is a constant."""
    return [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for value, words in zip(node.values, node.values[1:], strict=False)
        if isinstance(value, ast.FormattedValue) and not ast.unparse(value.value).isupper()
        if isinstance(words, ast.Constant) and MANY.match(str(words.value))
    ]


def test_the_search_finds_what_it_is_for() -> None:
    """Also with a word in between, and not where the number cannot be one."""
    assert _by_hand(ast.parse('f"{n} records"'))
    assert _by_hand(ast.parse('f"in {len(n)} open doubts."'))
    assert not _by_hand(ast.parse('f"{MOST} records"')) + _by_hand(ast.parse('f"{n:.0f} of all"'))


def test_nothing_is_counted_by_hand() -> None:
    """Every count in a message comes from one place."""
    found = {str(path.relative_to(TREE)): _by_hand(ast.parse(path.read_text())) for path in TREE.rglob("*.py")}
    assert [f"{path}:{line}" for path, lines in found.items() for line in lines] == []
