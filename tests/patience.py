"""How long a test waits for what an idle machine does at once."""

import asyncio
from collections.abc import Callable
from typing import Final

PATIENCE: Final = 100
"""Seconds after which what a test waits for is taken to hang. A test that passes never waits that long.

A test that tries a time limit itself uses another number for it.
"""


async def until(condition: Callable[[], bool], *, within: float = PATIENCE, every: float = 0.05) -> None:
    """Return when the condition is true; TimeoutError after `within` seconds."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(every)


async def turns(count: int = 50) -> None:
    """Let everything that is ready run, and what that makes ready, `count` times over, without waiting for a clock."""
    for _ in range(count):
        await asyncio.sleep(0)
