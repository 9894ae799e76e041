"""The admin client on a real Kafka: topics are looked up, made and refused; and what it says without a Kafka."""

import asyncio
import os
import shlex
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from socket import create_server

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from patience import PATIENCE

from worker.journal.topic_config import alter, troubles
from worker.kafka import admin
from worker.kafka.admin import Admin
from worker.kafka.connection import Connection, close, opened, tool_options
from worker.kafka.missing_topics import create, exit_code
from worker.model.errors import KafkaUnavailable, StartupError
from worker.sandbox.kafka_jars import Patience, kept_jars
from worker.sandbox.kafka_packages import fetch, jars_root, java
from worker.topics import Plan, TopicSpec, verify


@pytest.fixture
async def topics(kafka: str) -> AsyncIterator[Admin]:
    """The admin client under test."""
    async with admin.opened(Connection(kafka)) as client:
        yield client


@pytest.fixture
def plan(unique: str) -> Plan:
    """Names for five topics of this test."""
    return Plan(
        f"{unique}-requests",
        f"{unique}-succeeded",
        f"{unique}-failed",
        f"{unique}-dead-letters",
        f"{unique}-journal",
        partitions=2,
        replication_factor=1,
    )


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that accepts connections and never answers."""
    with closing(create_server(("127.0.0.1", 0))) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


async def test_topics_that_do_not_exist(topics: Admin, plan: Plan) -> None:
    """Looking for topics that do not exist does not create them."""
    names = [name for _, name in plan.names()]
    assert (await topics.cluster(names)).brokers == 1
    assert (await topics.cluster(names)).topics == {}
    with pytest.raises(StartupError, match="customer-worker topics create"):
        await verify(topics, plan)


async def test_the_command_that_is_printed(kafka: str, topics: Admin, plan: Plan) -> None:
    """Kafka's own tool takes it as it is; then nothing of the journal differs any more."""
    spoilt = {"cleanup.policy": "compact", "retention.bytes": "1000000", "segment.ms": "99999999"}
    await topics.create(TopicSpec(plan.journal, 2, 1, spoilt))
    await create(topics, plan)
    cluster = await topics.cluster([plan.journal])
    command = alter(plan, cluster, troubles(plan, cluster), tool_options(kafka, "PLAINTEXT"))
    program, *arguments = shlex.split(command)
    assert (program, len(troubles(plan, cluster)) > 2) == ("kafka-configs.sh", True)
    jars = os.pathsep.join(map(str, kept_jars(jars_root(), fetch, print, Patience(PATIENCE))))
    tool = await asyncio.create_subprocess_exec(java(), "-cp", jars, "kafka.admin.ConfigCommand", *arguments)
    assert await tool.wait() == 0
    assert troubles(plan, await topics.cluster([plan.journal])) == []


async def test_topics_create_twice(topics: Admin, plan: Plan) -> None:
    """The first time every topic is made as planned, the second time all exist and nothing differs."""
    assert {report.state for report in await create(topics, plan)} == {"created"}
    again = await create(topics, plan)
    assert [str(report) for report in again] == [f"{name}: exists" for _, name in plan.names()]
    made = (await verify(topics, plan)).topics
    assert {topic.partitions for topic in made.values()} == {2}
    journal = made[plan.journal].config or {}
    assert set(journal["cleanup.policy"].split(",")) == {"compact", "delete"}
    assert made[plan.dead_letters].number("max.message.bytes", 0) > made[plan.requests].number("max.message.bytes", 0)


async def test_journal_with_other_partitions(topics: Admin, plan: Plan, unique: str) -> None:
    """A journal with another number of partitions than the requests is reported by `create` and refused by `verify`."""
    await topics.create(TopicSpec(plan.requests, 3, 1))
    await topics.create(TopicSpec(plan.journal, 2, 1))
    assert exit_code(await create(topics, plan)) == 1
    with pytest.raises(StartupError, match=f"{unique}-journal .WORKER_TOPICS__JOURNAL. has 2 partitions"):
        await verify(topics, plan)


