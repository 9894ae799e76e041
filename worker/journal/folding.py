"""What is known of an event that comes again and again: its records that will not come again, as one."""

from collections.abc import Mapping
from typing import Final

from worker.journal.known import KnownRecord, ended
from worker.journal.recall import evidence_of, is_parked

MANY: Final = 16
"""Hardly an event has as many records: until then all of them are kept."""


def is_due(count: int) -> bool:
    """Whether an event with so many records is folded before it gets another: the work is spread over all of them."""
    return count >= MANY and not count & (count - 1)


def folded(records: Mapping[int, KnownRecord], below: int) -> dict[int, KnownRecord]:
    """Those before that offset as one, which says the same to every record from there on.

    Whoever has an open intent may still write how it ended, and what has no end may get one: those records stay.
    """
    over = {each: known for each, known in records.items() if each < below and _is_over(known)}
    if not over:
        return dict(records)
    return {max(over): _one([*over.values()]), **{each: known for each, known in records.items() if each not in over}}


def _is_over(known: KnownRecord) -> bool:
    return known.created is not None or (known.outcome is not None and not known.open)


def _one(records: list[KnownRecord]) -> KnownRecord:
    """The customer that was made first, or the doubt of all: parked only where each of them is."""
    if created := next((known.created for known in records if known.created), None):
        return ended(created)
    doubts = [known for known in records if known.in_doubt()]
    if not doubts:
        return records[-1]
    shown = next((known for known in doubts if not is_parked(known)), doubts[0])
    unknown = any(known.unknown for known in doubts)
    return KnownRecord(outcome=shown.outcome, unknown=unknown, evidence=evidence_of(dict(enumerate(doubts))))
