"""The five topics: what they must look like, and refusing to start when they differ (docs: events, topics)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from worker.counting import counted
from worker.model.errors import SettingsError, StartupError

DAY = 86_400_000  # Topic configuration counts in milliseconds.
MIB = 1024 * 1024
DEFAULT = 1_048_588
"""Kafka's own `max.message.bytes`, where nobody set another."""
LARGEST = 96 * MIB
"""Bytes of a message that we hand over: what is larger would not fit into one request to a broker (100 MiB)."""
ENVELOPE = MIB // 4
"""Bytes that a result event, or what a dead letter adds to its record, takes at most beside the record's key."""
MORE_IS_FINE = {"retention.ms", "max.message.bytes", "min.insync.replicas"}
CREATE = "`customer-worker topics create` makes it"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it is; `config` holds the configuration in force, and is None where we may not read it."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str] | None = None

    def number(self, name: str, default: int) -> int:
        """The configuration's entry of that name as a number; `default` where it is not set."""
        return int((self.config or {}).get(name) or default)


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster as Kafka describes it: the number of brokers, and those of the topics asked for that exist."""

    brokers: int
    topics: Mapping[str, Topic]


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be made."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)


class Admin(Protocol):
    """What this module needs of Kafka. Asking about a topic never creates it."""

    async def cluster(self, topics: Collection[str]) -> Cluster: ...
    async def create(self, spec: TopicSpec) -> bool:
        """Create the topic; False when it exists.

        Raises StartupError when Kafka refuses, ConfigRefused for its config.
        """

    async def refused(self, spec: TopicSpec) -> list[str]:
        """The names of those entries of its configuration that Kafka does not let be set."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The names and sizes of the topics; `window` (seconds) is how long the journal must remember."""

    requests: str = "customer.create.requests"
    succeeded: str = "customer.create.succeeded"
    failed: str = "customer.create.failed"
    dead_letters: str = "customer.create.dead-letters"
    journal: str = "customer.create.journal"
    partitions: int = 6
    replication_factor: int | None = None
    window: float = 86_400
    journal_enabled: bool = True

    def __post_init__(self) -> None:
        settings = {name: setting for setting, name in self.names()}
        if twice := [setting for setting, name in self.names() if settings[name] != setting]:
            raise SettingsError(f"{twice[0]}: names the same topic as another of the WORKER_TOPICS settings")

    def names(self) -> Iterator[tuple[str, str]]:
        """(setting, topic) in the order of the flow."""
        yield "WORKER_TOPICS__REQUESTS", self.requests
        yield "WORKER_TOPICS__SUCCEEDED", self.succeeded
        yield "WORKER_TOPICS__FAILED", self.failed
        yield "WORKER_TOPICS__DEAD_LETTERS", self.dead_letters
        yield "WORKER_TOPICS__JOURNAL", self.journal

    @property
    def journal_retention(self) -> int:
        """Milliseconds; twice the window, so that an entry outlives every restart that may still need it."""
        return max(7 * DAY, int(self.window * 2000))


def wanted(plan: Plan, cluster: Cluster) -> list[TopicSpec]:
    """The five topics as they should be; the journal gets as many partitions as the requests have or will get."""
    requests = cluster.topics.get(plan.requests)
    copies = plan.replication_factor or (1 if cluster.brokers == 1 else 3)
    partitions = requests.partitions if requests else plan.partitions
    # One replica may be away while every acknowledged record is on two.
    safe = {"min.insync.replicas": str(max(1, min(2, copies - 1)))}
    results = {"cleanup.policy": "delete", "retention.ms": str(7 * DAY), **_room(requests, DEFAULT)} | safe
    return [
        TopicSpec(plan.requests, partitions, copies, safe),
        TopicSpec(plan.succeeded, plan.partitions, copies, results),
        TopicSpec(plan.failed, plan.partitions, copies, results),
        TopicSpec(plan.dead_letters, partitions, copies, _dead_letters(requests) | safe),
        TopicSpec(plan.journal, partitions, copies, _journal(plan) | safe),
    ]


def _dead_letters(requests: Topic | None) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(90 * DAY), **_room(requests, 2 * MIB)}


def _room(requests: Topic | None, least: int) -> dict[str, str]:
    """The size limit of a topic into which any request record, or its key, fits with what the worker adds."""
    largest = requests.number("max.message.bytes", DEFAULT) if requests else DEFAULT
    return {"max.message.bytes": str(max(least, largest) + ENVELOPE)}


def _journal(plan: Plan) -> dict[str, str]:
    """Every entry that decides what the topic keeps, so that nothing is left to the cluster's defaults."""
    return {
        "cleanup.policy": "compact,delete",
        "retention.ms": str(plan.journal_retention),
        "retention.bytes": "-1",
        # Timestamps are the brokers', not those of the clocks of all who ever wrote to the topic.
        "message.timestamp.type": "LogAppendTime",
        "unclean.leader.election.enable": "false",
        "max.message.bytes": str(2 * MIB),
        "compression.type": "producer",
        # Only a segment that is no longer written to is compacted (docs: kafka, compacted logs).
        "segment.bytes": str(16 * MIB),
        "segment.ms": str(DAY // 24),
        "min.compaction.lag.ms": "0",
        "min.cleanable.dirty.ratio": "0.1",
    }


def differing(topic: Topic, spec: TopicSpec) -> list[str]:
    """The names of the topic's configuration entries that differ from the spec; none where they may not be read."""
    found = topic.config
    return [] if found is None else [name for name in spec.config if not _as_good(name, found.get(name, ""), spec)]


def _as_good(name: str, found: str, spec: TopicSpec) -> bool:
    # The broker answers with its own order of the policies; more retention or room than asked for is no difference.
    expected = spec.config[name]
    return set(found.split(",")) == set(expected.split(",")) or (name in MORE_IS_FINE and _enough(found, expected))


def _enough(found: str, expected: str) -> bool:
    return found == "-1" or (found.isdigit() and int(found) >= int(expected))


async def verify(admin: Admin, plan: Plan) -> Cluster:
    """The topics as they are. Raises StartupError with one line for each problem that keeps `run` from working."""
    cluster = await admin.cluster([name for _, name in plan.names()])
    if problems := list(refusals(plan, cluster)):
        raise StartupError("\n".join(problems))
    return cluster


def refusals(plan: Plan, cluster: Cluster) -> Iterator[str]:
    """One line for each topic that is missing or cannot be used."""
    for setting, name in plan.names():
        if name not in cluster.topics and (plan.journal_enabled or name != plan.journal):
            yield f"topic {name} ({setting}) does not exist: {CREATE}"
    requests, journal = cluster.topics.get(plan.requests), cluster.topics.get(plan.journal)
    if requests and journal and plan.journal_enabled and requests.partitions != journal.partitions:
        yield unequal(journal, requests)


def unequal(journal: Topic, requests: Topic) -> str:
    """One line that says that the partition counts differ, and what to do."""
    has, others = (counted(topic.partitions, "partition") for topic in (journal, requests))
    return (
        f"topic {journal.name} (WORKER_TOPICS__JOURNAL) has {has}, {requests.name} "
        f"(WORKER_TOPICS__REQUESTS) has {others}: they must be equal; {_way_out(journal, requests)}"
    )


def _way_out(journal: Topic, requests: Topic) -> str:
    grow = f"customer-worker topics grow {max(journal.partitions, requests.partitions)}"
    if journal.partitions < requests.partitions:
        return f"`{grow} --yes` gives it as many"
    more = f"`{grow}` says what it means to give the requests as many"
    return f"{more}, or, where it is somebody else's, name a new one: {CREATE}"
