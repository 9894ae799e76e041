"""A commit is a member's, at the moment at which it is written."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import IllegalGenerationError

from worker.kafka.membership import commits_as_member


@dataclass
class Coordinator:
    """As much of the client's as commits need."""

    generation: int = 3
    stored: list[object] = field(default_factory=list)

    async def _do_commit_offsets(self, _assignment, offsets):
        self.stored.append(offsets)


async def test_a_generation_that_is_lost_before_the_commit_is_written():
    """The client may have waited for a coordinator since it was asked to commit."""
    coordinator = Coordinator()
    consumer: Any = SimpleNamespace(_coordinator=coordinator)
    commits_as_member(consumer)
    await coordinator._do_commit_offsets("assignment", {"place": 5})
    coordinator.generation = -1
    with pytest.raises(IllegalGenerationError):
        await coordinator._do_commit_offsets("assignment", {"place": 2})
    assert coordinator.stored == [{"place": 5}]
