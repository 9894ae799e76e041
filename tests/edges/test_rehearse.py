"""`rehearse` over real topics: its figures are right, and it changes nothing."""

import asyncio
import os
import sys
from dataclasses import dataclass, replace

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy as Builder
from logs_on_kafka import Log
from patience import PATIENCE
from scripted_log import ODD

from worker import wiring
from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.model.errors import StartupError
from worker.settings.settings import Settings
from worker.tools.rehearsal.choice import Asked
from worker.tools.rehearsal.rehearse import rehearsed
from worker.tools.rehearsal.remarks import remarks
from worker.tools.rehearsal.report import as_document
from worker.topics import TopicSpec

NOON = 1_764_072_000_000
HOUR = 3_600_000
KEPT = 100 * 365 * 24 * HOUR
"""Longer than from these records' dates to any run of the tests, so that none is deleted for its age."""
SECRET = b"jack.bauer@ctu.example"
STRUCTURED = [("content-type", b"application/cloudevents+json")]


def event(number, source="urn:crm", kind="customer.create.requested.v1", **data):
    customer = {"type": "individual", "contactPersons": [{"firstName": SECRET.decode()}]} | data
    told = {"specversion": "1.0", "id": f"e-{number}", "source": source, "type": kind, "data": customer}
    return orjson.dumps(told)


@dataclass
class Topic:
    """A request topic of two partitions."""

    kafka: str
    name: str

    async def write(self, *values, key=SECRET, headers=STRUCTURED, partition=0, timestamp=NOON, codec=None):
        async with AIOKafkaProducer(bootstrap_servers=self.kafka, compression_type=codec) as producer:
            for value in values:
                sent = producer.send_and_wait(self.name, value, key, partition, timestamp, [*headers])
                await asyncio.wait_for(sent, PATIENCE)

    async def odd(self, value):
        """Write a record with a header whose name is not UTF-8."""
        async with AIOKafkaProducer(bootstrap_servers=self.kafka) as producer:
            batch = producer.create_batch()
            batch._builder = Builder(2, 0, 0, -1, -1, -1, 2**20)
            batch.append(timestamp=NOON, key=b"k", value=value, headers=[*STRUCTURED, *ODD])
            batch.close()
            await asyncio.wait_for(await producer.send_batch(batch, self.name, partition=0), PATIENCE)

    async def told(self, start="earliest", **asked):
        settings = {"bootstrap_servers": self.kafka, "start": start}
        made = Settings.model_validate({"kafka": settings, "topics": {"requests": self.name}})
        async with wiring.decoding(made, None) as decode:
            found = await asyncio.wait_for(rehearsed(made, Asked(**asked), decode), PATIENCE)
        return orjson.loads(orjson.dumps(as_document(found, remarks(found))))

    async def typed(self, *arguments, **settings):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKER_")}
        ours = {"WORKER_KAFKA__BOOTSTRAP_SERVERS": self.kafka, "WORKER_TOPICS__REQUESTS": self.name}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "worker", "rehearse", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=inherited | ours | settings,
        )
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert SECRET not in out + err
        return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def topic(kafka, unique):
    async with admin.opened(Connection(kafka)) as client:
        await client.create(TopicSpec(unique, 2, 1, {"retention.ms": str(KEPT)}))
    return Topic(kafka, unique)


async def test_everything_at_once(topic):
    """Good, broken, foreign and repeated records, and a key with many: each figure is right."""
    await topic.write(event(1), event(2), event(1), event(3, role="Boss"), codec="zstd")
    await topic.write(event(4, "urn:shop"), event(1), key=b"other", partition=1, timestamp=NOON + 24 * HOUR)
    await topic.write(event(5, "urn:shop", "lead.v1"), b"{", key=None, partition=1, timestamp=NOON + 24 * HOUR)
    await topic.write(None, key=b"tombstone", partition=1, timestamp=NOON + 24 * HOUR)
    told = await topic.told()
    assert told["ends"] == {"records": 9, "create": 4, "repeats": 1, "confirm": 0, "fail": 4, "passedOver": 0}
    assert [(each["path"], each["rule"], each["first"]) for each in told["rules"]] == [
        ("role.value", "allowed_values", "0@3")
    ]
    assert sorted(each["code"] for each in told["causes"]) == ["undecodable", "undecodable", "unsupported_event"]
    assert {each["source"]: each["fail"] for each in told["sources"]} == {"urn:crm": 1, "urn:shop": 1, "(none)": 2}
    assert {each["day"]: each["records"] for each in told["days"]} == {"2025-11-25": 4, "2025-11-26": 5}
    assert (told["repeats"]["recognised"], told["repeats"]["elsewhere"]) == (1, 1)
    assert told["keys"]["hottest"][0] == {"records": 4, "create": 2, "first": "0@0"}
    assert (told["keys"]["distinct"], told["keys"]["without"]) == (3, 2)
    assert told["start"] == {"setting": "earliest", "offsets": 9, "records": 9}
    assert (told["journal"]["retention"], told["journal"]["covers"]) == (KEPT / 1000, False)


