"""Who publishes on a person's command is the only one: beginning it ends whatever was begun before."""

from contextlib import AbstractAsyncContextManager

from worker import wiring
from worker.kafka.exclusive import Exclusive, exclusive
from worker.settings.settings import Settings


def fence(settings: Settings, *, largest: int) -> AbstractAsyncContextManager[Exclusive]:
    """One for replays and resolutions alike: see worker.kafka.exclusive. `largest` is a message's bytes."""
    name = f"{settings.kafka.group_id}-replay-{settings.topics.dead_letters}"
    return exclusive(wiring.connection(settings), name, largest=largest)
