"""What a batch becomes is known before it is decompressed, and bounded."""

import os
from collections.abc import Callable
from contextlib import suppress

import pytest
from aiokafka import codec
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_log import batch

from worker.kafka import expansion
from worker.kafka.batches import UnreadableBatch, first_batch
from worker.kafka.expansion import TooMuch, decoders

ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "gzip_decode": codec.gzip_encode,
    "snappy_decode": codec.snappy_encode,
    "lz4_decode": codec.lz4_encode,
    "zstd_decode": codec.zstd_encode,
}
SIZE = {"snappy_decode": expansion.snappy_size, "lz4_decode": expansion.lz4_size, "zstd_decode": expansion.zstd_size}
CONTENTS = (b"x", b"abc" * 400_000, os.urandom(300_000), b"x" * 5_000_000)


@pytest.fixture
def bounded():
    """As large as a test says; the default again afterwards."""
    yield expansion.bound
    expansion.bound(64 * 1024 * 1024)


@pytest.mark.parametrize("name", ENCODE)
@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_what_fits(name, content):
    """It comes back as it was, and is not said to be smaller than it is."""
    packed = bytes(ENCODE[name](content))
    assert decoders(len(content) + 5_000_000)[name](packed) == content
    if name in SIZE:
        assert len(content) <= SIZE[name](packed) <= len(content) + 5_000_000


@pytest.mark.parametrize("name", ENCODE)
@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_what_does_not_fit(name, content):
    """Not one byte more than is allowed."""
    with pytest.raises(TooMuch):
        decoders(len(content) - 1)[name](bytes(ENCODE[name](content)))


@given(st.binary(min_size=1, max_size=200_000), st.sampled_from(sorted(SIZE)), st.integers(1, 3))
@settings(max_examples=50, deadline=None)
def test_several_frames(content, name, times):
    """Each of them counts."""
    frames = bytes(ENCODE[name](content)) * (times if name != "snappy_decode" else 1)
    assert SIZE[name](frames) >= len(content) * (times if name != "snappy_decode" else 1)


@given(st.binary(max_size=2_000), st.sampled_from(sorted(SIZE)), st.integers(0, 40))
@settings(max_examples=300, deadline=None)
def test_what_is_no_frame(data, name, kept):
    """Looking at it fails in one way alone, and does not take for ever."""
    begun = bytes(ENCODE[name](b"abc" * 1_000))[:kept] + data
    with suppress(CorruptRecordException):
        assert expansion._told(SIZE[name], begun) >= 0


SKIPPED = b"\x50\x2a\x4d\x18" + (8).to_bytes(4, "little") + bytes(8)
OLDER = {"lz4_decode": b"\x02\x21\x4c\x18", "zstd_decode": b"\x27\xb5\x2f\xfd"}


@pytest.mark.parametrize("name", OLDER)
@pytest.mark.parametrize("before", [b"", SKIPPED, SKIPPED * 2], ids=len)
def test_frames_to_be_skipped(name, before):
    """They hide no others: a broker reads no frame of lz4 behind the first, but the client does."""
    packed = bytes(ENCODE[name](b"ab"))
    assert decoders(10)[name](before + packed + SKIPPED) == b"ab"
    with pytest.raises(TooMuch):
        decoders(1_000_000)[name](packed + before + bytes(ENCODE[name](bytes(1_000_001))))


@pytest.mark.parametrize("name", OLDER)
def test_frames_of_another_form(name):
    """Nobody knows how large they become, so that no library is asked."""
    with pytest.raises(CorruptRecordException) as refused:
        decoders(1_000_000)[name](bytes(ENCODE[name](b"ab")) + OLDER[name] + bytes(100))
    assert refused.type is CorruptRecordException


XERIAL = b"\x82SNAPPY\x00" + bytes((0, 0, 0, 1) * 2)
ENDLESS = {
    "a length of ever more digits": b"\xff" * 100_000,
    "the same in Java's form": XERIAL + (100_000).to_bytes(4, "big") + b"\xff" * 100_000,
    "a block of less than nothing": XERIAL + (-10).to_bytes(4, "big", signed=True) + b"\x01\x00x" + bytes(100),
    "a block that is cut off": XERIAL + (10).to_bytes(4, "big") + b"\x01\x00x",
    "no block": b"",
}


@pytest.mark.parametrize("data", ENDLESS.values(), ids=ENDLESS)
def test_snappy_of_no_size(data):
    """It is refused at its first bytes: a number of a million digits would keep the process busy for minutes."""
    with pytest.raises(CorruptRecordException) as refused:
        decoders(1_000_000)["snappy_decode"](data)
    assert refused.type is CorruptRecordException


def test_gzip_of_many_members():
    """They are put together; one that is cut off is told."""
    members = bytes(codec.gzip_encode(b"ab")) * 10_000
    assert decoders(20_000)["gzip_decode"](members) == b"ab" * 10_000
    with pytest.raises(TooMuch):
        decoders(19_999)["gzip_decode"](members)
    with pytest.raises(EOFError):
        decoders(20_000)["gzip_decode"](members[:-1])


@pytest.mark.parametrize("compression", [1, 2, 3, 4])
def test_the_client_s_own_way(bounded, compression):
    """It asks in the same way, and a batch beside it says what is wrong."""
    raw = batch(0, 2_000, codec=compression)
    assert len(list(DefaultRecordBatch(raw))) == len(list(first_batch(raw).records("t", 0))) == 2_000
    bounded(1_000)
    with pytest.raises(TooMuch):
        list(DefaultRecordBatch(raw))
    with pytest.raises(UnreadableBatch, match="WORKER_KAFKA__MAX_BATCH_BYTES"):
        first_batch(raw).records("t", 0)
