"""A fault that is put into the running worker on purpose."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from simulation.story import Act, Story, drawn

NAMED = "SIMULATION_MUTANT"
"""The environment's word for `alive`, the plugin of pytest's."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """`put` are attributes and what stands in their place; its stories are drawn of `acts`, with what is `given`."""

    says: str
    put: Sequence[tuple[object, str, Any]]
    acts: Sequence[Act]
    given: Mapping[str, Any] = field(default_factory=dict)

    def drawn(self, seed: int) -> Story:
        """A story in which it may matter."""
        return replace(drawn(seed, self.acts), **self.given)

    @contextmanager
    def alive(self) -> Iterator[None]:
        """The fault is there inside."""
        with ExitStack() as stack:
            for owner, name, instead in self.put:
                stack.enter_context(patch.object(owner, name, instead))
            yield


INTERRUPTED = (Act.FREEZE, Act.CUT_OFF, Act.KILL, Act.STOP, Act.KAFKA_FROZEN, Act.KAFKA_CUT, Act.API_LATE, Act.API_LOST)
"""What takes a partition from a worker in the midst of its work."""
UNANSWERED = (Act.API_LOST, Act.API_LATE, Act.KILL, Act.API_EXPIRES)
"""What leaves calls without an answer."""
