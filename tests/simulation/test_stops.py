"""How long a stop takes where no broker answers, and what becomes of the work."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from .play import play, settings_of
from .story import Act, Happening, Story
from .world import BOOTSTRAP, World, event, world

EVENTS = 60
FOR_KAFKA = 10.0
"""Seconds after the drain, at most: what the documents promise (docs: design, stopping and rebalancing)."""


@pytest.mark.parametrize(("after", "signals"), [(2.0, 1), (8.0, 1), (2.0, 2)], ids=["at work", "idle", "two signals"])
def test_a_stop_while_all_of_kafka_is_frozen(after: float, signals: int):
    """It ends within the drain and a few seconds; after a second signal nobody waits for the drain either."""
    story = Story(1, partitions=4)
    with world(story.seed) as made:
        seconds = made.loop.run_until_complete(_stopped(made, story, after, signals))
    drain = settings_of(story).dispatch.drain_timeout if signals == 1 else 0.0
    assert seconds <= drain + FOR_KAFKA


async def _stopped(made: World, story: Story, after: float, signals: int) -> float:
    """How many seconds the stop took that began so many seconds after the events had been published."""
    settings = settings_of(story)
    made.api.manners.latency = 0.5
    made.make_topics(settings)
    worker = made.begin(settings)
    producer = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP)
    await producer.start()
    for number in range(EVENTS):
        await producer.send(settings.topics.requests, event(str(number)), key=b"%d" % number)
    await producer.stop()
    await asyncio.sleep(after)
    made.cluster.frozen |= made.cluster.nodes
    await asyncio.sleep(1.0)
    made.api.manners.latency = 0.01  # of the logout
    began = made.loop.time()
    worker.stopping.set()
    if signals == 2:
        worker.stopping.hurry()
        worker.task.cancel()
    await asyncio.wait({worker.task})
    return made.loop.time() - began


def test_what_was_under_way_at_such_a_stop():
    """Nothing is lost and nothing done twice: whoever comes next goes on with it."""
    frozen = Happening(1.0, Act.KAFKA_FROZEN, lasts=60.0), Happening(1.5, Act.STOP)
    story = Story(3, workers=1, latency=0.5, look_up="custom_attribute", happenings=frozen)
    assert [str(each) for each in play(story).findings] == []
