import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from patience import PATIENCE, until

from worker.model.errors import LocalKafkaError
from worker.sandbox.kafka_probe import cluster_id, free_port, is_free
from worker.sandbox.local_kafka import LocalKafka

TOPIC = "t"
STARTS_ANOTHER = """
import asyncio
from worker.sandbox.local_kafka import LocalKafka
async def main():
    async with LocalKafka() as kafka:
        print(kafka.bootstrap_servers, kafka.directory, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""
RUNS_THE_COMMAND = """
import asyncio, sys
from pathlib import Path
from worker.sandbox.kafka_command import run_kafka
asyncio.run(run_kafka(int(sys.argv[1]), Path(sys.argv[2])))
"""


@pytest.fixture
async def own() -> AsyncIterator[LocalKafka]:
    async with LocalKafka() as kafka:
        yield kafka


async def publish(bootstrap: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        await producer.send_and_wait(TOPIC, value)


async def read(bootstrap: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None)
    async with consumer, asyncio.timeout(PATIENCE):
        return [(await consumer.getone()).value or b"" for _ in range(count)]


async def create_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    finally:
        await admin.close()


def port_of(bootstrap: str) -> int:
    return int(bootstrap.rpartition(":")[2])


async def until_gone(port: int, directory: str) -> None:
    await until(lambda: is_free(port) and not Path(directory).exists())


async def test_life_of_a_broker(own: LocalKafka) -> None:
    """Messages outlive a clean stop and a crash, the address stays, and a frozen broker goes on when thawed.

    Killing the process between the test and the broker ends the broker, too.
    """
    address = own.bootstrap_servers
    await create_topic(address)
    await publish(address, b"before")
    await own.stop()
    assert not own.is_running
    assert is_free(port_of(address))

    await own.start()
    await publish(address, b"after the stop")
    await own.kill()
    await own.start()
    assert own.bootstrap_servers == address

    await own.freeze()
    assert await cluster_id(port_of(address)) is None
    assert own.is_running
    own.thaw()
    await publish(address, b"after the thaw")
    assert await read(address, 3) == [b"before", b"after the stop", b"after the thaw"]

    assert own._process
    os.kill(own._process.pid, signal.SIGKILL)
    await until(lambda: is_free(port_of(address)))
    assert not own.is_running


async def test_parent_is_killed(kafka: str) -> None:
    """Killing the process that started a broker ends the broker and removes its directory; other brokers go on."""
    program = [sys.executable, "-c", STARTS_ANOTHER]
    parent = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout
    address, directory = (await parent.stdout.readline()).decode().split()
    assert address != kafka
    assert await cluster_id(port_of(address))
    parent.kill()
    await parent.wait()
    await until_gone(port_of(address), directory)
    assert await cluster_id(port_of(kafka))


async def test_named_data(tmp_path: Path) -> None:
    """A named data folder is used by one broker at a time, and outlives it; the command serves it again."""
    async with LocalKafka(data=tmp_path / "kafka") as first:
        await create_topic(first.bootstrap_servers)
        await publish(first.bootstrap_servers, b"kept")
        with pytest.raises(LocalKafkaError, match="another Kafka uses the data"):
            await LocalKafka(data=tmp_path / "kafka").start()
    port = free_port()
    program = [sys.executable, "-c", RUNS_THE_COMMAND, str(port), str(tmp_path / "kafka")]
    command = await asyncio.create_subprocess_exec(*program, stderr=asyncio.subprocess.PIPE)
    assert command.stderr
    said = [(await command.stderr.readline()).decode() for _ in range(4)]
    assert f"WORKER_KAFKA__BOOTSTRAP_SERVERS=127.0.0.1:{port}" in "".join(said)
    assert await read(f"127.0.0.1:{port}", 1) == [b"kept"]
    command.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(command.wait(), PATIENCE) == 0
    assert await command.stderr.read() == b""
    assert is_free(port)
    assert (tmp_path / "kafka/data").is_dir()


async def test_port_is_taken() -> None:
    """A port in use is named in one line, and nothing is left behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        kafka = LocalKafka(port=port)
        with pytest.raises(LocalKafkaError, match=f"^port {port} on 127.0.0.1 is taken: .*$"):
            await kafka.__aenter__()
    assert not kafka.directory.exists()


async def test_broker_does_not_start() -> None:
    """Where the broker cannot start the error has its last lines."""
    with pytest.raises(LocalKafkaError, match=r"(?s)could not be formatted.*num.io.threads"):
        await LocalKafka(properties={"num.io.threads": "many"}).__aenter__()


@pytest.mark.parametrize("moment", ["formatting Kafka's storage", "starting Kafka"])
async def test_start_is_cancelled(moment: str) -> None:
    """After a start was cancelled nothing of it runs or is left behind."""
    reached = asyncio.Event()
    kafka = LocalKafka(tell=lambda step: reached.set() if step == moment else None)
    start = asyncio.create_task(kafka.__aenter__())
    await asyncio.wait_for(reached.wait(), PATIENCE)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert not kafka.is_running
    assert not kafka.directory.exists()


async def test_sasl_listener() -> None:
    """A further listener has a port of its own, with users made at the formatting."""
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    properties = {
        "sasl.enabled.mechanisms": "SCRAM-SHA-256",
        "listener.name.saslp.scram-sha-256.sasl.jaas.config": scram,
    }
    user = ["--add-scram", "SCRAM-SHA-256=[name=worker,password=secret]"]
    async with LocalKafka(listeners={"SASLP": "SASL_PLAINTEXT"}, properties=properties, format_options=user) as kafka:
        await create_topic(kafka.bootstrap_servers)
        producer = AIOKafkaProducer(
            bootstrap_servers=kafka.address("SASLP"),
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="SCRAM-SHA-256",
            sasl_plain_username="worker",
            sasl_plain_password="secret",
        )
        async with producer:
            await producer.send_and_wait(TOPIC, b"through the listener")
        assert await read(kafka.bootstrap_servers, 1) == [b"through the listener"]
