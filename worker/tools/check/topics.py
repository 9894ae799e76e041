"""Checks of the topics; each function takes one view of them. Pure."""

import math
from collections.abc import Callable, Iterator

from worker.counting import counted
from worker.journal.topic_config import alter, troubles
from worker.tools.check.line import Line
from worker.topics import DAY, ENVELOPE, MIB, Cluster, Plan, Topic, refusals


def _usable(plan: Plan, cluster: Cluster) -> Iterator[Line]:
    for _, name in plan.names():
        if topic := cluster.topics.get(name):
            yield Line("topic", "ok", f"{name}, {_facts(topic)}")
    for refusal in refusals(plan, cluster):
        detail, _, advice = refusal.rpartition("; ")
        yield Line("topic", "failed", detail or refusal, advice if detail else "")


def _facts(topic: Topic) -> str:
    copies = f"partitions {topic.partitions}, replicas {topic.replication}"
    if topic.config is None:
        return f"{copies}; its configuration may not be read"
    days = counted(_days(topic), "day") if _days(topic) < math.inf else "for ever"
    kept = "compacted" if _policies(topic) == {"compact"} else f"kept {days}"
    return f"{copies}, min.insync.replicas {topic.number('min.insync.replicas', 1)}, {kept}"


def _copies(plan: Plan, cluster: Cluster) -> Iterator[Line]:
    """Lines on topics of which a single broken disk can lose records."""
    topics = [cluster.topics[name] for _, name in plan.names() if name in cluster.topics]
    if alone := [topic.name for topic in topics if topic.replication == 1]:
        yield Line("replication", "warning", f"one replica: {', '.join(alone)}", "a lost broker loses them")
    weak = [topic.name for topic in topics if topic.replication > 2 and topic.number("min.insync.replicas", 2) < 2]
    if weak:
        yield Line("replication", "warning", f"acknowledged by one: {', '.join(weak)}", "set min.insync.replicas to 2")


def journal(plan: Plan, cluster: Cluster, options: str) -> Iterator[Line]:
    """Lines on the journal: one failure each for what loses entries or grows for ever, one warning for the rest.

    Each ends with the command that alters it; by `options` Kafka's tools reach the brokers.
    """
    # min.insync.replicas is reported for all topics together.
    found = [trouble for trouble in troubles(plan, cluster) if trouble.name != "min.insync.replicas"]
    for trouble in found:
        if trouble.grave:
            yield Line("journal", "failed", trouble.detail, alter(plan, cluster, [trouble], options))
    if others := [trouble for trouble in found if not trouble.grave]:
        detail = f"differs: {'; '.join(trouble.detail for trouble in others)}"
        yield Line("journal", "warning", detail, alter(plan, cluster, others, options))


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
        yield Line("dead letters", "warning", f"are kept {counted(days, 'day')}", wish)
    largest = requests.number("max.message.bytes", MIB) if requests else MIB
    if letters.number("max.message.bytes", MIB) <= largest:
        wish = f"max.message.bytes of {letters.name} above {largest}"
        yield Line("dead letters", "warning", "the largest request does not fit with its headers", wish)


def _results(plan: Plan, cluster: Cluster) -> Iterator[Line]:
    for name in (plan.succeeded, plan.failed):
        if (topic := cluster.topics.get(name)) and topic.number("max.message.bytes", MIB) < ENVELOPE:
            wish = f"max.message.bytes of {name} at least {ENVELOPE}"
            yield Line("results", "warning", "an event may be too large for its topic, and its partition stands", wish)


# Each function makes lines from the plan and the cluster; no line means that all is well.
TOPICS: tuple[Callable[[Plan, Cluster], Iterator[Line]], ...] = (
    _usable,
    _copies,
    _requests,
    _results,
    _dead_letters,
)


def _policies(topic: Topic) -> set[str]:
    return set((topic.config or {}).get("cleanup.policy", "").split(","))


def _days(topic: Topic) -> float:
    """For how many days records are kept; infinite when for ever."""
    milliseconds = topic.number("retention.ms", -1)
    return round(milliseconds / DAY, 2) if milliseconds >= 0 else math.inf
