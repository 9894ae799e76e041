"""`verify --follow` over real topics: it finds each planted fault as it comes, and nothing else."""

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager

import orjson
import pytest
from ended_on_kafka import Told, told_on
from mortal import mortal
from patience import PATIENCE, until

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.group import Group
from worker.model.records import Position, Record
from worker.tools.audit import follow as audit_follow
from worker.tools.audit.follow import following, store


@pytest.fixture
async def told(kafka, unique):
    async with told_on(kafka, unique) as opened:
        yield opened


@asynccontextmanager
async def audited(told: Told, since: int | None = None):
    """A running audit, which must not end inside the block."""
    async with following(told.settings, since) as (working, audit):
        yield audit
        assert not working.done()


async def judged(audit, *offsets):
    """Return once the audit has judged each partition up to these offsets."""
    await until(
        lambda: all(audit.judge.judged.get(p, 0) >= offset for p, offset in enumerate(offsets)), within=PATIENCE
    )


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """The audit's rounds follow one another closely."""
    monkeypatch.setattr(audit_follow, "PAUSE", 0.05)


async def plant(told):
    """Write requests with one fault of each kind among them; returns how many requests there are."""
    records = [await told.request() for _ in range(8)]
    await told.succeed(records[0])
    await told.fail(records[1])
    # The third request ends nowhere; the fourth ends twice.
    await told.succeed(records[3])
    await told.fail(records[3])
    await told.letter(records[4])
    await told.succeed(records[4])
    await told.fail(records[5], Position(told.plan.dead_letters, 0, 99))
    await told.succeed(records[6], "twice", "1")
    await told.succeed(records[7], "twice", "2")
    return len(records)


FOUND = {
    "no_terminal_event": 1,
    "two_terminal_events": 1,
    "dead_letter_without_failed_event": 1,
    "failed_event_without_dead_letter": 1,
    "two_customers_for_one_event": 1,
}


async def test_every_fault_as_it_comes(told):
    """Uncommitted requests are no finding; committed ones give the same as `verify`; a late end still counts."""
    async with audited(told) as audit:
        await told.succeed(await told.request(partition=1))
        await told.commit(0, 1)
        await judged(audit, 0, 1)
        count = await plant(told)
        await until(lambda: audit.counts["two_customers_for_one_event"], within=PATIENCE)
        assert set(audit.counts) == {"two_customers_for_one_event"}
        await told.commit(count, 1)
        await judged(audit, count)
        assert +audit.counts == FOUND
        report = await told.verify()
        assert {each.kind: each.count for each in report.findings} == FOUND
        assert audit.state().unended == 1
        await told.succeed(Record(told.plan.requests, 0, 2, 1, b"k", b"{}"))
        await until(lambda: audit.state().unended == 0, within=PATIENCE)


async def test_begun_again(told):
    """Started again, the audit tells nothing twice, and misses nothing that was in flight."""
    count = await plant(told)
    await told.commit(count, 0)
    async with audited(told) as audit:
        await judged(audit, count)
        early = await told.request(), await told.request()
        await told.succeed(early[1])
        await until(lambda: audit.judge.tops[0] == count + 2, within=PATIENCE)
        async with admin.opened(Connection(told.kafka)) as client:
            await store(audit, Group(client, audit.stored))
    await told.commit(count + 2, 0)
    async with audited(told) as audit:
        await judged(audit, count + 2)
        assert +audit.counts == {"no_terminal_event": 1}
        assert audit.state().unended == 1


async def test_what_stands_before_a_time(told):
    """With `since` requests before that time are not judged, and later ones are."""
    for timestamp in (1_000_000, 2_000_000, 3_000_000):
        await told.request(timestamp=timestamp)
    await told.commit(3, 0)
    async with audited(told, since=2_000_000) as audit:
        await judged(audit, 3)
        assert +audit.counts == {"no_terminal_event": 2}


async def test_a_group_that_began_behind_the_first_requests(told):
    """With `START=latest` requests before the group's first end are counted as not judged; later ones are judged."""
    told.start = "latest"
    for _ in range(3):
        await told.request()
    await told.commit(2, 0)
    async with audited(told) as audit:
        await judged(audit, 2)
        await told.succeed(await told.request())
        await told.request()
        await told.commit(5, 0)
        await judged(audit, 5)
        assert +audit.counts == {"no_terminal_event": 1}
        assert audit.state().not_judged["before_the_start"] == 3


async def test_requests_deleted_unread(told):
    """Requests that were deleted unread are found, and later ones are judged."""
    for _ in range(4):
        await told.request()
    await told.commit(1)
    await told.delete(told.plan.requests, 3)
    async with audited(told) as audit:
        await until(lambda: audit.counts["deleted_unread"], within=PATIENCE)
        await told.commit(4)
        await judged(audit, 4)
        assert +audit.counts == {"deleted_unread": 2, "no_terminal_event": 1}


async def test_as_it_is_typed(told):
    """The command prints a line for each finding, with its place; SIGTERM ends it with 0."""
    await told.request()
    await told.commit(1)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKER_")}
    ours = dict(told.plan.names()) | {
        "WORKER_KAFKA__BOOTSTRAP_SERVERS": told.kafka,
        "WORKER_KAFKA__GROUP_ID": told.group,
        "WORKER_OPS__PORT": "0",
        "WORKER_LOG__FORMAT": "json",
    }
    process = await asyncio.create_subprocess_exec(
        *mortal(sys.executable, "-m", "worker", "verify", "--follow"),
        stdout=asyncio.subprocess.PIPE,
        env={**inherited, **ours},
    )
    lines: list[dict[str, str]] = []
    async with asyncio.timeout(PATIENCE):
        assert process.stdout
        while not lines or lines[-1]["event"] != "audit.found":
            lines.append(orjson.loads(await process.stdout.readline()))
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    assert process.returncode == 0
    assert {name: lines[-1][name] for name in ("kind", "place", "topic")} == {
        "kind": "no_terminal_event",
        "place": "0@0",
        "topic": told.plan.requests,
    }
