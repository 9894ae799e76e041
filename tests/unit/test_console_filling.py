"""The console's index is filled whatever it meets: nothing ends it unheard."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from patience import until

from worker import wiring
from worker.console.index import filling
from worker.console.index.filling import ANEW, Filling
from worker.console.index.wanted import Wanted
from worker.console.now.fleet import Fleet
from worker.console.now.watching import Watching, watching
from worker.console.work.steps import CRASHED
from worker.kafka.connection import Connection
from worker.kafka.overview import Member, member_of
from worker.model.errors import KafkaUnavailable, StartupError, TopicMissing
from worker.model.records import Record
from worker.settings.settings import Settings
from worker.tools.dead_letters.letters import letter

PLACE = TopicPartition("dead", 0)
PLAN = wiring.plan(Settings())


class Followed:
    """The dead letters as they grow; what a poll gives or raises, in its order, and then nothing for ever."""

    def __init__(self, *polls):
        self.end = 0
        self.polls = list(polls)

    @property
    def began(self):
        return {PLACE: (0, self.end)}

    async def poll(self, _):
        await asyncio.sleep(0)
        if not self.polls:
            await asyncio.Event().wait()
        told = self.polls.pop(0)
        if isinstance(told, Exception):
            raise told
        self.end += len(told)
        return told


@pytest.fixture
def filled(monkeypatch):
    """A filling that runs over such a topic, and what its trouble was each time it began."""

    @asynccontextmanager
    async def run(*polls):
        topic, troubles = Followed(*polls), []
        made = Filling(PLAN, Connection("127.0.0.1:1"))

        @asynccontextmanager
        async def followed(*_, **__):
            yield topic

        async def topics(*_):
            troubles.append(made.trouble)
            return await _there()

        monkeypatch.setattr(filling, "followed", followed)
        monkeypatch.setattr(filling, "topics", topics)
        monkeypatch.setattr(filling, "AGAIN_AFTER", 0.01)
        task = asyncio.create_task(made.run())
        try:
            yield made, troubles
        finally:
            task.cancel()

    return run


@pytest.mark.parametrize(
    ("error", "trouble", "event"),
    [
        (UnicodeDecodeError("utf-8", b"ada@example.com", 0, 1, "ada@example.com"), CRASHED, "work.crashed"),
        (KafkaUnavailable("no broker"), "no broker", "index.interrupted"),
    ],
    ids=["unforeseen", "foreseen"],
)
async def test_whatever_a_poll_raises(filled, told, error, trouble, event):
    """It is told as trouble and in the log, and what comes then is read."""
    records = [Record("dead", 0, offset, 1, None, b"") for offset in range(2)]
    async with filled(records[:1], error, records[1:]) as (made, troubles):
        await until(lambda: made.index.ends() == {0: 2})
    assert troubles[1:] == [trouble]
    assert made.trouble is None
    assert event in [line["event"] for line in told]
    assert "ada@" not in str(told)


class Reader:
    """Of a log: it gets what comes from its place on, and nothing while that lies behind the log's end."""

    def __init__(self, log, place):
        self.log, self.place = log, place

    @property
    def began(self):
        return {PLACE: (0, len(self.log))}

    async def spans(self):
        """A topic that is not there has no partition."""
        return self.began if self.log else {}

    async def poll(self, _):
        await asyncio.sleep(0.001)
        found = self.log[self.place :]
        self.place += len(found)
        return found


RECORDS = [Record("dead", 0, offset, 1, None, b"") for offset in range(4)]


@pytest.fixture
def over(monkeypatch):
    """A filling that runs over such a log, of which nobody can read what stands below that offset."""

    @asynccontextmanager
    async def run(log, unreadable=0):
        @asynccontextmanager
        async def followed(*_, after, **__):
            yield Reader(log, after.get(0, len(log)))

        async def older(*_):
            for each in reversed(log[unreadable:]):
                yield letter(each)
            if unreadable:
                raise KafkaUnavailable("it is corrupt")

        given = {"followed": followed, "_older": older, "topics": _there, "AGAIN_AFTER": 0.01, "LOOK_AGAIN": 0.01}
        for name, value in given.items():
            monkeypatch.setattr(filling, name, value)
        made = Filling(PLAN, Connection("127.0.0.1:1"))
        task = asyncio.create_task(made.run())
        try:
            yield made
        finally:
            task.cancel()

    return run


async def test_a_log_that_ends_before_what_is_known(over):
    """It was made anew, or was cut short: what it holds and what comes then is listed, all of it."""
    log = RECORDS[:3]
    async with over(log) as made:
        await until(lambda: len(made.index) == 3)
        log[1:] = []
        await until(lambda: made.index.ends() == {0: 1} and made.index.is_complete)
        log[1:] = RECORDS[1:3]
        await until(lambda: made.index.ends() == {0: 3})
        assert len(made.index) == 3


