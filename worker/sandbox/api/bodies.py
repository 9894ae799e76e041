"""The body of one create call, parsed once: whether it is valid, which event it is of, and its texts."""

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
    """A parsed body. Parsing never raises: `problems` holds what is wrong, and `tree` what could be read."""

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
        """The texts of all elements with that name, at any depth, whether plain or wrapped as `{"value": ..}`."""
        return list(_texts(self.tree, name))

    def identity(self, attribute: str | None, traceparent: str) -> str:
        """What identifies the event: the named custom attribute, else the trace id, else a digest of the body."""
        named = next(_custom_values(self.tree, attribute), "") if attribute else ""
        trace = _TRACE.fullmatch(traceparent)
        if named:
            return named if len(named) <= MAX_IDENTITY else digest_of(named.encode())
        return trace.group(1) if trace else digest_of(self.raw)


def _texts(tree: object, name: str) -> Iterator[str]:
    """The texts of the elements with that name. Not recursive, as a client may nest its body to any depth."""
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
    """The values of the customer's own custom attribute of that name; what has another shape is skipped."""
    for attribute in _items(tree, "customAttributes", "customAttribute"):
        if isinstance(attribute, dict) and attribute.get("attribName") == name:
            for value in _items(attribute, "attribValues", "attribValue"):
                if isinstance(value, dict) and isinstance(value.get("value"), str):
                    yield value["value"]


def _items(node: object, wrapper: str, item: str) -> list[Any]:
    inner = node.get(wrapper) if isinstance(node, dict) else None
    items = inner.get(item) if isinstance(inner, dict) else None
    return items if isinstance(items, list) else []
