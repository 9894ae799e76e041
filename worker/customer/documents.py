"""JSON bytes -> plain data, in bounded time and memory, refusing whatever two readers could understand differently."""

import json
from collections.abc import Iterable
from typing import Any, Final

import orjson

Json = Any
"""What `json.loads` gives: dict, list, str, int, float, bool or None."""

_MARKS: Final = ((b"\xef\xbb\xbf", "UTF-8"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


_MAX_GLIMPSED: Final = 16 * 1024 * 1024
_MAX_PARTS: Final = 500_000
"""Bytes, and commas and brackets: what is read of a value that breaks the limits takes some 100 MB at most."""


class Unreadable(ValueError):
    """Bytes that are no usable JSON or XML; the message is for the event's author and quotes nothing of it."""


class Number(str):
    """A number exactly as it was written, since a float would lose digits and trailing zeros."""

    __slots__ = ()


def require_utf8(raw: bytes) -> None:
    """Refuses byte order marks and every encoding but UTF-8."""
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
    """The fast way; numbers are Python's."""
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _explained(raw, error, max_depth) from None
    if _repeats_names(raw, document):
        read_json_exactly(raw, max_depth)
    return document


def glimpsed(raw: bytes) -> Json:
    """What the value holds, to be told and not to be worked on; None where it is no JSON, or would take too much."""
    if len(raw) > _MAX_GLIMPSED or sum(map(raw.count, (b",", b"[", b"{"))) > _MAX_PARTS:
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def read_json_exactly(raw: bytes, max_depth: int) -> Json:
    """The thorough way: numbers as they were written (`Number`), no name twice in an object, no nesting too deep."""
    try:
        document = json.loads(
            raw, object_pairs_hook=_object, parse_int=Number, parse_float=Number, parse_constant=_constant
        )
    except RecursionError:
        raise Unreadable(f"nested deeper than {max_depth} levels") from None
    require_depth(document, max_depth)
    return document


def require_depth(document: Json, max_depth: int) -> None:
    """Refuses what is nested deeper, without recursion."""
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
    """Whether a name may stand twice in an object: then quotes of the text are missing from what was read.

    Only an escaped quote may be written in two ways; where one is, the thorough reader decides.
    """
    # A single byte is looked for four times as fast.
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
    return Unreadable(f"not JSON: {error.msg.split(':')[0]} (line {error.lineno} column {error.colno})")
