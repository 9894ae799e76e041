"""The sample events, as `samples.toml` describes them."""

import tomllib
from importlib.resources import files
from typing import Any, Literal, Self
from uuid import NAMESPACE_URL, uuid5

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from worker.events.registered.schema import Schema
from worker.events.registered.wire import numbered
from worker.model.outcomes import ReasonCode, Resolution
from worker.model.records import Headers, OutgoingMessage
from worker.sandbox.api import Fault

FOLDER = files(__package__) / "samples"
OF_REGISTRY = "samples_registry.toml"
TYPE = "customer.create.requested.v1"
SOURCE = "urn:example:crm"
MORE = "more-"


class Strict(BaseModel):
    """A part of the file; an unknown name in it is a validation error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Ends(Strict):
    """How an event must end; a broken rule is written `path: rule`."""

    outcome: Literal["succeeded", "failed"]
    attempts: int = Field(ge=0)
    resolution: Resolution | None = None
    reason: ReasonCode | None = None
    violations: tuple[str, ...] = ()
    customers: int = Field(default_factory=lambda given: int(given["outcome"] == "succeeded"), ge=0)

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        succeeded = self.outcome == "succeeded"
        if succeeded != (self.resolution is not None) or succeeded == (self.reason is not None):
            raise ValueError("succeeded comes with a resolution, failed with a reason")
        return self


class Sample(Strict):
    """One event; `again` names the sample that it repeats, and is filled in.

    `run` names the trial that it belongs to.
    """

    name: str
    about: str
    key: str
    ends: Ends
    file: str | None = None
    body: str | None = None
    headers: dict[str, str] = {}
    cloud_event: Literal["structured", "binary"] | None = None
    id: str | None = None
    subject: str | None = None
    avro: bool = False
    fault: Fault | None = None
    again: str | None = None
    run: str = ""
    schema_id: int | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if (self.file is None) == (self.body is None):
            raise ValueError(f"{self.name}: either file or body")
        if self.avro and self.cloud_event == "structured":
            raise ValueError(f"{self.name}: a structured CloudEvent is JSON")
        if (self.cloud_event is None) != (self.id is None):
            raise ValueError(f"{self.name}: a CloudEvent has an id, and only a CloudEvent has one")
        return self

    @property
    def identity(self) -> str:
        """The trace id that the event carries, by which the sandbox's ledger and faults know the event."""
        return uuid5(NAMESPACE_URL, f"{_source(self.run)}/{self.again or self.name}").hex

    @property
    def content(self) -> bytes:
        """The customer as the sample's file or body has it."""
        return (FOLDER / self.file).read_bytes() if self.file else (self.body or "").encode()

    def scripted(self) -> Fault | None:
        """The sample's fault, limited to this event and to one call; None if it has none."""
        if self.fault is None:
            return None
        given = self.fault.model_dump(exclude_unset=True)
        return Fault.model_validate(given | {"match": {"identity": self.identity}, "times": 1})

    def message(self, topic: str) -> OutgoingMessage:
        """The event as a message to publish."""
        headers = {"traceparent": _trace(self.identity)} | self.headers
        if self.cloud_event == "binary":
            headers = headers | {f"ce_{name}": value for name, value in self._attributes().items()}
        if self.cloud_event == "structured":
            headers = headers | {"content-type": "application/cloudevents+json"}
        return OutgoingMessage(topic, self.key.encode(), self._value(), _encoded(headers))

    def _value(self) -> bytes:
        if self.avro:
            return self._in_avro()
        if self.cloud_event != "structured":
            return self.content
        return orjson.dumps({**self._attributes(), "data": orjson.loads(self.content)})

    def _in_avro(self) -> bytes:
        """The event in Avro; ValueError if the registry has given its schema no id yet."""
        from worker.events.registered.avro_write import AvroWriter  # noqa: PLC0415  an extra's

        if self.schema_id is None:
            raise ValueError(f"{self.name}: its schema has no number")
        return numbered(self.schema_id, AvroWriter(Schema("AVRO", customer_schema()))(orjson.loads(self.content)))

    def _attributes(self) -> dict[str, str]:
        given = {
            "specversion": "1.0",
            "id": self.id,
            "source": _source(self.run),
            "type": TYPE,
            "subject": self.subject,
        }
        return {name: value for name, value in given.items() if value is not None}


def customer_schema() -> str:
    """The Avro schema of the samples in Avro."""
    return (FOLDER / "customer.avsc").read_text("utf-8")


def load_samples(file: str = "samples.toml") -> list[Sample]:
    """The samples in the order in which they are published; ValidationError for a mistake in the file."""
    document = tomllib.loads((files(__package__) / file).read_text("utf-8"))
    return samples_of(document["samples"])


def samples_of(tables: list[dict[str, Any]]) -> list[Sample]:
    """The samples of a file's tables; with `again`, all but name, about, fault and ends is taken from the named one."""
    by_name = {table["name"]: table for table in tables}
    own = {"name", "about", "fault", "ends"}
    complete = [
        {name: value for name, value in by_name.get(table.get("again", ""), {}).items() if name not in own} | table
        for table in tables
    ]
    return TypeAdapter(list[Sample]).validate_python(complete)


def more(number: int, topic: str, run: str = "") -> OutgoingMessage:
    """One further customer: a structured CloudEvent with a name and key of its own."""
    name = f"{more_prefix(run)}{number}"
    event = {
        "specversion": "1.0",
        "id": name,
        "source": SOURCE,
        "type": TYPE,
        "data": {
            "type": {"value": "individual"},
            "contactPersons": {"contactPerson": [{"firstName": "Customer", "lastName": f"Number {number}"}]},
        },
    }
    trace = _trace(uuid5(NAMESPACE_URL, f"{SOURCE}/{name}").hex)
    headers = {"content-type": "application/cloudevents+json", "traceparent": trace}
    return OutgoingMessage(topic, name.encode(), orjson.dumps(event), _encoded(headers))


def more_prefix(run: str) -> str:
    """The prefix of the ids and keys of the further customers."""
    return f"{MORE}{run}-" if run else MORE


def _source(run: str) -> str:
    return f"{SOURCE}:{run}" if run else SOURCE


def _trace(identity: str) -> str:
    return f"00-{identity}-{identity[:16]}-01"


def _encoded(headers: dict[str, str]) -> Headers:
    return tuple((name, value.encode()) for name, value in headers.items())
