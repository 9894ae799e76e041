"""What more partitions would mean, before they are made; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from worker.counting import counted
from worker.model.errors import StartupError
from worker.topics import CREATE, Cluster, Plan


@dataclass(frozen=True, slots=True)
class Step:
    """One topic, how many partitions it has, and how many it is to have."""

    topic: str
    before: int
    after: int

    @property
    def grows(self) -> bool:
        """Whether the topic gets more partitions."""
        return self.after > self.before

    def line(self, *, done: bool) -> str:
        """The step in words, for a person."""
        if not self.grows:
            return f"{self.topic}: has {counted(self.before, 'partition')} already"
        had, now = ("had", "has") if done else ("has", "would have")
        return f"{self.topic}: {had} {counted(self.before, 'partition')}, {now} {self.after}"


def names(plan: Plan) -> list[str]:
    """The topics whose partition counts must agree, in the order in which they grow."""
    return [plan.requests, *([plan.journal] if plan.journal_enabled else []), plan.dead_letters]


def steps(plan: Plan, cluster: Cluster, wanted: int) -> list[Step]:
    """The steps in an order that disturbs no partition at work: only new partitions wait for the next step.

    If the journal grew first, each claim would find it larger than the requests, take it for somebody else's journal,
    and be refused. Raises StartupError where a topic is missing, or has more partitions: none is ever taken away.
    """
    for name in names(plan):
        if name not in cluster.topics:
            raise StartupError(f"topic {name} does not exist: {CREATE}")
        if name != plan.dead_letters and (has := cluster.topics[name].partitions) > wanted:
            raise StartupError(
                f"topic {name} has {counted(has, 'partition')}, and Kafka takes none away: {wanted} cannot be"
            )
    found = [(name, cluster.topics[name].partitions) for name in names(plan)]
    return [Step(name, before, max(before, wanted)) for name, before in found]


@dataclass(frozen=True, slots=True)
class Growth:
    """What growing means. `recent` counts the records of the last `window` seconds, `waiting` the uncommitted ones."""

    group: str
    members: int
    steps: tuple[Step, ...]
    waiting: int
    recent: int
    window: float

    @property
    def moves(self) -> bool:
        """Whether keys move; where the requests have as many partitions already, they have moved before."""
        return self.steps[0].grows

    @property
    def moved(self) -> Fraction:
        """The share of keys that move to another partition, by the hash of Kafka's own producers."""
        requests = self.steps[0]
        return 1 - Fraction(requests.before, lcm(requests.before, requests.after))

    def lines(self, *, done: bool) -> Iterator[str]:
        """The growth in words, for a person."""
        yield from (step.line(done=done) for step in self.steps)
        if self.moves:
            yield from self._moving()

    def _moving(self) -> Iterator[str]:
        share, some = float(self.moved), round(self.moved * self.recent)
        yield f"keys: {share:.0%} of them move to another partition, where producers place them by Kafka's own hash"
        waiting = counted(self.waiting, "record is", "records are")
        yield (
            f"order: {waiting} not committed yet; what comes under a key that moves may overtake them"
            if self.waiting
            else "order: nothing waits to be overtaken"
        )
        recent = counted(self.recent, "record")
        yield (
            f"repeats: {recent} came in the last {self.window:g} s, some {some} of them under keys that "
            "move: an event of these that is published again is not recognised, and makes a second customer"
        )

    def refusal(self) -> str:
        """Why it is not done while the group is at work, in words."""
        return (
            f"group {self.group} is at work (members: {self.members}), and keys would move: stop all workers once "
            "nothing waits, or say --while-at-work"
        )

    def facts(self) -> dict[str, object]:
        """The growth for a machine."""
        topics = [{"topic": each.topic, "before": each.before, "after": each.after} for each in self.steps]
        moving = {"movedKeys": float(self.moved), "uncommitted": self.waiting, "recentRecords": self.recent}
        return {"topics": topics, "members": self.members, **(moving if self.moves else {})}
