"""The topics of a seed, read to their ends and understood without the worker's own code."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from chaos.facts import Asked, DeadLetter, Place, Told
from chaos.stream import NUMBER, PARTITIONS, Item
from patience import PATIENCE
from whole_logs import read_whole

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.topics import Plan

READS_WITHIN = PATIENCE
EMPTY_POLLS = 15
"""So many in a row mean that only markers are left: a position may stay before those."""
TOPICS = ("requests", "succeeded", "failed", "dead-letters", "journal")
Records = list[ConsumerRecord[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Names:
    """The topics and the group of one seed."""

    prefix: str

    def of(self, what: str) -> str:
        """One of TOPICS, or `group`."""
        return f"{self.prefix}.{what}"

    @property
    def topics(self) -> list[str]:
        """In the order of the flow."""
        return [self.of(each) for each in TOPICS]

    @property
    def plan(self) -> Plan:
        """As the worker's own command makes them."""
        requests, succeeded, failed, dead_letters, journal = self.topics
        return Plan(requests, succeeded, failed, dead_letters, journal, partitions=PARTITIONS, replication_factor=1)

    @property
    def settings(self) -> dict[str, str]:
        """As the worker is told them."""
        return {**dict(self.plan.names()), "WORKER_KAFKA__GROUP_ID": self.of("group")}


async def places(kafka: str, topic: str) -> list[TopicPartition]:
    """All of its partitions, of which there may be more by now."""
    async with admin.opened(Connection(kafka, request_timeout=10)) as client:
        count = (await client.cluster([topic])).topics[topic].partitions
    return [TopicPartition(topic, number) for number in range(count)]


async def read(kafka: str, topic: str) -> Records:
    """Everything up to the topic's ends as they are now."""
    async with (
        AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False) as consumer,
        asyncio.timeout(READS_WITHIN),
    ):
        partitions = await places(kafka, topic)
        await read_whole(consumer, partitions)
        ends = await consumer.end_offsets(partitions)
        records: Records = []
        empty = 0
        while empty < EMPTY_POLLS and any([await consumer.position(place) < end for place, end in ends.items()]):
            batches = (await consumer.getmany(timeout_ms=200)).values()
            empty = 0 if batches else empty + 1
            for batch in batches:
                records += batch
    return records


async def starts(kafka: str, topic: str) -> dict[int, int]:
    """The first offset of each partition."""
    async with AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False) as consumer:
        found = await consumer.beginning_offsets(await places(kafka, topic))
    return {place.partition: first for place, first in found.items()}


async def offsets(kafka: str, names: Names) -> tuple[dict[int, int], dict[int, int]]:
    """The ends of the request topic, and what the group has committed there."""
    async with (
        AIOKafkaConsumer(bootstrap_servers=kafka, group_id=names.of("group"), enable_auto_commit=False) as consumer,
        asyncio.timeout(READS_WITHIN),
    ):
        requests = await places(kafka, names.of("requests"))
        consumer.assign(requests)
        ends = await consumer.end_offsets(requests)
        committed = {place.partition: await consumer.committed(place) or 0 for place in requests}
    return {place.partition: end for place, end in ends.items()}, committed


def asked(records: Records, items: Mapping[int, Item], stored: Mapping[Place, Item]) -> list[Asked]:
    """As the topic holds them, whatever became of the publishing; `stored` are those that are known by their places.

    What was deleted is known by its place alone.
    """
    found = dict(stored)
    for each in records:
        place = each.partition, each.offset
        if place not in found:
            found[place] = items[int(dict(each.headers)[NUMBER])]
    return [Asked(place, item) for place, item in found.items()]


def told(records: Records) -> list[Told]:
    """Terminal events."""
    return [Told(each.timestamp / 1000, each.key, orjson.loads(each.value or b"")) for each in records]


def dead_letters(records: Records) -> list[DeadLetter]:
    """As other tools read them: by the headers of Kafka Connect."""
    found = []
    for each in records:
        headers = dict(each.headers)
        of = int(headers["__connect.errors.partition"]), int(headers["__connect.errors.offset"])
        value = None if "worker-value" in headers else each.value
        found.append(DeadLetter((each.partition, each.offset), of, each.key, value))
    return found


def intents(records: Records) -> Mapping[Place, Sequence[float]]:
    """When a POST of each record was announced."""
    found: defaultdict[Place, list[float]] = defaultdict(list)
    for place, each in _entries(records, "intent"):
        found[place].append(each.timestamp / 1000)
    return found


def first(records: Records, state: str) -> Mapping[Place, int]:
    """At which of the journal's offsets each record first had that state."""
    found: dict[Place, int] = {}
    for place, each in _entries(records, state):
        found[place] = min(each.offset, found.get(place, each.offset))
    return found


def _entries(records: Records, state: str) -> Iterator[tuple[Place, ConsumerRecord[bytes, bytes]]]:
    """With the place of the record that each is about; a key is `<event>/<offset>/<writer>`."""
    for each in records:
        parts = (each.key or b"").split(b"/")
        if len(parts) == 3 and f'"{state}"'.encode() in (each.value or b""):
            yield (each.partition, int(parts[1])), each
