"""Topics as the brokers know them: asked for without creating them, and made. Each call has a time limit."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    InvalidConfigurationError,
    InvalidPartitionsError,
    InvalidReplicationFactorError,
    LeaderNotAvailableError,
    NotCoordinatorForGroupError,
    PolicyViolationError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)
from aiokafka.protocol.api import Request
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.metadata import MetadataRequest

from worker.kafka.connection import Connection, advertised
from worker.kafka.connection import opened as connected
from worker.kafka.failures import describe, explained
from worker.model.errors import ConfigRefused, StartupError
from worker.topics import Cluster, Topic, TopicSpec

# A broker's answers, or those of a hosted broker's policy, that are about a configuration.
NOT_SO = {InvalidConfigurationError.errno, PolicyViolationError.errno}
COORDINATING = (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError)


class _AdminClient(AIOKafkaAdminClient):
    """aiokafka's client, closed in the same way as all other clients."""

    async def stop(self) -> None:
        await self.close()  # type: ignore[no-untyped-call]  # aiokafka has types for some


@asynccontextmanager
async def opened(connection: Connection, within: float = 10.0) -> AsyncIterator["Admin"]:
    """An admin client; each of its calls takes `within` seconds at most. Raises KafkaUnavailable, which says why."""
    async with connected(_AdminClient(**connection.arguments()), connection, within) as client:
        yield Admin(client, connection, within)


@dataclass(frozen=True)
class Admin:
    """What can be asked about topics and groups, and done to topics."""

    client: AIOKafkaAdminClient
    connection: Connection
    within: float

    async def cluster(self, topics: Collection[str]) -> Cluster:
        """The brokers, and those of these topics that exist."""
        async with self.bounded():
            answer = await self._metadata(topics)
            found = [_topic(entry) for entry in answer["topics"] if _exists(entry)]
            configs = await self._configs([topic.name for topic in found])
        return Cluster(len(answer["brokers"]), {topic.name: _with(topic, configs) for topic in found})

    async def create(self, spec: TopicSpec) -> bool:
        """Return when every partition has a leader: True if it was made, False if it was there."""
        async with self.bounded():
            while _is_too_early(answer := await self._create(spec)):  # noqa: ASYNC110  as below
                await asyncio.sleep(0.1)
            made = _made(answer, spec)
            while not await self._ready(spec):  # noqa: ASYNC110 - only the broker knows, and it has to be asked
                await asyncio.sleep(0.05)
        return made

    async def _create(self, spec: TopicSpec, *, try_only: bool = False) -> dict[str, Any]:
        """Ask the brokers to create the topic, or only to try; return their answer for it."""
        topic = NewTopic(spec.name, spec.partitions, spec.replication, topic_configs=dict(spec.config))
        await self._controlled()
        answer = await self.client.create_topics([topic], int(self.within * 1000), validate_only=try_only)
        told: dict[str, Any] = answer.to_object()["topic_errors"][0]
        return told

    async def _controlled(self) -> None:
        """Return when the client knows the cluster's controller: brokers that have just begun name none."""
        inner = self.client._client  # noqa: SLF001  aiokafka's own methods fail without one, and tell it nowhere
        while inner.cluster.controller is None:
            await inner.force_metadata_update()
            await asyncio.sleep(0.1)

    async def grow(self, topic: str, partitions: int) -> None:
        """Return when the topic has that many partitions, each with a leader; StartupError when Kafka refuses."""
        async with self.bounded():
            try:
                await self._add(topic, partitions)
            except TopicAuthorizationFailedError:
                raise StartupError(f"no right to Alter topic {topic} (WORKER_KAFKA__USERNAME)") from None
            except (InvalidPartitionsError, PolicyViolationError) as error:
                raise StartupError(f"topic {topic}: no partitions were added: {describe(error)}") from None
            while not await self._has(topic, partitions):  # noqa: ASYNC110  as above
                await asyncio.sleep(0.05)

    async def _add(self, topic: str, partitions: int) -> None:
        """Ask for the partitions until the brokers can place them.

        The replication factor is the topic's own: where it cannot be met, some brokers are not there yet.
        """
        while True:
            await self._controlled()
            with suppress(InvalidReplicationFactorError):
                await self.client.create_partitions({topic: NewPartitions(partitions)}, int(self.within * 1000))
                return
            await asyncio.sleep(0.1)

    async def _has(self, topic: str, partitions: int) -> bool:
        (entry,) = (await self._metadata([topic]))["topics"]
        leading = [part for part in entry["partitions"] if not part["error_code"]]
        return not entry["error_code"] and len(leading) >= partitions

    async def refused(self, spec: TopicSpec) -> list[str]:
        """The names of configuration entries that Kafka does not let be set, each tried alone; nothing is created."""
        async with self.bounded():
            return [name for name, value in spec.config.items() if not await self._takes(spec, {name: value})]

    async def _takes(self, spec: TopicSpec, config: dict[str, str]) -> bool:
        answer = await self._create(replace(spec, config=config), try_only=True)
        return answer["error_code"] not in NOT_SO

    async def delete(self, topics: Collection[str]) -> None:
        """Return when the broker has accepted the deletion; a topic that does not exist is no error."""
        async with self.bounded():
            await self._controlled()
            await self.client.delete_topics(list(topics), timeout_ms=int(self.within * 1000))

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        """By partition the offset that the group goes on at; partitions that it never committed to are left out."""
        async with self.bounded():
            answer = await self.ask_coordinator(group, OffsetFetchRequest(group, None))
        stored = [part for entry in answer["topics"] if entry["topic"] == topic for part in entry["partitions"]]
        return {part["partition"]: part["offset"] for part in stored if part["offset"] >= 0}

    async def ask_coordinator(self, group: str, request: Request[Any]) -> dict[str, Any]:
        """The answer of the group's coordinator, once there is one; to be called within `bounded`."""
        while True:
            try:
                answer = await self.ask(request, await self.client.find_coordinator(group))
                told: dict[str, Any] = answer["groups"][0] if "groups" in answer else answer
                if told["error_code"]:
                    raise for_code(told["error_code"])
            except COORDINATING:  # The first question makes Kafka create its topic of offsets, and read it.
                await asyncio.sleep(0.1)
            else:
                return told

    async def ask(self, request: Request[Any], node: int | None = None) -> dict[str, Any]:
        """The answer of broker `node`, or of any; to be called within `bounded`."""
        # What aiokafka's own methods cannot say has no public way.
        answer = await self.client._send_request(request, node)  # noqa: SLF001  as above
        fields: dict[str, Any] = answer.to_object()
        return fields

    @asynccontextmanager
    async def bounded(self) -> AsyncIterator[None]:
        """Inside, everything takes `within` seconds at most and fails as KafkaUnavailable or StartupError."""
        given = self.connection
        with explained(given.bootstrap_servers, given.security_protocol, partial(advertised, self.client)):
            try:
                async with asyncio.timeout(self.within):
                    yield
            except NotImplementedError:  # the client's word for a request that they know in no form of ours
                raise StartupError("the brokers are too old to be asked") from None

    async def _metadata(self, topics: Collection[str]) -> dict[str, Any]:
        # Asked in aiokafka's own way the brokers would create what they are asked for, if they may.
        request = MetadataRequest(list(topics), allow_auto_topic_creation=False)
        return await self.ask(request)

    async def _configs(self, topics: Collection[str]) -> dict[str, Mapping[str, str]]:
        """The configurations in force, broker defaults included; topics that we may not read are left out."""
        if not topics:
            return {}
        wanted = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics]
        answers = await self.client.describe_configs(wanted)
        resources = [resource for answer in answers for resource in answer.to_object()["resources"]]
        return {entry["resource_name"]: in_force(entry) for entry in resources if not entry["error_code"]}

    async def _ready(self, spec: TopicSpec) -> bool:
        entry = (await self._metadata([spec.name]))["topics"][0]
        return not entry["error_code"] and not any(part["error_code"] for part in entry["partitions"])


