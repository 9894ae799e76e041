"""When batches leave."""

import asyncio

from patience import PATIENCE

from worker.kafka import departures
from worker.kafka.departures import Departures


async def test_at_once(monkeypatch):
    """With nothing on its way nobody waits for the clock."""
    monkeypatch.setattr(departures, "LONGEST", float("inf"))
    async with asyncio.timeout(PATIENCE):
        await Departures().wait()


async def test_several_at_once():
    """What is ready in the same turn of the loop leaves together, though the first of them is on its way by then."""
    leaving, left = Departures(), list[str]()

    async def leaves(name):
        await leaving.wait()
        leaving.left()
        left.append(name)

    waiting = [asyncio.create_task(leaves(name)) for name in ("a", "b")]
    while not left:
        await asyncio.sleep(0)
    assert left == ["a", "b"]
    await asyncio.gather(*waiting)


async def test_several_arrivals():
    """All that came with one answer leave together: none of them goes ahead of the others."""
    leaving, left = Departures(), list[str]()

    async def goes_on(name):
        leaving.arrived()
        await _leaves(leaving, name, left)

    for _ in range(3):
        leaving.left()
    waiting = [asyncio.create_task(goes_on(name)) for name in ("a", "b", "c")]
    while not left:
        await asyncio.sleep(0)
    assert left == ["a", "b", "c"]
    await asyncio.gather(*waiting)


async def test_with_the_first_arrival():
    """What comes meanwhile leaves together as soon as one batch has arrived, though another is still on its way."""
    leaving, left = Departures(), list[str]()
    leaving.left()
    leaving.left()
    waiting = [asyncio.create_task(_leaves(leaving, name, left)) for name in ("a", "b")]
    await asyncio.sleep(0)
    assert left == []
    leaving.arrived()
    await asyncio.gather(*waiting)
    assert left == ["a", "b"]


async def test_whatever_becomes_of_the_others(monkeypatch):
    """A batch that never arrives keeps nobody for long."""
    monkeypatch.setattr(departures, "LONGEST", 0.0)
    leaving = Departures()
    leaving.left()
    await leaving.wait()


async def test_one_that_stops_waiting():
    """The others leave all the same."""
    leaving, left = Departures(), list[str]()
    leaving.left()
    first, second = (asyncio.create_task(_leaves(leaving, name, left)) for name in ("a", "b"))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    leaving.arrived()
    await second
    assert left == ["b"]


async def test_lingering():
    """All that comes within the time leaves at its end, and an arrival changes nothing."""
    leaving, left = Departures(linger=0.001), list[str]()
    leaving.left()
    waiting = [asyncio.create_task(_leaves(leaving, name, left)) for name in ("a", "b")]
    await asyncio.sleep(0)
    leaving.arrived()
    await asyncio.sleep(0)
    assert left == []
    await asyncio.gather(*waiting)
    assert left == ["a", "b"]


async def _leaves(leaving, name, left):
    await leaving.wait()
    left.append(name)
