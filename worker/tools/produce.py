"""`produce`: publishes the events of a file to the request topic, in their order, once all of them are checked."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from worker import wiring
from worker.counting import counted
from worker.creation.pace import Pace
from worker.customer.documents import Unreadable
from worker.kafka import admin, bulk
from worker.kafka.connection import Connection
from worker.model.errors import KafkaUnavailable, SettingsError, StartupError
from worker.model.records import OutgoingMessage
from worker.settings.settings import Settings
from worker.terminal.text import say
from worker.tools.reading.checking import check, message_of
from worker.tools.reading.event_file import Change, Event, Form, Problem, changed, read, unchanged
from worker.tools.reading.key_path import KeyPath
from worker.tools.reading.progress import events_bar
from worker.tools.reading.twice import read_twice
from worker.topics import DEFAULT, Plan, verify

PRODUCE_AHEAD = 1_000


class Publisher(Protocol):
    """Publishes messages in the order in which it is given them."""

    @property
    def unacknowledged(self) -> int:
        """How many of the latest messages may or may not be in Kafka yet."""

    async def hand_over(self, message: OutgoingMessage) -> None:
        """Return as soon as there is room for more; raises when an earlier message could not be published."""

    async def flush(self) -> None:
        """Return when all that was handed over is acknowledged."""


@dataclass(frozen=True, slots=True)
class Produced:
    """What was published, and what ended it early; the last `unknown` events may or may not be in Kafka."""

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


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: the file's form, the most events a second, and the schema's subject for Avro."""

    key_path: KeyPath | None = None
    records: bool = False
    rate: float | None = None
    avro_subject: str | None = None


async def produce_file(settings: Settings, file: BinaryIO, asked: Asked) -> int:
    """Publish a file's events, once all can be published; 1 where they cannot, or where publishing ended early."""
    form = Form(asked.key_path, settings.events.max_bytes, asked.records)
    change = await _avro(settings, asked.avro_subject) if asked.avro_subject else unchanged
    connection = wiring.connection(settings)
    topic, largest = await _topic(connection, wiring.plan(settings))
    async with read_twice(file) as twice:
        if problems := await _problems(changed(read(twice.again(), form), change), topic, largest, twice.size):
            say(problems, err=True)
            return 1
        events = changed(read(twice.again(), form), change)
        with events_bar("published", twice.size) as advance:
            async with bulk.opened(connection, largest=largest, unacknowledged=PRODUCE_AHEAD) as publisher:
                done = await produce(events, publisher, topic, rate=asked.rate, advance=advance)
    say(str(done), err=True)
    return int(done.problem is not None)


async def _topic(connection: Connection, plan: Plan) -> tuple[str, int]:
    """The request topic, and how many bytes a batch of it may have; StartupError where a topic is missing."""
    async with admin.opened(connection) as client:
        await verify(client, plan)
        topic = (await client.cluster([plan.requests])).topics[plan.requests]
    return topic.name, topic.number("max.message.bytes", DEFAULT)


async def _problems(events: AsyncIterator[Event | Problem], topic: str, largest: int, size: int) -> str:
    with events_bar("checked", size) as advance:
        checked = await check(events, topic, largest, advance)
    return str(checked) if checked.problems else ""


async def _avro(settings: Settings, subject: str) -> Change:
    """The change of events into Avro, by the newest schema of that subject."""
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
    """Publish up to the first problem, evenly at `rate` events a second; `advance` is told each event's bytes."""
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
            bytes_of = len(event.value or b"")
            count, size, line = count + 1, size + bytes_of, event.line + 1
            advance(bytes_of)
        await publisher.flush()
    except (KafkaUnavailable, StartupError) as error:
        # An earlier event that Kafka refuses may be known only now.
        problem = problem or Problem(line, str(error))
    except asyncio.CancelledError:
        # Who interrupts it has to know what not to publish again.
        problem = Problem(line, "interrupted")
    return Produced(topic, count, size, time.monotonic() - started, problem, publisher.unacknowledged)


async def _refusal(event: Event, publisher: Publisher, topic: str) -> Problem | None:
    """Hand the event over; return why Kafka refuses it, else None."""
    try:
        await publisher.hand_over(message_of(event, topic))
    except StartupError as error:
        return Problem(event.line, str(error))
    return None


async def _wait(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)
