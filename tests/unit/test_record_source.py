"""Commits and clients that are given up in the very moment in which Kafka answers; a topic that is not seen."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest
from aiokafka import AIOKafkaConsumer

from worker.kafka.connection import Connection, opened
from worker.kafka.source import RecordSource
from worker.model.errors import KafkaUnavailable
from worker.model.progress import Progress


@dataclass
class FakeConsumer:
    """Kafka answers when the test says so."""

    answer: asyncio.Event = field(default_factory=asyncio.Event)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    _coordinator: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(generation=1))

    async def commit(self, _):
        self.called.set()
        await self.answer.wait()

    def partitions_for_topic(self, _):
        return {0}

    async def start(self):
        await self.commit(None)

    async def stop(self):
        pass


async def start(consumer):
    async with opened(consumer, Connection("127.0.0.1:9092"), 5):
        pass


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize(
    "call", [lambda each: RecordSource(each, "t").commit({0: Progress(1)}, 5), start], ids=["commit", "start"]
)
async def test_a_cancellation_that_meets_the_answer(call, turns):
    """It counts: who gave a partition up must not go on with it because a commit was just stored."""
    consumer = FakeConsumer()
    task = asyncio.create_task(call(consumer))
    await consumer.called.wait()
    consumer.answer.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    over = task.done()
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=5)
    assert done
    assert over or task.cancelled()


@pytest.mark.parametrize(
    ("hidden", "said"),
    [
        (set(), "t: it does not exist, or has no such partition"),
        ({"t"}, "t: no right to Read topic t (WORKER_KAFKA__USERNAME)"),
    ],
)
async def test_a_topic_that_is_not_seen(hidden, said):
    """What may not be seen looks as if it did not exist, and is another thing to put right.

    The partition is ours all the same: whoever was about to open it tries again.
    """
    cluster = SimpleNamespace(unauthorized_topics=hidden, partitions_for_topic=lambda _: None)
    consumer = SimpleNamespace(
        partitions_for_topic=cluster.partitions_for_topic,
        _coordinator=SimpleNamespace(generation=1),
        _client=SimpleNamespace(cluster=cluster),
    )
    source = RecordSource(cast("AIOKafkaConsumer", consumer), "t")
    with pytest.raises(KafkaUnavailable) as raised:
        await source.commit({0: Progress(1)}, 5)
    assert str(raised.value) == said


async def test_a_commit_that_fails_in_a_way_of_its_own(monkeypatch):
    """An answer about another partition, for one: no end of the worker that commits."""
    consumer = FakeConsumer()

    async def odd(_):
        raise KeyError

    monkeypatch.setattr(consumer, "commit", odd)
    source = RecordSource(cast("AIOKafkaConsumer", consumer), "t")
    with pytest.raises(KafkaUnavailable, match="t: commit: KeyError"):
        await source.commit({0: Progress(1)}, 5)


class Polled:
    """A consumer whose polls last until one of its own tasks has ended, and end as that did."""

    def __init__(self):
        self.task = asyncio.create_task(asyncio.sleep(3600))
        self._coordinator = None
        self._subscription = SimpleNamespace(reassignment_in_progress=False)

    async def getmany(self, *_, **__):
        await asyncio.wait({self.task})
        self.task.result()

    def assignment(self):
        return set()


async def test_a_cancellation_that_is_not_ours():
    """The client raises that of a task of its own in whoever polls: that ends no worker."""
    consumer = Polled()
    source = RecordSource(cast("AIOKafkaConsumer", consumer), "t")
    consumer.task.cancel()
    with pytest.raises(KafkaUnavailable, match="MembershipEnded"):
        await source.poll([], within=1, at_most=1)


async def test_a_cancellation_that_is_ours():
    consumer = Polled()
    polling = asyncio.create_task(RecordSource(cast("AIOKafkaConsumer", consumer), "t").poll([], within=1, at_most=1))
    await asyncio.sleep(0)
    polling.cancel()
    await asyncio.wait({polling})
    assert polling.cancelled()
    consumer.task.cancel()
