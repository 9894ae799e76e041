"""Dead letters on a real Kafka: a hundred thousand of them, foreign records, replays that are interrupted or meet."""

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from uuid import uuid4

import orjson
import pytest
from letters_on_kafka import PARTITIONS, LetterTopics
from mortal import mortal
from patience import PATIENCE

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.exclusive import exclusive, fits
from worker.kafka.extent import extent
from worker.kafka.places import bounds, settled_bounds
from worker.kafka.reader import UNCOMMITTED
from worker.model.errors import MessageTooLarge, StartupError, Superseded
from worker.model.outcomes import ReasonCode
from worker.model.records import OutgoingMessage
from worker.settings import sources as configuration
from worker.tools.dead_letters import list_letters, replay_letters, show
from worker.tools.dead_letters.filters import Filter
from worker.tools.dead_letters.replay_letters import Asked
from worker.tools.reading.place import Place
from worker.topics import LARGEST, TopicSpec

DEADLINE = PATIENCE
SOME = 400
CODES = [code for code in ReasonCode if code is not ReasonCode.OUTCOME_UNKNOWN]


class Topics(LetterTopics):
    """The topics, with a command that replays all letters."""

    async def replay(self, **how):
        async with asyncio.timeout(DEADLINE):
            return await replay_letters.replay(self.settings, Filter(), Asked(yes=True, as_json=True, **how))


@pytest.fixture
async def topics(kafka, unique):
    made = Topics(kafka, unique)
    await made.create()
    return made


@pytest.fixture
def listed(topics, capsys):
    """Runs `dead-letters list --json`, and returns its lines."""

    async def lines(wanted=None, limit=50, *, summary=False):
        capsys.readouterr()
        assert (
            await list_letters.list_letters(topics.settings, wanted or Filter(), limit, summary=summary, as_json=True)
            == 0
        )
        return [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]

    return lines


def letter(topics, number):
    """A letter with the fewest headers that are possible."""
    headers = (("worker-reason", CODES[number % len(CODES)].value.encode()), ("worker-event-id", b"e-%d" % number))
    return OutgoingMessage(topics.plan.dead_letters, b"k", b"v", headers, number % PARTITIONS)


async def test_a_deep_topic(topics, listed):
    """Of 100 000 letters the newest come first, all are counted, and a filter finds its few."""
    count, first = 100_000, int(time.time() * 1000) - 1_000_000
    await topics.batches(topics.plan.dead_letters, [letter(topics, number) for number in range(count)], first)
    newest = await listed(limit=30)
    assert [line["eventId"] for line in newest] == [f"e-{count - 1 - back}" for back in range(30)]
    summary = await listed(limit=None, summary=True)
    assert {line["reason"]: line["count"] for line in summary} == Counter(
        CODES[number % len(CODES)].value for number in range(count)
    )
    between = await listed(Filter(since=first + 90_000, until=first + 90_005))
    assert [line["eventId"] for line in between] == [f"e-{number}" for number in range(90_004, 89_999, -1)]
    (place,) = await listed(Filter(places=frozenset({Place(1, 700)})))
    assert place["eventId"] == "e-1401"


FOREIGN = [
    (None, b"bytes", ()),
    (b"k", None, (("a", None), ("worker-reason", b"\xff"))),
    (b"k", b"v", (("kafka_dlt-original-topic", b"orders"), ("kafka_dlt-exception-fqcn", b"a.B"))),
    (b"k", b"v", (("__connect.errors.topic", b"orders"), ("__connect.errors.exception.class.name", b"c.D"))),
    (b"\x1b[31m", b"\x1b[31m", (("kafka_dlt-original-topic", b"t"), ("kafka_dlt-exception-fqcn", b"\x1b[31m\n\nx"))),
]


