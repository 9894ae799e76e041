"""How large a batch becomes when it is decompressed, known before that is done, and bounded.

The libraries that decompress end the process where memory does not suffice. Then nobody could say whose batch it was,
and the partition's next owner would meet it again. A frame says of each of its blocks how large it may become:
https://datatracker.ietf.org/doc/html/rfc8878 (Zstandard), https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md.
"""

import struct
import zlib
from collections.abc import Callable
from typing import Any, Final

from aiokafka import codec
from aiokafka.errors import CorruptRecordException
from aiokafka.record import default_records
from aiokafka.util import NO_EXTENSIONS

ZSTD_BLOCK: Final = 128 * 1024
ZSTD_SKIPPED: Final = b"\x2a\x4d\x18"
ZSTD_REPEATED, ZSTD_COMPRESSED = 1, 2
XERIAL: Final = b"\x82SNAPPY\x00"
XERIAL_HEADER: Final = 16
Bytes = bytes | bytearray | memoryview
Decode = Callable[[Bytes], bytes]


NAMES: Final = {1: "gzip_decode", 2: "snappy_decode", 3: "lz4_decode", 4: "zstd_decode"}


class TooMuch(CorruptRecordException):
    """The data would become larger than a batch may be."""


def decoders(limit: int) -> dict[str, Decode]:
    """Functions that decompress, by aiokafka's names; each raises TooMuch instead of making more than `limit` bytes."""

    def bounded(size: Callable[[bytes], int], decode: Callable[[Any], Any]) -> Decode:
        def decoded(data: Bytes) -> bytes:
            raw = bytes(data)
            if _told(size, raw) > limit:
                raise TooMuch
            return bytes(decode(raw))

        return decoded

    def gzip_decoded(data: Bytes) -> bytes:
        rest, made = bytes(data), b""
        while rest:
            decoder = zlib.decompressobj(wbits=31)
            made += decoder.decompress(rest, limit + 1 - len(made))
            if len(made) > limit:
                raise TooMuch
            if not decoder.eof:
                raise EOFError
            rest = decoder.unused_data
        return made

    return {
        "gzip_decode": gzip_decoded,
        "snappy_decode": bounded(snappy_size, codec.snappy_decode),
        "lz4_decode": bounded(lz4_size, codec.lz4_decode),
        "zstd_decode": bounded(zstd_size, codec.zstd_decode),
    }


def bound(limit: int) -> None:
    """Let no consumer of this process decompress a batch to more than `limit` bytes; aiokafka has no bound itself."""
    for name, decode in decoders(limit).items():
        setattr(_reader(), name, decode)


def decompressed(compression: int, data: bytes) -> bytes:
    """Decompress within that bound. Raises KeyError for an unknown compression, and what the libraries raise."""
    decode: Decode = getattr(_reader(), NAMES[compression])
    return decode(data)


def _reader() -> Any:  # noqa: ANN401  a module of aiokafka's, compiled where it can be
    if NO_EXTENSIONS:
        return default_records
    from aiokafka.record._crecords import default_records as compiled  # noqa: PLC0415  not there without extensions

    return compiled


def _told(size: Callable[[bytes], int], data: bytes) -> int:
    """The size that the data name; 0 where they name none: then they cannot be decompressed either."""
    try:
        return size(data)
    except Exception:  # noqa: BLE001  the library that reads it says what is wrong with it
        return 0


def snappy_size(data: bytes) -> int:
    """How many bytes it becomes: one piece, or Java's blocks with their lengths before them."""
    if not data.startswith(XERIAL):
        return _snappy_block(data)
    position, total = XERIAL_HEADER, 0
    while position < len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        total += _snappy_block(data[position + 4 : position + 4 + length])
        position += 4 + length
    return total


def _snappy_block(data: bytes) -> int:
    """How many bytes the block becomes: the length that stands before it, in seven bits a byte."""
    length, shift = 0, 0
    for byte in data:
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return length


def lz4_size(data: bytes) -> int:
    """How many bytes it becomes at most, over all frames: each block as many as its frame's header allows."""
    position, total = 0, 0
    while position < len(data):
        flags, largest = data[position + 4], 1 << (8 + 2 * (data[position + 5] >> 4 & 7))
        position += 7 + (8 if flags & 8 else 0) + (4 if flags & 1 else 0)
        while length := struct.unpack_from("<I", data, position)[0]:
            plain, length = length >> 31, length & 0x7FFFFFFF
            total += length if plain else largest
            position += 4 + length + (4 if flags & 16 else 0)
        position += 4 + (4 if flags & 4 else 0)
    return total


def zstd_size(data: bytes) -> int:
    """How many bytes it becomes at most, over all frames; those that are to be skipped become nothing."""
    position, total = 0, 0
    while position < len(data):
        if data[position + 1 : position + 4] == ZSTD_SKIPPED:
            position += 8 + int.from_bytes(data[position + 4 : position + 8], "little")
            continue
        descriptor = data[position + 4]
        single, own = descriptor >> 5 & 1, descriptor >> 6
        position += 5 + (1 - single) + (0, 1, 2, 4)[descriptor & 3] + (single, 2, 4, 8)[own]
        position, made = _zstd_blocks(data, position)
        total += made
        position += 4 if descriptor & 4 else 0
    return total


def _zstd_blocks(data: bytes, position: int) -> tuple[int, int]:
    """The position after the last block, and the most bytes that all blocks can decompress to."""
    total, last = 0, 0
    while not last:
        header = int.from_bytes(data[position : position + 3], "little")
        last, kind, length = header & 1 or position >= len(data), header >> 1 & 3, header >> 3
        total += ZSTD_BLOCK if kind == ZSTD_COMPRESSED else length
        position += 3 + (1 if kind == ZSTD_REPEATED else length)
    return position, total
