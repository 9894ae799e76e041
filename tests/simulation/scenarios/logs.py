"""What is appended, read and deleted, and what idempotent producers are told."""

from aiokafka.protocol.admin import DeleteRecordsRequest

from simulation.conforming import Asked, batch, values

from .known import BEGINNING, END, OK, OLD_EPOCH, OUT_OF_ORDER, OUT_OF_RANGE, TOO_LARGE, answers


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
