"""One commit at a time, and nobody who polls stands behind another's."""

import asyncio

from worker.creation.backoff import Backoff
from worker.creation.breaker import Breaker
from worker.creation.holds import Holds
from worker.intake.commits import Commits
from worker.intake.dispatch import Dispatch
from worker.model.progress import Progress
from worker.partition.slots import Slots


class SlowGroup:
    """Stores when told to."""

    def __init__(self):
        self.go, self.under_way = asyncio.Event(), asyncio.Event()

    async def commit(self, offsets, within):
        self.under_way.set()
        await self.go.wait()


async def nobody(record, assignment, outcome_known):
    raise AssertionError


async def test_a_commit_while_another_is_under_way():
    """It is not due before: with Kafka away each takes seconds, and the consumer has to go on polling."""
    commits, group = (
        Commits(Dispatch(nobody, Slots(1), max_uncommitted=1), Holds(Breaker(1, Backoff(1, 1)))),
        SlowGroup(),
    )
    assert commits.is_due()
    confirming = asyncio.create_task(commits.confirm(group, {0: Progress(1)}))
    await group.under_way.wait()
    assert not commits.is_due()
    group.go.set()
    await confirming
    assert commits.is_due()
