"""One suite for the model of Kafka and for the real one: each scenario ends in the same answers."""

import asyncio
import time
from typing import Any

import pytest
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.protocol.admin import (
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteRecordsRequest,
    DescribeConfigsRequest,
    DescribeGroupsRequest,
)
from aiokafka.protocol.group import LeaveGroupRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, InitProducerIdRequest
from aiokafka.record.memory_records import MemoryRecords

from .conforming import Asked, ask_kafka, ask_model, batch

OK, OUT_OF_RANGE, UNKNOWN_TOPIC, TOO_LARGE = 0, 1, 3, 10
ILLEGAL_GENERATION, UNKNOWN_MEMBER, REBALANCING, MEMBER_ID_REQUIRED = 22, 25, 27, 79
EXISTS, FEWER, OUT_OF_ORDER, OLD_EPOCH, NO_SUCH_PRODUCER = 36, 37, 45, 47, 49
END, BEGINNING = -1, -2

SCENARIOS: dict[str, tuple[Any, object]] = {}


def answers(*expected: object) -> Any:
    """The scenario's answers, in their order."""

    def known(scenario: Any) -> Any:
        SCENARIOS[scenario.__name__.strip("_")] = scenario, list(expected)
        return scenario

    return known


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_model(name: str):
    scenario, expected = SCENARIOS[name]
    assert ask_model(scenario) == expected


@pytest.mark.parametrize("name", SCENARIOS)
def test_kafka(name: str, kafka: str):
    scenario, expected = SCENARIOS[name]
    assert ask_kafka(kafka, scenario) == expected


def values(raw: bytes) -> list[bytes | None]:
    """Of all records, those at transactions' ends too."""
    found: list[bytes | None] = []
    memory = MemoryRecords(raw)
    while (each := memory.next_batch()) is not None:
        found += [record.value for record in each if not each.is_control_batch]
    return found


@answers((OK, 0), (OK, 2), (OK, 3, 3, [], [b"a", b"b", b"c"]), (OK, 3, 3, [], [b"c"]), (OUT_OF_RANGE, -1), [])
async def _batches_that_are_read(asked: Asked) -> list[object]:
    """Whole batches, from the one that holds the offset; nothing at the end, an error beyond it."""
    topic = await asked.topic()
    told: list[object] = [await asked.produce(topic, batch([b"a", b"b"])), await asked.produce(topic, batch([b"c"]))]
    for offset in (1, 2):
        *answer, raw = await asked.fetch(topic, offset)
        told.append((*answer, values(raw)))
    return [*told, (await asked.fetch(topic, 4))[:2], values((await asked.fetch(topic, 3))[-1])]


@answers((OK, 0), (OK, 0), (OK, 2), (OUT_OF_ORDER, -1), (OK, 3), (OLD_EPOCH, -1), (OK, 4))
async def _an_idempotent_producer(asked: Asked) -> list[object]:
    """A repeat is told its first place; a gap is refused, and so is an epoch that is over."""
    topic = await asked.topic()
    given = {"producer": 4_000, "epoch": 1}
    sent = [([b"a", b"b"], 0, 1), ([b"a", b"b"], 0, 1), ([b"c"], 2, 1), ([b"e"], 4, 1), ([b"f"], 0, 2), ([b"g"], 3, 1)]
    told = [
        await asked.produce(topic, batch(records, **{**given, "sequence": first, "epoch": epoch}))
        for records, first, epoch in sent
    ]
    return [*told, await asked.offset(topic, END)]


@answers((TOO_LARGE, -1), (OK, 0), (OK, 1))
async def _a_batch_that_is_too_large(asked: Asked) -> list[object]:
    topic = await asked.topic(max_message_bytes="300")
    return [
        await asked.produce(topic, batch([b"x" * 400])),
        await asked.produce(topic, batch([b"x"])),
        await asked.offset(topic, END),
    ]


@answers((OK, 2), (OUT_OF_RANGE, -1), (OK, 2), (OK, 3), (OK, 2), OUT_OF_RANGE, 2)
async def _records_that_are_deleted(asked: Asked) -> list[object]:
    """The log begins later; what stood there is out of range; nothing is deleted beyond the end."""
    topic = await asked.topic()
    for value in (b"a", b"b", b"c"):
        await asked.produce(topic, batch([value]))

    async def deleted(offset: int) -> tuple[int, int]:
        answer = await asked.leading(topic, DeleteRecordsRequest([(topic, [(0, offset)])], 10_000))
        (_, ((_, low, code, *_), *_), *_) = answer.topics[0]
        return code, low

    told: list[object] = [await deleted(2), (await asked.fetch(topic, 1))[:2], await asked.offset(topic, BEGINNING)]
    told += [await asked.offset(topic, END), await asked.offset(topic, 0), (await deleted(9))[0]]
    return [*told, (await asked.offset(topic, BEGINNING))[1]]


