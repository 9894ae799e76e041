"""Steps that run beside others."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def background(step: Coroutine[Any, Any, None], name: str) -> Iterator[None]:
    """Run the step in a task of that name for as long as the block runs; whatever it does then, it is cancelled."""
    task = asyncio.create_task(step, name=name)
    try:
        yield
    finally:
        task.cancel()
