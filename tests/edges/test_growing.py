"""The command `topics grow` on a real Kafka."""

import asyncio
import os
import sys
from dataclasses import dataclass, replace

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from patience import PATIENCE

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.membership import Membership
from worker.kafka.missing_topics import create
from worker.kafka.source import record_source
from worker.topics import Plan


@dataclass
class Typed:
    """Topics of two partitions with ten requests in the first; calling this runs the command."""

    kafka: str
    plan: Plan

    async def __call__(self, *arguments):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKER_")}
        settings = {"WORKER_KAFKA__BOOTSTRAP_SERVERS": self.kafka, "WORKER_KAFKA__GROUP_ID": self.plan.requests}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "worker", "topics", "grow", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**inherited, **settings, **dict(self.plan.names())},
        )
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
        return process.returncode, out.decode(), err.decode()

    async def counts(self):
        """How many partitions each of the five topics has."""
        async with admin.opened(Connection(self.kafka)) as client:
            found = (await client.cluster([name for _, name in self.plan.names()])).topics
        return [found[name].partitions for _, name in self.plan.names()]


@pytest.fixture
async def typed(kafka, unique):
    topics = [f"{unique}-{kind}" for kind in ("requests", "succeeded", "failed", "letters", "journal")]
    plan = replace(Plan(topics[0], topics[1], topics[2], topics[3], topics[4]), partitions=2)
    async with admin.opened(Connection(kafka)) as client:
        await create(client, plan)
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for number in range(10):
            await producer.send_and_wait(plan.requests, b"%d" % number, partition=0)
    return Typed(kafka, plan)


async def test_a_dry_run_and_then_it(typed):
    """A dry run tells which keys move and changes nothing; `--yes` adds partitions, also twice; none are removed."""
    code, told, err = await typed("3")
    assert (code, err) == (0, "")
    assert "10 records are not committed yet" in told
    assert "10 records came in the last 86400 s, some 7 of them under keys that move" in told
    assert told.splitlines()[-1] == "a dry run: --yes does it"
    assert await typed.counts() == [2, 2, 2, 2, 2]
    code, told, _ = await typed("3", "--yes", "--json")
    assert code == 0
    assert {each["after"] for each in orjson.loads(told)["topics"]} == {3}
    assert await typed.counts() == [3, 2, 2, 3, 3]
    assert (await typed("3", "--yes"))[0] == 0
    code, _, err = await typed("2", "--yes")
    assert (code, "Kafka takes none away" in err) == (1, True)


class Nothing:
    def assigned(self, partitions):
        self.given = partitions

    async def revoked(self, partitions):
        self.given = []


async def test_a_group_that_is_at_work(typed):
    """With a group at work `--while-at-work` is needed, except where the requests have grown already."""
    membership = Membership(typed.plan.requests, typed.plan.requests, session_timeout=10, rebalance_timeout=10)
    async with record_source(Connection(typed.kafka), membership, Nothing()):
        code, told, _ = await typed("4")
        assert (code, "members: 1), and keys would move" in told) == (0, True)
        code, told, err = await typed("4", "--yes")
        assert (code, told, "say --while-at-work" in err) == (1, "", True)
        assert await typed.counts() == [2, 2, 2, 2, 2]
        async with admin.opened(Connection(typed.kafka)) as client:
            await client.grow(typed.plan.requests, 3)
        assert (await typed("3", "--yes"))[0] == 0
        assert await typed.counts() == [3, 2, 2, 3, 3]
        assert (await typed("4", "--yes", "--while-at-work"))[0] == 0
    assert await typed.counts() == [4, 2, 2, 4, 4]
