"""Clients of Kafka that are closed in the background."""

import asyncio

from worker.kafka import connection


def closing() -> set[asyncio.Task[bool]]:
    """The tasks that close clients on this event loop: what another test has left with its own loop never ends."""
    return {each for each in connection._closing if each.get_loop() is asyncio.get_running_loop()}
