"""What the brokers answer to an exclusive publisher, where another one of its name has begun and where none has."""

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, InitProducerIdRequest

from worker.kafka import exclusive as publishers
from worker.kafka.connection import Connection
from worker.kafka.exclusive import exclusive, fits
from worker.model.errors import KafkaUnavailable, MessageTooLarge, StartupError, Superseded, WorkerError
from worker.model.records import OutgoingMessage

REAL = publishers._Producer
UNKNOWN, TOO_LARGE, OLD_EPOCH, UNDER_WAY = -1, 10, 47, 51
MESSAGE = OutgoingMessage("requests", None, b"1", partition=0)


class Brokers:
    """Answers aiokafka's own producer instead of a network: `codes` are errors of the next answers, by request."""

    def __init__(self, **codes):
        self.codes = {name: list(each) for name, each in codes.items()}
        self.asked: Counter[str] = Counter()

    def producer(self, **options):
        made: Any = REAL(**options)
        made.client.bootstrap = made.client._wait_on_metadata = made.client._maybe_wait_metadata = self._nothing
        made.client.coordinator_lookup = made.client.ready = self._first
        made.client.send = self.send
        made.client.cluster.leader_for_partition = lambda _: 1
        made.client.cluster.partitions_for_topic = lambda _: {0}
        return made

    async def _nothing(self, *_, **__):
        pass

    async def _first(self, *_, **__):
        return 1

    async def send(self, _, request, **__):
        await asyncio.sleep(0)
        name = type(request).__name__.removesuffix("Request")
        self.asked[name] += 1
        code = self.codes[name].pop(0) if self.codes.get(name) else 0
        match request:
            case InitProducerIdRequest():
                return SimpleNamespace(error_code=code, producer_id=7, producer_epoch=0)
            case AddPartitionsToTxnRequest():
                return SimpleNamespace(errors=[("requests", [(0, code)])])
            case ProduceRequest():
                return SimpleNamespace(API_VERSION=2, topics=[("requests", [(0, code, 5, -1)])])
            case _:
                return SimpleNamespace(error_code=code)


async def published(brokers, monkeypatch, *messages):
    monkeypatch.setattr(publishers, "_Producer", brokers.producer)
    async with exclusive(Connection("127.0.0.1:9"), "name", largest=1_000) as publisher:
        return await publisher.publish(messages or [MESSAGE])


async def test_nobody_else(monkeypatch):
    """Without any error the messages are published, and their places returned."""
    brokers = Brokers()
    assert [each.offset for each in await published(brokers, monkeypatch)] == [5]
    assert brokers.asked == {"InitProducerId": 1, "AddPartitionsToTxn": 1, "Produce": 1, "EndTxn": 1}


@pytest.mark.parametrize(
    "codes",
    [
        {"InitProducerId": [OLD_EPOCH]},
        {"AddPartitionsToTxn": [OLD_EPOCH]},
        {"Produce": [OLD_EPOCH]},
        {"EndTxn": [OLD_EPOCH]},
        {"AddPartitionsToTxn": [UNKNOWN], "EndTxn": [UNDER_WAY, OLD_EPOCH]},
        {"Produce": [UNKNOWN], "EndTxn": [UNDER_WAY, OLD_EPOCH]},
        {"EndTxn": [UNKNOWN, OLD_EPOCH]},
    ],
    ids=str,
)
async def test_another_one_that_has_begun(monkeypatch, codes):
    """It is told, also where the brokers first answer with an error that does not say so: they are asked again."""
    with pytest.raises(Superseded):
        await published(Brokers(**codes), monkeypatch)


@pytest.mark.parametrize("request_", ["InitProducerId", "AddPartitionsToTxn", "Produce", "EndTxn"])
async def test_an_unknown_error_where_nobody_else_has_begun(monkeypatch, request_):
    """It is no takeover: Kafka's error is told, and the transaction is taken back where one was begun."""
    brokers = Brokers(**{request_: [UNKNOWN]})
    with pytest.raises(WorkerError) as raised:
        await published(brokers, monkeypatch)
    assert isinstance(raised.value, KafkaUnavailable | StartupError)
    assert brokers.asked["EndTxn"] == {"InitProducerId": 0, "EndTxn": 2}.get(request_, 1)


@pytest.mark.parametrize(
    ("codes", "value", "which"),
    [
        ({"Produce": [TOO_LARGE]}, b"2", (0, 1)),
        ({}, b"2" * 1_000, (1,)),
        ({"Produce": [TOO_LARGE]}, b"2" * 1_000, (0, 1)),
    ],
)
async def test_messages_that_are_too_large(monkeypatch, codes, value, which):
    """By the brokers or the client: whoever publishes is told which they are, and all of the batch is taken back."""
    brokers = Brokers(**codes)
    with pytest.raises(MessageTooLarge) as raised:
        await published(brokers, monkeypatch, MESSAGE, OutgoingMessage("requests", None, value, partition=0))
    assert (raised.value.which, brokers.asked["EndTxn"]) == (which, 1)


@pytest.mark.parametrize(
    ("value", "largest", "is_so"),
    [(b"v" * 5_000, 500, True), (bytes(range(256)) + bytes(range(255, -1, -1)), 500, False)],
)
async def test_what_fits(value, largest, is_so):
    """It is measured as it is published: compressed, where that makes it smaller."""
    assert await fits(OutgoingMessage("t", None, value), largest) is is_so
