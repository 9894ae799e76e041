"""Reads an event's life. No index leads to its journal partition or its results: both are searched."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from worker import wiring
from worker.events.results_read import read_result
from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.extent import Extent, extent
from worker.kafka.places import places
from worker.kafka.reader import UNCOMMITTED
from worker.model.commands import Request
from worker.settings.settings import Settings
from worker.tools.journal.show import partitions
from worker.tools.life.life import Life, Published
from worker.tools.reading.place import Place
from worker.tools.reading.progress import Progress
from worker.topics import Plan

SKEW: Final = 60_000
"""Milliseconds by which the clocks of producers, brokers and workers may differ."""
MOST: Final = 500_000
"""Offsets of a result topic that are searched at most."""
WITHIN: Final = 20.0
REPEATS: Final = 100
"""Result events of one event that are listed at most; one is published again if its record is read again."""


async def life(settings: Settings, request: Request, progress: Progress) -> Life:
    """All that is known of the event by now. WorkerError says what cannot be read."""
    plan, connection, found = wiring.plan(settings), wiring.connection(settings), Life()
    if settings.journal.enabled:
        await _journal(settings, request, progress, found)
    async with places(connection, plan.requests) as topic:
        for place in found.listed:
            record = await topic.at(place.partition, place.offset)
            found.written[place] = record.timestamp if record else None
    if (since := found.since) is not None:
        reading = _Results(plan, connection, request, since - SKEW, progress)
        for topic_name in (plan.succeeded, plan.failed):
            await reading.read(topic_name, found)
    return found


async def _journal(settings: Settings, request: Request, progress: Progress, found: Life) -> None:
    """Read the journal of all partitions: an event's records may be in several, if its key was changed."""
    async for partition in partitions(settings, event=request.event, progress=progress):
        if len(partition.journal):
            found.take(partition, request.event)


@dataclass(frozen=True, slots=True)
class _Results:
    plan: Plan
    connection: Connection
    request: Request
    since: int
    progress: Progress

    async def read(self, topic: str, found: Life) -> None:
        """Search the topic until each record has its result, or the limits are reached."""
        async with admin.opened(self.connection) as client:
            there = (await client.cluster([topic])).topics.get(topic)
        if there is None or not found.unpublished:
            return
        async with extent(self.connection, topic, range(there.partitions), isolation=UNCOMMITTED) as whole:
            first = await whole.at(self.since)
            ends = {place.partition: end for place, (_, end) in whole.ends.items()}
            spans = {number: (at, min(ends[number], at + MOST // len(first))) for number, at in first.items()}
            bounded = await self._search(whole.narrowed(spans), topic, found)
        if found.unpublished and (bounded or any(spans[number][1] < ends[number] for number in spans)):
            found.unsearched.append(topic)

    async def _search(self, narrowed: Extent, topic: str, found: Life) -> bool:
        """Search these offsets; True where the time was up before their end."""
        try:
            async with asyncio.timeout(WITHIN):
                with self.progress(f"searching {topic}", narrowed.size) as advance:
                    async for results, passed in narrowed.read_as(self._form(topic)):
                        room = REPEATS - len(found.published)
                        found.published += [each for each in results if each][:room]
                        advance(passed)
        except TimeoutError:
            return True
        return False

    def _form(self, topic: str) -> Callable[[Any], Published | None]:
        """Makes the event's result of a record, or None; most records are sorted out by a look at their bytes."""
        name = orjson.dumps(self.request.id)[1:-1]

        def published(raw: Any) -> Published | None:  # noqa: ANN401  the client's record
            if raw.value is None or name not in raw.value:
                return None
            told = read_result(raw.value)
            if told is None or (told.source, told.id) != (self.request.source, self.request.id):
                return None
            if told.topic != self.plan.requests:
                return None
            request, at = Place(told.partition, told.offset), Place(raw.partition, raw.offset)
            return Published(request, topic, at, raw.timestamp, told.type, told.data)

        return published
