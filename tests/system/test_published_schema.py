"""What a running worker publishes is valid by what `schema events` prints."""

import orjson
from jsonschema import Draft202012Validator

from worker.events.schema import events_schema

STRUCTURED = ("content-type", b"application/cloudevents+json")
TRACE = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
CUSTOMER = {"type": {"value": "individual"}, "contactPersons": {"contactPerson": [{"firstName": "Jack"}]}}


def event(number, **data):
    attributes = {"specversion": "1.0", "type": "customer.create.requested.v1", "source": "urn:crm", "subject": "17"}
    return orjson.dumps({**attributes, "id": str(number), "data": {**CUSTOMER, **data}})


def part(name):
    """A validator for one definition of the schema."""
    schema = events_schema()
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]})


async def test_published_events(world):
    """Requests, results and headers of dead letters are valid, each by the definition of its own kind alone."""
    await world.topics()
    world.environment["WORKER_RETRY__MAX_ATTEMPTS"] = "2"
    await world.sandbox(
        {"kind": "status", "status": 400, "times": 1},
        {"kind": "status", "status": 503, "times": 2},
        {"kind": "reply_lost", "times": 1},
    )
    requests = [event(number) for number in range(5)] + [event(5, pin=[1], shoeSize="42")]
    await world.publish(*requests, b"not JSON", headers=(STRUCTURED, TRACE), key=b"one after another")
    await world.publish(orjson.dumps(CUSTOMER), None, key=b"one after another")
    worker = await world.start()
    await worker.until("record.finished", 9)
    assert await worker.stop() == 0
    succeeded, failed = await world.events(world.plan.succeeded), await world.events(world.plan.failed)
    letters = await world.read(world.plan.dead_letters)
    assert (len(succeeded), len(failed), len(letters)) == (3, 6, 6)
    codes = {"rejected", "retries_exhausted", "outcome_unknown", "invalid_customer", "undecodable"}
    assert {each["data"]["reason"]["code"] for each in failed} == codes
    whole = Draft202012Validator(events_schema())
    for each in (*map(orjson.loads, requests[:5]), *succeeded, *failed):
        whole.validate(each)
    assert not whole.is_valid(orjson.loads(requests[5]))
    assert all(part("succeeded").is_valid(each) and not part("failed").is_valid(each) for each in succeeded)
    assert all(part("failed").is_valid(each) and not part("succeeded").is_valid(each) for each in failed)
    for letter in letters:
        part("deadLetterHeaders").validate({name: value.decode("latin-1") for name, value in letter.headers})
