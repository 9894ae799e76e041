"""What the brokers tell of themselves and of what this user may do; nothing is tried that would leave a trace."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.admin import ApiVersionRequest
from aiokafka.protocol.api import Request
from aiokafka.protocol.transaction import InitProducerIdRequest

from worker.kafka import admin
from worker.kafka.admin import Admin, in_force
from worker.kafka.connection import Connection
from worker.kafka.failures import describe
from worker.kafka.rights import AskGroup, AskTopics
from worker.topics import Cluster

# Each right is a bit of the number that the brokers answer with.
_BITS: Final = {"Read": 3, "Write": 4}
_PRODUCE, _FETCH = 0, 1
# The newest versions of Produce and Fetch that a release brought; a broker does not tell its own.
_RELEASES: Final = (
    ("4.1", _PRODUCE, 13),
    ("4.0", _PRODUCE, 12),
    ("3.9", _FETCH, 17),
    ("3.7", _FETCH, 16),
    ("3.5", _FETCH, 15),
    ("3.1", _FETCH, 13),
    ("2.7", _FETCH, 12),
    ("2.3", _FETCH, 11),
)


@asynccontextmanager
async def opened(connection: Connection) -> AsyncIterator["Brokers"]:
    """Brokers that can be asked. Raises KafkaUnavailable, which says why there are none."""
    async with admin.opened(connection) as client:
        yield Brokers(client)


@dataclass(frozen=True, slots=True)
class Brokers:
    """Questions to the brokers. Each takes the admin client's time at most; KafkaUnavailable or StartupError."""

    admin: Admin

    async def cluster(self, topics: Collection[str]) -> Cluster:
        """The brokers, and those of these topics that exist."""
        return await self.admin.cluster(topics)

    async def release(self) -> str:
        """The release that the brokers have at least, such as 4.1; it follows from the requests that they know."""
        answer = await self._ask(ApiVersionRequest())
        newest = {entry["api_key"]: entry["max_version"] for entry in answer["api_versions"]}
        return next((name for name, key, version in _RELEASES if newest.get(key, 0) >= version), "2.0")

    async def session_limits(self) -> tuple[float, float] | None:
        """The shortest and the longest session timeout of a group's member, in seconds; None where we may not know."""
        async with self.admin.bounded():
            node = self.admin.client._client.get_random_node()  # noqa: SLF001  the only way to name a broker
            answers = await self.admin.client.describe_configs([ConfigResource(ConfigResourceType.BROKER, str(node))])
        (resource,) = [resource for answer in answers for resource in answer.to_object()["resources"]]
        config = in_force(resource)
        try:
            shortest, longest = (int(config[f"group.{each}.session.timeout.ms"]) / 1000 for each in ("min", "max"))
        except KeyError:
            return None
        return shortest, longest

    async def topic_rights(self, topics: Collection[str]) -> Mapping[str, frozenset[str]]:
        """By topic which of the rights `Read` and `Write` we have; none for a topic that we may not even see."""
        answer = await self._ask(AskTopics(topics))
        return dict.fromkeys(topics, frozenset[str]()) | {entry["topic"]: _rights(entry) for entry in answer["topics"]}

    async def group(self, group: str) -> tuple[int, frozenset[str]]:
        """How many members the group has, and our rights on it; a group that nobody has joined yet has none."""
        async with self.admin.bounded():
            told = await self.admin.ask_coordinator(group, AskGroup(group))
        return len(told["members"]), _rights(told)

    async def producer_refusal(self) -> str | None:
        """Why there can be no idempotent producer; None where there can. The producer id that is given is not used."""
        async with self.admin.bounded():
            while True:
                answer = await self.admin.ask(InitProducerIdRequest(None, 0))  # type: ignore[arg-type]  # no transactions, no name
                error = for_code(answer["error_code"])
                if not error.retriable:
                    return None if error is NoError else describe(error())
                await asyncio.sleep(0.1)

    async def _ask(self, request: Request[Any]) -> dict[str, Any]:
        async with self.admin.bounded():
            return await self.admin.ask(request)


def _rights(entry: Mapping[str, Any]) -> frozenset[str]:
    """The rights that an answer names; a negative number means that the broker does not tell."""
    told = max(0, entry["authorized_operations"])
    return frozenset(right for right, bit in _BITS.items() if told >> bit & 1)