@answers((OK, 0), (OK, 1), (OK, -1), (OK, 0), (OK, -1))
async def _offsets_by_time(asked: Asked) -> list[object]:
    """The first record that is not older, by the producer's times or by those of the log."""
    topic, dated = await asked.topic(), await asked.topic("dated", message_timestamp_type="LogAppendTime")
    for name in (topic, dated):
        await asked.produce(name, batch([b"a", b"b"]))
    told = [await asked.offset(topic, time) for time in (0, 1_001, 1_002)]
    return [*told, await asked.offset(dated, 1_002), await asked.offset(dated, 1 << 50)]


@answers(
    (OK, 2, 1, [], [b"before", b"aborted"]), [(OK, 2), (OK, 1)], (OK, 2, 1, [], [b"before"]),
    (OK, 5, 5, [1], [b"before", b"aborted", b"committed"]), [(OK, 5), (OK, 5)],
)  # fmt: skip
async def _transactions(asked: Asked) -> list[object]:
    """What is open holds back who reads committed records; each end takes an offset; what was aborted is told."""
    topic = await asked.topic()
    # Kafka begins another segment where times are days apart, and a fetch ends with its segment.
    await asked.produce(topic, batch([b"before"], since=int(time.time() * 1000)))

    async def read(*, committed: bool) -> tuple[object, ...]:
        *answer, raw = await asked.fetch(topic, 0, committed=committed)
        return (*answer, values(raw))

    async def ends() -> list[object]:
        return [await asked.offset(topic, END), await asked.offset(topic, END, committed=True)]

    async with asked.transactional("one") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"aborted", partition=0)
        told: list[object] = [await read(committed=False), await ends(), await read(committed=True)]
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait(topic, b"committed", partition=0)
        await until_stable(asked, topic)
        return [*told, await read(committed=True), await ends()]


async def until_stable(asked: Asked, topic: str) -> None:
    """A coordinator writes its markers a little after it has said that the transaction ended."""
    while await asked.offset(topic, END) != await asked.offset(topic, END, committed=True):
        await asyncio.sleep(0.05)


@answers("refused", [b"new"], (OK, [0]))
async def _a_producer_that_is_fenced(asked: Asked) -> list[object]:
    """Opening another one of its name takes back what it has open, and all that it does from then on is refused."""
    topic, ended = await asked.topic(), "committed"
    async with asked.transactional("name") as old:
        await old.begin_transaction()
        await old.send_and_wait(topic, b"old", partition=0)
        async with asked.transactional("name") as new, new.transaction():
            await new.send_and_wait(topic, b"new", partition=0)
        await until_stable(asked, topic)
        try:
            await old.commit_transaction()
        except (ProducerFenced, InvalidProducerEpoch, KafkaError):
            ended = "refused"
    code, _, _, aborted, raw = await asked.fetch(topic, 0, committed=True)
    return [ended, [each for each in values(raw) if each != b"old"], (code, aborted)]


@answers(OK, OK, OK, "the same", (NO_SUCH_PRODUCER, OLD_EPOCH))
async def _producers_ids(asked: Asked) -> list[object]:
    """The same name has the same id, and a newer epoch each time."""
    name, topic = f"{asked.unique}-ids", await asked.topic()

    async def begin() -> Any:
        while True:
            node = await asked.coordinator(1, name)
            answer = await asked.client.send(node, InitProducerIdRequest(name, 10_000))
            if answer.error_code not in {14, 15, 16, 51}:
                return answer
            await asyncio.sleep(0.1)

    async def add(producer: int, epoch: int) -> int:
        node = await asked.coordinator(1, name)
        answer = await asked.client.send(node, AddPartitionsToTxnRequest(name, producer, epoch, [(topic, [0])]))
        ((_, ((_, code),)),) = answer.errors
        return int(code)

    first, second = await begin(), await begin()
    same = (first.producer_id, first.producer_epoch + 1) == (second.producer_id, second.producer_epoch)
    refused = await add(second.producer_id + 5, second.producer_epoch), await add(*first_of(first))
    told = [first.error_code, second.error_code, await add(*first_of(second))]
    return [*told, "the same" * same, refused]


