"""Requests that are published in a transaction: committed, taken back, or left open by a producer that is killed."""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaProducer
from chaos.facts import Asked, Place
from chaos.scene import Scene
from chaos.stream import PARTITIONS, Item
from chaos.troubles import Step
from mortal import mortal

RECORDS = 12
PATIENCE = 4_000
"""Milliseconds after which the broker takes back what nobody ends."""
TESTS = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Transaction:
    """Open for a while, then ended."""

    committed: bool
    of_kafka: bool = True

    async def strike(self, scene: Scene, step: Step) -> None:
        """Records in every partition; meanwhile nothing behind them is to be read."""
        items = fresh(scene)
        async with AIOKafkaProducer(bootstrap_servers=scene.kafka, transactional_id=uuid4().hex) as producer:
            await producer.begin_transaction()
            places = [await stored(producer, scene.names.of("requests"), item) for item in items]
            await asyncio.sleep(step.seconds)
            await (producer.commit_transaction() if self.committed else producer.abort_transaction())
        if self.committed:
            scene.beside.stored |= dict(zip(places, items, strict=True))
        else:
            scene.beside.taken_back += map(Asked, places, items)


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """Its producer is killed, so that only the broker's patience ends it."""

    of_kafka: bool = True

    async def strike(self, scene: Scene, step: Step) -> None:
        """A process of its own, since nothing else dies without a word."""
        items = fresh(scene)
        given = [[item.partition, *map(_text, (item.key, item.value)), _headers(item)] for item in items]
        process = await asyncio.create_subprocess_exec(
            *mortal(
                sys.executable, "-m", "chaos.faults.left_open", scene.kafka, scene.names.of("requests"), str(PATIENCE)
            ),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(orjson.dumps(given) + b"\n")
            places = orjson.loads(await process.stdout.readline())
            await asyncio.sleep(step.seconds)
        finally:
            process.kill()
            await process.wait()
        scene.beside.taken_back += (Asked((at[0], at[1]), item) for at, item in zip(places, items, strict=True))
        await asyncio.sleep(PATIENCE / 1000)


def fresh(scene: Scene) -> Sequence[Item]:
    return [scene.beside.item(number % PARTITIONS) for number in range(RECORDS)]


async def stored(producer: AIOKafkaProducer, topic: str, item: Item) -> Place:
    """Where it is, for whoever reads what is not committed."""
    at = await producer.send_and_wait(topic, item.value, item.key, item.partition, headers=list(item.headers))
    return at.partition, at.offset


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("latin-1")


def _headers(item: Item) -> list[list[str]]:
    return [[name, _text(value)] for name, value in item.headers]
