"""What becomes of the brokers, and of what they keep, in a story."""

from typing import TYPE_CHECKING

from simulation.facts import superseded
from simulation.story import Act, Happening
from simulation.world import NODES

from .perform import Acts

if TYPE_CHECKING:
    from simulation.play import Stage

REFUSED = 0.2
"""The share of requests while brokers waver."""


async def _cut(stage: "Stage", _: Happening) -> None:
    stage.world.network.cut()


async def _lossy(stage: "Stage", what: Happening) -> None:
    stage.world.network.lossy = 0.05
    stage.later(what.lasts, lambda: setattr(stage.world.network, "lossy", 0.0))


async def _frozen(stage: "Stage", what: Happening) -> None:
    nodes = {_node(what)} if what.act is Act.BROKER_FROZEN else set(NODES)
    frozen = stage.world.cluster.frozen
    frozen |= nodes
    stage.later(what.lasts, lambda: frozen.difference_update(nodes))


def _node(what: Happening) -> int:
    return NODES[what.who % len(NODES)]


async def _slow(stage: "Stage", what: Happening) -> None:
    stage.world.cluster.slow = 2.0
    stage.later(what.lasts, lambda: setattr(stage.world.cluster, "slow", 0.0))


async def _leader_gone(stage: "Stage", what: Happening) -> None:
    """Each topic's partition of that number: what only the leader had is gone, where it was lost."""
    cluster = stage.world.cluster
    for topic in cluster.topics.values():
        number = what.who % len(topic.logs)
        after = next((node for node in sorted(cluster.nodes) if node != cluster.leaders[topic.name, number]), None)
        if after is not None:
            cluster.move_leader(topic.name, number, after, clean=what.act is Act.LEADER_MOVED)
    if what.act is Act.LEADER_LOST:
        stage.world.network.cut()


async def _coordinator(stage: "Stage", what: Happening) -> None:
    if _node(what) in stage.world.cluster.nodes:
        stage.world.cluster.coordinator = _node(what)


async def _down(stage: "Stage", what: Happening) -> None:
    node, cluster = _node(what), stage.world.cluster
    if len(cluster.nodes) == 1 or node not in cluster.nodes:
        return
    cluster.leave(node)
    stage.world.network.cut(node)
    stage.later(what.lasts, lambda: cluster.nodes.add(node))


async def _grown(stage: "Stage", what: Happening) -> None:
    topics, cluster = stage.settings.topics, stage.world.cluster
    partitions = len(cluster.topics[topics.requests].logs) + 1
    cluster.grow(topics.requests, partitions)

    def follows() -> None:
        if topics.journal in cluster.topics:
            cluster.grow(topics.journal, partitions)

    stage.later(what.lasts, follows)


async def _made_anew(stage: "Stage", what: Happening) -> None:
    """Deleted, and made again as it was; the journal as somebody makes it who reads what it has to have."""
    topics, cluster = stage.settings.topics, stage.world.cluster
    results = topics.succeeded, topics.failed, topics.dead_letters, topics.failed
    name = topics.journal if what.act is Act.JOURNAL_ANEW else results[what.who]
    if name not in cluster.topics:
        return
    was = cluster.topics[name]
    stage.witness.forgets(name)
    cluster.remove(name)

    def make() -> None:
        like = topics.requests if what.act is Act.JOURNAL_ANEW else name
        partitions = len(cluster.logs(like) or was.logs)
        cluster.make(name, partitions, was.configs)

    stage.later(what.lasts, make)


async def _deleted(stage: "Stage", what: Happening) -> None:
    topic = stage.world.cluster.topics[stage.settings.topics.requests]
    log = topic.logs[what.who % len(topic.logs)]
    log.delete_before(log.stable if what.who >= 2 else (log.start + log.stable) // 2)


async def _compacted(stage: "Stage", _: Happening) -> None:
    for log in stage.world.cluster.logs(stage.settings.topics.journal):
        log.compact(set(superseded(log)))


async def _misled(stage: "Stage", what: Happening) -> None:
    misled, number = stage.world.cluster.misled, what.who % stage.story.partitions
    misled[number] += 1
    stage.later(what.lasts, lambda: misled.subtract([number]))


async def _wavering(stage: "Stage", what: Happening) -> None:
    cluster = stage.world.cluster
    cluster.wavering = REFUSED
    stage.later(what.lasts, lambda: setattr(cluster, "wavering", 0.0))


async def _behind(stage: "Stage", what: Happening) -> None:
    cluster, node = stage.world.cluster, _node(what)
    cluster.behind[node] = dict(cluster.leaders)

    def hears() -> None:
        cluster.behind.pop(node, None)

    stage.later(what.lasts, hears)


async def _rights(stage: "Stage", what: Happening) -> None:
    topics, denied = stage.settings.topics, stage.world.cluster.denied
    right = (
        ("read", topics.requests),
        ("write", topics.succeeded),
        ("write", topics.journal),
        ("read", topics.journal),
    )[what.who]
    denied.add(right)
    stage.later(what.lasts, lambda: denied.discard(right))


ACTS: Acts = {
    Act.RIGHTS: _rights,
    Act.MISLED: _misled,
    Act.WAVERING: _wavering,
    Act.BEHIND: _behind,
    Act.KAFKA_CUT: _cut,
    Act.KAFKA_LOSSY: _lossy,
    Act.KAFKA_FROZEN: _frozen,
    Act.KAFKA_SLOW: _slow,
    Act.LEADER_LOST: _leader_gone,
    Act.LEADER_MOVED: _leader_gone,
    Act.COORDINATOR_MOVED: _coordinator,
    Act.BROKER_DOWN: _down,
    Act.BROKER_FROZEN: _frozen,
    Act.GROWN: _grown,
    Act.DELETED: _deleted,
    Act.COMPACTED: _compacted,
    Act.RESULTS_ANEW: _made_anew,
    Act.JOURNAL_ANEW: _made_anew,
}
