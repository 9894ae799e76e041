"""Schemas of the registry: each fetched once, kept within a bound, and waited for without holding anybody else up."""

import asyncio
from collections import deque
from dataclasses import replace

import pytest
from builders import committable
from builders import record as valued
from fakes import FakeCustomers, FakeJournalTopic, FakeTopics
from patience import PATIENCE, turns, until
from registered import CUSTOMER, MOST, FakeRegistry, avro_schema, customer_value, guid_header
from world import World

from worker.creation.backoff import Backoff
from worker.creation.breaker import Breaker
from worker.creation.holds import Hold, HoldReason, Holds
from worker.customer.documents import Unreadable
from worker.events.decode import Decoder
from worker.events.mapping import load_mapping
from worker.intake.dispatch import Dispatch
from worker.model.errors import Draining, SchemaRegistryUnavailable
from worker.model.records import Record
from worker.partition.assignment import Assignment
from worker.partition.slots import Slots
from worker.schema_registry import schemas as module
from worker.schema_registry.schemas import Schemas

RULE = """
[[rules]]
when = "headers.kind == 'other'"
then = "pass_over"
say = "not ours"

[event]
customer = "value"
"""
AWAY = HoldReason.SCHEMA_REGISTRY_UNAVAILABLE


def record(offset=0, schema=7, partition=0, key=None):
    return Record("requests", partition, offset, 0, key or b"k%d" % offset, customer_value(schema=schema))


class Kept:
    """Schemas over a registry in memory, asked again at once."""

    def __init__(self, registry=None, most=1000):
        self.registry = registry or FakeRegistry()
        self.holds = Holds(Breaker(10, Backoff(0, 0)))
        self.schemas = Schemas(self.registry, self.holds, Backoff(0.001, 0.001), most)

    async def fetched(self, *records):
        """Once all that they need is there."""
        for each in records:
            while (there := self.schemas.wanted(each)) is not None:
                await there


@pytest.fixture
def kept():
    return Kept()


async def test_one_fetch_for_all_who_wait(kept):
    """However many records need a schema, the registry is asked for it once, and never again."""
    futures = [kept.schemas.wanted(record(n)) for n in range(50)]
    await asyncio.gather(*futures)
    await kept.fetched(record(51))
    assert kept.registry.asked == {7: 1}
    assert Decoder(readers=kept.schemas)(record()).request.id == "0-0"


@pytest.mark.parametrize("value", [None, b"", b"{}", b"\0\0\0", b"<customer/>"])
def test_records_that_need_none(kept, value):
    """They wait for nothing; what names a schema by halves is judged by its reader."""
    assert kept.schemas.wanted(valued(value)) is None


async def test_a_bounded_number(kept):
    """The one that was used longest ago goes first, and is fetched again when it is needed."""
    kept = Kept(FakeRegistry({number: avro_schema(CUSTOMER) for number in range(4)}), most=2)
    await kept.fetched(record(schema=0), record(schema=1))
    kept.schemas.reader(0)
    await kept.fetched(record(schema=2), record(schema=0))
    assert kept.registry.asked == {0: 1, 1: 1, 2: 1}
    with pytest.raises(SchemaRegistryUnavailable):
        kept.schemas.reader(1)
    await kept.fetched(record(schema=1))
    assert kept.registry.asked[1] == 2


async def test_a_schema_that_the_registry_does_not_have(kept, monkeypatch):
    """Its word holds for a while: then the schema may have been registered."""
    await kept.fetched(record(schema=9))
    with pytest.raises(Unreadable, match="says that it does not have"):
        kept.schemas.reader(9)(b"", MOST)
    await kept.fetched(record(schema=9))
    assert (kept.registry.asked[9], kept.holds.details()) == (1, {})
    monkeypatch.setattr(module, "UNKNOWN_FOR", -1.0)
    kept.schemas._known[9] = kept.schemas._known[9][0], 0.0
    with pytest.raises(SchemaRegistryUnavailable):
        kept.schemas.reader(9)
    kept.registry.schemas[9] = avro_schema(CUSTOMER)
    await kept.fetched(record(schema=9))
    assert kept.schemas.reader(9)


