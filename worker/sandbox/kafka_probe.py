"""Asks a Kafka on this machine for its cluster id, in Kafka's own protocol."""

import asyncio
import secrets
import socket
import struct
from collections.abc import Collection

from worker.model.errors import LocalKafkaError
from worker.sandbox.kafka_properties import HOST

METADATA, VERSION = 3, 4
ANSWER_WITHIN = 2


async def cluster_id(port: int) -> str | None:
    """The id of the cluster that answers on the port and has a live broker; None while there is none."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            return _cluster_id(await _ask_metadata(port))
    except (OSError, TimeoutError, asyncio.IncompleteReadError, struct.error):
        return None


async def _ask_metadata(port: int) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        # Correlation id, no client id, no topics, none to be created.
        request = struct.pack(">hhihi?", METADATA, VERSION, 1, -1, 0, False)  # noqa: FBT003  a field of the request
        writer.write(struct.pack(">i", len(request)) + request)
        (length,) = struct.unpack(">i", await reader.readexactly(4))
        return await reader.readexactly(min(length, 65_536))
    finally:
        writer.close()


def _cluster_id(answer: bytes) -> str | None:
    """The cluster id of a metadata answer.

    Correlation id, throttle time, brokers (id, host, port, rack), cluster id.
    """
    (brokers,) = struct.unpack_from(">i", answer, 8)
    place = 12
    for _ in range(brokers):
        _, place = _string(answer, place + 4)
        _, place = _string(answer, place + 4)
    return _string(answer, place)[0] if brokers > 0 else None


def _string(answer: bytes, place: int) -> tuple[str | None, int]:
    (length,) = struct.unpack_from(">h", answer, place)
    start = place + 2
    end = start + max(length, 0)
    return (answer[start:end].decode() if length >= 0 else None), end


def free_port(besides: Collection[int] = ()) -> int:
    """A free port below the range for outgoing connections, so that it stays free while Kafka restarts.

    The ports in `besides` are not chosen: nobody listens on them yet, but they are promised to others.
    """
    for _ in range(100):
        port = 20_000 + secrets.randbelow(12_000)
        if port not in besides and is_free(port):
            return port
    raise LocalKafkaError("no free port between 20000 and 32000")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