def first_of(answer: Any) -> tuple[int, int]:
    """(id, epoch)."""
    return answer.producer_id, answer.producer_epoch


@answers(MEMBER_ID_REQUIRED, (OK, True, 1), (OK, b"a"), OK, UNKNOWN_MEMBER, ILLEGAL_GENERATION, OK, UNKNOWN_MEMBER)
async def _a_member_of_a_group(asked: Asked) -> list[object]:
    """It is told its id first; heartbeats are for who is a member, of the generation that is."""
    group = f"{asked.unique}-g"
    named = await asked.join(group)
    answer = await asked.join(group, named.member_id)
    member, generation = answer.member_id, answer.generation_id
    told: list[object] = [
        named.error_code,
        (answer.error_code, answer.leader_id == member == named.member_id, generation),
    ]
    synced = await asked.sync(group, generation, member)
    told.append((synced.error_code, synced.member_assignment))
    told += [await asked.heartbeat(group, *each) for each in ((1, member), (1, "nobody"), (2, member))]
    left = await asked.coordinating(group, LeaveGroupRequest(group, member))
    return [*told, left.error_code, await asked.heartbeat(group, 1, member)]


@answers(
    (-1, ""), OK, (7, "a note"), OK, (3, "a note"), UNKNOWN_MEMBER, UNKNOWN_MEMBER, ILLEGAL_GENERATION, OK,
    (5, "a note"),
)  # fmt: skip
async def _offsets_of_a_group(asked: Asked) -> list[object]:
    """Nobody looks at the offset, backwards or not; without a member of its own who is in no group stores it too."""
    group, topic = f"{asked.unique}-g", await asked.topic()
    told: list[object] = [await asked.committed(group, topic)]
    for offset in (7, 3):
        told += [await asked.commit(group, topic, offset), await asked.committed(group, topic)]
    member, generation = await asked.joined(group)
    told += [await asked.commit(group, topic, 9), await asked.commit(group, topic, 9, generation, "nobody")]
    told += [await asked.commit(group, topic, 9, generation + 1, member)]
    told += [await asked.commit(group, topic, 5, generation, member)]
    return [*told, await asked.committed(group, topic)]


@answers(REBALANCING, OK, (OK, 2, 2), ILLEGAL_GENERATION, OK, "Stable", 2)
async def _a_second_member(asked: Asked) -> list[object]:
    """The first hears of it at its heartbeat, may commit until it joins again, and both have the next generation."""
    group, topic = f"{asked.unique}-g", await asked.topic()
    first, generation = await asked.joined(group)
    async with asked.another() as other:
        named = await other.join(group)
        joining = asyncio.ensure_future(other.join(group, named.member_id))
        while (code := await asked.heartbeat(group, generation, first)) == OK:
            await asyncio.sleep(0.05)
        told: list[object] = [code, await asked.commit(group, topic, 1, generation, first)]
        again = await asked.join(group, first)
        joined = await joining
        told.append((joined.error_code, joined.generation_id, again.generation_id))
        told.append(await asked.commit(group, topic, 1, generation, first))
        waiting = asyncio.ensure_future(other.sync(group, 2, named.member_id))
        told.append((await asked.sync(group, 2, first)).error_code)
        await waiting
        described = await asked.coordinating(group, DescribeGroupsRequest([group]))
        (_, _, state, _, _, members, *_), *_ = described.groups
        return [*told, state, len(members)]


@answers((OK, 1, "itself"), (OK, 1, "the one before"), (OK, b"a"), UNKNOWN_MEMBER, OK)
async def _a_static_member_that_is_back(asked: Asked) -> list[object]:
    """It takes the place of whoever had its name, in the same generation, and leads nobody."""
    group = f"{asked.unique}-g"
    before = await asked.join(group, instance="i")
    await asked.sync(group, before.generation_id, before.member_id)
    now = await asked.join(group, instance="i")
    names = {now.member_id: "itself", before.member_id: "the one before"}
    told: list[object] = [(before.error_code, before.generation_id, "itself" * (before.leader_id == before.member_id))]
    told.append((now.error_code, now.generation_id, names[now.leader_id]))
    synced = await asked.sync(group, now.generation_id, now.member_id)
    told.append((synced.error_code, synced.member_assignment))
    return [*told, *[await asked.heartbeat(group, 1, each.member_id) for each in (before, now)]]


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
