"""What the journal costs: memory, restore, and each record's two writes. Printed, never asserted.

python tests/bench/bench_journal.py [EVENTS]

On a Kafka of its own on this machine, or on the one that WORKER_TEST_KAFKA names.
"""

import asyncio
import gc
import os
import random
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from worker.journal.claim import Reading
from worker.journal.entries import EntryKey, Finished, Intent, encode
from worker.journal.journal import PartitionJournal
from worker.journal.terms import Terms
from worker.kafka import admin, bulk
from worker.kafka.connection import Connection
from worker.kafka.journal_topic import JournalTopic
from worker.kafka.publisher import opened_publisher
from worker.model.outcomes import Failed, HttpAnswer, Outcome, Reason, ReasonCode, Succeeded
from worker.model.records import OutgoingMessage
from worker.sandbox.local_kafka import LocalKafka
from worker.topics import TopicSpec

EVENTS = 200_000
REJECTED = Failed(
    Reason(ReasonCode.REJECTED, "the API rejected the customer: 400 (400-101)", http=HttpAnswer(400, "400-101")), 1
)
WRITER = uuid4().hex[:12]
Raw = tuple[bytes, bytes]


class Silent:
    """An outage that nobody is told of."""

    def begin(self, detail: str) -> None: ...
    def end(self) -> None: ...


def say(what: str, value: float, unit: str) -> None:
    print(f"{what:58} {value:12,.1f} {unit}")  # noqa: T201  # a report


def outcome(number: int) -> Outcome:
    """One in ten is rejected."""
    made = str(280_100 + number)
    path = f"/system/ws/v12/interaction/customer/{made}"
    return Succeeded(made, path, "individual", 1) if number % 10 else REJECTED


def entries(count: int, *, intents: bool) -> Iterator[Raw]:
    """Compacted, each event has its last entry alone; uncompacted it has its intent as well."""
    for number in range(count):
        key = EntryKey(UUID(int=random.getrandbits(128)), number, WRITER).encode()
        if intents:
            yield key, encode(Intent(1))
        yield key, encode(Finished(outcome(number)))


def applied(given: list[Raw]) -> PartitionJournal:
    journal = PartitionJournal()
    for key, value in given:
        journal.apply_raw(key, value, 1_764_000_000_000)
    return journal


def timed(what: str, given: list[Raw]) -> None:
    """CPU seconds: what else the machine does at the time does not count."""
    gc.collect()
    gc.freeze()
    started = time.process_time()
    applied(given)
    say(f"{what}: applied from bytes", len(given) / (time.process_time() - started), "entries/s")


def traced(what: str, given: list[Raw]) -> None:
    tracemalloc.start()
    journal = applied(given)
    say(f"{what}: memory of an event", tracemalloc.get_traced_memory()[0] / len(journal), "bytes")
    tracemalloc.stop()


def worn(events: int) -> None:
    """As many events as are kept came, and went, three times."""
    tracemalloc.start()
    journal = PartitionJournal()
    for number in range(4 * events):
        key = EntryKey(UUID(int=random.getrandbits(128)), number, WRITER)
        journal.apply(key, Intent(1), number)
        journal.apply(key, Finished(outcome(number)), number)
        if number % 1_000 == 0:
            journal.forget(below=number, before=0, at_most=events)
    say("after days of work: memory of an event", tracemalloc.get_traced_memory()[0] / len(journal), "bytes")
    tracemalloc.stop()


def looking(count: int) -> None:
    """Nothing can be forgotten, right after much was."""
    journal = applied(list(entries(count, intents=True)))
    journal.forget(below=count, before=0, at_most=count - 20_000)
    started = time.process_time()
    for _ in range(1_000):
        journal.forget(below=0, before=0, at_most=count)
    say("forget where nothing can be forgotten", (time.process_time() - started) * 1_000, "µs")


@asynccontextmanager
async def connected() -> AsyncIterator[Connection]:
    if named := os.environ.get("WORKER_TEST_KAFKA"):
        yield Connection(named)
        return
    local = LocalKafka()
    try:
        await local.start()
        yield Connection(local.bootstrap_servers)
    finally:
        await local.close()


async def restored(connection: Connection, topic: JournalTopic, given: list[Raw]) -> None:
    async with bulk.opened(connection, unacknowledged=5_000) as publisher:
        for key, value in given:
            await publisher.hand_over(OutgoingMessage(topic.topic, key, value, partition=0))
        await publisher.flush()
    started, used = time.perf_counter(), time.process_time()
    await topic.read(0, None, len(given), Reading(len(given), Terms()).take)
    say("read from Kafka, by the clock", len(given) / (time.perf_counter() - started), "entries/s")
    say("read from Kafka, by our CPU", len(given) / (time.process_time() - used), "entries/s")


async def written(topic: JournalTopic, records: int, at_once: int) -> None:
    """Intent, its acknowledgement, finished, its acknowledgement: what a record waits for, and how many a second."""
    waits: list[float] = []
    numbers = iter(range(records))

    async def write() -> None:
        for number in numbers:
            key = EntryKey(uuid4(), number, WRITER).encode()
            started = time.perf_counter()
            await topic.append(1, key, encode(Intent(1)), _nobody)
            await topic.append(1, key, encode(Finished(outcome(number))), _nobody)
            waits.append(time.perf_counter() - started)

    started, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*[write() for _ in range(at_once)])
    took, cpu = time.perf_counter() - started, time.process_time() - used
    waits.sort()
    say(f"intent + finished, {at_once} at once: median wait", waits[len(waits) // 2] * 1_000, "ms")
    say(f"intent + finished, {at_once} at once: 99 of 100 wait less than", waits[len(waits) * 99 // 100] * 1_000, "ms")
    say(f"intent + finished, {at_once} at once", records / took, "records/s")
    say(f"intent + finished, {at_once} at once: our CPU a record", cpu / records * 1e6, "µs")


_nobody: Callable[[int], None] = lambda _: None  # noqa: E731  # the type would not fit on the line of a def


async def on_kafka(given: list[Raw]) -> None:
    async with connected() as connection:
        name = f"bench-{uuid4().hex[:12]}"
        async with admin.opened(connection) as client:
            await client.create(TopicSpec(name, 2, 1, {"cleanup.policy": "compact,delete"}))
        async with opened_publisher(connection, Silent(), max_request_size=1_000_000) as publisher:
            topic = JournalTopic(name, connection, publisher, name)
            await restored(connection, topic, given)
            await written(topic, 1_000, 1)
            await written(topic, 20_000, 64)
        async with admin.opened(connection) as client:
            await client.delete([name])


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    compacted, whole = list(entries(count, intents=False)), list(entries(count, intents=True))
    timed("finished alone", compacted)
    timed("intent and finished", whole)
    looking(count)
    asyncio.run(on_kafka(whole))
    traced("finished alone", compacted)
    traced("intent and finished", whole)
    worn(count)


if __name__ == "__main__":
    main()
