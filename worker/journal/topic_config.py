"""Finds how the journal's topic could lose what must be known, or grow for ever; pure."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from worker.topics import Cluster, Plan, Topic, TopicSpec, differing, wanted


@dataclass(frozen=True, slots=True)
class Trouble:
    """`name` is the entry of the topic's configuration to be altered; `grave`: entries are lost or never deleted."""

    name: str
    detail: str
    grave: bool


def troubles(plan: Plan, cluster: Cluster) -> list[Trouble]:
    """The troubles of the configuration in force, the brokers' defaults included; none where it may not be read."""
    journal = cluster.topics.get(plan.journal)
    if journal is None or journal.config is None or not plan.journal_enabled:
        return []
    grave = {trouble.name: trouble for trouble in _grave(plan, journal, journal.config.get("cleanup.policy", ""))}
    spec = _spec(plan, cluster)
    others = [Trouble(name, _as_it_is(name, journal, spec), grave=False) for name in differing(journal, spec)]
    return [*grave.values(), *(trouble for trouble in others if trouble.name not in grave)]


def _grave(plan: Plan, journal: Topic, policies: str) -> Iterator[Trouble]:
    if "delete" not in policies:
        yield Trouble("cleanup.policy", f"grows for ever: cleanup.policy {policies}", grave=True)
    elif 0 <= journal.number("retention.ms", -1) < plan.window * 1000:
        kept = f"keeps {kept_window(plan, Cluster(0, {journal.name: journal})):g} s"
        yield Trouble("retention.ms", f"{kept}, less than its window (WORKER_JOURNAL__WINDOW)", grave=True)
    if "delete" in policies and journal.number("retention.bytes", -1) >= 0:
        size = journal.number("retention.bytes", -1)
        yield Trouble("retention.bytes", f"can lose entries inside its window: retention.bytes {size}", grave=True)
    if journal.replication > 1 and (journal.config or {}).get("unclean.leader.election.enable") == "true":
        detail = "can lose acknowledged entries: unclean.leader.election.enable"
        yield Trouble("unclean.leader.election.enable", detail, grave=True)


def _as_it_is(name: str, journal: Topic, spec: TopicSpec) -> str:
    return f"{name} {(journal.config or {}).get(name, '')}, not {spec.config[name]}"


def _spec(plan: Plan, cluster: Cluster) -> TopicSpec:
    return next(spec for spec in wanted(plan, cluster) if spec.name == plan.journal)


def alter(plan: Plan, cluster: Cluster, found: list[Trouble], options: str) -> str:
    """The Kafka command that corrects the topic's configuration; by `options` Kafka's tools reach the brokers."""
    spec = _spec(plan, cluster)
    entries = shlex.quote(",".join(f"{each.name}={_bracketed(spec.config[each.name])}" for each in found))
    topic = f"--entity-type topics --entity-name {plan.journal}"
    return f"kafka-configs.sh {options} --alter {topic} --add-config {entries}"


def _bracketed(value: str) -> str:
    return f"[{value}]" if "," in value else value


def kept_window(plan: Plan, cluster: Cluster) -> float:
    """For how many seconds the journal remembers: the window, or less where the topic keeps less."""
    journal = cluster.topics.get(plan.journal)
    if journal is None or "delete" not in (journal.config or {}).get("cleanup.policy", ""):
        return plan.window
    retention = journal.number("retention.ms", -1)
    return plan.window if retention < 0 else min(plan.window, retention / 1000)
