"""Where the group is in a partition, as far as it is known."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from patience import PATIENCE, until
from scripted_log import ODD, batch, corrupt, unknown_codec
from structlog.testing import capture_logs

from worker.kafka import stable
from worker.kafka.standings import Standings
from worker.model.records import OpenTransaction, Standing

PLACE = TopicPartition("requests", 0)


class Consumer:
    """Knows the ends, unless it is `away`."""

    def __init__(self, end=100, beginning=40):
        self.behind, self.leaders = 0, {PLACE: 1}
        self._client = SimpleNamespace(cluster=SimpleNamespace(leader_for_partition=self.leaders.get))
        self.ends, self.beginnings, self.away, self.asked = {PLACE: end}, {PLACE: beginning}, False, asyncio.Event()

    def assignment(self):
        return {PLACE, TopicPartition("other", 0)}

    async def end_offsets(self, places):
        self.asked.set()
        if self.away:
            raise KafkaConnectionError
        assert places == [PLACE]
        return self.ends

    async def beginning_offsets(self, _):
        return self.beginnings


class Written:
    """What is past the stable offset, as the same brokers tell it."""

    def __init__(self, consumer):
        self.consumer, self.asked = consumer, []

    async def ends(self, places):
        ends = await self.consumer.end_offsets(places)
        return {place: end + self.consumer.behind for place, end in ends.items()}

    async def timestamp(self, place, offset):
        self.asked.append((place.partition, offset))
        return 1_764_000_000_000


def standings(consumer: Any = None):
    given: Any = consumer or Consumer()
    known = Standings(given, "requests")
    known.written = Written(given)  # type: ignore[assignment]
    return known


def read(known, offset):
    since = known.of(0).position
    known.read(
        {PLACE: [SimpleNamespace(offset=each) for each in range(offset if since is None else since, offset + 1)]}
    )


async def test_a_group_that_has_stored_an_offset():
    """Its lag counts from there, whatever was read since."""
    known = standings()
    known.began(0, 90)
    assert known.of(0) == Standing(90, 90, None, None)
    read(known, 94)
    await known._ask([PLACE])
    assert known.of(0) == Standing(95, 90, 100, 10)
    known.stored(0, 93)
    assert known.of(0) == Standing(95, 93, 100, 7)


async def test_a_group_that_has_stored_nothing():
    """Its lag counts from the first record that there is."""
    known = standings()
    known.began(0, None)
    await known._ask([PLACE])
    assert known.of(0) == Standing(None, None, 100, 60)


async def test_more_was_read_than_the_end_was():
    """The end is asked for by the clock; what was read since is behind it no more."""
    known = standings()
    known.began(0, 100)
    await known._ask([PLACE])
    read(known, 104)
    assert known.of(0) == Standing(105, 100, 105, 5)


async def test_a_partition_that_comes_back():
    """What was known of it before it went is forgotten."""
    known = standings()
    known.began(0, 50)
    read(known, 60)
    known.began(0, None)
    assert (known.of(0).position, known.of(0).committed) == (None, None)


async def test_a_kafka_that_is_away():
    """What was known stays."""
    consumer = Consumer()
    known = standings(consumer)
    known.began(0, 90)
    await known._ask([PLACE])
    consumer.away = True
    await known._ask([PLACE])
    assert known.of(0).lag == 10


async def test_the_ends_are_kept_fresh(monkeypatch):
    """As long as the consumer is there, again and again, of its own topic alone."""
    monkeypatch.setattr("worker.kafka.standings.ASK_EVERY", 0.001)
    consumer = Consumer()
    known = standings(consumer)
    known.began(0, 90)
    async with known.kept_fresh(), asyncio.timeout(PATIENCE):
        for end in (101, 102):
            consumer.ends = {PLACE: end}
            consumer.asked.clear()
            while known.of(0).end != end:
                await asyncio.wait_for(consumer.asked.wait(), PATIENCE)
                await asyncio.sleep(0)


@pytest.mark.parametrize("behind", [0, 7])
async def test_what_holds_no_record(behind):
    """Markers, what was taken back and what compaction left out are no part of the lag once they were passed."""
    consumer = Consumer(end=100 - behind)
    consumer.behind = behind
    known = standings(consumer)
    known.began(0, 90)
    await known._ask([PLACE])
    assert known.of(0).lag == 10
    known.read({PLACE: [SimpleNamespace(offset=offset) for offset in (90, 92, 93)]})
    assert known.of(0).lag == 9
    known.passed(0, 95)
    assert known.of(0).lag == 8
    known.stored(0, 93)
    assert known.of(0).lag == 6
    known.stored(0, 95)
    assert known.of(0).lag == 5
    known.passed(0, 100)
    assert known.of(0).lag == 0


async def test_a_partition_that_is_read_again():
    """What is beside the records is counted once."""
    known = standings()
    known.began(0, 90)
    await known._ask([PLACE])
    known.passed(0, 95)
    known.reads_from(0, 92)
    assert known.of(0).lag == 8
    known.passed(0, 95)
    assert known.of(0).lag == 5


async def test_offsets_that_are_deleted_unread():
    """They are nobody's work any more."""
    known = standings()
    known.began(0, 10)
    await known._ask([PLACE])
    assert known.of(0).lag == 60


