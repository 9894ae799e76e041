"""Only one publisher works on people's commands at a time: opening it ends an earlier one."""

from contextlib import AbstractAsyncContextManager

from worker import wiring
from worker.kafka.exclusive import Exclusive, exclusive
from worker.settings.settings import Settings


def fence(settings: Settings, *, largest: int) -> AbstractAsyncContextManager[Exclusive]:
    """The publisher for replays and resolutions alike: see worker.kafka.exclusive. `largest` is bytes of a message."""
    name = f"{settings.kafka.group_id}-replay-{settings.topics.dead_letters}"
    return exclusive(wiring.connection(settings), name, largest=largest)
