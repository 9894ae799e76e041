"""A rehearsal's result for a machine: one document."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from worker.tools.rehearsal.counts import OTHERS, Counts, End, Ends, Fault
from worker.tools.rehearsal.keys import HotKey
from worker.tools.rehearsal.rehearsed import Rehearsed
from worker.tools.rehearsal.tally import DAY

UNDATED: Final = "(no time)"
NAMES: Final[dict[End, str]] = {
    "create": "create",
    "repeats": "repeats",
    "confirm": "confirm",
    "fail": "fail",
    "passed_over": "passedOver",
}
SHARES: Final = {"half": 0.5, "most": 0.99}


def as_document(found: Rehearsed, remarks: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The whole result; nothing of a customer is in it."""
    tally = found.tally
    return {
        "holds": found.holds,
        "topic": found.topic,
        "tolerate": found.tolerate,
        "failing": round(tally.ends.failing, 4),
        "partitions": [asdict(part) | {"records": tally.read.get(part.partition, 0)} for part in found.parts],
        "read": {
            "whole": found.whole,
            "offsets": found.passed,
            "records": tally.ends.records,
            "first": None if tally.first_time is None else time_of(tally.first_time / 1000),
            "last": None if tally.last_time is None else time_of(tally.last_time / 1000),
            "leftOut": found.left_out,
        },
        "start": asdict(found.beginning),
        "ends": _ends(tally.ends),
        "rules": [{"path": path, "rule": rule} | _fault(row) for (path, rule), row in pairs_of(tally.rules)],
        "causes": [{"code": code, "message": text} | _fault(row) for (code, text), row in pairs_of(tally.causes)],
        "passedOver": [{"rule": rule} | _fault(row) for rule, row in rows_of(tally.passes)],
        "types": [{"type": name} | _ends(row) for name, row in rows_of(tally.types)],
        "sources": [{"source": name} | _ends(row) for name, row in rows_of(tally.sources)],
        "days": [{"day": day_of(day)} | _ends(row) for day, row in days(tally.days)],
        "repeats": _repeats(found),
        "keys": _keys(found),
        "sizes": _sizes(found),
        "transactions": _transactions(found),
        "unreadable": {"batches": tally.unreadable.batches, "first": tally.unreadable.first or None},
        "journal": _journal(found),
        "workOff": _work_off(found),
        "remarks": [{"about": about, "text": text} for about, text in remarks],
    }


def rows_of(counts: Counts[Any, Any]) -> Iterable[tuple[Any, Any]]:
    """The counts by name, and all others last, if there are any."""
    yield from counts.rows()
    if counts.others.records:
        yield OTHERS, counts.others


def pairs_of(counts: Counts[tuple[str, str], Fault]) -> Iterable[tuple[tuple[str, str], Fault]]:
    """As `rows_of`, for counts with two names."""
    yield from counts.rows()
    if counts.others.records:
        yield (OTHERS, OTHERS), counts.others


def days(counts: Counts[int, Ends]) -> list[tuple[Any, Any]]:
    """The counts by day, in order; records without a time come first."""
    return sorted(counts.rows(), key=lambda row: row[0]) + ([(OTHERS, counts.others)] if counts.others.records else [])


def day_of(day: int | str) -> str:
    """The day as text."""
    if isinstance(day, str):
        return day
    return UNDATED if day < 0 else time_of(day * DAY / 1000)[:10]


def time_of(seconds: float) -> str:
    """The time in UTC; one that no calendar has as its number."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.0f} s"


def _ends(row: Ends) -> dict[str, int]:
    told = {name: row.counts[end] for end, name in NAMES.items()}
    return {"records": row.records} | told


def _fault(row: Fault) -> dict[str, Any]:
    sources = sorted(row.sources.items(), key=lambda each: -each[1])
    return {"records": row.records, "first": row.first and str(row.first), "sources": dict(sources)}


def _repeats(found: Rehearsed) -> dict[str, Any]:
    repeats = found.tally.repeats
    return {
        "recognised": repeats.recognised,
        "elsewhere": repeats.elsewhere,
        "tooFar": repeats.too_far,
        "longestApart": repeats.apart,
        "beyondRoom": repeats.beyond_room,
        "withoutIdentity": found.tally.nameless,
    }


def _keys(found: Rehearsed) -> dict[str, Any]:
    keys = found.tally.keys
    return {
        "distinct": keys.distinct,
        "without": keys.keyless,
        "scattered": keys.scattered,
        "beyondRoom": keys.beyond_room,
        "hottest": [_hot(each) for each in keys.hottest()],
    }


def _hot(key: HotKey) -> dict[str, Any]:
    return {"records": key.records, "create": key.sent, "first": str(key.first)}


def _sizes(found: Rehearsed) -> dict[str, Any]:
    sizes = found.tally.sizes
    told: dict[str, Any] = {name: sizes.of(share) for name, share in SHARES.items()}
    at = sizes.largest_at and str(sizes.largest_at)
    mean = sizes.total // sizes.records if sizes.records else 0
    return told | {"mean": mean, "largest": sizes.largest, "largestAt": at}


def _transactions(found: Rehearsed) -> dict[str, Any]:
    ended = found.tally.transactions
    opened = [
        {
            "partition": each.partition,
            "offset": each.transaction.offset,
            "since": None if each.transaction.since is None else time_of(each.transaction.since),
            "behind": each.behind,
        }
        for each in found.opened
    ]
    return {"committed": ended.committed, "aborted": ended.aborted, "takenBack": ended.taken_back, "open": opened}


def _journal(found: Rehearsed) -> dict[str, Any]:
    kept = found.kept
    return {
        "enabled": kept.enabled,
        "window": kept.window,
        "retention": kept.retention if kept.known else None,
        "covers": kept.covers,
        "bytes": found.journal_bytes,
    }


def _work_off(found: Rehearsed) -> dict[str, Any]:
    told = found.work_off
    return {
        "seconds": round(told.seconds, 1),
        "boundBy": told.bound_by,
        "api": round(told.api, 1),
        "hotKey": round(told.keys, 1),
        "rate": round(told.rate, 1),
        "latency": found.pace.latency,
        "inFlight": found.pace.in_flight,
    }
