"""Topics that are made, grow, are deleted and made again."""

import asyncio
from typing import Any

from aiokafka.protocol.admin import (
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteTopicsRequest,
    DescribeConfigsRequest,
)
from aiokafka.protocol.produce import ProduceRequest

from simulation.conforming import Asked, batch, values

from .known import END, EXISTS, FEWER, OK, UNKNOWN_TOPIC, answers


@answers([EXISTS, OK], [FEWER, OK, UNKNOWN_TOPIC], 3, "compact", UNKNOWN_TOPIC)
async def _topics_that_are_made_and_grow(asked: Asked) -> list[object]:
    topic, new = await asked.topic(cleanup_policy="compact"), f"{asked.unique}-new"
    node = asked.client.get_random_node()
    wanted: list[Any] = [(name, 1, 1, [], []) for name in (topic, new)]
    made = await asked.client.send(node, CreateTopicsRequest(wanted, 10_000, False))  # noqa: FBT003
    told: list[object] = [[code for _, code, *_ in made.topic_errors]]
    codes = []
    for name, count in ((topic, 1), (topic, 3), ("nowhere", 2)):
        grown = await asked.client.send(node, CreatePartitionsRequest([(name, (count, None))], 10_000, False))  # type: ignore[list-item]  # noqa: FBT003
        codes += [code for _, code, _ in grown.topic_errors]
    while len(asked.client.cluster.partitions_for_topic(topic) or ()) < 3:
        await asked.client.force_metadata_update()
    described = await asked.client.send(node, DescribeConfigsRequest([(2, topic, ["cleanup.policy"])]))
    policy = {name: value for name, value, *_ in described.resources[0][-1]}["cleanup.policy"]
    nowhere = (await asked.leading(topic, produce_to("nowhere"))).topics[0][1][0][1]
    return [*told, codes, len(asked.client.cluster.partitions_for_topic(topic) or ()), policy, nowhere]


def produce_to(topic: str) -> Any:
    """A request that reaches a broker without such a topic."""
    return ProduceRequest(None, -1, 1_000, [(topic, [(0, batch([b"x"]))])])


@answers((OK, 0), [OK, UNKNOWN_TOPIC], UNKNOWN_TOPIC, (OK, 0), (OK, 2, 2, [], [b"c", b"d"]), (OK, 2))
async def _a_topic_that_is_deleted_and_made_again(asked: Asked) -> list[object]:
    """Its records are gone, and its offsets begin anew; a producer goes on in it where it was."""
    topic, other, producer = await asked.topic(), await asked.topic("other"), {"producer": 4_000, "epoch": 1}
    told: list[object] = [await asked.produce(topic, batch([b"a", b"b"], sequence=0, **producer))]
    node = asked.client.get_random_node()
    deleted = [await asked.client.send(node, DeleteTopicsRequest([topic], 10_000)) for _ in range(2)]
    told.append([code for each in deleted for _, code in each.topic_error_codes])
    while asked.led(topic):
        await asked.client.force_metadata_update()
    told.append((await asked.leading(other, produce_to(topic))).topics[0][1][0][1])
    await asked.topic()
    while (first := await asked.produce(topic, batch([b"c", b"d"], sequence=2, **producer)))[0] == UNKNOWN_TOPIC:
        await asyncio.sleep(0.05)
    *answer, raw = await asked.fetch(topic, 0)
    return [*told, first, (*answer, values(raw)), await asked.offset(topic, END)]
