"""Runs the worker with a defect: a record whose key contains `crash` raises once, in its own task and in another."""

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
    """Raises an error whose text quotes the record, as an unforeseen one might."""
    raise ValueError(text)


async def crashing(self: Pipeline, record: Record, assignment: Assignment, *more: Any) -> End:
    """Crashes the first time such a record comes, and works the second time."""
    key = record.key or b""
    if b"crash" in key and key not in crashed:
        crashed.add(key)
        task = asyncio.create_task(crash(repr(record)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await crash(repr(record))
    return await process(self, record, assignment, *more)


if __name__ == "__main__":
    setattr(dispatch, "AFTER_A_CRASH", 0.1)  # noqa: B010  mypy refuses a plain assignment to it
    setattr(Pipeline, "process", crashing)  # noqa: B010  as above
    main()
