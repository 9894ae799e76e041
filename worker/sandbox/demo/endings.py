"""Reads what became of each event from the topics that the worker publishes to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

from worker.events.results_read import read_result
from worker.model.records import Position, Record

POLL = 0.2


class Followed(Protocol):
    """A reader of the topics of the result events, from their beginning."""

    async def poll(self, within: float) -> list[Record]: ...


@dataclass(frozen=True, slots=True)
class Ending:
    """A result event in brief; `place` is where the event lies or, after a failure, where its dead letter does."""

    request: Position
    event_id: str
    place: Position
    attempts: int
    customer_id: str | None = None
    resolution: str | None = None
    reason: str | None = None
    message: str | None = None
    violations: tuple[dict[str, Any], ...] = ()

    @property
    def outcome(self) -> str:
        """The outcome as the worker's log names it."""
        return "failed" if self.reason else "succeeded"

    @property
    def broken_rules(self) -> tuple[str, ...]:
        """Each broken rule, as `path: rule`."""
        return tuple(f"{each['path']}: {each['rule']}" for each in self.violations)


async def endings(followed: Followed) -> AsyncIterator[Ending]:
    """The endings as they come. Never ends by itself: the caller knows how many to wait for."""
    while True:
        for record in await followed.poll(POLL):
            yield ending_of(record)


def ending_of(record: Record) -> Ending:
    """The ending that a result event tells of; ValueError if the record is no result event of the worker."""
    told = read_result(record.value)
    if told is None:
        raise ValueError("no result event of ours")
    data, request = told.data, Position(told.topic, told.partition, told.offset)
    if (letter := told.dead_letter) is None:
        place = Position(record.topic, record.partition, record.offset)
        return Ending(request, told.id, place, data["attempts"], data["customerId"], data["resolution"])
    return Ending(
        request,
        told.id,
        letter,
        data["attempts"],
        reason=data["reason"]["code"],
        message=data["reason"]["message"],
        violations=tuple(data["reason"].get("violations", ())),
    )
