"""`dead-letters replay`: a run that is printed line by line for a machine, and as counts for a person."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field

from worker import wiring
from worker.counting import counted
from worker.kafka.follow import Followed
from worker.model.errors import StartupError
from worker.settings.settings import Settings
from worker.terminal.text import document, say
from worker.tools.dead_letters.filters import Filter
from worker.tools.dead_letters.following import AT_MOST, follow, results_from_now
from worker.tools.dead_letters.letters import Letter
from worker.tools.dead_letters.replay import TOO_LARGE
from worker.tools.dead_letters.results import EXISTS, Found, Left, Replayed, Result, Tally
from worker.tools.dead_letters.run import Batch, Begun, Happening, Order, Run, Selected
from worker.tools.dead_letters.topic import Topics, topics
from worker.tools.reading.place import Place
from worker.tools.reading.progress import offsets_bar


@dataclass(frozen=True, slots=True)
class Asked:
    """How to replay; `follow` is for how many seconds to wait for what becomes of the records."""

    limit: int | None = None
    rate: float | None = None
    yes: bool = False
    accept_duplicates: bool = False
    follow: float | None = None
    as_json: bool = False

    @property
    def order(self) -> Order:
        """The order for a run."""
        return Order(self.yes, self.limit, self.rate, self.accept_duplicates)


async def replay(settings: Settings, wanted: Filter, asked: Asked) -> int:
    """Replay and print; 1 where a replayed record failed, or had not ended when it was no longer waited for."""
    async with AsyncExitStack() as stack:
        found = await topics(wiring.plan(settings), wiring.connection(settings), offsets_bar)
        # Beginning a replay ends somebody else's: not for one that cannot be done.
        found.require(wanted)
        results = await _results(stack, found, asked)
        told = Told(settings, asked)
        happenings = await stack.enter_async_context(aclosing(Run(settings, found, asked.order).replay(wanted)))
        await told.all(happenings)
        return await told.follow(results, found.plan.requests) if results else 0


async def _results(stack: AsyncExitStack, found: Topics, asked: Asked) -> Followed | None:
    if not asked.yes or asked.follow is None:
        return None
    return await stack.enter_async_context(results_from_now(found))


@dataclass(slots=True)
class Told:
    """What was printed so far; `awaited` are the replayed records whose end is to be printed, too."""

    settings: Settings
    asked: Asked
    selected: int = 0
    tally: Tally = field(default_factory=Tally)
    awaited: dict[Place, Place] = field(default_factory=dict)

    async def all(self, happenings: AsyncGenerator[Happening]) -> None:
        """Print each happening as it comes, and the counts at the end, even after an error."""
        async for happening in happenings:
            self.add(happening)
            if isinstance(happening, Begun):
                break
        try:
            async for happening in happenings:
                self.add(happening)
        finally:
            self.tell()

    def add(self, happening: Happening) -> None:
        """Print a happening. StartupError where more is to be followed than is possible."""
        match happening:
            case Selected(count):
                self.selected = count
                if self.asked.follow is not None and count > AT_MOST:
                    raise StartupError(f"{counted(count, 'dead letter')}: --follow can wait for {AT_MOST} (--limit)")
            case Begun():
                pass
            case Batch(results):
                for result in results:
                    self._add(result)

    def _add(self, result: Result) -> None:
        self.tally.add(result)
        match result:
            case Replayed(letter, at) if self.asked.yes:
                if self.asked.follow is not None:
                    self.awaited[Place(at.partition, at.offset)] = letter.place
                if self.asked.as_json:
                    say(document({"deadLetter": str(letter.place), "replayedAs": at}))
            case Found(letter, customer_id):
                say(f"{letter.place}: its customer exists, {customer_id}", err=True)
                self._tell_left(letter, EXISTS, customerId=customer_id)
            case Left(letter, why):
                self._tell_left(letter, why)
            case _:
                pass

    def _tell_left(self, letter: Letter, why: str, **further: str) -> None:
        """Print a letter that is left, for a machine; a person is told of one that is too large: others are counted."""
        if self.asked.as_json:
            say(document({"deadLetter": str(letter.place), "left": why, **further}))
        elif why == TOO_LARGE:
            say(f"{letter.place}: {why}", err=True)

    def tell(self) -> None:
        """Print how many were replayed, or would be, and why others were not."""
        if self.asked.as_json:
            counts = {"replayed": self.tally.replayed, "left": self.tally.left}
            say(document({"selected": self.selected, "dryRun": not self.asked.yes, **counts}))
            return
        done = "replayed" if self.asked.yes else "would be replayed"
        say(f"{self.tally.replayed.total()} of {counted(self.selected, 'dead letter')} {done}")
        for what in (self.tally.replayed, self.tally.left):
            for why, count in what.most_common():
                say(f"  {count:>7}  {why if what is self.tally.replayed else f'left: {why}'}")
        if not self.asked.yes and self.tally.replayed:
            self._tell_how_to_go_on()

    def _tell_how_to_go_on(self) -> None:
        say("a dry run: --yes replays them, --follow waits for what becomes of them")
        if self.settings.reconcile.by != "none" and self.tally.doubts:
            say("doubts: only after a look-up, which a dry run does not make")

    async def follow(self, results: Followed, topic: str) -> int:
        """Print each end as it comes; 1 where one failed, or did not come."""
        failed = await follow(results, topic, self.awaited, self.asked.follow or 0.0, as_json=self.asked.as_json)
        if self.awaited:
            say(
                f"{counted(len(self.awaited), 'has', 'have')} not ended within {self.asked.follow:g} s (--deadline)",
                err=True,
            )
        return int(bool(self.awaited or failed))
