"""`verify` over real topics: what holds, what does not, and what cannot be judged."""

import asyncio
import os
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from ended_on_kafka import told_on
from logs_on_kafka import Log
from patience import PATIENCE

from worker.events.mapping import load_mapping
from worker.journal.entries import Claim, encode, encode_headers
from worker.model.errors import StartupError
from worker.model.records import Position, Record
from worker.tools.verification.scan import Asked
from worker.tools.verification.verify import verified

HOUR = 3_600_000


def found(report):
    return {each.kind: (each.count, *each.places) for each in report.findings}


def not_judged(report):
    return {each.kind: (each.count, *each.places) for each in report.not_judged}


@pytest.fixture
async def told(kafka, unique):
    async with told_on(kafka, unique) as opened:
        yield opened


@asynccontextmanager
async def transaction(told):
    producer = AIOKafkaProducer(bootstrap_servers=told.kafka, transactional_id=told.group)
    async with producer, producer.transaction():
        yield producer


async def test_every_request_ended(told):
    """Every request has its end: the report holds, with the range that it judged."""
    for _ in range(3):
        await told.succeed(await told.request())
    await told.fail(await told.request(partition=1))
    await told.commit(3, 1)
    report = await told.verify()
    assert report.holds
    assert (report.succeeded, report.failed, report.foreign, report.not_judged) == (3, 1, {}, ())
    assert [(each.first, each.end, each.in_flight) for each in report.parts] == [(0, 3, 0), (0, 1, 0)]


async def test_empty_topics(told):
    """Empty topics hold."""
    report = await told.verify()
    assert report.holds
    assert next(report.lines()) == f"{told.plan.requests}: nothing is committed"


async def test_a_request_that_ended_nowhere(told):
    """A committed request without an end is a gap; an uncommitted one is in flight."""
    records = [await told.request() for _ in range(6)]
    await told.succeed(records[0])
    await told.succeed(records[3])
    await told.commit(5)
    report = await told.verify()
    assert found(report) == {"no_terminal_event": (3, "0@1-2", "0@4")}
    assert report.parts[0].in_flight == 1


async def test_holes_that_no_record_is_in(told):
    """Offsets of transaction markers need no end."""
    for _ in range(3):
        async with transaction(told) as producer:
            await producer.send_and_wait(told.plan.requests, b"{}", partition=0)
    for offset in (0, 2):
        await told.succeed(Record(told.plan.requests, 0, offset, 1, b"k", b"{}"))
    await told.commit(6)
    assert found(await told.verify()) == {"no_terminal_event": (1, "0@4")}


async def test_a_dead_letter_without_its_event(told):
    """A dead letter without a failed event is found, even where the request succeeded."""
    lost, other = await told.request(), await told.request()
    await told.letter(lost)
    await told.letter(other)
    await told.succeed(other)
    await told.commit(2)
    assert found(await told.verify()) == {
        "no_terminal_event": (1, "0@0"),
        "dead_letter_without_failed_event": (2, "0@0-1"),
    }


async def test_a_failed_event_without_its_dead_letter(told):
    """A failed event is found whose dead letter does not exist or is another request's."""
    first, second, third = [await told.request() for _ in range(3)]
    letter = await told.letter(first)
    await told.fail(first, letter)
    await told.fail(second, letter)
    await told.fail(third, Position(told.plan.dead_letters, 1, 17))
    await told.commit(3)
    assert found(await told.verify()) == {"failed_event_without_dead_letter": (2, "0@1 -> 0@0", "0@2 -> 1@17")}


async def test_two_ends_of_one_request(told):
    """A request that succeeded and failed is found."""
    record = await told.request()
    await told.succeed(record)
    await told.fail(record)
    await told.commit(1)
    assert found(await told.verify()) == {"two_terminal_events": (1, "0@0")}


async def test_two_customers_for_one_event(told):
    """An event with two customers is found in any partitions, with both customers and their requests."""
    one, two, three = await told.request(), await told.request(partition=1), await told.request()
    await told.succeed(one, "e-1", "2801")
    await told.succeed(two, "e-1", "2805")
    await told.succeed(three, "e-2", "2801")
    await told.commit(2, 1)
    assert found(await told.verify()) == {"two_customers_for_one_event": (1, "urn:crm e-1: 2801 (0@0), 2805 (1@0)")}


async def test_events_and_letters_that_came_twice(told):
    """Ends published twice, and repeats of an event with the same customer, are no findings."""
    one, two, three = [await told.request() for _ in range(3)]
    for _ in range(2):
        await told.succeed(one, "e-1", "2801")
        await told.succeed(two, "e-1", "2801")
        await told.fail(three)
    await told.commit(3)
    report = await told.verify()
    assert (report.holds, report.succeeded, report.failed) == (True, 2, 1)


