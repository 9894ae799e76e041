"""Checks all events of a file before the first of them is published."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

from worker.counting import counted
from worker.kafka.publisher import size_of
from worker.model.records import OutgoingMessage
from worker.tools.reading.event_file import Event, Problem

SHOWN: Final = 20


@dataclass(slots=True)
class Checked:
    """What cannot be published: how much, and the first problems in words."""

    events: int = 0
    problems: int = 0
    first: list[Problem] = field(default_factory=list)

    def __str__(self) -> str:
        more = [f"and {self.problems - len(self.first)} more"] if self.problems > len(self.first) else []
        some = f"{self.problems} of {counted(self.events, 'event')} cannot be"
        return "\n".join([*map(str, self.first), *more, f"nothing was published: {some}"])


async def check(
    events: AsyncIterator[Event | Problem], topic: str, largest: int, advance: Callable[[int], None] = lambda _: None
) -> Checked:
    """Check all events; none may take more than `largest` bytes in Kafka."""
    seen = Checked()
    async for event in events:
        seen.events += 1
        if problem := event if isinstance(event, Problem) else _too_large(event, topic, largest):
            seen.problems += 1
            seen.first += [problem] if seen.problems <= SHOWN else []
        else:
            advance(len(event.value or b"") if isinstance(event, Event) else 0)
    return seen


def _too_large(event: Event, topic: str, largest: int) -> Problem | None:
    if size_of(message_of(event, topic)) <= largest:
        return None
    return Problem(event.line, f"larger than {counted(largest, 'byte')}, which is what {topic} takes")


def message_of(event: Event, topic: str) -> OutgoingMessage:
    """The message for an event, to be published to that topic."""
    return OutgoingMessage(topic, event.key, event.value, event.headers)