async def test_an_open_transaction():
    """Its first offset, and when that was written: asked for once; the lag counts what is in it."""
    consumer = Consumer(end=95)
    consumer.behind = 5
    known = standings(consumer)
    known.began(0, 95)
    for _ in range(2):
        await known._ask([PLACE])
    assert known.of(0) == Standing(95, 95, 100, 5, OpenTransaction(95, 1_764_000_000.0))
    assert known.written.asked == [(0, 95)]
    consumer.behind = 0
    consumer.ends = {PLACE: 100}
    await known._ask([PLACE])
    assert known.of(0) == Standing(95, 95, 100, 5)


@pytest.mark.parametrize(
    ("raw", "since"), [(batch(95, headers=ODD), 1.0), (unknown_codec(batch(95)), 1.0), (corrupt(batch(95)), None)]
)
async def test_an_open_transaction_whose_first_record_is_odd(raw, since):
    """When it was written stands in its batch's header; nothing in it keeps the ends from being known."""
    consumer: Any = Consumer(end=95)

    async def send(_, request, **__):
        return SimpleNamespace(topics=[("requests", [(0, 0, 95, 95, 0, [], raw)])])

    consumer._client.send, consumer.behind = send, 5
    known = standings(consumer)
    known.written.timestamp = stable.Written(consumer).timestamp
    known.began(0, 90)
    await known._ask([PLACE])
    assert known.of(0) == Standing(90, 90, 100, 10, OpenTransaction(95, since))


async def test_an_open_transaction_that_cannot_be_looked_at():
    """The ends are known all the same; it is asked for again."""
    consumer: Any = Consumer(end=95)
    consumer.behind = 5
    known = standings(consumer)
    known.began(0, 90)
    fails = [KafkaConnectionError()]

    async def timestamp(*_):
        if fails:
            raise fails.pop()
        return 1_000

    known.written.timestamp = timestamp
    for opened in (None, OpenTransaction(95, 1.0)):
        await known._ask([PLACE])
        assert known.of(0) == Standing(90, 90, 100, 10, opened)


async def test_an_open_transaction_of_a_client_that_has_used_up_its_quota(monkeypatch):
    """Its batch is waited for as any that is read beside the client, longer than the brokers hold one back."""
    monkeypatch.setattr("worker.kafka.standings.ASK_WITHIN", 0.1)
    consumer: Any = Consumer(end=95)
    answers = [SimpleNamespace(topics=[], throttle_time_ms=300)]

    async def send(_, request, **__):
        return answers.pop() if answers else SimpleNamespace(topics=[("requests", [(0, 0, 95, 95, 0, [], batch(95))])])

    consumer._client.send, consumer.behind = send, 5
    known = standings(consumer)
    known.written.timestamp = stable.Written(consumer).timestamp
    await known._ask([PLACE])
    assert known.of(0).open_transaction == OpenTransaction(95, 1.0)


async def test_ends_that_cannot_be_asked_for(monkeypatch):
    """Whatever goes wrong, they are asked for again; and a partition without a leader keeps nobody waiting."""
    monkeypatch.setattr("worker.kafka.standings.ASK_EVERY", 0.001)
    consumer = Consumer()
    known = standings(consumer)
    known.began(0, 90)
    fails = [ValueError("9"), ValueError("8")]

    async def ends(places, asked=known.written.ends):
        if fails:
            raise fails.pop()
        assert places == [PLACE]
        return await asked(places)

    known.written.ends = ends
    other = TopicPartition("requests", 1)
    consumer.leaders[other] = -1
    monkeypatch.setattr(consumer, "assignment", lambda: {PLACE, other})
    with capture_logs() as lines:
        async with known.kept_fresh():
            await until(lambda: known.of(0).end == 100, within=PATIENCE, every=0.001)
    assert [(line["event"], line["error"]) for line in lines] == [("ends.failed", "ValueError")] * 2


def test_what_is_stored_needs_no_memory():
    """Nor does anybody have to look."""
    known = standings()
    known.began(0, 0)
    for offset in range(1, 1_000, 2):
        known.passed(0, offset)
        known.read_to(0, offset + 1)
        known.stored(0, offset + 1)
    assert sum(map(len, known._beside.values())) == 0


def test_nothing_known():
    """Nothing is claimed."""
    assert standings(SimpleNamespace()).of(3) == Standing()


@pytest.mark.parametrize("error", [KafkaConnectionError, TimeoutError])
async def test_an_error_of_the_consumer(error):
    """It is told elsewhere."""

    async def failing(_):
        raise error

    consumer = SimpleNamespace(end_offsets=failing)
    await standings(consumer)._ask([PLACE])
