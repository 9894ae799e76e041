"""One partition with its journal, topics and API in memory, through which tests send whole records."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Self

import orjson
from fakes import FakeCustomers, FakeJournalTopic, FakeTopics
from patience import PATIENCE

from worker.creation.api_limit import ApiLimit
from worker.creation.backoff import Backoff
from worker.creation.breaker import Breaker
from worker.creation.calls import Calls
from worker.creation.creation import Creation, RetryPolicy
from worker.creation.flood import Flood
from worker.creation.group_pace import GroupPace
from worker.creation.holds import Holds
from worker.creation.probing import look_after
from worker.creation.reconcile import Reconciliation, Search
from worker.events.results import Results
from worker.journal.entries import decode, is_claim
from worker.model.commands import Command, ConfirmCustomer, CreateCustomer, Request, Traits, Unusable
from worker.model.errors import OutcomeUnknown
from worker.model.outcomes import Failed, HttpAnswer, Reason, ReasonCode, Violation
from worker.model.records import OutgoingMessage, Record
from worker.partition.assignment import Assignment
from worker.partition.slots import Slots
from worker.pipeline import Pipeline

LOST = OutcomeUnknown("timeout")
REJECTED = Failed(Reason(ReasonCode.REJECTED, "400", http=HttpAnswer(400, "400-101")))
INVALID = Reason(ReasonCode.INVALID_CUSTOMER, "breaks a rule", (Violation("pin", "max_length", 255),))
CUSTOMER = Traits("individual")


def record(offset: int = 0, event: str = "e1", key: bytes = b"k") -> Record:
    """A record whose value is the event's id."""
    return Record("requests", 0, offset, 0, key, event.encode())


def read(record: Record) -> Command:
    """Decode such a record: `bad` breaks a rule, and `ID=NUMBER` confirms that customer."""
    name, _, confirmed = (record.value or b"").decode().partition("=")
    request = Request("test", name)
    if confirmed:
        return ConfirmCustomer(request, confirmed, "individual")
    return Unusable(request, INVALID) if request.id == "bad" else CreateCustomer(request, CUSTOMER, b"{}")


def state(message: OutgoingMessage) -> str:
    """The state that a journal entry has."""
    return decode(message.value or b"").state


@dataclass
class World:
    """One partition, its journal and its topics; `again()` is a new process after the old one died."""

    customers: FakeCustomers = field(default_factory=FakeCustomers)
    topics: FakeTopics = field(default_factory=FakeTopics)
    max_attempts: int = 3
    flood_window: int = 100
    find: Any = None  # a Find, and whatever else its test wants of it
    of_others: bool = False
    calls: int = 8
    breaker: Breaker = field(default_factory=lambda: Breaker(10, Backoff(0, 0)))

    async def again(self) -> Self:
        """Begin as a new process, with the journal read anew."""
        journal = FakeJournalTopic(self.topics)
        slots = Slots(8)
        slots.take()
        self.assignment = Assignment(0, await journal.claim(0), journal.append, slots)
        retry = RetryPolicy(self.max_attempts, Backoff(0.001, 0.001))
        self.breaker.answered()
        holds = Holds(self.breaker)
        results = Results("worker", "succeeded", "failed", "dead", "group")
        search = Search(self.find, 0.01, attempts=2, delay=0.01, of_others=self.of_others) if self.find else None
        flood, calls = Flood(0.9, self.flood_window), ApiLimit(Calls(self.calls))
        creation = Creation(self.customers, Reconciliation(holds, search), retry, holds, GroupPace(), flood, calls)
        self.pipeline = Pipeline(read, creation, results, self.topics.publish)
        self.background = asyncio.create_task(look_after(holds, self.customers))
        return self

    async def process(self, *records: Record) -> Any:  # whichever outcome its test expects
        """Process the records one after the other; returns the outcome of the last."""
        for each in records:
            async with asyncio.timeout(PATIENCE):
                outcome = await self.pipeline.process(each, self.assignment)
        return outcome

    def journal(self) -> list[str]:
        """The states of all journal entries, in order."""
        return [state(message) for message in self.topics.of("journal") if not is_claim(message.key)]

    def events(self, topic: str) -> list[Any]:
        """The messages of a topic, as JSON."""
        return [orjson.loads(message.value or b"") for message in self.topics.of(topic)]


class Found:
    """A look-up that finds these in turn, and the last one from then on."""

    def __init__(self, *found: list[str] | Exception) -> None:
        self.found = list(found)
        self.asked = 0

    async def __call__(self, _: CreateCustomer) -> list[str]:
        self.asked += 1
        found = self.found.pop(0) if len(self.found) > 1 else self.found[0]
        if isinstance(found, Exception):
            raise found
        return found
