"""A connection that breaks, or is none, is an error that the Kafka client knows."""

import asyncio
import socket
import struct

import pytest
import uvloop
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest
from patience import PATIENCE

from worker.kafka.login import LastingConnection

VERSIONS = struct.pack(">hi", 0, 2) + struct.pack(">hhh", 3, 0, 1) + struct.pack(">hhh", 18, 0, 0)
METADATA = MetadataRequest([])


async def reset():
    """What sends say, one in each turn of the loop, from when the broker's machine has reset the connection on."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        connecting = asyncio.create_task(create_conn(*server.getsockname(), request_timeout_ms=PATIENCE * 1000))
        broker, _ = await loop.sock_accept(server)
        asked = await loop.sock_recv(broker, 1024)
        answer = asked[8:12] + VERSIONS
        await loop.sock_sendall(broker, struct.pack(">i", len(answer)) + answer)
        connection = await connecting
        broker.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        broker.close()
    assert isinstance(connection, LastingConnection)
    return await said(connection)


async def said(connection):
    raised, waiting = [], []
    while connection._writer is not None:
        try:
            waiting.append(asyncio.ensure_future(connection.send(METADATA)))
        except Exception as error:  # noqa: BLE001  which one it is is asked for here
            raised.append(type(error))
        await asyncio.sleep(0)
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    return {*raised, *(type(each) for each in answers)}


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_connection_that_is_reset(loop_factory):
    """Whoever sends right then is told so, whatever the loop says of it: some turns lie between reset and close."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert runner.run(reset()) == {KafkaConnectionError}


@pytest.mark.parametrize("host", ["kafka..internal", "k" * 64 + ".internal"])
async def test_a_name_that_no_host_can_have(host):
    """A broker may tell it of another, or a setting of all: it is no such host."""
    with pytest.raises(socket.gaierror):
        await create_conn(host, 9092)


async def test_a_broker_whose_answer_is_none(monkeypatch):
    """A login, for one, that does not say what was agreed on."""

    async def login(_):
        raise KeyError("r")

    over = asyncio.Event()

    async def serve(reader, writer):
        asked = await reader.read(1024)
        answer = asked[8:12] + VERSIONS
        writer.write(struct.pack(">i", len(answer)) + answer)
        await reader.read()
        writer.close()
        await writer.wait_closed()
        over.set()

    monkeypatch.setattr(LastingConnection, "_do_sasl_handshake", login)
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        with pytest.raises(KafkaConnectionError, match="KeyError"):
            await create_conn(*server.sockets[0].getsockname(), security_protocol="SASL_PLAINTEXT")
        await over.wait()
