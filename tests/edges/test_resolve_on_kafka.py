"""`dead-letters resolve` on a real Kafka without a worker: what it publishes, and what it refuses before that."""

import time
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from worker.events.decode import Decoder
from worker.events.results import Results
from worker.journal.entries import EntryKey, Finished, encode, encode_headers
from worker.kafka import admin, bulk
from worker.kafka.connection import Connection
from worker.kafka.exclusive import exclusive
from worker.kafka.extent import extent
from worker.kafka.missing_topics import create
from worker.kafka.places import settled_bounds
from worker.model.commands import ConfirmCustomer, CreateCustomer, Request
from worker.model.errors import StartupError, Superseded, WorkerError
from worker.model.outcomes import Failed, Reason, ReasonCode, Succeeded
from worker.model.records import OutgoingMessage, Record
from worker.settings import sources as configuration
from worker.tools.dead_letters import list_letters, replay_letters, resolving, show
from worker.tools.dead_letters.filters import Filter
from worker.tools.dead_letters.replay_letters import Asked as AskedToReplay
from worker.tools.dead_letters.resolve_letter import Asked, resolve
from worker.tools.reading.place import Place
from worker.topics import Plan

GROUP = b'{"type": {"value": "group", "group": {"type": {"value": "x"}}}, "customerName": "N"}'
NAMES = ("requests", "succeeded", "failed", "dead-letters", "journal")
UNKNOWN = ReasonCode.OUTCOME_UNKNOWN
LONG = "i" * 1_001


class Topics:
    """Topics of two partitions."""

    def __init__(self, kafka, unique):
        requests, succeeded, failed, dead, journal = (f"{unique}.{name}" for name in NAMES)
        self.plan = Plan(requests, succeeded, failed, dead, journal, partitions=2)
        self.connection = Connection(kafka, request_timeout=10)
        self.settings = configuration.load(
            environment={"WORKER_KAFKA__BOOTSTRAP_SERVERS": kafka, **dict(self.plan.names())}
        )

    async def publish(self, *messages):
        async with bulk.opened(self.connection) as publisher:
            for each in messages:
                await publisher.hand_over(each)
            await publisher.flush()

    async def read(self, topic):
        async with extent(self.connection, topic, range(2)) as whole:
            return [record async for records, _ in whole.read() for record in records]

    async def failed(self, code=UNKNOWN, *, value=GROUP, request=None, with_payload=True, kept=True):
        """Write a record to partition 1, and its dead letter."""
        if kept:
            await self.publish(OutgoingMessage(self.plan.requests, b"k", value, (), 1))
        stored = [each for each in await self.read(self.plan.requests) if each.partition == 1]
        record = stored[-1] if kept else Record(self.plan.requests, 1, 0, int(time.time() * 1000), b"k", value)
        results = replace(Results("w", "ok", "failed", self.plan.dead_letters, "g"), with_payload=with_payload)
        request = request or Request(f"urn:kafka:{self.plan.requests}", f"1-{record.offset}")
        await self.publish(results.dead_letter(Failed(Reason(code, "why"), 1), record, request, 0.0))
        return request

    async def journals(self, request, outcome):
        """Let the journal know how a later record of that event ended."""
        entry, key = Finished(outcome), EntryKey(request.event, 5, "w").encode()
        await self.publish(OutgoingMessage(self.plan.journal, key, encode(entry), encode_headers(entry), 1))

    async def confirmations(self):
        found = [(each, Decoder()(each)) for each in await self.read(self.plan.requests)]
        return [(record, command) for record, command in found if isinstance(command, ConfirmCustomer)]


@pytest.fixture
async def topics(kafka, unique):
    made = Topics(kafka, unique)
    async with admin.opened(made.connection) as client:
        await create(client, made.plan)
    return made


def said(capsys):
    return [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]


LETTER = Place(1, 0)
YES = Asked("2801", yes=True, as_json=True)


async def test_a_dry_run(topics, capsys):
    """A dry run says what would be done, and publishes nothing."""
    request = await topics.failed()
    assert await resolve(topics.settings, LETTER, replace(YES, yes=False)) == 0
    (told,) = said(capsys)
    assert (told["dryRun"], told["customerType"], told["event"]["id"]) == (True, "group", request.id)
    assert await topics.confirmations() == []


async def test_what_is_published(topics, capsys):
    """A confirmation is published once, in the doubt's partition with its key; the second time its place is told."""
    request = await topics.failed()
    for before in (False, True):
        assert await resolve(topics.settings, LETTER, YES) == 0
        (told,) = said(capsys)
        assert (told["resolvedAs"], told["before"]) == ("1@1", before)
    ((record, command),) = await topics.confirmations()
    assert command == ConfirmCustomer(request, "2801", "group")
    assert (record.partition, record.key) == (1, b"k")
    with pytest.raises(WorkerError, match=r"1@1 with customer 2801"):
        await resolve(topics.settings, LETTER, replace(YES, customer_id="2802"))


async def test_what_is_told_and_left_afterwards(topics, capsys):
    """Afterwards the list, the letter and a replay tell that the doubt is resolved."""
    await topics.failed()
    await resolve(topics.settings, LETTER, YES)
    capsys.readouterr()
    await list_letters.list_letters(topics.settings, Filter(), 50, summary=False, as_json=True)
    await show.show(topics.settings, Filter(places=frozenset({LETTER})), payload=False, as_json=True)
    replaying = AskedToReplay(yes=True, accept_duplicates=True, as_json=True)
    assert await replay_letters.replay(topics.settings, Filter(), replaying) == 0
    listed, shown, *_, tally = said(capsys)
    assert (listed["resolvedAs"], shown["resolvedAs"], shown["replayedAs"]) == ("1@1", "1@1", None)
    assert (tally["replayed"], list(tally["left"])) == ({}, ["resolved already: a person told which customer it has"])
    assert len(await topics.read(topics.plan.requests)) == 2


