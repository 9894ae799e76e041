"""Topics that are made while the brokers have just begun, or stood still: nobody can be given anything yet."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import InvalidReplicationFactorError
from patience import PATIENCE

from worker.kafka.admin import Admin
from worker.kafka.brokers import Brokers
from worker.kafka.connection import Connection
from worker.kafka.group import Group
from worker.model.errors import KafkaUnavailable, StartupError
from worker.topics import TopicSpec

FENCED = "Unable to replicate the partition 1 time(s): All brokers are currently fenced."
SPEC = TopicSpec("t", 2, 1)


class Client:
    """As much of aiokafka's as it takes; `refusals` come first, and the controller is there at the `known`th look."""

    def __init__(self, refusals: list[Any], known: int = 2) -> None:
        self.refusals, self.looks, self.known, self.partitions = refusals, 0, known, 0
        self.cluster = SimpleNamespace(controller=None, broker_metadata=lambda _: None)
        self._client = self

    async def force_metadata_update(self) -> None:
        self.looks += 1
        if self.looks >= self.known:
            self.cluster.controller = SimpleNamespace(nodeId=1)

    async def create_topics(self, *_: Any, **__: Any) -> Any:
        assert self.cluster.controller.nodeId == 1
        code, message = self.refusals.pop(0) if self.refusals else (0, None)
        self.partitions = 0 if code else SPEC.partitions
        told = {"error_code": code, "error_message": message}
        return SimpleNamespace(to_object=lambda: {"topic_errors": [told]})

    async def create_partitions(self, wanted: Any, _: int) -> None:
        assert self.cluster.controller.nodeId == 1
        if self.refusals:
            self.refusals.pop(0)
            raise InvalidReplicationFactorError
        self.partitions = wanted["t"].total_count

    async def _send_request(self, *_: Any) -> Any:
        parts = [{"error_code": 0}] * self.partitions
        return SimpleNamespace(to_object=lambda: {"topics": [{"error_code": 0, "partitions": parts}]})


def admin_of(client: Any, within: float = 30.0) -> Admin:
    return Admin(client, Connection("127.0.0.1:9092"), within)


async def test_a_topic_before_any_broker_is_there():
    """It is made when one is."""
    client = Client([(InvalidReplicationFactorError.errno, FENCED)] * 2)
    assert await admin_of(client).create(SPEC)
    assert client.partitions == 2


async def test_a_replication_that_cannot_be():
    """It is told at once, with the setting."""
    told = "The target replication factor of 3 cannot be reached because only 1 broker(s) are registered."
    with pytest.raises(StartupError, match=r"WORKER_TOPICS__REPLICATION_FACTOR is 1"):
        await admin_of(Client([(InvalidReplicationFactorError.errno, told)])).create(SPEC)


async def test_partitions_before_any_broker_is_there():
    client = Client([None, None])
    await admin_of(client).grow("t", 6)
    assert client.partitions == 6


@pytest.mark.parametrize(
    "client", [Client([], known=10**9), Client([(InvalidReplicationFactorError.errno, FENCED)] * 1000)]
)
async def test_brokers_that_never_come(client):
    """It ends, and says that there is no answer."""
    with pytest.raises(KafkaUnavailable, match="no answer in time"):
        async with asyncio.timeout(PATIENCE):
            await admin_of(client, within=0.3).create(SPEC)


@pytest.mark.parametrize("question", ["members", "check", "rights"])
async def test_brokers_that_are_too_old(question):
    """They know a request in no form that has our answers: whoever asks is told so."""

    class Old(Client):
        async def find_coordinator(self, _: str) -> int:
            return 1

        async def _send_request(self, *_: Any) -> Any:
            raise NotImplementedError

    admin = admin_of(Old([]))
    asked: dict[str, Callable[[], Awaitable[object]]] = {
        "members": Group(admin, "g").members,
        "check": partial(Brokers(admin).group, "g"),
        "rights": partial(Brokers(admin).topic_rights, ["t"]),
    }
    with pytest.raises(StartupError, match="too old"):
        await asked[question]()
