"""How long it would take to work a stretch off, and what the journal would remember of it; arithmetic alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

BOUND_BY: Final = ("api", "keys", "rate")
BYTES_AN_EVENT: Final = 200
"""What the journal takes in memory for one event at most (docs: sizing, capacity)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds a record is at the API, how many are there at once, and the most that begin in a second."""

    latency: float
    in_flight: int
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class WorkOff:
    """At least so many seconds; `bound_by` says which of them is the longest, as the worker's own status does."""

    seconds: float
    bound_by: Literal["api", "keys", "rate"]
    api: float
    keys: float
    rate: float


def work_off(sent: float, most_of_a_key: float, pace: Pace) -> WorkOff:
    """Records of one key are sent one after another, whatever else is done beside them."""
    api = sent * pace.latency / pace.in_flight
    keys = most_of_a_key * pace.latency
    rate = sent / pace.rate if pace.rate else 0.0
    longest = max(api, keys, rate)
    bound_by: Literal["api", "keys", "rate"] = "api" if longest == api else "keys" if longest == keys else "rate"
    return WorkOff(longest, bound_by, api, keys, rate)


def journal_bytes(records: Iterable[int], max_entries: int) -> int:
    """In memory, `records` being those of each partition."""
    return BYTES_AN_EVENT * sum(min(each, max_entries) for each in records)
