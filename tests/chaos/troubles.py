"""What will happen during a seed, and when: drawn from the seed alone, and told before it happens."""

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

EVENTS = 2000
PUBLISHED_IN = 13.0
"""Seconds in which a seed's events are published, about."""
WORKERS = 3


class Trouble(StrEnum):
    """Everything that can be done to the workers, to Kafka and to the API."""

    KILL = "kill"  # SIGKILL, and another worker after some seconds
    TERM = "stop"  # SIGTERM, and another worker after some seconds
    TERM_TWICE = "force"  # a second SIGTERM before the first is done with
    NAP = "nap"  # SIGSTOP for less than the session
    FREEZE = "freeze"  # SIGSTOP for longer than the session
    SCALE = "scale"  # another number of workers

    BROKER_KILL = "broker kill"
    BROKER_STOP = "broker restart"
    BROKER_FREEZE = "broker freeze"

    REFUSE = "api refuses"  # no connection is taken, and those there are end
    HANG = "api hangs"  # connections are taken and nothing is answered
    EXPIRE = "api 401"  # sessions end under the calls
    LOCK_OUT = "api logs nobody in"
    LOSE = "api replies lost"  # executed, and the connection closed
    LATE = "api executes late"  # when the client has gone
    BUSY = "api 503"
    TOO_MANY = "api 429"
    PATIENT = "api 503 with Retry-After"
    BROKEN = "api 500, executed"
    GATEWAY = "api 502, executed"
    RESET = "api resets"
    SLOW = "api slow"
    NO_LOCATION = "api 201 without Location"
    NO_SEARCH = "api search fails"

    # Each is a class of its own in chaos.faults; those before it are faults of the sandbox, signals and the broker's.
    COMMITTED = "transaction committed"
    ABORTED = "transaction aborted"
    LEFT_OPEN = "transaction left open"
    REQUESTS_DELETED = "requests deleted"
    JOURNAL_DELETED = "journal deleted"
    GROUP_DELETED = "group deleted"
    PARTITIONS_ADDED = "partitions added"
    UNREADABLE = "batch unreadable"
    ODD = "odd records"
    REPEATS = "repeats"
    FLOOD = "api refuses everybody"
    REDIRECT = "api redirects"
    ONE_SEARCH = "one search breaks"
    QUIET = "quiet"
    RESOLVE = "resolve"


OF_WORKERS = frozenset({Trouble.KILL, Trouble.TERM, Trouble.TERM_TWICE, Trouble.NAP, Trouble.FREEZE, Trouble.SCALE})
OF_BROKER = frozenset({Trouble.BROKER_KILL, Trouble.BROKER_STOP, Trouble.BROKER_FREEZE})
OF_FAULTS = frozenset(
    {
        *(Trouble.COMMITTED, Trouble.ABORTED, Trouble.LEFT_OPEN, Trouble.REQUESTS_DELETED, Trouble.JOURNAL_DELETED),
        *(Trouble.GROUP_DELETED, Trouble.PARTITIONS_ADDED, Trouble.UNREADABLE, Trouble.ODD, Trouble.REPEATS),
        *(Trouble.FLOOD, Trouble.REDIRECT, Trouble.ONE_SEARCH, Trouble.QUIET, Trouble.RESOLVE),
    }
)
OF_DISK = frozenset({Trouble.UNREADABLE})
"""What needs a broker of our own, too."""
OF_API = frozenset(Trouble) - OF_WORKERS - OF_BROKER - OF_FAULTS
LASTS: dict[Trouble, tuple[float, float]] = {
    Trouble.KILL: (0, 3),
    Trouble.TERM: (0, 2),
    Trouble.TERM_TWICE: (0.05, 0.5),
    Trouble.NAP: (0.3, 2.5),
    Trouble.FREEZE: (4.5, 7),
    Trouble.BROKER_KILL: (0, 2),
    Trouble.BROKER_STOP: (0, 1),
    Trouble.BROKER_FREEZE: (1, 6),
    Trouble.HANG: (2, 4),
    Trouble.LEFT_OPEN: (0.5, 2),
    Trouble.REQUESTS_DELETED: (0.5, 1),
    Trouble.GROUP_DELETED: (0, 1),
    Trouble.QUIET: (4, 6),
}
"""Seconds; what is not named takes 1 to 4."""


