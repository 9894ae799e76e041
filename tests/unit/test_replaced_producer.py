"""A producer that is of no use any more, and another one that cannot be made yet."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from aiokafka.errors import OutOfOrderSequenceNumber
from patience import PATIENCE

from worker.kafka import publisher as publishers
from worker.kafka.publisher import Publisher
from worker.model.errors import SettingsError
from worker.model.records import OutgoingMessage, Position, Stored


class Batch:
    """Takes whatever it is given."""

    def append(self, **_):
        return True

    def close(self):
        pass


@dataclass
class Producer:
    """Poisoned, or as it should be."""

    poisoned: bool
    client: Any = field(default_factory=lambda: SimpleNamespace(_conns={}, cluster=Cluster(), close=asyncio.sleep))

    def create_batch(self):
        return Batch()

    async def send_batch(self, *_, **__):
        if self.poisoned:
            raise OutOfOrderSequenceNumber
        stored = asyncio.get_running_loop().create_future()
        stored.set_result(SimpleNamespace(offset=7, timestamp=1, timestamp_type=1))
        return stored

    async def start(self):
        pass

    async def stop(self):
        pass

    async def flush(self):
        pass


class Cluster:
    """Somebody leads each partition."""

    def add_listener(self, listener):
        pass

    def leader_for_partition(self, place):
        return 1


@dataclass
class Outage:
    """Remembers what it was told."""

    details: list[str] = field(default_factory=list)

    def begin(self, detail):
        self.details.append(detail)

    def end(self):
        self.details.append("over")


async def test_a_file_that_is_gone_when_the_next_producer_is_made(monkeypatch):
    """The message waits: a finish that failed would be a doubt about a customer whose creation was answered."""
    monkeypatch.setattr(publishers, "AGAIN_AFTER", 0)
    made = deque[Producer | Exception](
        [SettingsError("WORKER_KAFKA__CA_FILE: /ca.pem: gone"), KeyError(), Producer(poisoned=False)]
    )

    def make() -> Any:
        if isinstance(each := made.popleft(), Exception):
            raise each
        return each

    outage, first = Outage(), Producer(poisoned=True)
    sending = Publisher(first, make, outage, 1_000, PATIENCE)  # type: ignore[arg-type]  # as much of it as it takes
    async with asyncio.timeout(PATIENCE):
        stored = await sending.store(OutgoingMessage("t", b"k", b"v", (), 3))
    assert stored == Stored(Position("t", 3, 7), 1)
    assert [each for each in outage.details if "Sequence" not in each] == [
        "t: WORKER_KAFKA__CA_FILE: /ca.pem: gone",
        "t: KeyError",
        "over",
    ]
    await sending.close()
