"""Logs that lose their beginning, and a group that loses its offsets."""

import asyncio
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import for_code
from aiokafka.protocol.admin import DeleteGroupsRequest
from chaos import topics
from chaos.commanding import typed
from chaos.faults.stopped import stopped
from chaos.scene import Scene
from chaos.stream import PARTITIONS
from chaos.troubles import Step
from patience import PATIENCE

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.group import Group
from worker.model.errors import KafkaUnavailable

BEYOND = 30
"""So many records that nobody has read are deleted."""
REPEATS_WITHIN = 400
"""Records of one partition, behind which no repeat of the stream comes: the journal may forget what is older."""


@dataclass(frozen=True, slots=True)
class RequestsDeleted:
    """Retention was faster than the workers."""

    of_kafka: bool = True

    async def strike(self, scene: Scene, step: Step) -> None:
        """While they are stopped a backlog grows, and its beginning goes."""
        partition = step.number % PARTITIONS
        async with stopped(scene):
            await asyncio.sleep(step.seconds)
            ends, committed = await topics.offsets(scene.kafka, scene.names)
            first = committed[partition]
            end = min(ends[partition], first + BEYOND)
            await delete(scene.kafka, scene.names.of("requests"), partition, end)
            scene.beside.expired |= {(partition, offset) for offset in range(first, end)}


@dataclass(frozen=True, slots=True)
class JournalDeleted:
    """The journal's own beginning goes, behind whatever is still needed of it."""

    of_kafka: bool = True

    async def strike(self, scene: Scene, step: Step) -> None:
        """Below the newest claim, and below the entries of all records that a repeat may follow."""
        partition = step.number % PARTITIONS
        _, committed = await topics.offsets(scene.kafka, scene.names)
        entries = await topics.read(scene.kafka, scene.names.of("journal"))
        kept = [each.offset for each in entries if each.partition == partition and _is_needed(each, committed)]
        claims = [each.offset for each in entries if each.partition == partition and _is_claim(each)]
        if kept and claims:
            await delete(scene.kafka, scene.names.of("journal"), partition, min(*kept, max(claims)))
            scene.beside.cut_journals.add(partition)


@dataclass(frozen=True, slots=True)
class GroupDeleted:
    """Nobody knows any more how far the group has come, but the journal knows what was done."""

    of_kafka: bool = True

    async def strike(self, scene: Scene, step: Step) -> None:
        """Where the workers hold for it, the operator names the place, as the hold says."""
        async with stopped(scene):
            await delete_group(scene.kafka, scene.names.of("group"))
            await asyncio.sleep(step.seconds)
        if not await _held(scene):
            return
        async with stopped(scene):
            for place in await topics.places(scene.kafka, scene.names.of("requests")):
                words = ("offsets", "set", str(place.partition), "earliest", "--yes")
                said = await typed(scene.fleet.environment, *words)
                if said.code:
                    scene.problems.append(f"{' '.join(words)} ended with {said.code}: {said.err.strip()[-300:]}")


async def delete(kafka: str, topic: str, partition: int, before: int) -> None:
    """What stands before that offset is gone."""
    client = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await client.start()
    try:
        await client.delete_records({TopicPartition(topic, partition): RecordsToDelete(before_offset=before)})
    finally:
        await client.close()


async def delete_group(kafka: str, group: str) -> None:
    """It needs to be without members, of whom killed ones are forgotten after their session alone."""
    client = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await client.start()
    try:
        async with asyncio.timeout(PATIENCE):
            while (code := await _deleted(client, group)) and for_code(code).__name__ == "NonEmptyGroupError":
                await asyncio.sleep(0.3)
    finally:
        await client.close()


async def _deleted(client: AIOKafkaAdminClient, group: str) -> int:
    coordinator = await client.find_coordinator(group)
    answer: dict[str, Any] = (await client._send_request_to_node(coordinator, DeleteGroupsRequest([group]))).to_object()
    return int(answer["results"][0]["error_code"])


async def _held(scene: Scene) -> bool:
    """Whether a worker says that the offsets are lost; once each partition has one again, nobody will."""
    async with asyncio.timeout(PATIENCE):
        while not await _goes_on(scene):
            if any('"offsets_lost"' in life.log.read_text(errors="replace") for life in scene.fleet.running):
                return True
            await asyncio.sleep(0.5)
    return False


async def _goes_on(scene: Scene) -> bool:
    requests = scene.names.of("requests")
    try:
        async with admin.opened(Connection(scene.kafka)) as client:
            stored = await Group(client, scene.names.of("group")).stored(requests)
    except KafkaUnavailable:
        return False
    return len(stored) == len(await topics.places(scene.kafka, requests))


def _is_claim(entry: object) -> bool:
    return bytes(getattr(entry, "key", None) or b"").startswith(b"claim/")


def _is_needed(entry: object, committed: dict[int, int]) -> bool:
    parts = bytes(getattr(entry, "key", None) or b"").split(b"/")
    partition = int(getattr(entry, "partition", 0))
    return len(parts) == 3 and int(parts[1]) >= committed.get(partition, 0) - REPEATS_WITHIN
