"""Judges a run: compares the events published with the API's ledger and the results in the topics."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from worker.sandbox.api.ledger import Ledger

STRUCTURED = (("content-type", b"application/cloudevents+json"),)
NOT_LOOKED_AT = "none-such"
"""An identity attribute that no body has, so that the sandbox tells events apart by their trace id alone."""


def identity(event_id: str) -> str:
    """The name of an event in the sandbox's ledger: its trace id."""
    return blake2b(event_id.encode(), digest_size=16).hexdigest()


def numbered(number: int) -> bytes:
    """A structured CloudEvent `e<number>` that asks for a customer."""
    attributes = {"specversion": "1.0", "id": f"e{number}", "source": "shop", "type": "customer.create.requested.v1"}
    person = {"firstName": f"name {number}"}
    return orjson.dumps({**attributes, "data": {"type": "individual", "contactPersons": [person]}})


def requested(event_id: str, **elements: Any) -> bytes:
    """A structured CloudEvent that asks for a customer; `elements` are added to the customer."""
    person = {"firstName": f"N{identity(event_id)[:12]}"}
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": "shop",
        "type": "customer.create.requested.v1",
        "traceparent": f"00-{identity(event_id)}-00f067aa0ba902b7-01",
        "data": {"type": {"value": "individual"}, "contactPersons": {"contactPerson": [person]}, **elements},
    }
    return orjson.dumps(event)


def most_within(seconds: float, times: Iterable[float]) -> int:
    """The greatest number of these times that lie within so many seconds."""
    ordered = sorted(times)
    return max((bisect_left(ordered, first + seconds) - at for at, first in enumerate(ordered)), default=0)


@dataclass(frozen=True, slots=True)
class Asked:
    """One record of the request topic; several may hold the same event."""

    partition: int
    offset: int
    event_id: str
    key: bytes | None = None

    def __str__(self) -> str:
        return f"{self.partition}/{self.offset} {self.event_id}"


Told = Mapping[str, Any]
"""A result event as published."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Figures, and in `problems` one line for each broken promise."""

    records: int
    events: int
    executions: int
    duplicates: int
    lost: int
    unknown: int
    endings: Mapping[tuple[int, int], str]
    problems: tuple[str, ...]


def ending(told: Told) -> str:
    """How a record ended: its resolution, or the reason code of its failure."""
    data = told["data"]
    return str(data["resolution"] if "resolution" in data else data["reason"]["code"])


def judged(asked: Sequence[Asked], ledger: Ledger, told: Iterable[Told]) -> Verdict:
    """Judge a run: each record must have one end, and each event at most one customer."""
    customers = _customers(ledger)
    by_record: defaultdict[tuple[int, int], list[Told]] = defaultdict(list)
    for event in told:
        by_record[event["data"]["request"]["partition"], event["data"]["request"]["offset"]].append(event)
    endings = {place: ending(events[0]) for place, events in by_record.items()}
    duplicates = list(_duplicates(asked, customers))
    lost = [*_endless(asked, by_record), *_told_in_vain(asked, customers, by_record)]
    doubled = [line for each in asked for line in _told_apart(each, by_record[each.partition, each.offset])]
    return Verdict(
        records=len(asked),
        events=len({each.event_id for each in asked}),
        executions=sum(map(len, customers.values())),
        duplicates=len(duplicates),
        lost=len(lost),
        unknown=sum(each == "outcome_unknown" for each in endings.values()),
        endings=endings,
        problems=(*duplicates, *lost, *doubled, *_denied(asked, customers, endings)),
    )


def _customers(ledger: Ledger) -> dict[str, list[str]]:
    created: defaultdict[str, list[str]] = defaultdict(list)
    for entry in ledger.entries():
        if entry.customer_id is not None:
            created[entry.identity].append(str(entry.customer_id))
    return created


def _duplicates(asked: Sequence[Asked], customers: Mapping[str, list[str]]) -> Iterator[str]:
    names = {identity(each.event_id): each.event_id for each in asked}
    for known_by, ids in customers.items():
        if known_by not in names:
            yield f"customers {', '.join(ids)} were asked for by nobody"
        elif len(ids) > 1:
            yield f"event {names[known_by]} was created {len(ids)} times: customers {', '.join(ids)}"


def _endless(asked: Sequence[Asked], by_record: Mapping[tuple[int, int], list[Told]]) -> Iterator[str]:
    for each in asked:
        if not by_record[each.partition, each.offset]:
            yield f"record {each} has no terminal event"


def _told_in_vain(
    asked: Sequence[Asked], customers: Mapping[str, list[str]], by_record: Mapping[tuple[int, int], list[Told]]
) -> Iterator[str]:
    for each in asked:
        for event in by_record[each.partition, each.offset]:
            found = event["data"].get("customerId")
            if found is not None and found not in customers.get(identity(each.event_id), []):
                yield f"record {each} is told as customer {found}, which the API did not create for it"


def _told_apart(asked: Asked, told: Sequence[Told]) -> Iterator[str]:
    """Results of one record must have one id and say the same, except for the place of its dead letter."""
    if len({event["id"] for event in told}) > 1:
        yield f"record {asked} has several terminal events: {', '.join(sorted(map(ending, told)))}"
    elif len({orjson.dumps({**event["data"], "deadLetter": None}) for event in told}) > 1:
        yield f"record {asked} is told differently at a repeat: {', '.join(sorted(map(ending, told)))}"


def _denied(
    asked: Sequence[Asked], customers: Mapping[str, list[str]], endings: Mapping[tuple[int, int], str]
) -> Iterator[str]:
    """Where a customer exists one of the event's records must say so, or be told as unknown."""
    owned = {"created", "already_created", "reconciled", "outcome_unknown"}
    ends: defaultdict[str, set[str]] = defaultdict(set)
    for each in asked:
        ends[each.event_id].add(endings.get((each.partition, each.offset), "none"))
    for event_id, found in ends.items():
        if customers.get(identity(event_id)) and not found & owned:
            yield f"event {event_id} was created and is told as {', '.join(sorted(found))}"
