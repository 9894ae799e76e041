"""What the topics must look like, and what is said when they do not."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import pytest

from worker.kafka.missing_topics import create, exit_code
from worker.model.errors import ConfigRefused, SettingsError, StartupError
from worker.topics import DAY, Cluster, Plan, Topic, TopicSpec, verify, wanted

PLAN = Plan("requests", "succeeded", "failed", "dead-letters", "journal", partitions=6)


@dataclass
class FakeAdmin:
    """A cluster in memory."""

    brokers: int = 1
    topics: dict[str, Topic] = field(default_factory=dict)
    forbidden: frozenset[str] = frozenset()
    telling: bool = True

    async def cluster(self, topics: Collection[str]) -> Cluster:
        return Cluster(self.brokers, {name: topic for name, topic in self.topics.items() if name in topics})

    async def create(self, spec: TopicSpec) -> bool:
        if spec.name in self.topics:
            return False
        if spec.config.keys() & self.forbidden:
            raise ConfigRefused(f"topic {spec.name} was not created: not so")
        self.topics[spec.name] = Topic(spec.name, spec.partitions, spec.replication, dict(spec.config))
        return True

    async def refused(self, spec: TopicSpec) -> list[str]:
        return [name for name in spec.config if name in self.forbidden and self.telling]

    def alter(self, name: str, **changes: str) -> None:
        config = dict(self.topics[name].config or {}) | {key.replace("_", "."): text for key, text in changes.items()}
        self.topics[name] = replace(self.topics[name], config=config)


@pytest.fixture
async def complete() -> FakeAdmin:
    """A cluster with all five topics."""
    admin = FakeAdmin()
    await create(admin, PLAN)
    return admin


def _spec(name: str, brokers: int = 1, plan: Plan = PLAN, topics: tuple[Topic, ...] = ()) -> TopicSpec:
    cluster = Cluster(brokers, {topic.name: topic for topic in topics})
    return next(spec for spec in wanted(plan, cluster) if spec.name == name)


async def test_nothing_there() -> None:
    """All five are made, and `run` can start."""
    admin = FakeAdmin()
    reports = await create(admin, PLAN)
    assert [str(report) for report in reports] == [f"{name}: created" for _, name in PLAN.names()]
    assert exit_code(reports) == 0
    assert (await verify(admin, PLAN)).topics == admin.topics


async def test_everything_there(complete: FakeAdmin) -> None:
    """The second time nothing is made and nothing differs."""
    before = dict(complete.topics)
    reports = await create(complete, PLAN)
    assert {report.state for report in reports} == {"exists"}
    assert complete.topics == before


async def test_requests_there_with_other_partitions() -> None:
    """The journal and the dead letters follow the requests, not the setting."""
    admin = FakeAdmin(topics={"requests": Topic("requests", 3, 1, {})})
    reports = await create(admin, PLAN)
    assert admin.topics["journal"].partitions == admin.topics["dead-letters"].partitions == 3
    assert admin.topics["succeeded"].partitions == 6
    assert str(reports[0]) == "requests: exists"
    assert exit_code(reports) == 0


@pytest.mark.parametrize(
    ("partitions", "advice"), [(3, "topics grow 6 --yes` gives it"), (12, "topics grow 12` says what")]
)
async def test_journal_with_other_partitions(complete: FakeAdmin, partitions: int, advice: str) -> None:
    """`topics create` says so and ends 1; `run` refuses, naming both topics, both settings and the way out."""
    complete.topics["journal"] = replace(complete.topics["journal"], partitions=partitions)
    reports = await create(complete, PLAN)
    assert str(reports[4]) == f"journal: exists, differs: {partitions} partitions, not 6"
    assert exit_code(reports) == 1
    with pytest.raises(StartupError) as raised:
        await verify(complete, PLAN)
    for part in ("topic journal", "WORKER_TOPICS__JOURNAL", "WORKER_TOPICS__REQUESTS", f"{partitions} part", advice):
        assert part in str(raised.value)


async def test_journal_with_other_partitions_switched_off(complete: FakeAdmin) -> None:
    """A journal that is not used can be as it likes, or not be there at all."""
    plan = replace(PLAN, journal_enabled=False)
    complete.topics["journal"] = replace(complete.topics["journal"], partitions=1)
    assert exit_code(await create(complete, plan)) == 0
    del complete.topics["journal"]
    await verify(complete, plan)


async def test_missing_topics(complete: FakeAdmin) -> None:
    """Each one gets a line with its setting and the command that makes it."""
    del complete.topics["journal"], complete.topics["failed"]
    with pytest.raises(StartupError) as raised:
        await verify(complete, PLAN)
    assert str(raised.value).splitlines() == [
        "topic failed (WORKER_TOPICS__FAILED) does not exist: `customer-worker topics create` makes it",
        "topic journal (WORKER_TOPICS__JOURNAL) does not exist: `customer-worker topics create` makes it",
    ]


async def test_other_configuration(complete: FakeAdmin) -> None:
    """It is told, not altered, and does not keep `run` from starting."""
    complete.alter("journal", cleanup_policy="compact")
    complete.alter("dead-letters", retention_ms=str(DAY))
    reports = {report.topic: report for report in await create(complete, PLAN)}
    assert reports["journal"].differences == ("cleanup.policy compact, not compact,delete",)
    assert reports["dead-letters"].differences == (f"retention.ms {DAY}, not {90 * DAY}",)
    assert exit_code(list(reports.values())) == 0
    assert (complete.topics["journal"].config or {})["cleanup.policy"] == "compact"
    await verify(complete, PLAN)


async def test_configuration_that_is_as_good(complete: FakeAdmin) -> None:
    """The broker's order of the policies and more retention or room than needed are no difference."""
    complete.alter("journal", cleanup_policy="delete,compact", retention_ms="-1", max_message_bytes="99999999")
    complete.alter("dead-letters", max_message_bytes="99999999")
    complete.alter("requests", cleanup_policy="compact")
    assert {report.state for report in await create(complete, PLAN)} == {"exists"}


