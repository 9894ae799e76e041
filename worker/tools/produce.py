"""`produce`: publishes the events of a file to the request topic, in the order in which they stand there."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from worker import wiring
from worker.counting import counted
from worker.creation.pace import Pace
from worker.customer.documents import Unreadable
from worker.kafka import admin, bulk
from worker.model.errors import KafkaUnavailable, SettingsError, StartupError
from worker.model.records import OutgoingMessage
from worker.settings.settings import Settings
from worker.terminal.text import say
from worker.tools.reading.event_file import Change, Event, Problem, changed, read
from worker.tools.reading.progress import events_bar
from worker.topics import verify

PRODUCE_AHEAD = 1_000


class Publisher(Protocol):
    """Keeps the order of what it is given."""

    @property
    def unacknowledged(self) -> int:
        """How many messages were handed over and may or may not be in Kafka yet."""

    async def hand_over(self, message: OutgoingMessage) -> None:
        """Return as soon as there is room for more; raises when an earlier message could not be published."""

    async def flush(self) -> None:
        """Return when all that was handed over is acknowledged."""


@dataclass(frozen=True, slots=True)
class Produced:
    """What was published, and what ended it early; `unknown` of the last events may or may not be in Kafka."""

    topic: str
    events: int
    size: int
    seconds: float
    problem: Problem | None = None
    unknown: int = 0

    def __str__(self) -> str:
        speed = self.size / self.seconds if self.seconds else 0.0
        done = f"{self.events} published to {self.topic}, {counted(self.size, 'byte')}, {speed:.0f} bytes/s"
        if self.problem is None:
            return done
        doubt = f", the last {self.unknown} perhaps not" if self.unknown else ""
        return f"{self.problem}; stopped before it: {done}{doubt}"


async def produce_file(
    settings: Settings, file: BinaryIO, key_path: str | None, rate: float | None, avro_subject: str | None = None
) -> int:
    """Publish the events of a file, in Avro where a subject of the registry is named; 1 when it ended early."""
    change = await _avro(settings, avro_subject) if avro_subject else None
    async with admin.opened(wiring.connection(settings)) as client:
        plan = wiring.plan(settings)
        await verify(client, plan)
    size = None if file is sys.stdin.buffer else os.fstat(file.fileno()).st_size
    with events_bar(size) as advance:
        async with bulk.opened(wiring.connection(settings), unacknowledged=PRODUCE_AHEAD) as publisher:
            events = read(file, key_path, settings.events.max_bytes)
            events = changed(events, change) if change else events
            done = await produce(events, publisher, plan.requests, rate=rate, advance=advance)
    say(str(done), err=True)
    return int(done.problem is not None)


async def _avro(settings: Settings, subject: str) -> Change:
    """By the newest schema of that subject."""
    client = wiring.registry(settings)
    if client is None:
        raise SettingsError("WORKER_EVENTS__REGISTRY_URL: required with --avro-subject")
    async with client as registry:
        try:
            number, schema = await registry.newest(subject)
        except Unreadable as error:
            raise StartupError(str(error)) from None
    from worker.tools.in_avro import in_avro  # noqa: PLC0415  what it needs is an extra's

    return in_avro(subject, number, schema)


async def produce(
    events: AsyncIterator[Event | Problem],
    publisher: Publisher,
    topic: str,
    *,
    rate: float | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Produced:
    """Publish up to the first problem; `rate` is events a second, evenly, `advance` is told the bytes of each."""
    count = size = line = 0
    problem = None
    pace, started = Pace(rate), time.monotonic()
    try:
        async for event in events:
            line = event.line
            if isinstance(event, Problem):
                problem = event
                break
            await _wait(pace.reserve())
            if problem := await _refusal(event, publisher, topic):
                break
            count, size = count + 1, size + len(event.value)
            advance(len(event.value))
        await publisher.flush()
    except KafkaUnavailable as error:
        problem = Problem(line, str(error))
    return Produced(topic, count, size, time.monotonic() - started, problem, publisher.unacknowledged)


async def _refusal(event: Event, publisher: Publisher, topic: str) -> Problem | None:
    """None once the event is handed over."""
    try:
        await publisher.hand_over(OutgoingMessage(topic, event.key, event.value, event.headers))
    except StartupError as error:
        return Problem(event.line, str(error))
    return None


async def _wait(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)
