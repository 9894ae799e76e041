"""An event loop whose time is virtual and whose order of callbacks is drawn, for machines that fail one by one.

Nothing waits: when no callback is ready, time jumps to the next timer. Every callback belongs to the machine in whose
context it was made; those of a frozen machine wait until it is thawed, those of a dead one never run.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random
from typing import Any

LATE = 0.001
"""A timer is late by up to this many seconds, so that equal ones do not always fire in the order of their making."""
SWEPT_WITHIN = 600.0
SWEPT_EVERY = 1_000
CHOICE = 16
"""How many of the ready callbacks may come first."""


@dataclass(eq=False)
class Machine:
    """One computer. Its clocks run at a rate of their own, and the wall clock may be wrong. Seconds."""

    name: str
    rate: float = 1.0
    wall_ahead: float = 0.0
    suspended: float = 0.0
    frozen: bool = False
    dead: bool = False
    kept: deque[asyncio.Handle] = field(default_factory=deque)

    def boot(self, now: float) -> float:
        """What its clock says that counts since boot; it goes on while the machine is frozen."""
        return 1_000.0 + now * self.rate

    def monotonic(self, now: float) -> float:
        """The same without the time for which it was suspended."""
        return self.boot(now) - self.suspended

    def wall(self, now: float) -> float:
        """Seconds since the epoch, as it believes."""
        return EPOCH + now * self.rate + self.wall_ahead


EPOCH = 1_800_000_000.0
OUTSIDE = Machine("outside")
HERE: ContextVar[Machine] = ContextVar("the machine on which this code runs", default=OUTSIDE)


class Stuck(Exception):
    """Nothing is ready and no timer is set: whoever waits would wait for ever."""


class VirtualLoop(asyncio.BaseEventLoop):
    """The same seed makes the same story."""

    _ready: deque[asyncio.Handle]
    _stopping: bool

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random
        self._now = 0.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._made = 0
        self.steps = 0
        self._begun: list[tuple[asyncio.Task[Any], Machine]] = []
        self.set_task_factory(self._task)
        self.unforeseen: list[str] = []
        super().set_exception_handler(self._nobody_waited)
        self.on_step: Callable[[], None] = lambda: None

    def time(self) -> float:
        """Seconds since the story began; the same for all machines."""
        return self._now

    def call_at(  # type: ignore[override]  # typeshed's has a type variable for the arguments
        self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """A little late, as timers are; a machine whose clock is fast has its timers early."""
        machine: Machine = (context.get(HERE, OUTSIDE) if context else None) or HERE.get()
        due = self._now + max(0.0, when - self._now) / machine.rate + self._random.random() * LATE
        timer = asyncio.TimerHandle(due, callback, args, self, context)
        self._made += 1
        heapq.heappush(self._timers, (due, self._made, timer))
        return timer

    def _task(self, _: asyncio.AbstractEventLoop, coroutine: Any, **given: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=self, **given)
        context = given.get("context")
        self._begun.append((task, context.get(HERE, OUTSIDE) if context else HERE.get()))
        if len(self._begun) % SWEPT_EVERY == 0:
            self._begun = [each for each in self._begun if not each[0].done()]
        return task

    def _nobody_waited(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Errors in tasks that nobody waits for; how a call of aiokafka's ended is its own affair."""
        error = context.get("exception")
        if error is not None and not type(error).__module__.startswith("aiokafka"):
            self.unforeseen.append(f"{context['message']}: {error!r}")

    def set_exception_handler(self, handler: object) -> None:
        """What a command of ours would have for its own process is not for all machines."""

    def tasks_of(self, machine: Machine) -> list[asyncio.Task[Any]]:
        """Those that have not ended."""
        return [task for task, of in self._begun if of is machine and not task.done()]

    def freeze(self, machine: Machine) -> None:
        """It stands still; the world goes on."""
        machine.frozen = True

    def thaw(self, machine: Machine) -> None:
        """What became due meanwhile runs now."""
        machine.frozen = False
        self._ready.extend(machine.kept)
        machine.kept.clear()

    def kill(self, machine: Machine) -> None:
        """Nothing of it runs any more."""
        machine.dead = True
        machine.kept.clear()

    def sweep(self, machines: Iterable[Machine]) -> None:
        """The story is over: everybody may end what they had begun, and what does not end is forgotten."""
        for machine in machines:
            machine.dead = False
            if machine.frozen:
                self.thaw(machine)
        with suppress(Stuck):
            self.run_until_complete(self._cancel_all())
        self.run_until_complete(self._forget_all())
        self.close()

    async def _cancel_all(self) -> None:
        until = self.time() + SWEPT_WITHIN
        while self.time() < until and (others := asyncio.all_tasks() - {asyncio.current_task()}):
            for task in sorted(others, key=asyncio.Task.get_name):
                task.cancel()
            await asyncio.wait(others, timeout=1.0)

    async def _forget_all(self) -> None:
        """Whose wake-up was lost with its machine never hears that it is cancelled; it ends where it stands."""
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio has no public way
            with suppress(RuntimeError):  # it goes on to wait
                task.get_coro().close()

    @contextmanager
    def on(self, machine: Machine) -> Iterator[None]:
        """What is begun inside belongs to that machine."""
        token = HERE.set(machine)
        try:
            yield
        finally:
            HERE.reset(token)

    def _run_once(self) -> None:
        self._wake()
        if not self._ready:
            self._advance()
            return
        handle = self._next()
        if handle._cancelled:
            return
        machine: Machine = handle._context.get(HERE, OUTSIDE)  # type: ignore[attr-defined]  # it is told nowhere else
        if machine.dead:
            return
        if machine.frozen:
            machine.kept.append(handle)
            return
        self.steps += 1
        handle._run()
        self.on_step()

    def _next(self) -> asyncio.Handle:
        if len(self._ready) > 1:
            self._ready.rotate(-self._random.randrange(min(CHOICE, len(self._ready))))
        return self._ready.popleft()

    def _wake(self) -> None:
        """Timers that are due are ready."""
        timers, now = self._timers, self._now
        while timers and (timers[0][0] <= now or timers[0][2]._cancelled):
            handle = heapq.heappop(timers)[2]
            if not handle._cancelled:
                self._ready.append(handle)

    def _advance(self) -> None:
        if self._stopping:
            return
        if not self._timers:
            raise Stuck("nothing is ready and no timer is set")
        self._now = self._timers[0][0]

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers leave the heap when they are due."""

    def _write_to_self(self) -> None:
        """Nobody sleeps, so that nobody has to be woken."""

    def _process_events(self, event_list: object) -> None:
        """No file is watched."""
