"""The dead-letter topic as it is now, for one command."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.newest import newest_first
from worker.model.errors import StartupError, TopicMissing
from worker.model.records import Record
from worker.tools.dead_letters.filters import Filter
from worker.tools.dead_letters.letters import Letter, letter
from worker.tools.reading.progress import Progress, unseen
from worker.topics import LARGEST, Plan


@dataclass(frozen=True, slots=True)
class Topics:
    """The partitions of dead letters and requests; `progress` shows how far a reading is.

    `compacted`: a later record with the same key may have replaced a request. `largest` is how many bytes a request may
    have, as far as we may know.
    """

    plan: Plan
    connection: Connection
    dead_letters: int
    requests: int
    progress: Progress = unseen
    compacted: bool = False
    largest: int = LARGEST

    def require(self, wanted: Filter) -> None:
        """StartupError where a partition is asked for that the dead letters do not have."""
        if wanted.partition is not None and wanted.partition >= self.dead_letters:
            name = self.plan.dead_letters
            raise StartupError(f"topic {name} (WORKER_TOPICS__DEAD_LETTERS) has no partition {wanted.partition}")

    async def newest(
        self, wanted: Filter, limit: int | None, kept: Callable[[Letter], Letter] = lambda each: each
    ) -> AsyncIterator[Letter]:
        """Yield what is `kept` of the letters that fit, the newest first. Raises what `require` raises.

        Thousands are held at once, without their values.
        """
        self.require(wanted)
        spans = wanted.spans(self.dead_letters)
        if not spans:
            return
        found = 0
        async with newest_first(self.connection, self.plan.dead_letters, spans, since=wanted.since) as topic:
            with self.progress("dead letters", topic.size) as advance:
                async for row in topic.read(lambda record: Row.of(record, wanted, kept), advance):
                    if row.letter:
                        yield row.letter
                        found += 1
                        if found == limit:
                            return


@dataclass(frozen=True, slots=True)
class Row:
    """What is kept of a letter, None where it does not fit, and when it was written."""

    timestamp: int
    letter: Letter | None

    @classmethod
    def of(cls, record: Record, wanted: Filter, kept: Callable[[Letter], Letter]) -> "Row":
        """A row of a record; whether it fits must be found out while the record is at hand."""
        told = letter(record)
        return cls(record.timestamp, kept(told) if wanted.fits(told, record) else None)


async def topics(plan: Plan, connection: Connection, progress: Progress = unseen) -> Topics:
    """The topics of dead letters and requests. Raises TopicMissing, and what asking Kafka raises."""
    async with admin.opened(connection) as client:
        found = (await client.cluster([plan.dead_letters, plan.requests])).topics
    for name, setting in ((plan.dead_letters, "DEAD_LETTERS"), (plan.requests, "REQUESTS")):
        if name not in found:
            raise TopicMissing(name, setting)
    letters, requests = found[plan.dead_letters], found[plan.requests]
    compacted = "compact" in (requests.config or {}).get("cleanup.policy", "")
    largest = min(LARGEST, requests.number("max.message.bytes", LARGEST))
    return Topics(plan, connection, letters.partitions, requests.partitions, progress, compacted, largest)
