"""How whatever is read of Kafka is read: nobody moves by himself, and what was taken back upstream is not there."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import worker
from worker.kafka.reader import COMMITTED, UNCOMMITTED

WORKER = Path(worker.__file__).parent
MODULES = {str(path.relative_to(WORKER)): ast.parse(path.read_text()) for path in sorted(WORKER.rglob("*.py"))}
MADE_IN = {"kafka/reader.py", "kafka/source.py"}
UNCOMMITTED_IN = {
    "kafka/journal_topic.py": "the journal",
    "kafka/newest.py": "dead letters",
    "kafka/follow.py": "results",
    "kafka/places.py": "how far the requests are written, to wait for what is not committed yet",
    "tools/journal/show.py": "the journal",
    "tools/life/reading.py": "results",
    "tools/offsets.py": "how far the requests go, and the journal",
    "tools/topics.py": "how far the requests go",
    "tools/dead_letters/shown.py": "dead letters",
    "tools/dead_letters/resolve.py": "dead letters",
    "tools/dead_letters/selection.py": "dead letters",
    "tools/verification/expired.py": "the journal",
    "tools/verification/scan.py": "all but the requests",
    "tools/audit/topics.py": "results and dead letters",
    "console/desk.py": "dead letters",
}
"""Who reads past open transactions, and what: the requests are none of it, whoever asks."""


def calls(tree: ast.AST, name: str) -> Iterator[dict[str, str]]:
    """The named arguments of each."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(name):
            yield {each.arg or "": ast.unparse(each.value) for each in node.keywords}


def test_where_consumers_are_made() -> None:
    """In two places."""
    assert {path for path, tree in MODULES.items() if any(calls(tree, "AIOKafkaConsumer"))} == MADE_IN


@pytest.mark.parametrize("path", sorted(MADE_IN))
def test_nobody_moves_by_himself(path: str) -> None:
    """A place that is lost is told, never guessed."""
    for given in calls(MODULES[path], "AIOKafkaConsumer"):
        assert (given["auto_offset_reset"], given["enable_auto_commit"]) == ("'none'", "False")


def test_what_was_taken_back_is_not_there() -> None:
    """Neither for the member of the group nor for anybody else who reads requests."""
    (member,) = calls(MODULES["kafka/source.py"], "AIOKafkaConsumer")
    assert member["isolation_level"] == f"{COMMITTED!r}"
    past = {path for path, tree in MODULES.items() if path != "kafka/reader.py" and names(tree, "UNCOMMITTED")}
    assert past == set(UNCOMMITTED_IN)
    assert UNCOMMITTED != COMMITTED


def names(tree: ast.AST, name: str) -> bool:
    """Whether it says so by itself; a text alone would be no better."""
    return any(
        (isinstance(node, ast.Name) and node.id == name)
        or (isinstance(node, ast.Constant) and node.value == UNCOMMITTED)
        for node in ast.walk(tree)
    )
