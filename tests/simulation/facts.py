"""What the outside knows at a story's end: the API's ledger, what it answered, and the topics."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from worker.creation.holds import HoldReason
from worker.creation.share import most_in_a_second
from worker.journal.journal import PartitionJournal

from .broker.batches import Batch
from .broker.log import Log
from .story import Act
from .world import event

if TYPE_CHECKING:
    from .play import Stage


Place = tuple[int, int]
OF_THE_API = {HoldReason.API_UNAVAILABLE, HoldReason.REJECTION_FLOOD}
CLOCKS = {Act.FREEZE, Act.SUSPEND, Act.SKEW}
"""After these a worker sends late what it had begun, or at moments of another clock."""


@dataclass(eq=False)
class Facts:
    """`asked` are the committed requests, also those that were deleted since; `sound` of them have nothing wrong.

    `made` are (time, customer) of each event, `answers` the statuses that its POSTs got (0: none), all of which stand
    `in_order`, too. `workers` have been there in all. By partition: the log's start when the group `began`, and what is
    `committed`. `expired` are requests of which the journal tells that nobody could read them.
    """

    acts: set[Act] = field(default_factory=set)
    asked: dict[Place, str] = field(default_factory=dict)
    sound: set[Place] = field(default_factory=set)
    keys: dict[Place, bytes | None] = field(default_factory=dict)
    told: dict[Place, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    made: dict[str, list[tuple[float, str]]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, list[int]] = field(default_factory=dict)
    in_order: list[tuple[str, int]] = field(default_factory=list)
    held: bool = False
    """Whether there ever was a hold about the API, in which probes cost no attempts."""
    workers: int = 0
    began: dict[int, int] = field(default_factory=dict)
    committed: dict[int, int] = field(default_factory=dict)
    aborted: set[str] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)
    expired: set[Place] = field(default_factory=set)
    sent: list[float] = field(default_factory=list)
    most: int = 0
    """Creations that any second may have, by the rate; 0 where there is none, or a clock was not to be trusted."""

    @classmethod
    def of(cls, stage: "Stage") -> "Facts":
        """Read off the world as it is now."""
        world, topics = stage.world, stage.settings.topics
        facts = cls({each.act for each in stage.story.happenings}, aborted=stage.aborted, accepted=stage.accepted)
        facts.answers, facts.in_order, facts.workers = world.api.answers, world.api.in_order, len(world.workers)
        facts.held = not OF_THE_API.isdisjoint(world.listener.held)
        facts.began = stage.witness.began
        facts.sent, facts.most = sorted(world.api.sent), _most(stage)
        for execution in world.api.ledger:
            facts.made[execution.pin].append((execution.time, execution.customer))
        group = world.cluster.group(stage.settings.kafka.group_id)
        for number, log in enumerate(world.cluster.topics[topics.requests].logs):
            facts.committed[number] = group.offsets.get((topics.requests, number), (0, ""))[0]
            for record in whole(log):
                facts.ask((number, record.offset), record)
        for number, log in world.cluster.logs_ever(topics.journal):
            facts.expired |= {(number, offset) for first, end in known(log).expired for offset in range(first, end)}
        for name in (topics.succeeded, topics.failed):
            for _, log in world.cluster.logs_ever(name):
                for record in whole(log):
                    told = orjson.loads(record.value)
                    request = told["data"]["request"]
                    facts.told[request["partition"], request["offset"]].append(told)
        return facts

    @property
    def remembered(self) -> bool:
        """Whether no worker may have forgotten what another one, or itself, has done: a journal that is deleted is
        known to the processes that were there.
        """
        return Act.JOURNAL_ANEW not in self.acts or self.workers == 1

    def ask(self, place: Place, record: Any) -> None:
        """There is this request."""
        pin = self.asked[place] = _pin(record.value, place)
        self.keys[place] = record.key
        if record.value == event(pin) and not record.headers:
            self.sound.add(place)


def _most(stage: "Stage") -> int:
    rate, acts = stage.story.rate, {each.act for each in stage.story.happenings}
    return most_in_a_second(rate) if rate and not CLOCKS & acts else 0


def known(log: Log) -> PartitionJournal:
    """What the worker's own reader makes of a partition of the journal, were nothing ever deleted."""
    journal = PartitionJournal()
    for batch in [*log.gone, *log.batches]:
        for record in batch.records:
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
            yield from (record for record in batch.records if since <= record.offset < until)


def superseded(log: Log) -> Iterator[int]:
    """Offsets of records that have newer ones under their keys, in all replicas."""
    there = [record for batch in log.batches for record in batch.records if record.offset < log.replicated]
    newest = {record.key: record.offset for record in there}
    return (record.offset for record in there if record.offset < newest[record.key])


def _pin(value: bytes | None, place: Place) -> str:
    """The event's id; of what nobody can read one of its own."""
    try:
        return str(orjson.loads(value or b"")["id"])
    except (ValueError, KeyError, TypeError):
        return f"unreadable {place[0]}@{place[1]}"


def _after_the_last(log: Log) -> int:
    for batch in reversed([*log.gone, *log.batches]):
        if found := list(counted(log, [batch], 0, log.end)):
            return int(found[-1].offset) + 1
    return log.start


def requests(stage: "Stage") -> int:
    """How many offsets there are."""
    return sum(log.end for log in stage.world.cluster.topics[stage.settings.topics.requests].logs)


def unsettled(stage: "Stage") -> Iterator[str]:
    """What is not committed yet."""
    name = stage.settings.topics.requests
    stored = stage.world.cluster.group(stage.settings.kafka.group_id).offsets
    for number, log in enumerate(stage.world.cluster.topics[name].logs):
        committed, end = stored.get((name, number), (0, ""))[0], _after_the_last(log)
        if committed < end:
            yield f"partition {number} is committed up to {committed}, its last record ends at {end}"
