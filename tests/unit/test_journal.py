"""What the entries of a partition mean for the next record."""

from uuid import UUID, uuid4

import pytest

from worker.journal.entries import Claim, EntryKey, Finished, Intent, Released, decode, decode_key, encode
from worker.journal.fence import Fence
from worker.journal.journal import PartitionJournal
from worker.journal.lease import Lease, Moment
from worker.journal.recall import CreatedBefore, DoubtAsAnother, Ended, Fresh, InDoubt
from worker.model.evidence import Evidence
from worker.model.outcomes import Failed, HttpAnswer, Reason, ReasonCode, Succeeded, Violation

EVENT, OTHER = UUID(int=1), UUID(int=2)
CREATED = Succeeded("2801", "/system/ws/v12/interaction/customer/2801", "individual", 1)
REJECTED = Failed(Reason(ReasonCode.REJECTED, "no", http=HttpAnswer(400, "400-101")), 1)
A = frozenset({"a"})
UNKNOWN = Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, "who knows"), 1)
LOST = Evidence(found_before=(), lost=True)


def journal(*entries):
    """(offset, writer, entry) of one event, in the order of the log."""
    read = PartitionJournal()
    for time, (offset, writer, entry) in enumerate(entries):
        read.apply(EntryKey(EVENT, offset, writer), entry, time)
    return read


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ((), Fresh(0)),
        (((5, "a", Intent(1)),), InDoubt(1, A)),
        (((5, "a", Intent(1)), (5, "a", Released(1))), Fresh(1)),
        (((5, "a", Intent(1)), (5, "a", Released(0))), Fresh(0)),
        (((5, "a", Intent(2)), (5, "a", Released(1, evidence=LOST))), Fresh(1, evidence=LOST)),
        (((5, "a", Intent(1)), (5, "a", Released(1)), (5, "b", Intent(2))), InDoubt(2, frozenset({"b"}))),
        (((5, "a", Intent(1)), (5, "b", Intent(1)), (5, "b", Released(1))), InDoubt(1, A)),
        (((5, "a", Intent(1)), (5, "a", Finished(CREATED))), Ended(CREATED)),
        (((5, "a", Finished(UNKNOWN)), (5, "b", Finished(CREATED))), Ended(UNKNOWN)),
        (((4, "a", Intent(1)), (4, "a", Finished(CREATED))), CreatedBefore(CREATED)),
        (((4, "a", Intent(1)), (4, "a", Finished(REJECTED))), Fresh(0)),
        (((4, "a", Intent(1)), (4, "a", Finished(UNKNOWN))), InDoubt(0)),
        (((4, "a", Intent(1)),), InDoubt(0, A)),
        (((4, "a", Finished(UNKNOWN)), (4, "b", Finished(CREATED))), CreatedBefore(CREATED)),
    ],
)
def test_recalling_the_record_at_offset_5(entries, expected):
    """Its own end, a customer made before, a doubt by any writer, or nothing that stands against a POST."""
    assert journal(*entries).recall(EVENT, 5) == expected


def test_another_event():
    """One event's doubt is not another's."""
    assert journal((5, "a", Intent(1))).recall(OTHER, 6) == Fresh(0)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (((5, "a", Intent(2)), (5, "a", Finished(CREATED))), Ended(CREATED)),
        (((5, "a", Finished(REJECTED)),), Ended(REJECTED)),
        (((5, "a", Finished(UNKNOWN)),), Ended(UNKNOWN)),
        (((5, "a", Intent(2)),), DoubtAsAnother(2)),
        (((5, "a", Intent(2)), (5, "a", Released(2))), Fresh(0)),
        (((5, "a", Intent(1, evidence=Evidence(exists=True))), (5, "a", Released(1))), DoubtAsAnother(1)),
    ],
)
def test_a_record_that_was_another_event_before(entries, expected):
    """A limit or a mapping was changed meanwhile: it has the end that it had, and a doubt stays one."""
    assert journal(*entries).recall(OTHER, 5) == expected


@pytest.mark.parametrize("event", [EVENT, OTHER, UUID(int=99)])
@pytest.mark.parametrize(
    ("before", "since", "expected"),
    [
        ((Intent(1),), (Finished(UNKNOWN),), Ended(UNKNOWN)),
        ((Intent(1), Released(1)), (Intent(1), Finished(CREATED)), Ended(CREATED)),
        ((Intent(1), Released(1)), (Finished(REJECTED),), Ended(REJECTED)),
    ],
)
def test_a_record_that_ended_as_one_of_two_events(event, before, since, expected):
    """It has that end, as whichever event it comes again: settings are changed back, too."""
    read = journal(*((5, "a", entry) for entry in before))
    for entry in since:
        read.apply(EntryKey(OTHER, 5, "b"), entry, 0)
    assert read.recall(event, 5) == expected


