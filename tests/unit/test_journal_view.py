"""What the journal's commands say of a partition."""

from uuid import UUID

import orjson
import pytest
import typer
from builders import record

from worker.cli.journal import event_of
from worker.journal.entries import CLAIM, Claim, EntryKey, Finished, Intent, Released, encode, encode_headers
from worker.model.commands import Request
from worker.model.errors import JournalUnreadable
from worker.model.evidence import Evidence
from worker.model.outcomes import EXISTS, Failed, HttpAnswer, Reason, ReasonCode, Succeeded
from worker.model.records import Record
from worker.tools.journal.view import Partition, doubt_text, event_text

EVENT, OTHER = UUID(int=1), UUID(int=2)
CREATED = Succeeded("2801", "/system/ws/v12/interaction/customer/2801", "individual", 2)
CONFIRMED = Succeeded("2801", "/system/ws/v12/interaction/customer/2801", "individual", 0, "confirmed")
REJECTED = Failed(Reason(ReasonCode.REJECTED, "no", http=HttpAnswer(400, "400-101")), 1)
UNKNOWN = Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, "lost"), 3)

EXISTING = Evidence(exists=True)


def partition(*entries, only=None):
    """(event, offset, writer, entry), a second apart; or the name of a claimant."""
    read = Partition("requests", 3, only)
    for position, each in enumerate(entries):
        if isinstance(each, str):
            key, said = Claim(each).key, Claim(each)
        else:
            event, offset, writer, said = each
            key = EntryKey(event, offset, writer).encode()
        read.add(Record("journal", 3, position, position * 1000, key, encode(said), encode_headers(said)))
    return read


def doubts(*entries, now=60_000):
    return [(each["event"], each["offset"]) for each in partition(*entries).doubts(now)]


@pytest.mark.parametrize(
    ("entries", "open_at"),
    [
        ((), []),
        (((EVENT, 5, "a", Intent(1)),), [5]),
        (((EVENT, 5, "a", Intent(1)), (EVENT, 5, "a", Released(1))), []),
        (((EVENT, 5, "a", Intent(1)), (EVENT, 5, "b", Intent(1)), (EVENT, 5, "b", Released(1))), [5]),
        (((EVENT, 5, "a", Intent(1)), (EVENT, 5, "b", Finished(REJECTED))), [5]),
        (((EVENT, 5, "a", Finished(UNKNOWN)),), [5]),
        (((EVENT, 5, "a", Finished(UNKNOWN)), (EVENT, 9, "a", Finished(UNKNOWN))), [5, 9]),
        (((EVENT, 5, "a", Finished(UNKNOWN)), (EVENT, 9, "a", Finished(CREATED))), []),
        (((EVENT, 5, "a", Finished(UNKNOWN)), (EVENT, 5, "b", Finished(CREATED))), []),
        (((EVENT, 5, "a", Finished(UNKNOWN)), (EVENT, 9, "a", Finished(REJECTED))), [5]),
        (((EVENT, 5, "a", Finished(UNKNOWN)), (EVENT, 9, "a", Finished(CONFIRMED))), []),
    ],
)
def test_open_doubts(entries, open_at):
    """Those that would be looked up or parked if the event came again, and no others."""
    assert doubts(*entries) == [(str(EVENT), offset) for offset in open_at]


