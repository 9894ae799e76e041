"""Gives memory back to the system: Python's garbage cycles, and freed blocks that the C library keeps for later."""

import asyncio
import ctypes
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from worker.background import background

EVERY: Final = 60.0
"""Seconds between two rounds; one round blocks the process for some milliseconds."""


def collect_rarely() -> None:
    """Have Python search for garbage cycles rarely: that search took a sixth of the time.

    Records leave hardly any cycle behind, and the journal is a large heap to search.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def give_back() -> None:
    """Collect garbage cycles, and have the C library return freed memory to the system.

    A rebalance, or an API that is away, leaves cycles that hold buffers of clients and records. glibc keeps a freed
    block that lies below a living one: a process that had seen a hundred rebalances had 320 MiB, of which it used 120.
    """
    gc.collect()
    # Other C libraries have no such function, and give back what they can by themselves.
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


@asynccontextmanager
async def kept_small(every: float = EVERY) -> AsyncIterator[None]:
    """Give memory back every so many seconds for as long as the context is open."""
    with background(_give_back_again_and_again(every), "memory"):
        yield


async def _give_back_again_and_again(every: float) -> None:
    while True:
        await asyncio.sleep(every)
        give_back()
