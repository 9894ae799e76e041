"""The brokers: what they store and how they answer, request by request."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aiokafka import errors

from .group import Group
from .log import Log, Refused

REPLICATION = 0.004
"""Seconds that an append takes to reach the other replicas, at most, when all is well."""
MISLEADING = 0.5
OK = 0
PORT = 9092


@dataclass(eq=False, slots=True)
class Topic:
    """`configs` are its overrides."""

    name: str
    logs: list[Log]
    configs: dict[str, str] = field(default_factory=dict)

    @property
    def largest(self) -> int:
        """Bytes of a batch."""
        return int(self.configs.get("max.message.bytes", "1048588"))


@dataclass(eq=False, slots=True)
class Transaction:
    """One transactional id: its producer, and the partitions in which it has something open."""

    producer: int
    epoch: int
    timeout: float
    places: set[tuple[str, int]] = field(default_factory=set)
    expires: asyncio.TimerHandle | None = None


@dataclass(eq=False)
class Cluster:
    """`nodes` are those that are up; a frozen one answers nobody. The clock is the brokers' own, in milliseconds."""

    random: Random
    clock: Callable[[], int]
    nodes: set[int] = field(default_factory=lambda: {1})
    frozen: set[int] = field(default_factory=set)
    topics: dict[str, Topic] = field(default_factory=dict)
    removed: list[Topic] = field(default_factory=list)
    """Topics that were deleted, in their order, with what nobody reads any more."""
    groups: dict[str, Group] = field(default_factory=dict)
    transactions: dict[str, Transaction] = field(default_factory=dict)
    leaders: dict[tuple[str, int], int] = field(default_factory=dict)
    coordinator: int = 1
    denied: set[tuple[str, str]] = field(default_factory=set)
    misled: Counter[int] = field(default_factory=Counter)
    """Partitions of which leaders say, now and then, that a place which they have is out of range."""
    wavering: float = 0.0
    """The share of requests that are refused for now."""
    behind: dict[int, dict[tuple[str, int], int]] = field(default_factory=dict)
    """What led each partition when a broker last heard of it, where that is not what leads it now."""
    slow: float = 0.0
    changed: dict[tuple[str, int], asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    _ids: int = 1000

    def make(self, name: str, partitions: int, configs: dict[str, str]) -> Topic:
        """A new topic; its partitions are led in turn by the nodes, from one on that is drawn."""
        appended = configs.get("message.timestamp.type") == "LogAppendTime"
        self.topics[name] = Topic(name, [Log(appended) for _ in range(partitions)], dict(configs))
        self._lead(name)
        return self.topics[name]

    def grow(self, name: str, partitions: int) -> None:
        """More partitions, while everything runs."""
        topic = self.topics[name]
        appended = topic.configs.get("message.timestamp.type") == "LogAppendTime"
        topic.logs += [Log(appended) for _ in range(partitions - len(topic.logs))]
        self._lead(name)

    def remove(self, name: str) -> None:
        """Delete the topic: whoever waits for its records or writes to it is told that there is none."""
        topic = self.topics.pop(name)
        self.removed.append(topic)
        for number in range(len(topic.logs)):
            del self.leaders[name, number]
            self.wake(name, number)

    def logs(self, name: str) -> list[Log]:
        """The topic's partitions; none while it is deleted."""
        return self.topics[name].logs if name in self.topics else []

    def logs_ever(self, name: str) -> list[tuple[int, Log]]:
        """The partitions, by number, of all topics that had this name, the deleted ones first."""
        return [pair for each in self.removed if each.name == name for pair in enumerate(each.logs)] + [
            *enumerate(self.logs(name))
        ]

    def _lead(self, name: str) -> None:
        nodes = sorted(self.nodes)
        turn = self.random.randrange(len(nodes))
        for number in range(len(self.topics[name].logs)):
            self.leaders.setdefault((name, number), nodes[(number + turn) % len(nodes)])

    def log(self, topic: str, partition: int) -> Log:
        """Raises Refused where there is none."""
        found = self.topics.get(topic)
        if found is None or partition >= len(found.logs):
            raise Refused(errors.UnknownTopicOrPartitionError)
        return found.logs[partition]

    def led(self, topic: str, partition: int, node: int) -> Log:
        """The same, asked of its leader; raises Refused."""
        log = self.log(topic, partition)
        if self.leaders[topic, partition] != node:
            raise Refused(errors.NotLeaderForPartitionError)
        return log

    def waver(self, *refusals: type[errors.KafkaError]) -> None:
        """Raises Refused with one of these, now and then."""
        if self.wavering and self.random.random() < self.wavering:
            raise Refused(self.random.choice(refusals))

    def mislead(self, partition: int) -> None:
        """Raises Refused, now and then, where readers of that partition are misled."""
        if self.misled[partition] and self.random.random() < MISLEADING:
            raise Refused(errors.OffsetOutOfRangeError)

    def group(self, name: str) -> Group:
        """Made when it is first heard of."""
        return self.groups.setdefault(name, Group(name, lambda: f"member-{self.new_id()}"))

    def new_id(self) -> int:
        """A number that nothing else has."""
        self._ids += 1
        return self._ids

    def wake(self, topic: str, partition: int) -> None:
        """There is something new to read."""
        event = self.changed.pop((topic, partition), None)
        if event:
            event.set()

    async def append(self, topic: str, partition: int, raw: bytes, node: int) -> tuple[int, int]:
        """The first offset, once all in-sync replicas have it, and when the log dates it (-1: it does not). Raises
        Refused.
        """
        log = self.led(topic, partition, node)
        if len(raw) > self.topics[topic].largest:
            raise Refused(errors.MessageSizeTooLargeError)
        batch = log.append(raw, self.clock())
        await asyncio.sleep(self.random.random() * (REPLICATION + self.slow))
        if self.led(topic, partition, node) is not log or log.end <= batch.last:
            raise Refused(errors.NotLeaderForPartitionError)
        log.replicated = max(log.replicated, batch.last + 1)
        self.wake(topic, partition)
        return batch.first, batch.time if log.append_time else -1

    def move_leader(self, topic: str, partition: int, node: int, *, clean: bool) -> int:
        """To another node; an unclean end of the old one loses what only it had: how many records."""
        log = self.log(topic, partition)
        self.leaders[topic, partition] = node
        if clean:
            log.replicated = log.end
            return 0
        return log.lose_tail()

    def leave(self, node: int) -> None:
        """A broker goes; what it led and coordinated is the others', who have all that was acknowledged."""
        self.nodes.discard(node)
        others = sorted(self.nodes)
        for index, (topic, partition) in enumerate(sorted(self.leaders)):
            if self.leaders[topic, partition] == node:
                self.move_leader(topic, partition, others[index % len(others)], clean=False)
        if self.coordinator == node:
            self.coordinator = others[0]

    def begin(self, name: str, timeout: float) -> Transaction:
        """A transactional producer begins: whoever had the name before is fenced, and what it left open is aborted."""
        found = self.transactions.get(name)
        if found is None:
            found = self.transactions[name] = Transaction(self.new_id(), -1, timeout)
        self.finish(found, committed=False)
        found.epoch += 1
        found.timeout = timeout
        return found

    def transaction(self, name: str, producer: int, epoch: int) -> Transaction:
        """Raises Refused for one who was fenced."""
        found = self.transactions.get(name)
        if found is None or found.producer != producer:
            raise Refused(errors.InvalidProducerIdMapping)
        if found.epoch != epoch:
            raise Refused(errors.InvalidProducerEpoch)
        return found

    def add(self, found: Transaction, places: set[tuple[str, int]]) -> None:
        """These partitions are part of it; one that stays open too long is aborted by its coordinator."""
        if not found.places:
            found.expires = asyncio.get_running_loop().call_later(found.timeout, self._expired, found)
        found.places |= places

    def _expired(self, found: Transaction) -> None:
        found.epoch += 1
        self.finish(found, committed=False)

    def finish(self, found: Transaction, *, committed: bool) -> None:
        """Markers in all its partitions."""
        if found.expires:
            found.expires.cancel()
            found.expires = None
        for topic, partition in sorted(found.places):
            if topic in self.topics:
                self.log(topic, partition).mark(found.producer, found.epoch, self.clock(), committed=committed)
                self.wake(topic, partition)
        found.places.clear()

    def describe(self, name: str) -> dict[str, str]:
        """A topic's settings as they are in force."""
        defaults = {
            "cleanup.policy": "delete",
            "retention.ms": "604800000",
            "retention.bytes": "-1",
            "max.message.bytes": "1048588",
            "message.timestamp.type": "CreateTime",
            "min.insync.replicas": "1",
            "unclean.leader.election.enable": "false",
        }
        return defaults | self.topics[name].configs


Fields = tuple[Any, ...]
