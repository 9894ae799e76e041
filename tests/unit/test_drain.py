"""Waits that a drain ends."""

import asyncio

import pytest

from worker.model.errors import Draining
from worker.partition.drain import Drain, after


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
