"""Reads JSON in bounded time and memory, and refuses what two readers could understand differently."""

import json
from collections.abc import Iterable
from typing import Any, Final

import orjson

Json = Any
"""What `json.loads` returns: dict, list, str, int, float, bool or None."""

_MARKS: Final = ((b"\xef\xbb\xbf", "UTF-8"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


_MAX_GLIMPSED: Final = 16 * 1024 * 1024
_MAX_PARTS: Final = 500_000
"""Limits for `glimpsed`: bytes, and commas and opening brackets. Within them it takes some 100 MB at most."""


class Unreadable(ValueError):
    """Bytes that are no usable JSON or XML; the message is for the event's author and quotes nothing of it."""


class Number(str):
    """A number exactly as it was written, since a float would lose digits and trailing zeros."""

    __slots__ = ()


def require_utf8(raw: bytes) -> None:
    """Raise Unreadable for a byte order mark, and for every encoding but UTF-8."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            raise Unreadable(f"starts with a {encoding} byte order mark; events are UTF-8 without one")
    if b"\x00" in raw:
        raise Unreadable("holds NUL bytes; events are UTF-8 text")
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8 at byte {error.start}") from None


def read_json(raw: bytes, max_depth: int) -> Json:
    """Read JSON the fast way, with Python's numbers. Raises Unreadable, also where a name stands twice in an object."""
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _explained(raw, error, max_depth) from None
    if _repeats_names(raw, document):
        read_json_exactly(raw, max_depth)
    return document


def glimpsed(raw: bytes) -> Json:
    """The value read only to be shown; None where it is no JSON, or where reading it would take too much memory."""
    if len(raw) > _MAX_GLIMPSED or sum(map(raw.count, (b",", b"[", b"{"))) > _MAX_PARTS:
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def read_json_exactly(raw: bytes, max_depth: int) -> Json:
    """Read JSON thoroughly: numbers as they were written (`Number`), no name twice in an object, no deeper nesting.

    Raises Unreadable.
    """
    try:
        document = json.loads(
            raw, object_pairs_hook=_object, parse_int=Number, parse_float=Number, parse_constant=_constant
        )
    except RecursionError:
        raise Unreadable(f"nested deeper than {max_depth} levels") from None
    require_depth(document, max_depth)
    return document


def require_depth(document: Json, max_depth: int) -> None:
    """Raise Unreadable for a document that is nested deeper; works without recursion."""
    level = [document]
    for _ in range(max_depth + 1):
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    raise Unreadable(f"nested deeper than {max_depth} levels")


def _children(item: Json) -> Iterable[Json]:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list) else ()


def _repeats_names(raw: bytes, document: Json) -> bool:
    """Whether a name may stand twice in an object: then there are fewer quotes in what was read than in the text.

    That comparison fails where the text has escaped quotes; then the answer is True, and the thorough reader decides.
    """
    # To look for a single byte first is four times as fast.
    if b"\\" in raw and b"\\u0022" in raw:
        return True
    try:
        return raw.count(b'"') != orjson.dumps(document).count(b'"')
    except TypeError:  # orjson writes fewer levels than it reads
        return True


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise Unreadable("a name stands twice in the same object")
    return names


def _constant(_: str) -> Json:
    raise Unreadable("NaN and Infinity are not JSON")


def _explained(raw: bytes, error: orjson.JSONDecodeError, max_depth: int) -> Unreadable:
    try:
        require_utf8(raw)
    except Unreadable as reason:
        return reason
    if "depth" in error.msg:
        return Unreadable(f"nested deeper than {max_depth} levels")
    return Unreadable(f"not JSON: {error.msg} (line {error.lineno} column {error.colno})")
