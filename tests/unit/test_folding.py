"""An event that comes again and again: what is known of it stays the same, and small."""

from dataclasses import replace
from itertools import product
from uuid import UUID

import pytest
from any_outcomes import CREATED
from hypothesis import given
from hypothesis import strategies as st

from worker.journal.claim import Reading
from worker.journal.entries import EntryKey, Finished, Intent, Released, encode
from worker.journal.folding import MANY, folded
from worker.journal.journal import PartitionJournal
from worker.journal.known import KnownRecord
from worker.journal.recall import CreatedBefore, Fresh, InDoubt, recall
from worker.journal.terms import Terms
from worker.model.evidence import Evidence
from worker.model.outcomes import Failed, Reason, ReasonCode, Succeeded
from worker.model.records import Record

EVENT = UUID(int=1)
UNKNOWN, REJECTED = (Failed(Reason(code, "no"), 1) for code in (ReasonCode.OUTCOME_UNKNOWN, ReasonCode.REJECTED))
MADE = Succeeded("2801", "/c/2801", "individual", 1)
EVIDENCE = st.builds(Evidence, st.booleans(), st.sampled_from([None, (), ("5",)]))
ENDS = st.sampled_from([UNKNOWN, REJECTED]) | CREATED
ENTRIES = st.one_of(
    st.builds(Intent, st.integers(1, 3), evidence=EVIDENCE),
    st.builds(Released, st.integers(0, 3)),
    st.builds(Finished, ENDS, evidence=EVIDENCE),
)
NOTED = st.tuples(st.integers(0, 5), st.sampled_from("ab"), ENTRIES, st.booleans())
LATE = st.tuples(st.integers(0, 5), st.sampled_from("ab"), st.builds(Finished, ENDS), st.booleans())


def noted(records, entries):
    for offset, writer, entry, counts in entries:
        records.setdefault(offset, KnownRecord()).note(writer, entry, counts=counts)
    return records


def answers(records, below):
    """What each record that may come is told; of several customers that were made any is as good."""
    found = []
    for offset in range(below, 8):
        taken = {EVENT.int: records.get(offset, KnownRecord())}
        for accepted in (False, True):
            told = recall(records, taken, EVENT.int, doubts_accepted=accepted)
            found.append(CreatedBefore if isinstance(told, CreatedBefore) else told)
    return found


def is_as_told(told, whole):
    """A doubt that is parked once more, late, is another one beside those that are one now. So it is in doubt longer
    (it was not parked by what counts), and what the API had before is not known of all of them any more.
    """
    if isinstance(told, InDoubt) and isinstance(whole, Fresh):
        return told.exists or not whole.exists
    if isinstance(told, InDoubt) and isinstance(whole, InDoubt) and told.evidence.found_before is None:
        whole = replace(whole, evidence=replace(whole.evidence, found_before=None))
    return told == whole


@given(st.lists(NOTED, max_size=20), st.integers(0, 6), st.lists(LATE, max_size=4))
def test_any_records(entries, below, late):
    """Each record that may come is told the same; after what is written late it is never surer than that."""
    few = folded(noted({}, entries), below)
    all_of_them = noted({}, entries)
    assert answers(few, below) == answers(all_of_them, below)
    told = zip(answers(noted(few, late), below), answers(noted(all_of_them, late), below), strict=True)
    assert [(one, whole) for one, whole in told if not is_as_told(one, whole)] == []


PARKED, EXISTS = (Finished(UNKNOWN),), (Intent(1, evidence=Evidence(exists=True)), Released(1))


@pytest.mark.parametrize(
    "doubts",
    [
        (PARKED, EXISTS),
        (EXISTS, PARKED),
        *product([(Finished(UNKNOWN, evidence=Evidence(found_before=each)),) for each in (None, (), ("5",))], repeat=2),
    ],
)
def test_two_doubts(doubts):
    """Sent for a person's word only where both were parked; what was there before them is known only of both."""
    entries = [(offset, "a", entry, True) for offset, each in enumerate(doubts) for entry in each]
    assert answers(folded(noted({}, entries), 2), 2) == answers(noted({}, entries), 2)


@given(st.lists(NOTED, max_size=20), st.integers(0, 6))
def test_the_customer_that_is_told(entries, below):
    """It is one that was made."""
    made = {known.created for known in noted({}, entries).values()}
    few = folded(noted({}, entries), below)
    assert {known.created for known in few.values()} <= made | {None}


def test_repeats_without_end():
    """They take the room of those that are not committed, and all of them are answered."""
    read = PartitionJournal()
    for offset in range(5_000):
        outcome = MADE if not offset else Succeeded(MADE.customer_id, MADE.location, "individual", 1, "already_created")
        read.apply(EntryKey(EVENT, offset, "a"), Finished(outcome), offset)
        assert read.recall(EVENT, offset + 1) == CreatedBefore(MADE)
        read.forget(below=max(0, offset - 20), before=0, at_most=9)
    assert len(read.known(EVENT).records) <= 4 * MANY


def test_repeats_without_end_in_a_restore():
    """They take no more of it than of the process that wrote them."""
    reading = Reading(5_000, Terms())
    reading.take(
        Record("journal", 0, each, each, EntryKey(EVENT, each, "a").encode(), encode(Finished(UNKNOWN)))
        for each in range(5_000)
    )
    assert len(reading.journal.known(EVENT).records) <= MANY
