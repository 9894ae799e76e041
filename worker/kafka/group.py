"""A consumer group as its broker knows it: its members, what it has stored, and storing for it while it has none."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import (
    IllegalGenerationError,
    RebalanceInProgressError,
    UnknownMemberIdError,
    for_code,
)
from aiokafka.protocol.commit import OffsetCommitRequest, OffsetFetchRequest
from aiokafka.structs import OffsetAndMetadata

from worker.kafka.admin import COORDINATING, Admin
from worker.kafka.begun import began_with
from worker.kafka.committed_note import Note
from worker.kafka.rights import AskGroup
from worker.model.errors import StartupError

SOMEBODY_IS_THERE = (IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError)
NOBODY, NO_GENERATION, FOR_GOOD = "", -1, -1


@dataclass(frozen=True, slots=True)
class Group:
    """Each question takes the admin client's time at most, and raises KafkaUnavailable or StartupError."""

    admin: Admin
    name: str

    async def members(self) -> int:
        """How many members there are now."""
        async with self.admin.bounded():
            told = await self.admin.ask_coordinator(self.name, AskGroup(self.name))
        return len(told["members"])

    async def stored(self, topic: str) -> Mapping[int, OffsetAndMetadata]:
        """By partition the offset that the group goes on at, with its note; partitions without one are left out."""
        async with self.admin.bounded():
            answer = await self.admin.ask_coordinator(self.name, OffsetFetchRequest(self.name, None))
        parts = [part for entry in answer["topics"] if entry["topic"] == topic for part in entry["partitions"]]
        return {
            part["partition"]: OffsetAndMetadata(part["offset"], part["metadata"])
            for part in parts
            if part["offset"] >= 0
        }

    async def store(self, topic: str, partition: int, offset: int, partitions: int) -> None:
        """Store an offset for the group. StartupError where somebody is in it: only its members may store then.

        For a group that has stored nothing yet, it is noted that it begins with as many `partitions` as the topic has,
        so that the others of them do not count as added later.
        """
        known = began_with((await self.stored(topic)).values())
        noted = Note(partitions if known is None else known).encode()
        await self._store([(topic, [(partition, offset, noted)])])

    async def store_all(self, offsets: Mapping[str, Mapping[int, int]]) -> None:
        """Store these offsets, by topic and partition, without notes. StartupError where somebody is in the group."""
        await self._store(
            [(topic, [(number, offset, "") for number, offset in parts.items()]) for topic, parts in offsets.items()]
        )

    async def _store(self, topics: list[tuple[str, list[tuple[int, int, str]]]]) -> None:
        request = OffsetCommitRequest(self.name, NO_GENERATION, NOBODY, FOR_GOOD, topics)
        async with self.admin.bounded():
            try:
                await self._commit(request)
            except SOMEBODY_IS_THERE:
                raise StartupError(f"group {self.name}: somebody is in it; nothing is stored") from None

    async def _commit(self, request: OffsetCommitRequest) -> None:
        while True:
            answer: Any = await self.admin.ask(request, await self.admin.client.find_coordinator(self.name))
            codes = [part["error_code"] for entry in answer["topics"] for part in entry["partitions"]]
            if not (code := next(filter(None, codes), 0)):
                return
            if not isinstance(error := for_code(code)(), COORDINATING):
                raise error
            await asyncio.sleep(0.1)