async def test_foreign_records(topics, listed, capsys):
    """Records of other tools are listed and shown as foreign, never replayed, and reach no terminal unescaped."""
    await topics.publish(topics.plan.dead_letters, *FOREIGN)
    lines = await listed()
    assert [line["reason"] for line in lines] == ["foreign"] * len(FOREIGN)
    assert [line.get("tool") for line in reversed(lines)] == [
        None,
        None,
        "Spring Kafka",
        "Kafka Connect",
        "Spring Kafka",
    ]
    assert await topics.replay() == 0
    *left, tally = map(orjson.loads, capsys.readouterr().out.splitlines())
    assert sorted(each["deadLetter"] for each in left) == [f"0@{offset}" for offset in range(len(FOREIGN))]
    assert {each["left"] for each in left} == {"not written by this worker"}
    assert (tally["replayed"], tally["left"]) == ({}, {"not written by this worker": len(FOREIGN)})
    assert await list_letters.list_letters(topics.settings, Filter(), 50, summary=False, as_json=False) == 0
    for offset in range(len(FOREIGN)):
        wanted = Filter(places=frozenset({Place(0, offset)}))
        assert await show.show(topics.settings, wanted, payload=True, as_json=False) == 0
    text = capsys.readouterr().out
    assert "Kafka Connect c.D" in text
    assert "\x1b" not in text


async def test_an_empty_topic(topics, listed, capsys):
    """An empty topic is no error."""
    assert await listed() == []
    assert await topics.replay() == 0
    assert orjson.loads(capsys.readouterr().out)["selected"] == 0


async def test_a_topic_that_does_not_exist(topics):
    """A topic that does not exist is named with its setting."""
    settings = configuration.load(environment=topics.environment | {"WORKER_TOPICS__DEAD_LETTERS": f"x-{uuid4()}"})
    with pytest.raises(StartupError, match="WORKER_TOPICS__DEAD_LETTERS"):
        await replay_letters.replay(settings, Filter(), Asked())


