"""One line per thing that must be right before `run` can work; each check is one function."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Literal, Protocol

import orjson

from worker.errors import ApiUnavailable, LoginRefused, WorkerError
from worker.topics import DAY, MIB, Admin, Cluster, Plan, Topic, refusals

# Seconds to journal, publish and commit what was in flight.
MARGIN = 5.0

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Line:
    """What was checked, how it is, and what to do about it."""

    check: str
    state: State
    detail: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.state:<8}{self.check}: {self.detail}" + (f"; {self.advice}" if self.advice else "")

    def json(self) -> str:
        """The same for a machine."""
        return orjson.dumps(asdict(self)).decode()


# A check raises nothing that it can say in a line.
Check = Callable[[], Awaitable[Sequence[Line]]]


async def lines(checks: Sequence[Check]) -> AsyncIterator[Line]:
    """Each check's lines as soon as they are known."""
    for check in checks:
        for line in await check():
            yield line


def exit_code(seen: Sequence[Line]) -> int:
    """1 after a failure; a warning is none."""
    return int(any(line.state == "failed" for line in seen))


def settings(config: Path | None) -> Check:
    """That there are settings at all was seen when they were loaded; this says from where."""

    async def check() -> list[Line]:
        return [Line("settings", "ok", f"environment and {config}" if config else "environment")]

    return check


@dataclass(frozen=True, slots=True)
class Times:
    """The waits that must fit into one another, in seconds."""

    request: float
    drain: float
    rebalance: float


def times(given: Times) -> Check:
    """A POST fits into a drain, a drain into a rebalance, each with time to journal, publish and commit."""

    async def check() -> list[Line]:
        drain = f"request {given.request:g} s, drain {given.drain:g} s"
        rebalance = f"drain {given.drain:g} s, rebalance {given.rebalance:g} s"
        return [
            _fits(drain, given.drain - given.request, "WORKER_DISPATCH__DRAIN_TIMEOUT"),
            _fits(rebalance, given.rebalance - given.drain, "WORKER_KAFKA__REBALANCE_TIMEOUT"),
        ]

    return check


def _fits(detail: str, room: float, setting: str) -> Line:
    if room <= 0:
        return Line("timeouts", "failed", detail, f"{setting} must be longer")
    if room < MARGIN:
        return Line("timeouts", "warning", detail, f"{setting} leaves less than {MARGIN:g} s to journal and commit")
    return Line("timeouts", "ok", detail)


def kafka(opened: Callable[[], AbstractAsyncContextManager[Admin]], plan: Plan) -> Check:
    """Kafka can be reached, and the topics are as `run` needs them."""

    async def check() -> list[Line]:
        try:
            async with opened() as admin:
                cluster = await admin.cluster([name for _, name in plan.names()])
        except WorkerError as error:
            return [Line("kafka", "failed", str(error))]
        brokers = Line("kafka", "ok", f"{cluster.brokers} broker{'' if cluster.brokers == 1 else 's'}")
        return [brokers, *chain.from_iterable(about(plan, cluster) for about in TOPICS)]

    return check


def _usable(plan: Plan, cluster: Cluster) -> Iterator[Line]:
    for _, name in plan.names():
        if topic := cluster.topics.get(name):
            yield Line("topic", "ok", f"{name}, partitions {topic.partitions}, replicas {topic.replication}")
    for refusal in refusals(plan, cluster):
        detail, _, advice = refusal.rpartition("; ")
        yield Line("topic", "failed", detail or refusal, advice if detail else "")


def _copies(plan: Plan, cluster: Cluster) -> Iterator[Line]:
    """What a single broken disk can lose."""
    topics = list(cluster.topics.values())
    if alone := [topic.name for topic in topics if topic.replication == 1]:
        yield Line("replication", "warning", f"one replica: {', '.join(alone)}", "a lost broker loses them")
    weak = [topic.name for topic in topics if topic.replication > 2 and topic.number("min.insync.replicas", 2) < 2]
    if weak:
        yield Line("replication", "warning", f"acknowledged by one: {', '.join(weak)}", "set min.insync.replicas to 2")


def _journal(plan: Plan, cluster: Cluster) -> Iterator[Line]:
    journal = cluster.topics.get(plan.journal)
    if journal is None or journal.config is None or not plan.journal_enabled:
        return
    policies, days = _policies(journal), _days(journal)
    if "compact" not in policies:
        yield Line("journal", "warning", "is not compacted", f"cleanup.policy of {journal.name}: compact,delete")
    if "delete" in policies and days * 86_400 < plan.window:
        wish = f"retention.ms of {journal.name} at least {plan.journal_retention} (WORKER_JOURNAL__WINDOW)"
        yield Line("journal", "warning", f"keeps {days:g} days, less than its window", wish)


def _requests(plan: Plan, cluster: Cluster) -> Iterator[Line]:
    requests = cluster.topics.get(plan.requests)
    if requests and "compact" in _policies(requests):
        wish = f"cleanup.policy of {requests.name}: delete"
        yield Line("requests", "warning", "are compacted, so that events with the same key can vanish unread", wish)


def _dead_letters(plan: Plan, cluster: Cluster) -> Iterator[Line]:
    letters, requests = cluster.topics.get(plan.dead_letters), cluster.topics.get(plan.requests)
    if letters is None or letters.config is None:
        return
    if (days := _days(letters)) < 7:
        wish = f"retention.ms of {letters.name} at least {7 * DAY}"
        yield Line("dead letters", "warning", f"are kept {days:g} days", wish)
    largest = requests.number("max.message.bytes", MIB) if requests else MIB
    if letters.number("max.message.bytes", MIB) <= largest:
        wish = f"max.message.bytes of {letters.name} above {largest}"
        yield Line("dead letters", "warning", "the largest request does not fit with its headers", wish)


# Each is one function from the plan and what there is to lines; silence means that all is well.
TOPICS: tuple[Callable[[Plan, Cluster], Iterator[Line]], ...] = (_usable, _copies, _requests, _journal, _dead_letters)


def _policies(topic: Topic) -> set[str]:
    return set((topic.config or {}).get("cleanup.policy", "").split(","))


def _days(topic: Topic) -> float:
    """How long records are kept; infinite when for ever."""
    milliseconds = topic.number("retention.ms", -1)
    return round(milliseconds / DAY, 2) if milliseconds >= 0 else math.inf


class Session(Protocol):
    """What this module needs of the API."""

    async def log_in(self) -> None:
        """LoginRefused or ApiUnavailable say why it did not work."""

    async def log_out(self) -> None: ...


def api(opened: Callable[[], AbstractAsyncContextManager[Session]]) -> Check:
    """The API can be reached and lets us in; the session is given back."""

    async def check() -> list[Line]:
        try:
            async with opened() as session:
                await session.log_in()
                await session.log_out()
        except LoginRefused as error:
            return [Line("api login", "failed", str(error), "see WORKER_API__USERNAME and WORKER_API__PASSWORD")]
        except ApiUnavailable as error:
            return [Line("api", "failed", str(error), "see WORKER_API__BASE_URL")]
        except WorkerError as error:
            return [Line("api", "failed", str(error))]
        return [Line("api", "ok", "logged in and out")]

    return check
