"""The calls that there may be at once, and moving their number while they are made."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from worker.creation.adaptive import LEAST, START, Adaptive
from worker.creation.api_limit import ApiLimit, slots_for
from worker.creation.calls import Call, Calls
from worker.partition.slots import Slots

STEPS = st.lists(st.sampled_from(["take", "give", "cancel", *range(1, 7)]), max_size=60)


@dataclass
class Callers:
    """Who waits for one of six calls, and who has one."""

    calls: Calls = field(default_factory=lambda: Calls(6))
    waiting: list[asyncio.Future[Any]] = field(default_factory=list)
    taken: int = 0

    async def do(self, step):
        if step == "take":
            self.waiting.append(asyncio.ensure_future(self.calls.acquire()))
        elif step == "give" and self.taken:
            self.taken -= 1
            self.calls.release()
        elif step == "cancel" and self.waiting:
            self.waiting[-1].cancel()
        elif isinstance(step, int):
            self.calls.move(step)
        await self.settled()

    async def settled(self):
        for _ in range(3):
            await asyncio.sleep(0)
        self.taken += sum(task.done() and not task.cancelled() for task in self.waiting)
        self.waiting = [task for task in self.waiting if not task.done()]


@given(STEPS)
def test_any_moves(steps):
    """After each step as many have a call as may; nobody loses one that it has, and none is lost."""

    async def story():
        callers = Callers()
        for step in steps:
            had = callers.taken
            await callers.do(step)
            limit = callers.calls.limit
            assert callers.taken <= max(limit, had)
            assert not callers.waiting or callers.taken >= limit
            assert callers.calls.locked() == (callers.taken >= limit)
        for task in callers.waiting:
            task.cancel()
        await callers.do(6)
        for _ in range(callers.taken):
            callers.calls.release()
        assert callers.calls._value == 6

    asyncio.run(story())


async def test_a_record_that_has_a_call():
    """It keeps it when there may be fewer."""
    calls = Calls(4)
    with Call(calls) as call:
        await call.take()
        calls.move(1)
        assert call.taken
        assert calls.locked()
    assert not calls.locked()


def test_the_slots_follow():
    """Records are made ready for calls that there may be, and no others."""
    calls, slots = Calls(64), Slots(slots_for(64))
    limit = ApiLimit(calls, slots, Adaptive(64), clock=lambda: 1.0)
    assert (calls.limit, slots.limit, slots.free, limit.binds) == (START, slots_for(START), slots_for(START), True)


async def test_answers_move_it():
    """Up where they come fast, down at a refusal; without adaptation nothing moves."""
    now = [0.0]
    calls = Calls(64)
    limit = ApiLimit(calls, None, Adaptive(64), clock=lambda: now[0])
    for _ in range(START):
        await calls.acquire()
    for number in range(LEAST):
        now[0] = 0.05 + number / 1000
        limit.answered(0.0)
    assert calls.limit == 2 * START
    limit.refused(now[0])
    assert calls.limit < 2 * START
    fixed = ApiLimit(Calls(8))
    fixed.refused(0.0)
    fixed.answered(0.0)
    assert (fixed.calls.limit, fixed.binds) == (8, False)


async def test_fewer_slots_than_are_taken():
    """Whoever has one keeps it; new work waits until there are few enough."""
    slots, free = Slots(4), []
    slots.when_free(lambda: free.append(slots.free))
    assert [slots.take() for _ in range(4)] == [True] * 4
    slots.resize(2)
    for _ in range(2):
        slots.give()
    assert (slots.free, slots.take(), free) == (0, False, [])
    slots.resize(6)
    assert (slots.free, free) == (4, [4])
