"""Each failure that is told has a cause outside of the worker: no outage fails a record, no clean stop doubts one."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from .api import NO_ANSWER, NO_ID
from .facts import Facts, Place
from .story import Act

UNKNOWN = {NO_ANSWER, NO_ID, 303, 500, 502, 503, 504}
NOT_NOW = {408, 429, 503}
REFUSALS = {400, 403, 404}
ATTEMPTS = 5
WINDOW, IN_FLIGHT = 100, 20
INTERRUPTING = {
    Act.KILL, Act.FREEZE, Act.SUSPEND, Act.CUT_OFF, Act.KAFKA_FROZEN, Act.KAFKA_SLOW, Act.KAFKA_LOSSY,
    Act.BROKER_FROZEN, Act.BROKER_DOWN, Act.LEADER_LOST, Act.TWIN, Act.JOURNAL_ANEW,
}  # fmt: skip
"""What may keep a worker from writing down what the API answered, or take it away again."""
UNCOUNTED = {Act.API_AWAY, Act.API_LOCKED, Act.API_LOGIN, Act.API_EXPIRES, Act.SEARCH_REFUSED}
OF_THE_VALUE = {"undecodable", "unsupported_event", "invalid_customer"}


def unexplained(facts: Facts) -> Iterator[str]:
    """Ends that nothing outside has caused; more attempts than there may be."""
    for place, told in facts.told.items():
        for data in (each["data"] for each in told):
            if data["attempts"] > ATTEMPTS:
                yield f"record {place[0]}@{place[1]} took {data['attempts']} attempts"
            if "reason" in data and not _has_cause(facts, place, data):
                answers = facts.answers.get(_pin(facts, place, data), [])
                yield f"record {place[0]}@{place[1]} failed: {data['reason']['code']}, answers {answers}"
    yield from _too_many(facts)


def _too_many(facts: Facts) -> Iterator[str]:
    """Nothing is sent again after a last attempt that was refused while nobody else failed, whoever takes it up.

    What fails elsewhere than at a POST, and probes, nobody can count here.
    """
    if facts.held or facts.acts & UNCOUNTED:
        return
    records, sent, failing, over = Counter(facts.asked.values()), Counter[str](), set[str](), set[str]()
    for pin, status in facts.in_order:
        if pin in over:
            yield f"event {pin} was sent once more than its attempts: {facts.answers[pin]}"
        sent[pin] += 1
        if status in NOT_NOW | UNKNOWN:
            failing.add(pin)
        elif facts.workers == 1:
            failing.clear()
        if status in NOT_NOW and failing == {pin} and sent[pin] >= ATTEMPTS * records[pin]:
            over.add(pin)


def floods(facts: Facts) -> Iterator[str]:
    """Of refusals one after another no more are believed than each worker looks back at, with what it had in flight."""
    told = {_pin(facts, place, each[0]["data"]) for place, each in facts.told.items() if "reason" in each[0]["data"]}
    run: set[str] = set()
    for pin, status in [*facts.in_order, ("", 201)]:
        if status in REFUSALS:
            run.add(pin)
            continue
        if len(believed := run & told) > facts.workers * (WINDOW + IN_FLIGHT):
            yield f"{len(believed)} customers in a row were refused, and each refusal was believed"
        run = set()


def _pin(facts: Facts, place: Place, data: dict[str, Any]) -> str:
    return str(facts.asked.get(place, data["request"]["id"]))


def _has_cause(facts: Facts, place: Place, data: dict[str, Any]) -> bool:
    code, answers = data["reason"]["code"], facts.answers.get(_pin(facts, place, data), [])
    status = data["reason"].get("http", {}).get("status")
    if code in OF_THE_VALUE:
        return place not in facts.sound or Act.RESET in facts.acts
    if code == "retries_exhausted":
        return bool(facts.acts & INTERRUPTING) or sum(each in NOT_NOW | UNKNOWN for each in answers) >= ATTEMPTS
    if code == "outcome_unknown":
        return bool(facts.acts & INTERRUPTING) or not UNKNOWN.isdisjoint(answers)
    if code == "refused" and status is None:
        return True  # another customer of the event is known than the one that a person told
    return status in answers and status not in {401, 302, 307}