async def test_a_registry_that_is_away(kept):
    """The partitions that wait are held, each by itself and no other, until it is back."""
    kept.registry.down = "cannot reach it"
    first, second = kept.schemas.wanted(record(partition=1)), kept.schemas.wanted(record(schema=8, partition=2))
    await until(lambda: len(kept.holds.details()) == 2)
    late = kept.schemas.wanted(record(partition=3))
    assert set(kept.holds.details()) == {Hold(AWAY, 1), Hold(AWAY, 2), Hold(AWAY, 3)}
    assert kept.holds.reasons() == []
    assert kept.holds.details()[Hold(AWAY, 1)][1] == "cannot reach it"
    assert not first.done()
    kept.registry.down = None
    await asyncio.gather(first, second, late)
    assert kept.holds.details() == {}


async def test_one_schema_that_cannot_be_fetched():
    """The others go on, and its own partition is held until it comes."""
    kept = Kept(FakeRegistry(script={8: deque([RuntimeError("secret"), SchemaRegistryUnavailable("500")] * 5)}))
    kept.registry.schemas[8] = avro_schema(CUSTOMER)
    slow = asyncio.create_task(kept.fetched(record(schema=8)))
    await kept.fetched(record())
    assert not slow.done()
    await slow
    assert kept.registry.asked == {7: 1, 8: 11}
    assert "secret" not in str(kept.holds.details())


async def test_nobody_waits_any_more(kept):
    """A schema whose records were drained is not asked for any more, and holds nothing."""
    kept.registry.down = "away"
    there = kept.schemas.wanted(record())
    await until(lambda: bool(kept.holds.details()))
    there.cancel()
    await until(lambda: not kept.schemas._tasks)
    assert (kept.holds.details(), kept.schemas._fetches) == ({}, {})


async def test_a_partition_that_is_drained_as_soon_as_it_waits(kept):
    """Its hold ends when the schema is there: it may have been claimed anew, and still be ours."""
    kept.registry.schemas[8] = avro_schema(CUSTOMER)
    kept.registry.down = "away"
    kept.schemas = Schemas(kept.registry, kept.holds, Backoff(60, 60))
    first = kept.schemas.wanted(record(partition=1))
    await until(lambda: bool(kept.holds.details()))
    kept.schemas.wanted(record(partition=2)).cancel()
    assert set(kept.holds.details()) == {Hold(AWAY, 1), Hold(AWAY, 2)}
    kept.registry.down = None
    await kept.fetched(record(schema=8))
    await first
    assert kept.holds.details() == {}


async def test_for_who_would_not_wait(kept):
    """A command fails where a worker would wait."""
    kept.registry.down = "away"
    with pytest.raises(SchemaRegistryUnavailable, match="away"):
        await kept.schemas.fetch(record())
    kept.registry.down = None
    await kept.schemas.fetch(record())
    await kept.schemas.fetch(valued(b"{}"))
    assert kept.schemas.reader(7)


async def test_closed_while_it_is_away(kept):
    """No task is left."""
    kept.registry.down = "away"
    assert kept.schemas.wanted(record())
    await turns()
    await kept.schemas.close()
    assert not kept.schemas._tasks


async def test_closed_in_the_turn_in_which_it_answers(kept):
    """Nothing goes on that was to end."""
    kept.registry.down = "away"
    schemas = Schemas(kept.registry, kept.holds, Backoff(60, 60))
    schemas.wanted(record())
    await until(lambda: bool(kept.holds.details()))
    [task] = schemas._tasks
    answered, schemas._answered = schemas._answered, asyncio.Event()
    answered.set()
    task.cancel()
    await turns()
    assert task.cancelled()


