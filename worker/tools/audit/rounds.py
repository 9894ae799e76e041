"""One round of the audit: read what is committed, then what was published until then, and judge it."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from worker import clocks
from worker.kafka.records import as_record
from worker.model.records import Record
from worker.tools.audit import found as kinds
from worker.tools.audit.gaps import Gaps
from worker.tools.audit.judge import Judge
from worker.tools.audit.position import Positions
from worker.tools.audit.topics import Growing, ends
from worker.tools.dead_letters.letters import letter
from worker.tools.reading.offset_set import OffsetSet
from worker.tools.reading.place import Place
from worker.tools.verification import reading
from worker.tools.verification.reading import Failure, Success
from worker.tools.verification.scan import CLOSE, kept_since

log = structlog.get_logger()
Passes = Callable[[Record], Awaitable[bool]]
AT_ONCE: Final = 1 << 20
"""So many offsets are judged in one go: their bits take 128 KiB."""


@dataclass(slots=True)
class Rounds:
    """Reads and judges in rounds; `alive` is called whenever something was read."""

    topics: Growing
    judge: Judge
    positions: Positions
    passes: Passes | None
    alive: Callable[[], None]
    since: int = 0
    """The ends of requests older than this (milliseconds) may not be read, if they stand before `old`, by partition."""
    old: dict[int, int] = field(default_factory=dict)
    failed_since: int = 0
    """Of older dead letters the failed events may be deleted, in milliseconds."""
    begins: dict[int, int] = field(default_factory=dict)
    """By partition the offset before which the group may have read nothing, as long as no end is known there."""
    unread: dict[int, int] = field(default_factory=dict)
    """By partition the offset up to which deleted, unread requests are reported already, or are not wanted."""

    async def whole(self) -> None:
        """Do one round. Raises KafkaUnavailable, and what `passes` raises; what was read is not read again then."""
        await self.topics.look()
        self.judge.end({number: end for number, (_, end) in self.topics.spans(self.topics.plan.requests).items()})
        await self._moved()
        await self._letters()
        await self._succeeded()
        await self._failed()
        for partition, (first, end) in self.topics.spans(self.topics.plan.requests).items():
            await self._judged(partition, first, end)
        self.judge.settle(clocks.monotonic())
        self.positions.mark(self.judge.tops)

    # --- where logs have moved

    async def _moved(self) -> None:
        """Begin with new partitions; skip to the beginning of a log that has lost the next offset to be read."""
        plan = self.topics.plan
        self._requests_moved()
        since = 0
        for topic in ends(plan):
            known = self.positions.next.setdefault(topic, {})
            for number, (first, end) in self.topics.spans(topic).items():
                if first > known.get(number, 0) or known.get(number, 0) > end:
                    log.warning("audit.skipped", topic=topic, partition=number, offset=known.get(number, 0), next=first)
                    only = self.topics.now[topic].narrowed({number: (first, end)})
                    kept = await kept_since(only) if topic != plan.dead_letters else 0
                    since = max(since, kept)
                    self.failed_since = max(self.failed_since, kept if topic == plan.failed else 0)
                    known[number] = first
                known.setdefault(number, first)
        if since:
            self.since, self.old = since, {p: end for p, (_, end) in self.topics.spans(plan.requests).items()}

    def _requests_moved(self) -> None:
        """Begin with new partitions, and go on at the end of one that is shorter than what was judged of it.

        The topic was made anew, or lost its end: what is written there now are other requests.
        """
        topic = self.topics.plan.requests
        for number, (first, end) in self.topics.spans(topic).items():
            judged = self.judge.judged.get(number)
            if judged is None:
                self.judge.begin(number, first)
            elif judged > end:
                log.warning("audit.skipped", topic=topic, partition=number, offset=judged, next=end)
                self.judge.anew(number, end)
                self.unread.pop(number, None)

    # --- what tells of ends

    async def _letters(self) -> None:
        plan = self.topics.plan
        async for batch in self._read(plan.dead_letters, as_record):
            for record in batch:
                told = letter(record)
                if told.reason is not None and told.request is not None and told.topic == plan.requests:
                    at, old = Place(record.partition, record.offset), record.timestamp < self.failed_since
                    self.judge.letter(at, told.request, clocks.monotonic(), old=old)

    async def _succeeded(self) -> None:
        plan = self.topics.plan
        form = _placed(lambda value: reading.success(value, plan.requests))
        async for batch in self._read(plan.succeeded, form):
            suspects = []
            for at, event in batch:
                if event is not None and (first := self.judge.success(event, at)) is not None:
                    suspects.append((event, first))
            if suspects:
                await self._compare(suspects)

    async def _compare(self, suspects: list[tuple[Success, Place]]) -> None:
        plan, places = self.topics.plan, {first for _, first in suspects}
        form = _placed(lambda value: reading.success(value, plan.requests))
        there: Mapping[Place, Success | None] = dict(await self.topics.picked(plan.succeeded, places, form))
        for event, first in suspects:
            self.judge.duplicate(event, there.get(first))

    async def _failed(self) -> None:
        plan = self.topics.plan
        form = _placed(lambda value: reading.failure(value, plan.requests, plan.dead_letters))
        async for batch in self._read(plan.failed, form):
            events = [event for _, event in batch if event is not None]
            unknown = [event for event in events if not self.judge.knows(event)]
            lettered = await self._lettered(unknown) if unknown else {}
            for event in events:
                self.judge.failure(event, lettered=lettered.get(event, True))

    async def _lettered(self, events: list[Failure]) -> dict[Failure, bool]:
        """Whether the dead letters that these events name are theirs; True for one that is deleted: nobody can tell."""
        plan, places = self.topics.plan, {event.letter for event in events}
        there = dict(await self.topics.picked(plan.dead_letters, places, _request_of(plan.requests)))
        spans = self.topics.spans(plan.dead_letters)
        told = {}
        for event in events:
            deleted = event.letter.offset < spans.get(event.letter.partition, (0, 0))[0]
            self.judge.not_judged[kinds.OLD_LETTER] += deleted
            told[event] = deleted or there.get(event.letter) == event.request
        return told

    async def _read(self, topic: str, form: Callable[[Any], Any]) -> AsyncIterator[list[Any]]:
        """Yield batches of what was written since the last round.

        Each counts as read when the next one is asked for.
        """
        known = self.positions.next[topic]
        spans = self.topics.spans(topic)
        for number in [each for each in spans if known[each] < spans[each][1]]:
            unread = self.topics.now[topic].narrowed({number: (known[number], spans[number][1])})
            async for batch, passed in unread.read_as(form):
                yield batch
                self.positions.passed(topic, number, passed)
                self.alive()

    # --- what is committed

    async def _judged(self, partition: int, first: int, end: int) -> None:
        committed = self.topics.committed.get(partition)
        if committed is None:
            return
        while (begins := self.judge.judged[partition]) < (ends_ := min(committed, end, begins + AT_ONCE)):
            missing = OffsetSet(begins, ends_)
            for run in self.judge.missing(partition, ends_):
                for offset in range(*run):
                    missing.add(offset)
            if self.begins.get(partition, 0) > begins and (ended := missing.others().lowest()) is not None:
                self.begins[partition] = min(self.begins[partition], ended)
            gaps = await self._gaps(partition, first, missing)
            self.judge.count(gaps)
            self.judge.close(partition, ends_, gaps.offsets)
            self.alive()
        told = max(committed, self.unread.get(partition, 0))
        if told < first:
            self.judge.unread(partition, told, first)
            self.unread[partition] = first
        if self.judge.judged[partition] < first and committed <= first:
            self.judge.begin(partition, first)

    async def _gaps(self, partition: int, first: int, missing: OffsetSet) -> Gaps:
        """The missing ends among these offsets: those of records for which an end is due, also by the mapping.

        Nothing is counted here: where a reading or the mapping raises, all of them are looked at again.
        """
        gaps, asks = Gaps(OffsetSet(missing.first, missing.end)), self.passes is not None
        deleted = missing.runs() if missing.first < first else ()
        gaps.not_judged[kinds.DELETED] += sum(max(0, min(first, high) - low) for low, high in deleted)
        for low, high in missing.runs(CLOSE):
            if high <= first:
                continue
            requests = self.topics.now[self.topics.plan.requests].narrowed({partition: (max(low, first), high)})
            found = requests.read_as(lambda raw: (raw.offset, raw.timestamp, as_record(raw) if asks else None))
            async for batch, _ in found:
                for offset, timestamp, record in batch:
                    if offset in missing and not (record and self.passes and await self.passes(record)):
                        self._gap(Place(partition, offset), timestamp, gaps)
        return gaps

    def _gap(self, place: Place, timestamp: int, gaps: Gaps) -> None:
        if place.offset < self.begins.get(place.partition, 0):
            gaps.not_judged[kinds.UNBEGUN] += 1
        elif timestamp < self.since and place.offset < self.old.get(place.partition, 0):
            gaps.not_judged[kinds.OLD_END] += 1
        else:
            gaps.add(place, timestamp)


def age_of(timestamp: int | None) -> float:
    """Seconds since that time (milliseconds since the epoch); 0 without one."""
    return max(0.0, time.time() - timestamp / 1000) if timestamp is not None else 0.0


def _placed(form: Callable[[bytes | None], Any]) -> Callable[[Any], tuple[Place, Any]]:
    """Makes a form of records that includes each record's place in its own topic."""
    return lambda raw: (Place(raw.partition, raw.offset), form(raw.value))


def _request_of(topic: str) -> Callable[[Record], tuple[Place, Place | None]]:
    """Makes a form of dead letters: their place, and their request's if they are ours."""

    def form(record: Record) -> tuple[Place, Place | None]:
        told = letter(record)
        ours = told.reason is not None and told.topic == topic
        return Place(record.partition, record.offset), told.request if ours else None

    return form
