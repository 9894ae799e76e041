"""One at a time for each event, whoever gives up meanwhile."""

import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE

from worker.model.errors import Draining
from worker.partition.locks import EventLocks


async def plainly(ours):
    await ours


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.booleans()), max_size=20))
def test_any_mix_of_things(plan):
    """Never two at once for one thing, all who stay get it in their order, and nothing is kept."""

    async def main():
        locks, inside = EventLocks(), Counter[str]()
        order: dict[str, list[int]] = {"a": [], "b": []}

        async def use(number, thing, steps):
            async with locks.of(thing, plainly):
                inside[thing] += 1
                assert inside[thing] == 1
                order[thing].append(number)
                try:
                    for _ in range(steps):
                        await asyncio.sleep(0)
                finally:
                    inside[thing] -= 1

        tasks = [asyncio.create_task(use(number, thing, steps)) for number, (thing, steps, _) in enumerate(plan)]
        await asyncio.sleep(0)
        for task, (_, _, gives_up) in zip(tasks, plan, strict=True):
            if gives_up:
                task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), PATIENCE)
        stayed = [number for number, task in enumerate(tasks) if not task.cancelled()]
        assert set(stayed) <= {*order["a"], *order["b"]}
        assert all(numbers == sorted(numbers) for numbers in order.values())
        assert not locks._waiting

    asyncio.run(main())


async def test_a_lock_that_came_and_was_not_used():
    """What is waited for behind it ends the wait: it goes on to the next."""
    locks, entered = EventLocks(), []

    async def drained(ours):
        await ours
        raise Draining

    async def use(name, wait):
        async with locks.of("a", wait):
            entered.append(name)
            await asyncio.sleep(0)

    waits = {"first": plainly, "second": drained, "third": plainly}
    ended = await asyncio.gather(*(use(*each) for each in waits.items()), return_exceptions=True)
    assert entered == ["first", "third"]
    assert isinstance(ended[1], Draining)
    assert not locks._waiting
