"""Every event that the worker logs stands in the documentation, with its level and its facts."""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "deploy/docs/watching.md"
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
FORM = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")
IRREGULAR = {"lost", "cut", "found", "left"}


def texts(node):
    """The constants that an expression can be."""
    match node:
        case ast.Constant(str(text)):
            return {text}
        case ast.IfExp(body=one, orelse=other):
            return texts(one) | texts(other)
        case _:
            raise AssertionError(f"an event's name must stand in the code: {ast.unparse(node)}")


def logged():
    """By event: the levels and the names of its facts; the sandbox's own log is not the worker's."""
    found: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for file in (ROOT / "worker").rglob("*.py"):
        if "sandbox" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name("log"), attr=level)) if level in LEVELS:
                    for event in texts(node.args[0]):
                        found[event][0].add(level)
                        found[event][1].update(each.arg for each in node.keywords if each.arg)
    return found


def told():
    """By event: its level and facts, as the runbook has them."""
    section = PAGE.read_text().split("\n## Log events\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| (\w+) \|([^|]*)\| [^|]+ \|$", section, re.MULTILINE)
    return {event: (level, set(filter(None, facts.strip().split(", ")))) for event, level, facts in rows}


def test_every_event_is_told():
    """In the runbook's table, and nothing else is."""
    assert sorted(told()) == sorted(logged())


def test_an_event_s_name():
    """A noun, a dot, and what happened to it."""
    for event in logged():
        assert FORM.fullmatch(event), event
        words = event.partition(".")[2].split("_")
        assert any(word.endswith("ed") or word in IRREGULAR for word in words), f"{event}: not in the past tense"


def test_an_event_s_facts():
    """The runbook has all of them, and the level, which is one wherever the event is logged."""
    for event, (levels, facts) in logged().items():
        level, known = told()[event]
        assert facts <= known, event
        assert levels == {level}, event