async def test_topic_that_is_already_there(topics: Admin, unique: str) -> None:
    """Creating a topic that exists is no error: the answer says that it was there."""
    assert await topics.create(TopicSpec(unique, 1, 1))
    assert not await topics.create(TopicSpec(unique, 1, 1))


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (TopicSpec("", 1, 3), "WORKER_TOPICS__REPLICATION_FACTOR"),
        (TopicSpec(" with blanks", 1, 1), "Topic name is invalid"),
        (TopicSpec("", 1, 1, {"no.such.entry": "1"}), "no.such.entry"),
        (TopicSpec("", 1, 1, {"segment.bytes": "1"}), "segment.bytes"),
    ],
)
async def test_topic_that_kafka_refuses(topics: Admin, unique: str, spec: TopicSpec, told: str) -> None:
    """The error has the broker's reason, and nothing was made."""
    name = unique + spec.name
    with pytest.raises(StartupError) as raised:
        await topics.create(replace(spec, name=name))
    assert told in str(raised.value)
    assert name not in (await topics.cluster([unique])).topics


@pytest.mark.parametrize("client", [AIOKafkaProducer, AIOKafkaConsumer])
async def test_no_kafka(client: type[AIOKafkaProducer | AIOKafkaConsumer]) -> None:
    """Without a Kafka each client says in one line that the connection was refused."""
    with closing(create_server(("127.0.0.1", 0))) as server:
        nobody = Connection(f"127.0.0.1:{server.getsockname()[1]}")
    with pytest.raises(KafkaUnavailable, match=r"127\.0\.0\.1:.*: connection refused"):
        async with opened(client(**nobody.arguments()), nobody, within=10):
            pass
    with pytest.raises(KafkaUnavailable, match=r"127\.0\.0\.1:.*: connection refused"):
        async with admin.opened(nobody):
            pass


async def test_kafka_that_does_not_answer(silent: str) -> None:
    """A Kafka that never answers is given up after the time limit."""
    with pytest.raises(KafkaUnavailable, match="no answer in time"):
        async with admin.opened(Connection(silent), within=0.2):
            pass


async def test_login_where_none_is_expected(kafka: str) -> None:
    """A login that the broker does not expect: the error names the protocol's setting, not the password."""
    login = Connection(kafka, security_protocol="SASL_PLAINTEXT", username="u", password="s3cret")
    with pytest.raises(KafkaUnavailable, match="WORKER_KAFKA__SECURITY_PROTOCOL") as raised:
        async with admin.opened(login):
            pass
    assert "s3cret" not in str(raised.value)


async def test_tls_where_none_is_spoken(kafka: str) -> None:
    """TLS to a broker that does not speak it: the error names the protocol's setting."""
    with pytest.raises(KafkaUnavailable, match="WORKER_KAFKA__SECURITY_PROTOCOL"):
        async with admin.opened(Connection(kafka, security_protocol="SSL")):
            pass


async def test_closing_a_member_of_a_group(kafka: str, topics: Admin, unique: str) -> None:
    """A consumer that was closed can be closed again."""
    await topics.create(TopicSpec(unique, 1, 1))
    connection = Connection(kafka)
    consumer = AIOKafkaConsumer(unique, group_id=unique, **connection.arguments())
    async with opened(consumer, connection, within=PATIENCE):
        assert consumer.assignment()
    assert await close(consumer, within=PATIENCE)


async def test_closing_a_producer_with_something_to_publish(kafka: str, topics: Admin, unique: str) -> None:
    """A message that was handed over is published before the producer is closed."""
    await topics.create(TopicSpec(unique, 1, 1))
    connection = Connection(kafka)
    producer = AIOKafkaProducer(**connection.arguments(), acks="all", enable_idempotence=True)
    async with opened(producer, connection, within=PATIENCE):
        handed_over = await producer.send(unique, b"x")
    assert (await asyncio.wait_for(handed_over, PATIENCE)).offset == 0
