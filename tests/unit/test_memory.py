"""What is remembered of many events: small, exact, and as cheap to forget as to learn."""

import random
import tracemalloc
from dataclasses import replace
from uuid import UUID

import pytest
from any_outcomes import OUTCOMES
from hypothesis import given
from hypothesis import strategies as st

from worker.journal import packing as memory
from worker.journal.by_age import FEW, ByAge
from worker.journal.claim import Reading
from worker.journal.entries import Claim, EntryKey, Finished, Intent, Released, encode, encode_headers
from worker.journal.journal import PartitionJournal
from worker.journal.known import KnownEvent, KnownRecord
from worker.journal.outcome_json import decode_outcome, encode_outcome
from worker.journal.packing import Packing
from worker.journal.recall import CreatedBefore, DoubtAsAnother, Ended, Fresh, InDoubt
from worker.journal.terms import Terms
from worker.model.outcomes import Failed, HttpAnswer, Reason, ReasonCode, Succeeded, Violation
from worker.model.records import Record

USUAL: list[Succeeded | Failed] = [
    Succeeded("2801", "/c/2801", "individual", 1),
    Succeeded("2802", "/c/2802", "individual", 1),
    Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, "lost"), 1),
    Failed(Reason(ReasonCode.REJECTED, "no", http=HttpAnswer(400, "400-101")), 2),
]
ENTRIES = st.one_of(
    st.builds(Intent, st.integers(1, 3)),
    st.builds(Released, st.integers(0, 3)),
    st.builds(Finished, st.sampled_from(USUAL) | OUTCOMES),
)
EVENTS = [UUID(int=number << 120) for number in range(1, 4)]
OFFSETS = range(4)
KEYS = st.builds(EntryKey, st.sampled_from(EVENTS), st.sampled_from(OFFSETS), st.sampled_from("ab"))
CLAIMS = st.tuples(st.sampled_from("ab"), st.none())
LOGS = st.lists(st.tuples(KEYS, ENTRIES) | CLAIMS, max_size=20)


class Naive:
    """The same journal, as one would write it if memory were free: the log itself, read anew at each question."""

    def __init__(self):
        self.log, self.below = [], 0

    def recall(self, event, offset):
        """The record is whatever events it was taken for: its end and its customer are the same under each."""
        at = [key.event for key, *_ in self.log if not isinstance(key, str) and key.offset == offset >= self.below]
        known = {each: self.record(each, offset) for each in (*at, event)}
        if ends := [outcome for _, _, outcome, _, _ in known.values() if outcome]:
            return Ended(ends[0])
        offsets = [key.offset for key, _, _ in self.log if not isinstance(key, str) and key.event == event]
        records = {offset: self.record(event, offset) for offset in offsets}
        if made := [made for _, _, _, made, _ in (*records.values(), *known.values()) if made]:
            return CreatedBefore(made[0])
        own, attempts, _, _, parked = known.pop(event)
        if elsewhere := [tried for opened, tried, _, _, told in known.values() if opened or told]:
            return DoubtAsAnother(elsewhere[0])
        writers, doubt = set(own), bool(own) or parked
        for opened, _, _, _, parked in records.values():
            writers |= opened
            doubt |= parked or bool(opened)
        return InDoubt(attempts, frozenset(writers)) if doubt else Fresh(attempts)

    def record(self, event, offset):
        """(writers with open intents, attempts, first outcome that counts, first customer, whether it was parked)."""
        entries, ends, counting, claimant = [], [], [], None
        for key, entry, _ in self.log:
            if isinstance(key, str):
                claimant = key
            elif (key.event, key.offset) == (event, offset):
                entries.append((key.writer, entry))
                if isinstance(entry, Finished):
                    ends.append(entry.outcome)
                    counting += [entry.outcome] if claimant in {None, key.writer} else []
        last = dict(entries)
        attempts = 0
        for _, entry in entries:
            match entry:
                case Intent(attempt):
                    attempts = max(attempts, attempt)
                case Released(attempt):
                    attempts = attempt
                case _:
                    pass
        opened = {writer for writer, entry in last.items() if isinstance(entry, Intent)}
        made = (end for end in ends if isinstance(end, Succeeded))
        parked = any(isinstance(end, Failed) and end.reason.code is ReasonCode.OUTCOME_UNKNOWN for end in ends)
        return opened, attempts, next(iter(counting), None), next(made, None), parked

    def forget(self, *, below, before, at_most):
        self.below = max(self.below, below)
        while self.log:
            seen: dict[UUID, int] = {}
            for key, _, time in self.log:
                if not isinstance(key, str):
                    seen.pop(key.event, None)
                    seen[key.event] = time
            if not seen:
                return
            oldest = next(iter(seen))
            gone = [entry for entry in self.log if not isinstance(entry[0], str) and entry[0].event == oldest]
            uncommitted = any(key.offset >= below for key, *_ in gone)
            if uncommitted or (seen[oldest] >= before and len(seen) <= at_most):
                return
            self.log = [entry for entry in self.log if entry not in gone]