@pytest.mark.parametrize("event", [EVENT, OTHER, UUID(int=99)])
def test_a_record_that_ended_as_two_events(event):
    """Its first end is the one that it has, as whichever event it comes again."""
    read = journal((5, "a", Finished(REJECTED)))
    read.apply(EntryKey(OTHER, 5, "b"), Finished(CREATED), 0)
    assert read.recall(event, 5) == Ended(REJECTED)


def test_a_record_in_doubt_as_another_event_than_its_first():
    """Nothing is sent for it as the first one."""
    read = journal((5, "a", Intent(1)), (5, "a", Released(1)))
    read.apply(EntryKey(OTHER, 5, "b"), Intent(2), 0)
    assert read.recall(EVENT, 5) == DoubtAsAnother(2)
    assert read.recall(OTHER, 5) == InDoubt(2, frozenset({"b"}))


def test_a_customer_of_a_record_that_was_another_event():
    """Made under a claim that was lost meanwhile, so that nobody was told: it is told now, and not made again."""
    read = journal((5, "a", Intent(1)))
    read.claimed(Claim("b"), 0)
    read.apply(EntryKey(EVENT, 5, "a"), Finished(CREATED), 0)
    assert read.recall(OTHER, 5) == CreatedBefore(CREATED)


def test_a_place_that_is_committed():
    """It is not looked up any more: what comes at that offset can only be of a topic that was made anew."""
    read = journal((5, "a", Finished(CREATED)))
    read.forget(below=6, before=0, at_most=9)
    assert read.recall(OTHER, 5) == Fresh(0)
    read = PartitionJournal(below=6)
    read.apply(EntryKey(EVENT, 5, "a"), Finished(CREATED), 0)
    assert read.recall(OTHER, 5) == Fresh(0)


@pytest.mark.parametrize(
    "entry",
    [
        Intent(3),
        Released(3),
        Finished(CREATED),
        Finished(REJECTED),
        Finished(Failed(Reason(ReasonCode.INVALID_CUSTOMER, "no", (Violation("a.b[0]", "max_length", 5, ("x",)),)))),
    ],
)
def test_entries_survive_the_topic(entry):
    """What is read is what was written."""
    assert decode(encode(entry)) == entry


def test_keys_survive_the_topic():
    """Event, record offset and writer."""
    key = EntryKey(uuid4(), 17, "abc")
    assert decode_key(key.encode()) == key


SUCCEEDED = encode(Finished(CREATED)).decode()
FAILED = encode(
    Finished(Failed(Reason(ReasonCode.REJECTED, "no", (Violation("a", "type"),), HttpAnswer(400))))
).decode()


@pytest.mark.parametrize(
    "raw",
    [
        *["", "{}", "[]", "null", "\xff", '{"state":"lost"}', '{"state":"intent"}', '{"attempt":1}'],
        *[f'{{"state":"intent","attempt":{attempt}}}' for attempt in ("true", '"1"', "1.0", "-1", "null", '1,"x":1')],
        '{"state":["intent"],"attempt":1}',
        '{"state":"finished","outcome":null}',
        '{"state":"finished","attempt":1}',
        SUCCEEDED.replace('"2801"', "2801"),
        SUCCEEDED.replace('"attempts":1', '"attempts":true'),
        SUCCEEDED.replace('"attempts":1', '"attempts":-1'),
        SUCCEEDED.replace('"created"', '"guessed"'),
        SUCCEEDED.replace('"location"', '"place"'),
        SUCCEEDED.replace('"attempts":1', '"attempts":1,"more":1'),
        FAILED.replace('"rejected"', '"disliked"'),
        FAILED.replace('"rejected"', "7"),
        FAILED.replace('"no"', "null"),
        FAILED.replace('"path":"a"', '"path":null'),
        FAILED.replace('"type"', '"taste"'),
        FAILED.replace('"type"', '["type"]'),
        FAILED.replace('"limit":null', '"limit":"5"'),
        FAILED.replace('"allowed":null', '"allowed":"x"'),
        FAILED.replace('"allowed":null', '"allowed":[1]'),
        FAILED.replace('"status":400', '"status":"400"'),
        FAILED.replace('"error_code":null', '"error_code":7'),
        FAILED.replace('"error_code":null', '"code":null'),
    ],
)
def test_foreign_values(raw):
    """Nothing is guessed."""
    with pytest.raises(ValueError, match=r"."):
        decode(raw.encode("latin-1"))


