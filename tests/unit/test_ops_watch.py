"""The state of a worker, read off its parts."""

import asyncio
import itertools
import time
from dataclasses import dataclass, field

import pytest
from fakes import FakeJournalTopic
from patience import PATIENCE, turns

from worker.creation.api_limit import ApiLimit
from worker.creation.backoff import Backoff
from worker.creation.breaker import Breaker
from worker.creation.calls import Calls
from worker.creation.group_pace import GroupPace
from worker.creation.holds import HoldReason, Holds
from worker.creation.share import Share
from worker.intake.dispatch import Dispatch
from worker.model.errors import ApiUnavailable
from worker.model.outcomes import Succeeded
from worker.model.records import OpenTransaction, Record, Standing
from worker.ops.core import MARKS, Core
from worker.ops.state import Load, bound_by
from worker.ops.watch import Consumption, Watch
from worker.partition.assignment import Assignment
from worker.partition.slots import Slots
from worker.steps import Step, Trails


@dataclass
class Turning:
    polled: float | None = 1.0
    restoring: set[int] = field(default_factory=set)


class Standings:
    open_transaction = None

    def of(self, partition):
        return Standing(10, 7, 12, 5, self.open_transaction)


@dataclass
class Session:
    session_age: float | None = 3.0
    renewals: int = 2


class Running:
    """A dispatch whose records stay at their step until `go` is set."""

    def __init__(self, slots=2, max_uncommitted=100, rate=None):
        self.slots, self.trails, self.go = Slots(slots), Trails(), asyncio.Event()
        self.dispatch = Dispatch(self.process, self.slots, max_uncommitted=max_uncommitted)
        self.holds, self.intake, self.pace = (
            Holds(Breaker(10, Backoff(1, 1))),
            Turning(),
            GroupPace(Share(rate) if rate else None),
        )
        self.limit = ApiLimit(Calls(slots))
        self.watch = Watch(self.holds, Session())
        self.watch.consumption = Consumption(
            "requests", self.dispatch, self.intake, Standings(), self.pace, self.trails, self.limit
        )

    async def process(self, record, assignment, outcome_known):
        with self.trails.follow(record) as trail:
            trail.enter(Step.POST)
            await self.go.wait()
            return Succeeded("1", "/1", "individual", 1)

    async def admitted(self, *records, partition=0):
        topic = FakeJournalTopic()
        self.dispatch.open(Assignment(partition, await topic.claim(partition), topic.append, self.slots))
        for offset, key in records:
            timestamp = int((time.time() - 60) * 1000)
            self.dispatch.admit(Record("requests", partition, offset, timestamp, key, b"{}"))
        await turns()

    async def ended(self):
        self.go.set()
        async with asyncio.timeout(PATIENCE):
            while self.dispatch.in_flight():
                await asyncio.sleep(0.001)

    def state(self):
        return self.watch.state()


@pytest.fixture
async def running():
    world = Running()
    yield world
    await world.ended()


async def test_nothing_to_do(running):
    """It runs and nothing binds it."""
    await running.admitted()
    state = running.state()
    assert (state.phase, state.bound_by, state.in_flight, state.queued, state.holds) == ("running", "idle", 0, 0, ())
    assert (state.session.age, state.session.renewals) == (3.0, 2)
    assert state.partitions[0].as_dict() == {
        "topic": "requests",
        "partition": 0,
        "position": 10,
        "committed": 7,
        "end": 12,
        "lag": 5,
        "journalEntries": 0,
    }


async def test_more_keys_than_slots(running):
    """The API binds: more at once, or faster answers, would be more throughput."""
    await running.admitted((0, b"a"), (1, b"b"), (2, b"c"), (3, b"c"))
    state = running.state()
    assert (state.in_flight, state.queued, state.bound_by) == (2, 2, "api")
    blocking = state.partitions[0].blocking
    assert (blocking.offset, blocking.reason, round(blocking.age)) == (0, "post", 60)