def both(log):
    small, naive = PartitionJournal(), Naive()
    learn(small, naive, log, 0)
    return small, naive


def learn(small, naive, log, start):
    """Both read the same; a name instead of a key is a claim."""
    for time, (key, entry) in enumerate(log, start):
        if isinstance(key, str):
            small.claimed(Claim(key), time)
        else:
            small.apply(key, entry, time)
        naive.log.append((key, entry, time))


def equal(small, naive):
    assert len(small) == len({key.event for key, *_ in naive.log if not isinstance(key, str)})
    for event in EVENTS:
        for offset in OFFSETS:
            assert small.recall(event, offset) == naive.recall(event, offset)


@given(LOGS)
def test_any_log(log):
    """What is recalled of every record is what the log says."""
    equal(*both(log))


@given(LOGS, st.integers(0, 5), st.integers(0, 20), st.integers(0, 4), LOGS)
def test_any_log_forgotten_from(log, below, before, at_most, more):
    """The same events are forgotten, and what comes later is learned the same."""
    small, naive = both(log)
    small.forget(below=below, before=before, at_most=at_most)
    naive.forget(below=below, before=before, at_most=at_most)
    equal(small, naive)
    learn(small, naive, more, 30)
    equal(small, naive)


@given(LOGS)
def test_any_log_as_it_stands_in_the_topic(log):
    """Bytes say the same as the entries they were made from."""
    small, naive = PartitionJournal(), both(log)[1]
    for time, (key, entry) in enumerate(log):
        claim = Claim(key) if isinstance(key, str) else None
        written = claim or entry
        small.apply_raw(claim.key if claim else key.encode(), encode(written), time, encode_headers(written))
    equal(small, naive)


@given(OUTCOMES)
def test_any_outcome(outcome):
    """A record that comes again publishes exactly what it published before."""
    read = PartitionJournal()
    read.apply(EntryKey(EVENTS[0], 5, "a"), Finished(outcome), 0)
    assert read.recall(EVENTS[0], 5) == Ended(outcome)
    assert decode_outcome(encode_outcome(outcome)) == outcome


@pytest.mark.parametrize("outcome", USUAL)
def test_a_record_that_has_ended(outcome):
    """It is a few bytes; who had an open intent, or a second record, is more."""
    packing = Packing()
    created = outcome if isinstance(outcome, Succeeded) else None
    event = KnownEvent(7, {5: KnownRecord(set(), 0, outcome, created, outcome is USUAL[2])})
    packed = packing.pack(event)
    assert isinstance(packed, bytes)
    assert packing.unpack(packed) == event
    for unusual in (replace(event, records={5: KnownRecord({"a"}, 1, outcome)}), replace(event, records={})):
        assert packing.pack(unusual) is unusual


