"""Whether the promises held: from the API's ledger and the topics alone."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from aiokafka.record.memory_records import MemoryRecords

from worker.creation.share import most_in_a_second
from worker.journal.journal import PartitionJournal

from .broker.batches import Batch
from .broker.log import Log
from .story import Act

if TYPE_CHECKING:
    from .play import Stage


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is the promise that is broken."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


Place = tuple[int, int]
CLOCKS = {Act.FREEZE, Act.SUSPEND, Act.SKEW}
"""After these a worker sends late what it had begun, or at moments of another clock."""


@dataclass(eq=False)
class Facts:
    """What the outside knows. `asked` are the committed requests that are still in the log or were told of."""

    asked: dict[Place, str] = field(default_factory=dict)
    keys: dict[Place, bytes | None] = field(default_factory=dict)
    told: dict[Place, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    letters: Counter[Place] = field(default_factory=Counter)
    made: dict[str, list[tuple[float, str]]] = field(default_factory=lambda: defaultdict(list))
    committed: dict[int, int] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)
    aborted: set[str] = field(default_factory=set)
    expired: set[Place] = field(default_factory=set)
    """What the journal tells that nobody could read."""
    sent: list[float] = field(default_factory=list)
    most: int = 0
    """Creations that any second may have, by the rate; 0 where there is none, or a clock was not to be trusted."""

    @classmethod
    def of(cls, stage: "Stage") -> "Facts":
        """Read off the world as it is now."""
        facts, world, topics = cls(aborted=stage.aborted), stage.world, stage.settings.topics
        facts.sent, facts.most = sorted(world.api.sent), _most(stage)
        for execution in world.api.ledger:
            facts.made[execution.pin].append((execution.time, execution.customer))
        group = world.cluster.group(stage.settings.kafka.group_id)
        for number, log in enumerate(world.cluster.topics[topics.requests].logs):
            facts.committed[number] = group.offsets.get((topics.requests, number), (0, ""))[0]
            facts.starts[number] = log.start
            facts.ends[number] = _after_the_last(log)
            for offset, key, value in records(log):
                facts.asked[number, offset] = _pin(value, (number, offset))
                facts.keys[number, offset] = key
        for number, log in enumerate(world.cluster.topics[topics.journal].logs):
            facts.expired |= {(number, offset) for first, end in known(log).expired for offset in range(first, end)}
        for name in (topics.succeeded, topics.failed):
            for log in world.cluster.topics[name].logs:
                for _, _, value in records(log):
                    told = orjson.loads(value or b"")
                    request = told["data"]["request"]
                    facts.told[request["partition"], request["offset"]].append(told)
        return facts


def _most(stage: "Stage") -> int:
    rate, acts = stage.story.rate, {each.act for each in stage.story.happenings}
    return most_in_a_second(rate) if rate and not CLOCKS & acts else 0


def known(log: Log) -> PartitionJournal:
    """What the worker's own reader makes of a partition of the journal, were nothing ever deleted."""
    journal = PartitionJournal()
    for record in _all([*log.gone, *log.batches]):
        journal.apply_raw(record.key or b"", record.value or b"", record.timestamp or 0, tuple(record.headers))
    return journal


def whole(log: Log) -> Iterator[Any]:
    """The records that count: neither markers nor what was aborted, nothing that is still open.

    What was deleted since is among them.
    """
    return counted(log, [*log.gone, *log.batches], 0, log.end)


def counted(log: Log, batches: Iterable[Batch], since: int, until: int) -> Iterator[Any]:
    """Those of these offsets."""
    for batch in batches:
        if batch.last < since or batch.first >= until:
            continue
        aborted = any(producer == batch.producer and first <= batch.first < end for producer, first, end in log.aborted)
        if not batch.control and batch.last < log.stable and not (batch.transactional and aborted):
            yield from (record for record in _all([batch]) if since <= record.offset < until)


def records(log: Log) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """The same: (offset, key, value)."""
    return ((record.offset, record.key, record.value) for record in whole(log))


def superseded(log: Log) -> Iterator[int]:
    """Offsets of records that have newer ones under their keys, in all replicas."""
    there = [record for record in _all(log.batches) if record.offset < log.replicated]
    newest = {record.key: record.offset for record in there}
    return (record.offset for record in there if record.offset < newest[record.key])


def _all(batches: Iterable[Batch]) -> Iterator[Any]:
    for batch in batches:
        memory = MemoryRecords(batch.raw)
        while (each := memory.next_batch()) is not None:
            yield from each


