"""What `dead-letters resolve` does: tell the worker which customer an event in doubt has."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from worker import wiring
from worker.kafka.follow import Followed
from worker.model.commands import ConfirmCustomer, Kind
from worker.model.errors import WorkerError
from worker.model.outcomes import Succeeded
from worker.model.records import Position
from worker.settings.settings import Settings
from worker.terminal.text import document, say
from worker.tools.dead_letters.fence import fence
from worker.tools.dead_letters.following import follow, results_from_now
from worker.tools.dead_letters.letters import Json
from worker.tools.dead_letters.resolutions import Resolution
from worker.tools.dead_letters.resolve import Doubt, Doubts
from worker.tools.dead_letters.topic import topics
from worker.tools.reading.place import Place

LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person found out, and how to go on. `follow` is how many seconds to wait for what becomes of it."""

    customer_id: str
    kind: Kind | None = None
    yes: bool = False
    follow: float | None = None
    as_json: bool = False


async def resolve(settings: Settings, place: Place, asked: Asked) -> int:
    """1 where the worker did not confirm it, or had not ended it when it was no longer waited for.

    WorkerError says what is against it, before anything is published.
    """
    found = await topics(wiring.plan(settings), wiring.connection(settings))
    doubts = Doubts(settings, found)
    doubt = await doubts.at(place)
    command = doubt.confirmed(asked.customer_id, asked.kind)
    async with AsyncExitStack() as stack:
        # Whoever publishes has to be the only one before it looks at what was published: see worker.kafka.exclusive.
        publisher = await stack.enter_async_context(fence(settings, largest=LARGEST)) if asked.yes else None
        if earlier := await doubts.earlier(doubt):
            return _resolved_before(doubt, command, earlier, as_json=asked.as_json)
        _against(doubt, command, await doubts.known(doubt))
        if publisher is None:
            _tell(doubt, command, None, as_json=asked.as_json)
            return 0
        results = await stack.enter_async_context(results_from_now(found)) if asked.follow else None
        (at,) = await publisher.publish([doubt.message(command, found.plan.requests)])
        _tell(doubt, command, Place(at.partition, at.offset), as_json=asked.as_json)
        return await _follow(results, at, place, asked) if results else 0


async def _follow(results: Followed, at: Position, place: Place, asked: Asked) -> int:
    awaited = {Place(at.partition, at.offset): place}
    failed = await follow(results, at.topic, awaited, asked.follow or 0.0, as_json=asked.as_json)
    if awaited:
        say(f"it has not ended within {asked.follow:g} s (--deadline)", err=True)
    return int(bool(awaited or failed))


def _against(doubt: Doubt, command: ConfirmCustomer, known: Succeeded | None) -> None:
    """The worker would refuse it, and what it refuses is one more dead letter."""
    if known and known.customer_id != command.customer_id:
        raise WorkerError(f"{doubt.letter.place}: the journal knows customer {known.customer_id} of this event")


def _resolved_before(doubt: Doubt, command: ConfirmCustomer, earlier: Resolution, *, as_json: bool) -> int:
    """0 where it says the same."""
    if earlier.customer_id != command.customer_id:
        was = f"customer {earlier.customer_id}" if earlier.customer_id else "another customer"
        raise WorkerError(f"{doubt.letter.place}: resolved already, as {earlier.at} with {was}")
    _tell(doubt, command, earlier.at, as_json=as_json, before=True)
    return 0


def _tell(doubt: Doubt, command: ConfirmCustomer, at: Place | None, *, as_json: bool, before: bool = False) -> None:
    """Nothing of the customer, and no text that others wrote but as JSON."""
    if as_json:
        told: Json = {
            "deadLetter": str(doubt.letter.place),
            "request": str(doubt.at),
            "event": {"source": command.request.source, "id": command.request.id},
            "customerId": command.customer_id,
            "customerType": command.customer_type,
            "dryRun": at is None,
            "resolvedAs": str(at) if at else None,
            "before": before,
        }
        say(document(told))
        return
    what = f"the event of {doubt.at} has customer {command.customer_id} ({command.customer_type})"
    if at is None:
        say(f"{doubt.letter.place}: would be resolved: {what}")
        say("a dry run: --yes tells the worker, --follow waits for what becomes of it")
        return
    say(f"{doubt.letter.place}: resolved{' before' if before else ''} as {at}: {what}")
