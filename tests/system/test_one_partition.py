"""A fault of one partition holds that partition alone: the others go on, and nothing is lost."""

import asyncio
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest
from added_partitions import add_partitions
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy as Builder
from judging import NOT_LOOKED_AT, STRUCTURED, Asked, judged, requested
from patience import PATIENCE
from scripted_log import ODD, corrupt

from worker.kafka import admin
from worker.sandbox.local_kafka import LocalKafka

LIMITED = Path(__file__).with_name("limited.py")


@pytest.fixture(scope="module")
def broker():
    """A broker of its own, whose log files the tests may damage."""
    local = LocalKafka()
    try:
        asyncio.run(local.start())
        yield local
    finally:
        asyncio.run(local.close())


async def ask(world, asked, count, partition):
    """Publish that many more events, each in a batch of its own."""
    for _ in range(count):
        offset = sum(each.partition == partition for each in asked)
        name, key = f"e{partition}-{offset}", b"%d" % offset
        await world.publish(requested(name), key=key, headers=STRUCTURED, partition=partition)
        asked.append(Asked(partition, offset, name, key))


async def every_one_ended(world, worker, sandbox, asked, partitions=2):
    """Every record ended once, and everything is committed; returns how each ended."""
    assert await worker.stop() == 0
    events = [*await world.events(world.plan.succeeded), *await world.events(world.plan.failed)]
    verdict = judged(asked, sandbox.ledger, events)
    assert verdict.problems == ()
    ends = {number: sum(each.partition == number for each in asked) for number in range(partitions)}
    committed = await world.committed()
    assert committed == {number: ends[number] for number in committed}
    return verdict.endings


def batches(log: bytes):
    """(from, to) of each batch in a segment of the log."""
    position = 0
    while position < len(log):
        end = position + 12 + int.from_bytes(log[position + 8 : position + 12], "big")
        yield position, end
        position = end


@contextmanager
def spoilt(broker, topic, partition, number):
    """That batch of the partition is corrupt on the disk inside the block, and whole again afterwards."""
    (file,) = Path(broker.directory).rglob(f"{topic}-{partition}/*.log")
    start, end = list(batches(file.read_bytes().rstrip(b"\0")))[number]
    good = file.read_bytes()[start:end]

    def write(raw):
        with file.open("r+b") as segment:
            segment.seek(start)
            segment.write(raw)

    write(corrupt(good))
    try:
        yield
    finally:
        write(good)


async def test_a_batch_that_is_corrupt(broker, world_on):
    """The partition is held, with its number and the offset; the other goes on; once mended every record ends once."""
    async with world_on(broker.bootstrap_servers, uuid4().hex) as world:
        await world.topics()
        sandbox = await world.sandbox(identity_attribute=NOT_LOOKED_AT)
        asked: list[Asked] = []
        for _ in range(12):
            await ask(world, asked, 1, 0)
            await ask(world, asked, 1, 1)
        with spoilt(broker, world.plan.requests, 1, 4):
            worker = await world.start()
            (hold,) = await worker.until("hold.started", reason="partition_unreadable")
            assert hold["partition"] == 1
            assert hold["detail"].startswith(f"{world.plan.requests}/1 at offset 4: the batch there cannot be read: ")
            await worker.until("record.finished", 12, partition=0)
            await worker.until("record.finished", 4, partition=1)
            (ops,) = await worker.until("ops.started")
            async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{ops['port']}/status") as answer:
                status = await answer.json()
            assert [(each["reason"], each["partition"]) for each in status["holds"]] == [("partition_unreadable", 1)]
            assert status["state"] == "running"
            await ask(world, asked, 8, 0)
            await worker.until("record.finished", 20, partition=0)
        await worker.until("hold.ended", reason="partition_unreadable", partition=1)
        await ask(world, asked, 3, 1)
        await worker.until("record.finished", 15, partition=1)
        endings = await every_one_ended(world, worker, sandbox, asked)
        assert set(endings.values()) == {"created"}


async def put_odd(world, name, partition):
    """A batch of three records, of which the middle one has a header whose name is not UTF-8."""
    async with AIOKafkaProducer(bootstrap_servers=world.kafka) as producer:
        made = producer.create_batch()
        made._builder = Builder(2, 0, 0, -1, -1, -1, 2**20)
        for number in range(3):
            headers = [*STRUCTURED, *(ODD if number == 1 else ())]
            made.append(timestamp=None, key=b"%d" % number, value=requested(f"{name}-{number}"), headers=headers)
        made.close()
        return await (await producer.send_batch(made, world.plan.requests, partition=partition))


