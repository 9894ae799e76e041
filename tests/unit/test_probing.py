"""A hold about the API ends by itself, also where no record is there to probe with."""

import asyncio
from itertools import pairwise

import pytest
from fakes import Clock, FakeCustomers

from worker.creation.backoff import Backoff
from worker.creation.breaker import Breaker
from worker.creation.holds import HoldReason, Holds
from worker.creation.probing import look_after
from worker.model.errors import ApiUnavailable, Flooded, HoldBegun, LoginRefused, OutcomeUnknown, SessionContention


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def holds(clock):
    return Holds(Breaker(2, Backoff(1, 30), draw=lambda: 0.999), clock)


@pytest.fixture
def customers():
    return FakeCustomers()


async def fail(holds, clock, error):
    with pytest.raises(type(error)):
        async with holds.permission(clock.pause, "r0"):
            raise error


async def looked_after(holds, customers, clock, until):
    task = asyncio.create_task(look_after(holds, customers, clock.pause))
    while clock.now < until:
        await asyncio.sleep(0)
    task.cancel()


@pytest.mark.parametrize(
    ("error", "renewals"),
    [
        (ApiUnavailable("down"), 0),
        (OutcomeUnknown("500"), 0),
        (LoginRefused("401"), 0),
        (SessionContention("403"), 0),
        (Flooded("400"), 1),
        (RuntimeError("bug"), 0),
    ],
)
async def test_nobody_is_left_to_probe(holds, clock, customers, error, renewals):
    """A call that creates nothing ends the hold; a flood's cause may have been the session: a new one first."""
    for _ in range(2):
        await fail(holds, clock, error)
    assert holds.reasons()
    await looked_after(holds, customers, clock, until=5)
    assert (holds.reasons(), customers.renewals) == ([], renewals)


async def test_nobody_is_left_and_the_api_is_away(holds, clock, customers):
    """It is asked less and less often, and the hold stays for as long as nobody answers."""
    asked, customers.down = [], True
    answer = customers.answer

    async def noted():
        asked.append(clock.now)
        await answer()

    customers.answer = noted
    for _ in range(2):
        await fail(holds, clock, ApiUnavailable("down"))
    await looked_after(holds, customers, clock, until=60)
    assert holds.reasons() == [HoldReason.API_UNAVAILABLE]
    assert [later - earlier for earlier, later in pairwise(asked)] == [2.0, 4.0, 8.0, 16.0]
    customers.down = False
    await looked_after(holds, customers, clock, until=clock.now + 60)
    assert holds.reasons() == []


async def test_after_a_hold_that_nobody_probed(holds, clock, customers):
    """Calls were answered, POSTs were not: the first one goes alone, and its failure is the hold again at once."""
    for _ in range(2):
        await fail(holds, clock, OutcomeUnknown("500"))
    await looked_after(holds, customers, clock, until=5)
    waiting = asyncio.Event()

    async def other():
        async with holds.permission(clock.pause, "r2") as probe:
            waiting.set()
            assert probe

    trial = holds.permission(clock.pause, "r1")
    assert await trial.__aenter__()
    task = asyncio.create_task(other())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.is_set()
    await trial.__aexit__(OutcomeUnknown, OutcomeUnknown("500"), None)
    assert holds.reasons() == [HoldReason.API_UNAVAILABLE]
    await task
    assert holds.reasons() == []


async def test_while_somebody_waits_to_probe(holds, clock):
    """That one is the probe; nobody else asks."""
    for _ in range(2):
        await fail(holds, clock, ApiUnavailable("down"))
    clock.now = 100
    assert holds.unattended()
    permission = holds.permission(clock.pause, "r1")
    assert await permission.__aenter__()
    assert not holds.unattended()
    await permission.__aexit__(None, None, None)
    assert holds.reasons() == []


async def test_a_probe_that_is_given_up(holds, clock):
    """Its partition was given up under it: the permission is the next one's."""
    for _ in range(2):
        await fail(holds, clock, ApiUnavailable("down"))
    clock.now = 100
    await fail(holds, clock, asyncio.CancelledError())
    assert holds.unattended()


async def test_an_answered_search(holds, clock):
    """It ends no hold, and lets the next one try at once."""
    for _ in range(2):
        await fail(holds, clock, OutcomeUnknown("500"))
    async with holds.permission(clock.pause, "r1", creates=False) as probe:
        assert probe
    assert holds.reasons() == [HoldReason.API_UNAVAILABLE]
    assert holds.unattended()


async def test_an_answered_search_where_nothing_is_ever_created(holds, clock):
    """A command that only looks up waits for no POST of anybody's."""
    for _ in range(2):
        with pytest.raises(ApiUnavailable):
            async with holds.permission(clock.pause, creates=False):
                raise ApiUnavailable("down")
    assert holds.reasons() == [HoldReason.API_UNAVAILABLE]
    async with holds.permission(clock.pause, creates=False):
        pass
    assert holds.reasons() == []


async def test_answered_searches_between_lost_answers(holds, clock):
    """POSTs fail in a row all the same."""
    await fail(holds, clock, OutcomeUnknown("500"))
    async with holds.permission(clock.pause, "r1", creates=False):
        pass
    await fail(holds, clock, OutcomeUnknown("500"))
    assert holds.reasons() == [HoldReason.API_UNAVAILABLE]


async def test_what_had_its_turn_before_the_hold(holds, clock):
    """It is not sent any more; only the probe is."""
    async with holds.permission(clock.pause, "early") as probe:
        holds.still(probe=probe)
        for _ in range(2):
            await fail(holds, clock, OutcomeUnknown("500"))
        with pytest.raises(HoldBegun):
            holds.still(probe=probe)
        holds.still(probe=True)


async def test_a_failure_from_before_the_hold(holds, clock):
    """It neither moves the next probe nor changes what is known of the hold."""
    early = holds.permission(clock.pause, "early")
    await early.__aenter__()
    await fail(holds, clock, Flooded("400"))
    due = holds._breaker.next_probe
    await early.__aexit__(OutcomeUnknown, OutcomeUnknown("lost"), None)
    assert (holds.reasons(), holds._breaker.next_probe) == ([HoldReason.REJECTION_FLOOD], due)


async def test_who_gave_its_turn_back_during_a_hold(holds, clock):
    """Somebody who is no probe brings the next one no nearer."""
    early = holds.permission(clock.pause, "early")
    assert not await early.__aenter__()
    for _ in range(2):
        await fail(holds, clock, OutcomeUnknown("500"))
    await early.__aexit__(HoldBegun, HoldBegun(), None)
    assert not holds.unattended()
