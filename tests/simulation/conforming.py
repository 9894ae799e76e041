"""What a test asks of Kafka, the same of the real one and of the model."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.protocol.admin import CreateTopicsRequest
from aiokafka.protocol.commit import OffsetCommitRequest, OffsetFetchRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from .world import BOOTSTRAP, world

Scenario = Callable[["Asked"], Awaitable[object]]
WAIT = 500
MIB = 1 << 20


def ask_model(scenario: Scenario) -> object:
    """What the scenario tells of the model."""
    with world(1) as made:
        return made.loop.run_until_complete(_asked(BOOTSTRAP, scenario))


def ask_kafka(bootstrap: str, scenario: Scenario) -> object:
    """What it tells of a real Kafka."""
    return asyncio.run(_asked(bootstrap.split(","), scenario))


async def _asked(bootstrap: Sequence[str], scenario: Scenario) -> object:
    async with _client(bootstrap) as client:
        return await scenario(Asked(client, list(bootstrap), uuid4().hex[:12]))


@asynccontextmanager
async def _client(bootstrap: Sequence[str]) -> AsyncIterator[AIOKafkaClient]:
    client = AIOKafkaClient(bootstrap_servers=list(bootstrap))
    await client.bootstrap()
    try:
        yield client
    finally:
        await client.close()


def batch(
    values: Sequence[bytes], *, producer: int = -1, epoch: int = -1, sequence: int = -1, since: int = 1_000
) -> bytes:
    """As a producer sends it, dated from that time on, a millisecond each."""
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0, producer_id=producer, producer_epoch=epoch,
        base_sequence=sequence, batch_size=MIB,
    )  # fmt: skip
    for number, value in enumerate(values):
        builder.append(number, timestamp=since + number, key=b"k", value=value, headers=[])
    return bytes(builder.build())


def values(raw: bytes) -> list[bytes | None]:
    """Of all records, those at transactions' ends too."""
    found: list[bytes | None] = []
    memory = MemoryRecords(raw)
    while (each := memory.next_batch()) is not None:
        found += [record.value for record in each if not each.is_control_batch]
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """Each method tells what the brokers answer: codes, offsets, never ids that differ from one Kafka to the next."""

    client: AIOKafkaClient
    bootstrap: list[str]
    unique: str

    async def topic(self, name: str = "t", partitions: int = 1, **configs: str) -> str:
        """Make it, and return when it has leaders: its full name."""
        full = f"{self.unique}-{name}"
        given = [(key.replace("_", "."), value) for key, value in configs.items()]
        wanted: list[Any] = [(full, partitions, 1, [], given)]
        await self.client.send(self.client.get_random_node(), CreateTopicsRequest(wanted, 10_000, False))  # noqa: FBT003
        self.client.add_topic(full)
        while not self.led(full):
            await self.client.force_metadata_update()
            await asyncio.sleep(0.1)
        return full

    def led(self, topic: str) -> bool:
        """Whether each partition has somebody to ask."""
        known = self.client.cluster.partitions_for_topic(topic)
        return bool(known) and all(self.leader(topic, number) not in {None, -1} for number in known or ())

    def leader(self, topic: str, partition: int = 0) -> Any:
        """The node to ask."""
        return self.client.cluster.leader_for_partition(TopicPartition(topic, partition))

    async def leading(self, topic: str, request: Any) -> Any:
        """The answer of the leader of its first partition."""
        return await self.client.send(self.leader(topic), request)

    async def produce(self, topic: str, raw: bytes, transaction: str | None = None) -> tuple[int, int]:
        """(code, first offset)."""
        answer = await self.leading(topic, ProduceRequest(transaction, -1, 10_000, [(topic, [(0, raw)])]))
        ((_, ((_, code, offset, *_),)),) = answer.topics
        return code, offset

    async def fetch(self, topic: str, offset: int, *, committed: bool = False) -> tuple[int, int, int, Any, bytes]:
        """(code, high-water mark, last stable offset, aborted (first offsets alone), bytes)."""
        request = FetchRequest(WAIT, 1, MIB, int(committed), [(topic, [(0, offset, MIB)])])
        answer = await self.leading(topic, request)
        (_, ((_, code, high, stable, _, aborted, *_, raw),)) = answer.topics[0]
        return code, high, stable, sorted(first for _, first in aborted or ()), bytes(raw or b"")

    async def offset(self, topic: str, time: int, *, committed: bool = False) -> tuple[int, int]:
        """(code, offset) of that time; -1 the end, -2 the beginning."""
        answer = await self.leading(topic, OffsetRequest(-1, int(committed), [(topic, [(0, time)])]))
        (_, ((_, code, _, offset),)) = answer.topics[0]
        return code, offset

    async def coordinator(self, kind: int, name: str) -> Any:
        """The node of a group (0) or of a transactional producer (1), as soon as there is one."""
        while True:
            try:
                return await self.client.coordinator_lookup(kind, name)
            except GroupCoordinatorNotAvailableError:
                await asyncio.sleep(0.1)

    async def coordinating(self, group: str, request: Any) -> Any:
        """The answer of the group's coordinator, as soon as there is one."""
        while True:
            answer = await self.client.send(await self.coordinator(0, group), request)
            if getattr(answer, "error_code", 0) not in {14, 15, 16}:
                return answer
            await asyncio.sleep(0.1)

    async def join(self, group: str, member: str = "", instance: Any = None, rebalance: int = 10_000) -> Any:
        """The answer to one join; the member waits so many milliseconds for others to join again."""
        request = JoinGroupRequest(group, 10_000, rebalance, member, instance, "consumer", [("p", b"m")])
        return await self.coordinating(group, request)

    async def joined(self, group: str, rebalance: int = 10_000) -> tuple[str, int]:
        """(member, generation) of who is in it alone, with its assignment."""
        named = await self.join(group)
        answer = await self.join(group, named.member_id, rebalance=rebalance)
        await self.sync(group, answer.generation_id, answer.member_id)
        return answer.member_id, answer.generation_id

    async def sync(self, group: str, generation: int, member: str, given: bytes = b"a") -> Any:
        """The answer to a leader that gives all to itself."""
        nobody: Any = None
        return await self.coordinating(group, SyncGroupRequest(group, generation, member, nobody, [(member, given)]))

    async def heartbeat(self, group: str, generation: int, member: str) -> int:
        """Its code."""
        return int((await self.coordinating(group, HeartbeatRequest(group, generation, member))).error_code)

    async def commit(self, group: str, topic: str, offset: int, generation: int = -1, member: str = "") -> int:
        """Its code."""
        wanted = [(topic, [(0, offset, "a note")])]
        answer = await self.coordinating(group, OffsetCommitRequest(group, generation, member, -1, wanted))
        ((_, ((_, code),)),) = answer.topics
        return int(code)

    async def committed(self, group: str, topic: str) -> tuple[int, str]:
        """(offset, note)."""
        answer = await self.coordinating(group, OffsetFetchRequest(group, [(topic, [0])]))
        ((_, ((_, offset, note, _),)),) = answer.topics
        return offset, note

    @asynccontextmanager
    async def transactional(self, name: str) -> AsyncIterator[AIOKafkaProducer]:
        """A producer of that name, which fences whoever had it before."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, transactional_id=f"{self.unique}-{name}")
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()

    @asynccontextmanager
    async def another(self) -> AsyncIterator["Asked"]:
        """Somebody else, over connections of its own."""
        async with _client(self.bootstrap) as client:
            yield Asked(client, self.bootstrap, self.unique)
