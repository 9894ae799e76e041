"""Events of a file put into Avro: what goes into the value, what into headers, and what cannot be written."""

import orjson
import pytest
from registered import CUSTOMER, KnownReaders, avro_schema

from worker.events.decode import Decoder
from worker.events.registered.schema import Schema
from worker.model.commands import CreateCustomer
from worker.model.errors import StartupError
from worker.model.records import Record
from worker.tools.in_avro import in_avro
from worker.tools.reading.event_file import STRUCTURED, Event, Problem, changed

PERSON = {"firstName": "Jack", "dateOfBirth": "1990-02-28"}
DATA = {"type": "individual", "contactPersons": [PERSON]}
EVENT = {"specversion": "1.0", "id": "e-1", "source": "urn:crm", "type": "customer.create.requested.v1", "data": DATA}
CHANGE = in_avro("customers-value", 7, avro_schema(CUSTOMER))


def event(content, headers=()):
    return Event(3, orjson.dumps(content), b"key", headers)


def decoded(written):
    assert isinstance(written, Event)
    return Decoder(readers=KnownReaders())(Record("requests", 0, 5, 0, written.key, written.value, written.headers))


def test_a_bare_document():
    """It is the value."""
    asked = decoded(CHANGE(event(DATA)))
    assert isinstance(asked, CreateCustomer)
    assert asked.request.id == "0-5"
    assert orjson.loads(asked.body)["contactPersons"]["contactPerson"][0]["dateOfBirth"] == "1990-02-28"


def test_an_event():
    """Its attributes are headers, its data is the value."""
    written = CHANGE(event(EVENT, STRUCTURED))
    assert isinstance(written, Event)
    assert (written.value or b"").startswith(b"\0\0\0\0\7")
    assert dict(written.headers)["ce_id"] == b"e-1"
    asked = decoded(written)
    assert isinstance(asked, CreateCustomer)
    assert (asked.request.source, asked.request.id) == ("urn:crm", "e-1")


def test_extensions():
    """They are headers in the form that CloudEvents gives them there."""
    written = CHANGE(event(EVENT | {"trial": True, "wave": 3}, STRUCTURED))
    assert isinstance(written, Event)
    assert dict(written.headers).items() >= {("ce_trial", b"true"), ("ce_wave", b"3")}


def test_a_schema_of_the_whole_event():
    """Then all of it is the value, and the headers are as they were."""
    names = ("specversion", "id", "source", "type")
    fields = [*({"name": name, "type": "string"} for name in names), {"name": "data", "type": CUSTOMER}]
    schema = avro_schema({"type": "record", "name": "Event", "fields": fields})
    written = in_avro("s", 7, schema)(event(EVENT, STRUCTURED))
    assert isinstance(written, Event)
    readers = KnownReaders({7: schema})
    asked = Decoder(readers=readers)(Record("requests", 0, 5, 0, None, written.value, written.headers))
    assert isinstance(asked, CreateCustomer)
    assert asked.request.id == "e-1"


@pytest.mark.parametrize(("content", "told"), [({**DATA, "type": "robot"}, "at type"), ({"more": 1}, "has no more")])
def test_what_does_not_fit(content, told):
    """The line and the place are told."""
    problem = CHANGE(event(content))
    assert isinstance(problem, Problem)
    assert problem.line == 3
    assert told in problem.text
    assert isinstance(CHANGE(Event(1, b"<customer/>")), Problem)


@pytest.mark.parametrize("schema", [Schema("JSON", "{}"), Schema("AVRO", "{")])
def test_a_subject_without_an_avro_schema(schema):
    """Nothing is published."""
    with pytest.raises(StartupError, match="the newest schema of s"):
        in_avro("s", 7, schema)


async def test_events_that_cannot_be_published():
    """Each is told, in its place."""

    async def events():
        yield event(DATA)
        yield event({})
        yield event(DATA)

    assert [type(each) async for each in changed(events(), CHANGE)] == [Event, Problem, Event]


def test_a_tombstone():
    """There is nothing to write."""
    assert CHANGE(Event(1, None, b"key")) == Event(1, None, b"key")


@pytest.mark.parametrize("value", [b"[]", b"5", b'"specversion"'])
def test_a_record_that_is_no_object(value):
    """It does not fit, whatever it holds."""
    assert isinstance(CHANGE(Event(1, value)), Problem)
