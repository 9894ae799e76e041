"""What `check` says about each thing that must be right."""

import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from worker.check import Check, Line, Times, api, exit_code, kafka, lines, settings, times
from worker.errors import ApiUnavailable, KafkaUnavailable, LoginRefused, OutcomeUnknown, StartupError, WorkerError
from worker.topics import DAY, Cluster, Plan, Topic, TopicSpec, wanted

PLAN = Plan("requests", "succeeded", "failed", "dead-letters", "journal", partitions=6)


@dataclass
class FakeKafka:
    """A cluster of three brokers with the five topics as they should be."""

    topics: dict[str, Topic]
    error: WorkerError | None = None
    open: int = 0

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["FakeKafka"]:
        if self.error:
            raise self.error
        self.open += 1
        yield self
        self.open -= 1

    async def cluster(self, topics: Collection[str]) -> Cluster:
        return Cluster(3, {name: topic for name, topic in self.topics.items() if name in topics})

    async def create(self, spec: TopicSpec) -> bool:
        raise AssertionError(f"check makes nothing, and not {spec.name}")

    def alter(self, name: str, **changes: str) -> None:
        config = dict(self.topics[name].config or {}) | {key.replace("_", "."): text for key, text in changes.items()}
        self.topics[name] = replace(self.topics[name], config=config)


@dataclass
class FakeApi:
    """Lets everybody in, unless told otherwise; `calls` is what was asked of it."""

    error: WorkerError | None = None
    calls: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["FakeApi"]:
        yield self

    async def log_in(self) -> None:
        self.calls.append("in")
        if self.error:
            raise self.error

    async def log_out(self) -> None:
        self.calls.append("out")


@pytest.fixture
def cluster() -> FakeKafka:
    """Kafka as it should be."""
    specs = wanted(PLAN, Cluster(3, {}))
    return FakeKafka({spec.name: Topic(spec.name, spec.partitions, spec.replication, spec.config) for spec in specs})


async def _seen(check: Check) -> list[Line]:
    return [line async for line in lines([check])]


async def _wrong(cluster: FakeKafka, plan: Plan = PLAN) -> list[Line]:
    return [line for line in await _seen(kafka(cluster.opened, plan)) if line.state != "ok"]


async def test_everything_right(cluster: FakeKafka) -> None:
    """Nothing but ok lines, one for each thing, and exit code 0."""
    session = FakeApi()
    checks = [settings(Path("w.toml")), times(Times(30, 40, 55)), kafka(cluster.opened, PLAN), api(session.opened)]
    seen = [line async for line in lines(checks)]
    assert {line.state for line in seen} == {"ok"}
    assert [line.check for line in seen] == ["settings", *["timeouts"] * 2, "kafka", *["topic"] * 5, "api"]
    assert exit_code(seen) == 0
    assert cluster.open == 0
    assert session.calls == ["in", "out"]


@pytest.mark.parametrize("error", [KafkaUnavailable("refused"), StartupError("not allowed")])
async def test_kafka_that_cannot_be_used(cluster: FakeKafka, error: WorkerError) -> None:
    """One failed line with the reason; nothing is said about topics that nobody could ask for."""
    cluster.error = error
    seen = await _seen(kafka(cluster.opened, PLAN))
    assert seen == [Line("kafka", "failed", str(error))]
    assert exit_code(seen) == 1


async def test_missing_topic(cluster: FakeKafka) -> None:
    """It fails, with the setting and the command."""
    del cluster.topics["failed"]
    (line,) = await _wrong(cluster)
    assert line.state == "failed"
    assert "failed (WORKER_TOPICS__FAILED)" in str(line)
    assert "customer-worker topics create" in str(line)


async def test_journal_with_other_partitions(cluster: FakeKafka) -> None:
    """It fails, and says what to do."""
    cluster.topics["journal"] = replace(cluster.topics["journal"], partitions=2)
    (line,) = await _wrong(cluster)
    assert (line.state, line.check) == ("failed", "topic")
    assert line.advice == "add partitions to journal until it has 6"


