"""A replay as it would be: its letters are pinned, each is judged, and for some minutes it may be run."""

import asyncio
import secrets
from collections import Counter, OrderedDict
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal

import structlog

from worker import clocks, wiring
from worker.console.work.steps import Steps, why
from worker.settings.settings import Settings
from worker.tools.dead_letters.replaying import Left, Replayed, Result
from worker.tools.dead_letters.run import Batch, Order, Run
from worker.tools.dead_letters.selection import Selection
from worker.tools.dead_letters.topic import topics
from worker.tools.reading.place import Place
from worker.tools.reading.place_set import PlaceSet

log = structlog.get_logger()
LASTS = 600.0
KEPT = 20
AT_ONCE = 2
REASONS = 50
OTHERWISE = "left for other reasons"
GONE = "not in the topic any more"
State = Literal["judging", "ready", "failed"]


def new_name() -> str:
    """Nobody guesses it, and it is safe in an address."""
    return secrets.token_urlsafe(12)


@dataclass(slots=True)
class Plan:
    """`due` would be replayed; `left` would not, by the reason why. `filter_query` is the filter it was made from."""

    name: str
    by: str
    selection: Selection
    filter_query: str = ""
    steps: Steps = field(default_factory=Steps)
    state: State = "judging"
    trouble: str | None = None
    due: PlaceSet = field(init=False)
    left: dict[str, PlaceSet] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    until: float = 0.0
    task: "asyncio.Task[None] | None" = None

    def __post_init__(self) -> None:
        self.due = self._places()

    @property
    def seconds_left(self) -> float:
        """For so long it may still be run."""
        return max(0.0, self.until - clocks.monotonic())

    @property
    def is_due(self) -> bool:
        """Whether it may be run: it was judged, something would be replayed, and not too long ago."""
        return self.state == "ready" and self.seconds_left > 0 and len(self.due) > 0

    def add(self, result: Result) -> None:
        """What would become of one letter."""
        match result:
            case Replayed(letter, _):
                self.due.add(letter.place)
                self.reasons[letter.called] += 1
            case Left(letter, reason):
                self._leave(letter.place, reason)
            case _:
                self._leave(result.letter.place, OTHERWISE)

    def _leave(self, place: Place, reason: str) -> None:
        known = reason if reason in self.left or len(self.left) < REASONS else OTHERWISE
        self.left.setdefault(known, self._places()).add(place)

    def judged(self) -> None:
        """All that are still there were; from now on it counts for some minutes."""
        told = [self.due, *self.left.values()]
        gone = self._places()
        for number, offsets in self.selection.places.parts.items():
            rest = offsets
            for each in told:
                rest = rest.without(each.parts[number])
            gone.parts[number] = rest
        if len(gone):
            self.left[GONE] = gone
        self.state, self.until = "ready", clocks.monotonic() + LASTS

    def to_run(self) -> Selection:
        """The letters that would be replayed, and no other: none that came later, none that was left."""
        return Selection(self.due, dict(self.selection.lowest))

    def _places(self) -> PlaceSet:
        return PlaceSet(self.selection.places.spans)


@dataclass(slots=True)
class Plans:
    """Kept until twenty newer ones are there; one that is forgotten is not judged any more."""

    settings: Settings
    kept: OrderedDict[str, Plan] = field(default_factory=OrderedDict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def make(self, name: str, selection: Selection, by: str, filter_query: str = "") -> Plan:
        """The plan of that name; judging it takes as long as the request topic takes to be read."""
        if known := self.kept.get(name):
            return known
        plan = self.kept[name] = Plan(name, by, selection, filter_query)
        plan.task = asyncio.create_task(self._judge(plan), name="plan")
        while len(self.kept) > KEPT:
            _, oldest = self.kept.popitem(last=False)
            if oldest.task:
                oldest.task.cancel()
        log.info("plan.started", plan=name, by=by, letters=len(selection.places))
        return plan

    async def _judge(self, plan: Plan) -> None:
        try:
            async with self._slots:
                await self._dry_run(plan)
            plan.judged()
        except Exception as error:  # noqa: BLE001  the page tells it
            plan.state, plan.trouble = "failed", why(error)

    async def _dry_run(self, plan: Plan) -> None:
        """Doubts are left: each of them is asked about by itself."""
        found = await topics(wiring.plan(self.settings), wiring.connection(self.settings), plan.steps.progress)
        run = Run(self.settings, found, Order(look_up=False))
        async with aclosing(run.replay(plan.selection)) as happenings:
            async for each in happenings:
                for result in each.results if isinstance(each, Batch) else ():
                    plan.add(result)

    async def close(self) -> None:
        """None is judged any more."""
        tasks = [each.task for each in self.kept.values() if each.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
