"""The facts of a seed, by record and by event."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from chaos.facts import Asked, Facts, Place, Told
from chaos.gate import Call

OF_A_CUSTOMER = frozenset({"created", "already_created", "reconciled", "confirmed"})
UNKNOWN = "outcome_unknown"


@dataclass(frozen=True, slots=True)
class Known:
    """What the checks look into; a record is known by its place or its trace, an event by its repeats' common part."""

    facts: Facts
    told: Mapping[Place, Sequence[Told]]
    """In the order in which they were published, record by record."""
    records: Mapping[str, Sequence[Asked]]
    """Of each event."""
    made: Mapping[str, Sequence[str]]
    """Customers, by the trace of the record that they were executed for."""
    customers: Mapping[str, Sequence[str]]
    """The same by event."""
    calls: Mapping[str, Sequence[Call]]
    """By the trace of the record."""

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """Sorted once for all checks."""
        told: defaultdict[Place, list[Told]] = defaultdict(list)
        records: defaultdict[str, list[Asked]] = defaultdict(list)
        made: defaultdict[str, list[str]] = defaultdict(list)
        customers: defaultdict[str, list[str]] = defaultdict(list)
        calls: defaultdict[str, list[Call]] = defaultdict(list)
        for event in sorted(facts.told, key=lambda each: each.at):
            told[event.place].append(event)
        for asked in facts.asked:
            records[event_of(asked.item.trace)].append(asked)
        for execution in facts.executions:
            made[execution.trace].append(execution.customer_id)
            customers[event_of(execution.trace)].append(execution.customer_id)
        for call in facts.calls:
            calls[call.trace].append(call)
        return cls(facts, dict(told), dict(records), dict(made), dict(customers), dict(calls))

    def told_of(self, asked: Asked) -> Sequence[Told]:
        """Its terminal event, and the repeats."""
        return self.told.get(asked.place, ())

    def endings(self, asked: Asked) -> frozenset[str]:
        """How it is told; more than one is wrong."""
        return frozenset(event.ending for event in self.told_of(asked))


def event_of(trace: str) -> str:
    """What the traces of an event's records have in common."""
    return trace[:24]
