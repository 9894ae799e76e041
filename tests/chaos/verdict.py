"""The verdict on a seed: one finding for each thing that must not be; pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, uuid5

import orjson
from chaos.doubts import unjustified
from chaos.facts import Asked, Facts, Place, Told
from chaos.order import disorder
from chaos.stream import SOURCE, Content

OF_A_CUSTOMER = frozenset({"created", "already_created", "reconciled"})
UNKNOWN = "outcome_unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is one word for the table."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The figures, and what is wrong."""

    records: int
    events: int
    executions: int
    unknown: int
    failed: int
    findings: Sequence[Finding]

    def count(self, kind: str) -> int:
        """How many of that kind."""
        return sum(each.kind == kind for each in self.findings)


@dataclass(frozen=True, slots=True)
class _Indexed:
    """The facts by record and by event."""

    facts: Facts
    told: Mapping[Place, Sequence[Told]]
    customers: Mapping[str, Sequence[str]]
    """By event: the first part of the trace."""
    made: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By record: the whole trace."""


def judged(facts: Facts) -> Verdict:
    """Every check of every record."""
    told: defaultdict[Place, list[Told]] = defaultdict(list)
    for each in facts.told:
        told[each.place].append(each)
    customers: defaultdict[str, list[str]] = defaultdict(list)
    made: defaultdict[str, list[str]] = defaultdict(list)
    for execution in facts.executions:
        customers[execution.trace[:24]].append(execution.customer_id)
        made[execution.trace].append(execution.customer_id)
    known = _Indexed(facts, told, customers, made)
    checks = (_duplicates, _endings, _told_apart, _customers, _dead_letters, _offsets)
    findings = [finding for check in checks for finding in check(known)]
    findings += [Finding("disorder", line) for line in disorder(facts, told)]
    findings += [Finding("doubt", line) for line in unjustified(facts, told)]
    findings += [Finding("process", line) for line in facts.problems]
    endings = [events[0].ending for events in told.values() if events]
    return Verdict(
        records=len(facts.asked),
        events=len({each.item.event for each in facts.asked}),
        executions=len(facts.executions),
        unknown=endings.count(UNKNOWN),
        failed=sum(each not in OF_A_CUSTOMER for each in endings),
        findings=findings,
    )


def _duplicates(known: _Indexed) -> Iterator[Finding]:
    names = {each.item.trace[:24]: each.item.event for each in known.facts.asked if each.item.content.is_sent}
    for trace, ids in known.customers.items():
        if trace not in names:
            yield Finding("duplicate", f"customers {', '.join(ids)} were asked for by nobody")
        elif len(ids) > 1:
            yield Finding("duplicate", f"event {names[trace]} was executed {len(ids)} times: {', '.join(ids)}")


def _endings(known: _Indexed) -> Iterator[Finding]:
    """Each record has one, of a kind that its content allows; an outage is no reason to fail."""
    created: defaultdict[str, list[Asked]] = defaultdict(list)
    for each in known.facts.asked:
        events = known.told.get(each.place, ())
        if not events:
            yield Finding("lost", f"{each} has no terminal event")
        for ending in sorted({event.ending for event in events} - _allowed(each.item.content)):
            yield Finding("ending", f"{each} is {each.item.content} and ended as {ending}")
        if any(event.ending == "created" for event in events):
            created[each.item.event].append(each)
    for event, records in created.items():
        if len(records) > 1:
            yield Finding("ending", f"event {event} is told as created by {', '.join(map(str, records))}")
    for place in known.told.keys() - {each.place for each in known.facts.asked}:
        yield Finding("ending", f"{place} is no record and has a terminal event")


def _allowed(content: Content) -> frozenset[str]:
    match content:
        case Content.CUSTOMER | Content.BARE:
            return OF_A_CUSTOMER | {UNKNOWN}
        case Content.REJECTED:
            return frozenset({"rejected", UNKNOWN})
        case _:
            return frozenset({content.value})


def _told_apart(known: _Indexed) -> Iterator[Finding]:
    """A repeat says the same under the same id, and the id is the one that the contract names."""
    for each in known.facts.asked:
        events = known.told.get(each.place, ())
        endings = ", ".join(sorted(event.ending for event in events))
        if len({event.event["id"] for event in events}) > 1:
            yield Finding("ends", f"{each} has several terminal events: {endings}")
        elif len({_content(event) for event in events}) > 1:
            yield Finding("ends", f"{each} is told differently at a repeat: {endings}")
        for event in events:
            if event.event["id"] != _id_of(event, known.facts.topic) or event.key != each.item.key:
                yield Finding("ends", f"{each} is told under another id or key than its own")
            if each.item.content in {Content.CUSTOMER, Content.REJECTED, Content.INVALID, Content.UNSUPPORTED} and (
                _named(event) != (SOURCE, each.item.event)
            ):
                yield Finding("ends", f"{each} is told under another event's name")


def _content(told: Told) -> bytes:
    """Its own time and the place of its dead letter are its own."""
    return orjson.dumps({**told.event["data"], "deadLetter": None}, option=orjson.OPT_SORT_KEYS)


def _named(told: Told) -> tuple[str, str]:
    request = told.event["data"]["request"]
    return request["source"], request["id"]


def _id_of(told: Told, topic: str) -> str:
    named = [*_named(told), topic, *told.place, told.event["type"]]
    return str(uuid5(NAMESPACE_URL, orjson.dumps(named).decode()))


def _customers(known: _Indexed) -> Iterator[Finding]:
    """Whoever is told as a customer was created for that event, and who was created is told or in doubt."""
    for each in known.facts.asked:
        ids = known.customers.get(each.item.trace[:24], ())
        events = known.told.get(each.place, ())
        for event in events:
            customer = event.event["data"].get("customerId")
            if customer is not None and customer not in ids:
                yield Finding("customer", f"{each} is told as customer {customer}, which was not created for it")
        if known.made.get(each.item.trace) and not {event.ending for event in events} & (OF_A_CUSTOMER | {UNKNOWN}):
            yield Finding("denied", f"{each} was executed, and is told as {[event.ending for event in events]}")


def _dead_letters(known: _Indexed) -> Iterator[Finding]:
    """Each failed event names a dead letter with the original's bytes; nobody else has one."""
    letters = {letter.place: letter for letter in known.facts.dead_letters}
    records = {each.place: each for each in known.facts.asked}
    for told in known.facts.told:
        asked = records.get(told.place)
        if told.ending in OF_A_CUSTOMER or asked is None:
            continue
        named = told.event["data"]["deadLetter"]
        letter = letters.get((named["partition"], named["offset"])) if named else None
        if letter is None or letter.of != told.place:
            yield Finding("dead letter", f"{asked} is told with a dead letter that is not there")
        elif (letter.key, letter.value) != (asked.item.key, asked.item.value):
            yield Finding("dead letter", f"{asked} has a dead letter of other bytes")
    failed = {told.place for told in known.facts.told if told.ending not in OF_A_CUSTOMER}
    for letter in known.facts.dead_letters:
        if letter.of not in failed:
            yield Finding("dead letter", f"{records.get(letter.of, letter.of)} has one, and has not failed")


def _offsets(known: _Indexed) -> Iterator[Finding]:
    for partition, end in known.facts.ends.items():
        if (committed := known.facts.committed.get(partition, 0)) != end:
            yield Finding("offsets", f"partition {partition} is committed up to {committed} of {end}")