async def test_letters_without_their_payload(told):
    """Letters without a payload are judged by their headers."""
    record = await told.request()
    await told.fail(record, await told.letter(record, told.results.without_payload()))
    await told.commit(1)
    assert (await told.verify()).holds


@pytest.mark.parametrize("value", [b"\xff", b"[]", b'{"data":{"request":{}}}', b'{"data":{"request":[]}}', None])
async def test_foreign_records(told, value):
    """Foreign records are counted and otherwise ignored."""
    record = await told.request()
    await told.succeed(record)
    for topic in (told.plan.succeeded, told.plan.failed, told.plan.dead_letters):
        await told.publish(topic, value)
    await told.commit(1)
    report = await told.verify()
    assert report.holds
    assert set(report.foreign) == {told.plan.succeeded, told.plan.failed, told.plan.dead_letters}


async def test_events_of_another_request_topic(told):
    """Ends of another request topic do not count."""
    record = await told.request()
    await told.succeed(Record("elsewhere", 0, record.offset, 1, b"k", b"{}"))
    await told.commit(1)
    report = await told.verify()
    assert found(report) == {"no_terminal_event": (1, "0@0")}
    assert report.foreign == {told.plan.succeeded: 1}


async def test_requests_that_retention_deleted(told):
    """Requests deleted by retention after they were committed are not judged."""
    for _ in range(3):
        await told.succeed(await told.request())
    await told.commit(3)
    await told.delete(told.plan.requests, 2)
    report = await told.verify()
    assert (report.holds, report.parts[0].first, report.succeeded) == (True, 2, 1)


async def claim(told, writer, *expired, partition=0):
    """Write a claim that says which offsets a worker found deleted."""
    made = Claim(writer, group=told.group, topic=told.plan.requests, expired=expired)
    await told.publish(told.plan.journal, encode(made), made.key, encode_headers(made), partition)


async def test_requests_that_expired_unread(told):
    """Requests that expired unread are told from the journal, even after the group has passed them."""
    for _ in range(6):
        await told.request()
    await told.delete(told.plan.requests, 5)
    await told.succeed(Record(told.plan.requests, 0, 5, 1, b"k", b"{}"))
    await told.commit(6)
    await claim(told, "a", (1, 3))
    await claim(told, "a", (1, 3), (3, 5))
    await claim(told, "b", (0, 2), partition=1)
    assert found(await told.verify()) == {"deleted_unread": (6, "0@1-4", "1@0-1")}
    assert found(await told.verify(partition=1)) == {"deleted_unread": (2, "1@0-1")}
    assert found(await told.verify(partition=0, first=2, end=4)) == {"deleted_unread": (2, "0@2-3")}
    assert (await told.verify(partition=0, first=5)).holds
    assert (await told.verify(partition=0, end=1)).holds


async def test_a_journal_that_tells_nothing(told):
    """Claims without valid offsets of deleted records tell nothing."""
    await told.publish(told.plan.journal, b"{}", b"claim/w", [("expired", b"[[3,1]]")])
    await told.publish(told.plan.journal, None, b"claim/w", [("expired", b"?")])
    assert (await told.verify()).holds


async def test_requests_of_transactions(told):
    """Aborted requests need no end, and committed ones do."""
    for commit in (False, True):
        async with Log(told.kafka, told.plan.requests).transaction(2, commit=commit):
            pass
    await told.succeed(Record(told.plan.requests, 0, 3, 1, b"k", b"{}"))
    await told.commit(6)
    assert found(await told.verify()) == {"no_terminal_event": (1, "0@4")}
    await told.succeed(Record(told.plan.requests, 0, 4, 1, b"k", b"{}"))
    report = await told.verify()
    assert (report.holds, report.parts[0].end, report.parts[0].in_flight) == (True, 6, 0)


async def test_requests_that_were_deleted_unread(told):
    """Uncommitted requests that were deleted are found."""
    for _ in range(4):
        await told.request()
    await told.commit(1)
    await told.delete(told.plan.requests, 3)
    assert found(await told.verify()) == {"deleted_unread": (2, "0@1-2")}


async def test_results_that_were_deleted_before_their_requests(told):
    """Requests older than the oldest result cannot be judged, younger ones are."""
    now = int(time.time() * 1000)
    old, young = [await told.request(timestamp=now + shift) for shift in (-HOUR, HOUR)]
    await told.succeed(old)
    await told.succeed(young)
    await told.delete(told.plan.succeeded, 2)
    await told.commit(2)
    report = await told.verify()
    assert not_judged(report) == {"terminal_event_may_be_deleted": (1, "0@0")}
    assert found(report) == {"no_terminal_event": (1, "0@1")}