async def test_transactions(topic):
    """Aborted records create nothing, markers are no records, and an open transaction is told."""
    log = Log(topic.kafka, topic.name)
    async with log.transaction(2, commit=False):
        pass
    async with log.transaction(3, commit=True):
        pass
    async with Log(topic.kafka, topic.name, 1).transaction(2, commit=False):
        await log.write(1)
        told = await topic.told()
    ended = told["transactions"]
    assert (ended["committed"], ended["aborted"], ended["takenBack"]) == (1, 1, 2)
    assert [(each["partition"], each["offset"], each["behind"]) for each in ended["open"]] == [(1, 0, 2)]
    assert (told["read"]["records"], told["read"]["offsets"], told["read"]["leftOut"]) == (4, 8, 0)


async def test_transactions_beside_one_another(topic):
    """Transactions whose records are mixed are each committed or aborted as a whole."""
    log = Log(topic.kafka, topic.name)
    async with log.transaction(2, commit=False, name="a"), log.transaction(3, commit=True, name="b"):
        await log.write(4)
    told = await topic.told()
    assert (told["read"]["records"], told["transactions"]["takenBack"], told["read"]["leftOut"]) == (7, 2, 0)


async def test_a_header_that_is_no_text(topic):
    """A record with an unreadable header fails; all others are read."""
    await topic.write(event(1), event(2))
    await topic.odd(event(3))
    await topic.write(event(4))
    told = await topic.told()
    assert (told["ends"]["create"], told["ends"]["fail"]) == (3, 1)
    assert told["causes"][0]["first"] == "0@2"


async def test_where_it_reads(topic):
    """A stretch by time, a partition, or a limit is read; where a new group would start is told beside it."""
    for hour in range(4):
        await topic.write(event(hour), event(hour + 10), timestamp=NOON + hour * HOUR)
    await topic.write(*[event(number) for number in range(20, 24)], partition=1, timestamp=NOON + 2 * HOUR)
    between = {"since": NOON + HOUR, "until": NOON + 3 * HOUR}
    assert (await topic.told(**between))["read"]["records"] == 8
    assert (await topic.told(**between, partition=0))["read"]["records"] == 4
    told = await topic.told("2025-11-25T14:00Z", limit=6)
    assert [each["records"] for each in told["partitions"]] == [4, 2]
    assert told["start"] == {"setting": "2025-11-25T14:00Z", "offsets": 8, "records": None}
    told = await topic.told("latest")
    assert (told["start"]["records"], told["read"]["whole"]) == (0, True)


async def test_as_it_is_typed(topic):
    """Text for a person, JSON for a machine; exit code 1 where more fail than tolerated; no customer's value shows."""
    await topic.write(*[event(number) for number in range(3)], b"{" + SECRET)
    code, out, err = await topic.typed("--tolerate", "24")
    assert (code, err) == (1, "")
    assert f"{topic.name}: 4 records of 2 partitions" in out
    assert out.splitlines()[-1] == "25 % would fail, 24 % are tolerated"
    code, out, err = await topic.typed("--tolerate", "25", "--json", "--since", "2025-11-25", "--latency", "9")
    assert (code, err) == (0, "")
    assert orjson.loads(out)["workOff"]["hotKey"] == 27


async def test_it_leaves_nothing_behind(topic):
    """It leaves no group, no topic and no record."""
    await topic.write(event(1))
    assert (await topic.typed(WORKER_KAFKA__GROUP_ID=topic.name))[0] == 0
    client = AIOKafkaAdminClient(bootstrap_servers=topic.kafka)
    await client.start()
    try:
        assert topic.name not in [name for name, _ in await client.list_consumer_groups()]
        assert [name for name in await client.list_topics() if topic.name in name] == [topic.name]
    finally:
        await client.close()
    async with AIOKafkaConsumer(bootstrap_servers=topic.kafka) as consumer:
        places = [TopicPartition(topic.name, number) for number in range(2)]
        assert sum((await consumer.end_offsets(places)).values()) == 1


@pytest.mark.parametrize(("changed", "said"), [({"name": "no-such-topic"}, "not exist"), ({}, "has no partition 2")])
async def test_what_is_not_there(topic, changed, said):
    """A topic or partition that does not exist is named with its setting."""
    with pytest.raises(StartupError, match=f"WORKER_TOPICS__REQUESTS.*{said}"):
        await replace(topic, **changed).told(partition=2)
