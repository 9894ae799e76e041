"""What a batch becomes is known before it is decompressed, and bounded."""

import os
from collections.abc import Callable

import pytest
from aiokafka import codec
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
    """Looking at it neither fails nor takes for ever: the library says what is wrong."""
    begun = bytes(ENCODE[name](b"abc" * 1_000))[:kept] + data
    assert expansion._told(SIZE[name], begun) >= 0


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
