"""A producer that begins a transaction, publishes what comes on stdin, says where it is, and waits to be killed."""

import asyncio
import sys
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaProducer


async def main(kafka: str, topic: str, patience: str) -> None:
    """`patience`: milliseconds that the broker waits for the end."""
    given = orjson.loads(sys.stdin.buffer.readline())
    async with AIOKafkaProducer(
        bootstrap_servers=kafka, transactional_id=uuid4().hex, transaction_timeout_ms=int(patience)
    ) as producer:
        await producer.begin_transaction()
        places = []
        for partition, key, value, headers in given:
            raw = [(name, each.encode("latin-1")) for name, each in headers]
            at = await producer.send_and_wait(
                topic, value.encode("latin-1"), key.encode("latin-1"), partition, headers=raw
            )
            places.append((at.partition, at.offset))
        sys.stdout.buffer.write(orjson.dumps(places) + b"\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
