"""Which step each record under way is at, for the status page and, where tracing is on, its trace."""

from collections.abc import Callable
from enum import StrEnum
from types import TracebackType
from typing import Self

from worker.model.commands import Command, CreateCustomer
from worker.model.errors import Draining, Fenced
from worker.model.outcomes import End
from worker.model.records import Record

MAX_CRASHED = 1_000


class Step(StrEnum):
    """What a record is at, or waits for."""

    SCHEMA = "schema"  # waits for its schema from the registry
    DECODE = "decode"
    SAME_EVENT = "same_event"  # another record of the same event is under way
    ADMISSION = "admission"  # a hold, the login, the rate or a free call
    INTENT = "intent"
    POST = "post"
    RETRY = "retry"
    LOOK_UP = "look_up"
    FINISH = "finish"
    PUBLISH = "publish"
    CRASHED = "crashed"  # an error of ours; it is taken up again


class Trail:
    """Follows one record while it is under way; used by `with`.

    Entering a step sets an attribute: no check, no span.
    """

    __slots__ = ("_of", "record", "step")

    def __init__(self, of: "Trails", record: Record) -> None:
        self._of = of
        self.record = record
        self.step = Step.DECODE

    def __enter__(self) -> Self:
        self._of.began(self)
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        crashed = isinstance(error, Exception) and not isinstance(error, Draining | Fenced)
        self._of.ended(self, crashed=crashed)

    def enter(self, step: Step) -> None:
        """Note that this step begins, and that the one before is over."""
        self.step = step

    def trace_command(self, asked: Command) -> Command:
        """The decoded command; a trail with spans makes it a part of the event's own trace."""
        return asked

    def trace_post(self, command: CreateCustomer) -> CreateCustomer:
        """The command that is sent to the API; a trail with spans makes it a part of the step that it is sent in."""
        return command

    def trace_outcome(self, end: End) -> None:
        """Hear of the record's end; a trail with spans writes it down."""


class Trails:
    """All records that are under way; `make` begins the trail of each."""

    def __init__(self, make: "MakeTrail" = Trail) -> None:
        self._make = make
        self._under_way: dict[tuple[int, int], Trail] = {}
        self._crashed: dict[tuple[int, int], Trail] = {}

    def follow(self, record: Record) -> Trail:
        """A new trail of the record, to be entered with `with` at once."""
        return self._make(self, record)

    def of(self, partition: int, offset: int) -> Trail | None:
        """The trail of the record at that place; None if the record is not under way."""
        place = partition, offset
        return self._under_way.get(place) or self._crashed.get(place)

    def began(self, trail: Trail) -> None:
        """Called by a trail when its record is begun."""
        self._under_way[trail.record.partition, trail.record.offset] = trail

    def ended(self, trail: Trail, *, crashed: bool) -> None:
        """Called by a trail when its record has ended. A record that was read again may have a newer trail by then."""
        place = trail.record.partition, trail.record.offset
        if self._under_way.get(place) is trail:
            del self._under_way[place]
        self._crashed.pop(place, None)
        if crashed:
            trail.step = Step.CRASHED
            if len(self._crashed) >= MAX_CRASHED:
                self._crashed.clear()
            self._crashed[place] = trail


MakeTrail = Callable[[Trails, Record], Trail]
"""Begins to follow one record: with spans, or without."""
