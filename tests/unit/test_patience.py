"""Reading one partition by itself: an odd record is one among others, and a batch that nobody can read has a name."""

import asyncio

import pytest
from aiokafka import TopicPartition
from patience import PATIENCE
from scripted_log import ODD, ScriptedLog, batch, consumer_of, corrupt

from worker.kafka.beside import next_batch, patiently
from worker.kafka.records import as_record
from worker.kafka.stable import Written
from worker.model.errors import KafkaUnavailable
from worker.model.records import Record

PLACE = TopicPartition("requests", 0)


async def read(consumer, count):
    found: list[Record] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            batches = await patiently(consumer, PLACE, timeout_ms=50, max_records=2)
            found += [as_record(each) for each in batches.get(PLACE, [])]
    return found


async def test_an_odd_record():
    """It is read with the others of its batch, and says what is odd."""
    log = ScriptedLog()
    log.batches[0] = [batch(0, 2), batch(2, 3, headers=ODD, odd_at=1), batch(5, headers=[("a", None)])]
    async with consumer_of(log, 1) as consumer:
        consumer.seek(PLACE, 1)
        records = await read(consumer, 5)
    assert [record.offset for record in records] == [1, 2, 3, 4, 5]
    assert [record.unreadable for record in records] == [None, None, "the name of a header is not UTF-8", None, None]
    assert [record.value for record in records] == [b"1", b"2", b"3", b"4", b"5"]
    assert records[-1].headers == (("a", None),)


async def test_a_batch_that_nobody_can_read():
    """The error names topic, partition and offset, and whoever mends it goes on there."""
    log = ScriptedLog()
    log.batches[0] = [batch(0, 2), corrupt(batch(2, 3)), batch(5)]
    async with consumer_of(log, 1) as consumer:
        consumer.seek(PLACE, 0)
        assert len(await read(consumer, 2)) == 2
        for _ in range(2):
            with pytest.raises(KafkaUnavailable, match=r"requests/0 at offset 2: .* it is corrupt"):
                await read(consumer, 1)
        log.batches[0][1] = batch(2, 3)
        assert [record.offset for record in await read(consumer, 4)] == [2, 3, 4, 5]


async def test_the_end():
    """There is nothing beside the client either."""
    log = ScriptedLog()
    log.batches[0] = [batch(0, 1, headers=ODD)]
    async with consumer_of(log, 1) as consumer:
        consumer.seek(PLACE, 0)
        assert [record.offset for record in await read(consumer, 1)] == [0]
        assert await patiently(consumer, PLACE, timeout_ms=10) == {}


async def test_a_quota_that_is_used_up():
    """The broker answers without a partition, and is asked again."""
    log = ScriptedLog()
    log.batches[0] = [batch(0, 2)]
    async with consumer_of(log, 1) as consumer, asyncio.timeout(PATIENCE):
        log.throttled = 2
        found = await next_batch(consumer, PLACE, 0)
        assert (found and found.next_offset, log.throttled) == (2, 0)
        log.throttled = 1
        assert await Written(consumer).timestamp(PLACE, 0) == 1_000
