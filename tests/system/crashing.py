"""Runs the worker as its command does, with defects: a record whose key says so crashes once, and so does a task."""

import asyncio
from typing import Any

from worker.cli import main
from worker.intake import dispatch
from worker.model.outcomes import End
from worker.model.records import Record
from worker.partition.assignment import Assignment
from worker.pipeline import Pipeline

crashed: set[bytes] = set()
tasks: set[asyncio.Task[None]] = set()
process = Pipeline.process


async def crash(text: str) -> None:
    """As an unforeseen error does, which quotes what it could not handle."""
    raise ValueError(text)


async def crashing(self: Pipeline, record: Record, assignment: Assignment, *more: Any) -> End:
    """The first time such a record comes."""
    key = record.key or b""
    if b"crash" in key and key not in crashed:
        crashed.add(key)
        task = asyncio.create_task(crash(repr(record)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await crash(repr(record))
    return await process(self, record, assignment, *more)


if __name__ == "__main__":
    setattr(dispatch, "AFTER_A_CRASH", 0.1)  # noqa: B010  mypy would not have it changed
    setattr(Pipeline, "process", crashing)  # noqa: B010  as above
    main()
