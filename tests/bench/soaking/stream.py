"""The events of the day by their numbers: most are good, some the worker or the API refuses, some come twice."""

from typing import Final, NamedTuple

from bench.payloads import value

KEYS: Final = 5_000
PARTITIONS: Final = 6
SIZE: Final = 700
EVERY, INVALID, REJECTED = 1_000, 17, 517
AGAIN, BACK = 500, 40
"""Each so manieth record is the event of the one so many records before it once more."""


class Sent(NamedTuple):
    """One record of the request topic."""

    event: int
    partition: int
    key: bytes
    value: bytes


def is_invalid(event: int) -> bool:
    """It breaks a rule that the worker knows."""
    return event % EVERY == INVALID


def is_rejected(event: int) -> bool:
    """The API says 400."""
    return event % EVERY == REJECTED


def expected(event: int) -> str | None:
    """The code that it fails with; None where it is created."""
    return "invalid_customer" if is_invalid(event) else "rejected" if is_rejected(event) else None


def event_of(number: int) -> int:
    """Which event the record of that number is."""
    return number - BACK if number % AGAIN == AGAIN // 2 else number


def record(number: int) -> Sent:
    """What is published as that number."""
    event = event_of(number)
    content = value(event, SIZE)
    if is_invalid(event):
        content = content.replace(b'"individual"', b'"nobody"')
    key = event % KEYS
    return Sent(event, key % PARTITIONS, b"k%d" % key, content)