async def test_a_replay_run_twice(topics, capsys):
    """A dry run publishes nothing; the first replay publishes each letter once; the second finds all done."""
    await topics.fill(SOME)
    assert await replay_letters.replay(topics.settings, Filter(), Asked(as_json=True)) == 0
    assert await topics.replays() == {}
    for _ in range(2):
        assert await topics.replay() == 0
    dry, *_, second = map(orjson.loads, capsys.readouterr().out.splitlines())
    assert (dry["replayed"], dry["dryRun"]) == ({"rejected": SOME}, True)
    assert (second["replayed"], second["left"]) == ({}, {"replayed already": SOME})
    assert await topics.replays() == {Place(number % 2, number // 2): 1 for number in range(SOME)}


async def test_the_newest_letters_alone(topics):
    """A limit takes the letters that `list` shows first."""
    await topics.fill(10)
    assert await topics.replay(limit=3) == 0
    assert set(await topics.replays()) == {Place(1, 4), Place(0, 4), Place(1, 3)}


async def started(topics, *arguments):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKER_")}
    command = mortal(sys.executable, "-m", "worker", "dead-letters", "replay", *arguments)
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *command, stdout=pipe, stderr=pipe, env={**inherited, **topics.environment}
    )


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_replay_that_is_interrupted(topics, capsys, sent):
    """Killed or frozen midway and begun again: each letter is replayed once; a thawed replay publishes nothing."""
    await topics.fill(SOME)
    first = await started(topics, "--all", "--yes", "--json", "--rate", "150")
    async with asyncio.timeout(DEADLINE):
        await first.stdout.readline()
        first.send_signal(sent)
        assert await topics.replay() == 0
        first.send_signal(signal.SIGCONT) if sent is signal.SIGSTOP else None
        _, said = await first.communicate()
    *_, tally = map(orjson.loads, capsys.readouterr().out.splitlines())
    assert tally["left"]["replayed already"] > 0
    assert await topics.replays() == {Place(number % 2, number // 2): 1 for number in range(SOME)}
    if sent is signal.SIGSTOP:
        assert first.returncode == 1
        assert b"another one" in said


async def test_two_replays_at_the_same_time(topics):
    """Of three replays at once the last to begin goes on and the others stop; each letter is replayed once."""
    await topics.fill(SOME)
    ended = await asyncio.gather(*(topics.replay(rate=5_000) for _ in range(3)), return_exceptions=True)
    assert all(each == 0 or isinstance(each, Superseded) for each in ended)
    assert 0 in ended
    assert await topics.replays() == {Place(number % 2, number // 2): 1 for number in range(SOME)}


async def test_one_publisher_of_a_name(topics):
    """Opening a second publisher ends the first one, whose batches are stored as a whole or not at all."""
    message = OutgoingMessage(topics.plan.requests, None, b"1", partition=0)
    async with exclusive(topics.connection, topics.plan.requests, largest=1_000) as first:
        assert [each.offset for each in await first.publish([message, message])] == [0, 1]
        async with exclusive(topics.connection, topics.plan.requests, largest=1_000) as second:
            with pytest.raises(Superseded):
                await first.publish([message])
            (stored,) = await second.publish([message])
    async with extent(topics.connection, topics.plan.requests, [0]) as topic:
        offsets = [record.offset async for records, _ in topic.read() for record in records]
    assert offsets == [0, 1, stored.offset]


async def test_a_publisher_that_is_cancelled_on_its_way(topics, monkeypatch):
    """A publisher that is cancelled in a transaction aborts it at once, so that the worker need not wait for it."""
    requests = topics.plan.requests

    async def written():
        (span,) = (await bounds(topics.connection, requests, [0], isolation=UNCOMMITTED)).values()
        return span[1]

    async with exclusive(topics.connection, requests, largest=1_000) as publisher:
        monkeypatch.setattr(publisher.producer, "commit_transaction", asyncio.Event().wait)
        publishing = asyncio.create_task(publisher.publish([OutgoingMessage(requests, None, b"1", partition=0)]))
        async with asyncio.timeout(DEADLINE):
            while not await written():
                pass
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing
    assert (await settled_bounds(topics.connection, requests, [0]))[0] == (0, 2)


async def test_a_record_that_fits_compressed_alone(kafka, unique):
    """A message that fits only when it is compressed is published."""
    connection = Connection(kafka, request_timeout=10)
    async with admin.opened(connection) as client:
        await client.create(TopicSpec(unique, 1, 1, {"max.message.bytes": "100000"}))
    message = OutgoingMessage(unique, None, b"x" * 5_000_000, partition=0)
    async with exclusive(connection, unique, largest=LARGEST) as publisher:
        assert [each.offset for each in await publisher.publish([message])] == [0]


async def test_the_largest_message(kafka, unique):
    """What fits is known to the byte: the broker takes it, and none that is one byte larger."""
    connection, value = Connection(kafka, request_timeout=10), os.urandom(100_000)
    async with admin.opened(connection) as client:
        await client.create(TopicSpec(unique, 1, 1, {"max.message.bytes": "50000"}))
    messages = [OutgoingMessage(unique, b"k", value[:size], (("h", b"v"),), 0) for size in range(49_800, 50_001)]
    fitting = [await fits(message, 50_000) for message in messages]
    most = fitting.index(False)
    assert fitting == [number < most for number in range(len(messages))]
    async with exclusive(connection, unique, largest=LARGEST) as publisher:
        await publisher.publish([messages[most - 1]])
        with pytest.raises(MessageTooLarge):
            await publisher.publish([messages[most]])


async def test_what_the_request_topic_does_not_hold_any_more(topics, capsys):
    """Where the original request is gone a letter is replayed only with `--accept-duplicates`."""
    letters = [topics.failed(number)[1] for number in range(4)]
    await topics.batches(topics.plan.dead_letters, letters)
    assert await topics.replay() == 0
    *left, tally = map(orjson.loads, capsys.readouterr().out.splitlines())
    (why,) = tally["left"]
    assert [each["left"] for each in left] == [why] * 4
    assert "--accept-duplicates" in why
    assert await topics.replay(accept_duplicates=True) == 0
    assert len(await topics.replays()) == 4


async def test_a_replay_that_nobody_answers(topics, capsys):
    """`--follow` ends after its time limit, and says how many letters it waited for in vain."""
    await topics.fill(2)
    assert await topics.replay(follow=0.3) == 1
    assert "2 have not ended within 0.3 s (--deadline)" in capsys.readouterr().err