NAME = b"abcdef00-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    "raw",
    [
        *[b"", b"claim", b"1/2/3", b"\xff/1/a", b"a/b/c/d", b"%s/1/" % NAME, b"%s/1/a/b" % NAME, b"%s/1/\xff" % NAME],
        *[b"%s/%s/a" % (NAME, offset) for offset in (b"", b"-1", b"01", b" 1", b"1_0", b"9" * 19)],
        *[b"%s/1/a" % name for name in (NAME.upper(), b"{%s}" % NAME, NAME.replace(b"-", b""), NAME + b"\n")],
    ],
)
def test_foreign_keys(raw):
    """Nothing is guessed, by either of the two ways to read."""
    with pytest.raises(ValueError, match=r"."):
        decode_key(raw)
    with pytest.raises(ValueError, match=r"."):
        PartitionJournal().apply_raw(raw, encode(Intent(1)), 0)


def test_forgetting_the_oldest():
    """Old or too many, and committed: all three have to be said of an event before it is forgotten."""
    read = PartitionJournal()
    events = [UUID(int=n) for n in range(6)]
    for offset, event in enumerate(events):
        read.apply(EntryKey(event, offset, "a"), Finished(CREATED), time=offset * 100)
    read.forget(below=5, before=150, at_most=100)
    assert [read.recall(event, 99) == Fresh(0) for event in events] == [True, True, False, False, False, False]
    read.forget(below=4, before=0, at_most=1)
    assert len(read) == 2
    read.forget(below=0, before=10_000, at_most=0)
    assert len(read) == 2


def test_a_fence():
    """As long as our own offsets follow one another, nobody else has written since our claim."""
    fence = Fence(claimed=7)
    for offset in (8, 9, 10):
        fence.acknowledged(offset)
    assert not fence.broken
    fence.acknowledged(12)
    assert fence.broken
    fence.acknowledged(13)
    assert fence.broken


@pytest.mark.parametrize(("claimed", "offsets"), [(0, [0]), (7, [0, 1]), (7, [8, 9, 3]), (2, [0, 1, 2, 3, 4])])
def test_a_fence_in_a_log_that_begins_anew(claimed, offsets):
    """Offsets that were given are given once more: the topic was deleted, and that stays known."""
    fence = Fence(claimed)
    for offset in offsets:
        fence.acknowledged(offset)
    assert (fence.broken, fence.anew) == (True, True)


def test_what_an_earlier_log_said():
    """It counts for records of which the new log says nothing, and is older; what is changed there later does not."""
    earlier, journal = PartitionJournal(), PartitionJournal()
    lost, known, unknown, new = (UUID(int=number) for number in range(1, 5))
    for offset, event in ((0, lost), (3, known), (4, unknown)):
        earlier.apply(EntryKey(event, offset, "old"), Intent(2), 100)
    earlier.apply(EntryKey(known, 1, "old"), Finished(CREATED), 100)
    journal.apply(EntryKey(unknown, 4, "old"), Released(1), 200)
    journal.apply(EntryKey(new, 5, "new"), Finished(CREATED), 200)
    journal.remember(earlier)
    earlier.apply(EntryKey(lost, 0, "old"), Finished(CREATED), 300)
    assert journal.recall(lost, 0) == InDoubt(2, frozenset({"old"}))
    assert journal.recall(known, 1) == Ended(CREATED)
    assert isinstance(journal.recall(known, 2), CreatedBefore)
    assert journal.recall(unknown, 4) == Fresh(1)
    assert journal.recall(new, 5) == Ended(CREATED)
    assert list(journal) == [lost, known, unknown, new]


@pytest.mark.parametrize(
    ("boot", "wall", "over"),
    [(9.9, 9.9, False), (10, 0, True), (0, 10, True), (1, -3600, False), (-1, 5, False)],
)
def test_a_lease(boot, wall, over):
    """It ends on whichever clock went further: one stands still when the machine is suspended, one can be set."""
    handed = Moment(100, 1_000_000)
    assert Lease(handed, 10).is_over(Moment(100 + boot, 1_000_000 + wall)) is over
    assert Lease(handed, 13).is_over(Moment(100 + boot, 1_000_000 + wall), later=3) is over
