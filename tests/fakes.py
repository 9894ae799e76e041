"""Stand-ins with memory, at the interfaces that the steps declare."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from worker.commands import CreateCustomer
from worker.journal import PartitionJournal, decode, decode_key
from worker.outcomes import Outcome, Succeeded
from worker.records import OutgoingMessage, Position, Record

Answer = Outcome | Exception


@dataclass
class FakeCustomers:
    """The API: executes every call once, unless its script says otherwise; `executed` is its ledger."""

    script: dict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))
    logins: deque[Exception] = field(default_factory=deque)
    executed: Counter[str] = field(default_factory=Counter)
    under_way: int = 0
    most_under_way: int = 0

    def answers(self, event_id: str, *answers: Answer) -> None:
        """What the next calls for that event get; an Exception is raised."""
        self.script[event_id].extend(answers)

    async def log_in(self) -> None:
        if self.logins:
            raise self.logins.popleft()

    async def create(self, command: CreateCustomer) -> Outcome:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        scripted = self.script[command.request.id]
        answer = scripted.popleft() if scripted else None
        if isinstance(answer, Exception):
            raise answer
        self.executed[command.request.id] += 1
        number = 2800 + self.executed.total()
        return answer or Succeeded(str(number), f"/system/ws/v12/interaction/customer/{number}", "individual", 0)


@dataclass
class FakeTopics:
    """Kafka: an append-only log per topic and partition, acknowledged at once."""

    logs: dict[tuple[str, int], list[OutgoingMessage]] = field(default_factory=lambda: defaultdict(list))
    before: Callable[[OutgoingMessage], None] = lambda _: None

    async def publish(self, message: OutgoingMessage) -> Position:
        self.before(message)
        await asyncio.sleep(0)
        log = self.logs[message.topic, message.partition or 0]
        log.append(message)
        return Position(message.topic, message.partition or 0, len(log) - 1)

    def of(self, topic: str) -> list[OutgoingMessage]:
        """Everything in that topic, partition by partition."""
        return [message for (name, _), log in sorted(self.logs.items()) if name == topic for message in log]


@dataclass
class FakeJournalTopic:
    """The journal's topic over the same logs; a restore reads what is there, as after a crash."""

    topics: FakeTopics = field(default_factory=FakeTopics)
    topic: str = "journal"

    async def append(self, partition: int, key: bytes, value: bytes) -> int:
        stored = await self.topics.publish(OutgoingMessage(self.topic, key, value, partition=partition))
        return stored.offset

    async def restore(self, partition: int) -> PartitionJournal:
        await asyncio.sleep(0)
        journal = PartitionJournal()
        for time, message in enumerate(self.topics.logs[self.topic, partition]):
            journal.apply(decode_key(message.key or b""), decode(message.value or b""), time)
        return journal


@dataclass
class FakeSource:
    """The request topic as a member of a group: hands out what is put in, remembers what was committed."""

    waiting: dict[int, deque[Record]] = field(default_factory=lambda: defaultdict(deque))
    commits: list[dict[int, int]] = field(default_factory=list)
    failures: deque[Exception] = field(default_factory=deque)

    def put(self, records: Iterable[Record]) -> None:
        for record in records:
            self.waiting[record.partition].append(record)

    async def poll(self, partitions: Collection[int], *, within: float, at_most: int) -> list[Record]:
        await asyncio.sleep(0)
        found = [self.waiting[number].popleft() for number in partitions for _ in self.waiting[number].copy()]
        self.put(found[at_most:])
        return found[:at_most]

    async def commit(self, offsets: dict[int, int], within: float) -> None:
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.popleft()
        self.commits.append(offsets)
