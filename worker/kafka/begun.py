"""How many partitions the topic had when the group began: a note that goes with every offset that is stored.

A partition of which nothing is stored was either there then, and nobody came to it before, or was added since.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from aiokafka.structs import OffsetAndMetadata

NOTE: Final = re.compile(r"began-with=([0-9]{1,9})")


def note(partitions: int) -> str:
    """The note as it is stored beside a committed offset."""
    return f"began-with={partitions}"


def read_note(text: str) -> int:
    """0 where there is none, as beside the offsets of earlier versions and of other tools."""
    found = NOTE.fullmatch(text)
    return int(found[1]) if found else 0


def began_with(stored: Iterable[OffsetAndMetadata]) -> int | None:
    """What is noted beside any of them; None where none is stored."""
    return max((read_note(each.metadata) for each in stored if each.offset >= 0), default=None)


@dataclass(slots=True)
class Begun:
    """The notes of the partitions that are ours."""

    consumer: AIOKafkaConsumer
    topic: str
    _notes: dict[int, str] = field(default_factory=dict)

    async def offset(self, partition: int) -> int | None:
        """The group's offset there; None where it never came. Raises KafkaError."""
        own = (await self._stored([partition])).get(partition)
        return own.offset if own is not None and own.offset >= 0 else None

    async def look(self, partition: int) -> tuple[int | None, int | None]:
        """(the group's offset there, how many partitions it began with). Raises KafkaError."""
        own = (await self._stored([partition])).get(partition)
        if own is not None and own.offset >= 0:
            self._notes[partition] = own.metadata
            return own.offset, read_note(own.metadata)
        there = self.consumer.partitions_for_topic(self.topic) or {partition}
        known = began_with((await self._stored(there)).values())
        self._notes[partition] = note(max(there) + 1 if known is None else known) if known != 0 else ""
        return None, known

    async def _stored(self, partitions: Iterable[int]) -> dict[int, OffsetAndMetadata]:
        coordinator = self.consumer._coordinator  # noqa: SLF001  aiokafka tells the note nowhere else
        wanted = [TopicPartition(self.topic, number) for number in partitions]
        try:
            found = await coordinator.fetch_committed_offsets(wanted) if coordinator else {}
        except KafkaError as error:
            # The client tells the one error that it does not expect here within another's text.
            missing = TopicAuthorizationFailedError.__name__ in str(error)
            raise TopicAuthorizationFailedError(self.topic) if missing else error from None
        return {place.partition: stored for place, stored in found.items()}

    def noted(self, offsets: dict[int, int]) -> dict[TopicPartition, OffsetAndMetadata]:
        """The offsets with their notes, as they are stored."""
        return {
            TopicPartition(self.topic, number): OffsetAndMetadata(offset, self._notes.get(number, ""))
            for number, offset in offsets.items()
        }
