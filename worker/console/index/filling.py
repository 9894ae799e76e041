"""Keeps the index filled: from the newest letter backwards in slices, and with those that come meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import structlog

from worker import clocks
from worker.console.index.index import Index
from worker.console.work.steps import why
from worker.kafka.connection import Connection
from worker.kafka.follow import Followed, followed
from worker.kafka.newest import newest_first
from worker.model.errors import KafkaUnavailable, TopicMissing
from worker.model.records import Record
from worker.tools.dead_letters.letters import Letter, letter
from worker.tools.dead_letters.topic import topics
from worker.topics import Plan

log = structlog.get_logger()
SLICE = 1_000
WAIT = 0.5
LOOK_AGAIN = 5.0
AGAIN_AFTER = 2.0
ANEW = "the topic of dead letters was made anew, or lost its end: it is read again"


@dataclass(slots=True)
class Filling:
    """Fills the index; `trouble` says why nothing is read, as long as that is so."""

    plan: Plan
    connection: Connection
    index: Index = field(init=False)
    trouble: str | None = "the dead letters are not read yet"
    _behind: str | None = None
    """Why what is older is not read."""

    def __post_init__(self) -> None:
        self.index = Index(self.plan.requests)

    async def run(self) -> None:
        """Fill the index for ever; after Kafka was away or the topic was missing it goes on.

        Any other error is reported, too: pages of an index that is not filled would show old letters for good.
        """
        while True:
            try:
                await self._follow()
            except Exception as error:  # noqa: BLE001  whatever it is, it must not end unheard
                self._tell(why(error))
            await asyncio.sleep(AGAIN_AFTER)

    def _tell(self, trouble: str) -> None:
        if self.trouble != trouble:
            log.warning("index.interrupted", detail=trouble)
        self.trouble = trouble

    async def _follow(self) -> None:
        try:
            found = await topics(self.plan, self.connection)
        except TopicMissing as missing:  # a consumer would create it
            if missing.topic == self.plan.dead_letters:
                self.index.only(0)
            raise
        self.index.only(found.dead_letters)
        known = self.index.ends()
        name = [self.plan.dead_letters]
        async with followed(self.connection, name, from_now=not known, after=known) as newest:
            spans = newest.began
            while self._see({place.partition: span for place, span in spans.items()}):
                await self._fill_or_tell(newest)
                await self._until_next_look(newest)
                spans = await newest.spans()

    async def _until_next_look(self, newest: Followed) -> None:
        until = clocks.monotonic() + LOOK_AGAIN
        while clocks.monotonic() < until:
            await self._take(newest, WAIT)

    def _see(self, spans: Mapping[int, tuple[int, int]]) -> bool:
        """Take over where each partition's log begins and ends now; False if it is not the log that is followed.

        A reader that is ahead of the end of a log that was made anew, or cut short, would never get what comes before
        its place; one whose topic was deleted learns minutes late that it is there again.
        """
        is_same = all(number in spans and spans[number][1] >= end for number, end in self.index.ends().items())
        if not is_same:
            self.index.only(0)  # it may have as many letters as the one before by the next look
        for number, (first, end) in spans.items():
            self.index.begin(number, first, end)
        self.trouble = self._behind if is_same else ANEW
        return is_same

    async def _fill_or_tell(self, newest: Followed) -> None:
        """As `_fill`; an old batch that nobody can read is told, and keeps nobody from following what comes."""
        try:
            await self._fill(newest)
        except KafkaUnavailable as error:
            self._tell(str(error))
            self._behind = self.trouble
        else:
            self._behind = self.trouble = None

    async def _fill(self, newest: Followed) -> None:
        """Read what is older than what is known; between slices, what was written meanwhile."""
        index = self.index
        spans = {number: (0, shelf.low) for number, shelf in index.shelves.items()}
        if index.is_read or not spans:
            return
        read = 0
        async for each in _older(self.connection, self.plan.dead_letters, spans):
            index.add_older(each)
            read += 1
            if index.is_full:
                return
            if read % SLICE == 0:
                await self._take(newest, 0)
                await asyncio.sleep(0)
        for number in spans:
            index.filled(number)

    async def _take(self, newest: Followed, within: float) -> None:
        for record in await newest.poll(within):
            self.index.add_newer(letter(record))


@dataclass(frozen=True, slots=True)
class _Dated:
    letter: Letter

    @classmethod
    def of(cls, record: Record) -> "_Dated":
        return cls(letter(record))

    @property
    def timestamp(self) -> int:
        return self.letter.timestamp


async def _older(connection: Connection, topic: str, spans: dict[int, tuple[int, int]]) -> AsyncIterator[Letter]:
    async with newest_first(connection, topic, spans) as found:
        async for each in found.read(_Dated.of):
            yield each.letter