@asynccontextmanager
async def somebody_elses(topics, topic):
    """Another program's open transaction, which has written to partition 1."""
    name = f"{topic}-other"
    async with AIOKafkaProducer(
        bootstrap_servers=topics.connection.bootstrap_servers, transactional_id=name
    ) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"{}", b"other", 1)
        yield
        await producer.abort_transaction()


async def test_what_nobody_can_read_yet(topics, monkeypatch):
    """Behind an open transaction there may be an earlier confirmation: nothing is published before it ends."""
    monkeypatch.setattr(resolving, "settled_bounds", partial(settled_bounds, within=1.0))
    await topics.failed()
    async with somebody_elses(topics, topics.plan.requests):
        with pytest.raises(StartupError, match="a transaction is open at 1@1"):
            await resolve(topics.settings, LETTER, YES)
    assert await topics.confirmations() == []
    assert await resolve(topics.settings, LETTER, YES) == 0
    assert len(await topics.confirmations()) == 1


async def test_dead_letters_to_which_somebody_else_writes(topics, capsys):
    """A letter behind an open transaction can be resolved."""
    async with somebody_elses(topics, topics.plan.dead_letters):
        await topics.failed()
        assert await resolve(topics.settings, Place(1, 1), YES) == 0
    assert [each["deadLetter"] for each in said(capsys)] == ["1@1"]


@pytest.mark.parametrize("code", [code for code in ReasonCode if code is not UNKNOWN])
async def test_what_is_no_doubt(topics, code):
    """A failure that is no doubt cannot be resolved."""
    await topics.failed(code)
    with pytest.raises(WorkerError, match=f"{code.value}, and no doubt"):
        await resolve(topics.settings, LETTER, YES)
    assert await topics.confirmations() == []


@pytest.mark.parametrize("place", [Place(1, 7), Place(9, 0)])
async def test_a_letter_that_is_not_there(topics, place):
    """A letter that does not exist is named."""
    with pytest.raises(WorkerError, match=f"no dead letter {place}"):
        await resolve(topics.settings, place, YES)


async def test_a_payload_that_was_left_out(topics, capsys):
    """Without a payload the original tells the customer's type; where that is gone `--customer-type` is needed."""
    await topics.failed(with_payload=False)
    await topics.failed(with_payload=False, kept=False)
    assert await resolve(topics.settings, LETTER, YES) == 0
    assert [each["customerType"] for each in said(capsys)] == ["group"]
    with pytest.raises(WorkerError, match="--customer-type"):
        await resolve(topics.settings, Place(1, 1), YES)


async def test_a_payload_that_is_gone(topics, capsys):
    """With `--customer-type` a doubt can be resolved although payload and original are gone."""
    await topics.failed(with_payload=False, kept=False, request=Request("urn:crm", "e-9"))
    assert await resolve(topics.settings, LETTER, replace(YES, kind="individual")) == 0
    assert [(each["customerType"], each["event"]["id"]) for each in said(capsys)] == [("individual", "e-9")]


async def test_an_id_too_long_for_a_header(topics):
    """An id that is too long for a header is read from the payload."""
    event = {"specversion": "1.0", "id": LONG, "source": "urn:crm", "type": "customer.create.requested.v1"}
    value = orjson.dumps({**event, "data": orjson.loads(GROUP)})
    asked = Decoder()(Record("r", 0, 0, 0, None, value))
    assert isinstance(asked, CreateCustomer)
    await topics.failed(value=value, request=asked.request)
    assert await resolve(topics.settings, LETTER, YES) == 0
    ((_, command),) = await topics.confirmations()
    assert command.request.id == LONG


async def test_a_word_that_is_said_twice_and_followed(topics):
    """`--follow` waits the second time as well, until the journal knows the end."""
    request = await topics.failed()
    followed = replace(YES, follow=0.3)
    assert [await resolve(topics.settings, LETTER, followed) for _ in range(2)] == [1, 1]
    await topics.journals(request, Succeeded("2801", "/c/2801", "group", 1, "confirmed"))
    assert await resolve(topics.settings, LETTER, followed) == 0
    assert len(await topics.confirmations()) == 1


async def test_another_customer_that_the_journal_knows(topics):
    """Another customer than the journal's is refused, and the same one is published."""
    request = await topics.failed()
    await topics.journals(request, Succeeded("2700", "/c/2700", "group", 1))
    with pytest.raises(WorkerError, match="the journal knows customer 2700"):
        await resolve(topics.settings, LETTER, YES)
    assert await topics.confirmations() == []
    assert await resolve(topics.settings, LETTER, replace(YES, customer_id="2700")) == 0


async def test_a_replay_at_the_same_time(topics):
    """A resolution ends a replay that is under way."""
    await topics.failed()
    name = f"{topics.settings.kafka.group_id}-replay-{topics.plan.dead_letters}"
    async with exclusive(topics.connection, name, largest=1_000) as replay:
        assert await resolve(topics.settings, LETTER, YES) == 0
        with pytest.raises(Superseded):
            await replay.publish([OutgoingMessage(topics.plan.requests, None, b"1", partition=1)])


async def test_nobody_ends_it(topics, capsys):
    """`--follow` ends after its time limit, and says so."""
    await topics.failed()
    assert await resolve(topics.settings, LETTER, replace(YES, follow=0.3)) == 1
    assert "has not ended within 0.3 s" in capsys.readouterr().err
