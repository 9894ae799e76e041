"""Dead letters as other tools read them, and as they stay through replays.

The two readers here are written from what the other projects' sources say, and know nothing of ours: Spring Kafka's
DeadLetterPublishingRecoverer (topic, group, class and message in UTF-8; `ByteBuffer.putInt` for the partition,
`putLong` for offset and timestamp; the last header of a name counts) and Kafka Connect's
DeadLetterQueueReporter (all in UTF-8).
"""

from dataclasses import replace

import pytest

from worker.events.letter_headers import accepts_duplicates, doubt, original, replays
from worker.events.results import Results
from worker.model.commands import MAX_NAME, Request
from worker.model.evidence import Evidence
from worker.model.outcomes import EXISTS, Failed, HttpAnswer, Reason, ReasonCode, Violation
from worker.model.records import Record

RESULTS = Results("crm", "ok", "failed", "dead", "group-é")
REQUEST = Request("urn:shop", "e-1")
REJECTED = Failed(Reason(ReasonCode.REJECTED, "the API said no", http=HttpAnswer(400, "400-101")), 2)
GIVEN = (("ce_id", b"e-1"), ("twice", b"1"), ("twice", b"2"), ("empty", None), ("bytes", b"\xfe"))
MARKS = (("worker-replay-of", b"3@17"), ("worker-replays", b"2"))


def record(*headers, offset=2**40):
    return Record("requests-é", 2**20 + 3, offset, 1_764_000_000_123, b"key", b"value", headers)


def letter(given, outcome=REJECTED):
    return RESULTS.dead_letter(outcome, given, REQUEST, 1_764_000_000.5).headers


def as_spring(headers):
    """By header name without its prefix; numbers by their width, as `ByteBuffer.getInt` and `getLong` read them."""
    last = {name.removeprefix("kafka_dlt-"): value for name, value in headers if name.startswith("kafka_dlt-")}
    widths = {"original-partition": 4, "original-offset": 8, "original-timestamp": 8}
    assert all(len(last[name]) == width for name, width in widths.items())
    return {
        name: int.from_bytes(value, "big", signed=True) if name in widths else value.decode("utf-8")
        for name, value in last.items()
    }


def as_connect(headers):
    prefix = "__connect.errors."
    told = {name.removeprefix(prefix): value.decode("utf-8") for name, value in headers if name.startswith(prefix)}
    return told | {"partition": int(told["partition"]), "offset": int(told["offset"])}


def test_spring_s_tools():
    """The place with big-endian numbers, the group, and what happened."""
    assert as_spring(letter(record(*GIVEN))) == {
        "original-topic": "requests-é",
        "original-partition": 2**20 + 3,
        "original-offset": 2**40,
        "original-timestamp": 1_764_000_000_123,
        "original-consumer-group": "group-é",
        "exception-fqcn": "worker.outcomes.Failed",
        "exception-message": "rejected: the API said no",
    }


def test_connect_s_tools():
    """The place as text, and what happened; no connector, task or stage that there is not."""
    assert as_connect(letter(record(*GIVEN))) == {
        "topic": "requests-é",
        "partition": 2**20 + 3,
        "offset": 2**40,
        "exception.class.name": "worker.outcomes.Failed",
        "exception.message": "rejected: the API said no",
    }


def test_our_own():
    """Texts, every one of them."""
    told = {name: value.decode() for name, value in letter(record()) if name.startswith("worker-")}
    assert told.pop("worker-failed-at") > "2026"
    assert told.pop("worker-version")
    assert told == {
        "worker-reason": "rejected",
        "worker-event-source": "urn:shop",
        "worker-event-id": "e-1",
        "worker-http-status": "400",
        "worker-error-code": "400-101",
        "worker-attempts": "2",
        "worker-replays": "0",
        "worker-first-seen": "2025-11-24T16:00:00.500Z",
    }


def test_violations():
    """As JSON, without any value."""
    outcome = Failed(Reason(ReasonCode.INVALID_CUSTOMER, "", (Violation("pin", "max_length", 255),)))
    assert dict(letter(record(), outcome))["worker-violations"] == b'[{"path":"pin","rule":"max_length","limit":255}]'


def test_headers_of_the_producer():
    """Byte for byte, in their order, repeated names and empty values included; ours come behind them."""
    assert original(letter(record(*GIVEN))) == GIVEN
    assert letter(record(*GIVEN))[: len(GIVEN)] == GIVEN


