"""Reads the topics once, in an order in which nothing that ends meanwhile is missed."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Self, TypeVar

from worker.intake.beginnings import Start
from worker.kafka.connection import Connection
from worker.kafka.extent import Extent, extent
from worker.kafka.reader import COMMITTED, UNCOMMITTED
from worker.kafka.records import as_record
from worker.model.records import Record
from worker.tools.dead_letters.letters import letter
from worker.tools.reading.offset_set import FOR_EVER, Run
from worker.tools.reading.place import Place
from worker.tools.verification import reading
from worker.tools.verification.judgement import Customers, Ends, Letters, Suspects, deleted_unread
from worker.tools.verification.ranges import EVERYTHING, NOTHING, Range, Spans
from worker.tools.verification.reading import Success
from worker.tools.verification.report import Finding, Part, Report
from worker.topics import Cluster, Plan

Form = TypeVar("Form")

# Milliseconds by which the clocks of producers and workers may differ.
SKEW = 60_000
# Missing offsets this close to one another are read in one go.
CLOSE = 10_000


@dataclass(frozen=True, slots=True)
class Asked:
    """Which requests are judged: those that fit all conditions. Times are milliseconds since the epoch."""

    partition: int | None = None
    first: int | None = None
    end: int | None = None
    since: int | None = None
    until: int | None = None

    @property
    def begins(self) -> bool:
        """Whether earlier requests are left out."""
        return self.first is not None or self.since is not None


@dataclass(frozen=True)
class Topics:
    """The four topics as they were when opened; requests are opened first, so that their ends are within the others."""

    plan: Plan
    requests: Extent
    succeeded: Extent
    failed: Extent
    letters: Extent

    @classmethod
    @asynccontextmanager
    async def opened(cls, connection: Connection, plan: Plan, cluster: Cluster) -> AsyncIterator[Self]:
        """Open the topics, which must exist. Raises KafkaUnavailable."""
        async with AsyncExitStack() as stack:
            names = (plan.requests, plan.succeeded, plan.failed, plan.dead_letters)
            yield cls(plan, *[await stack.enter_async_context(_of(connection, plan, cluster, name)) for name in names])


def _of(connection: Connection, plan: Plan, cluster: Cluster, name: str) -> AbstractAsyncContextManager[Extent]:
    """A topic's extent: of the requests only what is committed, since aborted ones never end; of the others all."""
    isolation = COMMITTED if name == plan.requests else UNCOMMITTED
    return extent(connection, name, range(cluster.topics[name].partitions), isolation=isolation)


async def ranged(requests: Extent, asked: Asked) -> Range:
    """The requests that are asked about; what was deleted is older than any time that is asked for."""
    since = await requests.at(asked.since) if asked.since is not None else {}
    until = await requests.at(asked.until) if asked.until is not None else {}
    first, end = asked.first or 0, asked.end if asked.end is not None else FOR_EVER
    numbers = [place.partition for place in requests.ends if asked.partition in {None, place.partition}]
    spans = {each: (max(first, since.get(each, first)), min(end, until.get(each, end))) for each in numbers}
    return Range(spans, EVERYTHING if asked.partition is None else NOTHING)


def spans(requests: Extent, committed: Mapping[int, int], wanted: Range) -> tuple[list[Part], dict[int, Run]]:
    """What is judged of each partition, and what was deleted before the group read it, if not reported yet."""
    parts: list[Part] = []
    unread: dict[int, Run] = {}
    for place, (first, end) in requests.ends.items():
        number = place.partition
        if number not in wanted.spans:
            continue
        done = min(committed.get(number, first), end)
        low, high = max(first, wanted.spans[number][0]), min(end, wanted.spans[number][1])
        waiting = max(0, high - max(done, low))
        parts.append(Part(number, low, max(low, min(done, high)), waiting, first, committed.get(number, 0)))
        if done < first:
            unread[number] = (done, first)
    return parts, unread


async def beginnings(requests: Extent, start: Start) -> Mapping[int, int]:
    """By partition the offset before which a group that began at `start` has read nothing; empty if it read all.

    The setting counts only for a first start, and may have been changed since: of these records, only those before the
    first end of their partition count as unread because of it.
    """
    if start == "earliest":
        return {}
    if start == "latest":
        return {place.partition: FOR_EVER for place in requests.ends}
    return await requests.at(start)