def _exists(entry: Mapping[str, Any]) -> bool:
    if entry["error_code"] == TopicAuthorizationFailedError.errno:
        raise StartupError(
            f"no right to Describe topic {entry['topic']}, as Read or Write give it (WORKER_KAFKA__USERNAME)"
        )
    return entry["error_code"] in {0, LeaderNotAvailableError.errno}


def _topic(entry: Mapping[str, Any]) -> Topic:
    partitions = entry["partitions"]
    return Topic(entry["topic"], len(partitions), min((len(part["replicas"]) for part in partitions), default=0))


def _with(topic: Topic, configs: Mapping[str, Mapping[str, str]]) -> Topic:
    return replace(topic, config=configs.get(topic.name))


def in_force(resource: Mapping[str, Any]) -> dict[str, str]:
    """The entries of a configuration that have a value; none where we may not read it."""
    entries = ((entry["config_names"], entry["config_value"]) for entry in resource["config_entries"])
    return {name: value for name, value in entries if value is not None}


def _is_too_early(answer: Mapping[str, Any]) -> bool:
    """Whether the brokers that are there cannot be given anything yet: they have just begun, or stood still."""
    return answer["error_code"] == InvalidReplicationFactorError.errno and "fenced" in (answer["error_message"] or "")


def _made(answer: Mapping[str, Any], spec: TopicSpec) -> bool:
    """The broker's codes are in its answer, not raised (docs: kafka, answers to an admin)."""
    code, message = answer["error_code"], answer["error_message"]
    if code == TopicAlreadyExistsError.errno:
        return False
    if code == InvalidReplicationFactorError.errno:
        raise StartupError(f"topic {spec.name}: {message} (WORKER_TOPICS__REPLICATION_FACTOR is {spec.replication})")
    if code in NOT_SO:
        raise ConfigRefused(f"topic {spec.name} was not created: {message or describe(for_code(code)())}")
    if code:
        raise StartupError(f"topic {spec.name} was not created: {message or describe(for_code(code)())}")
    return True