def test_a_letter_of_another_tool_that_fails_here():
    """What it carries is the producer's, and the last header of a name, which is ours, is what its tools read."""
    others = (("kafka_dlt-original-topic", b"elsewhere"), ("__connect.errors.topic", b"elsewhere"))
    headers = letter(record(*others))
    assert original(headers) == others
    assert as_spring(headers)["original-topic"] == "requests-é"


@pytest.mark.parametrize("copied", [False, True])
def test_a_replay_that_fails_again(copied):
    """The newest reason alone, the producer's headers unchanged; so it stays however often, copied by hand as well."""
    headers = GIVEN
    sizes = set()
    for _ in range(5):
        headers = letter(record(*(headers if copied else (*original(headers), *MARKS))))
        assert original(headers) == GIVEN
        sizes.add(len(headers))
    assert len(sizes) == 1
    assert [name for name, _ in headers].count("worker-reason") == 1
    assert replays(headers) == (0 if copied else 2)


@pytest.mark.parametrize("told", [b"", b"-1", b"1.5", b"9" * 10, b"\xff", None, "²".encode()])
def test_a_count_that_cannot_be_read(told):
    """It is no number, and nothing breaks."""
    assert replays((("worker-replay-of", b"0@0"), ("worker-replays", told))) == 0


def test_a_count_that_no_replay_wrote():
    """A producer's own header of that name says nothing."""
    assert replays((("worker-replays", b"7"),)) == 0


def test_an_event_with_the_longest_names():
    """They stand in every dead letter: whoever brings it back brings the event back."""
    longest = "é" * MAX_NAME
    told = dict(RESULTS.dead_letter(REJECTED, record(), Request(longest, longest), 0.0).headers)
    assert told["worker-event-source"] == told["worker-event-id"] == longest.encode()


def test_a_record_whose_headers_could_not_be_read():
    """Its dead letter says that they are not all here."""
    unreadable = replace(record(), unreadable="a header's name is not UTF-8")
    assert ("worker-headers", b"unreadable") in letter(unreadable)
    assert "worker-headers" not in dict(letter(record()))


LOST = Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, "the customer may or may not exist: 504"), 1)
MADE_BEFORE, PERHAPS = (("worker-customer-exists", told) for told in (b"true", b"perhaps"))
YES = ("worker-accept-duplicates", b"true")
MADE = Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, f"{EXISTS}: 201 without a Location"), 1)


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        (letter(record(*GIVEN), LOST), Evidence()),
        (letter(record(*GIVEN), MADE), Evidence(exists=True)),
        ((("worker-reason", b"outcome_unknown"), *letter(record())), None),
        (letter(record()), None),
        ((*GIVEN, *MARKS), None),
        ((*GIVEN, *MARKS, MADE_BEFORE), Evidence(exists=True)),
        (letter(record(*GIVEN, *MARKS, MADE_BEFORE), LOST), Evidence(exists=True)),
        (letter(record(*GIVEN, *MARKS, MADE_BEFORE)), Evidence(exists=True)),
        ((*GIVEN, *MARKS, PERHAPS), Evidence()),
        (letter(record(*GIVEN, *MARKS, PERHAPS, YES)), Evidence()),
        (letter(record(*GIVEN, *MARKS, PERHAPS, YES), MADE), Evidence(exists=True)),
        (letter(record(*letter(record(*GIVEN, *MARKS, PERHAPS, YES)))), None),
        ((*GIVEN, PERHAPS), None),
        ((*GIVEN, *MARKS, (PERHAPS[0], b"no")), None),
        ((*GIVEN, MADE_BEFORE), None),
        ((MADE_BEFORE, *MARKS), None),
        (GIVEN, None),
    ],
)
def test_a_dead_letter_that_comes_back(headers, known):
    """What is known of its customer, where that may exist: the newest reason counts, and no replay of ours has one;
    and what it says of a customer that was made, whatever the replay itself came to.
    """
    assert doubt(headers) == known


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ((*GIVEN, *MARKS, YES), True),
        ((*GIVEN, *MARKS), False),
        ((*GIVEN, YES), False),
        ((YES, *MARKS), False),
        ((*MARKS, ("worker-accept-duplicates", b"false")), False),
        ((*MARKS, YES, *letter(record())), False),
    ],
)
def test_who_accepts_duplicates(headers, accepted):
    """Only the replay that was asked for so: neither a producer nor a copied dead letter can."""
    assert accepts_duplicates(headers) is accepted
