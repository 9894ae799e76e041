"""Records in a file, one JSON object a line, as `kcat -C -J` prints them: payload, key, headers, topic."""

from collections.abc import Iterable
from typing import Any, Final

import orjson

from worker.customer.documents import Number, read_json_exactly, require_depth
from worker.model.records import Headers, Record

MAX_DEPTH: Final = 250
"""What is nested deeper cannot be written as JSON again."""


def read_record(line: bytes, number: int, topic: str) -> Record:
    """The record in a line, of `topic` unless the line names one.

    ValueError, which quotes nothing, where it is none.
    """
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise ValueError("not JSON, but --records wants a JSON object on each line") from None
    if not isinstance(told, dict) or "payload" not in told:
        raise ValueError("no JSON object with a payload, as --records wants it")
    require_depth(told, MAX_DEPTH)
    named = told.get("topic")
    where = named if isinstance(named, str) else topic
    if not all(isinstance(each, str | None) for each in (told["payload"], told.get("key"), *_values(told))):
        told = read_json_exactly(line, MAX_DEPTH)
    key, value = _bytes(told.get("key")), _bytes(told["payload"])
    return Record(where, 0, number, 0, key, value, tuple(_headers(told.get("headers"))))


def _headers(told: Any) -> Headers:  # noqa: ANN401  # any JSON
    """Headers from an object, or from a list of names and values in turn."""
    if isinstance(told, dict):
        return tuple((name, _bytes(value)) for name, value in told.items())
    if isinstance(told, list) and len(told) % 2 == 0:
        return tuple((str(name), _bytes(value)) for name, value in zip(told[::2], told[1::2], strict=True))
    if told is None:
        return ()
    raise ValueError("headers that are neither an object nor names and values in turn")


def _values(told: Any) -> Iterable[Any]:  # noqa: ANN401  as above
    """The values of the headers, whatever those are."""
    headers = told.get("headers")
    if isinstance(headers, dict):
        return headers.values()
    return headers if isinstance(headers, list) else ()


def _bytes(told: Any) -> bytes | None:  # noqa: ANN401  # any JSON
    """A text in UTF-8, or any other value as JSON, with its numbers as they were written."""
    if told is None:
        return None
    if isinstance(told, str):
        return told.encode()
    return orjson.dumps(told, default=_as_written, option=orjson.OPT_PASSTHROUGH_SUBCLASS)


def _as_written(number: Number) -> orjson.Fragment:
    return orjson.Fragment(str(number))
