"""The bound on what is worked on at once."""

import asyncio

import pytest

from worker.slots import Slots


async def test_who_returns_comes_before_new_work():
    """And among those who return, who waited longest."""
    slots, order = Slots(1), []
    slots.when_free(lambda: order.append("new work may begin"))
    assert slots.take()
    assert not slots.take()

    async def back(name):
        await slots.returned()
        order.append(name)
        slots.give()

    returning = [asyncio.create_task(back(name)) for name in ("first", "second")]
    await asyncio.sleep(0)
    slots.give()
    await asyncio.gather(*returning)
    assert order == ["first", "second", "new work may begin"]


async def test_a_wait_that_is_cancelled():
    """It keeps no slot, even when it was just given one."""
    slots = Slots(1)
    assert slots.take()
    waiting = [asyncio.create_task(slots.returned()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    slots.give()
    waiting[1].cancel()
    for task in waiting:
        with pytest.raises(asyncio.CancelledError):
            await task
    assert slots.take()
    assert not slots.take()
