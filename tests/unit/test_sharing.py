"""Polls while the group shares out its partitions: they end, whatever becomes of the sharing."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition
from patience import PATIENCE
from scripted_log import ScriptedLog, batch, consumer_of

from worker.kafka import sharing
from worker.kafka.source import RecordSource
from worker.model.errors import KafkaUnavailable

PLACE = TopicPartition("requests", 0)


@asynccontextmanager
async def member():
    """Of a group that has given it the one partition, whose records it has not read yet."""
    log = ScriptedLog(PLACE.topic)
    log.batches[0] = [batch(0)]
    async with consumer_of(log, 1) as consumer:
        consumer._subscription.unsubscribe()
        consumer._subscription.subscribe({PLACE.topic})
        consumer._subscription.assign_from_subscribed({PLACE})
        consumer._coordinator.coordinator_id = 1
        yield consumer, RecordSource(consumer, PLACE.topic)


async def ended(polling):
    async with asyncio.timeout(PATIENCE):
        return await polling


async def interrupted(consumer, source):
    """A poll that has begun when the group takes the partition away."""
    polling = asyncio.create_task(source.poll([0], within=0.05, at_most=9))
    await asyncio.sleep(0)
    consumer._subscription.begin_reassignment()
    source.seek(0, 0)
    return polling


async def test_a_poll_while_the_group_shares_out():
    """The client knows of it: it lets nobody join who does not poll."""
    async with member() as (consumer, source):
        consumer._subscription.begin_reassignment()
        polled = consumer._subscription._last_fetch_ended
        assert await ended(source.poll([0], within=0.01, at_most=9)) == []
        assert consumer._subscription._last_fetch_ended > polled


async def test_a_poll_that_has_begun_before(monkeypatch):
    """What comes then belongs to nobody yet; the next poll after the sharing reads it."""
    monkeypatch.setattr(sharing, "LATE", 0.05)
    async with member() as (consumer, source):
        polling = await interrupted(consumer, source)
        assert await ended(polling) == []
        assert consumer._subscription._fetch_count == 0
        consumer._subscription.assign_from_subscribed({PLACE})
        source.seek(0, 0)
        async with asyncio.timeout(PATIENCE):
            while not (records := await source.poll([0], within=0.05, at_most=9)):
                pass
        assert [record.offset for record in records] == [0]


async def test_the_death_of_who_would_join_is_heard(monkeypatch):
    """By whoever polls, and by nobody else: the partitions would be given to nobody, for good."""
    monkeypatch.setattr(sharing, "LATE", 0.05)
    async with member() as (consumer, source):
        polling = await interrupted(consumer, source)

        def check() -> Any:
            raise asyncio.CancelledError

        monkeypatch.setattr(consumer._coordinator, "check_errors", check)
        assert await ended(polling) == []
        with pytest.raises(KafkaUnavailable, match="MembershipEnded"):
            await ended(source.poll([0], within=0.05, at_most=9))


async def test_nobody_shares_out():
    """Nothing else is asked of Kafka then that could fail."""
    async with member() as (consumer, source):
        consumer._subscription.begin_reassignment()
        consumer._coordinator.coordinator_id = None
        with pytest.raises(KafkaUnavailable, match="requests: no broker coordinates the group"):
            await ended(source.poll([0], within=0.01, at_most=9))
