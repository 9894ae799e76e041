"""What happens in a story, done to its world."""

from typing import TYPE_CHECKING

from simulation.story import Happening

from . import brokers, of_the_api, people, publishing, workers
from .perform import Acts

if TYPE_CHECKING:
    from simulation.play import Stage

PERFORM: Acts = {**workers.ACTS, **brokers.ACTS, **of_the_api.ACTS, **publishing.ACTS, **people.ACTS}


async def perform(stage: "Stage", what: Happening) -> None:
    """Begin it; what lasts ends by itself."""
    await PERFORM[what.act](stage, what)
