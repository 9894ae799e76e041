"""Commits and clients that are given up in the very moment in which Kafka answers."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from worker.kafka.connection import Connection, opened
from worker.kafka.source import RecordSource
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
