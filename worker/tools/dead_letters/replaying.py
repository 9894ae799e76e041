"""Replays selected dead letters in batches: each is judged, looked up where that is needed, and published."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from worker import clocks
from worker.creation.pace import Pace
from worker.creation.reconcile import Absent, Existing, Finding, Unclear
from worker.kafka.exclusive import fits
from worker.model.errors import MessageTooLarge
from worker.model.records import OutgoingMessage, Position, Record
from worker.tools.dead_letters.letters import Letter, letter
from worker.tools.dead_letters.replay import (
    FORGOTTEN,
    GONE,
    MADE,
    NOTHING,
    REPLAYED,
    RESOLVED,
    TOO_LARGE,
    Rules,
    is_nothing,
    is_original,
)
from worker.tools.dead_letters.resolutions import Resolutions
from worker.tools.dead_letters.results import Found, Left, Replayed, Result
from worker.tools.reading.place import Place
from worker.tools.reading.place_set import PlaceSet

BATCH = 100
BATCHES_A_SECOND = 10
"""With a rate, so many batches a second, each as small as that allows: as even as publishing one by one."""
BATCH_BYTES = 4 * 1024 * 1024
LOOK_UPS = 8
STOPPED = "not reached: the run was stopped"


@dataclass(frozen=True, slots=True)
class _Due:
    letter: Letter
    message: OutgoingMessage


Publish = Callable[[Sequence[OutgoingMessage]], Awaitable[list[Position]]]
Original = Callable[[Place], Awaitable[Record | None]]
LookUp = Callable[[Letter, OutgoingMessage], Awaitable[Finding]]


@dataclass(frozen=True, slots=True)
class Replaying:
    """Replays letters. `before` are the records replayed earlier. Without `publish` it is a dry run without look-ups.

    `stopped` is called before each batch: once it is True, nothing more is looked up or published.
    """

    rules: Rules
    before: PlaceSet
    original: Original
    look_up: LookUp | None = None
    publish: Publish | None = None
    rate: float | None = None
    clock: Callable[[], float] = clocks.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    stopped: Callable[[], bool] = lambda: False
    resolved: Resolutions = field(default_factory=Resolutions)
    _look_ups: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LOOK_UPS))

    async def batches(self, records: AsyncIterator[list[Record]]) -> AsyncGenerator[list[Result]]:
        """Yield what became of the letters, as soon as it is certain; the letters of a partition keep their order."""
        size = BATCH if self.rate is None else max(1, min(BATCH, int(self.rate / BATCHES_A_SECOND)))
        pace = Pace(self.rate, self.clock)
        async for some in records:
            for batch in batches(some, size):
                yield await self._batch(batch, pace)

    async def _batch(self, batch: Sequence[Record], pace: Pace) -> list[Result]:
        if self.stopped():
            return [Left(letter(record), STOPPED) for record in batch]
        looked_at = list(self._once(await asyncio.gather(*(self._fitting(letter(each), each) for each in batch))))
        due = [each for each in looked_at if isinstance(each, _Due)]
        ended = await self._publish(due, pace)
        return [*ended, *(each for each in looked_at if not isinstance(each, _Due))]

    async def _publish(self, due: Sequence[_Due], pace: Pace) -> list[Result]:
        if self.publish is None or not due:
            nowhere = Position(self.rules.topic, -1, -1)
            return [Replayed(each.letter, nowhere) for each in due]
        moments = [pace.reserve() for _ in due]
        await self.sleep(moments[0])
        if self.stopped():
            return [Left(each.letter, STOPPED) for each in due]
        try:
            positions = await self.publish([each.message for each in due])
        except MessageTooLarge as error:
            raise _named([due[place].letter for place in error.which]) from None
        return [Replayed(each.letter, at) for each, at in zip(due, positions, strict=True)]

    def _once(self, looked_at: Iterable[_Due | Found | Left]) -> Iterator[_Due | Found | Left]:
        """Of several dead letters of one record, which a crash may have left, the first is replayed."""
        for each in looked_at:
            if isinstance(each, _Due) and each.letter.request in self.before:
                yield Left(each.letter, REPLAYED)
                continue
            if isinstance(each, _Due) and each.letter.request:
                self.before.add(each.letter.request)
            yield each

    async def _fitting(self, which: Letter, record: Record) -> _Due | Found | Left:
        """What is due must fit: a publisher is of no use any more once a message was too large."""
        match await self._look_at(which, record):
            case _Due(message=message) if not await fits(message, self.rules.largest):
                return Left(which, TOO_LARGE)
            case looked_at:
                return looked_at

    async def _look_at(self, which: Letter, record: Record) -> _Due | Found | Left:
        if why := self._ended(which) or self.rules.obstacle(which, record):
            return Left(which, why)
        async with self._look_ups:
            if await self._is_forgotten(which, record):
                return Left(which, FORGOTTEN)
            whole = await self._whole(which, record)
            if whole is None or is_nothing(whole):
                return Left(which, NOTHING if whole else GONE)
            if not which.is_doubt:
                return _Due(which, self.rules.replayed(which, whole, accepted=False))
            if self.look_up and self.publish:
                return await self._after_look_up(which, whole, self.look_up)
        return self._unless_made(which, whole)

    def _ended(self, which: Letter) -> str | None:
        """Why the letter is done already, by the request topic; None where it is not."""
        if not self.rules.is_ours(which):
            return None
        if self.resolved.of(which):
            return RESOLVED
        return REPLAYED if which.request in self.before else None

    async def _is_forgotten(self, which: Letter, record: Record) -> bool:
        """Compaction takes what stands behind an original under its key, such as its replay, no sooner than itself."""
        if not self.rules.compacted or self.rules.accept_duplicates or which.request is None:
            return False
        return not is_original(await self.original(which.request), which, record)

    async def _whole(self, which: Letter, record: Record) -> Record | None:
        if not which.omitted or which.request is None:
            return record
        found = await self.original(which.request)
        if found is None or not is_original(found, which, record):
            return None
        if which.original_omitted:
            return replace(record, key=found.key, value=found.value, headers=found.headers)
        return replace(record, value=found.value)

    async def _after_look_up(self, which: Letter, record: Record, look_up: LookUp) -> _Due | Found | Left:
        """What to do with a doubt after a look-up.

        Accepting duplicates applies where nobody can know. Where the customer is known to be made, a look-up that finds
        nothing changes nothing.
        """
        message = self.rules.replayed(which, record, accepted=False)
        match await look_up(which, message):
            case Existing(customer_id):
                return Found(which, customer_id)
            case Absent() if which.exists:
                return self._unless_made(which, record)
            case Absent():
                return _Due(which, message)
            case Unclear(detail):
                if self.rules.accept_duplicates:
                    return _Due(which, self.rules.replayed(which, record, accepted=True))
                return Left(which, f"its customer may exist, and the look-up cannot tell: {detail}")

    def _unless_made(self, which: Letter, record: Record) -> _Due | Left:
        """Replay a doubt only as far as a person accepts duplicates of a known customer.

        In a dry run with a look-up configured, doubts that it may find to be absent count as replayed, too.
        """
        if which.exists and not self.rules.accept_duplicates:
            return Left(which, MADE)
        return _Due(which, self.rules.replayed(which, record, accepted=self.rules.accept_duplicates))


def _named(letters: Sequence[Letter]) -> MessageTooLarge:
    """The error that ends a replay, where we may not know before how much the topic takes."""
    places = ", ".join(str(each.place) for each in letters)
    rest = "nothing of its batch and behind it was replayed: let the topic take more, or replay the others"
    return MessageTooLarge(f"{places}: {TOO_LARGE}; {rest}")


def batches(records: Sequence[Record], most: int) -> Iterator[list[Record]]:
    """Parts of the records: at most `most` of them, and a bounded number of bytes, in each."""
    batch: list[Record] = []
    size = 0
    for record in records:
        if batch and (len(batch) == most or size + len(record.value or b"") > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record.value or b"")
    if batch:
        yield batch