async def test_a_header_name_that_is_not_utf8(world):
    """That record becomes a dead letter; the others of its batch, and all others, are created."""
    await world.topics()
    sandbox = await world.sandbox(identity_attribute=NOT_LOOKED_AT)
    await put_odd(world, "odd", 1)
    for number in range(10):
        await world.publish(requested(f"a{number}"), key=b"a", headers=STRUCTURED, partition=0)
        await world.publish(requested(f"b{number}"), key=b"b", headers=STRUCTURED, partition=1)
    worker = await world.start()
    await worker.until("record.finished", 10, partition=0)
    await worker.until("record.finished", 13, partition=1)
    await put_odd(world, "later", 0)
    await worker.until("record.finished", 13, partition=0)
    assert await worker.stop() == 0
    assert sandbox.ledger.created == 24
    failed = await world.events(world.plan.failed)
    places = [(each["data"]["request"]["partition"], each["data"]["request"]["offset"]) for each in failed]
    assert sorted(places) == [(0, 11), (1, 1)]
    assert {each["data"]["reason"]["code"] for each in failed} == {"undecodable"}
    letters = await world.read(world.plan.dead_letters)
    assert [("trace\\xff\\xfe-id", b"1") in letter.headers for letter in letters] == [True, True]
    assert await world.committed() == {0: 13, 1: 13}
    assert worker.of("hold.started", reason="partition_unreadable") == []
    verifying = await world.start("verify")
    assert await verifying.ended() == 0, verifying.last_lines()


async def test_a_batch_that_becomes_huge(world):
    """A small batch that unpacks to 120 MB, with 100 MiB of memory left: its partition is held, the other goes on."""
    await world.topics()
    sandbox = await world.sandbox(identity_attribute=NOT_LOOKED_AT)
    async with AIOKafkaProducer(bootstrap_servers=world.kafka) as producer:
        made = producer.create_batch()
        made._builder = Builder(2, 4, 0, -1, -1, -1, 2**28)
        made.append(timestamp=None, key=b"k", value=b"x" * 120_000_000, headers=[])
        made.close()
        await (await producer.send_batch(made, world.plan.requests, partition=1))
    await world.publish(*[requested(f"a{number}") for number in range(5)], headers=STRUCTURED, partition=0)
    worker = await world._process(str(LIMITED), str(100 * 2**20), "run")
    (hold,) = await worker.until("hold.started", reason="partition_unreadable", partition=1)
    assert "at offset 0: the batch there cannot be read: it is too large once decompressed" in hold["detail"]
    await worker.until("record.finished", 5, partition=0)
    assert await worker.stop() == 0
    assert sandbox.ledger.created == 5


async def finished(workers, count):
    async with asyncio.timeout(PATIENCE):
        while sum(len(worker.of("record.finished")) for worker in workers) < count:
            await asyncio.sleep(0.05)


async def refused(workers, partitions):
    """Wait until these partitions are refused; returns what the log says of them."""
    async with asyncio.timeout(PATIENCE):
        while True:
            lines = [line for worker in workers for line in worker.of("journal.restore_failed")]
            if {line["partition"] for line in lines} == partitions:
                return [line["detail"] for line in lines]
            await asyncio.sleep(0.05)


async def test_partitions_that_are_added(world):
    """Partitions added to the requests alone: they are held until the journal has as many, while the others go on.

    A broken record of a new partition becomes a dead letter although that topic has no such partition.
    """
    await world.topics()
    sandbox = await world.sandbox(identity_attribute=NOT_LOOKED_AT)
    workers = [await world.start(), await world.start()]
    asked: list[Asked] = []
    await ask(world, asked, 3, 0)
    for worker in workers:
        await worker.until("journal.restored")
    async with admin.opened(world.connection) as client:
        await add_partitions(client.client, world.plan.requests, 4)
    for worker in workers:
        (changed,) = await worker.until("partitions.changed")
        assert (changed["before"], changed["now"]) == (2, 4)
    for detail in await refused(workers, {2, 3}):
        assert f"topic {world.plan.journal} (WORKER_TOPICS__JOURNAL) has 2 partitions" in detail
        assert f"{world.plan.requests} (WORKER_TOPICS__REQUESTS) has 4 partitions" in detail
        assert detail.endswith("`customer-worker topics grow 4 --yes` gives it as many")
    for number, count in enumerate((10, 10, 5, 5)):
        await ask(world, asked, count, number)
    for number in (2, 3):
        await world.publish(b"no json", key=b"x", partition=number)
    await finished(workers, 23)
    assert [worker.of("hold.started", reason="kafka_unavailable") for worker in workers] == [[], []]
    async with admin.opened(world.connection) as client:
        await add_partitions(client.client, world.plan.journal, 4)
    await finished(workers, 35)
    assert [await worker.stop() for worker in workers] == [0, 0]
    succeeded, failed = await world.events(world.plan.succeeded), await world.events(world.plan.failed)
    assert (sandbox.ledger.created, len({each["id"] for each in succeeded})) == (33, 33)
    places = sorted((each["data"]["request"]["partition"], each["data"]["request"]["offset"]) for each in failed)
    assert places == [(2, 5), (3, 5)]
    assert {each["data"]["deadLetter"]["partition"] for each in failed} <= {0, 1}
