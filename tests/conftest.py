"""What tests of any distance share."""

import asyncio
import os
from collections.abc import Iterator
from uuid import uuid4

import pytest

from worker.sandbox.local_kafka import LocalKafka


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The bootstrap servers of the one Kafka of this run, or of the one that WORKER_TEST_KAFKA names."""
    if named := os.environ.get("WORKER_TEST_KAFKA"):
        yield named
        return
    local = LocalKafka()
    try:
        asyncio.run(local.start())
        yield local.bootstrap_servers
    finally:
        asyncio.run(local.close())


@pytest.fixture
def unique() -> str:
    """A prefix for the names of topics and groups, so that no two tests meet."""
    return f"t-{uuid4().hex[:12]}"
