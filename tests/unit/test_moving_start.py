"""Readers whose log loses its beginning while they read it: none of them takes what is left for nothing."""

import ast
import asyncio
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError, TopicAuthorizationFailedError

from worker.journal.claim import Claims
from worker.journal.entries import EntryKey, Intent, Owner, encode
from worker.journal.recall import InDoubt
from worker.journal.terms import Terms
from worker.kafka.connection import Connection
from worker.kafka.extent import extent, unmoved, what_is_left
from worker.kafka.follow import followed
from worker.kafka.journal_topic import JournalTopic
from worker.kafka.newest import newest_first
from worker.kafka.picked import picked
from worker.kafka.places import places, settled_bounds
from worker.model.errors import KafkaUnavailable, LogStartMoved
from worker.model.outcomes import ReasonCode
from worker.model.records import Record
from worker.tools.dead_letters.letters import Letter
from worker.tools.dead_letters.look_back import look_back
from worker.tools.dead_letters.replay import FORGOTTEN, Rules
from worker.tools.dead_letters.topic import Topics
from worker.tools.reading.place import Place

WORKER = Path(__file__).parents[2] / "worker"
PLACE = TopicPartition("t", 0)
CONNECTION = Connection("127.0.0.1:1")


def entry(offset):
    key = EntryKey(UUID(int=offset), offset, "w").encode()
    return SimpleNamespace(
        topic="t", partition=0, offset=offset, timestamp=offset, key=key, value=encode(Intent(1)), headers=()
    )


class Log:
    """Ten records; before a poll of a given number the first ones are deleted."""

    def __init__(self):
        self.first, self.end, self.polls, self.deletions, self.refused = 0, 10, 0, {}, False

    def polled(self):
        self.first = self.deletions.get(self.polls, self.first)
        self.polls += 1


class Consumer:
    """As aiokafka's, without a broker: what is not there is raised, once the client may not decide where to go."""

    def __init__(self, log, *topics, auto_offset_reset, **_):
        assert auto_offset_reset == "none"
        self.log, self.topics, self.at, self._fetcher = log, topics, {}, None

    async def start(self):
        pass

    async def stop(self):
        pass

    def assignment(self):
        return {PLACE}

    def assign(self, _):
        self.at = {}

    def seek(self, place, offset):
        self.at[place] = offset

    async def position(self, place):
        return self.at[place]

    async def beginning_offsets(self, wanted):
        return dict.fromkeys(wanted, self.log.first)

    async def end_offsets(self, wanted):
        return dict.fromkeys(wanted, self.log.end)

    async def offsets_for_times(self, wanted):
        """Each record's time is its offset."""
        if min(wanted.values()) < 0:
            raise ValueError
        return {place: SimpleNamespace(offset=moment) for place, moment in wanted.items()}

    async def getmany(self, *_, timeout_ms, max_records=None):
        await asyncio.sleep(0)
        self.log.polled()
        if self.log.refused:
            raise TopicAuthorizationFailedError("t")
        if PLACE not in self.at:
            raise NoOffsetForPartitionError(PLACE)
        offset = self.at[PLACE]
        if not self.log.first <= offset <= self.log.end:
            raise OffsetOutOfRangeError({PLACE: offset})
        self.at[PLACE] = min(self.log.end, offset + min(3, max_records or 3))
        found = [entry(each) for each in range(offset, self.at[PLACE])]
        return {PLACE: found} if found else {}


@pytest.fixture
def log(monkeypatch):
    made = Log()
    monkeypatch.setattr("worker.kafka.reader.AIOKafkaConsumer", lambda *topics, **more: Consumer(made, *topics, **more))
    return made


def claims(within=10.0):
    topic = JournalTopic("t", CONNECTION, SimpleNamespace(), "r", within)  # type: ignore[arg-type]
    return Claims(topic, Owner("g", "r"), Terms(window=1_000_000))


async def restored(end=10):
    return await claims()._read_again(0, None, end)


@pytest.mark.parametrize("poll", range(3))
async def test_a_journal(log, poll):
    """It is read again from its new start, whenever that moves: what is still there is known, and nothing else."""
    log.deletions = {poll: 7}
    journal = await restored()
    assert [event.int for event in journal] == [7, 8, 9]
    assert journal.recall(UUID(int=8), 8) == InDoubt(1, frozenset({"w"}))


async def test_a_journal_that_moves_again(log):
    """As often as it does."""
    log.deletions = {0: 2, 2: 7}
    assert [event.int for event in await restored()] == [7, 8, 9]


async def test_a_journal_that_lost_its_end(log):
    """It is not there to be read, and nothing is opened on what is left."""
    log.end = 2
    with pytest.raises(KafkaUnavailable):
        await claims(within=0.05)._read_again(0, None, 10)


async def read(topic):
    return [record.offset async for records, _ in topic.read() for record in records]


async def test_a_topic_that_is_read_once(log):
    """Whoever needs all of it is told what was deleted; begun again it is read from its new start."""
    log.deletions = {1: 5}
    with pytest.raises(LogStartMoved, match="t/0: offsets 3 to 4 were deleted"):
        async with extent(CONNECTION, "t", [0]) as topic:
            await read(topic)

    async def anew():
        async with extent(CONNECTION, "t", [0]) as topic:
            return await read(topic)

    log.deletions = {log.polls + 1: 9}
    assert await unmoved(anew) == [9]


@pytest.mark.parametrize(("deleted", "left"), [(5, [5, 6, 7]), (7, [7]), (8, []), (10, [])])
async def test_what_is_deleted_on_the_way(log, deleted, left):
    """Whoever can do without it goes on with what is left."""
    async with extent(CONNECTION, "t", [0]) as topic:
        log.deletions = {log.polls + 1: deleted}
        found = [each.offset async for records, _ in what_is_left(topic, 0, (2, 8)) for each in records]
    assert found == [2, 3, 4, *left]