async def test_a_topic_that_is_not_there_for_a_while(over):
    """A reader that has lost it is told of it late: another one is asked."""
    log = RECORDS[:3]
    async with over(log) as made:
        await until(lambda: len(made.index) == 3)
        log.clear()
        await until(lambda: made.trouble == ANEW)
        log += RECORDS[:2]
        await until(lambda: (len(made.index), made.trouble) == (2, None))


@pytest.mark.parametrize("is_told", [True, False], ids=["told as missing", "without partitions"])
async def test_a_topic_that_comes_back_with_as_many_letters(over, monkeypatch, is_told):
    """They are others: none of those before is listed in their place."""
    log, missing = RECORDS[:3], TopicMissing(PLAN.dead_letters, "DEAD_LETTERS")

    async def topics(*_):
        if is_told and not log:
            raise missing
        return await _there()

    async with over(log) as made:
        monkeypatch.setattr(filling, "topics", topics)
        await until(lambda: len(made.index) == 3)
        log.clear()
        await until(lambda: made.trouble == (str(missing) if is_told else ANEW))
        log += [replace(each, timestamp=2) for each in RECORDS[:3]]
        await until(lambda: (len(made.index), made.trouble) == (3, None))
        assert [row.timestamp for _, row in made.index.rows(Wanted(), made.index.ends())] == [2, 2, 2]


@pytest.mark.parametrize(
    "error", [StartupError("no right to Describe topic dead"), TopicMissing(PLAN.requests, "REQUESTS")], ids=str
)
async def test_a_topic_of_which_it_is_not_told_that_it_is_missing(over, monkeypatch, error):
    """What is known of its letters stays."""
    log = RECORDS[:3]
    is_refused: list[bool] = []

    async def topics(*_):
        if is_refused:
            raise error
        return await _there()

    async def spans(_):
        raise KafkaUnavailable("it cannot be followed")

    async with over(log) as made:
        monkeypatch.setattr(filling, "topics", topics)
        await until(lambda: len(made.index) == 3 and made.index.is_complete)
        is_refused.append(True)
        monkeypatch.setattr(Reader, "spans", spans)
        await until(lambda: made.trouble == str(error))
        assert len(made.index) == 3


async def test_an_old_batch_that_nobody_can_read(over, told):
    """What comes is listed all the same, and the pages and one line of the log say that some are missing."""
    log = RECORDS[:3]
    async with over(log, unreadable=1) as made:
        await until(lambda: len(made.index) == 2)
        log.append(RECORDS[3])
        await until(lambda: made.index.ends() == {0: 4})
        await until(lambda: made.trouble == "it is corrupt")
        assert (len(made.index), made.index.is_read) == (3, False)
    assert [line["event"] for line in told] == ["index.interrupted"]


async def test_whatever_a_look_at_the_fleet_raises(monkeypatch, told):
    """The next one is made all the same."""
    asked = []

    async def ask(workers):
        asked.append(workers)
        if len(asked) == 1:
            raise ValueError("ada@example.com")
        return Fleet()

    monkeypatch.setattr("worker.console.now.fleet.ask", ask)
    monkeypatch.setattr("worker.console.now.watching.EVERY", 0.01)
    monkeypatch.setattr("worker.console.now.watching.FRESH", 0.0)
    monkeypatch.setattr(Watching, "_overview", _no_overview)
    async with watching(Watching((), Connection("127.0.0.1:1"), "requests", "group")):
        await until(lambda: len(asked) > 1)
    assert [line["event"] for line in told] == ["work.crashed"]
    assert "ada@" not in str(told)


async def test_whatever_kafka_says_of_the_group(monkeypatch, told):
    """The first page is shown all the same, and says that it is not known."""

    @asynccontextmanager
    async def asking(*_):
        raise ValueError("ada@example.com")
        yield

    monkeypatch.setattr("worker.console.now.watching.asking", asking)
    now = await Watching((), Connection("127.0.0.1:1"), "requests", "group").now()
    assert (now.overview, now.members) == (CRASHED, None)
    assert [line["event"] for line in told] == ["work.crashed"]
    assert "ada@" not in str(told)


@pytest.mark.parametrize("assignment", [b"", b"\x01", b"\x00\x01connect"])
def test_a_member_of_another_kind(assignment):
    """It has none of the partitions, as far as anybody can read."""
    told = {"client_id": "connect", "client_host": "/10.0.0.9", "member_assignment": assignment}
    assert member_of(told, "requests") == Member("connect", "10.0.0.9", ())


async def _there(*_):
    return SimpleNamespace(dead_letters=1)


async def _no_overview(_):
    return "not asked"
