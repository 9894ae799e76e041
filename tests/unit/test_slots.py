"""The bound on what is worked on at once."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE, turns

from worker.model.errors import Draining
from worker.partition.drain import Drain, after
from worker.partition.slots import Slots


async def test_who_returns_comes_before_new_work():
    """And among those who return, who waited longest."""
    slots, order = Slots(1), []
    slots.when_free(lambda: order.append("new work may begin"))
    assert slots.take()
    assert not slots.take()

    async def back(name):
        await slots.take_after(after(0), Drain())
        order.append(name)
        slots.give()

    waiting = [asyncio.create_task(back(name)) for name in ("first", "second")]
    await turns()
    slots.give()
    await asyncio.gather(*waiting)
    assert order == ["first", "second", "new work may begin"]


@pytest.mark.parametrize("forced", [True, False])
async def test_waits_that_end_early(forced):
    """Cancelled, or because the partition drains: nobody waits for a slot to end, and none is lost or made."""
    slots, drain = Slots(1), Drain()
    assert slots.take()

    async def wait(seconds):
        try:
            await slots.take_after(after(seconds), drain)
        finally:
            slots.give()

    waiting = [asyncio.create_task(wait(seconds)) for seconds in (0, 0, 60)]
    await turns()
    if forced:
        for task in waiting:
            task.cancel()
    else:
        drain.set()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(each) for each in ended} == {asyncio.CancelledError if forced else Draining}
    assert slots.free == 0
    slots.give()
    assert slots.free == 1


async def test_a_slot_that_comes_with_the_end_of_the_wait():
    """It is not lost with whoever had been given it at that moment."""
    slots = Slots(1)
    assert slots.take()
    waiting = [asyncio.create_task(slots.take_after(after(0), Drain())) for _ in range(2)]
    await turns()
    slots.give()
    waiting[0].cancel()
    await turns()
    assert [(task.done(), task.cancelled()) for task in waiting] == [(True, True), (True, False)]
    slots.give()
    assert slots.free == 0
    slots.give()
    assert slots.free == 1


@given(st.integers(1, 3), st.lists(st.tuples(st.integers(0, 3), st.booleans())))
def test_any_mix_of_waits(limit, plan):
    """Never more than the limit are at work, and in the end all slots are free."""

    async def main():
        slots, at_work = Slots(limit), [0]

        async def work(steps, drain):
            with suppress(Draining):
                await slots.take_after(after(0), drain)
                at_work[0] += 1
                assert at_work[0] <= limit
                await passing(steps)
                at_work[0] -= 1
            slots.give()

        async def passing(steps):
            for _ in range(steps):
                await asyncio.sleep(0)

        drains = [Drain() for _ in plan]
        assert [slots.take() for _ in range(limit)] == [True] * limit
        tasks = [asyncio.create_task(work(steps, drain)) for (steps, _), drain in zip(plan, drains, strict=True)]
        for _ in range(limit):
            slots.give()
        for (steps, drained), drain in zip(plan, drains, strict=True):
            await passing(steps)
            if drained:
                drain.set()
        await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)
        assert slots.free == limit

    asyncio.run(main())
