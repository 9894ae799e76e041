"""A connection to the run's Kafka, and a new topic there."""

import pytest

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.topics import TopicSpec


@pytest.fixture
def connection(kafka):
    return Connection(kafka, request_timeout=10)


@pytest.fixture
async def topic(connection, unique):
    """A new topic of two partitions."""
    async with admin.opened(connection) as client:
        await client.create(TopicSpec(unique, 2, 1))
    return unique
