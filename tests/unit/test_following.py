"""What becomes of replayed records, as the result topics tell it."""

from dataclasses import replace

import orjson
import pytest

from worker.console.work.ends import became
from worker.events.results import Results
from worker.events.results_read import read_result
from worker.model.commands import Request
from worker.model.outcomes import Failed, Reason, ReasonCode, Succeeded
from worker.model.records import Position, Record
from worker.sandbox.demo.endings import ending_of
from worker.tools.dead_letters.following import ended, endings
from worker.tools.life.life import Published
from worker.tools.reading.place import Place
from worker.tools.verification import reading

RESULTS = Results("urn:worker", "succeeded", "failed", "dead", "group")
CREATED = Succeeded("2801", "/x/2801", "individual", 1)
REFUSED = Failed(Reason(ReasonCode.REJECTED, "no"), 1)


def announced(outcome, offset, topic="requests"):
    request = Record(topic, 0, offset, 0, None, b"{}")
    if isinstance(outcome, Succeeded):
        message = RESULTS.succeeded(outcome, request, Request("urn:crm", "e"))
    else:
        message = RESULTS.failed(outcome, request, Request("urn:crm", "e"), Position("dead", 3, 4))
    return Record(message.topic, 0, 0, 0, None, message.value)


def forged(record):
    return Record(record.topic, 0, 0, 0, None, orjson.dumps(orjson.loads(record.value) | {"id": "another"}))


def altered(record, path, value):
    """The same event with something else at that path; None takes it out."""
    event = orjson.loads(record.value)
    *way, last = path
    place = event["data"]
    for name in way:
        place = place[name]
    if value is None:
        place.pop(last, None)
    else:
        place[last] = value
    return Record(record.topic, 0, 0, 0, None, orjson.dumps(event))


def test_an_end_that_looks_like_two():
    """What others wrote stands in its own line."""
    outcome = replace(CREATED, customer_id="1\n0@1 -> 0@2: succeeded, customer 2")
    (ending,) = ended([announced(outcome, 7)], "requests", {Place(0, 7): Place(3, 4)})
    assert str(ending) == "3@4 -> 0@7: succeeded, customer 1\ufffd0@1 -> 0@2: succeeded, customer 2 (created)"


class Topics:
    """Everything at once, and then nothing."""

    def __init__(self, *records):
        self.records = list(records)

    async def poll(self, within):
        found, self.records = self.records, []
        return found


async def test_what_is_awaited_is_told_once():
    """Events of other topics, of records that nobody awaits and of others' making are passed over."""
    awaited = {Place(0, 7): Place(1, 70), Place(0, 8): Place(1, 80)}
    topics = Topics(
        Record("succeeded", 0, 0, 0, None, b"no JSON"),
        forged(announced(CREATED, 7)),
        announced(CREATED, 7, "others"),
        announced(CREATED, 9),
        announced(CREATED, 7),
        announced(CREATED, 7),
        announced(REFUSED, 8),
    )
    told = [str(each) async for each in endings(topics, "requests", awaited, 30)]
    assert told == [
        "1@70 -> 0@7: succeeded, customer 2801 (created)",
        "1@80 -> 0@8: failed again, rejected: no (dead letter 3@4)",
    ]
    assert awaited == {}


@pytest.mark.parametrize("value", [None, 7, "no", [], {}, ["code"]], ids=repr)
@pytest.mark.parametrize(
    ("outcome", "path"),
    [
        *[(CREATED, (name,)) for name in ("customerId", "resolution", "attempts", "request")],
        *[(REFUSED, (name,)) for name in ("reason", "deadLetter", "attempts", "request")],
        *[(REFUSED, ("reason", name)) for name in ("code", "message", "violations")],
        *[(REFUSED, ("deadLetter", name)) for name in ("topic", "partition", "offset")],
    ],
    ids=str,
)
def test_a_result_that_somebody_else_wrote(outcome, path, value):
    """With the right id and something else inside: it is told, or passed over, and none of its readers fails."""
    record = altered(announced(outcome, 7), path, value)
    for ending in ended([record], "requests", {Place(0, 7): Place(1, 70)}):
        assert str(ending).startswith("1@70 -> 0@7: ")
        assert became(ending).letter == Place(1, 70)
        assert ending.as_dict()["deadLetter"] == "1@70"
    reading.success(record.value, "requests")
    reading.failure(record.value, "requests", "dead")
    if (told := read_result(record.value)) is not None:
        assert str(Published(Place(0, 7), "failed", Place(0, 0), 0, told.type, told.data).letter)
        assert ending_of(record).broken_rules == ()


@pytest.mark.parametrize("more", [b"[" * 300 + b"]" * 300, b"[" + b"[]," * 300 + b"[]]"], ids=["deep", "wide"])
def test_a_result_that_somebody_else_nested(more):
    """What is told of one is JSON again, or nothing is."""
    record = announced(CREATED, 7)
    value = record.value.replace(b'"customerId":', b'"more":' + more + b',"customerId":')
    assert orjson.loads(value)["data"]["more"]
    for ending in ended([replace(record, value=value)], "requests", {Place(0, 7): Place(1, 70)}):
        assert orjson.dumps(ending.as_dict())


def test_a_failed_event_with_a_customer():
    """Its type decides how it ended."""
    (ending,) = ended([altered(announced(REFUSED, 7), ("customerId",), "1")], "requests", {Place(0, 7): Place(1, 70)})
    assert str(ending) == "1@70 -> 0@7: failed again, rejected: no (dead letter 3@4)"