async def test_one_key(running):
    """The keys bind, with slots free."""
    await running.admitted((0, b"a"), (1, b"a"), (2, b"a"))
    state = running.state()
    assert (state.in_flight, state.queued, state.bound_by) == (1, 2, "keys")


async def test_a_record_that_is_not_begun():
    """It blocks its partition while another partition has all slots."""
    running = Running(slots=1)
    await running.admitted((0, b"a"))
    await running.admitted((5, b"b"), partition=1)
    assert [each.blocking.reason for each in running.state().partitions] == ["post", "queued"]
    await running.ended()


async def test_an_open_transaction(running):
    """It blocks its partition once everything before it is finished, by the age of its first record."""
    running.watch.consumption.standings.open_transaction = OpenTransaction(11, time.time() - 30)
    await running.admitted((0, b"a"))
    assert running.state().partitions[0].blocking.reason == "post"
    await running.ended()
    (partition,) = running.state().partitions
    told = partition.as_dict()["blocking"]
    assert (told["offset"], told["reason"], round(told["ageSeconds"])) == (11, "open_transaction", 30)
    assert round(partition.open_transaction) == 30


async def test_a_partition_as_far_ahead_as_it_may_be():
    """Everything behind one slow record is finished, and the limit binds."""
    running = Running(max_uncommitted=2)
    await running.admitted((0, b"a"))
    assignment = next(running.dispatch.assignments())
    assignment.offsets.start(1)
    assignment.offsets.finish(1)
    assert running.state().bound_by == "uncommitted_limit"
    await running.ended()


async def test_a_core_that_is_full(running):
    """More at once would only wait for it."""
    running.watch.core = Core(clock=itertools.count(step=0.5).__next__, used=itertools.count(step=0.46).__next__)
    await running.admitted((0, b"a"), (1, b"b"), (2, b"c"))
    bounds = []
    for _ in range(MARKS + 1):
        running.watch.core.mark()
        bounds.append(running.state().bound_by)
    assert bounds == ["api"] * (MARKS - 1) + ["cpu"] * 2


def test_a_core_s_share_of_late():
    """What was used before the last marks says nothing."""
    used, now = [0.0], itertools.count(step=0.5)
    core = Core(clock=now.__next__, used=lambda: used[0])
    for share, full in ((0.89, False), (0.91, True), (0.1, False)):
        for _ in range(MARKS):
            used[0] += share * 0.5
            core.mark()
        assert core.is_full() is full


async def test_a_rate():
    """It binds while somebody waits for a moment that has not come."""
    running = Running(rate=0.5)
    await running.admitted((0, b"a"))
    assert running.state().bound_by == "api"
    waiting = asyncio.ensure_future(running.pace.place(0, lambda future: future))
    await asyncio.sleep(0)
    assert running.state().bound_by == "rate"
    waiting.cancel()
    await running.ended()


async def test_what_the_api_bears():
    """It binds where there may be fewer calls than the settings allow, and all of them are made."""
    running = Running(slots=2)
    await running.admitted((0, b"a"), (1, b"b"))
    assert running.state().bound_by == "api"
    running.limit.calls.move(1)
    assert (running.state().bound_by, running.state().api_limit) == ("api_limit", 1)
    await running.ended()


async def test_a_hold(running):
    """Its reason, since when, and the last that was said about it."""
    running.holds.begin(HoldReason.API_UNAVAILABLE, "first")
    running.holds.begin(HoldReason.API_UNAVAILABLE, "cannot reach http://crm")
    state = running.state()
    (hold,) = state.holds
    assert (state.phase, state.bound_by, hold.reason, hold.detail) == (
        "holding",
        "hold",
        "api_unavailable",
        "cannot reach http://crm",
    )
    assert hold.as_dict()["since"].endswith("+00:00")
    assert running.watch.not_ready() == ["api_unavailable"]
    running.holds.end(HoldReason.API_UNAVAILABLE)
    assert (running.state().phase, running.watch.not_ready()) == ("running", [])


