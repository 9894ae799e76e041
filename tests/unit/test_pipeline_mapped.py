"""Records that a mapping reads: passed over, and after the mapping was changed between two readings."""

import asyncio
from dataclasses import replace

import orjson
import pytest
from builders import SMALL_CUSTOMER
from structlog.testing import capture_logs
from world import World

from worker.events.decode import Decoder
from worker.events.mapping import load_mapping
from worker.model.errors import OutcomeUnknown
from worker.model.outcomes import PassedOver, ReasonCode, Succeeded
from worker.model.records import Record

CREATES = """
[event]
source = "'urn:shop'"
id = "value.id"
customer = "value.customer"
"""
RENAMES = CREATES.replace("urn:shop", "urn:other-shop")
PASSES = (
    """
[[rules]]
when = "value.id"
then = "pass_over"
say = "not ours"
"""
    + CREATES
)
BREAKS = CREATES.replace("value.customer", "value.nothing")
RECORD = Record("requests", 0, 0, 0, b"k", orjson.dumps({"id": "e1", "customer": SMALL_CUSTOMER}))


class Mapped(World):
    """A world in which records are read by a mapping."""

    def reads_by(self, file, text):
        file.write_text(text)
        self.pipeline = replace(self.pipeline, decode=Decoder(mapping=load_mapping(file)))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "mapping.toml"


@pytest.fixture
async def world(file):
    made = await Mapped().again()
    made.reads_by(file, CREATES)
    return made


class Killed(BaseException):
    """No except clause of ours sees it."""


async def killed_before(world, topic):
    """The record is begun, and the process dies before anything of it is in that topic; a new one is made."""

    def kill(message):
        if message.topic == topic:
            raise Killed

    world.topics.before = kill
    with pytest.raises(Killed):
        await world.process(RECORD)
    world.topics.before = lambda _: None
    await world.again()


async def killed_while_sent(world):
    """The process dies while its POST is on the way: its intent stays open."""

    async def never(*_):
        raise Killed

    create, world.customers.create = world.customers.create, never
    with pytest.raises(Killed):
        await world.process(RECORD)
    world.customers.create = create
    await world.again()


async def test_what_is_passed_over(world, file):
    """Nothing is sent, written or told: a line in the log and a count, both with the rule's words."""
    world.reads_by(file, PASSES)
    known = []
    with capture_logs() as logged:
        end = await world.pipeline.process(RECORD, world.assignment, lambda: known.append(1))
    assert end == PassedOver("not ours")
    assert world.topics.of("succeeded") + world.topics.of("failed") + world.topics.of("dead") == []
    assert world.journal() == []
    assert world.customers.executed.total() == 0
    assert world.pipeline.measures.records.counts["passed_over", "not ours"] == 1
    assert sum(world.pipeline.measures.record.counts) == 0
    [line] = [each for each in logged if each["event"] == "record.finished"]
    assert (line["outcome"], line["reason"], line["offset"], line["attempts"]) == ("passed_over", "not ours", 0, 0)


async def test_passed_over_again(world, file):
    """A redelivery ends as the first time."""
    world.reads_by(file, PASSES)
    assert await world.process(RECORD, RECORD) == PassedOver("not ours")
    assert world.journal() == []


async def test_passed_over_first_and_created_by_another_mapping(world, file):
    """Nothing was told of it before, so that it has one end."""
    world.reads_by(file, PASSES)
    await world.process(RECORD)
    await world.again()
    world.reads_by(file, CREATES)
    assert isinstance(await world.process(RECORD), Succeeded)
    assert world.customers.executed == {"e1": 1}


@pytest.mark.parametrize("changed", [CREATES, RENAMES, PASSES, BREAKS], ids=["same", "renames", "passes", "breaks"])
async def test_an_outcome_that_was_not_told_yet(world, file, changed):
    """The journal knows the record by its place: it is told, whatever the mapping makes of the record now."""
    await killed_before(world, "succeeded")
    world.reads_by(file, changed)
    outcome = await world.process(RECORD)
    assert isinstance(outcome, Succeeded)
    assert outcome.customer_id == "2801"
    assert world.customers.executed == {"e1": 1}
    assert [len(world.events(topic)) for topic in ("succeeded", "failed")] == [1, 0]


@pytest.mark.parametrize("changed", [CREATES, RENAMES, PASSES, BREAKS], ids=["same", "renames", "passes", "breaks"])
async def test_a_doubt(world, file, changed):
    """It is parked and never sent again: under another name nobody can look for what may have been created."""
    await killed_while_sent(world)
    world.reads_by(file, changed)
    outcome = await world.process(RECORD)
    assert outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN
    assert world.customers.executed.total() == 0
    assert [len(world.events(topic)) for topic in ("succeeded", "failed")] == [0, 1]


async def test_a_doubt_that_comes_back_as_a_dead_letter(world, file):
    """What its headers say of it counts, even where the journal is gone and the mapping passes it over now."""
    world.customers.answers("e1", OutcomeUnknown("timeout"))
    await world.process(RECORD)
    [letter] = world.topics.of("dead")
    elsewhere = await Mapped().again()
    elsewhere.reads_by(file, PASSES)
    back = Record("requests", 0, 1, 0, letter.key, letter.value, letter.headers)
    outcome = await elsewhere.process(back)
    assert outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN
    assert "the mapping passes it over: not ours" in outcome.reason.message


async def test_a_repeat_after_the_event_was_created(world):
    """The mapping tells whose event it is, so that the second record finds the customer of the first."""
    again = replace(RECORD, offset=1)
    outcome = await world.process(RECORD, again)
    assert (outcome.resolution, outcome.customer_id) == ("already_created", "2801")


async def test_passed_over_beside_others(world, file):
    """A record that is passed over waits for nobody and holds nobody up."""
    world.reads_by(file, PASSES.replace('when = "value.id"', """when = "value.id != 'e1'" """))
    other = replace(RECORD, offset=1, value=orjson.dumps({"id": "e2"}))
    ends = await asyncio.gather(world.process(RECORD), world.process(other))
    assert [type(end) for end in ends] == [Succeeded, PassedOver]
