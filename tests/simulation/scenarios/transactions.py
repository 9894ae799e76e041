"""Transactions: what is open, what was taken back, who is fenced."""

import asyncio
import time
from typing import Any

from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, InitProducerIdRequest

from simulation.conforming import Asked, batch, values

from .known import END, NO_SUCH_PRODUCER, OK, OLD_EPOCH, answers


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
