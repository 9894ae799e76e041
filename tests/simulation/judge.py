"""Whether the promises held: from the API's ledger and the topics alone."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
from finding import Finding

from .causes import floods, unexplained
from .facts import Facts
from .story import Act


def judged(facts: Facts) -> list[Finding]:
    """Every promise, for every record."""
    kinds = CHECKS if facts.remembered else WITHOUT_MEMORY
    return [Finding(kind, line) for kind in kinds for line in CHECKS[kind](facts)]


def _rate(facts: Facts) -> Iterator[str]:
    """The first second that has too many."""
    ends = zip(facts.sent, facts.sent[facts.most :], strict=False)
    if facts.most and (found := next((first for first, end in ends if end < first + 1), None)) is not None:
        yield f"more than {facts.most} creations were sent in the second after {found:.3f}"


def _duplicates(facts: Facts) -> Iterator[str]:
    for pin, made in facts.made.items():
        if len(made) > 1 and pin not in facts.accepted and not _is_several(facts, pin):
            times = ", ".join(f"{customer} at {time:.2f}" for time, customer in made)
            yield f"event {pin} was carried out {len(made)} times: {times}"


def _is_several(facts: Facts, pin: str) -> bool:
    """A mapping that came meanwhile makes its repeats another event."""
    return Act.RESET in facts.acts and list(facts.asked.values()).count(pin) > 1


def _lost(facts: Facts) -> Iterator[str]:
    """What was deleted before it was read is told in the journal, and nothing else is missing since the group began."""
    for (number, offset), pin in facts.asked.items():
        told = (
            offset < facts.began.get(number, 0) or facts.told.get((number, offset)) or (number, offset) in facts.expired
        )
        if offset < facts.committed[number] and not told:
            yield f"record {number}@{offset}, event {pin}, is committed and has no terminal event"


def _several(facts: Facts) -> Iterator[str]:
    """By a mapping that came meanwhile a repeat is another event: it has another id and the same end (guarantees)."""
    renamed = {"id": None, "request": None} if Act.RESET in facts.acts else {}
    for place, told in facts.told.items():
        ends = {orjson.dumps({"id": each["id"], **each["data"], "deadLetter": None, **renamed}) for each in told}
        if len(ends) > 1:
            endings = sorted(map(ending, told))
            yield f"record {place[0]}@{place[1]} has {len(ends)} different terminal events: {endings}"


def ending(told: dict[str, Any]) -> str:
    """How a terminal event says that its record ended."""
    data = told["data"]
    return str(data.get("resolution") or data["reason"]["code"])


def _untrue(facts: Facts) -> Iterator[str]:
    """A customer that is told was made for that event; nothing that was made is told as certainly not made."""
    for (number, offset), told in facts.told.items():
        pin = facts.asked.get((number, offset), told[0]["data"]["request"]["id"])
        made = {customer for _, customer in facts.made.get(pin, [])}
        for each in told:
            customer = each["data"].get("customerId")
            if customer and customer not in made:
                yield f"record {number}@{offset} is told as customer {customer}, which was not made for event {pin}"
            elif (
                not customer
                and made
                and ending(each) != "outcome_unknown"
                and not _made_later(facts, pin, number, offset)
            ):
                yield f"record {number}@{offset} is told as {ending(each)}, but event {pin} has {sorted(made)}"


def _made_later(facts: Facts, pin: str, number: int, offset: int) -> bool:
    """Another record of the same event made it."""
    return any(place != (number, offset) and asked == pin for place, asked in facts.asked.items())


def _forgotten(facts: Facts) -> Iterator[str]:
    """Once a customer of an event was told, each later record of it with that key is told as the same one."""
    customers: dict[tuple[int, bytes, str], str] = {}
    if Act.RESET in facts.acts:
        return
    for place in sorted(facts.sound & facts.told.keys()):
        pin, key, told = facts.asked[place], facts.keys[place], facts.told[place][0]["data"]
        if key is None:
            continue
        first = customers.setdefault((place[0], key, pin), told.get("customerId", ""))
        if first and told.get("customerId") != first:
            yield f"record {place[0]}@{place[1]} of event {pin} does not know customer {first}, which was told before"
        elif not first and "customerId" in told:
            customers[place[0], key, pin] = told["customerId"]


def _aborted(facts: Facts) -> Iterator[str]:
    for pin in facts.aborted:
        if facts.made.get(pin):
            yield f"event {pin} was aborted and has a customer"


def _order(facts: Facts) -> Iterator[str]:
    """Customers of one key are made in the order of the records that made them."""
    last: dict[tuple[int, bytes | None], tuple[float, str]] = {}
    times = {customer: time for made in facts.made.values() for time, customer in made}
    for place in sorted(facts.asked):
        pin, told = facts.asked[place], facts.told.get(place, [{"data": {}}])[0]["data"]
        if told.get("resolution") not in {"created", "reconciled"} or told["customerId"] not in times:
            continue
        time, lane = times[told["customerId"]], (place[0], facts.keys[place])
        if facts.keys[place] is not None and lane in last and time < last[lane][0]:
            yield f"event {pin} of key {lane[1]!r} was carried out before event {last[lane][1]}, which stands before it"
        last[lane] = time, pin


CHECKS: dict[str, Callable[[Facts], Iterator[str]]] = {
    "duplicate": _duplicates,
    "lost": _lost,
    "two ends": _several,
    "untrue": _untrue,
    "forgotten": _forgotten,
    "aborted": _aborted,
    "order": _order,
    "rate": _rate,
    "unexplained": unexplained,
    "flood": floods,
}
WITHOUT_MEMORY = ("lost", "aborted", "rate", "flood")
"""What holds as well where the journal was deleted and a process came that had not read it."""
