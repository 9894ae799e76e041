"""Waits that a drain ends."""

import asyncio
import gc
import weakref
from contextlib import suppress

import pytest

from worker.model.errors import Draining
from worker.partition.drain import Drain, after
from worker.partition.slots import Slots


async def test_a_wait_until_its_time():
    """It ends by itself, and leaves nothing behind."""
    drain = Drain()
    await drain.unless(after(0))
    assert not drain._waiting


@pytest.mark.parametrize("before", [True, False])
async def test_a_wait_in_a_drain(before):
    """It ends at once, whether the drain began before or meanwhile; its timer is gone."""
    drain, awaited = Drain(), after(60)
    if before:
        drain.set()
    else:
        asyncio.get_running_loop().call_soon(drain.set)
    with pytest.raises(Draining):
        await drain.unless(awaited)
    assert awaited.done()
    assert not drain._waiting


async def test_an_end_and_a_drain_at_the_same_moment():
    """What came first counts: the wait's own end is not taken back."""
    drain, awaited = Drain(), after(60)
    asyncio.get_running_loop().call_soon(awaited.set_result, None)
    asyncio.get_running_loop().call_soon(drain.set)
    await drain.unless(awaited)
    assert drain.is_set()


class Held:
    """Something that a record holds while it waits."""


async def test_what_waited_is_gone_with_the_drain():
    """At once, and not when somebody looks for cycles: a partition may have thousands that wait."""
    drain, slots = Drain(), Slots(1)
    gone: list[str] = []

    async def waiting():
        held = Held()
        weakref.finalize(held, lambda: gone.append("held"))
        with suppress(Draining):
            await slots.without(after(3600), drain)

    slots.take()
    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    gc.disable()
    try:
        drain.set()
        await task
        assert gone == ["held"]
    finally:
        gc.enable()