async def test_a_journal_that_is_read(running):
    """The partition is told, and what it has, though nothing of it is taken yet."""
    running.intake.restoring = {4}
    running.holds.begin(HoldReason.JOURNAL_RESTORING, "being read", partition=4)
    state = running.state()
    assert (state.phase, state.bound_by) == ("restoring", "restore")
    assert [(each.partition, each.standing.lag, each.blocking) for each in state.partitions] == [(4, 5, None)]


async def test_a_journal_that_is_read_while_others_work(running):
    """What binds the others is told."""
    await running.admitted((0, b"a"), (1, b"a"))
    running.intake.restoring = {4}
    running.holds.begin(HoldReason.JOURNAL_RESTORING, "being read", partition=4)
    assert (running.state().phase, running.state().bound_by) == ("restoring", "keys")


async def test_a_hold_of_one_partition(running):
    """It is told with its partition, and the worker is not ready; it runs, as long as it has another one."""
    await running.admitted((0, b"a"))
    running.intake.restoring = {4}
    running.holds.begin(HoldReason.PARTITION_UNREADABLE, "offset 7", partition=4)
    state = running.state()
    assert (state.phase, state.bound_by) == ("running", "api")
    assert [(each["reason"], each["detail"], each["partition"]) for each in state.as_dict()["holds"]] == [
        ("partition_unreadable", "offset 7", 4)
    ]
    assert running.watch.not_ready() == ["partition_unreadable"]
    running.holds.begin(HoldReason.PARTITION_UNREADABLE, "offset 3", partition=0)
    assert (running.state().phase, running.watch.not_ready()) == ("holding", ["partition_unreadable"])


async def test_a_stop(running):
    """It is a drain whatever else holds, and no poll is expected any more."""
    running.holds.begin(HoldReason.API_UNAVAILABLE, "down")
    running.holds.begin(HoldReason.STOPPING, "told to stop")
    running.intake.polled = None
    assert (running.state().phase, running.watch.polled()) == ("draining", None)
    assert running.watch.not_ready() == ["api_unavailable", "stopping"]


def test_a_worker_that_begins():
    """Before Kafka is there: not ready, and no failure."""
    watch = Watch(Holds(Breaker(10, Backoff(1, 1))))
    state = watch.state()
    assert (state.phase, state.bound_by, state.partitions, state.session.age) == ("restoring", "restore", (), None)
    assert (watch.not_ready(), watch.polled()) == (["starting"], None)


async def test_a_hold_that_the_breaker_ends():
    """Its last word is the last failure's."""
    holds = Holds(Breaker(1, Backoff(0, 0)))
    for text in ("refused", "no such host"):
        with pytest.raises(ApiUnavailable):
            async with holds.permission(asyncio.sleep):
                raise ApiUnavailable(text)
    ((_, detail),) = holds.details().values()
    assert detail == "no such host"


@pytest.mark.parametrize(
    ("load", "bound"),
    [
        (Load(), "idle"),
        (Load(in_flight=3), "api"),
        (Load(in_flight=3, full=True, queued=5), "api"),
        (Load(in_flight=3, queued=5), "keys"),
        (Load(in_flight=3, queued=5, at_limit=True), "keys"),
        (Load(in_flight=3, at_limit=True), "uncommitted_limit"),
        (Load(in_flight=3, full=True, paced=True), "rate"),
        (Load(in_flight=3, full=True, core_full=True), "cpu"),
        (Load(queued=5, core_full=True), "cpu"),
        (Load(in_flight=3, core_full=True, paced=True), "rate"),
        (Load(core_full=True), "idle"),
        (Load(in_flight=3, full=True, restoring=True), "api"),
        (Load(restoring=True), "restore"),
        (Load(held=True, restoring=True, full=True, paced=True), "hold"),
    ],
)
def test_what_binds(load, bound):
    """The first cause that applies."""
    assert bound_by(load) == bound
