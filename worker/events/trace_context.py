"""Reads an event's W3C trace context; what is malformed is not passed on (www.w3.org/TR/trace-context)."""

import re
from collections.abc import Mapping
from typing import Any, Final

Json = Any

_PARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_MEMBER: Final = re.compile(
    r"([a-z0-9][a-z0-9_\-*/@]{0,255})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)
MAX_STATE: Final = 512
MAX_MEMBERS: Final = 32


def trace_context(attributes: Mapping[str, Json], headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """(traceparent, tracestate), of the CloudEvent's extensions or else of the headers; no state without a parent."""
    parent = _first("traceparent", attributes, headers)
    if not (isinstance(parent, str) and _PARENT.fullmatch(parent)):
        return None, None
    state = _first("tracestate", attributes, headers)
    return parent, state if isinstance(state, str) and is_state(state) else None


def _first(name: str, attributes: Mapping[str, Json], headers: Mapping[str, str]) -> Json:
    """The extension or else the header; an extension that is null is not set."""
    extension = attributes.get(name)
    return headers.get(name) if extension is None else extension


def is_state(text: str) -> bool:
    """Whether it is a list of `key=value` as the recommendation has it: no key twice, a bounded number of members."""
    if len(text) > MAX_STATE:
        return False
    members = [stripped for each in text.split(",") if (stripped := each.strip(" \t"))]
    found = [_MEMBER.fullmatch(member) for member in members]
    keys = {match[1] for match in found if match}
    return 0 < len(members) == len(keys) <= MAX_MEMBERS
