"""Plans of replays: the letters are fixed, each is judged, and for some minutes the plan may be run."""

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
from worker.tools.dead_letters.results import Left, Replayed, Result
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
    """A name that cannot be guessed and is safe in an address."""
    return secrets.token_urlsafe(12)


@dataclass(slots=True)
class Plan:
    """A plan. `due` would be replayed; `left` would not, by the reason why. `filter_query` leads to its list."""

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
        """For how many seconds the plan may still be run."""
        return max(0.0, self.until - clocks.monotonic())

    @property
    def is_due(self) -> bool:
        """Whether the plan may be run: it is judged, something would be replayed, and it is not too old."""
        return self.state == "ready" and self.seconds_left > 0 and len(self.due) > 0

    def add(self, result: Result) -> None:
        """Take what would become of one letter."""
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
        """Note that all letters were judged; those without a result are gone. The plan may be run from now on."""
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
        """The letters that would be replayed, and no others."""
        return Selection(self.due, dict(self.selection.lowest))

    def _places(self) -> PlaceSet:
        return PlaceSet(self.selection.places.spans)


@dataclass(slots=True)
class Plans:
    """The latest plans; the oldest is dropped when there are more than KEPT, and is judged no further."""

    settings: Settings
    kept: OrderedDict[str, Plan] = field(default_factory=OrderedDict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def make(self, name: str, selection: Selection, by: str, filter_query: str = "") -> Plan:
        """The plan of that name; judging it takes as long as reading the request topic."""
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
        """Judge the letters by a dry run; doubts are left, since each is looked up by itself."""
        found = await topics(wiring.plan(self.settings), wiring.connection(self.settings), plan.steps.progress)
        run = Run(self.settings, found, Order(look_up=False))
        async with aclosing(run.replay(plan.selection)) as happenings:
            async for each in happenings:
                for result in each.results if isinstance(each, Batch) else ():
                    plan.add(result)

    async def close(self) -> None:
        """Stop judging all plans."""
        tasks = [each.task for each in self.kept.values() if each.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
