"""Asks the API, before a doubt is replayed, whether its customer exists; the command does that by itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from worker.creation.reconcile import Finding, Reconciliation, Unclear
from worker.journal.lease import Moment, now
from worker.model.commands import Command, CreateCustomer, Unusable
from worker.model.records import OutgoingMessage, Record
from worker.tools.dead_letters.letters import Letter

# Seconds after which all that was on its way is settled, even if the clocks of two machines are far apart.
LONG_AGO = 3600.0


class Patient:
    """Waits by time alone: a command has no partition that could drain."""

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait_until(self, since: Moment, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds - (now().boot - since.boot)))


@dataclass(frozen=True, slots=True)
class LookUp:
    """Looks customers up; `begun` is when the command began: letters that it reads were in doubt before then."""

    reconciliation: Reconciliation
    decode: Callable[[Record], Awaitable[Command]]
    begun: Moment = field(default_factory=now)

    async def __call__(self, letter: Letter, message: OutgoingMessage) -> Finding:
        """Look the letter's customer up. Raises what the API raises, and SchemaRegistryUnavailable."""
        asked = await self.decode(_as_received(letter, message))
        if isinstance(asked, CreateCustomer):
            return await self.reconciliation.look_up(asked, self._doubted(letter), Patient())
        why = asked.reason.code.value if isinstance(asked, Unusable) else "it asks for no customer"
        return Unclear(f"it is not valid any more ({why})")

    def _doubted(self, letter: Letter) -> Moment:
        """When the doubt arose; two machines' clocks are compared only if the letter is more than an hour old."""
        age = time.time() - letter.timestamp / 1000
        return Moment(self.begun.boot - age, self.begun.wall - age) if age > LONG_AGO else self.begun


def _as_received(letter: Letter, message: OutgoingMessage) -> Record:
    """The record as the worker will see it, with the identity of its first place."""
    place, time_of = letter.request, letter.requested
    partition, offset = (place.partition, place.offset) if place else (0, 0)
    return Record(message.topic, partition, offset, time_of or 0, message.key, message.value, message.headers)
