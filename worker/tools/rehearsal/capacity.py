"""How long it would take to work off a stretch, and what the journal would take for it; only arithmetic."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

BOUND_BY: Final = ("api", "keys", "rate")
BYTES_AN_EVENT: Final = 200
"""Bytes of memory that the journal takes for one event at most (docs: sizing, capacity)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that a record takes at the API, how many are there at once, and the most that begin in a second."""

    latency: float
    in_flight: int
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class WorkOff:
    """How long it takes at least, in seconds.

    `bound_by` names the longest of the three, as the worker's status does.
    """

    seconds: float
    bound_by: Literal["api", "keys", "rate"]
    api: float
    keys: float
    rate: float


def work_off(sent: float, most_of_a_key: float, pace: Pace) -> WorkOff:
    """The time to work off `sent` records; those of one key are sent one after another."""
    api = sent * pace.latency / pace.in_flight
    keys = most_of_a_key * pace.latency
    rate = sent / pace.rate if pace.rate else 0.0
    longest = max(api, keys, rate)
    bound_by: Literal["api", "keys", "rate"] = "api" if longest == api else "keys" if longest == keys else "rate"
    return WorkOff(longest, bound_by, api, keys, rate)


def journal_bytes(records: Iterable[int], max_entries: int) -> int:
    """Bytes of memory for the journal; `records` are how many each partition has."""
    return BYTES_AN_EVENT * sum(min(each, max_entries) for each in records)
