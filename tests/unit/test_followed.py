"""Topics that are followed, with records that the client cannot read: nothing is lost, and nothing ends."""

import asyncio

import pytest
from aiokafka import TopicPartition
from patience import PATIENCE
from scripted_log import ODD, ScriptedLog, batch, consumer_of, corrupt

from worker.kafka.follow import Followed
from worker.model.errors import KafkaUnavailable
from worker.model.records import Record


async def all_of(followed, count):
    found: list[Record] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            found += await followed.poll(0.05)
    return found


def over(consumer, partitions):
    positions = {TopicPartition("requests", number): 0 for number in range(partitions)}
    for place in positions:
        consumer.seek(place, 0)
    return Followed(consumer, positions)


async def test_odd_records_among_others():
    """Each partition comes whole and in its order; the odd ones say what is odd."""
    log = ScriptedLog()
    log.batches[0] = [batch(0, 2), batch(2, 2), batch(4)]
    log.batches[1] = [batch(0), batch(1, 3, headers=ODD, odd_at=1), batch(4, headers=ODD), batch(5)]
    async with consumer_of(log, 3) as consumer:
        records = await all_of(over(consumer, 3), 11)
    by_partition = {number: [each.offset for each in records if each.partition == number] for number in (0, 1)}
    assert by_partition == {0: [0, 1, 2, 3, 4], 1: [0, 1, 2, 3, 4, 5]}
    odd = [each.offset for each in records if each.unreadable == "the name of a header is not UTF-8"]
    assert odd == [2, 4]


async def test_what_nobody_can_read():
    """The others are read first; then its place is told, and it is read once it is mended."""
    log = ScriptedLog()
    log.batches[0] = [batch(0), corrupt(batch(1))]
    log.batches[1] = [batch(0, 3)]
    async with consumer_of(log, 2) as consumer:
        followed = over(consumer, 2)
        assert {(each.partition, each.offset) for each in await all_of(followed, 4)} == {(0, 0), (1, 0), (1, 1), (1, 2)}
        with pytest.raises(KafkaUnavailable, match=r"requests/0 at offset 1: .* it is corrupt"):
            await all_of(followed, 1)
        log.batches[0][1] = batch(1)
        assert [each.offset for each in await all_of(followed, 1)] == [1]


async def test_a_fetch_that_dies():
    """The client tells nobody, and returns nothing for ever: whoever follows would stand still. It is begun again."""
    log = ScriptedLog()
    log.batches[0] = [batch(0, 3)]
    log.deadly = 1
    async with consumer_of(log, 1) as consumer:
        assert [each.offset for each in await all_of(over(consumer, 1), 3)] == [0, 1, 2]


class Deleting(ScriptedLog):
    """Loses its first two records before any batch is read beside the client."""

    def _part(self, partition, offset, at_most):
        self.beginnings[partition] = 2 if at_most == 1 else 0
        return super()._part(partition, offset, at_most)


async def test_odd_records_that_are_deleted_before_they_are_read():
    """What is left comes: the log's beginning is asked for, as where the client meets that."""
    log = Deleting()
    log.batches[0] = [batch(0, 2, headers=ODD), batch(2, 2)]
    async with consumer_of(log, 1) as consumer:

        async def beginning_offsets(places):
            return dict.fromkeys(places, 2)

        consumer.beginning_offsets = beginning_offsets
        assert [each.offset for each in await all_of(over(consumer, 1), 2)] == [2, 3]
