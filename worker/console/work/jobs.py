"""What a run can do: replay letters, look a doubt up in the CRM, or tell the worker what a person knows of one."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace

from worker import wiring
from worker.console.index.brief import brief
from worker.console.work.ends import Ends
from worker.console.work.runs import Run
from worker.creation.reconcile import Finding
from worker.model.errors import WorkerError
from worker.model.records import Position
from worker.settings.settings import Settings
from worker.terminal.text import plain
from worker.tools.dead_letters import run as replays
from worker.tools.dead_letters.following import results_from_now
from worker.tools.dead_letters.letters import letter
from worker.tools.dead_letters.look_back import look_back
from worker.tools.dead_letters.received import Lacking
from worker.tools.dead_letters.replay import REPLAYED, RESOLVED, Origin, Rules
from worker.tools.dead_letters.resolving import Resolved, Resolving, Word
from worker.tools.dead_letters.results import EXISTS, Found, Left, Replayed, Result
from worker.tools.dead_letters.run import Batch, Order
from worker.tools.dead_letters.selection import Selection, request_of
from worker.tools.dead_letters.shown import Shown, record_at
from worker.tools.dead_letters.topic import Topics, topics
from worker.tools.reading.place import Place

LOOK_UP_WITHIN = 300.0
LISTED = 200
"""Letters that are told one by one; all are counted."""
REASONS = 50
OTHERWISE = "left for other reasons"


async def _topics(settings: Settings, run: Run) -> Topics:
    return await topics(wiring.plan(settings), wiring.connection(settings), run.steps.progress)


def unforced(settings: Settings) -> Settings:
    """Settings with which a login of the console ends no worker's session: if all five are taken it is refused."""
    return settings.model_copy(update={"api": settings.api.model_copy(update={"force_login": False})})


@dataclass(slots=True)
class Replay:
    """Judges each letter once more, then publishes it. `single` is the doubt that it is about, if it is about one."""

    settings: Settings
    selection: Selection
    rate: float | None = None
    single: Place | None = None
    accept_duplicates: bool = False
    total: int = 0
    replayed: int = 0
    left: Counter[str] = field(default_factory=Counter)
    listed: list[Result] = field(default_factory=list)
    ends: Ends = field(init=False)

    def __post_init__(self) -> None:
        self.ends = Ends(self.settings.topics.requests)
        self.total = len(self.selection.places)

    @property
    def kind(self) -> str:
        """The kind of run; accepting a duplicate is another one than a replay."""
        return "accept a duplicate" if self.accept_duplicates else "replay"

    def facts(self) -> dict[str, object]:
        """Counts for the log, and the single letter if there is one."""
        told = {"letters": self.total, "replayed": self.replayed, "left": self.left.total()}
        return {**told, "letter": str(self.single) if self.single else None}

    async def do(self, run: Run) -> None:
        """Replay, then wait until the worker has ended all of it, or some minutes are over."""
        settings = unforced(self.settings)
        found = await _topics(settings, run)
        async with results_from_now(found) as results:
            replay = replays.Run(settings, found, self._order(run)).replay(self.selection)
            async with aclosing(replay) as happenings:
                async for each in happenings:
                    for result in each.results if isinstance(each, Batch) else ():
                        self.add(result)
                    await self.ends.take(results)
            run.published()
            await self.ends.wait(results, lambda: run.is_stopping)

    def _order(self, run: Run) -> Order:
        """The order of the replay. Only a single doubt is looked up: a person could not answer for many."""
        return Order(
            publish=True,
            rate=self.rate,
            accept_duplicates=self.accept_duplicates,
            look_up=self.single is not None,
            origin=Origin(run.name, plain(run.by)),
            stopped=lambda: run.is_stopping,
            sleep=run.sleep,
        )

    def add(self, result: Result) -> None:
        """Count what became of a letter."""
        match result:
            case Replayed(which, at):
                self.replayed += 1
                self.ends.expect(which.place, at)
            case Found():
                self.left[EXISTS] += 1
            case Left(_, why):
                self.left[why if why in self.left or len(self.left) < REASONS else OTHERWISE] += 1
        if len(self.listed) < LISTED:
            self.listed.append(replace(result, letter=brief(result.letter)))


@dataclass(slots=True)
class LookUp:
    """Asks the CRM, in a session of its own, whether the customer of one doubt exists; publishes nothing."""

    settings: Settings
    place: Place
    finding: Finding | None = None
    known: str | None = None
    may_be_sent: bool = False
    """Whether a customer that is not found may be sent: not if the API said that it made it."""
    kind: str = "look up"

    def facts(self) -> dict[str, object]:
        """The letter, and the kind of finding, for the log."""
        finding = type(self.finding).__name__.lower() if self.finding else None
        return {"letter": str(self.place), "finding": finding}

    async def do(self, run: Run) -> None:
        """Look the customer up. WorkerError says why that is not possible."""
        settings = unforced(self.settings)
        found = await _topics(settings, run)
        record = await record_at(found, self.place)
        which = letter(record)
        rules = Rules(found.plan.requests, {}, settings.dead_letters.max_replays)
        if not rules.is_ours(which) or not which.is_doubt:
            raise WorkerError(f"{self.place} is {which.called}, and no doubt about a record of {found.plan.requests}")
        whole = await Shown(settings, found, which).whole(record)
        if isinstance(whole, Lacking):
            raise WorkerError(f"{self.place}: {whole.why}")
        self.may_be_sent = not which.exists
        request = request_of(which, found.plan.requests)
        before = await look_back(found, {request.partition: request.offset} if request else {})
        self.known = REPLAYED if request in before.replayed else RESOLVED if before.resolved.of(which) else None
        run.steps.what = "asking the CRM, once what was on its way has had its time"
        async with asyncio.timeout(LOOK_UP_WITHIN), AsyncExitStack() as stack:
            asks = await replays.look_up(settings, stack)
            self.finding = await asks(which, rules.replayed(which, whole, accepted=False))


@dataclass(slots=True)
class Resolve:
    """Tells the worker which customer the event of one doubt has."""

    settings: Settings
    place: Place
    word: Word
    resolved: Resolved | None = None
    ends: Ends = field(init=False)
    kind: str = "resolve"

    def __post_init__(self) -> None:
        self.ends = Ends(self.settings.topics.requests)

    def facts(self) -> dict[str, object]:
        """The letter, and the customer's id, for the log."""
        return {"letter": str(self.place), "customer_id": self.word.customer_id}

    async def do(self, run: Run) -> None:
        """Publish it, then wait until the worker has confirmed it, or some minutes are over."""
        found = await _topics(self.settings, run)
        async with results_from_now(found) as results:
            resolved = await Resolving(self.settings, found, publish=True).resolve(self.place, self.word)
            self.resolved = resolved
            if resolved.at and not resolved.before:
                self.ends.expect(self.place, Position(found.plan.requests, *resolved.at))
                run.published()
                await self.ends.wait(results, lambda: run.is_stopping)


Job = Replay | LookUp | Resolve
