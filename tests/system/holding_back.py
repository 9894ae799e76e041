"""Runs the worker as its command does; it writes down some of the customers it makes, and of no other any more."""

import asyncio
import os
from typing import Any

import structlog

from worker.cli import main
from worker.journal.entries import Finished, decode, is_claim
from worker.kafka.publisher import Publisher
from worker.model.outcomes import Succeeded
from worker.model.records import OutgoingMessage, Stored

WRITTEN = int(os.environ.pop("WRITTEN_DOWN"))
log = structlog.get_logger()
store = Publisher.store
seen = 0


def is_customer(message: OutgoingMessage) -> bool:
    """Whether that is the entry of the journal which says that a customer was made."""
    if message.topic != os.environ["WORKER_TOPICS__JOURNAL"] or is_claim(message.key):
        return False
    entry = decode(message.value or b"", message.headers)
    return isinstance(entry, Finished) and isinstance(entry.outcome, Succeeded)


async def holding_back(self: Publisher, message: OutgoingMessage, *more: Any, **named: Any) -> Stored:
    """As a broker that is slow to acknowledge, while others of the cluster are not."""
    global seen  # noqa: PLW0603  one worker, one count
    seen += is_customer(message)
    if is_customer(message) and seen > WRITTEN:
        log.info("customer.held_back")
        await asyncio.Event().wait()
    return await store(self, message, *more, **named)


if __name__ == "__main__":
    setattr(Publisher, "store", holding_back)  # noqa: B010  mypy would not have it changed
    main()
