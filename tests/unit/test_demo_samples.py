from typing import Any

import orjson
import pytest
from builders import seed
from pydantic import ValidationError

from worker.events.decode import Decoder
from worker.events.registered.schema import Read, Schema, reader_of, refusing
from worker.events.registered.wire import SchemaKey, framed
from worker.model.commands import Command, CreateCustomer, Unusable
from worker.model.records import Record
from worker.sandbox.api import Match
from worker.sandbox.demo.samples import MORE, OF_REGISTRY, Sample, customer_schema, load_samples, more, samples_of

SAMPLES = load_samples()
OF_A_REGISTRY = [sample.model_copy(update={"schema_id": 7}) for sample in load_samples(OF_REGISTRY)]
UNKNOWN = 999_999
GOOD = {
    "name": "one",
    "about": "a sample",
    "key": "k",
    "body": "{}",
    "ends": {"outcome": "succeeded", "resolution": "created", "attempts": 1},
}
FAILED = {"outcome": "failed", "attempts": 0}


class Readers:
    """The schema of the samples has the number 7; the registry says that it does not have another one."""

    def reader(self, schema: SchemaKey) -> Read:
        return reader_of(Schema("AVRO", customer_schema())) if schema == 7 else refusing("there is none")


def decoded(sample: Sample) -> Command:
    message = sample.message("requests")
    decode = Decoder(readers=Readers()) if sample.schema_id else Decoder()
    return decode(Record("requests", 0, 0, 0, message.key, message.value, message.headers))


def named(name: str) -> Sample:
    return next(sample for sample in SAMPLES if sample.name == name)


def test_names() -> None:
    """No two samples have the same name, and each says what it shows."""
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES)
    assert all(sample.about for sample in SAMPLES)


@pytest.mark.parametrize("name", ["required-json", "required-xml", "all-json", "all-xml"])
def test_examples_of_the_api(name: str) -> None:
    """The API's own examples are published byte for byte."""
    assert named(name).message("requests").value == seed(f"individual-{name.replace('-', '.')}")


@pytest.mark.parametrize("sample", [*SAMPLES, *OF_A_REGISTRY], ids=lambda sample: sample.name)
def test_decoded(sample: Sample) -> None:
    """Whether a sample asks for something that can be done, and if not why, is as its ending says."""
    asked = decoded(sample)
    assert asked.request.trace_id == sample.identity
    if isinstance(asked, CreateCustomer):
        assert sample.ends.attempts > 0
    else:
        assert isinstance(asked, Unusable)
        broken = tuple(f"{each.path}: {each.rule}" for each in asked.reason.violations)
        assert (asked.reason.code, broken) == (sample.ends.reason, sample.ends.violations)


@pytest.mark.parametrize("sample", [sample for sample in SAMPLES if sample.id], ids=lambda sample: sample.name)
def test_cloud_events(sample: Sample) -> None:
    """A CloudEvent carries its id in either mode."""
    assert decoded(sample).request.id == sample.id


def test_same_event_again() -> None:
    """A repeat is the same record with the same identity, and only its ending is its own."""
    first, second = named("twice-first"), named("twice-second")
    assert first.message("requests") == second.message("requests")
    assert first.identity == second.identity
    assert first.ends != second.ends


def test_identities() -> None:
    """Apart from repeats every event is told from every other, whatever its customer is."""
    own = [sample for sample in SAMPLES if sample.again is None]
    assert len({sample.identity for sample in own}) == len(own)


def test_fault_of_one_event() -> None:
    """A fault comes once, and to its own event alone."""
    fault = named("not-now").scripted()
    assert fault
    assert fault.times == 1
    assert fault.match == Match(identity=named("not-now").identity)
    assert named("no-json").scripted() is None


def test_more() -> None:
    """Each further customer has an id, a key and a name of its own."""
    first, second = more(1, "requests"), more(2, "requests")
    assert (first.key, second.key) == (f"{MORE}1".encode(), f"{MORE}2".encode())
    assert orjson.loads(first.value or b"")["data"] != orjson.loads(second.value or b"")["data"]
    record = Record("requests", 0, 0, 0, first.key, first.value, first.headers)
    assert isinstance(Decoder()(record), CreateCustomer)


@pytest.mark.parametrize(
    "wrong",
    [
        {"body": None},
        {"file": "individual-all.json"},
        {"cloud_event": "binary"},
        {"id": "e-1"},
        {"unknown": 1},
        {"fault": {"kind": "no-such-fault"}},
        {"ends": FAILED},
        {"ends": FAILED | {"reason": "no_such_reason"}},
        {"ends": FAILED | {"resolution": "created"}},
        {"ends": GOOD["ends"] | {"reason": "rejected"}},  # type: ignore[operator]  # it is the dictionary above
    ],
)
def test_mistake_in_the_file(wrong: dict[str, Any]) -> None:
    """What cannot be meant is refused, and not published as something else."""
    assert samples_of([GOOD])
    with pytest.raises(ValidationError):
        samples_of([{name: value for name, value in (GOOD | wrong).items() if value is not None}])


def test_customers_that_must_exist() -> None:
    """A success means one customer and a failure none, unless the sample says otherwise."""
    assert [sample.name for sample in SAMPLES if sample.ends.outcome == "failed" and sample.ends.customers] == [
        "reply-lost"
    ]
    assert all(sample.ends.customers == 1 for sample in SAMPLES if sample.ends.outcome == "succeeded")


def test_the_schema_that_nobody_has() -> None:
    """It is named as any other."""
    (sample,) = [sample for sample in OF_A_REGISTRY if sample.name == "unknown-schema"]
    named = framed(Record("requests", 0, 0, 0, None, sample.message("requests").value))
    assert named
    assert named.schema == UNKNOWN


@pytest.mark.parametrize(
    "given", [GOOD | {"avro": True}, GOOD | {"avro": True, "cloud_event": "structured", "id": "e"}]
)
def test_avro_without_a_number_or_in_json(given: dict[str, Any]) -> None:
    """Neither can be published."""
    with pytest.raises((ValueError, ValidationError)):
        samples_of([given])[0].message("requests")
