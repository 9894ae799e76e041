"""What the journal's entries say in headers: read back exactly, and never in the way of who does not know them."""

from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.journal.entries import (
    Claim,
    EntryKey,
    Finished,
    Intent,
    Released,
    decode,
    decode_claim,
    encode,
    encode_headers,
)
from worker.journal.journal import PartitionJournal
from worker.journal.recall import CreatedBefore, InDoubt
from worker.model.evidence import Evidence
from worker.model.outcomes import Failed, Reason, ReasonCode, Succeeded

IDS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=3).map(tuple)
EVIDENCE = st.builds(Evidence, st.booleans(), st.none() | IDS, st.booleans())
WHY = r"^(not a|unexpected end)"
CREATED = Succeeded("2801", "/system/ws/v12/interaction/customer/2801", "individual", 1)
CONFIRMED = Succeeded("2801", "/system/ws/v12/interaction/customer/2801", "individual", 1, resolution="confirmed")
UNKNOWN = Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, "who knows"), 1)
ENTRIES = st.one_of(
    st.builds(Intent, st.integers(1, 3), evidence=EVIDENCE),
    st.builds(Released, st.integers(0, 3), evidence=EVIDENCE),
    st.builds(Finished, st.sampled_from([CREATED, CONFIRMED, UNKNOWN]), evidence=EVIDENCE),
)
SPANS = st.tuples(st.integers(0, 9), st.integers(10, 20))
NAMES = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
CLAIMS = st.builds(Claim, st.just("a"), group=NAMES, topic=NAMES, expired=st.lists(SPANS, max_size=2).map(tuple))
EVENT = EntryKey(UUID(int=1), 5, "a")


@given(ENTRIES)
def test_entries(entry):
    """What was written is read."""
    assert decode(encode(entry), encode_headers(entry)) == entry


@given(CLAIMS)
def test_claims(claim):
    """The same of a claim."""
    assert decode_claim(claim.key, encode(claim), encode_headers(claim)) == claim


@given(ENTRIES)
def test_the_value_is_what_it_always_was(entry):
    """An earlier version reads the value alone, and refuses whatever it does not know."""
    value = orjson.loads(encode(entry))
    assert sorted(value) == (["outcome", "state"] if isinstance(entry, Finished) else ["attempt", "state"])
    if isinstance(entry, Finished) and isinstance(entry.outcome, Succeeded):
        assert value["outcome"]["resolution"] in {"created", "reconciled"}


def test_a_foreign_header():
    """A tool on the way may add its own."""
    headers = (("traceparent", b"00-1"), ("exists", b"true"))
    assert decode(encode(Intent(1)), headers) == Intent(1, evidence=Evidence(exists=True))


@pytest.mark.parametrize(
    ("entry", "headers"),
    [
        (Intent(1), (("exists", b"perhaps"),)),
        (Released(1), (("lost", b"perhaps"),)),
        (Intent(1), (("found-before", b"7"),)),
        (Intent(1), (("found-before", b"[7]"),)),
        (Intent(1), (("found-before", b"["),)),
        (Finished(UNKNOWN), (("resolution", b"confirmed"),)),
        (Finished(CREATED), (("resolution", b"guessed"),)),
    ],
)
def test_a_header_that_we_never_write(entry, headers):
    """The journal is never guessed at."""
    with pytest.raises(ValueError, match=WHY):
        decode(encode(entry), headers)


@pytest.mark.parametrize("spans", [b"7", b"[7]", b"[[3,3]]", b"[[-1,3]]", b'[["1",3]]'])
def test_spans_that_we_never_write(spans):
    """The same of a claim's."""
    with pytest.raises(ValueError, match=WHY):
        decode_claim(b"claim/a", encode(Claim("a")), (("expired", spans),))


def test_a_customer_that_exists_without_an_id():
    """It stays in doubt when its writer has ended it, and when compaction has kept that end alone."""
    journal = PartitionJournal()
    journal.apply(EVENT, Finished(UNKNOWN, evidence=Evidence(exists=True)), 1)
    assert journal.known(EVENT.event).records[5].evidence == Evidence(exists=True)
    assert isinstance(journal.recall(EVENT.event, 6), InDoubt)
    journal.apply(EVENT._replace(offset=7), Finished(CREATED), 2)
    assert journal.recall(EVENT.event, 8) == CreatedBefore(CREATED)


def test_what_was_found_before_the_first_attempt():
    """A later look-up may have found our own customer, so that the first one counts."""
    journal = PartitionJournal()
    journal.apply(EVENT, Intent(1, evidence=Evidence(found_before=("7",))), 1)
    journal.apply(EVENT._replace(writer="b"), Intent(2, evidence=Evidence(found_before=("7", "8"))), 2)
    assert journal.known(EVENT.event).records[5].evidence == Evidence(found_before=("7",))
