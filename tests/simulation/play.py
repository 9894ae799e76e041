"""Plays a story in a world of its own, to its end: all faults over, everything handled, everybody gone."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from finding import Finding

from worker.settings.settings import Settings

from .acts import perform
from .at_rest import at_rest, within_bounds
from .facts import Facts, requests, unsettled
from .judge import judged
from .listening import PASSWORD
from .story import Story
from .verifying import disagreements
from .witness import Witness
from .world import BOOTSTRAP, Worker, World, event, world

ENDS_WITHIN = 900.0
"""Seconds in which everything has to end once all faults are over, beside the time that calls take."""
CALLS_EACH = 5
GONE_WITHIN = 120.0
GRACE = 5.0
CALM = 10
PARTITIONER = DefaultPartitioner()
MENDED_AFTER = 120
"""By then somebody has seen that the API rejects everything, and mended what made it do so."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it."""

    story: Story
    findings: list[Finding]
    seconds: float = 0.0
    steps: int = 0
    records: int = 0
    fingerprint: str = ""
    """Of all that was written and done: the same for the same story."""


@dataclass(eq=False)
class Stage:
    """A world with its story under way."""

    world: World
    story: Story
    settings: Settings
    published: int = 0
    copies: int = 1
    keyed: bool = True
    """Whether what the producer sends once more has the key that it had."""
    closed: bool = False
    """People have stopped everything; nobody begins a worker meanwhile."""
    stopped: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One of them at a time."""
    aborted: set[str] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)
    """Events that a person has had sent again, though a customer of them may exist."""
    keys: dict[str, bytes] = field(default_factory=dict)
    witness: Witness = field(init=False)
    background: set[asyncio.Task[None]] = field(default_factory=set)
    failed: list[Finding] = field(default_factory=list)
    """Acts that did not get to their end."""

    def __post_init__(self) -> None:
        self.witness = Witness(self.world.cluster, self.settings)

    def begin(self, settings: Settings | None = None, name: str | None = None) -> Worker | None:
        """One more worker; of static members the first name that nobody has."""
        if self.closed:
            return None
        settings = settings or self.settings
        if self.story.static:
            kafka = settings.kafka.model_copy(update={"group_instance_id": name or self._free_name()})
            settings = settings.model_copy(update={"kafka": kafka})
        return self.world.begin(settings)

    def _free_name(self) -> str:
        taken = {each.name for each in self.world.alive()}
        return next(name for name in map("pod-{}".format, count()) if name not in taken)

    def replace(self, worker: Worker, settings: Settings | None = None) -> None:
        """A clean stop, and another one: at once, but a name is free only when whoever has it is gone."""
        worker.stopping.set()
        if not self.story.static:
            self.begin(settings)
            return

        async def in_its_place() -> None:
            await asyncio.wait({worker.task})
            self.begin(settings)

        self.also(in_its_place())

    def later(self, seconds: float, undo: Callable[[], None]) -> None:
        """The end of what lasts; all of it is over before the story's end."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            undo()

        self.also(wait())

    def also(self, step: Awaitable[None]) -> None:
        """Beside everything else."""
        task = asyncio.ensure_future(step)
        self.background.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self.background.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.failed.append(Finding("act failed", repr(error)))


def settings_of(story: Story) -> Settings:
    """A worker's settings, its deadlines shortened where that only saves time."""
    rate = {"max_rate": story.rate} if story.rate else {}
    attribute = {"attribute": "externalid"} if story.look_up == "custom_attribute" else {}
    return Settings.model_validate(
        {
            "kafka": {"bootstrap_servers": ",".join(BOOTSTRAP), "session_timeout": story.session},
            "api": {"base_url": "http://api:80", "username": "u", "password": PASSWORD},
            "topics": {"partitions": story.partitions},
            "reconcile": {"by": story.look_up, **attribute},
            "dispatch": {
                "max_in_flight": story.in_flight,
                "max_uncommitted": story.ahead,
                "adaptive": story.adaptive,
                **rate,
            },
        }
    )


