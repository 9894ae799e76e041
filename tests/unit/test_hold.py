"""An outage holds, is probed by one at a time, and ends by itself."""

import asyncio

import pytest
from fakes import Clock
from patience import PATIENCE

from worker.creation.backoff import Backoff
from worker.creation.breaker import Breaker
from worker.creation.holds import LOGIN, Hold, HoldReason, Holds
from worker.model.errors import ApiUnavailable, Draining, Fenced, LeaseOver, LoginRefused, RefusedForNow, SearchRefused


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def holds(clock):
    return Holds(Breaker(3, Backoff(1, 30), draw=lambda: 0.999), clock)


async def fail(holds, clock, error=None, who=None):
    with pytest.raises(type(error or ApiUnavailable())):
        async with holds.permission(clock.pause, who):
            raise error or ApiUnavailable("no route")


async def test_as_many_failures_in_a_row_as_configured(holds, clock):
    """The third failure in a row begins the hold, not the second."""
    await fail(holds, clock)
    await fail(holds, clock)
    assert holds.reasons() == []
    await fail(holds, clock, RefusedForNow(503))
    assert holds.reasons() == [HoldReason.API_UNAVAILABLE]


async def test_a_success_between_failures(holds, clock):
    """Only failures in a row count."""
    for _ in range(5):
        await fail(holds, clock)
        async with holds.permission(clock.pause) as probe:
            assert probe is False
    assert holds.reasons() == []


async def test_a_refused_login(holds, clock):
    """It holds at once, with a reason of its own."""
    await fail(holds, clock, LoginRefused("401"))
    assert holds.reasons() == [HoldReason.SESSION_REFUSED]


async def test_probes_come_one_at_a_time_and_further_apart(holds, clock):
    """Each failed probe doubles the wait before the next."""
    for _ in range(3):
        await fail(holds, clock)
    waits = []
    for _ in range(4):
        before = clock.now
        await fail(holds, clock)
        waits.append(round(clock.now - before, 1))
    assert waits == [1.0, 2.0, 4.0, 8.0]


async def test_one_cause_that_many_meet(holds, clock):
    """Those that had begun before the hold make the wait for the first probe no longer."""
    down = asyncio.Event()

    async def meet():
        async with holds.permission(clock.pause):
            await down.wait()
            raise LoginRefused("401")

    tasks = [asyncio.create_task(meet()) for _ in range(12)]
    await asyncio.sleep(0)
    down.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with holds.permission(clock.pause):
        assert round(clock.now, 1) == 1.0


async def test_others_wait_while_one_probes(holds, clock):
    """Nobody else gets the permission before the probe has ended."""
    for _ in range(3):
        await fail(holds, clock)
    inside, tried = asyncio.Event(), []

    async def other():
        async with holds.permission(clock.pause):
            tried.append(clock.now)

    async with holds.permission(clock.pause) as probe:
        assert probe is True
        task = asyncio.create_task(other())
        for _ in range(20):
            await asyncio.sleep(0)
        assert tried == []
        inside.set()
    await asyncio.wait_for(task, PATIENCE)
    assert holds.reasons() == []


async def test_who_has_not_failed_yet_probes_first(holds, clock):
    """One that fails for itself cannot keep the hold up while others wait."""
    for _ in range(3):
        await fail(holds, clock, who="bad")
    waits = {}
    for who in ("bad", "good"):
        before = clock.now
        async with holds.permission(clock.pause, who):
            waits[who] = clock.now - before
        for _ in range(3):
            await fail(holds, clock, who="bad")
    assert waits["bad"] > waits["good"]


async def test_whether_others_fail_too(holds, clock):
    """Until anybody succeeds."""
    await fail(holds, clock, who="one")
    assert (holds.others_fail("one"), holds.others_fail("two")) == (False, True)
    await fail(holds, clock, who="two")
    assert holds.others_fail("one")
    async with holds.permission(clock.pause, "three"):
        pass
    assert not holds.others_fail("one")


async def test_an_error_of_ours_during_a_probe(holds, clock):
    """It counts as a failure, and gives the permission back."""
    for _ in range(3):
        await fail(holds, clock)
    await fail(holds, clock, RuntimeError("bug"))
    async with holds.permission(clock.pause) as probe:
        assert probe is True


