"""A record while it is worked on: when its lane goes on, and whether it has a slot."""

from collections.abc import Callable
from dataclasses import dataclass

from worker.model.records import Record
from worker.partition.assignment import Assignment
from worker.partition.drain import after


@dataclass(eq=False, slots=True)
class Running:
    """A record at work: with a slot until its outcome is known, or until its end where too many go on without already.

    Batches hold what is ready at the same time: without the slots of those that only write down and tell, each record
    took two fifths more CPU (measured).
    """

    record: Record
    assignment: Assignment
    go_on: Callable[[], None]
    going_on: bool = False
    without_slot: bool = False

    def outcome_known(self) -> None:
        """The lane goes on while this outcome is still on the way to the topics."""
        self._go_on()
        self.without_slot = self.without_slot or self.assignment.slots.give_early()

    async def rest(self, seconds: float) -> None:
        """Wait without a slot before it is worked on from its start; Draining as in a pause."""
        slots = self.assignment.slots
        if self.without_slot:
            self.without_slot = False
            slots.ended()
        else:
            slots.give()
        await slots.take_after(after(seconds), self.assignment.draining)

    def end(self) -> None:
        """Nothing is done for it any more, whatever became of it."""
        self._go_on()
        slots = self.assignment.slots
        slots.ended() if self.without_slot else slots.give()

    def _go_on(self) -> None:
        if not self.going_on:
            self.going_on = True
            self.go_on()