def play(story: Story) -> Played:
    """The whole story, and what it broke."""
    if not gc.get_freeze_count():
        gc.freeze()  # what is there before the first story is not looked through after each
    with world(story.seed) as made:
        stage = Stage(made, story, settings_of(story))
        made.api.manners.latency, made.api.manners.unique = story.latency, story.unique
        made.make_topics(stage.settings)
        made.cluster.group(stage.settings.kafka.group_id).on_commit = stage.witness.committed
        findings = made.loop.run_until_complete(_play(stage))
        gc.collect()
        findings += [Finding("task crashed", line) for line in made.loop.unforeseen]
        findings += [Finding("told too much", line) for line in made.listener.leaks[:1]]
        return Played(story, findings, made.loop.time(), made.loop.steps, stage.published, made.fingerprint())


async def _play(stage: Stage) -> list[Finding]:
    made, story = stage.world, stage.story
    for _ in range(story.workers):
        stage.begin()
    publishing = asyncio.create_task(_publish(stage))
    for each in story.happenings:
        await asyncio.sleep(max(0.0, each.at - made.loop.time()))
        await perform(stage, each)
    await publishing
    while stage.background:
        await asyncio.wait(set(stage.background))
    ended = await _ended(stage)
    findings = [] if ended else [Finding("stuck", line) for line in unsettled(stage)]
    findings += [] if ended else at_rest(stage)
    await _dismiss(made)
    facts = Facts.of(stage)
    findings += [
        *stage.failed,
        *within_bounds(stage),
        *_tasks_left(made),
        *stage.witness.findings,
        *judged(facts),
    ]
    return findings + (await disagreements(stage, facts) if ended else [])


async def _publish(stage: Stage) -> None:
    story, requests = stage.story, stage.settings.topics.requests
    producer = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, enable_idempotence=True, acks="all")
    await producer.start()
    for number in range(story.events):
        key = stage.keys[str(number)] = b"key-%d" % stage.world.random.randrange(story.keys)
        places = sorted(await producer.partitions_for(requests))
        for copy in range(stage.copies):
            given = {"key": key if stage.keyed or not copy else None, "partition": PARTITIONER(key, places, places)}
            await producer.send(requests, event(str(number)), **given)
        stage.published += 1
        await asyncio.sleep(story.pause * 2 * stage.world.random.random())
    await producer.stop()


async def _ended(stage: Stage) -> bool:
    """Everything is handled, and nothing happens any more for a while."""
    calm, story = 0, stage.story
    for second in range(int(ENDS_WITHIN + CALLS_EACH * requests(stage) * story.latency / story.in_flight)):
        if second == MENDED_AFTER:
            stage.world.api.bad.clear()
        await asyncio.sleep(1.0)
        calm = 0 if any(unsettled(stage)) or any(at_rest(stage)) else calm + 1
        if calm == CALM:
            return True
    return False


def _tasks_left(made: World) -> Iterator[Finding]:
    """Nothing keeps a process that was told to end."""
    for worker in made.workers:
        if not worker.machine.dead:
            for task in made.loop.tasks_of(worker.machine):
                yield Finding("task left", f"{worker.machine.name}: {getattr(task.get_coro(), '__qualname__', '?')}")


async def _dismiss(made: World) -> None:
    """A clean stop of everybody ends."""
    tasks = {worker.task for worker in made.alive()}
    for worker in made.alive():
        worker.stopping.set()
    if tasks:
        _, waiting = await asyncio.wait(tasks, timeout=GONE_WITHIN)
        if waiting:
            raise AssertionError(f"{len(waiting)} workers do not stop")
    await asyncio.sleep(GRACE)
    for worker in made.workers:
        for task in [] if worker.machine.dead else made.loop.tasks_of(worker.machine):
            task.cancel()  # as asyncio.run does, for the client's own that lost a cancellation
    await asyncio.sleep(GRACE)
