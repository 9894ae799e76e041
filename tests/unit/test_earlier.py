"""A journal that workers of this version and of the one before share, while one is replaced by the other."""

from dataclasses import asdict, replace
from uuid import UUID

import earlier.entries
import earlier.journal
import orjson
import pytest
from any_outcomes import CREATED, OUTCOMES
from hypothesis import given
from hypothesis import strategies as st

from worker.journal import entries
from worker.journal.entries import Claim, EntryKey, Finished, Intent, Notice, Owner, Released
from worker.journal.journal import PartitionJournal
from worker.journal.recall import CreatedBefore, Ended, InDoubt
from worker.model.evidence import Evidence
from worker.model.outcomes import Succeeded
from worker.model.progress import Spans

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
SPANS: st.SearchStrategy[Spans] = st.lists(st.tuples(st.integers(0, 9), st.integers(10, 20)), max_size=2).map(tuple)
CUSTOMER = Succeeded("2801", "/c/2801", "individual", 1)
CONFIRMED = CREATED.map(lambda outcome: replace(outcome, resolution="confirmed"))
EVIDENCE = st.builds(Evidence, st.booleans(), st.none() | st.lists(TEXTS, max_size=2).map(tuple))
EVENTS = [UUID(int=number << 90) for number in range(1, 4)]
# Each event has offsets of its own: a record that becomes another event is not known to the version before.
KEYS = st.tuples(st.sampled_from(EVENTS), st.integers(0, 2), st.sampled_from("ab")).map(
    lambda given: EntryKey(given[0], 3 * EVENTS.index(given[0]) + given[1], given[2])
)
NEW = st.one_of(
    st.builds(Intent, st.integers(1, 3), evidence=EVIDENCE),
    st.builds(Released, st.integers(0, 3)),
    st.builds(Finished, OUTCOMES | CONFIRMED, evidence=EVIDENCE),
)
# What both know alike.
KNOWN = st.one_of(
    st.builds(Intent, st.integers(1, 3)), st.builds(Released, st.integers(0, 3)), st.builds(Finished, OUTCOMES)
)
WRITERS = st.sampled_from("ab")
OWNERS = st.builds(Owner, TEXTS, TEXTS)
CLAIMS = st.builds(
    Claim,
    WRITERS,
    group=st.none() | TEXTS,
    topic=st.none() | TEXTS,
    expired=SPANS,
    adopted_from=st.none() | TEXTS,
)
NOTICES = st.builds(Notice, WRITERS, st.none() | OWNERS, SPANS)


def written(said):
    """(key, value, headers) as this version writes it."""
    if isinstance(said, Claim):
        return said.key, entries.encode(said), entries.encode_headers(said)
    if isinstance(said, Notice):
        return said.key, said.value, said.headers
    key, entry = said
    return key.encode(), entries.encode(entry), entries.encode_headers(entry)


def read_by_both(log):
    """This version and the one before have read the same log."""
    now, before = PartitionJournal(), earlier.journal.PartitionJournal()
    for time, said in enumerate(log):
        key, value, headers = written(said)
        now.apply_raw(key, value, time, headers)
        before.apply_raw(key, value, time)
    return now, before


def told(recollection):
    """What it is and what it says, as far as both can say it; the classes are of two versions."""
    facts = {name: value for name, value in asdict(recollection).items() if name in {"attempts", "outcome", "writers"}}
    if "writers" in facts:
        facts["writers"] = sorted(facts["writers"])
    return type(recollection).__name__, orjson.loads(orjson.dumps(facts))


@given(st.lists(st.tuples(KEYS, NEW) | CLAIMS | NOTICES, max_size=12))
def test_all_that_we_write(log):
    """The version before reads it, whatever it holds."""
    now, before = read_by_both(log)
    nobody = {entries.NOBODYS} & {*before}
    assert {*before} - nobody == {*now}


@given(st.lists(st.tuples(KEYS, KNOWN) | CLAIMS | NOTICES, max_size=12))
def test_what_both_know(log):
    """What neither can say in its own words only means the same to both, for every record."""
    now, before = read_by_both(log)
    for event in EVENTS:
        for offset in (*range(3 * EVENTS.index(event), 3 * EVENTS.index(event) + 3), 99):
            assert told(now.recall(event, offset)) == told(before.recall(event, offset))


@pytest.mark.parametrize("entry", [Intent(1), Intent(1, evidence=Evidence(exists=True, found_before=("7",)))])
def test_a_doubt(entry):
    """It is one for both."""
    now, before = read_by_both([(EntryKey(EVENTS[0], 1, "a"), entry)])
    for offset in (1, 2):
        assert isinstance(now.recall(EVENTS[0], offset), InDoubt)
        assert isinstance(before.recall(EVENTS[0], offset), earlier.journal.InDoubt)


def test_a_customer_that_a_person_confirmed():
    """The version before says that it was looked up: the customer is known to both, and to nobody else as created."""
    confirmed = replace(CUSTOMER, resolution="confirmed")
    now, before = read_by_both([(EntryKey(EVENTS[0], 1, "a"), Finished(confirmed))])
    assert now.recall(EVENTS[0], 1) == Ended(confirmed)
    looked_up = told(CreatedBefore(replace(CUSTOMER, resolution="reconciled")))
    assert told(before.recall(EVENTS[0], 2)) == looked_up


OLD = st.one_of(
    st.builds(earlier.entries.Intent, st.integers(1, 3)),
    st.builds(earlier.entries.Released, st.integers(0, 3)),
    OUTCOMES.map(lambda outcome: earlier.entries.decode(entries.encode(Finished(outcome)))),
    st.builds(earlier.entries.Claim, WRITERS),
)


@given(st.lists(st.tuples(KEYS, OLD), max_size=12))
def test_all_that_the_version_before_writes(log):
    """We read it, and it means the same."""
    now, before = PartitionJournal(), earlier.journal.PartitionJournal()
    for time, (key, said) in enumerate(log):
        raw = said.key if isinstance(said, earlier.entries.Claim) else key.encode()
        for journal in (now, before):
            journal.apply_raw(raw, earlier.entries.encode(said), time)
    assert [*now] == [*before]
    for event in EVENTS:
        for offset in (*range(3 * EVENTS.index(event), 3 * EVENTS.index(event) + 3), 99):
            assert told(now.recall(event, offset)) == told(before.recall(event, offset))
    assert now.holder is None