async def test_one_replica(cluster: FakeKafka) -> None:
    """All such topics are named in one warning, which is no failure."""
    cluster.topics["journal"] = replace(cluster.topics["journal"], replication=1)
    cluster.topics["failed"] = replace(cluster.topics["failed"], replication=1)
    (line,) = seen = await _wrong(cluster)
    assert (line.state, line.detail) == ("warning", "one replica: failed, journal")
    assert exit_code(seen) == 0


@pytest.mark.parametrize(
    ("topic", "changes", "told"),
    [
        ("journal", {"min_insync_replicas": "1"}, "min.insync.replicas"),
        ("journal", {"cleanup_policy": "delete"}, "not compacted"),
        ("journal", {"retention_ms": str(DAY // 2)}, "WORKER_JOURNAL__WINDOW"),
        ("requests", {"cleanup_policy": "compact"}, "cleanup.policy of requests"),
        ("dead-letters", {"retention_ms": str(DAY)}, "kept 1 days"),
        ("dead-letters", {"max_message_bytes": "1000000"}, "max.message.bytes of dead-letters"),
    ],
)
async def test_topic_that_can_lose_something(
    cluster: FakeKafka, topic: str, changes: dict[str, str], told: str
) -> None:
    """One warning that names the topic's configuration to change."""
    cluster.alter(topic, **changes)
    (line,) = await _wrong(cluster)
    assert line.state == "warning"
    assert told in str(line)


async def test_retention_for_ever(cluster: FakeKafka) -> None:
    """More than enough is right."""
    cluster.alter("journal", retention_ms="-1")
    cluster.alter("dead-letters", retention_ms="-1")
    assert await _wrong(cluster) == []


async def test_configuration_that_may_not_be_read(cluster: FakeKafka) -> None:
    """Nothing is claimed about what is not known."""
    cluster.topics = {name: replace(topic, config=None) for name, topic in cluster.topics.items()}
    assert await _wrong(cluster) == []


async def test_journal_switched_off(cluster: FakeKafka) -> None:
    """Nothing is asked of a journal that is not used."""
    cluster.alter("journal", cleanup_policy="delete")
    cluster.topics["journal"] = replace(cluster.topics["journal"], partitions=1)
    assert await _wrong(cluster, replace(PLAN, journal_enabled=False)) == []


@pytest.mark.parametrize(
    ("given", "states", "setting"),
    [
        (Times(30, 40, 55), ["ok", "ok"], ""),
        (Times(30, 32, 55), ["warning", "ok"], "WORKER_DISPATCH__DRAIN_TIMEOUT"),
        (Times(30, 40, 41), ["ok", "warning"], "WORKER_KAFKA__REBALANCE_TIMEOUT"),
        (Times(50, 40, 30), ["failed", "failed"], "WORKER_KAFKA__REBALANCE_TIMEOUT"),
    ],
)
async def test_times(given: Times, states: list[str], setting: str) -> None:
    """Each must leave room for the one inside it; the line names the setting to change."""
    seen = await _seen(times(given))
    assert [line.state for line in seen] == states
    assert setting in "".join(line.advice for line in seen)


@pytest.mark.parametrize(
    ("error", "setting"),
    [
        (LoginRefused("the API answered 401"), "WORKER_API__PASSWORD"),
        (ApiUnavailable("connection refused"), "WORKER_API__BASE_URL"),
        (OutcomeUnknown("the answer never came"), "never came"),
    ],
)
async def test_api_that_does_not_let_us_in(error: WorkerError, setting: str) -> None:
    """One failed line with the reason and where to look."""
    (line,) = seen = await _seen(api(FakeApi(error).opened))
    assert str(error) in str(line)
    assert setting in str(line)
    assert exit_code(seen) == 1


def test_line_for_a_person() -> None:
    """State, subject, how it is, what to do."""
    assert str(Line("api", "failed", "refused", "see X")) == "failed  api: refused; see X"
    assert str(Line("api", "ok", "fine")) == "ok      api: fine"


def test_line_for_a_machine() -> None:
    """One JSON object with the same four."""
    told = json.loads(Line("api", "failed", "refused", "see X").json())
    assert told == {"check": "api", "state": "failed", "detail": "refused", "advice": "see X"}
