"""Whatever a poll raises: nothing is lost, and one partition is to blame."""

import asyncio
import struct
from contextlib import asynccontextmanager

import pytest
from aiokafka.consumer import fetcher
from aiokafka.errors import GroupAuthorizationFailedError
from patience import PATIENCE
from scripted_log import ODD, ScriptedLog, batch, consumer_of, corrupt, sealed, unknown_codec, with_places

from worker.kafka import narrowing, reading
from worker.kafka.source import RecordSource
from worker.model.errors import KafkaUnavailable
from worker.model.records import Record


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(narrowing, "AGAIN_AFTER", 0.02)


@asynccontextmanager
async def source_of(log, partitions, **options):
    async with consumer_of(log, partitions, **options) as consumer:
        source = RecordSource(consumer, log.topic)
        for number in range(partitions):
            source.seek(number, 0)
        try:
            yield source
        finally:
            source.close()


async def read(source, partitions, count, at_most=500):
    """So many records, in the order in which they came."""
    found: list[Record] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            found += await source.poll(range(partitions), within=0.05, at_most=at_most)
    return found


def offsets(records):
    """By partition, as they came."""
    found: dict[int, list[int]] = {}
    for record in records:
        found.setdefault(record.partition, []).append(record.offset)
    return found


BAD = {
    "corrupt": corrupt(batch(3, 2)),
    "codec": unknown_codec(batch(3, 2)),
    "short": batch(3, 2)[:30],
    # Brokers look at a batch's header, and not at the places in its records.
    "too far": with_places(batch(3, 3), [0, 5, 2]),
    "twice": with_places(batch(3, 3, headers=ODD), [0, 0, 2]),
}


@pytest.mark.parametrize(
    ("bad", "at_most"),
    [*((bad, most) for bad in ("corrupt", "codec", "short") for most in (1, 7)), *((bad, 500) for bad in BAD)],
)
async def test_a_batch_that_nobody_can_read(bad, at_most):
    """It holds its own partition alone, named with its offset; of the others nothing is lost and nothing comes twice.

    They come in whatever order the answers come in, so that many of them stand before the bad one in the client.
    """
    log = ScriptedLog()
    for number in range(6):
        log.batches[number] = [batch(base, 3) for base in range(0, 30, 3)]
    log.batches[2][1] = BAD[bad]
    async with source_of(log, 6) as source:
        records = await read(source, 6, 5 * 30 + 3, at_most)
        assert offsets(records) == {**{number: list(range(30)) for number in (0, 1, 3, 4, 5)}, 2: [0, 1, 2]}
        async with asyncio.timeout(PATIENCE):
            while not source.unreadable:
                assert await source.poll(range(6), within=0.01, at_most=at_most) == []
        assert list(source.unreadable) == [2]
        assert source.unreadable[2].startswith("requests/2 at offset 3: the batch there cannot be read: ")
        log.batches[2][1] = batch(3, 3)
        assert offsets(await read(source, 6, 27, at_most)) == {2: list(range(3, 30))}
        assert source.unreadable == {}


async def test_records_behind_the_bad_one_are_fetched_while_it_lasts():
    """The others go on for as long as it is held."""
    log = ScriptedLog()
    log.batches[0] = [corrupt(batch(0))]
    async with source_of(log, 3) as source:
        for base in range(20):
            log.batches[1].append(batch(base))
            log.batches[2].append(batch(base))
            assert offsets(await read(source, 3, 2)) == {1: [base], 2: [base]}


@pytest.mark.parametrize("codec", range(5))
async def test_a_header_name_that_is_not_utf8(codec):
    """That record says so, with all that can be told of it; those beside it and behind it are as they are."""
    log = ScriptedLog()
    log.batches[0] = [batch(0, 2), batch(2, 5, headers=ODD, odd_at=2, codec=codec), batch(7, 2)]
    log.batches[1] = [batch(0, 4)]
    async with source_of(log, 2) as source:
        records = await read(source, 2, 13)
    assert offsets(records) == {0: list(range(9)), 1: list(range(4))}
    (odd,) = [record for record in records if record.unreadable]
    assert (odd.offset, odd.key, odd.value, odd.timestamp) == (4, b"k", b"4", 1_000)
    assert odd.headers == (("trace\\xff\\xfe-id", b"1"),)
    assert odd.unreadable == "the name of a header is not UTF-8"


