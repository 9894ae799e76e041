"""aiokafka's own consumer over a log in memory: only the network is replaced."""

import asyncio
import struct
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import NoGroupCoordinator
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy as Builder
from aiokafka.record.util import calc_crc32c

Headers = Sequence[tuple[str, bytes | None]]


class OddName(str):
    """A header name that is written as the bytes `trace\\xff\\xfe-id`, which are not UTF-8."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        return b"trace\xff\xfe-id"


ODD: Headers = [(OddName("x"), b"1")]


def batch(base: int, count: int = 1, *, headers: Headers = (), odd_at: int = 0, codec: int = 0, last: int = 0) -> bytes:
    """A batch from offset `base` on; the record at `odd_at` has the headers; `last` is its last offset, if larger."""
    builder = Builder(2, codec, 0, -1, -1, -1, 2**20)
    for number in range(count):
        builder.append(number, 1_000, b"k", b"%d" % (base + number), list(headers) if number == odd_at else [])
    raw = bytearray(builder.build())
    struct.pack_into(">q", raw, 0, base)
    if last:
        struct.pack_into(">i", raw, 23, last - base)
        sealed(raw)
    return bytes(raw)


def sealed(raw: bytearray) -> bytes:
    """The batch with the checksum of its changed content."""
    struct.pack_into(">I", raw, 17, calc_crc32c(bytes(raw[21:])))
    return bytes(raw)


def with_places(raw: bytes, deltas: Sequence[int]) -> bytes:
    """The batch with these offset deltas in its records; for short records without compression."""
    changed, at = bytearray(raw), 61
    for delta in deltas:
        # Length, attributes, timestamp and offset delta take a byte each.
        changed[at + 3] = delta << 1
        at += 1 + (changed[at] >> 1)
    return sealed(changed)


def corrupt(raw: bytes) -> bytes:
    """The batch with one bit of its last record changed."""
    return raw[:-2] + bytes([raw[-2] ^ 1]) + raw[-1:]


def unknown_codec(raw: bytes) -> bytes:
    """The batch marked as compressed by an unknown codec."""
    changed = bytearray(raw)
    struct.pack_into(">h", changed, 21, 7)
    return sealed(changed)


def next_offset(raw: bytes) -> int:
    """The offset after the batch."""
    return int(struct.unpack_from(">q", raw)[0] + struct.unpack_from(">i", raw, 23)[0] + 1)


class Answer:
    """The answer to a fetch."""

    API_VERSION = 11
    throttle_time_ms = 0

    def __init__(self, topics: list[tuple[str, list[Any]]]) -> None:
        self.topics = topics


class ScriptedLog:
    """Batches by partition; offsets below `beginnings` are deleted; `fetches` are the offsets asked for.

    The next `misled` fetches of a partition are answered as if the offset was out of range, and the next `throttled`
    ones as those of a client that has used up its quota.
    """

    def __init__(self, topic: str = "requests") -> None:
        self.topic = topic
        self.batches: defaultdict[int, list[bytes]] = defaultdict(list)
        self.aborted: dict[int, list[tuple[int, int]]] = {}
        self.beginnings: dict[int, int] = {}
        self.misled: Counter[int] = Counter()
        self.deadly = 0
        self.throttled = 0
        self.fetches: list[tuple[int, int]] = []

    async def send(self, _: int, request: Any, **__: Any) -> Answer:
        """Answer a fetch; the next `deadly` calls raise an error that ends aiokafka's task."""
        if self.deadly:
            self.deadly -= 1
            raise MemoryError
        await asyncio.sleep(0.001)
        if self.throttled:
            self.throttled -= 1
            return Answer([])
        return Answer([(topic, [self._part(*part) for part in parts]) for topic, parts in request.topics])

    def _part(self, partition: int, offset: int, at_most: int) -> tuple[Any, ...]:
        self.fetches.append((partition, offset))
        found = [raw for raw in self.batches[partition] if next_offset(raw) > offset]
        self.misled[partition] -= 1
        if offset < self.beginnings.get(partition, 0) or self.misled[partition] >= 0:
            return partition, 1, -1, -1, -1, [], -1, b""
        end = max((next_offset(raw) for raw in self.batches[partition]), default=0)
        raw = b"".join(found if at_most > 1 else found[:1])
        return partition, 0, end, end, 0, self.aborted.get(partition, []), -1, raw


@asynccontextmanager
async def consumer_of(log: ScriptedLog, partitions: int, isolation: str = "read_uncommitted") -> AsyncIterator[Any]:
    """A consumer of that log with all partitions assigned and no position yet."""
    consumer: Any = AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1")
    client = consumer._client
    client.cluster.leader_for_partition = lambda _: 0
    client.send = log.send
    client.force_metadata_update = lambda: asyncio.get_running_loop().create_future()
    consumer.partitions_for_topic = lambda _: set(range(partitions))
    consumer._fetcher = Fetcher(client, consumer._subscription, isolation_level=isolation, auto_offset_reset="none")
    coordinator: Any = NoGroupCoordinator(client, consumer._subscription)
    coordinator._heartbeat_task = coordinator._commit_refresh_task = None
    consumer._coordinator = coordinator
    consumer._subscription.assign_from_user([TopicPartition(log.topic, number) for number in range(partitions)])
    try:
        yield consumer
    finally:
        await consumer._fetcher.close()
        await coordinator.close()
        consumer._closed = True
