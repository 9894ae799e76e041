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

ZSTD: Final = b"\x28\xb5\x2f\xfd"
ZSTD_BLOCK: Final = 128 * 1024
ZSTD_REPEATED, ZSTD_COMPRESSED = 1, 2
LZ4: Final = b"\x04\x22\x4d\x18"
# Any of sixteen bytes, then these: a frame of either form that is to be skipped.
SKIPPED: Final = b"\x2a\x4d\x18"
# What the client takes for Java's form of snappy, with something behind it.
XERIAL: Final = b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"
LONGEST_LENGTH: Final = 5
GZIP_PIECE: Final = 4 * 1024
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

    return {
        "gzip_decode": lambda data: _unzipped(bytes(data), limit),
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


def _unzipped(data: bytes, limit: int) -> bytes:
    """All members of gzip, in small pieces: what is left of one behind a member is copied, and there may be many."""
    made, position = bytearray(), 0
    while position < len(data):
        decoder = zlib.decompressobj(wbits=31)
        while not decoder.eof:
            if not (piece := data[position : position + GZIP_PIECE]):
                raise EOFError
            made += decoder.decompress(piece, limit + 1 - len(made))
            if len(made) > limit:
                raise TooMuch
            position += len(piece) - len(decoder.unused_data)
    return bytes(made)


def _told(size: Callable[[bytes], int], data: bytes) -> int:
    """The size that the data name. CorruptRecordException where they name none: the library might still read them."""
    try:
        return size(data)
    except (ValueError, IndexError, struct.error):
        raise CorruptRecordException from None


def snappy_size(data: bytes) -> int:
    """How many bytes it becomes: one piece, or Java's blocks with their lengths before them. Raises ValueError."""
    if not data.startswith(XERIAL) or len(data) == len(XERIAL):
        return _snappy_block(data)
    position, total = len(XERIAL), 0
    while position < len(data):
        start, length = position + 4, int.from_bytes(data[position : position + 4], "big")
        position = start + length
        if position > len(data):
            raise ValueError
        total += _snappy_block(data[start:position])
    return total


def _snappy_block(data: bytes) -> int:
    """How many bytes the block becomes: the length that stands before it, in seven bits a byte. Raises ValueError."""
    length = 0
    for place, byte in enumerate(data[:LONGEST_LENGTH]):
        length |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return length
    raise ValueError


def lz4_size(data: bytes) -> int:
    """How many bytes it becomes at most, over all frames: each block as many as its frame's header allows.

    Raises ValueError, IndexError and struct.error.
    """
    position, total = 0, 0
    while (position := _at_frame(data, position, LZ4)) < len(data):
        flags, largest = data[position + 4], 1 << (8 + 2 * (data[position + 5] >> 4 & 7))
        position += 7 + (8 if flags & 8 else 0) + (4 if flags & 1 else 0)
        while position < len(data) and (length := struct.unpack_from("<I", data, position)[0]):
            plain, length = length >> 31, length & 0x7FFFFFFF
            total += length if plain else largest
            position += 4 + length + (4 if flags & 16 else 0)
        position += 4 + (4 if flags & 4 else 0)
    return total


def zstd_size(data: bytes) -> int:
    """How many bytes it becomes at most, over all frames; those that are to be skipped become nothing.

    Raises ValueError and IndexError.
    """
    position, total = 0, 0
    while (position := _at_frame(data, position, ZSTD)) < len(data):
        descriptor = data[position + 4]
        single, own = descriptor >> 5 & 1, descriptor >> 6
        position += 5 + (1 - single) + (0, 1, 2, 4)[descriptor & 3] + (single, 2, 4, 8)[own]
        position, made = _zstd_blocks(data, position)
        total += made
        position += 4 if descriptor & 4 else 0
    return total


def _at_frame(data: bytes, position: int, sign: bytes) -> int:
    """Where the next frame begins that is not to be skipped, or the end of the data or behind.

    ValueError for a frame of a form without that sign, such as an older one: the library might know it.
    """
    while data[position + 1 : position + 4] == SKIPPED:
        position += 8 + int.from_bytes(data[position + 4 : position + 8], "little")
    if position < len(data) and not data.startswith(sign, position):
        raise ValueError
    return position


def _zstd_blocks(data: bytes, position: int) -> tuple[int, int]:
    """The position after the last block, and the most bytes that all blocks can decompress to."""
    total, last = 0, 0
    while not last:
        header = int.from_bytes(data[position : position + 3], "little")
        last, kind, length = header & 1 or position >= len(data), header >> 1 & 3, header >> 3
        total += ZSTD_BLOCK if kind == ZSTD_COMPRESSED else length
        position += 3 + (1 if kind == ZSTD_REPEATED else length)
    return position, total
