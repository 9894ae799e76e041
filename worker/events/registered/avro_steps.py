"""Reads Avro's bytes by one step for each type: from an offset to a value in JSON's form, and the offset behind it.

A step raises where the bytes are not of its type. Values are bounded: no list is longer than there are bytes, nesting
ends at Python's own limit, and what takes no bytes, or fewer than its JSON, takes of the body's room.
"""

import base64 as of_64
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, Self

from worker.events.registered.as_json import of_32_bits
from worker.events.registered.room import NAME, Room


class Body(bytes):
    """The bytes of one value, and how much JSON may still be made of them."""

    room: Room

    def __new__(cls, raw: bytes, room: Room) -> Self:
        body = super().__new__(cls, raw)
        body.room = room
        return body


Step = Callable[[Body, int], tuple[Any, int]]
_LONGEST: Final = 10
"""A number takes at most so many bytes."""
_FLOAT, _DOUBLE = struct.Struct("<f"), struct.Struct("<d")


def null(_: Body, at: int) -> tuple[None, int]:
    return None, at


def boolean(raw: Body, at: int) -> tuple[bool, int]:
    return (False, True)[raw[at]], at + 1


def number(raw: Body, at: int) -> tuple[int, int]:
    """A zigzag number, seven bits a byte; most numbers take one byte."""
    byte = raw[at]
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), at + 1
    value = byte & 0x7F
    for place in range(1, _LONGEST):
        byte = raw[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at + place + 1
    raise ValueError("a number without end")


def real(raw: Body, at: int) -> tuple[float, int]:
    return of_32_bits(_FLOAT.unpack_from(raw, at)[0]), at + 4


def double(raw: Body, at: int) -> tuple[float, int]:
    return _DOUBLE.unpack_from(raw, at)[0], at + 8


def text(raw: Body, at: int) -> tuple[str, int]:
    """As `bytes_of`, decoded; written out for speed, since nearly every value of a customer is a text."""
    size = raw[at]
    if size < 0x80 and not size & 1:
        start = at + 1
        end = start + (size >> 1)
        if end > len(raw):
            raise EOFError
        return raw[start:end].decode(), end
    found, end = bytes_of(raw, at)
    return found.decode(), end


def bytes_of(raw: Body, at: int) -> tuple[bytes, int]:
    size, start = number(raw, at)
    end = start + size
    if size < 0 or end > len(raw):
        raise EOFError
    return raw[start:end], end


def base64(value: bytes) -> str:
    """Bytes as a text in base64, as JSON has them."""
    return of_64.b64encode(value).decode()


def fixed(size: int) -> Step:
    if size < 0:
        raise ValueError("a size below zero")

    def read(raw: Body, at: int) -> tuple[bytes, int]:
        end = at + size
        if end > len(raw):
            raise EOFError
        return raw[at:end], end

    return read


def enum(symbols: Sequence[str]) -> Step:
    def read(raw: Body, at: int) -> tuple[str, int]:
        index, at = number(raw, at)
        symbol = symbols[_place(index)]
        raw.room.take_text(symbol)
        return symbol, at

    return read


def union(branches: Sequence[Step], nulls: Sequence[bool]) -> Step:
    """A value of one branch. What is either null or one type is read without looking the branch up."""
    if len(branches) == 2 and sum(nulls) == 1:
        return _nullable(branches[nulls.index(False)], nulls.index(True))

    def read(raw: Body, at: int) -> tuple[Any, int]:
        index, at = number(raw, at)
        return branches[_place(index)](raw, at)

    return read


def _nullable(step: Step, index_of_null: int) -> Step:
    absent, there = 2 * index_of_null, 2 - 2 * index_of_null

    def read(raw: Body, at: int) -> tuple[Any, int]:
        branch = raw[at]
        if branch == there:
            return step(raw, at + 1)
        if branch == absent:
            return None, at + 1
        raise IndexError(branch)

    return read


def record(fields: Sequence[tuple[str, Step]]) -> Step:
    """A record. A field that is null counts as not set and is left out; one that is always null takes no time."""
    known = tuple((name, NAME + len(name), step) for name, step in fields if step is not null)

    def read(raw: Body, at: int) -> tuple[dict[str, Any], int]:
        found, made = {}, 1
        for name, size, step in known:
            value, at = step(raw, at)
            if value is not None:
                made += size
                found[name] = value
        raw.room.take(made)
        return found, at

    return read


def array(step: Step) -> Step:
    def read(raw: Body, at: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        while True:
            count, at = _block(raw, at)
            if not count:
                return found, at
            if len(found) + count > len(raw):
                raise EOFError
            for _ in range(count):
                value, at = step(raw, at)
                found.append(value)

    return read


def mapping(step: Step) -> Step:
    def read(raw: Body, at: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        while True:
            count, at = _block(raw, at)
            if not count:
                return found, at
            for _ in range(count):
                name, at = text(raw, at)
                found[name], at = step(raw, at)

    return read


def _block(raw: Body, at: int) -> tuple[int, int]:
    """How many items follow; Avro negates that number in a block that also gives its size in bytes."""
    count, at = number(raw, at)
    if count < 0:
        count, (_, at) = -count, number(raw, at)
    if count > len(raw) - at:
        raise EOFError
    raw.room.take(count)
    return count, at


def later(found: Callable[[], Step | None]) -> Step:
    """A step that is looked up when it is used, since it does not exist yet."""

    def read(raw: Body, at: int) -> tuple[Any, int]:
        if (step := found()) is None:
            raise LookupError
        return step(raw, at)

    return read


def converted(step: Step, convert: Callable[[Any], str]) -> Step:
    """A step and the conversion of its value to a text, which takes room: a few bytes may become many digits."""

    def read(raw: Body, at: int) -> tuple[str, int]:
        value, at = step(raw, at)
        made = convert(value)
        raw.room.take_text(made)
        return made, at

    return read


def _place(index: int) -> int:
    if index < 0:
        raise IndexError(index)
    return index


PRIMITIVE: Final[dict[str, Step]] = {
    "null": null,
    "boolean": boolean,
    "int": number,
    "long": number,
    "float": real,
    "double": double,
    "string": text,
    "bytes": converted(bytes_of, base64),
}
