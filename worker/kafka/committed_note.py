"""The note beside a committed offset: how many partitions the topic had, and which records above it have ended."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from worker.model.progress import Spans

MOST: Final = 4096
"""The most bytes that a broker takes, where nobody has set `offset.metadata.max.bytes`."""
NOTE: Final = re.compile(r"(?:began-with=([0-9]{1,9}))?(?:^|;|$)(?:published=([A-Za-z0-9_-]+))?")


@dataclass(frozen=True, slots=True)
class Note:
    """`began_with` is how many partitions the topic had when the group began; 0 where nobody noted it.

    `published` are spans of offsets whose records have ended. They are true wherever the note stands: an earlier
    version copies it beside offsets of its own.
    """

    began_with: int = 0
    published: Spans = ()

    def encode(self, most: int = MOST) -> str:
        """The note as text, in `most` bytes: as many spans as fit, the first ones. The rest is published again."""
        known = f"began-with={self.began_with}" if self.began_with else ""
        name = ";published=" if known else "published="
        packed = _packed(self.published, (most - len(known) - len(name)) // 4 * 3)
        return known + (name + base64.urlsafe_b64encode(packed).decode().rstrip("=") if packed else "")


def read_note(text: str) -> Note:
    """Read a note. An empty one where the text is not ours, as beside the offsets of other tools."""
    found = NOTE.fullmatch(text)
    return Note(int(found[1] or 0), _unpacked(found[2] or "")) if found else Note()


def _packed(spans: Spans, most: int) -> bytes:
    """The spans as bytes: each number as its distance from the one before, in seven bits a byte."""
    packed, last = bytearray(), 0
    for first, end in spans:
        both = _number(first - last) + _number(end - first)
        if len(packed) + len(both) > most:
            break
        packed += both
        last = end
    return bytes(packed)


def _number(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(0x80 | value & 0x7F)
        value >>= 7
    return bytes((*found, value))


def _unpacked(text: str) -> Spans:
    """Read the spans; none where the text is not ours, or not whole."""
    try:
        numbers = list(_numbers(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)))
    except (ValueError, binascii.Error):
        return ()
    places = list(_sums(numbers))
    return tuple(zip(places[::2], places[1::2], strict=False)) if len(places) % 2 == 0 and _ascends(places) else ()


def _numbers(packed: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in packed:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value
            value = shift = 0
    if shift:
        raise ValueError("a number that does not end")


def _sums(numbers: Iterable[int]) -> Iterator[int]:
    total = 0
    for number in numbers:
        total += number
        yield total


def _ascends(places: list[int]) -> bool:
    return all(first < end for first, end in zip(places[::2], places[1::2], strict=True))
