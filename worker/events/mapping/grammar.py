"""The tree of a JMESPath expression, by the library's own grammar, and what can be told of it before it runs."""

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
"""What an expression sees."""


_WITHIN: Final = frozenset(
    {"subexpression", "index_expression", "pipe", "projection", "value_projection", "filter_projection"}
)
"""Nodes whose parts, but for the first, are evaluated for what the first one gives."""
_ONWARD: Final = frozenset({"subexpression", "index_expression", "pipe"})
"""Of these, the ones whose every part is evaluated for just what the one before gives."""


class Broken(ValueError):
    """An expression that can be evaluated for no record; `at` is an offset in its text."""

    def __init__(self, what: str, at: int = 0) -> None:
        super().__init__(what)
        self.at = at


def parsed(text: str) -> Node:
    """The expression's tree; Broken where it is none, or one that no record should go through."""
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
    """Whether it may look at that part of the record; the whole of it is every part."""
    return name in _of_the_record(tree) or any(map(_is_of_all, _all(tree)))


def _is_of_all(node: Node) -> bool:
    """Whether it may be about the whole record: `@`, or `*` of what it is evaluated for, each wherever it stands."""
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
    """How many parts it has, itself one of them."""
    return sum(1 for _ in _all(node))


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _all(child)


def _require_usable(node: Node, text: str) -> None:
    """What the grammar takes and no evaluation does."""
    try:
        orjson.dumps(node.get("value"))
    except TypeError:
        raise Broken("holds what no JSON can: half of a character, or a number of more than 64 bits") from None
    if node["type"] == "subexpression" and node["children"][0]["type"] == "not_expression":
        raise Broken("!a.b means (!a).b in JMESPath, which is always null: write !(a.b)", max(0, text.find("!")))
    if node["type"] == "slice" and node["children"][2] == 0:
        raise Broken("a slice whose step is 0")


def calls(text: str) -> Iterator[tuple[str, int]]:
    """Each function's name and offset, as they stand: the tree does not say where its parts come from."""
    for token, behind in pairwise(Lexer().tokenize(text)):
        if token["type"] == "unquoted_identifier" and behind["type"] == "lparen":
            yield token["value"], token["start"]


def _of_the_record(node: Node) -> Iterator[str]:
    """Names that are looked up in the record itself, whose parts are known."""
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