@dataclass(frozen=True, slots=True)
class Step:
    """A trouble that begins when so many events were published. `number` is which worker, or how many of them."""

    after: int
    trouble: Trouble
    seconds: float
    number: int = 0

    def __str__(self) -> str:
        if self.trouble is Trouble.SCALE:
            return f"event {self.after:>5}: {self.trouble} to {self.number}"
        whom = f" worker {self.number}" if self.trouble in OF_WORKERS else ""
        return f"event {self.after:>5}: {self.trouble}{whom}, {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class Schedule:
    """One seed's run. `noise` is the share of calls that meet each of the usual faults, whatever the steps do."""

    seed: int
    events: int
    keys: int
    workers: int
    look_up: bool
    form: Literal["json", "xml"]
    noise: float
    steps: tuple[Step, ...]
    settings: dict[str, str] = field(default_factory=dict)
    again: str = ""
    """The command that plays the same."""

    @property
    def pace(self) -> float:
        """Events published a second."""
        return max(60.0, self.events / PUBLISHED_IN)

    def told(self) -> Iterator[str]:
        """For a person, a line each."""
        look_up = f"look-up {'on' if self.look_up else 'off'}"
        stream = f"{self.events} events of {self.keys} keys, noise {self.noise:.1%}"
        yield f"seed {self.seed}: {stream}, {self.workers} workers, {self.form}, {look_up}"
        yield from map(str, self.steps)

    def has(self, troubles: Collection[Trouble]) -> bool:
        """Whether any of them is among the steps."""
        return any(step.trouble in troubles for step in self.steps)


def drawn(
    seed: int,
    events: int = EVENTS,
    only: Collection[Trouble] = (),
    steps: int | None = None,
    without: Collection[Trouble] = (),
) -> Schedule:
    """The schedule of a seed; `only`, `without` and `steps` narrow what is drawn and say how much."""
    draw = random.Random(f"schedule {seed}")  # noqa: S311  repeatable draws
    told = {"events": events, "only": _listed(only), "without": _listed(without), "steps": steps}
    again = " ".join(f"--{name} {value}" for name, value in {"seed": seed, **told}.items() if value)
    odder = _odder(random.Random(f"odder {seed}"))  # noqa: S311  as above
    troubles = sorted(only) or [each for each in _some(draw) + odder if each not in without] or [Trouble.KILL]
    workers = draw.randint(1, WORKERS)
    keys = draw.choice((8, 40, 2000))
    count = steps or max(2, round(events / 200)) + draw.randint(-1, 2)
    # One at a time for each key: a slow machine takes a minute for 2000 events of 8 keys.
    events = events // 2 if keys < WORKERS * 4 else events
    moments = sorted(draw.randint(events // 20, events) for _ in range(count))
    return Schedule(
        seed=seed,
        events=events,
        keys=keys,
        workers=workers,
        look_up=draw.random() < 0.5,
        form=draw.choice(("json", "xml")),
        noise=draw.choice((0, 0.001, 0.005)),
        steps=tuple(_step(draw, moment, draw.choice(troubles), workers) for moment in moments),
        again=f"tests/chaos/run {again} --keep-logs",
    )


def _listed(troubles: Collection[Trouble]) -> str | None:
    return f'"{",".join(sorted(troubles))}"' if troubles else None


def _some(draw: random.Random) -> list[Trouble]:
    """Every seed strikes its workers; nearly all the API; every third Kafka."""
    troubles = draw.sample(sorted(OF_WORKERS), 3) * 2
    troubles += draw.sample(sorted(OF_API), 5) if draw.random() < 0.9 else []
    troubles += draw.sample(sorted(OF_BROKER), 2) if draw.random() < 0.35 else []
    return troubles


def _odder(draw: random.Random) -> list[Trouble]:
    """Two seeds of three do what few people think of."""
    return draw.sample(sorted(OF_FAULTS), 4) if draw.random() < 0.65 else []


def _step(draw: random.Random, after: int, trouble: Trouble, workers: int) -> Step:
    seconds = round(draw.uniform(*LASTS.get(trouble, (1, 4))), 1)
    number = draw.randint(1, WORKERS) if trouble is Trouble.SCALE else draw.randint(1, workers)
    return Step(after, trouble, seconds, number)
