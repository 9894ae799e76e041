"""Runs the worker with a consumer that hangs in `poll` after its first record."""

import asyncio
from typing import Any

from worker.cli import main
from worker.kafka.source import RecordSource
from worker.model.records import Record
from worker.ops import watchdog

poll = RecordSource.poll


async def stalling(self: RecordSource, *args: Any, **kwargs: Any) -> list[Record]:
    """Poll as usual until records have been read, then never return."""
    if records := await poll(self, *args, **kwargs):
        return records
    if any(self.standings.committed.values()):  # a first start commits an offset before it reads any record
        await asyncio.Event().wait()
    return records


if __name__ == "__main__":
    setattr(watchdog, "CONSUMER_STALLED", 1.0)  # noqa: B010  mypy refuses a plain assignment to it
    setattr(RecordSource, "poll", stalling)  # noqa: B010  as above
    main()