async def test_one_odd_record_after_the_other(monkeypatch):
    """They are read beside the client until enough of them were in order: the others are not disturbed by each."""
    log = ScriptedLog()
    log.batches[0] = [batch(base, headers=ODD) for base in range(50)]
    back, times = reading.Reading._back, []

    def counted(self, numbers):
        times.append(numbers)
        back(self, numbers)

    monkeypatch.setattr(reading.Reading, "_back", counted)
    async with source_of(log, 1) as source:
        assert offsets(await read(source, 1, 50)) == {0: list(range(50))}
    assert len(times) <= 3


async def test_aborted_records_and_markers_around_an_odd_one():
    """They are passed over beside the client as they are by it."""
    log = ScriptedLog()
    taken_back = bytearray(batch(1, 2, headers=ODD))
    for place, form, value in ((21, ">h", 0x10), (43, ">q", 77)):
        struct.pack_into(form, taken_back, place, value)
    log.batches[0] = [batch(0, headers=ODD), sealed(taken_back), batch(3, headers=ODD)]
    log.aborted = {0: [(77, 1)]}
    async with source_of(log, 1, isolation="read_committed") as source:
        assert offsets(await read(source, 1, 2)) == {0: [0, 3]}


async def test_holes():
    """Compaction leaves them: they are no loss."""
    log = ScriptedLog()
    log.batches[0] = [batch(2, last=9), batch(14, 2), batch(20, headers=ODD, last=30), batch(31)]
    async with source_of(log, 1) as source:
        assert offsets(await read(source, 1, 5)) == {0: [2, 14, 15, 20, 31]}


@pytest.mark.parametrize("error", [MemoryError(), AssertionError("a bug"), UnicodeDecodeError("utf-8", b"", 0, 1, "x")])
async def test_a_failure_that_does_not_last(error, monkeypatch):
    """Whatever it was, everything is handed out once, and no partition stays to blame."""
    log = ScriptedLog()
    for number in range(4):
        log.batches[number] = [batch(base, 2) for base in range(0, 20, 2)]
    left, unpack = [3], fetcher.PartitionRecords.__next__

    def sometimes(records):
        if records._tp.partition == 2 and records.next_fetch_offset == 9 and left[0]:
            left[0] -= 1
            raise error
        return unpack(records)

    monkeypatch.setattr(fetcher.PartitionRecords, "__next__", sometimes)
    async with source_of(log, 4) as source:
        assert offsets(await read(source, 4, 80)) == {number: list(range(20)) for number in range(4)}
        assert source.unreadable == {}


async def test_a_failure_that_is_about_all_of_kafka(monkeypatch):
    """It is said so, and no partition is to blame."""
    log = ScriptedLog()
    log.batches[0] = [batch(0)]
    async with source_of(log, 2) as source:
        refused = [GroupAuthorizationFailedError("g"), AssertionError("a bug"), AssertionError("a bug")]
        checked = source._consumer._coordinator.check_errors

        def check():
            if refused:
                raise refused.pop(0)
            checked()

        source._consumer._coordinator.check_errors = check
        with pytest.raises(KafkaUnavailable, match="no right to Read group g"):
            await source.poll([0, 1], within=0.01, at_most=5)
        assert await source.poll([0, 1], within=0.01, at_most=5) == []
        with pytest.raises(KafkaUnavailable, match="AssertionError"):
            await source.poll([0, 1], within=0.01, at_most=5)
        assert offsets(await read(source, 2, 1)) == {0: [0]}
        assert source.unreadable == {}


async def test_a_fetch_that_dies():
    """Nobody is told by the client, which would return nothing for ever: it is begun again."""
    log = ScriptedLog()
    log.batches[0] = [batch(0, 3)]
    log.deadly = 1
    async with source_of(log, 1) as source:
        assert offsets(await read(source, 1, 3)) == {0: [0, 1, 2]}


async def test_a_partition_that_is_taken_while_it_cannot_be_read():
    """It is nobody's trouble here any more; where it comes back, it is read from where the group is."""
    log = ScriptedLog()
    log.batches[0] = [batch(0, 2), corrupt(batch(2)), batch(3)]
    async with source_of(log, 1) as source:
        assert offsets(await read(source, 1, 2)) == {0: [0, 1]}
        async with asyncio.timeout(PATIENCE):
            while not source.unreadable:
                await source.poll([0], within=0.01, at_most=5)
        source.forget([0])
        assert source.unreadable == {}
        source.seek(0, 3)
        assert offsets(await read(source, 1, 1)) == {0: [3]}


