"""The body of one call, parsed once, and what can be told from it: validity, identity, single texts."""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from worker.sandbox.api.answers import Format
from worker.sandbox.api.ledger import digest_of
from worker.sandbox.api.validation import EMPTY, MALFORMED, Problem
from worker.sandbox.api.xml import MalformedXml, parse, read_customer

MAX_IDENTITY = 255

_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class CustomerBody:
    """Reading never raises: what is wrong stands in `problems`, and `tree` holds what could be read."""

    def __init__(self, raw: bytes, form: Format) -> None:
        self.raw = raw
        self.tree: Any = {}
        self.problems: list[Problem] = []
        if not raw.strip():
            self.problems.append(Problem(EMPTY, "", "the request body is empty"))
        elif form == "json":
            self._read_json()
        else:
            self._read_xml()

    def _read_json(self) -> None:
        try:
            self.tree = orjson.loads(self.raw)
        except ValueError:
            self.problems.append(Problem(MALFORMED, "", "the body is not valid JSON"))

    def _read_xml(self) -> None:
        try:
            self.tree, self.problems = read_customer(parse(self.raw))
        except MalformedXml as error:
            self.problems.append(Problem(MALFORMED, "", str(error)))

    def texts(self, name: str) -> list[str]:
        """The texts of all elements of that name, and of those that wrap a value."""
        return list(_texts(self.tree, name))

    def identity(self, attribute: str | None, traceparent: str) -> str:
        """What this event is known by: the custom attribute, else its trace, else the body itself."""
        named = next(_custom_values(self.tree, attribute), "") if attribute else ""
        trace = _TRACE.fullmatch(traceparent)
        if named:
            return named if len(named) <= MAX_IDENTITY else digest_of(named.encode())
        return trace.group(1) if trace else digest_of(self.raw)


def _texts(tree: object, name: str) -> Iterator[str]:
    """Without recursion: the tree is somebody else's."""
    open_nodes = [tree]
    while open_nodes:
        node = open_nodes.pop()
        if isinstance(node, list):
            open_nodes.extend(node)
        elif isinstance(node, dict):
            found = node.get(name)
            text = found.get("value") if isinstance(found, dict) else found
            if isinstance(text, str):
                yield text
            open_nodes.extend(node.values())


def _custom_values(tree: object, name: str) -> Iterator[str]:
    """The customer's own attribute of that name, as far as it has the right shape."""
    for attribute in _items(tree, "customAttributes", "customAttribute"):
        if isinstance(attribute, dict) and attribute.get("attribName") == name:
            for value in _items(attribute, "attribValues", "attribValue"):
                if isinstance(value, dict) and isinstance(value.get("value"), str):
                    yield value["value"]


def _items(node: object, wrapper: str, item: str) -> list[Any]:
    inner = node.get(wrapper) if isinstance(node, dict) else None
    items = inner.get(item) if isinstance(inner, dict) else None
    return items if isinstance(items, list) else []
