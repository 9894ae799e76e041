"""Messages that Kafka refuses are told once, by the first of them."""

import asyncio
import gc
from typing import Any

import pytest
from aiokafka.errors import PolicyViolationError

from worker.kafka.bulk import Bulk
from worker.kafka.connection import Connection
from worker.model.errors import StartupError
from worker.model.records import OutgoingMessage


class Refusing:
    """A producer whose messages are refused once all are handed over."""

    def __init__(self) -> None:
        self.futures: list[asyncio.Future[None]] = []

    async def send(self, *_: object, **__: object) -> asyncio.Future[None]:
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.futures[-1]


async def test_messages_that_are_refused() -> None:
    """Who publishes hears of the first, and nobody logs those that were not waited for any more."""
    producer, logged = Refusing(), list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))
    publisher = Bulk(producer, Connection("127.0.0.1:1"), room=10, within=1)  # type: ignore[arg-type]
    for _ in range(3):
        await publisher.hand_over(OutgoingMessage("requests", None, b"{}"))
    for each in producer.futures:
        each.set_exception(PolicyViolationError())
    with pytest.raises(StartupError, match="refused"):
        await publisher.flush()
    assert publisher.unacknowledged == 3
    publisher.pending.clear()
    producer.futures.clear()
    del each
    gc.collect()
    assert not logged