async def test_a_partition_that_is_set_back(monkeypatch):
    """What was read beside the client and not taken is not handed out behind what is read again."""
    monkeypatch.setattr(reading, "BRIEFLY", 0.001)
    log = ScriptedLog()
    log.batches[0] = [batch(0, 6, headers=ODD)]
    async with source_of(log, 1) as source:
        assert offsets(await read(source, 1, 2, at_most=2)) == {0: [0, 1]}
        source.seek(0, 1)
        assert offsets(await read(source, 1, 5)) == {0: [1, 2, 3, 4, 5]}


async def test_a_log_that_is_cut_off_behind_a_bad_batch():
    """Nothing is there any more at the next offset: it is told as such, and read on from where somebody says."""
    log = ScriptedLog()
    log.batches[0] = [batch(0, 2), corrupt(batch(2)), batch(3, 2)]
    log.batches[1] = [batch(0)]
    async with source_of(log, 2) as source:
        assert offsets(await read(source, 2, 3)) == {0: [0, 1], 1: [0]}
        async with asyncio.timeout(PATIENCE):
            while not source.unreadable:
                await source.poll([0, 1], within=0.01, at_most=5)
            assert source.astray == {}
            del log.batches[0][:2]
            log.beginnings[0] = 3
            while not source.astray:
                await source.poll([0, 1], within=0.01, at_most=5)
        assert (source.astray, source.unreadable) == ({0: 2}, {})
        log.batches[1].append(batch(1))
        assert offsets(await read(source, 2, 1)) == {1: [1]}
        source.seek(0, 3)
        assert (source.astray, source.unreadable) == ({}, {})
        assert offsets(await read(source, 2, 2)) == {0: [3, 4]}


@pytest.mark.parametrize("bad", ["misled", "corrupt"])
async def test_what_the_client_reads_of_a_partition_after_all(bad, monkeypatch):
    """Once it is said to be astray, or is read beside the client, the client hands out nothing of it in that poll.

    Else it would be handed out twice: somebody says then where it goes on, which is where it was.
    """
    log = ScriptedLog()
    log.batches[0] = [batch(0, 3)]
    blame = reading.Reading._blame

    def mends(self, number, error):
        blame(self, number, error)
        log.batches[0][1] = batch(3)

    monkeypatch.setattr(reading.Reading, "_blame", mends)
    async with source_of(log, 1) as source:
        assert offsets(await read(source, 1, 3)) == {0: [0, 1, 2]}
        log.misled[0] = 2 if bad == "misled" else 0
        log.batches[0].append(corrupt(batch(3)) if bad == "corrupt" else batch(3))
        found: list[Record] = []
        async with asyncio.timeout(PATIENCE):
            while not (found or source.astray):
                found = await source.poll([0], within=0.05, at_most=500)
        if source.astray:
            assert (found, source.astray) == ([], {0: 3})
            source.seek(0, 3)
            found = await read(source, 1, 1)
        assert offsets(found + await source.poll([0], within=0.05, at_most=500)) == {0: [3]}


async def test_what_the_client_passes_and_hands_to_nobody():
    """Of a batch that it calls too large it skips the first offset at once: nothing of that counts as read."""
    log = ScriptedLog()
    log.batches[0] = [batch(0, 2)[:40]]
    log.batches[1] = [batch(0)]
    async with source_of(log, 2) as source:
        async with asyncio.timeout(PATIENCE):
            while not source.unreadable:
                await asyncio.sleep(0.01)
                assert source.passed([0]) in ({}, {0: 0})
                await source.poll([0, 1], within=0.01, at_most=5)
                assert source.passed([0]) in ({}, {0: 0})
        log.batches[0] = [batch(0, 2)]
        assert offsets(await read(source, 2, 2)) == {0: [0, 1]}
        async with asyncio.timeout(PATIENCE):
            while source.passed([0, 1]) != {0: 2, 1: 1}:
                assert await source.poll([0, 1], within=0.01, at_most=5) == []
