"""The command `offsets set` on a real Kafka."""

import asyncio
import os
import sys
from dataclasses import dataclass
from uuid import UUID

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from logs_on_kafka import Log
from patience import PATIENCE

from worker.journal.entries import Claim, EntryKey, Finished, encode
from worker.kafka import admin
from worker.kafka.committed_note import Note
from worker.kafka.connection import Connection
from worker.kafka.group import Group
from worker.kafka.membership import Membership
from worker.kafka.source import record_source
from worker.model.errors import StartupError
from worker.model.outcomes import Succeeded
from worker.topics import TopicSpec

CREATED = Finished(Succeeded("1", "/1", "individual", 1))


@dataclass
class Typed:
    """A topic with ten records in one partition, of which the journal knows six; calling this runs the command."""

    kafka: str
    name: str

    @property
    def requests(self):
        return Log(self.kafka, f"{self.name}-requests")

    async def __call__(self, *arguments):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKER_")}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "worker", "offsets", "set", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={
                **inherited,
                "WORKER_KAFKA__BOOTSTRAP_SERVERS": self.kafka,
                "WORKER_KAFKA__GROUP_ID": self.name,
                "WORKER_TOPICS__REQUESTS": f"{self.name}-requests",
                "WORKER_TOPICS__JOURNAL": f"{self.name}-journal",
            },
        )
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
        return process.returncode, out.decode().splitlines(), err.decode()

    async def json(self, *arguments):
        code, (told,), err = await self(*arguments, "--json")
        assert (code, err) == (0, "")
        return orjson.loads(told)

    async def stored(self):
        async with admin.opened(Connection(self.kafka)) as client:
            found = await Group(client, self.name).stored(f"{self.name}-requests")
        return {number: (each.offset, each.metadata) for number, each in found.items()}

    async def store(self, partition, offset):
        async with admin.opened(Connection(self.kafka)) as client:
            await Group(client, self.name).store(f"{self.name}-requests", partition, offset, 2)


@pytest.fixture
async def typed(kafka, unique):
    async with admin.opened(Connection(kafka)) as client:
        for topic in ("requests", "journal"):
            await client.create(TopicSpec(f"{unique}-{topic}", 2, 1))
    made = Typed(kafka, unique)
    await made.requests.write(10)
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        claim = Claim("w")
        await producer.send_and_wait(f"{unique}-journal", encode(claim), claim.key, 0)
        for number in range(6):
            key = EntryKey(UUID(int=number + 1), number, "w").encode()
            await producer.send_and_wait(f"{unique}-journal", encode(CREATED), key, 0)
    return made


async def test_a_dry_run(typed):
    """A dry run says how many records would be read again, and how many the journal knows; nothing is stored."""
    code, lines, err = await typed("0", "4")
    assert (code, err) == (0, "")
    assert lines == [
        f"{typed.name}-requests/0: no offset is stored, the log holds offsets 0 to 9",
        "from offset 4 on 6 records would be read again: the journal knows 2 of them, which are not sent again, and "
        "nothing of 4",
        "nothing is stored of any partition: the others, unless the journal knows records of theirs, begin at earliest "
        "(WORKER_KAFKA__START)",
        "a dry run: --yes stores it",
    ]
    assert await typed.stored() == {}


@pytest.mark.parametrize(
    ("where", "offset", "again", "known", "left_out"),
    [("earliest", 0, 10, 6, 0), ("latest", 10, 0, 0, 4), ("8", 8, 2, 0, 2), ("1h", 0, 10, 6, 0)],
)
async def test_offsets_that_were_lost(typed, where, offset, again, known, left_out):
    """Without a stored offset each record behind the new one counts as read again."""
    told = await typed.json("0", where, "--yes")
    assert told == {
        "topic": f"{typed.name}-requests",
        "partition": 0,
        "stored": None,
        "first": 0,
        "end": 10,
        "offset": offset,
        "read_again": again,
        "known": known,
        "left_out": left_out,
        "others": "earliest",
        "dryRun": False,
    }
    assert await typed.stored() == {0: (offset, Note(2).encode())}


async def test_offsets_that_are_there(typed):
    """With a stored offset the records between it and the new one count as read again, or as left out."""
    await typed.store(0, 7)
    back, ahead = await typed.json("0", "5"), await typed.json("0", "9")
    assert (back["stored"], back["read_again"], back["known"], back["left_out"]) == (7, 2, 1, 0)
    assert (ahead["read_again"], ahead["left_out"]) == (0, 2)


async def test_the_note_of_a_group(typed):
    """The note of how many partitions the group began with is kept in the new offset."""
    async with admin.opened(Connection(typed.kafka)) as client:
        group = Group(client, typed.name)
        from aiokafka.protocol.commit import OffsetCommitRequest  # noqa: PLC0415  as a member stores it

        topics = [(f"{typed.name}-requests", [(1, 0, Note(2).encode())])]
        async with client.bounded():
            await group._commit(OffsetCommitRequest(typed.name, -1, "", -1, topics))
    await typed("0", "3", "--yes")
    assert await typed.stored() == {0: (3, Note(2).encode()), 1: (0, Note(2).encode())}


async def test_an_offset_that_the_log_does_not_hold(typed):
    """An offset that the log does not hold is wrong usage, and nothing is stored."""
    await typed.requests.delete(2)
    for where in ("1", "11"):
        code, _, err = await typed("0", where, "--yes")
        assert (code, f"offset {where}" in err, "begins at 2" in err) == (2, True, True)
    assert (await typed("0", "sometime"))[0] == 2
    assert await typed.stored() == {}


async def test_a_partition_that_is_not_there(typed):
    """A partition that does not exist is named with the topic's setting."""
    code, _, err = await typed("2", "latest")
    assert (code, err) == (1, f"topic {typed.name}-requests (WORKER_TOPICS__REQUESTS) has no partition 2\n")


class Nothing:
    def assigned(self, partitions):
        self.given = partitions

    async def revoked(self, partitions):
        self.given = []


async def test_a_group_with_members(typed):
    """With members in the group a dry run says so, and `--yes` stores nothing: a worker would commit over it."""
    membership = Membership(f"{typed.name}-requests", typed.name, session_timeout=10, rebalance_timeout=10)
    async with record_source(Connection(typed.kafka), membership, Nothing()):
        code, lines, _ = await typed("0", "latest")
        assert (code, "has 1 member: stop all workers first" in lines[-1]) == (0, True)
        code, lines, err = await typed("0", "latest", "--yes")
        assert (code, lines, "has 1 member" in err) == (1, [], True)
        with pytest.raises(StartupError, match="somebody is in it"):
            await typed.store(0, 3)
    assert await typed.stored() == {}
