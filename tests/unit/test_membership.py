"""A commit is a member's, at the moment at which it is written; offsets are what the coordinator says, if it does."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    IllegalGenerationError,
    NotCoordinatorForGroupError,
)
from aiokafka.protocol.commit import OffsetFetchResponse_v3

from worker.kafka.membership import commits_as_member, offsets_as_told
from worker.kafka.source import RecordSource
from worker.model.errors import KafkaUnavailable


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


class Asked(GroupCoordinator):
    """As aiokafka's, which is answered as Kafka answers from version 2 on: errors say nothing of a partition."""

    def __init__(self, *codes):
        self.group_id, self.coordinator_id = "g", 1
        self._retry_backoff_ms = 1
        self.codes = list(codes)
        self.found = 0

    async def _send_req(self, _):
        if self.codes:
            return OffsetFetchResponse_v3(0, [], self.codes.pop(0))
        return OffsetFetchResponse_v3(0, [("t", [(0, 70, "", 0)])], 0)

    def coordinator_dead(self):
        self.coordinator_id = None

    async def ensure_coordinator_known(self):
        if self.coordinator_id is None:
            self.coordinator_id, self.found = 2, self.found + 1


def source_of(coordinator):
    consumer: Any = SimpleNamespace(_coordinator=coordinator, partitions_for_topic=lambda _: {0})
    offsets_as_told(consumer)
    return RecordSource(consumer, "t")


@pytest.mark.parametrize(
    "error", [GroupLoadInProgressError, GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError]
)
async def test_a_coordinator_that_is_none_any_more(error):
    """The next one is asked: a group that had stored nothing would begin anew, and create its customers once more."""
    coordinator = Asked(error.errno, error.errno)
    assert await source_of(coordinator).committed(0, 30) == 70
    assert coordinator.found == 2


async def test_offsets_that_we_may_not_know():
    """It is said so, and nothing is taken for a beginning."""
    with pytest.raises(KafkaUnavailable, match="no right to Read group g"):
        await source_of(Asked(GroupAuthorizationFailedError.errno)).committed(0, 30)
