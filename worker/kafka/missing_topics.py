"""Creates the topics that are missing, and says where existing ones differ from what is wanted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from worker.counting import counted
from worker.model.errors import ConfigRefused
from worker.topics import Admin, Cluster, Plan, Topic, TopicSpec, differing, wanted

State = Literal["created", "exists", "differs"]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one topic; `refused`: `run` would not start with it. `without`: what Kafka lets nobody set."""

    topic: str
    state: State
    differences: tuple[str, ...] = ()
    refused: bool = False
    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        state = f"exists, differs: {'; '.join(self.differences)}" if self.differences else self.state
        without = f" without {', '.join(self.without)}, which Kafka does not let be set" if self.without else ""
        return f"{self.topic}: {state}{without}"


async def create(admin: Admin, plan: Plan) -> list[Report]:
    """Create what is missing and say what differs; what exists is never altered."""
    cluster = await admin.cluster([name for _, name in plan.names()])
    return [await _create(admin, plan, cluster, spec) for spec in wanted(plan, cluster)]


async def _create(admin: Admin, plan: Plan, cluster: Cluster, spec: TopicSpec) -> Report:
    topic = cluster.topics.get(spec.name)
    if topic is None:
        made, without = await _made(admin, spec)
        return Report(spec.name, "created" if made else "exists", without=without)
    found = tuple(differences(topic, spec, plan))
    refused = plan.journal_enabled and spec.name == plan.journal and topic.partitions != spec.partitions
    return Report(spec.name, "differs" if found else "exists", found, refused=refused)


async def _made(admin: Admin, spec: TopicSpec) -> tuple[bool, tuple[str, ...]]:
    """Whether the topic was created, and which entries of its configuration were left out for that."""
    try:
        return await admin.create(spec), ()
    except ConfigRefused:
        without = await admin.refused(spec)
        if not without:
            raise
        config = {name: value for name, value in spec.config.items() if name not in without}
        return await admin.create(replace(spec, config=config)), tuple(without)


def differences(topic: Topic, spec: TopicSpec, plan: Plan) -> Iterator[str]:
    """How an existing topic differs from the one we would create; the request topic is compared by partitions only."""
    if topic.partitions != spec.partitions:
        yield f"{counted(topic.partitions, 'partition')}, not {spec.partitions}"
    if spec.name != plan.requests and topic.replication != spec.replication:
        yield f"{counted(topic.replication, 'replica')}, not {spec.replication}"
    for name in differing(topic, spec) if spec.name != plan.requests else ():
        yield f"{name} {(topic.config or {}).get(name, '')}, not {spec.config[name]}"


def exit_code(reports: Sequence[Report]) -> int:
    """1 when `run` would refuse to start."""
    return int(any(report.refused for report in reports))
