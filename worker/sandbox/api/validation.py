"""Validates a body against the table of elements."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from worker.sandbox.api.config import ConfiguredValues, CustomAttribute
from worker.sandbox.api.elements import Block, Element, Several, Text, customer_of

# The codes after 400-101 are this sandbox's own: the API publishes no list for customers.
UNSUPPORTED_QUERY = "400-101"
MISSING = "400-102"
UNSUPPORTED = "400-103"
RULE = "400-104"
EMPTY = "400-105"
MALFORMED = "400-106"
EMAIL_TAKEN = "400-107"

_DIGITS = re.compile(r"[0-9]+")
_EMAIL_FORBIDDEN = re.compile(r'[()\[\]:;<>" ]|\\\\')
_CUSTOM_CHARACTERS = re.compile(r"""[A-Za-z0-9 @:._\-&,()?#='"\u0080-\U0010ffff]*""")


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule; `text` says which rule, never the value that breaks it."""

    code: str
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


def shown(name: str) -> str:
    """The name of a client's element, escaped and cut so that a message may repeat it."""
    return name.encode("unicode_escape").decode()[:60]


class Rules:
    """The rules of one application; with `configured=None` any value passes as a configured one."""

    def __init__(self, configured: ConfiguredValues | None, *, departmentalization: bool) -> None:
        self._configured = configured
        self._lists: dict[str, frozenset[str]] = {}
        self._attributes: dict[str, dict[str, CustomAttribute]] = {}
        if configured is not None:
            self._lists = {n: frozenset(v) for n, v in configured if isinstance(v, tuple)}
            self._attributes = dict(configured.custom_attributes)
        self._tables = {
            kind: customer_of(kind, departmentalization=departmentalization) for kind in ("individual", "group")
        }

    def problems(self, tree: object) -> Iterator[Problem]:
        """Every broken rule, in the order of the elements; none when the customer may be created."""
        kind = tree.get("type") if isinstance(tree, dict) else None
        value = kind.get("value") if isinstance(kind, dict) else None
        table = self._tables.get(value if isinstance(value, str) else "", self._tables["individual"])
        yield from self._block(tree, table, "")

    def _element(self, node: object, element: Element, path: str) -> Iterator[Problem]:
        if type(element) is Text:
            return self._text(node, element, path)
        if type(element) is Block:
            return self._block(node, element, path)
        assert isinstance(element, Several)  # noqa: S101 - the union has three members
        return self._several(node, element, path)

    def _block(self, node: object, block: Block, path: str) -> Iterator[Problem]:
        if not isinstance(node, dict):
            yield Problem(MALFORMED, path, "must be an object")
            return
        for name, value in node.items():
            element = block.children.get(name)
            if element is not None:
                yield from self._element(value, element, f"{path}.{name}" if path else name)
            elif name not in block.variants or name != node.get("value"):
                yield Problem(UNSUPPORTED, path, f"unsupported element '{shown(name)}'")
        yield from _missing(node, block, path)
        if block.variants:
            yield from self._variant(node, block, path)
        if block.attributes_of is not None and self._configured is not None:
            yield from self._custom_attribute(node, self._attributes[block.attributes_of], path)

    def _variant(self, node: dict[str, Any], block: Block, path: str) -> Iterator[Problem]:
        named = node.get("value")
        variant = block.variants.get(named) if isinstance(named, str) else None
        if variant is None:
            return
        if named in node:
            yield from self._block(node[named], variant, f"{path}.{named}")
        elif variant.required:
            yield Problem(MISSING, path, f"required element '{named}' is missing")

    def _several(self, node: object, several: Several, path: str) -> Iterator[Problem]:
        path = f"{path}.{several.item}"
        if not isinstance(node, dict) or not isinstance(node.get(several.item, []), list):
            yield Problem(MALFORMED, path, f'must be wrapped as {{"{several.item}": [..]}}')
            return
        yield from (
            Problem(UNSUPPORTED, path, f"unsupported element '{shown(name)}'") for name in node if name != several.item
        )
        items = node.get(several.item, [])
        if len(items) < several.at_least:
            yield Problem(MISSING, path, f"at least {several.at_least} must be given")
        if several.at_most is not None and len(items) > several.at_most:
            yield Problem(RULE, path, f"at most {several.at_most} may be given")
        for index, item in enumerate(items):
            yield from self._block(item, several.of, f"{path}[{index}]")

    def _text(self, node: object, text: Text, path: str) -> Iterator[Problem]:
        if not isinstance(node, str):
            yield Problem(MALFORMED, path, "must be a string")
        elif text.required and not node:
            yield Problem(MISSING, path, "is required and empty")
        elif (broken := self._broken(node, text)) is not None:
            yield Problem(RULE, path, broken)

    def _broken(self, value: str, text: Text) -> str | None:  # noqa: PLR0911 - one line per rule of the pages
        if text.max_length is not None and len(value) > text.max_length:
            return f"must not exceed {text.max_length} characters"
        if text.allowed is not None and value not in text.allowed:
            return f"must be one of {', '.join(sorted(text.allowed))}"
        if text.max_digits is not None and not (_DIGITS.fullmatch(value) and len(value) <= text.max_digits):
            return f"must be a number of at most {text.max_digits} digits"
        if text.configured is not None and self._configured is not None and value not in self._lists[text.configured]:
            return "must be one of the values configured in the application"
        if text.form == "email" and not is_email(value):
            return "must be a valid e-mail address"
        if text.form == "past_date" and not is_past(value):
            return "must be an ISO 8601 date in the past"
        return None

    def _custom_attribute(
        self, node: dict[str, Any], configured: dict[str, CustomAttribute], path: str
    ) -> Iterator[Problem]:
        name = node.get("attribName")
        if not isinstance(name, str) or not name:
            return
        attribute = configured.get(name)
        if attribute is None:
            yield Problem(RULE, f"{path}.attribName", "must be the name of a configured custom attribute")
            return
        for index, value in enumerate(_values(node)):
            if attribute.type == "enumeration" and value not in attribute.values:
                yield Problem(RULE, f"{path}.attribValues.attribValue[{index}].value", "must be a predefined value")
            if attribute.type == "string" and not _CUSTOM_CHARACTERS.fullmatch(value):
                yield Problem(RULE, f"{path}.attribValues.attribValue[{index}].value", "holds a character not allowed")


def _missing(node: dict[str, Any], block: Block, path: str) -> Iterator[Problem]:
    for name, element in block.children.items():
        if element.required and name not in node:
            yield Problem(MISSING, path, f"required element '{name}' is missing")


def _values(attribute: dict[str, Any]) -> list[str]:
    """The values that are texts; values of another shape have been reported already."""
    values = attribute.get("attribValues")
    items = values.get("attribValue") if isinstance(values, dict) else None
    found = [item.get("value") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return [value for value in found if isinstance(value, str)]


def is_email(value: str) -> bool:
    """Whether the text is an e-mail address as the API defines one, which is looser than any standard."""
    _, at, domain = value.partition("@")
    well_formed = at and "@" not in domain and "." in domain[1:] and not domain.endswith(".")
    return bool(well_formed) and not _EMAIL_FORBIDDEN.search(value)


def is_past(value: str) -> bool:
    """Whether the text is an ISO 8601 date in the past; a date without a time zone is taken as UTC."""
    try:
        date = datetime.fromisoformat(value)
    except ValueError:
        return False
    return (date if date.tzinfo else date.replace(tzinfo=UTC)) < datetime.now(UTC)
