"""Fakes with memory of the API, Kafka, the journal's topic and the request topic."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from worker.intake.beginnings import Bearings, Start
from worker.journal.claim import Claims, Take
from worker.journal.entries import Owner, is_claim
from worker.journal.terms import Restored, Terms
from worker.model.commands import CreateCustomer
from worker.model.errors import ApiUnavailable, LogStartMoved
from worker.model.outcomes import Failed, Outcome, Succeeded
from worker.model.progress import Progress, Spans
from worker.model.records import Headers, OutgoingMessage, Position, Record, Stored

Answer = Outcome | Exception


class Clock:
    """A clock in seconds that only `pause` moves."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        """Move the clock by that, and let other tasks run."""
        self.now += seconds
        await asyncio.sleep(0)


@dataclass
class FakeCustomers:
    """The API: executes every call once, unless its script says otherwise; `executed` counts them by event."""

    script: dict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))
    logins: deque[Exception] = field(default_factory=deque)
    executed: Counter[str] = field(default_factory=Counter)
    down: bool = False
    renewals: int = 0

    def answers(self, event_id: str, *answers: Answer) -> None:
        """Set what the next calls for that event get; an exception is raised."""
        self.script[event_id].extend(answers)

    async def log_in(self) -> None:
        if self.logins:
            raise self.logins.popleft()

    async def log_in_anew(self) -> None:
        self.renewals += 1
        await self.log_in()

    async def create(self, command: CreateCustomer, before_sending: Callable[[], float]) -> Outcome:
        await asyncio.sleep(0)
        while wait := before_sending():
            await asyncio.sleep(wait)
        scripted = self.script[command.request.id]
        answer = scripted.popleft() if scripted else None
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Failed):
            return answer
        self.executed[command.request.id] += 1
        number = 2800 + self.executed.total()
        return answer or Succeeded(str(number), self.location(str(number)), "individual", 0)

    async def answer(self) -> None:
        if self.down:
            raise ApiUnavailable("down")

    def location(self, customer_id: str) -> str:
        return f"/system/ws/v12/interaction/customer/{customer_id}"


@dataclass
class FakeTopics:
    """Kafka: an append-only log for each topic and partition, acknowledged at once."""

    logs: dict[tuple[str, int], list[OutgoingMessage]] = field(default_factory=lambda: defaultdict(list))
    before: Callable[[OutgoingMessage], None] = lambda _: None

    async def publish(self, message: OutgoingMessage) -> Position:
        self.before(message)
        await asyncio.sleep(0)
        log = self.logs[message.topic, message.partition or 0]
        log.append(message)
        return Position(message.topic, message.partition or 0, len(log) - 1)

    def of(self, topic: str) -> list[OutgoingMessage]:
        """Every message in that topic, partition by partition."""
        return [message for (name, _), log in sorted(self.logs.items()) if name == topic for message in log]


OURS = Owner("group", "requests")


@dataclass
class FakeJournalTopic:
    """The journal's topic in those logs; a claim reads what is there, as after a crash.

    `claims` counts the claims written; `start` are the first offsets that still exist; `counts` are the partitions of
    journal and requests; `clock` is the broker's (milliseconds) where it dates the topic.
    """

    topics: FakeTopics = field(default_factory=FakeTopics)
    topic: str = "journal"
    claims: int = 0
    owner: Owner = OURS
    terms: Terms = field(default_factory=Terms)
    counts: tuple[int, int] = (8, 8)
    start: Counter[int] = field(default_factory=Counter)
    clock: Callable[[], int] | None = None

    async def append(
        self, partition: int, key: bytes, value: bytes, acknowledged: Callable[[int], None], headers: Headers = ()
    ) -> Stored:
        self.claims += is_claim(key)
        stored = await self.topics.publish(OutgoingMessage(self.topic, key, value, headers, partition))
        acknowledged(stored.offset)
        return Stored(stored, self.clock() if self.clock else None)

    async def count(self) -> tuple[int, int]:
        return self.counts

    async def read(self, partition: int, first: int | None, end: int | None, take: Take) -> int:
        log = self.topics.logs[self.topic, partition]
        start, end = self.start[partition] if first is None else first, len(log) if end is None else end
        await asyncio.sleep(0)
        if start < self.start[partition] and start < end:
            raise LogStartMoved(self.topic)
        take(self._line(partition, offset, log[offset]) for offset in range(start, end))
        return end

    def _line(self, partition: int, offset: int, message: OutgoingMessage) -> Record:
        return Record(self.topic, partition, offset, offset, message.key, message.value, message.headers)

    async def claim(self, partition: int, kept: Restored | None = None, committed: int | None = None) -> Restored:
        """Claim a partition by the worker's own code."""
        return await Claims(self, self.owner, self.terms).claim(partition, kept, committed)


@dataclass
class FakeSource:
    """The request topic as a group's member reads it: gives the records put in, and remembers commits."""

    logs: dict[int, list[Record]] = field(default_factory=lambda: defaultdict(list))
    positions: Counter[int] = field(default_factory=Counter)
    commits: list[dict[int, int]] = field(default_factory=list)
    failures: deque[Exception] = field(default_factory=deque)
    rewound: dict[int, int] = field(default_factory=dict)
    unreadable: dict[int, str] = field(default_factory=dict)
    stored: dict[int, int] = field(default_factory=dict)
    new: bool = False
    firsts: Counter[int] = field(default_factory=Counter)
    began_with: int | None = None
    astray: dict[int, int] = field(default_factory=dict)
    polls: int = 0
    published: dict[int, Spans] = field(default_factory=dict)

    def put(self, records: Iterable[Record]) -> None:
        for record in records:
            self.logs[record.partition].append(record)

    async def poll(self, partitions: Collection[int], *, within: float, at_most: int) -> list[Record]:
        self.polls += 1
        await asyncio.sleep(0)
        for number in partitions:
            if not self.firsts[number] <= self.positions[number] <= self._end(number):
                self.astray[number] = self.positions[number]
        there = [number for number in partitions if number not in self.astray]
        found = [each for number in there for each in self.logs[number] if each.offset >= self.positions[number]]
        for record in found[:at_most]:
            self.positions[record.partition] = record.offset + 1
        return found[:at_most]

    async def committed(self, partition: int, within: float) -> int | None:
        await asyncio.sleep(0)
        return self.stored.get(partition, None if self.new else 0)

    def _end(self, partition: int) -> int:
        log = self.logs[partition]
        return max(self.firsts[partition], log[-1].offset + 1 if log else 0)

    def passed(self, partitions: Collection[int]) -> dict[int, int]:
        return {number: self.positions[number] for number in partitions if number not in self.astray}

    async def bearings(self, partition: int, within: float) -> Bearings:
        await asyncio.sleep(0)
        first, end = self.firsts[partition], self._end(partition)
        began_with = self.began_with if self.stored else None
        stored = self.stored.get(partition, None if self.new else 0)
        return Bearings("requests", partition, stored, first, end, began_with, self.published.get(partition, ()))

    async def offset_of(self, partition: int, start: Start, within: float) -> int:
        return self._end(partition) if start == "latest" else self.firsts[partition]

    def seek(self, partition: int, offset: int) -> None:
        self.astray.pop(partition, None)
        self.positions[partition] = self.rewound[partition] = offset

    async def commit(self, progress: Mapping[int, Progress], within: float) -> None:
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.popleft()
        self.commits.append({number: each.offset for number, each in progress.items()})
        self.stored |= self.commits[-1]
        self.published |= {number: each.published for number, each in progress.items()}
