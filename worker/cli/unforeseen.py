"""Logs what the event loop reports of errors that nobody waited for: by default it would quote their texts."""

import asyncio
from typing import Any

import structlog

from worker.logs import where

log = structlog.get_logger()


def unforeseen(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handle what the event loop reports: log an error by its place, since its text may quote personal data.

    Without an error it is a remark of a library's, such as on a connection that was left to the garbage collector. An
    error of aiokafka's is a remark, too: it ended a call that we had stopped waiting for.
    """
    error = context.get("exception")
    if error is None:
        log.warning("loop.remarked", detail=str(context["message"]))
    elif type(error).__module__.startswith("aiokafka"):
        log.warning("loop.remarked", detail=type(error).__name__)
    else:
        log.error("task.crashed", error=type(error).__name__, where=where(error))
