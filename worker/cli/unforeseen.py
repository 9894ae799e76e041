"""What the event loop tells of whatever nobody waited for: its own way quotes the texts of errors."""

import asyncio
from typing import Any

import structlog

from worker.logs import where

log = structlog.get_logger()


def unforeseen(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An error in a task that nobody waits for; its text may quote personal data, so that only its place is told.

    Without an error it is a remark of a library's, such as a connection that it left to the garbage collector; so is
    how a call of aiokafka's ended that we had stopped waiting for.
    """
    error = context.get("exception")
    if error is None:
        log.warning("loop.remarked", detail=str(context["message"]))
    elif type(error).__module__.startswith("aiokafka"):
        log.warning("loop.remarked", detail=type(error).__name__)
    else:
        log.error("task.crashed", error=type(error).__name__, where=where(error))
