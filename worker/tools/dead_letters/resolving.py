"""A doubt that a person ends: what is published, or already was; WorkerError says why it cannot be."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from worker.kafka.exclusive import Exclusive
from worker.model.commands import ConfirmCustomer, Kind
from worker.model.errors import WorkerError
from worker.model.outcomes import Succeeded
from worker.settings.settings import Settings
from worker.tools.dead_letters.fence import fence
from worker.tools.dead_letters.resolutions import Resolution
from worker.tools.dead_letters.resolve import Doubt, Doubts
from worker.tools.dead_letters.topic import Topics
from worker.tools.reading.place import Place

LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Word:
    """Which customer a person found; `kind` where the letter's payload does not tell it."""

    customer_id: str
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """`at` is where the worker is told of it, None in a dry run; `before`: it was told earlier."""

    doubt: Doubt
    command: ConfirmCustomer
    at: Place | None = None
    before: bool = False


@dataclass(frozen=True, slots=True)
class Resolving:
    """Every check comes before anything is published. Without `publish` it is a dry run."""

    settings: Settings
    found: Topics
    publish: bool = False

    async def resolve(self, place: Place, word: Word) -> Resolved:
        """The worker ends the record as succeeded, once it has read what is published."""
        doubts = Doubts(self.settings, self.found)
        doubt = await doubts.at(place)
        command = doubt.confirmed(word.customer_id, word.kind)
        async with AsyncExitStack() as stack:
            # Whoever publishes has to be the only one before it looks at what was published: worker.kafka.exclusive.
            publisher = await stack.enter_async_context(fence(self.settings, largest=LARGEST)) if self.publish else None
            if earlier := await doubts.earlier(doubt):
                return _resolved_before(doubt, command, earlier)
            _against(doubt, command, await doubts.known(doubt))
            return Resolved(doubt, command, await self._published(publisher, doubt, command))

    async def _published(self, publisher: Exclusive | None, doubt: Doubt, command: ConfirmCustomer) -> Place | None:
        if publisher is None:
            return None
        (at,) = await publisher.publish([doubt.message(command, self.found.plan.requests)])
        return Place(at.partition, at.offset)


def _against(doubt: Doubt, command: ConfirmCustomer, known: Succeeded | None) -> None:
    """The worker would refuse it, and what it refuses is one more dead letter."""
    if known and known.customer_id != command.customer_id:
        raise WorkerError(f"{doubt.letter.place}: the journal knows customer {known.customer_id} of this event")


def _resolved_before(doubt: Doubt, command: ConfirmCustomer, earlier: Resolution) -> Resolved:
    """It has to say the same."""
    if earlier.customer_id != command.customer_id:
        was = f"customer {earlier.customer_id}" if earlier.customer_id else "another customer"
        raise WorkerError(f"{doubt.letter.place}: resolved already, as {earlier.at} with {was}")
    return Resolved(doubt, command, earlier.at, before=True)
