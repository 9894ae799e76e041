"""Parts of the faults that can be looked at without a Kafka."""

import asyncio
from struct import pack

import pytest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy as Builder
from chaos.beside import Beside
from chaos.faults.odd import OddName, records
from chaos.faults.quiet import is_held
from chaos.faults.unreadable import batches, spoilt
from chaos.fleet import UNEQUAL, Fleet, Life
from chaos.stream import EXTRA, Content
from chaos.tolerant import Batch
from chaos.verifying import spread

from worker.events.decode import Decoder
from worker.model.commands import CreateCustomer
from worker.model.records import Record

STARTED, ENDED = (
    '{"event":"hold.started","reason":"api_unavailable"}',
    '{"event":"hold.ended","reason":"api_unavailable"}',
)
OTHER = '{"event":"hold.started","reason":"kafka_unavailable"}'


@pytest.mark.parametrize(
    ("lines", "held"),
    [([], False), ([STARTED], True), ([STARTED, ENDED], False), ([STARTED, ENDED, STARTED], True), ([OTHER], False)],
)
def test_a_hold_in_a_log(lines, held):
    """The last word about the API counts, and no other hold's."""
    assert is_held("\n".join(lines)) is held


def test_places_of_verify():
    """Single ones, and runs with their last one."""
    assert spread("0@5") == [(0, 5)]
    assert spread("3@5-7") == [(3, 5), (3, 6), (3, 7)]


def test_batches_of_a_segment(tmp_path):
    """Each with its first offset and its bytes; what is not whole, and the room behind, is none. Spoilt, and mended."""
    log = pack(">qi", 0, 200) + b"a" * 200 + pack(">qi", 7, 90) + b"b" * 90
    assert list(batches(log + pack(">qi", 9, 50) + b"c")) == [(0, 0, 212), (7, 212, 314)]
    assert list(batches(log + bytes(100))) == [(0, 0, 212), (7, 212, 314)]
    file = tmp_path / "0.log"
    file.write_bytes(log)
    with spoilt(file, 212, 314):
        changed = [at for at, (one, other) in enumerate(zip(log, file.read_bytes(), strict=True)) if one != other]
        assert changed == [282]
    assert file.read_bytes() == log


def test_a_header_name_that_is_not_utf8():
    """It is written as bytes that no reader of texts takes, and this process reads it all the same."""
    builder = Builder(2, 0, 0, -1, -1, -1, 2**20)
    builder.append(0, timestamp=1, key=b"k", value=b"v", headers=[(OddName("x"), b"1"), ("number", b"2")])
    (read,) = Batch(bytes(builder.build()))
    assert (read.key, read.value) == (b"k", b"v")
    assert [value for _, value in read.headers] == [b"1", b"2"]
    assert read.headers[1][0] == "number"
    assert "\ufffd" in read.headers[0][0]


def test_records_beside_the_stream():
    """Each has a number, an event and a key of its own, and asks for a customer."""
    beside = Beside()
    one, other = beside.item(1), beside.item(2, content=Content.CUSTOMER)
    assert (one.number, other.number) == (EXTRA, EXTRA + 1)
    assert len({one.event, other.event, one.key, other.key}) == 4
    assert isinstance(Decoder()(Record("r", 1, 0, 0, one.key, one.value, one.headers)), CreateCustomer)


def test_odd_records():
    """They are small enough for the topic."""

    class Scene:
        beside = Beside()

    found = list(records(Scene(), 1))  # type: ignore[arg-type]  # nothing else of it is asked for
    assert {item.content for item in found} == {Content.UNDECODABLE}
    assert all(
        len(item.value) + sum(len(name) + len(value) for name, value in item.headers) < 1_000_000 for item in found
    )


@pytest.mark.parametrize(("said", "added", "problems"), [(UNEQUAL, True, 0), (UNEQUAL, False, 1), ("other", True, 1)])
async def test_a_start_that_is_refused(tmp_path, said, added, problems):
    """Right for as long as the schedule keeps the journal smaller than the requests, and told by that name alone."""
    log = tmp_path / "worker-1-000.log"
    log.write_text(said)
    fleet = Fleet({}, tmp_path, partitions_added=added)
    process = await asyncio.create_subprocess_exec("false")
    fleet._judge(Life(process, log), await process.wait())
    assert len(fleet.problems) == problems
