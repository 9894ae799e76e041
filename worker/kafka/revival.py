"""aiokafka's background tasks, begun again where one has died: it does so for none, and most deaths raise nowhere."""

import asyncio

import structlog
from aiokafka import AIOKafkaConsumer

log = structlog.get_logger()


def revive_fetcher(consumer: AIOKafkaConsumer) -> None:
    """Whatever ended the task that fetches (memory, an assertion), polls only return nothing for ever after."""
    fetcher = consumer._fetcher  # noqa: SLF001  aiokafka tells it nowhere else
    if fetcher is None or not (task := fetcher._fetch_task).done() or fetcher._closed:  # noqa: SLF001  as above
        return
    error = None if task.cancelled() else task.exception()
    log.error("fetcher.revived", error=type(error.__cause__ or error).__name__ if error else None)
    # One of these ended it, and would again.
    fetcher._pending_tasks = {each for each in fetcher._pending_tasks if not each.done()}  # noqa: SLF001  as above
    fetcher._fetch_task = asyncio.create_task(fetcher._fetch_requests_routine())  # noqa: SLF001  as above


def rejoin(consumer: AIOKafkaConsumer) -> None:
    """Join anew where a background task of the membership has died.

    aiokafka begins none again before the next rebalance and raises what ended it at every poll until then, long after
    the cause is gone; without a heartbeat the group takes our partitions away, and nobody would tell us.
    """
    coordinator = consumer._coordinator  # noqa: SLF001  aiokafka has no other way to join anew
    if coordinator is None:
        return
    tasks = (coordinator._heartbeat_task, coordinator._commit_refresh_task)  # noqa: SLF001  as above
    if any(task and task.done() and not task.cancelled() and task.exception() for task in tasks):
        coordinator.request_rejoin()
