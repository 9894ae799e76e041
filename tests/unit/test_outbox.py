"""The messages of one partition, whatever the brokers say to its batches."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, NotEnoughReplicasError
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE

from worker.kafka.departures import Departures
from worker.kafka.outbox import Outbox, Waiting
from worker.model.errors import MessageTooLarge
from worker.model.records import OutgoingMessage, Position, Stored

PLACE = TopicPartition("t", 3)
AT_MOST = 4
LARGE = b"large"


@dataclass
class Batch:
    """Of four messages at most."""

    values: list[bytes] = field(default_factory=list)
    closed: bool = False

    def append(self, *, value, **_):
        if self.closed or len(self.values) == AT_MOST:
            return None
        self.values.append(value)
        return value

    def close(self):
        self.closed = True


@dataclass
class Brokers:
    """Keep what they take; `script` is what they answer first to each batch, a batch with a large message is refused.

    They take nothing before they `go on`.
    """

    script: deque[Exception | None] = field(default_factory=deque)
    log: list[bytes] = field(default_factory=list)
    recovered: list[KafkaError] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: int = 0
    producer: Any = None
    departures: Departures = field(default_factory=Departures)

    def __post_init__(self):
        self.producer = self

    def create_batch(self):
        return Batch()

    async def deliver(self, producer, batch, place):
        assert (producer, place, batch.closed) == (self, PLACE, True)
        assert self.under_way == 0
        self.under_way += 1
        try:
            await self.go_on.wait()
            return self._taken(batch)
        finally:
            self.under_way -= 1

    def _taken(self, batch):
        answer = self.script.popleft() if self.script else None
        if answer:
            raise answer
        if any(value.startswith(LARGE) for value in batch.values):
            raise MessageSizeTooLargeError
        self.log += batch.values
        return Stored(Position("t", 3, len(self.log) - len(batch.values)), len(self.log))

    async def recover(self, producer, place, error):
        self.recovered.append(error)
        await asyncio.sleep(0)


@dataclass
class Publishers:
    """Add messages; remember what each was told."""

    outbox: Outbox
    told: list[Position] = field(default_factory=list)
    waiting: list[asyncio.Future[Stored]] = field(default_factory=list)

    def add(self, *values):
        for value in values:
            stored = asyncio.get_running_loop().create_future()
            self.waiting.append(stored)
            self.outbox.add(Waiting(OutgoingMessage("t", None, value, partition=3), self.told.append, stored))

    async def ended(self):
        async with asyncio.timeout(PATIENCE):
            return await asyncio.gather(*self.waiting, return_exceptions=True)


def opened(*script):
    brokers = Brokers(deque(script))
    return brokers, Publishers(Outbox(PLACE, brokers))


SIZES = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 2)), min_size=1, max_size=30)


@given(SIZES)
async def test_large_messages_among_others(messages):
    """They alone fail; the others are stored once, in the order in which they came, and told so in that order."""
    brokers, publishers = opened()
    brokers.go_on.set()
    for number, (large, cancelled, turns) in enumerate(messages):
        publishers.add((LARGE if large else b"") + b"%d" % number)
        for _ in range(turns):
            await asyncio.sleep(0)
        if cancelled:
            publishers.waiting[-1].cancel()
    publishers.add(b"last")
    ended = await publishers.ended()
    small = [b"%d" % number for number, (large, _, _) in enumerate(messages) if not large]
    assert brokers.log == [*small, b"last"]
    assert publishers.told == [Position("t", 3, offset) for offset in range(len(brokers.log))]
    for (large, _, _), what in zip(messages, ended, strict=False):
        assert isinstance(
            what, (MessageTooLarge, asyncio.CancelledError) if large else (Stored, asyncio.CancelledError)
        )


@given(st.lists(st.sampled_from([None, NotEnoughReplicasError(), KafkaError()]), max_size=10), st.integers(1, 20))
async def test_brokers_that_refuse_for_now(script, count):
    """Nothing fails; what was refused leaves first, in its order, after a recovery each."""
    brokers, publishers = opened(*script)
    brokers.go_on.set()
    values = [b"%d" % number for number in range(count)]
    publishers.add(*values)
    assert [each.place for each in await publishers.ended()] == publishers.told
    assert brokers.log == values
    assert len(brokers.recovered) == sum(answer is not None for answer in script[: len(script) - len(brokers.script)])


async def test_what_comes_while_a_batch_is_on_its_way():
    """It leaves together with the next one."""
    brokers, publishers = opened()
    publishers.add(b"a")
    while not brokers.under_way:
        await asyncio.sleep(0)
    publishers.add(b"b", b"c")
    brokers.script.extend([None, NotEnoughReplicasError()])
    brokers.go_on.set()
    await publishers.ended()
    assert (brokers.log, len(brokers.recovered)) == ([b"a", b"b", b"c"], 1)


async def test_a_publisher_that_waits_no_longer():
    """Its message is stored all the same, and its offset is told."""
    brokers, publishers = opened()
    publishers.add(b"a", b"b")
    await asyncio.sleep(0)
    publishers.waiting[0].cancel()
    brokers.go_on.set()
    await asyncio.wait_for(publishers.waiting[1], PATIENCE)
    assert brokers.log == [b"a", b"b"]
    assert [position.offset for position in publishers.told] == [0, 1]


async def test_an_error_of_ours():
    """Whoever waits hears of it, and the next message begins anew."""
    # The task that met it ends with it, which the loop would tell.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    brokers, publishers = opened(ZeroDivisionError())
    brokers.go_on.set()
    publishers.add(b"a", b"b")
    assert [type(each) for each in await publishers.ended()] == [ZeroDivisionError] * 2
    publishers.waiting.clear()
    publishers.add(b"c")
    assert await publishers.ended() == [Stored(Position("t", 3, 0), 1)]
    assert brokers.log == [b"c"]
