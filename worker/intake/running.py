"""A record while it is worked on: when its lane goes on, and whether it has a slot."""

from collections.abc import Callable
from dataclasses import dataclass

from worker.model.records import Record
from worker.partition.assignment import Assignment
from worker.partition.drain import after


@dataclass(eq=False, slots=True)
class Running:
    """A record at work: it has a slot until its outcome is known, or until its end if too many have none by then.

    A slot that is given back early lets more records be ready at the same time, which fills batches: without that, each
    record took two fifths more CPU (measured).
    """

    record: Record
    assignment: Assignment
    go_on: Callable[[], None]
    going_on: bool = False
    without_slot: bool = False

    def outcome_known(self) -> None:
        """Let the next record of the lane begin, and give the slot back if possible.

        Nothing is left but to write and tell.
        """
        self._go_on()
        self.without_slot = self.without_slot or self.assignment.slots.give_early()

    async def rest(self, seconds: float) -> None:
        """Wait that long without a slot, then take one to work on the record again from its start.

        Raises Draining as soon as the partition drains.
        """
        slots = self.assignment.slots
        if self.without_slot:
            self.without_slot = False
            slots.ended()
        else:
            slots.give()
        await slots.take_after(after(seconds), self.assignment.draining)

    def end(self) -> None:
        """End the work on the record, whatever became of it: the lane goes on, and the slot is given back."""
        self._go_on()
        slots = self.assignment.slots
        slots.ended() if self.without_slot else slots.give()

    def _go_on(self) -> None:
        if not self.going_on:
            self.going_on = True
            self.go_on()
