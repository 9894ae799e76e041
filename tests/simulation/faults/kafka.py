"""Faults at Kafka: polls, isolation, acknowledgements, producers, generations; and on a record's way past them."""

import asyncio
import sys
from collections.abc import Callable, Collection
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer

from simulation.story import Act
from worker import pipeline
from worker.kafka.outbox import Outbox, Waiting
from worker.kafka.publisher import Publisher
from worker.kafka.reading import Reading
from worker.kafka.sharing import Batches
from worker.kafka.source import RecordSource
from worker.model.records import OutgoingMessage, Position, Record
from worker.pipeline import Pipeline

from .mutant import Mutant

_letter, _add = Pipeline._dead_letter, Outbox.add


def _consumer(**other: Any) -> Callable[..., AIOKafkaConsumer]:
    """A member of the group with another argument."""
    return lambda **given: AIOKafkaConsumer(**{**given, **other} if "group_id" in given else given)


async def _believed_early(self: Publisher, message: OutgoingMessage) -> Position:
    task = asyncio.ensure_future(self.store(message))
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return Position(message.topic, message.partition or 0, 0)


async def _letter_without_its_place(self: Pipeline, *given: Any) -> Position:
    place = await _letter(self, *given)
    self.letters.pop(given[1].place, None)
    self.letters[Position(place.topic, place.partition, place.offset)] = place
    return place


def _tells_the_value(record: Record, *_: Any) -> None:
    structlog.get_logger().info("record.finished", value=record.value)


async def _never_replaced(*_: Any) -> None:
    """A producer that is of no use any more stays."""


async def _with_those_read_beside(self: Reading, wanted: Collection[int], within: float, at_most: int) -> Batches:
    return await self._of([number for number in wanted if number not in self._suspects], within, at_most)


def _begun_once(self: Outbox, waiting: Waiting) -> None:
    if self._task is None:
        _add(self, waiting)
    else:
        self._waiting.append(waiting)


def _forgets_the_rest(self: Outbox, first: Any, count: int) -> None:
    for offset in range(first.offset, first.offset + max(1, count - 1)):
        self._waiting.popleft().succeed(replace_offset(first, offset))
    if count > 1:
        self._waiting.popleft()


def replace_offset(stored: Any, offset: int) -> Any:
    """The same, at another place of its partition."""
    place = stored.place
    return type(stored)(Position(place.topic, place.partition, offset), stored.time)


_SOURCE = sys.modules["worker.kafka.source"]

MUTANTS = {
    "poll-loses": Mutant(
        "after a poll that raised, what the client had taken is not read again",
        [(Reading, "_back", lambda *_: None)],
        (Act.ODD_NAMES, Act.DELETED),
    ),
    "polled-and-read-beside": Mutant(
        "a partition that is read beside the client since this poll is polled as well",
        [(Reading, "_others", _with_those_read_beside)],
        (Act.MISLED, Act.ODD_NAMES),
    ),
    "odd-names-stop-all": Mutant(
        "what the client cannot read in one partition is taken for an outage of Kafka",
        [(sys.modules["worker.kafka.reading"], "is_of_all", lambda _: True)],
        (Act.ODD_NAMES,),
    ),
    "reset-to-latest": Mutant(
        "where the log has lost the place the client goes to its end",
        [(_SOURCE, "AIOKafkaConsumer", _consumer(auto_offset_reset="latest"))],
        (Act.DELETED, Act.KILL, Act.STOP),
    ),
    "aborted-executed": Mutant(
        "what was taken back is read as well",
        [(_SOURCE, "AIOKafkaConsumer", _consumer(isolation_level="read_uncommitted"))],
        (Act.ABORTED, Act.OPEN),
    ),
    "believed-early": Mutant(
        "a result counts as published before the brokers have it",
        [(Publisher, "publish", _believed_early)],
        (Act.KILL, Act.KAFKA_FROZEN, Act.KAFKA_SLOW, Act.LEADER_LOST),
    ),
    "letters-kept": Mutant(
        "a dead letter is remembered after its failed event was published",
        [(Pipeline, "_dead_letter", _letter_without_its_place)],
        (Act.POISON, Act.API_STATUS),
    ),
    "values-in-the-log": Mutant(
        "the line of a record's end holds its value",
        [(pipeline, "_tell", _tells_the_value)],
        (Act.STOP,),
    ),
    "poisoned-producer-kept": Mutant(
        "a producer that every broker refuses is asked for ever",
        [(Publisher, "_replace", _never_replaced)],
        (Act.LEADER_LOST, Act.KAFKA_SLOW),
    ),
    "outbox-begun-once": Mutant(
        "what is to be published while nothing is on its way waits for ever",
        [(Outbox, "add", _begun_once)],
        (Act.STOP,),
    ),
    "outbox-loses-one": Mutant(
        "of a batch the last one's publisher is never told",
        [(Outbox, "_delivered", _forgets_the_rest)],
        (Act.KAFKA_SLOW,),
    ),
    "member-of-no-generation": Mutant(
        "offsets are committed after the group was left",
        [(RecordSource, "_generation", lambda _: 1), (_SOURCE, "commits_as_member", lambda _: None)],
        (Act.FREEZE, Act.LESS, Act.COORDINATOR_MOVED),
        {"workers": 2, "partitions": 1, "events": 60, "pause": 0.5},
    ),
}