@dataclass(slots=True)
class Scan:
    """One reading of all topics; `advance` is told how many offsets were read."""

    topics: Topics
    parts: list[Part]
    wanted: Range
    unread: Mapping[int, Iterable[Run]]
    begins: Mapping[int, int]
    advance: Callable[[int], None]
    passes: Callable[[Record], Awaitable[bool]] | None = None
    """Whether the mapping has a record passed over; None where it has no such rule."""
    passed_over: int = 0
    foreign: dict[str, int] = field(default_factory=dict)

    @property
    def spans(self) -> Spans:
        """The (first, end) offsets that are judged, by partition."""
        return {each.partition: (each.first, each.end) for each in self.parts}

    async def report(self) -> Report:
        """Read and judge: letters before failed events, which name them; requests only where an end is missing."""
        failed_since = await kept_since(self.topics.failed)
        since = max(failed_since, await kept_since(self.topics.succeeded))
        letters = await self._letters(failed_since)
        ends, customers = Ends(self.spans), Customers(self.topics.succeeded.size, wanted=self.wanted)
        await self._succeeded(ends, customers)
        suspects = await self._suspects(customers)
        await self._requests(ends, letters, since)
        found = (*ends.findings(letters.failed), deleted_unread(self.unread), *letters.findings(), *suspects.findings())
        unclear = (*ends.not_judged(), *letters.not_judged(), *customers.not_judged())
        return Report(
            self.topics.plan.requests,
            tuple(self.parts),
            len(ends.succeeded),
            len(letters.failed),
            _counted(found),
            _counted(unclear),
            self.foreign,
            self.passed_over,
        )

    async def _letters(self, since: int) -> Letters:
        """Read the dead letters, then the failed events."""
        log = {place.partition: span for place, span in self.topics.letters.ends.items()}
        letters = Letters(self.spans, self.topics.letters.size, log)
        plan = self.topics.plan
        async for record in self._read(self.topics.letters.read()):
            found = letter(record)
            if found.reason is None or found.request is None or found.topic != plan.requests:
                self._is_foreign(plan.dead_letters)
            else:
                request = Place(found.request.partition, found.request.offset)
                letters.letter(Place(record.partition, record.offset), request, old=record.timestamp < since)
        failures = self.topics.failed.read_as(lambda raw: reading.failure(raw.value, plan.requests, plan.dead_letters))
        async for failure in self._read(failures):
            if failure is None:
                self._is_foreign(plan.failed)
            else:
                letters.failure(failure)
        return letters

    async def _succeeded(self, ends: Ends, customers: Customers) -> None:
        async for success in self._successes():
            if success is None:
                self._is_foreign(self.topics.plan.succeeded)
            else:
                ends.succeeded.add(success.request)
                customers.success(success)

    async def _suspects(self, customers: Customers) -> Suspects:
        """Read the succeeded events once more, for those that only a hash suspects."""
        suspects = Suspects(customers.suspects, self.wanted)
        if customers.suspects:
            async for success in self._successes():
                if success is not None:
                    suspects.success(success)
        return suspects

    def _successes(self) -> AsyncIterator[Success | None]:
        requests = self.topics.plan.requests
        return self._read(self.topics.succeeded.read_as(lambda raw: reading.success(raw.value, requests)))

    async def _requests(self, ends: Ends, letters: Letters, since: int) -> None:
        """Read the requests at missing offsets: only they tell whether there is a record, and what the mapping says."""
        asks = self.passes is not None
        for number, missing in ends.missing(letters.failed).items():
            first_end = missing.others().lowest()
            begins = min(self.begins.get(number, 0), missing.end if first_end is None else first_end)
            for run in missing.runs(CLOSE):
                requests = self.topics.requests.narrowed({number: run})
                found = requests.read_as(lambda raw: (raw.offset, raw.timestamp, as_record(raw) if asks else None))
                async for offset, time_, record in self._read(found):
                    if offset not in missing or await self._is_passed_over(record):
                        continue
                    if offset < begins:
                        ends.unbegun(Place(number, offset))
                    else:
                        ends.record(Place(number, offset), old=time_ < since)

    async def _is_passed_over(self, record: Record | None) -> bool:
        if record is None or self.passes is None or not await self.passes(record):
            return False
        self.passed_over += 1
        return True

    async def _read(self, batches: AsyncIterator[tuple[list[Form], int]]) -> AsyncIterator[Form]:
        async for batch, passed in batches:
            for each in batch:
                yield each
            self.advance(passed)

    def _is_foreign(self, topic: str) -> None:
        self.foreign[topic] = self.foreign.get(topic, 0) + 1


async def kept_since(topic: Extent) -> int:
    """The time (milliseconds since the epoch) before which the topic may have lost records; 0 if it has lost none."""
    since = 0
    for place, (first, end) in topic.ends.items():
        if first > 0:
            since = max(since, await _first_time(topic.narrowed({place.partition: (first, end)})) + SKEW)
    return since


async def _first_time(partition: Extent) -> int:
    async for records, _ in partition.read():
        if records:
            return records[0].timestamp
    return int(time.time() * 1000)


def _counted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(each for each in findings if each.count)
