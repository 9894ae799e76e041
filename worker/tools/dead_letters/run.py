"""One run of `dead-letters replay`: what is selected, what was replayed before, and what is told of it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field

from worker import wiring
from worker.creation.holds import Holds
from worker.kafka.extent import extent, unmoved
from worker.kafka.follow import Followed
from worker.kafka.places import Places, bounds, places, settled_bounds
from worker.kafka.reader import UNCOMMITTED
from worker.model.errors import StartupError
from worker.model.outcomes import ReasonCode
from worker.model.records import Record
from worker.settings.settings import Settings
from worker.terminal.text import document, say
from worker.tools.dead_letters.fence import fence
from worker.tools.dead_letters.filters import Filter
from worker.tools.dead_letters.following import AT_MOST, follow, results_from_now
from worker.tools.dead_letters.letters import Letter
from worker.tools.dead_letters.look_up import LookUp
from worker.tools.dead_letters.marks import mark_of
from worker.tools.dead_letters.replay import Rules
from worker.tools.dead_letters.replaying import EXISTS, Found, Left, Replayed, Replaying, Result, Tally
from worker.tools.dead_letters.resolutions import Resolutions
from worker.tools.dead_letters.topic import Topics, topics
from worker.tools.reading.place import Place
from worker.tools.reading.place_set import PlaceSet
from worker.tools.reading.progress import offsets_bar
from worker.topics import LARGEST


@dataclass(frozen=True, slots=True)
class Asked:
    """How to replay. `follow` is how many seconds to wait for what becomes of it."""

    limit: int | None = None
    rate: float | None = None
    yes: bool = False
    accept_duplicates: bool = False
    follow: float | None = None
    as_json: bool = False


@dataclass(slots=True)
class Run:
    """One replay, or what it would do."""

    settings: Settings
    asked: Asked
    stack: AsyncExitStack
    tally: Tally = field(default_factory=Tally)
    awaited: dict[Place, Place] = field(default_factory=dict)
    resolved: Resolutions = field(default_factory=Resolutions)

    async def replay(self, wanted: Filter) -> int:
        """Select, find out what was replayed before, go through the selection once more, from its oldest letter on."""
        plan, connection = wiring.plan(self.settings), wiring.connection(self.settings)
        found = await topics(plan, connection)
        # Whoever replays has to be the only one before it looks at what was replayed: see worker.kafka.exclusive.
        publisher = None
        if self.asked.yes:
            publisher = await self.stack.enter_async_context(fence(self.settings, largest=LARGEST))
        selected, lowest = await self._select(found, wanted)
        requests, before = await unmoved(lambda: self._looked_back(found, lowest))
        rules = Rules(
            plan.requests,
            requests,
            self.settings.dead_letters.max_replays,
            self.asked.accept_duplicates,
            look_up=self.settings.reconcile.by != "none",
        )
        replaying = Replaying(
            rules,
            before,
            _Originals(await self.stack.enter_async_context(places(connection, plan.requests))),
            await self._look_up() if self.asked.yes else None,
            publisher.publish if publisher else None,
            self.asked.rate,
            resolved=self.resolved,
        )
        results = await self._results(found)
        try:
            async with aclosing(_records(found, selected)) as records, aclosing(replaying.results(records)) as told:
                async for result in told:
                    self._add(result)
        finally:
            self._tell(len(selected))
        return await self._follow(results, plan.requests) if results else 0

    async def _select(self, found: Topics, wanted: Filter) -> tuple[PlaceSet, dict[int, int]]:
        """(the letters, and in each partition of the requests the first record that one of them is of)."""
        connection, topic = found.connection, found.plan.dead_letters
        selected = PlaceSet(await bounds(connection, topic, range(found.dead_letters), isolation=UNCOMMITTED))
        lowest: dict[int, int] = {}
        async for letter in found.newest(wanted, self.asked.limit):
            selected.add(letter.place)
            if letter.reason and letter.request and letter.topic == found.plan.requests:
                number, offset = letter.request.partition, letter.request.offset
                lowest[number] = min(offset, lowest.get(number, offset))
        if self.asked.follow is not None and len(selected) > AT_MOST:
            raise StartupError(f"{len(selected)} dead letters: --follow can wait for {AT_MOST} (--limit)")
        return selected, lowest

    async def _looked_back(self, found: Topics, lowest: dict[int, int]) -> tuple[dict[int, tuple[int, int]], PlaceSet]:
        """(the bounds of the request topic, which of its records were replayed before)."""
        requests = await settled_bounds(found.connection, found.plan.requests, range(found.requests))
        return requests, await self._replayed_before(found, lowest, requests)

    async def _replayed_before(
        self, found: Topics, lowest: dict[int, int], requests: dict[int, tuple[int, int]]
    ) -> PlaceSet:
        """The memory of a replay is the request topic: each replayed record names the record that it is a replay of."""
        before = PlaceSet(
            {number: (first, max(first, requests.get(number, (0, 0))[1])) for number, first in lowest.items()}
        )
        known = {number: first for number, first in lowest.items() if number in requests}
        if not known:
            return before
        async with extent(found.connection, found.plan.requests, known) as whole:
            read = whole.narrowed(_from(known))
            with offsets_bar("replayed before", read.size) as advance:
                async for records, passed in read.read():
                    for record in records:
                        self.resolved.add(record)
                        if (place := mark_of(record)) and place.partition == record.partition:
                            before.add(place)
                    advance(passed)
        return before

    async def _look_up(self) -> LookUp | None:
        if self.settings.reconcile.by == "none":
            return None
        api = await self.stack.enter_async_context(wiring.api(self.settings))
        reconciliation = wiring.reconciliation(self.settings, Holds(wiring.breaker(self.settings)), api)
        return LookUp(reconciliation, wiring.decoder(self.settings, wiring.catalog(self.settings)))

    async def _results(self, found: Topics) -> Followed | None:
        if not self.asked.yes or self.asked.follow is None:
            return None
        return await self.stack.enter_async_context(results_from_now(found))

    def _add(self, result: Result) -> None:
        self.tally.add(result)
        match result:
            case Replayed(letter, at) if self.asked.yes:
                if self.asked.follow is not None:
                    self.awaited[Place(at.partition, at.offset)] = letter.place
                if self.asked.as_json:
                    _print_json({"deadLetter": str(letter.place), "replayedAs": at})
            case Found(letter, customer_id):
                say(f"{letter.place}: its customer exists, {customer_id}", err=True)
                self._tell_left(letter, EXISTS, customerId=customer_id)
            case Left(letter, why):
                self._tell_left(letter, why)
            case _:
                pass

    def _tell_left(self, letter: Letter, why: str, **further: str) -> None:
        """For a machine each by itself; a person is told how many."""
        if self.asked.as_json:
            _print_json({"deadLetter": str(letter.place), "left": why, **further})

    def _tell(self, selected: int) -> None:
        if self.asked.as_json:
            counts = {"replayed": self.tally.replayed, "left": self.tally.left}
            _print_json({"selected": selected, "dryRun": not self.asked.yes, **counts})
            return
        done = "replayed" if self.asked.yes else "would be replayed"
        say(f"{self.tally.replayed.total()} of {selected} dead letters {done}")
        for what in (self.tally.replayed, self.tally.left):
            for why, count in what.most_common():
                say(f"  {count:>7}  {why if what is self.tally.replayed else f'left: {why}'}")
        if self.asked.yes or not self.tally.replayed:
            return
        say("a dry run: --yes replays them, --follow waits for what becomes of them")
        if self.settings.reconcile.by != "none" and self.tally.replayed[ReasonCode.OUTCOME_UNKNOWN]:
            say("outcome_unknown: only after a look-up, which a dry run does not make")

    async def _follow(self, results: Followed, topic: str) -> int:
        failed = await follow(results, topic, self.awaited, self.asked.follow or 0.0, as_json=self.asked.as_json)
        if self.awaited:
            say(f"{len(self.awaited)} have not ended within {self.asked.follow:g} s (--deadline)", err=True)
        return int(bool(self.awaited or failed))


@dataclass(frozen=True, slots=True)
class _Originals:
    """One at a time: the consumer seeks."""

    topic: Places
    one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self, place: Place) -> Record | None:
        async with self.one:
            return await self.topic.at(place.partition, place.offset)


async def _records(found: Topics, selected: PlaceSet) -> AsyncGenerator[list[Record]]:
    """The selected ones, partition by partition, in their order."""
    starts = selected.lowest()
    if not starts:
        return
    async with extent(found.connection, found.plan.dead_letters, starts, isolation=UNCOMMITTED) as whole:
        read = whole.narrowed({number: (start, selected.spans[number][1]) for number, start in starts.items()})
        with offsets_bar("dead letters", read.size) as advance:
            async for records, passed in read.read():
                yield [each for each in records if Place(each.partition, each.offset) in selected]
                advance(passed)


def _from(starts: dict[int, int]) -> dict[int, tuple[int, int]]:
    return {number: (start, 2**62) for number, start in starts.items()}


def _print_json(told: object) -> None:
    say(document(told))


async def replay(settings: Settings, wanted: Filter, asked: Asked) -> int:
    """1 where a replayed record had not ended well, or not at all, when it was no longer waited for."""
    async with AsyncExitStack() as stack:
        return await Run(settings, asked, stack).replay(wanted)
