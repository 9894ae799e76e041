"""What a first reading of the journal finds out, with next to nothing remembered."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.journal.entries import Claim, EntryKey, Finished, Intent, Notice, Released, encode, encode_headers
from worker.model.evidence import Evidence
from worker.model.outcomes import Failed, Reason, ReasonCode, Succeeded
from worker.model.records import Record
from worker.tools.journal.sieve import Doubtful, Latest
from worker.tools.journal.view import Partition

EVENTS = [UUID(int=number) for number in range(1, 4)]
CREATED = Succeeded("2801", "/c/2801", "individual", 1)
REJECTED = Failed(Reason(ReasonCode.REJECTED, "no"), 1)
UNKNOWN = Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, "lost"), 3)
ENTRIES = st.one_of(
    st.builds(Intent, st.integers(1, 2), evidence=st.builds(Evidence, st.booleans())),
    st.builds(Released, st.integers(0, 2)),
    st.builds(Finished, st.sampled_from([CREATED, REJECTED, UNKNOWN]), evidence=st.builds(Evidence, st.booleans())),
)
LOGS = st.lists(
    st.tuples(st.sampled_from(EVENTS), st.integers(0, 1), st.sampled_from("ab"), ENTRIES)
    | st.sampled_from("ab").map(Claim),
    max_size=20,
)


def records(log):
    for position, each in enumerate(log):
        if isinstance(each, Claim):
            yield Record("journal", 0, position, position, each.key, encode(each))
        else:
            event, offset, writer, entry = each
            key = EntryKey(event, offset, writer).encode()
            yield Record("journal", 0, position, position, key, encode(entry), encode_headers(entry))


def read(log, among=None):
    whole = Partition("requests", 0, among=among)
    for record in records(log):
        whole.add(record)
    return whole


def shown(sieve, log):
    for record in records(log):
        sieve.show(record)
    return frozenset(sieve.events)


@given(LOGS)
def test_doubts(log):
    """Those of two readings are those of one that remembers everything."""
    assert list(read(log, shown(Doubtful(), log)).doubts(100)) == list(read(log).doubts(100))


@given(LOGS, st.integers(1, 3))
def test_the_latest(log, limit):
    """The events that were seen last, in their order."""
    among = shown(Latest(limit), log)
    whole = read(log)
    assert list(read(log, among).journal) == list(whole.journal)[-limit:]


def test_what_a_first_reading_remembers():
    """Nothing of what has ended for certain."""
    sieve = Doubtful()
    for number in range(1, 50):
        log = [(UUID(int=number), number, "a", entry) for entry in (Intent(1), Finished(CREATED))]
        assert shown(sieve, log) == frozenset()
    assert (sieve._open, sieve._doubted) == ({}, set())


@pytest.mark.parametrize("sieve", [Latest(5), Doubtful()])
def test_what_says_nothing_of_an_event(sieve):
    """Tombstones, and what writers say of themselves; a foreign key is an error."""
    notice = Notice("a")
    sieve.show(Record("journal", 0, 0, 0, b"x", None))
    sieve.show(Record("journal", 0, 1, 0, Claim("a").key, encode(Claim("a"))))
    sieve.show(Record("journal", 0, 2, 0, notice.key, notice.value, notice.headers))
    assert list(sieve.events) == []
    with pytest.raises(ValueError, match="not a key"):
        sieve.show(Record("journal", 0, 3, 0, b"x", b"{}"))