async def test_configuration_that_may_not_be_read(complete: FakeAdmin) -> None:
    """What is not known does not differ."""
    complete.topics = {name: replace(topic, config=None) for name, topic in complete.topics.items()}
    assert {report.state for report in await create(complete, PLAN)} == {"exists"}


async def test_configuration_that_kafka_does_not_let_be_set() -> None:
    """The topic is made without it, and that is said; where Kafka does not say what it minds, nothing is made."""
    admin = FakeAdmin(forbidden=frozenset({"message.timestamp.type", "segment.bytes"}))
    *_, journal = await create(admin, PLAN)
    assert str(journal) == (
        "journal: created without message.timestamp.type, segment.bytes, which Kafka does not let be set"
    )
    made = admin.topics["journal"].config or {}
    assert "message.timestamp.type" not in made
    assert made["retention.bytes"] == "-1"
    with pytest.raises(ConfigRefused):
        await create(FakeAdmin(forbidden=admin.forbidden, telling=False), PLAN)


async def test_topic_made_by_somebody_else_meanwhile() -> None:
    """Two that run `topics create` at the same time both end well."""

    class Late(FakeAdmin):
        async def cluster(self, topics: Collection[str]) -> Cluster:
            return Cluster(self.brokers, {})

    admin = Late()
    await create(admin, PLAN)
    reports = await create(admin, PLAN)
    assert {report.state for report in reports} == {"exists"}


@pytest.mark.parametrize(
    ("brokers", "factor", "copies", "in_sync"),
    [(1, None, 1, "1"), (3, None, 3, "2"), (5, None, 3, "2"), (3, 2, 2, "1"), (5, 5, 5, "2")],
)
def test_copies(brokers: int, factor: int | None, copies: int, in_sync: str) -> None:
    """One on one broker, else three, or what is set; one broker may be away without stopping the worker."""
    spec = _spec("journal", brokers, replace(PLAN, replication_factor=factor))
    assert (spec.replication, spec.config["min.insync.replicas"]) == (copies, in_sync)


@pytest.mark.parametrize(("window", "days"), [(86_400, 7), (10 * 86_400, 20)])
def test_journal_configuration(window: float, days: int) -> None:
    """It is compacted soon, and outlives the window."""
    config = _spec("journal", plan=replace(PLAN, window=window)).config
    assert config["cleanup.policy"] == "compact,delete"
    assert config["retention.ms"] == str(days * DAY)
    assert config["min.compaction.lag.ms"] == "0"


def test_nothing_of_the_journal_is_left_to_the_cluster() -> None:
    """What would lose entries, or date them by the clocks of all who write."""
    config = _spec("journal").config
    assert config["retention.bytes"] == "-1"
    assert config["message.timestamp.type"] == "LogAppendTime"
    assert config["unclean.leader.election.enable"] == "false"


@pytest.mark.parametrize("largest", [1_048_588, 9_000_000])
def test_room_in_the_dead_letters(largest: int) -> None:
    """The largest request fits with room for headers."""
    requests = Topic("requests", 6, 1, {"max.message.bytes": str(largest)})
    assert int(_spec("dead-letters", topics=(requests,)).config["max.message.bytes"]) > largest + 100_000


def test_one_topic_named_twice() -> None:
    """A journal that is also the dead letters would be the end of both."""
    with pytest.raises(SettingsError, match="WORKER_TOPICS__"):
        replace(PLAN, journal="dead-letters")
