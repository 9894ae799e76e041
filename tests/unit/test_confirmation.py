"""A person's word that a customer exists: as it is written, as it is read, and what comes of it."""

from dataclasses import replace

import orjson
import pytest
from builders import binary, record

from worker.creation.confirming import confirmed
from worker.events.confirmation import encode_confirmation
from worker.events.decode import Decoder
from worker.journal.recall import CreatedBefore, Fresh, InDoubt
from worker.model.commands import ConfirmCustomer, Request, Unusable
from worker.model.outcomes import Failed, ReasonCode, Succeeded

STRUCTURED = ("content-type", b"application/cloudevents+json")
DOUBTED = Request("urn:crm", "e-1")
COMMAND = ConfirmCustomer(DOUBTED, "2801", "individual")
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"
CREATED = Succeeded("2801", "/c/2801", "individual", 3)


def location(customer_id):
    return f"/c/{customer_id}"


def written(**data):
    """The event with that data."""
    event = orjson.loads(encode_confirmation(COMMAND))
    return orjson.dumps({**event, "data": {**event["data"], **data}})


@pytest.mark.parametrize(
    "command",
    [
        COMMAND,
        ConfirmCustomer(Request("urn:kafka:requests", "3-7"), "AB_9", "group"),
        replace(COMMAND, request=replace(DOUBTED, subject="s", traceparent=TRACE, tracestate="a=b")),
    ],
)
@pytest.mark.parametrize("headers", [(STRUCTURED,), ()])
def test_what_is_written_is_read(command, headers):
    """With its content type or without; the event is the one in doubt, wherever the confirmation stands."""
    assert Decoder()(record(encode_confirmation(command), *headers)) == command


def test_in_binary_mode():
    """As everybody may write a CloudEvent."""
    data = {"customerId": "2801", "customerType": "individual"}
    got = binary(orjson.dumps(data), subject=None, type="customer.create.confirmed.v1")
    assert Decoder()(got) == COMMAND


BROKEN = {
    "no id": {"customerId": None},
    "a number": {"customerId": 2801},
    "a word of the path": {"customerId": "customer"},
    "another path": {"customerId": "../2801"},
    "too long": {"customerId": "1" * 65},
    "no type": {"customerType": None},
    "another type": {"customerType": "robot"},
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_does_not_say_which_customer(data):
    """It is undecodable, never a customer to be created, and still says which event it is about."""
    asked = Decoder()(record(written(**data), STRUCTURED))
    assert isinstance(asked, Unusable)
    assert asked.reason.code is ReasonCode.UNDECODABLE
    assert (asked.request.source, asked.request.id) == ("urn:crm", "e-1")


def test_what_is_xml():
    """There is nothing to be read."""
    event = {**orjson.loads(encode_confirmation(COMMAND)), "datacontenttype": "application/xml", "data": "<a/>"}
    assert isinstance(Decoder()(record(orjson.dumps(event), STRUCTURED)), Unusable)


@pytest.mark.parametrize("known", [Fresh(), Fresh(2), InDoubt(1, frozenset({"w"})), CreatedBefore(CREATED)])
def test_a_customer_that_nothing_speaks_against(known):
    """Told as confirmed, under the place that the API has for it; nothing was attempted."""
    assert confirmed(COMMAND, known, location) == Succeeded("2801", "/c/2801", "individual", 0, "confirmed")


def test_another_customer_of_the_event():
    """Refused, and both are named."""
    outcome = confirmed(COMMAND, CreatedBefore(replace(CREATED, customer_id="2700")), location)
    assert isinstance(outcome, Failed)
    assert outcome.reason.code is ReasonCode.REFUSED
    assert "2700" in outcome.reason.message
    assert "2801" in outcome.reason.message