def _pin(value: bytes | None, place: Place) -> str:
    """The event's id; of what nobody can read one of its own."""
    try:
        return str(orjson.loads(value or b"")["id"])
    except (ValueError, KeyError, TypeError):
        return f"unreadable {place[0]}@{place[1]}"


def _after_the_last(log: Log) -> int:
    return max((offset + 1 for offset, _, _ in records(log)), default=log.start)


def settled(facts: Facts) -> Iterator[str]:
    """What is not committed yet."""
    for number, end in facts.ends.items():
        if facts.committed[number] < end:
            yield f"partition {number} is committed up to {facts.committed[number]}, its last record ends at {end}"


def judged(facts: Facts) -> list[Finding]:
    """Every promise, for every record."""
    checks = (
        ("duplicate", _duplicates),
        ("lost", _lost),
        ("two ends", _several),
        ("untrue", _untrue),
        ("aborted", _aborted),
        ("order", _order),
        ("rate", _rate),
    )
    return [Finding(kind, line) for kind, check in checks for line in check(facts)]


def _rate(facts: Facts) -> Iterator[str]:
    """The first second that has too many."""
    ends = zip(facts.sent, facts.sent[facts.most :], strict=False)
    if facts.most and (found := next((first for first, end in ends if end < first + 1), None)) is not None:
        yield f"more than {facts.most} creations were sent in the second after {found:.3f}"


def _duplicates(facts: Facts) -> Iterator[str]:
    for pin, made in facts.made.items():
        if len(made) > 1:
            times = ", ".join(f"{customer} at {time:.2f}" for time, customer in made)
            yield f"event {pin} was carried out {len(made)} times: {times}"


def _lost(facts: Facts) -> Iterator[str]:
    """What was deleted before it was read is told in the journal, and nothing else is missing."""
    for (number, offset), pin in facts.asked.items():
        told = facts.told.get((number, offset)) or (number, offset) in facts.expired
        if offset < facts.committed[number] and not told:
            yield f"record {number}@{offset}, event {pin}, is committed and has no terminal event"


def _several(facts: Facts) -> Iterator[str]:
    for place, told in facts.told.items():
        ends = {(each["id"], orjson.dumps({**each["data"], "deadLetter": None})) for each in told}
        if len(ends) > 1:
            endings = sorted(map(_ending, told))
            yield f"record {place[0]}@{place[1]} has {len(ends)} different terminal events: {endings}"


def _ending(told: dict[str, Any]) -> str:
    data = told["data"]
    return str(data.get("resolution") or data["reason"]["code"])


def _untrue(facts: Facts) -> Iterator[str]:
    """A customer that is told was made for that event; nothing that was made is told as certainly not made."""
    for (number, offset), told in facts.told.items():
        pin = told[0]["data"]["request"]["id"]
        made = {customer for _, customer in facts.made.get(pin, [])}
        for each in told:
            customer = each["data"].get("customerId")
            if customer and customer not in made:
                yield f"record {number}@{offset} is told as customer {customer}, which was not made for event {pin}"
            elif (
                not customer
                and made
                and _ending(each) != "outcome_unknown"
                and not _made_later(facts, pin, number, offset)
            ):
                yield f"record {number}@{offset} is told as {_ending(each)}, but event {pin} has {sorted(made)}"


def _made_later(facts: Facts, pin: str, number: int, offset: int) -> bool:
    """Another record of the same event made it."""
    return any(place != (number, offset) and asked == pin for place, asked in facts.asked.items())


def _aborted(facts: Facts) -> Iterator[str]:
    for pin in facts.aborted:
        if facts.made.get(pin):
            yield f"event {pin} was aborted and has a customer"


def _order(facts: Facts) -> Iterator[str]:
    """Customers of one key are made in the order of the records that made them."""
    last: dict[tuple[int, bytes | None], tuple[float, str]] = {}
    times = {customer: time for made in facts.made.values() for time, customer in made}
    for place in sorted(facts.asked):
        pin, told = facts.asked[place], facts.told.get(place, [{"data": {}}])[0]["data"]
        if told.get("resolution") not in {"created", "reconciled"} or told["customerId"] not in times:
            continue
        time, lane = times[told["customerId"]], (place[0], facts.keys[place])
        if facts.keys[place] is not None and lane in last and time < last[lane][0]:
            yield f"event {pin} of key {lane[1]!r} was carried out before event {last[lane][1]}, which stands before it"
        last[lane] = time, pin