async def test_letters_that_are_kept_longer_than_failed_events(told):
    """Dead letters older than the oldest failed event cannot be judged, nor letters that are gone."""
    first, second, third = [await told.request(timestamp=1) for _ in range(3)]
    await told.fail(first)
    await told.delete(told.plan.failed, 1)
    await told.fail(second)
    await told.delete(told.plan.dead_letters, 2)
    await told.letter(third)
    await told.commit(3)
    report = await told.verify()
    assert report.holds
    assert not_judged(report) == {
        "terminal_event_may_be_deleted": (2, "0@0", "0@2"),
        "failed_event_may_be_deleted": (1, "0@2"),
        "dead_letter_deleted": (1,),
    }


@pytest.mark.parametrize(("start", "before"), [("latest", 3), ("1970-01-01T00:00:02Z", 1), ("2070-01-01T00:00Z", 3)])
async def test_a_group_that_began_behind_the_first_requests(told, start, before):
    """Requests before the group's first end and before `START` are not judged."""
    for timestamp in (1000, 2000, 3000, 4000, 5000):
        record = await told.request(timestamp=timestamp)
        if timestamp == 4000:
            await told.succeed(record)
    await told.commit(5)
    assert found(await told.verify()) == {"no_terminal_event": (4, "0@0-2", "0@4")}
    told.start = start
    report = await told.verify()
    assert not_judged(report) == {"before_the_start": (before, "0@0-2" if before > 1 else "0@0")}
    gaps = ("0@1-2", "0@4") if before == 1 else ("0@4",)
    assert found(report) == {"no_terminal_event": (4 - before, *gaps)}
    assert found(await told.verify(partition=0, first=0)) == {"no_terminal_event": (4, "0@0-2", "0@4")}


async def test_a_part_of_the_requests(told):
    """A part of the requests is judged by partition and offsets, or by time."""
    for timestamp in (1000, 2000, 3000, 4000):
        await told.request(timestamp=timestamp)
    await told.commit(4)
    for asked in ({"partition": 0, "first": 1, "end": 3}, {"since": 2000, "until": 4000}):
        assert found(await told.verify(**asked)) == {"no_terminal_event": (2, "0@1-2")}
    assert (await told.verify(partition=1)).holds


async def test_a_topic_that_does_not_exist(told):
    """A topic that does not exist is named with its setting."""
    told.plan = replace(told.plan, succeeded="no-such-topic")
    with pytest.raises(StartupError, match=r"no-such-topic .WORKER_TOPICS__SUCCEEDED."):
        await told.verify()


async def typed(told, *arguments):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKER_")}
    ours = dict(told.plan.names()) | {
        "WORKER_KAFKA__BOOTSTRAP_SERVERS": told.kafka,
        "WORKER_KAFKA__GROUP_ID": told.group,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "worker", "verify", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**inherited, **ours},
    )
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode, out.decode().splitlines(), err.decode()


async def test_as_it_is_typed(told):
    """A person gets sentences, a machine one document; the exit code is 1 where it does not hold."""
    for _ in range(2):
        await told.request()
    await told.commit(2)
    code, lines, err = await typed(told)
    assert (code, err) == (1, "")
    assert lines[-3] == "failed: 2 requests ended in neither topic: 0@0-1"
    assert "WORKER_KAFKA__START" in lines[-2]
    assert lines[-1] == "it does not hold"
    code, (document,), _ = await typed(told, "--json", "--partition", "0", "--from", "1", "--to", "1")
    assert code == 1
    assert orjson.loads(document)["findings"] == [{"kind": "no_terminal_event", "count": 1, "places": ["0@1"]}]


async def test_what_a_mapping_passes_over(told, tmp_path):
    """Requests that the mapping passes over need no end; all others do."""
    file = tmp_path / "mapping.toml"
    file.write_text(
        "[[rules]]\nwhen = \"value.kind == 'other'\"\nthen = 'pass_over'\nsay = 'other'\n[event]\ncustomer = 'value'\n"
    )
    for value in (b'{"kind": "other"}', b"{}", b'{"kind": "other"}', b"other"):
        await told.publish(told.plan.requests, value)
    await told.commit(4)
    report = await verified(told.settings, Asked(), load_mapping(file))
    assert found(report) == {"no_terminal_event": (2, "0@1", "0@3")}
    assert report.passed_over == 2
    assert found(await told.verify())["no_terminal_event"][0] == 4