def test_kinds_without_end(monkeypatch):
    """Reasons that quote their record do not pile up; they are exact all the same."""
    monkeypatch.setattr(memory, "MAX_KINDS", 3)
    read = PartitionJournal()
    outcomes = [Failed(Reason(ReasonCode.UNDECODABLE, f"column {number}")) for number in range(6)] * 2
    for offset, outcome in enumerate(outcomes):
        read.apply(EntryKey(UUID(int=offset), offset, "a"), Finished(outcome), 0)
    assert len(read._packing._kinds) == 3
    fresh = Packing()
    fresh.ended(0, 5, Failed(Reason(ReasonCode.INVALID_CUSTOMER, "no", (Violation("a", "type"),))))
    assert fresh._kinds == []
    for offset, outcome in enumerate(outcomes):
        assert read.recall(UUID(int=offset), offset) == Ended(outcome)


def test_bytes_an_event():
    """200 at most, its key and its share of everything else included, also after each was put twice."""
    count = 10_000
    tracemalloc.start()
    try:
        read = PartitionJournal()
        for number in range(count):
            key = EntryKey(UUID(int=number << 64), number, "0123456789ab")
            read.apply(key, Intent(1), number)
            read.apply(key, Finished(Succeeded(f"{number}", f"/customer/{number}", "individual", 1)), number)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used / len(read) < 200


def test_bytes_an_event_of_which_nothing_is_committed():
    """200 at most even so."""
    count = 30_000
    tracemalloc.start()
    try:
        read = PartitionJournal()
        for number in range(count):
            key = EntryKey(UUID(int=random.getrandbits(128)), number, "0123456789ab")
            read.apply(key, Intent(1), number)
            read.apply(key, Finished(Succeeded(f"{number}", f"/customer/{number}", "individual", 1)), number)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(read._places) == count
    assert used / len(read) < 200


def test_looks_for_what_is_not_there():
    """As good as none more where there are sixteen times as many events: the time of a restore is linear."""

    def looks(count):
        paged: ByAge[int] = ByAge(page=16)
        for number in range(count):
            paged.put(number, number)
        return len(paged._pages)

    assert looks(16_000) - looks(1_000) <= 3 * FEW


def test_memory_while_it_is_read():
    """What is committed and too much is dropped on the way, so that a restore takes what its result takes."""
    reading = Reading(40_000, Terms(max_entries=1_000))
    most = 0
    for start in range(0, 40_000, 500):
        reading.take(
            Record(
                "journal", 0, each, each, EntryKey(UUID(int=each + 1), each, "a").encode(), encode(Finished(USUAL[0]))
            )
            for each in range(start, start + 500)
        )
        most = max(most, len(reading.journal))
    assert (most, len(reading.journal._places)) == (1_000, 0)


PUTS = st.lists(st.tuples(st.sampled_from(["put", "pop", "drop"]), st.integers(0, 9)), max_size=60)


@given(PUTS)
def test_values_by_age(steps):
    """As one dict that is popped from before it is put to, whatever the pages are."""
    paged: ByAge[str] = ByAge(page=4)
    plain: dict[int, str] = {}
    for step, number in steps:
        match step:
            case "put":
                assert paged.pop(number) == plain.pop(number, None)
                paged.put(number, f"{number}")
                plain[number] = f"{number}"
            case "pop":
                assert paged.pop(number) == plain.pop(number, None)
            case _:  # drop
                paged.drop(number)
                for oldest in list(plain)[:number]:
                    del plain[oldest]
        assert (len(paged), [*paged], [*paged.values()]) == (len(plain), [*plain], [*plain.values()])
        assert all(paged.get(each) == plain.get(each) for each in range(10))


@pytest.mark.parametrize("numbers", [1, 8])
def test_pages_that_were_emptied(numbers):
    """They are given back, wherever they stood: what is put again and again takes no more room."""
    draw = random.Random(1)  # noqa: S311  no secret
    paged: ByAge[int] = ByAge(page=10)
    paged.put(99, 99)
    for _ in range(10_000):
        number = draw.randrange(numbers)
        paged.pop(number)
        paged.put(number, number)
    assert len(paged._pages) <= 9