@pytest.mark.usefixtures("log")
async def test_a_time_before_all_times():
    """Whoever goes back from the first hour of all begins where the log does."""
    async with extent(CONNECTION, "t", [0]) as topic:
        assert [await topic.at(moment) for moment in (-60_000, 3)] == [{0: 0}, {0: 3}]


async def test_a_topic_that_loses_its_end(log):
    """It was made anew, or truncated: that is no beginning to go on at."""
    async with extent(CONNECTION, "t", [0]) as topic:
        log.end = 1
        with pytest.raises(KafkaUnavailable, match="ends before offset 3"):
            await read(topic.narrowed({0: (3, 10)}))


async def test_the_newest_records(log):
    """The older ones are gone, and no longer listed."""
    log.deletions = {0: 4}
    async with newest_first(CONNECTION, "t", {0: (0, 2**62)}) as topic:
        assert [record.offset async for record in topic.read(lambda record: record)] == [9, 8, 7, 6, 5, 4]


async def test_a_single_record(log):
    """It is there no more."""
    async with places(CONNECTION, "t") as topic:
        log.deletions = {log.polls: 4}
        assert await topic.at(0, 3) is None
        found = await topic.at(0, 5)
    assert found is not None
    assert found.offset == 5


@pytest.mark.parametrize("deleted", [7, 9])
@pytest.mark.parametrize("poll", [None, 0, 1])
async def test_marks_of_replays(log, monkeypatch, deleted, poll):
    """Whenever retention takes them, no letter of which they may have told is taken for one that was never replayed."""

    async def bounds_before(*args):
        bounds = await settled_bounds(*args)
        if poll is None:
            log.first = deleted
        return bounds

    monkeypatch.setattr("worker.tools.dead_letters.look_back.settled_bounds", bounds_before)
    log.deletions = {} if poll is None else {poll: deleted}
    plan = SimpleNamespace(requests="t", dead_letters="d")
    told = await look_back(Topics(plan, CONNECTION, dead_letters=1, requests=1), {0: 2})  # type: ignore[arg-type]
    rules = Rules("t", told.requests, max_replays=3)
    seen = [rules.obstacle(rejected(offset), Record("d", 0, 1, 0, b"k", b"v")) for offset in range(2, 10)]
    assert seen == [None if offset + 1 >= deleted else FORGOTTEN for offset in range(2, 10)]


async def test_no_answer_about_what_is_committed(monkeypatch):
    """The brokers went away while a transaction was waited for: an outage, and no traceback."""
    asked = []

    async def bounds(*_, **isolation):
        asked.append(isolation)
        if len(asked) > 1:
            await asyncio.Event().wait()
        return {0: (0, 5)}

    monkeypatch.setattr("worker.kafka.places.bounds", bounds)
    with pytest.raises(KafkaUnavailable, match="t: no answer about what is committed"):
        await settled_bounds(CONNECTION, "t", [0], 0.01)


def rejected(offset):
    return Letter(Place(0, offset), 0, ReasonCode.REJECTED, "t", Place(0, offset), 0)


@pytest.mark.parametrize(("from_now", "told"), [(False, [0, 1, 2]), (True, [])])
async def test_a_topic_that_is_followed(log, from_now, told):
    """From its beginning or its end, and on from its new beginning where that has passed what was read last."""
    async with followed(CONNECTION, ["t"], from_now=from_now) as results:
        assert [each.offset for each in await results.poll(0.1)] == told
        log.first, log.end = 12, 14
        assert [each.offset for _ in range(2) for each in await results.poll(0.1)] == [12, 13]


async def test_a_partition_that_is_added_to_a_topic_that_is_followed(log):
    """The client begins all of them anew then; each goes on where it was."""
    async with followed(CONNECTION, ["t"]) as results:
        await results.poll(0.1)
        results.consumer.assign([])
        assert [each.offset for _ in range(2) for each in await results.poll(0.1)] == [3, 4, 5]


async def all_at_once():
    async with extent(CONNECTION, "t", [0]) as topic:
        await read(topic)


async def newest():
    async with newest_first(CONNECTION, "t", {0: (0, 2**62)}) as topic:
        assert [record async for record in topic.read(lambda record: record)]


async def one():
    async with places(CONNECTION, "t") as topic:
        await topic.at(0, 3)


async def some():
    await picked(CONNECTION, "t", {0: [3]}, lambda record: record, isolation="read_committed")


async def what_comes():
    async with followed(CONNECTION, ["t"]) as topic:
        await topic.poll(0.1)


@pytest.mark.parametrize("reading", [all_at_once, newest, one, some, what_comes])
async def test_a_right_that_is_missing(log, reading):
    """It is told in words, by whatever reader: to see a topic does not mean to be allowed to read it."""
    log.refused = True
    with pytest.raises(KafkaUnavailable, match="no right to Read topic t"):
        await reading()


def consumers():
    """Every place in which the worker makes a consumer, with the arguments that are written there."""
    for file in WORKER.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "AIOKafkaConsumer":
                yield file.name, {each.arg: ast.unparse(each.value) for each in node.keywords}


def test_no_consumer_moves_by_itself():
    """Whoever makes another one says so, and says which transactions it takes for true."""
    made = dict(consumers())
    assert sorted(made) == ["reader.py", "source.py"]
    assert {arguments["auto_offset_reset"] for arguments in made.values()} == {"'none'"}
    assert made["source.py"]["isolation_level"] == "'read_committed'"
