"""A group and its backlog, as Kafka describes them to anybody, whether a member or not."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from worker.kafka import admin
from worker.kafka.admin import Admin
from worker.kafka.assigned import STABLE, partitions_of
from worker.kafka.connection import Connection, borrowed
from worker.kafka.failures import named
from worker.kafka.reader import COMMITTED, bounds_of, reader
from worker.kafka.rights import AskGroup
from worker.kafka.stable import Written
from worker.model.errors import KafkaUnavailable, StartupError
from worker.model.records import OpenTransaction


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the group: the address that it came from, and which partitions of the topic it was given."""

    client: str
    host: str
    partitions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a partition's log holds, and the group's committed offset; None where it has stored nothing.

    There may be fewer records than offsets, since transactions leave markers: so the lag is a bound.
    """

    first: int
    end: int
    committed: int | None
    open_transaction: OpenTransaction | None = None

    @property
    def at_most(self) -> int:
        """How many records wait at most; offsets without a record are counted, too."""
        return max(0, self.end - max(self.first, self.committed or 0))


@dataclass(frozen=True, slots=True)
class Overview:
    """The group and its partitions at one moment. `sharing`: the group is giving out its partitions just now."""

    members: tuple[Member, ...]
    sharing: bool
    partitions: Mapping[int, Waiting]

    @property
    def nobodys(self) -> tuple[int, ...]:
        """The partitions that no member has."""
        had = {number for member in self.members for number in member.partitions}
        return tuple(sorted(set(self.partitions) - had))


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks for the overview again and again, over open connections.

    Raises KafkaUnavailable, and StartupError for a missing right.
    """

    admin: Admin
    consumer: AIOKafkaConsumer
    topic: str
    group: str

    async def overview(self) -> Overview:
        """The overview as it is now."""
        found = (await self.admin.cluster([self.topic])).topics.get(self.topic)
        if found is None:
            raise StartupError(f"topic {self.topic} (WORKER_TOPICS__REQUESTS) does not exist")
        committed = await self.admin.committed(self.group, self.topic)
        async with self.admin.bounded():
            told = await self.admin.ask_coordinator(self.group, AskGroup(self.group))
        members = tuple(member_of(each, self.topic) for each in told["members"])
        sharing = bool(members) and told["state"] != STABLE
        return Overview(members, sharing, await self._waiting(found.partitions, committed))

    async def _waiting(self, partitions: int, committed: Mapping[int, int]) -> dict[int, Waiting]:
        places = [TopicPartition(self.topic, number) for number in range(partitions)]
        within = self.admin.within
        # By this call the client learns the partitions' leaders.
        await bounds_of(self.consumer, self.topic, range(partitions), within)
        written = Written(self.consumer)
        try:
            async with asyncio.timeout(within):
                # In this order: what is written between the two questions is no open transaction.
                ends = await written.ends(places)
                stable = await bounds_of(self.consumer, self.topic, range(partitions), within)
                return {
                    place.partition: Waiting(
                        stable[place][0],
                        ends[place],
                        committed.get(place.partition),
                        await _opened(written, place, stable[place][1], ends[place]),
                    )
                    for place in places
                }
        except (KafkaError, TimeoutError) as error:
            raise KafkaUnavailable(f"{self.topic}: {named(error, topic=self.topic)}") from error


async def _opened(written: Written, place: TopicPartition, stable: int, end: int) -> OpenTransaction | None:
    if stable >= end:
        return None
    timestamp = await written.timestamp(place, stable)
    return OpenTransaction(stable, timestamp / 1000 if timestamp and timestamp > 0 else None)


@asynccontextmanager
async def asking(connection: Connection, topic: str, group: str, within: float) -> AsyncIterator[Asking]:
    """Connections to ask over; each question takes about `within` seconds at most. Raises KafkaUnavailable."""
    async with (
        admin.opened(connection, within) as client,
        borrowed(reader(connection, isolation=COMMITTED), connection, within) as consumer,
    ):
        yield Asking(client, consumer, topic, group)


def member_of(told: Mapping[str, Any], topic: str) -> Member:
    """A member as the coordinator describes it.

    Without an assignment, as during a rebalance, or with one of another kind of client, it has no partitions.
    """
    try:
        numbers = partitions_of(told["member_assignment"], topic)
    except ValueError:
        numbers = []
    return Member(told["client_id"], told["client_host"].lstrip("/"), tuple(sorted(numbers)))
