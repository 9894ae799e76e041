"""What the worker is compared with: a bare loop of POSTs, and the plain workers that everybody writes.

`python -m bench.baselines KIND URL KAFKA REQUESTS SUCCEEDED SIZE IN_FLIGHT`, until it is ended.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from bench.payloads import body

HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "X-egain-session": "bench"}
POLL = 200


@dataclass(frozen=True)
class Given:
    """The command line."""

    kind: str
    url: str
    kafka: str
    requests: str
    succeeded: str
    size: int
    in_flight: int

    @property
    def endpoint(self) -> str:
        return f"{self.url}/system/ws/v12/interaction/customer"


async def post(session: aiohttp.ClientSession, url: str, content: bytes) -> str:
    """The new customer's place."""
    async with session.post(url, data=content, headers=HEADERS) as response:
        await response.read()
        if response.status != 201:
            raise SystemExit(f"answered {response.status}")
        return response.headers["Location"]


async def bare(given: Given, session: aiohttp.ClientSession) -> None:
    """As many loops as may be in flight, and nothing but POSTs."""
    numbers = count()

    async def again_and_again() -> None:
        while True:
            await post(session, given.endpoint, body(next(numbers), given.size))

    await asyncio.gather(*[again_and_again() for _ in range(given.in_flight)])


@dataclass(frozen=True)
class Plain:
    """What the plain workers have in common: read the event, create the customer, publish the result."""

    given: Given
    session: aiohttp.ClientSession
    consumer: AIOKafkaConsumer
    producer: AIOKafkaProducer

    async def carry_out(self, record: ConsumerRecord[bytes, bytes]) -> None:
        """Return when the result is acknowledged."""
        event = orjson.loads(record.value or b"")
        location = await post(self.session, self.given.endpoint, orjson.dumps(event["data"]))
        result = orjson.dumps({"id": event["id"], "customer": location})
        await self.producer.send_and_wait(self.given.succeeded, result, record.key)

    async def one(self) -> None:
        """One record at a time, committed one by one."""
        async for record in self.consumer:
            await self.carry_out(record)
            await self.consumer.commit()

    async def partition(self) -> None:
        """One record at a time in each partition; a limit would be filled from one of them alone."""
        while True:
            batches = await self.consumer.getmany(timeout_ms=POLL)
            await asyncio.gather(*[self._in_order(records) for records in batches.values()])
            await self._commit(bool(batches))

    async def gather(self) -> None:
        """A batch at once, whatever its keys."""
        while True:
            batches = await self.consumer.getmany(timeout_ms=POLL, max_records=self.given.in_flight)
            await asyncio.gather(*[self.carry_out(record) for records in batches.values() for record in records])
            await self._commit(bool(batches))

    async def _in_order(self, records: list[ConsumerRecord[bytes, bytes]]) -> None:
        for record in records:
            await self.carry_out(record)

    async def _commit(self, any_: bool) -> None:  # noqa: FBT001  asked right where it is known
        if any_:
            await self.consumer.commit()


KINDS: dict[str, Callable[[Plain], Awaitable[None]]] = {
    "one": Plain.one,
    "partition": Plain.partition,
    "gather": Plain.gather,
}


async def consuming(given: Given, session: aiohttp.ClientSession) -> None:
    """In a group of its own."""
    async with (
        AIOKafkaConsumer(
            given.requests,
            bootstrap_servers=given.kafka,
            group_id=f"bench-{uuid4().hex[:8]}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        ) as consumer,
        AIOKafkaProducer(bootstrap_servers=given.kafka, acks="all", enable_idempotence=True) as producer,
    ):
        await KINDS[given.kind](Plain(given, session, consumer, producer))


async def main(given: Given) -> None:
    """With as many connections as may be in flight."""
    connector = aiohttp.TCPConnector(limit=given.in_flight, limit_per_host=given.in_flight)
    async with aiohttp.ClientSession(connector=connector) as session:
        work: Coroutine[Any, Any, None] = bare(given, session) if given.kind == "bare" else consuming(given, session)
        await work


if __name__ == "__main__":
    kind, url, kafka, requests, succeeded, size, in_flight = sys.argv[1:]
    uvloop.run(main(Given(kind, url, kafka, requests, succeeded, int(size), int(in_flight))))
