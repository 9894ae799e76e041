"""Notes what each task waits for while it holds something, in the worker's own code (order: worker.partition.slots)."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from worker.creation.holds import Holds
from worker.intake.dispatch import Dispatch
from worker.partition.locks import EventLocks, Wait
from worker.partition.slots import Slots
from worker.pipeline import Pipeline

ORDER = ("event", "permission", "slot", "call", "time")
"""The order in which things are taken: a task may wait only for what stands behind all that it holds."""


class Waits:
    """What each task holds, and all pairs (held, waited for) that were seen."""

    def __init__(self) -> None:
        self.pairs: set[tuple[str, str]] = set()
        self._held: dict[asyncio.Task[Any] | None, set[str]] = {}
        self._next: dict[asyncio.Task[Any] | None, str] = {}

    @contextmanager
    def record(self) -> Iterator[None]:
        """Inside, this task works on a record and holds a slot; other tasks are not looked at."""
        if (task := _task()) in self._held:
            yield
            return
        self._held[task] = {"slot"}
        try:
            yield
        finally:
            del self._held[task]

    def takes(self, thing: str) -> None:
        """This task holds it from now on."""
        self._held.get(_task(), set()).add(thing)

    def leaves(self, thing: str) -> None:
        """This task does not hold it any more."""
        self._held.get(_task(), set()).discard(thing)

    def waits(self, thing: str) -> None:
        """This task may have to wait for it now."""
        self.pairs |= {(held, thing) for held in self._held.get(_task(), ())}

    @contextmanager
    def next_wait(self, thing: str) -> Iterator[None]:
        """A wait inside the block is for that; if the slot was not given back meanwhile, all that is held counts."""
        self._next[_task()] = thing
        try:
            yield
        finally:
            if self._next.pop(_task(), None):
                self.waits(thing)

    def without_slot(self) -> None:
        """The task waits without its slot: for what `next_wait` named, else for time."""
        self.waits(self._next.pop(_task(), "time"))

    def circular(self) -> set[tuple[str, str]]:
        """Pairs against the order; without any, tasks can never wait for each other in a circle."""
        return {(held, thing) for held, thing in self.pairs if ORDER.index(held) >= ORDER.index(thing)}


def _task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # a test without a loop
        return None


def watched(monkeypatch: pytest.MonkeyPatch) -> Waits:
    """Note from now on what records take, give back and wait for."""
    waits = Waits()
    for owner, name, wrapped in (
        (Pipeline, "process", _with_a_slot),
        (Dispatch, "_run", _with_a_slot),
        (Slots, "give", _given),
        (Slots, "take_after", _taken_after),
        (Slots, "_take_again", _taken_again),
        (EventLocks, "acquire", _locked),
        (EventLocks, "release", _unlocked),
        (Holds, "permission", _permission),
        (asyncio.Semaphore, "acquire", _called),
        (asyncio.Semaphore, "release", _hung_up),
    ):
        monkeypatch.setattr(owner, name, wrapped(waits, getattr(owner, name)))
    return waits


Method = Callable[..., Any]


def _with_a_slot(waits: Waits, method: Method) -> Method:
    async def run(*given: Any, **named: Any) -> Any:
        with waits.record():
            return await method(*given, **named)

    return run


def _given(waits: Waits, method: Method) -> Method:
    def give(slots: Slots) -> None:
        waits.leaves("slot")
        method(slots)

    return give


def _taken_after(waits: Waits, method: Method) -> Method:
    async def take_after(slots: Slots, *given: Any) -> None:
        waits.without_slot()
        try:
            await method(slots, *given)
        finally:
            waits.takes("slot")

    return take_after


def _taken_again(waits: Waits, method: Method) -> Method:
    async def take_again(slots: Slots, *given: Any) -> None:
        waits.waits("slot")
        await method(slots, *given)

    return take_again


def _locked(waits: Waits, method: Method) -> Method:
    async def acquire(locks: EventLocks, event: Any, wait: Wait) -> None:
        async def waited(ours: asyncio.Future[None]) -> None:
            with waits.next_wait("event"):
                await wait(ours)

        await method(locks, event, waited)
        waits.takes("event")

    return acquire


def _unlocked(waits: Waits, method: Method) -> Method:
    def release(locks: EventLocks, event: Any) -> None:
        waits.leaves("event")
        method(locks, event)

    return release


def _permission(waits: Waits, method: Method) -> Method:
    def permission(holds: Holds, pause: Any, *given: Any, **named: Any) -> Any:
        async def paused(seconds: float) -> None:
            with waits.next_wait("permission"):
                await pause(seconds)

        return _Permission(waits, method(holds, paused, *given, **named))

    return permission


class _Permission:
    def __init__(self, waits: Waits, inner: Any) -> None:
        self._waits = waits
        self._inner = inner

    async def __aenter__(self) -> bool:
        if probe := await self._inner.__aenter__():
            self._waits.takes("permission")
        return bool(probe)

    async def __aexit__(self, *error: Any) -> None:
        self._waits.leaves("permission")
        await self._inner.__aexit__(*error)


def _called(waits: Waits, method: Method) -> Method:
    async def acquire(semaphore: asyncio.Semaphore) -> Any:
        waits.waits("call")
        taken = await method(semaphore)
        waits.takes("call")
        return taken

    return acquire


def _hung_up(waits: Waits, method: Method) -> Method:
    def release(semaphore: asyncio.Semaphore) -> None:
        waits.leaves("call")
        method(semaphore)

    return release
