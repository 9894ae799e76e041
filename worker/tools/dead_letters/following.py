"""Waits for the terminal events of replayed records."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from worker.events.results_read import Result, read_result
from worker.kafka.follow import Followed, followed
from worker.model.records import Record
from worker.terminal.text import document, say
from worker.tools.dead_letters.letters import Json
from worker.tools.dead_letters.topic import Topics
from worker.tools.reading.place import Place

POLL = 0.2
AT_MOST = 10_000


class Results(Protocol):
    """The result topics, read as they grow."""

    async def poll(self, within: float) -> list[Record]: ...


@dataclass(frozen=True, slots=True)
class Ending:
    """The terminal event of one replayed dead letter."""

    letter: Place
    told: Result

    @property
    def request(self) -> Place:
        """The place of the record that the letter was replayed as."""
        return Place(self.told.partition, self.told.offset)

    @property
    def dead(self) -> Place | None:
        """The new dead letter, if the replayed record failed again."""
        letter = self.told.dead_letter
        return Place(letter.partition, letter.offset) if letter else None

    def as_dict(self) -> Json:
        """The event's data as it was announced, and the letter that it belongs to."""
        return {"deadLetter": str(self.letter), "ended": self.told.data}

    def __str__(self) -> str:
        return f"{self.letter} -> {self.request}: {self._what()}"

    def _what(self) -> str:
        data = self.told.data
        if self.told.failed:
            reason = data["reason"]
            return f"failed again, {reason['code']}: {reason['message']} (dead letter {self.dead})"
        return f"succeeded, customer {data['customerId']} ({data['resolution']})"


async def endings(results: Results, topic: str, awaited: dict[Place, Place], within: float) -> AsyncIterator[Ending]:
    """Yield the ends of the records in `awaited` (record in `topic` -> its dead letter), and remove those from it.

    Returns when all have ended, or after `within` seconds.
    """
    deadline = asyncio.get_running_loop().time() + within
    while awaited and asyncio.get_running_loop().time() < deadline:
        for ending in ended(await results.poll(POLL), topic, awaited):
            yield ending


def ended(records: Iterable[Record], topic: str, awaited: dict[Place, Place]) -> Iterator[Ending]:
    """The ends among these records, removed from `awaited`; of several ends of a record the first counts."""
    for record in records:
        told = read_result(record.value)
        if told is None or told.topic != topic:
            continue
        request = Place(told.partition, told.offset)
        if request in awaited:
            yield Ending(awaited.pop(request), told)


def results_from_now(found: Topics) -> AbstractAsyncContextManager[Followed]:
    """The result topics from now on; to be entered before anything is published, so that no end is missed."""
    return followed(found.connection, [found.plan.succeeded, found.plan.failed], from_now=True)


async def follow(results: Results, topic: str, awaited: dict[Place, Place], within: float, *, as_json: bool) -> int:
    """Print each end as it comes; return how many failed. See `endings`."""
    failed = 0
    async for ending in endings(results, topic, awaited, within):
        failed += ending.told.failed
        say(document(ending.as_dict()) if as_json else str(ending))
    return failed
