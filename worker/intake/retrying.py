"""A step that is tried again until it works, or until its partition is somebody else's."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from worker.logs import where
from worker.model.errors import CommitRefused, WorkerError

Done = TypeVar("Done")


async def until_done(
    step: Callable[[], Awaitable[Done]], failed: Callable[[Exception, str], None], again_after: float
) -> Done:
    """The step's result. However it fails, the error is told to `failed` and the step is tried after so many seconds.

    CommitRefused alone is raised: the partition is its new owner's.
    """
    while True:
        try:
            return await step()
        except CommitRefused:
            raise
        except WorkerError as error:
            failed(error, str(error))
        except Exception as error:  # noqa: BLE001  a partition that nobody reads any more must not go unseen
            failed(error, f"{type(error).__name__} at {where(error)[-1]}")
        await asyncio.sleep(again_after)
