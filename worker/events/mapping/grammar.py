"""The tree of a JMESPath expression, by the library's own grammar, and what can be said of it before it runs."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

import orjson
from jmespath.exceptions import IncompleteExpressionError, JMESPathError, LexerError, ParseError
from jmespath.lexer import Lexer
from jmespath.parser import Parser

Node = Mapping[str, Any]

MAX_NODES: Final = 2_000
MAX_NESTED: Final = 60
ROOT: Final = ("value", "key", "headers", "topic")
"""The names that an expression can look up in a record."""


_WITHIN: Final = frozenset(
    {"subexpression", "index_expression", "pipe", "projection", "value_projection", "filter_projection"}
)
"""Nodes whose parts, except the first, are evaluated for the result of the first."""
_ONWARD: Final = frozenset({"subexpression", "index_expression", "pipe"})
"""Those of them in which each part is evaluated for exactly the result of the part before it."""


class Broken(ValueError):
    """An expression that cannot be evaluated for any record; `at` is an offset in its text."""

    def __init__(self, what: str, at: int = 0) -> None:
        super().__init__(what)
        self.at = at


def parsed(text: str) -> Node:
    """The expression's tree. Raises Broken where it is no JMESPath, or is not allowed for records."""
    tree = _tree(text)
    _require_shallow(tree)
    if (size := size_of(tree)) > MAX_NODES:
        raise Broken(f"has {size} parts, more than the {MAX_NODES} allowed")
    for name in _of_the_record(tree):
        if name not in ROOT:
            raise Broken(f"a record has no {name[:80]!r}, but {', '.join(ROOT)}", _first(text, name))
    for node in _all(tree):
        _require_usable(node, text)
    return tree


def reads(tree: Node, name: str) -> bool:
    """Whether the expression may look at that part of the record; one that takes the whole record may."""
    return name in _of_the_record(tree) or any(map(_is_of_all, _all(tree)))


def _is_of_all(node: Node) -> bool:
    """Whether the node may be about the whole record: `@`, or `*` of what it is evaluated for, wherever it stands."""
    match node:
        case {"type": "current"} | {"type": "value_projection", "children": [{"type": "identity"}, *_]}:
            return True
        case _:
            return False


def _tree(text: str) -> Node:
    try:
        return Parser().parse(text).parsed
    except LexerError as error:
        raise Broken(f"no JMESPath from {str(error.lexer_value)[:20]!r} on", error.lexer_position) from None
    except IncompleteExpressionError:
        raise Broken("no JMESPath: it is not complete", len(text)) from None
    except ParseError as error:
        raise Broken(f"no JMESPath: unexpected {error.token_value!r}", error.lex_position) from None
    except JMESPathError:
        raise Broken("no JMESPath: it is empty") from None
    except RecursionError:
        raise Broken(f"nested deeper than {MAX_NESTED} levels") from None


def _require_shallow(tree: Node) -> None:
    level, nested = [tree], 0
    while level := [child for node in level for child in node["children"] if isinstance(child, dict)]:
        nested += 1
        if nested > MAX_NESTED:
            raise Broken(f"nested deeper than {MAX_NESTED} levels")


def size_of(node: Node) -> int:
    """How many nodes the tree has, its root included."""
    return sum(1 for _ in _all(node))


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _all(child)


def _require_usable(node: Node, text: str) -> None:
    """Raise Broken for what the grammar accepts but cannot be evaluated."""
    try:
        orjson.dumps(node.get("value"))
    except TypeError:
        raise Broken("holds what no JSON can: half of a character, or a number of more than 64 bits") from None
    if node["type"] == "subexpression" and node["children"][0]["type"] == "not_expression":
        raise Broken("!a.b means (!a).b in JMESPath, which is always null: write !(a.b)", max(0, text.find("!")))
    if node["type"] == "slice" and node["children"][2] == 0:
        raise Broken("a slice whose step is 0")


def calls(text: str) -> Iterator[tuple[str, int]]:
    """Each function call's name and offset, in the order of the text: the tree does not hold offsets."""
    for token, behind in pairwise(Lexer().tokenize(text)):
        if token["type"] == "unquoted_identifier" and behind["type"] == "lparen":
            yield token["value"], token["start"]


def _of_the_record(node: Node) -> Iterator[str]:
    """The names that are looked up in the record itself, of which only `ROOT` exist."""
    first, children = node["type"], node["children"]
    if first == "field":
        yield node["value"]
    if first in _WITHIN:
        at_itself = children[0]["type"] == "current" and first in _ONWARD
        children = children[1:2] if at_itself else children[:1]
    for child in children if first not in {"expref", "slice"} else ():
        yield from _of_the_record(child)


def _first(text: str, name: str) -> int:
    found = re.search(rf"\b{re.escape(name)}\b", text)
    return found.start() if found else 0
