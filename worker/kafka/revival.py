"""Begins aiokafka's background tasks again where one has died: aiokafka does not, and mostly raises nothing either."""

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from weakref import WeakKeyDictionary

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from worker import clocks

log = structlog.get_logger()
AGAIN_AFTER: Final = 5.0
"""Seconds between two revivals of the same part: what ends it at once would otherwise do so at every poll.

Each is a line in the log, and one of the membership has the whole group share its partitions out anew.
"""
_revived: WeakKeyDictionary[Any, float] = WeakKeyDictionary()


class MembershipEnded(KafkaError):
    """The client's task that keeps us in the group was cancelled, and not by us."""


@contextmanager
def only_our_cancellation() -> Iterator[None]:
    """Raise MembershipEnded for a cancellation inside that nobody asked this task for.

    Where the task of its membership ends, the client raises that in whoever polls
    (docs: kafka, a cancellation of its own).
    """
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise MembershipEnded from None


def _may_be_revived(part: Any) -> bool:  # noqa: ANN401  aiokafka's own, which have no type
    """Whether the last revival of this part of a client is long enough ago; if so, this one counts from now."""
    now = clocks.monotonic()
    if now < _revived.get(part, -math.inf) + AGAIN_AFTER:
        return False
    _revived[part] = now
    return True


def revive_fetcher(consumer: AIOKafkaConsumer) -> None:
    """Begin the client's fetching task again if it has ended, whatever ended it: all polls return nothing otherwise."""
    fetcher = consumer._fetcher  # noqa: SLF001  aiokafka tells it nowhere else
    if fetcher is None or not (task := fetcher._fetch_task).done() or fetcher._closed:  # noqa: SLF001  as above
        return
    if not _may_be_revived(fetcher):
        return
    error = None if task.cancelled() else task.exception()
    log.error("fetcher.revived", error=type(error.__cause__ or error).__name__ if error else None)
    # One of these has ended the fetching task, and would again.
    fetcher._pending_tasks = {each for each in fetcher._pending_tasks if not each.done()}  # noqa: SLF001  as above
    fetcher._fetch_task = asyncio.create_task(fetcher._fetch_requests_routine())  # noqa: SLF001  as above


def rejoin(consumer: AIOKafkaConsumer) -> None:
    """Join the group anew where a background task of the membership has died.

    aiokafka begins none again before the next rebalance, and until then raises what ended it at every poll, long after
    the cause is gone. Without a heartbeat the group takes our partitions away, and nobody would tell us.
    """
    coordinator = consumer._coordinator  # noqa: SLF001  aiokafka has no other way to join anew
    if coordinator is None:
        return
    _revive_coordination(coordinator)
    tasks = (coordinator._heartbeat_task, coordinator._commit_refresh_task)  # noqa: SLF001  as above
    if any(task and task.done() and not task.cancelled() and task.exception() for task in tasks):
        coordinator.request_rejoin()


def _revive_coordination(coordinator: Any) -> None:  # noqa: ANN401  aiokafka's own, of which there are two
    """Begin the coordination task again if it has ended: every poll raises its error, and nobody joins any more."""
    task = getattr(coordinator, "_coordination_task", None)
    if task is None or not task.done() or coordinator._closing.done():  # noqa: SLF001  as above
        return
    if not _may_be_revived(coordinator):
        return
    error = None if task.cancelled() else task.exception()
    log.error("membership.revived", error=type(error.__cause__ or error).__name__ if error else None)
    coordinator.request_rejoin()
    coordinator._coordination_task = asyncio.create_task(_begun_again(coordinator))  # noqa: SLF001  as above


async def _begun_again(coordinator: Any) -> None:  # noqa: ANN401  as above
    """Give up our partitions before the new task joins: it does not know of them, and would not take them from us."""
    subscription = coordinator._subscription.subscription  # noqa: SLF001  as above
    if subscription is not None and subscription.assignment is not None and not coordinator._performed_join_prepare:  # noqa: SLF001  as above
        await coordinator._on_join_prepare(subscription.assignment)  # noqa: SLF001  as above
        coordinator._performed_join_prepare = True  # noqa: SLF001  as above
    await coordinator._coordination_routine()  # noqa: SLF001  as above
