"""Ends a doubt by a person's word: publishes the confirmation, or finds that it was. WorkerError says why not."""

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
    """The customer that a person found; `kind` is needed where the letter's payload does not tell it."""

    customer_id: str
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """A doubt that is ended.

    `at` is the confirmation's place, None in a dry run; `before`: it was published earlier.
    """

    doubt: Doubt
    command: ConfirmCustomer
    at: Place | None = None
    before: bool = False


@dataclass(frozen=True, slots=True)
class Resolving:
    """Resolves doubts. Every check comes before anything is published; without `publish` it is a dry run."""

    settings: Settings
    found: Topics
    publish: bool = False

    async def resolve(self, place: Place, word: Word) -> Resolved:
        """Publish the confirmation; once the worker has read it, the record ends as succeeded."""
        doubts = Doubts(self.settings, self.found)
        doubt = await doubts.at(place)
        command = doubt.confirmed(word.customer_id, word.kind)
        async with AsyncExitStack() as stack:
            # The publisher must be the only one before it looks at what was published: see worker.kafka.exclusive.
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
    """Raise WorkerError for another customer than the journal's.

    The worker would only make a new dead letter of that.
    """
    if known and known.customer_id != command.customer_id:
        raise WorkerError(f"{doubt.letter.place}: the journal knows customer {known.customer_id} of this event")


def _resolved_before(doubt: Doubt, command: ConfirmCustomer, earlier: Resolution) -> Resolved:
    """The result of an earlier confirmation, which must name the same customer."""
    if earlier.customer_id != command.customer_id:
        was = f"customer {earlier.customer_id}" if earlier.customer_id else "another customer"
        raise WorkerError(f"{doubt.letter.place}: resolved already, as {earlier.at} with {was}")
    return Resolved(doubt, command, earlier.at, before=True)
