"""Publishes by the clients that others use: librdkafka, Java's own, and franz-go for Go."""

import asyncio
import base64
import hashlib
import os
import shutil
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import orjson
import pytest
from confluent_kafka import Producer
from patience import PATIENCE
from platformdirs import user_cache_path

from worker.model.records import Headers
from worker.sandbox.kafka_jars import Jar, Patience
from worker.sandbox.kafka_packages import fetch, jars_root, java
from worker.sandbox.local_kafka import class_path

Sent = tuple[bytes | None, bytes | None, Headers]
"""Key, value, headers."""
Publish = Callable[[str, str, str, Sequence[Sent]], Awaitable[None]]
"""Publishes records: (bootstrap servers, topic, codec, records)."""

ANY: Final = "surrogateescape"
"""Go writes header names as bytes: those that are not UTF-8 are held in a string by this."""
GO_PROGRAM: Final = Path(__file__).parent / "producers"
BUILD_WITHIN: Final = 10 * PATIENCE
TOOLS: Final = Jar(
    "org.apache.kafka", "kafka-tools", "4.3.1", "62f3c5dd7aa3442d4c5bc6a95f86e2502178ea09de8e27f74d9563bf955e253c"
)
JVM: Final = ("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED")


async def librdkafka(servers: str, topic: str, codec: str, records: Sequence[Sent]) -> None:
    """Publish by the client under Python, Node, .NET, C++ and PHP."""
    await asyncio.to_thread(_by_librdkafka, servers, topic, codec, records)


def _by_librdkafka(servers: str, topic: str, codec: str, records: Sequence[Sent]) -> None:
    producer = Producer({"bootstrap.servers": servers, "compression.type": codec, "linger.ms": 100})
    for key, value, headers in records:
        producer.produce(topic, value, key, headers=list(headers))
    assert producer.flush(PATIENCE) == 0


async def taken_back(servers: str, topic: str, name: str, taken: Sequence[Sent], kept: Sequence[Sent]) -> None:
    """Publish by librdkafka in two transactions: one that is aborted, one that is committed."""

    def transactions() -> None:
        producer = Producer({"bootstrap.servers": servers, "transactional.id": name})
        producer.init_transactions(PATIENCE)
        for records, end in ((taken, producer.abort_transaction), (kept, producer.commit_transaction)):
            producer.begin_transaction()
            for key, value, headers in records:
                producer.produce(topic, value, key, headers=list(headers))
            producer.flush(PATIENCE)
            end(PATIENCE)

    await asyncio.to_thread(transactions)


async def java_client(servers: str, topic: str, codec: str, records: Sequence[Sent]) -> None:
    """Publish by the client of Connect, Spring and Flink: its console producer reads one line for each record."""
    root = jars_root()
    if not TOOLS.is_intact(root):
        await asyncio.to_thread(fetch, TOOLS, root, Patience(PATIENCE))
        assert TOOLS.is_intact(root)
    reading = ("parse.key=true", "parse.headers=true", "null.marker=NULL")
    program = [
        *("-cp", f"{root / TOOLS.path}:{await class_path()}", "org.apache.kafka.tools.ConsoleProducer"),
        *("--bootstrap-server", servers, "--topic", topic, "--compression-codec", codec),
        *("--command-property", "linger.ms=100"),
        *(argument for each in reading for argument in ("--reader-property", each)),
    ]
    await _ran([str(java()), *JVM, *program], b"".join(map(_line, records)))


def _line(record: Sent) -> bytes:
    key, value, headers = record
    told = b",".join(b"%s:%s" % (name.encode(), _or_null(text)) for name, text in headers) or b"NULL"
    return b"\t".join([told, _or_null(key), _or_null(value)]) + b"\n"


def _or_null(content: bytes | None) -> bytes:
    return b"NULL" if content is None else content


async def franz_go(servers: str, topic: str, codec: str, records: Sequence[Sent]) -> None:
    """Publish by the client of Redpanda Connect and many services in Go; skipped without Go."""
    given = [
        {
            "key": _as_text(key),
            "value": _as_text(value),
            "headers": [[_as_text(name.encode(errors=ANY)), _as_text(text)] for name, text in headers],
        }
        for key, value, headers in records
    ]
    await _ran([str(await _built()), servers, topic, codec], orjson.dumps(given))


def _as_text(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


async def _built() -> Path:
    """The Go program, built once for all checkouts."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("no go: apt-get install golang-go")
    sources = b"".join(file.read_bytes() for file in sorted(GO_PROGRAM.iterdir()))
    kept = user_cache_path("customer-worker") / f"franz-go-{hashlib.sha256(sources).hexdigest()[:16]}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        made = kept.with_suffix(f".{os.getpid()}")
        await _ran([go, "build", "-o", str(made), "."], b"", BUILD_WITHIN, GO_PROGRAM)
        made.replace(kept)
    return kept


async def _ran(command: Sequence[str], given: bytes, within: float = PATIENCE, folder: Path | None = None) -> None:
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=folder)
    try:
        async with asyncio.timeout(within):
            out, err = await process.communicate(given)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, (out + err).decode()[-2000:]
