"""What aiokafka keeps for a whole process, kept for each machine: simulated workers share one process."""

from typing import Any

from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from .loop import HERE, Machine


class Assignor:
    """In the place of the class, whose attributes remember what its process was assigned."""

    def __init__(self) -> None:
        self._of: dict[Machine, type[StickyPartitionAssignor]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._here(), name)

    def _here(self) -> type[StickyPartitionAssignor]:
        machine = HERE.get()
        if machine not in self._of:
            self._of[machine] = type("OfOneMachine", (StickyPartitionAssignor,), {})
        return self._of[machine]
