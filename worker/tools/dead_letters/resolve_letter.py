"""`dead-letters resolve`: tells the worker which customer an event in doubt has, and prints what came of it."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from worker import wiring
from worker.kafka.follow import Followed
from worker.model.commands import Kind
from worker.settings.settings import Settings
from worker.terminal.text import document, say
from worker.tools.dead_letters.following import follow, results_from_now
from worker.tools.dead_letters.letters import Json
from worker.tools.dead_letters.resolving import Resolved, Resolving, Word
from worker.tools.dead_letters.topic import topics
from worker.tools.reading.place import Place
from worker.tools.reading.progress import offsets_bar


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person found out; `follow` is for how many seconds to wait for what becomes of it."""

    customer_id: str
    kind: Kind | None = None
    yes: bool = False
    follow: float | None = None
    as_json: bool = False


async def resolve(settings: Settings, place: Place, asked: Asked) -> int:
    """Resolve and print; 1 where the worker refused it, or the record had not ended when it was no longer waited for.

    WorkerError says what is against it, before anything is published.
    """
    found = await topics(wiring.plan(settings), wiring.connection(settings), offsets_bar)
    async with AsyncExitStack() as stack:
        follows = asked.yes and asked.follow
        results = await stack.enter_async_context(results_from_now(found)) if follows else None
        word = Word(asked.customer_id, asked.kind)
        resolved = await Resolving(settings, found, publish=asked.yes).resolve(place, word)
        _tell(resolved, as_json=asked.as_json)
        return await _follow(results, found.plan.requests, resolved, asked) if results else 0


async def _follow(results: Followed, topic: str, resolved: Resolved, asked: Asked) -> int:
    if resolved.at is None or resolved.before:
        return 0
    awaited = {resolved.at: resolved.doubt.letter.place}
    failed = await follow(results, topic, awaited, asked.follow or 0.0, as_json=asked.as_json)
    if awaited:
        say(f"it has not ended within {asked.follow:g} s (--deadline)", err=True)
    return int(bool(awaited or failed))


def _tell(resolved: Resolved, *, as_json: bool) -> None:
    """Print the result without anything of the customer; texts that others wrote only as JSON."""
    if as_json:
        say(document(_facts(resolved)))
        return
    command, place, at = resolved.command, resolved.doubt.letter.place, resolved.at
    what = f"the event of {resolved.doubt.at} has customer {command.customer_id} ({command.customer_type})"
    if at is None:
        say(f"{place}: would be resolved: {what}")
        say("a dry run: --yes tells the worker, --follow waits for what becomes of it")
        return
    say(f"{place}: resolved{' before' if resolved.before else ''} as {at}: {what}")


def _facts(resolved: Resolved) -> Json:
    command, at = resolved.command, resolved.at
    return {
        "deadLetter": str(resolved.doubt.letter.place),
        "request": str(resolved.doubt.at),
        "event": {"source": command.request.source, "id": command.request.id},
        "customerId": command.customer_id,
        "customerType": command.customer_type,
        "dryRun": at is None,
        "resolvedAs": str(at) if at else None,
        "before": resolved.before,
    }
