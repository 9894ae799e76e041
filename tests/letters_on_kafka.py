"""The five topics of a test on a real Kafka, and dead letters in them as a worker would leave them."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from patience import PATIENCE

from worker.events.results import Results
from worker.kafka import admin, bulk
from worker.kafka.connection import Connection, opened
from worker.kafka.extent import extent
from worker.kafka.missing_topics import create
from worker.model.commands import Request
from worker.model.outcomes import Failed, HttpAnswer, Reason, ReasonCode
from worker.model.records import Headers, OutgoingMessage, Record
from worker.settings import sources as configuration
from worker.tools.dead_letters.marks import mark_of
from worker.tools.reading.place import Place
from worker.topics import Plan

PARTITIONS = 2


class LetterTopics:
    """The topics, and the settings that name them."""

    def __init__(self, kafka: str, unique: str, **environment: str) -> None:
        self.plan = Plan(
            f"{unique}.requests",
            f"{unique}.succeeded",
            f"{unique}.failed",
            f"{unique}.dead-letters",
            f"{unique}.journal",
            partitions=PARTITIONS,
        )
        self.connection = Connection(kafka, request_timeout=10)
        self.environment = {
            "WORKER_KAFKA__BOOTSTRAP_SERVERS": kafka,
            "WORKER_KAFKA__GROUP_ID": unique,
            **dict(self.plan.names()),
            **environment,
        }
        self.settings = configuration.load(environment=self.environment)
        self.results = Results("w", "ok", "failed", self.plan.dead_letters, "g")

    async def create(self) -> None:
        """Create all five topics."""
        async with admin.opened(self.connection) as client:
            await create(client, self.plan)

    def failed(self, number: int, code: ReasonCode = ReasonCode.REJECTED) -> tuple[Record, OutgoingMessage]:
        """(record, dead letter) of the event with that number."""
        headers: Headers = (("number", str(number).encode()),)
        partition, offset = number % PARTITIONS, number // PARTITIONS
        record = Record(self.plan.requests, partition, offset, 1_000, b"k%d" % number, b"{}", headers)
        outcome = Failed(Reason(code, "why", http=HttpAnswer(400)), 1)
        return record, self.results.dead_letter(outcome, record, Request("s", f"e-{number}"), 0.0)

    async def fill(self, count: int, code: ReasonCode = ReasonCode.REJECTED) -> None:
        """Publish that many events and their dead letters; in each partition a letter has the offset of its record."""
        requests, letters = zip(*(self.failed(number, code) for number in range(count)), strict=True)
        await self.batches(self.plan.requests, requests)
        await self.batches(self.plan.dead_letters, letters)

    async def batches(self, topic: str, messages: Sequence[Record | OutgoingMessage], first: int | None = None) -> None:
        """Publish in batches that are built here, which is many times faster; timestamps are a millisecond apart."""
        first = first or int(time.time() * 1000) - len(messages)
        async with opened(AIOKafkaProducer(**self.connection.arguments()), self.connection, PATIENCE) as producer:
            for partition in range(PARTITIONS):
                batch = producer.create_batch()
                for place, each in enumerate(messages):
                    if each.partition != partition:
                        continue
                    given = {"key": each.key, "value": each.value, "timestamp": first + place}
                    if batch.append(**given, headers=list(each.headers)) is None:
                        await producer.send_batch(batch, topic, partition=partition)
                        batch = producer.create_batch()
                        assert batch.append(**given, headers=list(each.headers))
                await producer.send_batch(batch, topic, partition=partition)
            await asyncio.wait_for(producer.flush(), PATIENCE)

    async def publish(self, topic: str, *messages: tuple[bytes | None, bytes | None, Headers]) -> None:
        """Publish (key, value, headers) to partition 0."""
        async with bulk.opened(self.connection) as publisher:
            for key, value, headers in messages:
                await publisher.hand_over(OutgoingMessage(topic, key, value, headers, 0))
            await publisher.flush()

    async def requests(self) -> list[Record]:
        """Every record of the request topic."""
        async with extent(self.connection, self.plan.requests, range(PARTITIONS)) as topic:
            return [record async for records, _ in topic.read() for record in records]

    async def replays(self) -> "Counter[Place]":
        """How often each record of the request topic was replayed."""
        return Counter(place for record in await self.requests() if (place := mark_of(record)))