def test_the_age_of_a_doubt():
    """It began with the first entry since which nobody can tell; no clock that is behind makes it negative."""
    read = partition((EVENT, 5, "a", Intent(1)), (EVENT, 5, "b", Intent(2)), (EVENT, 5, "b", Finished(UNKNOWN)))
    (doubt,) = read.doubts(60_000)
    assert (doubt["ageSeconds"], doubt["attempts"], doubt["since"]) == (60, 3, "1970-01-01T00:00:00.000Z")
    assert next(read.doubts(-5_000))["ageSeconds"] == 0


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        (((EVENT, 5, "a", Intent(1)), "b"), "open intent of a"),
        (("a", (EVENT, 5, "a", Intent(1))), "open intent of a, who owns the partition: it may be in flight"),
        (((EVENT, 5, "a", Finished(UNKNOWN)),), "parked as outcome_unknown"),
        (((EVENT, 5, "a", Intent(1, evidence=EXISTING)), "b"), f"open intent of a; {EXISTS}"),
        (((EVENT, 5, "a", Finished(UNKNOWN, evidence=EXISTING)),), f"parked as outcome_unknown; {EXISTS}"),
    ],
)
def test_why_there_is_a_doubt(entries, why):
    """A POST that is on its way right now looks like one that was lost, but for who sent it."""
    (doubt,) = partition(*entries).doubts(60_000)
    assert doubt["why"] == why
    assert doubt_text(doubt).endswith(why)
    assert "requests/3 offset 5" in doubt_text(doubt)


def test_an_event():
    """Its records with all that the journal holds of them, and each entry that the topic still has."""
    entries = [(OTHER, 4, "a", Intent(1)), (EVENT, 5, "a", Intent(1)), (EVENT, 5, "b", Intent(2))]
    read = partition(*entries, (EVENT, 5, "b", Finished(UNKNOWN)), (EVENT, 5, "a", Finished(CREATED)), only=EVENT)
    told = orjson.loads(orjson.dumps(read.event(EVENT)))
    (only,) = told["records"]
    assert (told["event"], told["customer"], told["seen"]) == (str(EVENT), "created", "1970-01-01T00:00:04.000Z")
    assert (only["offset"], only["openIntents"], only["attempts"]) == (5, [], 3)
    assert only["outcome"]["reason"]["code"] == "outcome_unknown"
    assert only["createdBesides"]["customer_id"] == "2801"
    assert [(each["journalOffset"], each["writer"], each["state"]) for each in told["entries"]] == [
        (1, "a", "intent"),
        (2, "b", "intent"),
        (3, "b", "finished"),
        (4, "a", "finished"),
    ]
    assert list(read.journal) == [EVENT]


@pytest.mark.parametrize(
    ("entry", "customer", "state"),
    [
        (Intent(1), "customer unknown", "offset 5: open intent of a; attempts: 1"),
        (Intent(1, evidence=EXISTING), "customer unknown", f"offset 5: open intent of a; {EXISTS}; attempts: 1"),
        (Released(1), "customer not created", "offset 5: released; attempts: 1"),
        (Finished(CREATED), "customer created", "offset 5: created, customer 2801; attempts: 2"),
        (Finished(CONFIRMED), "customer confirmed", "offset 5: confirmed, customer 2801; attempts: 0"),
        (Finished(REJECTED), "customer not created", "offset 5: failed, rejected: no; attempts: 1"),
    ],
)
def test_an_event_as_text(entry, customer, state):
    """One line for the event, one for each record."""
    head, line = event_text(partition((EVENT, 5, "a", entry)).event(EVENT)).splitlines()
    assert customer in head
    assert line.endswith(state)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"x", b"{}"),
        (None, b"{}"),
        (CLAIM + b"a", b"{}"),
        (CLAIM + b"a", encode(Claim("b"))),
        (EntryKey(EVENT, 1, "a").encode(), b'{"state":"lost"}'),
    ],
)
def test_a_foreign_entry(key, value):
    """It is named, and nothing is guessed."""
    with pytest.raises(JournalUnreadable, match="journal/3 at offset 7"):
        Partition("requests", 3).add(Record("journal", 3, 7, 0, key, value))


def test_a_tombstone():
    """It says nothing."""
    read = Partition("requests", 3)
    read.add(record(None))
    assert len(read.journal) == 0


def test_an_event_by_its_own_id():
    """The journal knows it by a UUID of source and id; either is taken."""
    assert event_of("e-1", "urn:crm") == Request("urn:crm", "e-1").event
    assert event_of(str(EVENT), None) == EVENT
    with pytest.raises(typer.BadParameter, match="--source"):
        event_of("e-1", None)
