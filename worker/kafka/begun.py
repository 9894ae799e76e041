"""The group's committed offsets with their notes, which say how many partitions the topic had when the group began.

So it is known of a partition without an offset whether it was there then, and nobody came to it yet, or was added.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from aiokafka.structs import OffsetAndMetadata

from worker.kafka.committed_note import MOST, Note, read_note
from worker.model.progress import Progress


def began_with(stored: Iterable[OffsetAndMetadata]) -> int | None:
    """The number of partitions that the notes name, 0 where none names it; None where no offset is stored."""
    return max((read_note(each.metadata).began_with for each in stored if each.offset >= 0), default=None)


@dataclass(slots=True)
class Begun:
    """Reads and writes the notes of the partitions that are ours."""

    consumer: AIOKafkaConsumer
    topic: str
    _notes: dict[int, Note] = field(default_factory=dict)
    _most: int = MOST

    async def offset(self, partition: int) -> int | None:
        """The group's offset in the partition; None where none is stored. Raises KafkaError."""
        own = (await self._stored([partition])).get(partition)
        return own.offset if own is not None and own.offset >= 0 else None

    async def look(self, partition: int) -> tuple[Progress | None, int | None]:
        """The group's progress in the partition, if any is stored, and how many partitions it began with.

        Raises KafkaError.
        """
        own = (await self._stored([partition])).get(partition)
        if own is not None and own.offset >= 0:
            note = self._notes[partition] = read_note(own.metadata)
            return Progress(own.offset, note.published), note.began_with
        there = self.consumer.partitions_for_topic(self.topic) or {partition}
        known = began_with((await self._stored(there)).values())
        self._notes[partition] = Note(max(there) + 1 if known is None else known)
        return None, known

    async def _stored(self, partitions: Iterable[int]) -> dict[int, OffsetAndMetadata]:
        coordinator = self.consumer._coordinator  # noqa: SLF001  aiokafka tells the note nowhere else
        wanted = [TopicPartition(self.topic, number) for number in partitions]
        try:
            found = await coordinator.fetch_committed_offsets(wanted) if coordinator else {}
        except KafkaError as error:
            # aiokafka hides this error, which it does not expect here, in the text of another one.
            missing = TopicAuthorizationFailedError.__name__ in str(error)
            raise TopicAuthorizationFailedError(self.topic) if missing else error from None
        return {place.partition: stored for place, stored in found.items()}

    def noted(self, progress: Mapping[int, Progress]) -> dict[TopicPartition, OffsetAndMetadata]:
        """The offsets with their notes, in the form in which they are stored."""
        return {
            TopicPartition(self.topic, number): OffsetAndMetadata(each.offset, self._note(number, each))
            for number, each in progress.items()
        }

    def _note(self, partition: int, progress: Progress) -> str:
        known = self._notes.get(partition, Note())
        return Note(known.began_with, progress.published).encode(self._most)

    def shorter(self) -> None:
        """Leave the spans out of notes from now on, since the broker takes only short ones.

        Their records' results are published again after a crash instead.
        """
        self._most = 0
