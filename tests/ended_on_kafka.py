"""Topics in which a test writes requests and their ends, right or wrong, without a worker."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from patience import PATIENCE

from worker.events.results import Results
from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.missing_topics import create
from worker.model.commands import Request
from worker.model.outcomes import Failed, Reason, ReasonCode, Succeeded
from worker.model.records import Position, Record
from worker.settings.settings import Settings
from worker.tools.verification.scan import Asked
from worker.tools.verification.verify import verified
from worker.topics import Plan

WITHIN = PATIENCE
PARKED = Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, "lost"), 1)


@dataclass
class Told:
    """Five topics of two partitions, and a producer that writes what a worker would."""

    kafka: str
    plan: Plan
    group: str
    producer: AIOKafkaProducer
    start: str = "earliest"
    results: Results = field(init=False)

    def __post_init__(self):
        self.results = Results("w", self.plan.succeeded, self.plan.failed, self.plan.dead_letters, self.group)

    @property
    def settings(self):
        names = {setting.rpartition("__")[2].lower(): name for setting, name in self.plan.names()}
        kafka = {"bootstrap_servers": self.kafka, "group_id": self.group, "start": self.start}
        return Settings.model_validate({"kafka": kafka, "topics": names, "ops": {"port": 0}})

    async def publish(self, topic, value, key=b"k", headers=(), partition=0, timestamp=None):
        sent = self.producer.send_and_wait(topic, value, key, partition, timestamp, list(headers))
        return (await asyncio.wait_for(sent, WITHIN)).offset

    async def request(self, *, partition=0, timestamp=None):
        offset = await self.publish(self.plan.requests, b"{}", partition=partition, timestamp=timestamp)
        return Record(self.plan.requests, partition, offset, 1, b"k", b"{}")

    async def _tell(self, message):
        return await self.publish(message.topic, message.value, message.key, message.headers, message.partition or 0)

    async def succeed(self, record, event=None, customer=None):
        asked = Request("urn:crm", event or f"{record.partition}-{record.offset}")
        customer = customer or f"28{record.partition}{record.offset}"
        await self._tell(self.results.succeeded(Succeeded(customer, "/c", "individual", 1), record, asked))

    async def letter(self, record, results=None):
        asked = Request("urn:crm", f"{record.partition}-{record.offset}")
        message = (results or self.results).dead_letter(PARKED, record, asked, time.time())
        return Position(self.plan.dead_letters, record.partition, await self._tell(message))

    async def fail(self, record, letter=None):
        asked = Request("urn:crm", f"{record.partition}-{record.offset}")
        letter = letter or await self.letter(record)
        await self._tell(self.results.failed(PARKED, record, asked, letter))

    async def commit(self, *offsets):
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka, group_id=self.group, enable_auto_commit=False)
        async with consumer, asyncio.timeout(WITHIN):
            places = [TopicPartition(self.plan.requests, number) for number in range(2)]
            consumer.assign(places)
            await consumer.commit(dict(zip(places, offsets, strict=False)))

    async def delete(self, topic, before, partition=0):
        async with asyncio.timeout(WITHIN):
            client = AIOKafkaAdminClient(bootstrap_servers=self.kafka)
            await client.start()
            await client.delete_records({TopicPartition(topic, partition): RecordsToDelete(before_offset=before)})
            await client.close()

    async def verify(self, **asked):
        return await asyncio.wait_for(verified(self.settings, Asked(**asked)), PATIENCE)


@asynccontextmanager
async def told_on(kafka, unique) -> AsyncIterator[Told]:
    """The topics, made and empty; their names begin with `unique`."""
    plan = Plan(f"{unique}-requests", f"{unique}-ok", f"{unique}-failed", f"{unique}-letters", f"{unique}-journal", 2)
    async with admin.opened(Connection(kafka)) as client:
        # Some tests date requests years back, which the brokers would delete by retention.
        await client.client.create_topics([NewTopic(plan.requests, 2, 1, topic_configs={"retention.ms": "-1"})])
        await create(client, plan)
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        yield Told(kafka, plan, f"{unique}-group", producer)
