"""The commands `journal show`, `journal unknown` and `journal adopt` on a real Kafka."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import orjson
import pytest
from aiokafka import AIOKafkaConsumer
from patience import PATIENCE

from worker.journal.entries import Claim, EntryKey, Finished, Intent, encode, encode_headers
from worker.kafka import admin, bulk
from worker.kafka.connection import Connection
from worker.model.commands import Request
from worker.model.outcomes import Failed, Reason, ReasonCode, Succeeded
from worker.model.records import OutgoingMessage
from worker.topics import TopicSpec

PARKED = Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, "lost"), 2)
ASKED = Request("urn:crm", "e-1")


@pytest.fixture
async def journal(kafka, unique):
    """A journal of two partitions: three events in the first, one in the second."""
    connection = Connection(kafka, request_timeout=10)
    async with admin.opened(connection) as client:
        await client.create(TopicSpec(unique, 2, 1, {"cleanup.policy": "compact,delete"}))
    async with written(connection, unique) as write:
        await write(0, Claim("w").key, encode(Claim("w")))
        for offset in range(3):
            await write(0, EntryKey(UUID(int=offset + 1), offset, "w").encode(), encode(Intent(1)))
        made = Succeeded("2801", "/c/2801", "individual", 1)
        await write(0, EntryKey(UUID(int=1), 0, "w").encode(), encode(Finished(made)))
        await write(1, EntryKey(ASKED.event, 7, "v").encode(), encode(Finished(PARKED)))
    return {"WORKER_KAFKA__BOOTSTRAP_SERVERS": kafka, "WORKER_TOPICS__JOURNAL": unique}


@asynccontextmanager
async def written(connection, topic):
    async with bulk.opened(connection) as publisher:

        async def write(partition, key, value):
            await publisher.hand_over(OutgoingMessage(topic, key, value, partition=partition))

        yield write
        await publisher.flush()


async def typed(environment, *arguments):
    """Run `customer-worker journal ...`: (exit code, lines of stdout, stderr)."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKER_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "worker", "journal", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**inherited, **environment},
    )
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode, out.decode().splitlines(), err.decode()


async def test_every_open_doubt(journal):
    """`unknown` lists the open doubts of all partitions and their number; with `--json` the lines alone."""
    code, lines, _ = await typed(journal, "unknown")
    assert (code, lines[-1], len(lines)) == (0, "3 open doubts", 4)
    code, lines, err = await typed(journal, "unknown", "--json")
    told = [orjson.loads(line) for line in lines]
    assert [(each["partition"], each["offset"], each["why"]) for each in told] == [
        (0, 1, "open intent of w, who owns the partition: it may be in flight"),
        (0, 2, "open intent of w, who owns the partition: it may be in flight"),
        (1, 7, "parked as outcome_unknown"),
    ]
    assert (code, err) == (0, "3 open doubts\n")


@pytest.mark.parametrize("named", [[str(ASKED.event)], ["e-1", "--source", "urn:crm"]])
async def test_an_event(journal, named):
    """`show` finds an event in any partition, by its UUID or by its id and source."""
    code, (line,), _ = await typed(journal, "show", *named, "--json")
    told = orjson.loads(line)
    assert (code, told["partition"], told["customer"]) == (0, 1, "unknown")
    assert [each["offset"] for each in told["records"]] == [7]
    assert [each["writer"] for each in told["entries"]] == ["v"]


async def test_a_partition(journal):
    """`show --partition` lists the last events of a partition, as many as asked for."""
    code, lines, _ = await typed(journal, "show", "--partition", "0", "--limit", "2", "--json")
    told = [orjson.loads(line) for line in lines]
    assert (code, [each["event"] for each in told]) == (0, [str(UUID(int=3)), str(UUID(int=1))])
    assert [each["customer"] for each in told] == ["unknown", "created"]


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["show", str(uuid4())], 1, "knows nothing"),
        (["show", "--partition", "2"], 1, "has no partition 2"),
        (["show"], 2, "--partition"),
        (["show", "e-1"], 2, "--source"),
    ],
)
async def test_what_cannot_be_shown(journal, arguments, code, why):
    """What cannot be shown is said in one line; the exit code is 2 for wrong usage, else 1."""
    got, lines, err = await typed(journal, *arguments)
    assert (got, lines) == (code, [])
    assert why in err


async def test_a_topic_that_does_not_exist(journal):
    """A topic that does not exist is named with its setting."""
    code, _, err = await typed({**journal, "WORKER_TOPICS__JOURNAL": f"x-{uuid4()}"}, "unknown")
    assert code == 1
    assert "WORKER_TOPICS__JOURNAL" in err


@pytest.fixture
async def shared(kafka, unique):
    """A journal of two partitions; the first is claimed by the group `old`."""
    connection = Connection(kafka, request_timeout=10)
    topic = f"{unique}.journal"
    async with admin.opened(connection) as client:
        await client.create(TopicSpec(topic, 2, 1, {"cleanup.policy": "compact,delete"}))
    claim = Claim("w", group=f"{unique}-old", topic="requests")
    async with bulk.opened(connection) as publisher:
        await publisher.hand_over(OutgoingMessage(topic, claim.key, encode(claim), encode_headers(claim), 0))
        await publisher.flush()
    return {
        "WORKER_KAFKA__BOOTSTRAP_SERVERS": kafka,
        "WORKER_KAFKA__GROUP_ID": f"{unique}-new",
        "WORKER_TOPICS__JOURNAL": topic,
        "WORKER_TOPICS__REQUESTS": "requests",
    }


async def test_a_journal_that_is_taken_over(shared, unique):
    """`adopt` without `--yes` only says what would be done; with it the group is changed, once."""
    journal, old = shared["WORKER_TOPICS__JOURNAL"], f"{unique}-old"
    owners = (f"group {old}, requests requests", f"group {unique}-new, requests requests")
    nobodys = f"{journal}/1: nobody has claimed it; nothing to do"
    for _ in range(2):
        code, lines, err = await typed(shared, "adopt", "--from", old)
        assert (code, lines) == (0, [f"{journal}/0: {owners[0]}; would be of {owners[1]}", nobodys])
        assert "--yes" in err
    code, lines, _ = await typed(shared, "adopt", "--from", old, "--yes")
    assert (code, lines) == (0, [f"{journal}/0: {owners[0]}; now of {owners[1]}", nobodys])
    code, lines, _ = await typed(shared, "adopt", "--from", old, "--yes")
    assert (code, lines) == (1, [f"{journal}/0: {owners[1]}; nothing to do", nobodys])


async def test_a_journal_of_a_third_group(shared, unique):
    """A partition of another group than the named one is left as it is."""
    code, lines, _ = await typed(shared, "adopt", "--from", f"{unique}-another", "--yes")
    assert (code, lines[0]) == (
        1,
        f"{shared['WORKER_TOPICS__JOURNAL']}/0: group {unique}-old, requests requests; nothing to do",
    )


@pytest.mark.parametrize("who", ["old", "new"])
async def test_a_journal_that_is_at_work(kafka, shared, unique, who):
    """While either group has members nothing is written."""
    group = f"{unique}-{who}"
    async with AIOKafkaConsumer(shared["WORKER_TOPICS__JOURNAL"], bootstrap_servers=kafka, group_id=group):
        code, lines, err = await typed(shared, "adopt", "--from", f"{unique}-old", "--yes")
    assert (code, lines, err) == (1, [], f"group {group} has 1 at work: stop them first\n")