class Partition:
    """One partition with a registry, over topics in memory and two slots."""

    def __init__(self, kept, world):
        self.kept, self.world, self.slots = kept, world, Slots(2)

    async def opened(self, mapping=None):
        journal = FakeJournalTopic(self.world.topics)
        pipeline = self.world.pipeline
        self.pipeline = type(pipeline)(
            Decoder(readers=self.kept.schemas, mapping=mapping),
            pipeline.creation,
            pipeline.results,
            pipeline.publish,
            schemas=self.kept.schemas,
        )
        self.dispatch = Dispatch(self.pipeline.process, self.slots, max_uncommitted=100)
        for number in range(2):
            restored = await journal.claim(number)
            self.dispatch.open(Assignment(number, restored, journal.append, self.slots))
        return self


@pytest.fixture
async def partition(kept):
    return await Partition(kept, await World(FakeCustomers(), FakeTopics()).again()).opened()


async def test_records_that_wait_hold_up_nobody(kept, partition):
    """More than there are slots wait for a schema; whatever needs a known one goes on, and nothing is lost."""
    await kept.fetched(record())
    kept.registry.schemas[8] = avro_schema(CUSTOMER)
    kept.registry.down = "away"
    for number in range(8):
        partition.dispatch.admit(record(number, schema=8, key=b"waits%d" % number))
    for number in range(8):
        partition.dispatch.admit(record(number, partition=1))
        partition.dispatch.admit(record(10 + number))
    await until(lambda: partition.dispatch.finished == 16)
    await turns()
    assert (partition.dispatch.in_flight(), partition.slots.free) == (8, 2)
    assert set(kept.holds.details()) == {Hold(AWAY, 0)}
    assert partition.world.events("dead") == []
    kept.registry.down = None
    await until(lambda: partition.dispatch.finished == 24)
    assert (len(partition.world.events("succeeded")), kept.holds.details()) == (24, {})


async def test_order_of_a_key(kept, partition):
    """A record behind one that waits for a schema waits with it, if it has the same key."""
    await kept.fetched(record())
    kept.registry.schemas[8] = avro_schema(CUSTOMER)
    kept.registry.down = "away"
    partition.dispatch.admit(record(0, schema=8, key=b"same"))
    partition.dispatch.admit(record(1, key=b"same"))
    await turns()
    assert partition.dispatch.finished == 0
    kept.registry.down = None
    await until(lambda: partition.dispatch.finished == 2)
    assert [each["data"]["request"]["offset"] for each in partition.world.events("succeeded")] == [0, 1]


async def test_a_drain_while_the_registry_is_away(kept, partition):
    """It waits for nothing, and the record stays uncommitted for the partition's next owner."""
    kept.registry.down = "away"
    partition.dispatch.admit(record())
    await turns()
    assert await partition.dispatch.drain([0], within=PATIENCE)
    assert (committable(partition.dispatch), partition.world.topics.of("dead")) == ({}, [])
    assert partition.slots.free == 2


async def test_a_rule_that_needs_no_schema(kept, tmp_path):
    """What a mapping passes over by its headers waits for no registry, whatever its value names."""
    (file := tmp_path / "mapping.toml").write_text(RULE)
    world = await World(FakeCustomers(), FakeTopics()).again()
    partition = await Partition(kept, world).opened(load_mapping(file))
    kept.registry.down = "away"
    partition.dispatch.admit(record(0))
    partition.dispatch.admit(replace(record(1), headers=(("kind", b"other"), guid_header())))
    await until(lambda: partition.dispatch.finished == 1)
    await turns()
    assert (partition.dispatch.in_flight(), set(kept.registry.asked)) == (1, {7})
    kept.registry.down = None
    await until(lambda: partition.dispatch.finished == 2)


async def test_drained_right_away(kept, partition):
    """A record that begins to wait once its partition drains is not kept."""
    (assignment, _) = partition.dispatch.assignments()
    assignment.draining.set()
    assert partition.slots.take()
    with pytest.raises(Draining):
        await partition.pipeline.process(record(), assignment)