async def test_one_line_at_the_start_and_end_of_each_hold(holds, clock, told):
    """However many failures a hold meets."""
    for _ in range(6):
        await fail(holds, clock)
    async with holds.permission(clock.pause):
        pass
    assert [(line["event"], line["reason"]) for line in told] == [
        ("hold.started", "api_unavailable"),
        ("hold.ended", "api_unavailable"),
    ]


def test_a_hold_with_a_holder_that_knows_why(holds):
    """Without a login nothing else works either: what the others say of it is not told meanwhile."""
    kafka = Hold(HoldReason.KAFKA_UNAVAILABLE)
    holds.begin(HoldReason.KAFKA_UNAVAILABLE, "no acknowledgement", "journal")
    holds.begin(HoldReason.KAFKA_UNAVAILABLE, "no token: 401", LOGIN)
    holds.begin(HoldReason.KAFKA_UNAVAILABLE, "no commit", "commit")
    assert holds.details()[kafka][1] == "no token: 401"
    holds.end(HoldReason.KAFKA_UNAVAILABLE, LOGIN)
    holds.begin(HoldReason.KAFKA_UNAVAILABLE, "no commit", "commit")
    assert holds.details()[kafka][1] == "no commit"


def test_a_hold_with_two_holders(holds):
    """It lasts until both have ended it."""
    holds.begin(HoldReason.KAFKA_UNAVAILABLE, "no acknowledgement", "journal")
    holds.begin(HoldReason.KAFKA_UNAVAILABLE, "no acknowledgement", "results")
    holds.end(HoldReason.KAFKA_UNAVAILABLE, "journal")
    assert holds.reasons() == [HoldReason.KAFKA_UNAVAILABLE]
    holds.end(HoldReason.KAFKA_UNAVAILABLE, "results")
    assert holds.reasons() == []


def test_a_hold_of_one_partition(holds, clock, told):
    """The others are not held by it: it is told with its partition, and is over with that partition."""
    holds.begin(HoldReason.PARTITION_UNREADABLE, "offset 7", partition=3)
    holds.begin(HoldReason.JOURNAL_RESTORING, "its journal is being read", partition=3)
    holds.begin(HoldReason.PARTITION_UNREADABLE, "offset 9", partition=4)
    clock.now = 2.0
    assert holds.reasons() == []
    assert holds.details() == {
        Hold(HoldReason.PARTITION_UNREADABLE, 3): (2.0, "offset 7"),
        Hold(HoldReason.JOURNAL_RESTORING, 3): (2.0, "its journal is being read"),
        Hold(HoldReason.PARTITION_UNREADABLE, 4): (2.0, "offset 9"),
    }
    holds.end_of(3)
    assert list(holds.details()) == [Hold(HoldReason.PARTITION_UNREADABLE, 4)]
    assert [(line["event"], line["partition"]) for line in told][-2:] == [("hold.ended", 3), ("hold.ended", 3)]


def test_one_reason_of_all_and_of_one(holds):
    """Each begins and ends by itself."""
    holds.begin(HoldReason.KAFKA_UNAVAILABLE, "seek", partition=3)
    assert holds.reasons() == []
    holds.begin(HoldReason.KAFKA_UNAVAILABLE, "poll", "poll")
    holds.end(HoldReason.KAFKA_UNAVAILABLE, partition=3)
    assert holds.reasons() == [HoldReason.KAFKA_UNAVAILABLE]
    holds.end(HoldReason.KAFKA_UNAVAILABLE, "poll")
    assert holds.details() == {}


@pytest.mark.parametrize("error", [Draining(), Fenced(), LeaseOver(), SearchRefused("403")])
async def test_what_says_nothing_of_the_api(holds, clock, error):
    """However often it happens it is no outage, and during one it gives the probe back."""
    for _ in range(5):
        await fail(holds, clock, error)
    assert holds.reasons() == []
    for _ in range(3):
        await fail(holds, clock)
    await fail(holds, clock, error)
    before = clock.now
    async with holds.permission(clock.pause) as probe:
        assert probe is True
    assert clock.now == before
