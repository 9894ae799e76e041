"""Memory that nothing needs any more, given back: Python's cycles, and what the C library keeps for later."""

import asyncio
import ctypes
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

EVERY: Final = 60.0
"""Seconds; a round takes some milliseconds, in which nothing else is done."""


def collect_rarely() -> None:
    """Records leave hardly a cycle behind, and the journal is a large heap to search for them: a sixth of the time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def give_back() -> None:
    """To the system, what only cycles hold, and what was freed.

    A rebalance, or an API that is away, leaves cycles with the buffers of clients and records in them. glibc keeps what
    is freed below anything that lives: a process that had seen a hundred rebalances had 320 MiB of which it used 120.
    """
    gc.collect()
    # Other C libraries have no such function, and give back what they can by themselves.
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


@asynccontextmanager
async def kept_small(every: float = EVERY) -> AsyncIterator[None]:
    """Now and then, for as long as this is open."""
    task = asyncio.create_task(_give_back_again_and_again(every), name="memory")
    try:
        yield
    finally:
        task.cancel()


async def _give_back_again_and_again(every: float) -> None:
    while True:
        await asyncio.sleep(every)
        give_back()
