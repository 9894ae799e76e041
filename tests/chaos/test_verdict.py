"""The verdict on seeds: each thing that must not be is found, and a good run is clean."""

from dataclasses import replace
from uuid import NAMESPACE_URL, uuid5

import orjson
import pytest
from chaos.facts import Asked, DeadLetter, Execution, Facts, Strike, Told
from chaos.gate import Call
from chaos.stream import SOURCE, Content, Item, trace
from chaos.verdict import CHECKS, judged

TOPIC = "requests"
KEY = b"key"
CREATED, UNKNOWN, CONFIRMED = "created", "outcome_unknown", "confirmed"


def asked(number, content=Content.CUSTOMER, event=None):
    """Record number N is at offset N; all have one key."""
    return Asked((0, number), Item(number, event or f"e{number}", KEY, 0, content, b"value", ()))


def told(number, ending, *, event=None, customer=None, at=None, **data):
    """Its terminal event, published at second N + 0.5."""
    request = {"id": event or f"e{number}", "source": SOURCE, "topic": TOPIC, "partition": 0, "offset": number}
    if ending in {CREATED, "already_created", "reconciled", CONFIRMED}:
        kind, said = "succeeded", {"customerId": customer or str(number), "resolution": ending}
    else:
        kind, said = "failed", {"reason": {"code": ending, "message": ""}, "deadLetter": None}
    type_ = f"customer.create.{kind}.v1"
    name = orjson.dumps([SOURCE, request["id"], TOPIC, 0, number, type_]).decode()
    document = {"id": str(uuid5(NAMESPACE_URL, name)), "type": type_, "data": {"request": request, **said, **data}}
    return Told(number + 0.5 if at is None else at, KEY, document)


def executed(number, customer=None, event=None):
    return Execution(trace(event or f"e{number}", number), customer or str(number))


def call(number, status=201, *, at=None, event=None, seconds=0.1):
    """At second N, answered at once."""
    arrived = number if at is None else at
    answered = None if status is None else arrived + seconds
    return Call(trace(event or f"e{number}", number), arrived, status, answered, located=status == 201)


def letter(number, place=0, value=b"value"):
    return DeadLetter((0, place), (0, number), KEY, value)


def good(**changes):
    """Two records of one key, both created, one after the other."""
    facts = Facts(
        topic=TOPIC,
        look_up=False,
        asked=[asked(0), asked(1)],
        told=[told(0, CREATED), told(1, CREATED)],
        executions=[executed(0), executed(1)],
        calls=[call(0), call(1)],
        ends={0: 2},
        committed={0: 2},
    )
    return replace(facts, **changes)


def parked(**changes):
    """The first of the two is told as unknown, with its dead letter, though it was executed."""
    doubt = told(0, UNKNOWN, deadLetter={"partition": 0, "offset": 0})
    return replace(good(told=[doubt, told(1, CREATED)], dead_letters=[letter(0)]), **changes)


def back(**changes):
    """The second of the two was taken back."""
    facts = good(asked=[asked(0)], told=[told(0, CREATED)], executions=[executed(0)], calls=[call(0)])
    return replace(facts, taken_back=[asked(1)], **changes)


def word(ending="already_created", said="0", customer="0"):
    """The first is parked, though it was executed; a person says so; then the event is repeated."""
    return good(
        asked=[asked(0), asked(1, Content.CONFIRMED, "e0"), asked(2, event="e0")],
        told=[
            told(0, UNKNOWN, deadLetter=NAMED),
            told(1, CONFIRMED, event="e0", customer=said),
            told(2, ending, event="e0", customer="0", deadLetter=NAMED),
        ],
        dead_letters=[letter(0)],
        executions=[executed(0)],
        calls=[call(0, None)],
        confirmed={(0, 1): customer},
        ends={0: 3},
        committed={0: 3},
    )


def refused(**changes):
    """The second of the two failed of a 403."""
    failed = told(1, "forbidden", deadLetter=NAMED)
    facts = good(told=[told(0, CREATED), failed], executions=[executed(0)], calls=[call(0), call(1, 403)])
    return replace(facts, dead_letters=[letter(1)], **changes)


def kinds(facts):
    return sorted({finding.kind for finding in judged(facts).findings})


def test_a_good_run():
    """Nothing is found, and the figures are right."""
    verdict = judged(good())
    assert list(verdict.findings) == []
    assert (verdict.records, verdict.events, verdict.executions, verdict.unknown, verdict.failed) == (2, 2, 2, 0, 0)


REPEAT = {"asked": [asked(0), asked(1, event="e0")], "executions": [executed(0)], "calls": [call(0)]}
INVALID = {"asked": [asked(0, Content.INVALID), asked(1)], "executions": [executed(1)], "calls": [call(1)]}
GONE = {"expired": {(0, 1)}}
NAMED = {"partition": 0, "offset": 0}


@pytest.mark.parametrize(
    "facts",
    [
        good(told=[told(0, CREATED), told(0, CREATED, at=7), told(1, CREATED)]),
        good(**REPEAT, told=[told(0, CREATED), told(1, "already_created", event="e0", customer="0")]),
        good(
            **INVALID,
            told=[told(0, "invalid_customer", deadLetter=NAMED), told(1, CREATED)],
            dead_letters=[letter(0)],
        ),
        parked(calls=[call(0, None), call(1)]),
        parked(calls=[call(0, 502), call(1)]),
        parked(calls=[call(0, seconds=1.9), call(1)]),
        parked(strikes=[Strike("kill", 0.2, 1.2)]),
        parked(calls=[call(1)], executions=[executed(1)], intents={(0, 0): [0.1]}, strikes=[Strike("kill", 0.2, 1.2)]),
        # On its way all the time: carried out after the record was parked.
        parked(calls=[call(0, None, at=3), call(1)]),
        back(),
        word(),
        good(told=[told(0, CREATED)], executions=[executed(0)], calls=[call(0)], **GONE, told_expired={(0, 1)}),
        good(**GONE),
        good(announced={(0, 1): 1}, expired={(0, 0)}),
        refused(refusals=[Strike("flood", 1, 2)]),
        parked(calls=[call(0, None), call(1)], look_up=True, unsearchable={"e0"}),
        good(announced={(0, 1): 1}, cut_journals={0}),
    ],
    ids=[
        "told-again",
        "repeat",
        "invalid",
        "no-answer",
        "gateway",
        "late-answer",
        "killed",
        "not-sent",
        "late-call",
        "taken-back",
        "word",
        "expired",
        "read-in-time",
        "behind-one-that-is-gone",
        "flood",
        "unsearchable",
        "cut-journal",
    ],
)
def test_what_may_be(facts):
    """Nothing is found."""
    assert list(judged(facts).findings) == []


WRONG = [
    ("duplicate", good(executions=[executed(0), executed(1), executed(1, "7")])),
    ("duplicate", good(executions=[executed(0), executed(1), executed(2)])),
    ("lost", good(told=[told(0, CREATED)])),
    ("disorder", good(announced={(0, 1): 1}, finished={(0, 0): 2})),
    ("disorder", good(calls=[call(0), call(1, at=0.05)])),
    ("disorder", good(calls=[call(0, 503), call(1), call(0, at=1.2)])),
    ("disorder", good(calls=[call(0), call(1), call(1, 401, at=9)])),
    ("ends", good(told=[told(0, CREATED), told(0, CREATED, event="e1"), told(1, CREATED)])),
    ("ends", good(told=[told(0, CREATED), told(0, CREATED, attempts=2), told(1, CREATED)])),
    ("ends", good(told=[replace(told(0, CREATED), key=b"other"), told(1, CREATED)])),
    ("customer", good(told=[told(0, CREATED, customer="1"), told(1, CREATED)])),
    ("customer", good(executions=[executed(0)])),
    ("ending", good(told=[told(0, "retries_exhausted"), told(1, CREATED)], executions=[executed(1)])),
    ("ending", good(**INVALID, told=[told(0, "undecodable"), told(1, CREATED)])),
    ("ending", good(told=[told(0, CREATED), told(1, CREATED), told(2, CREATED, customer="1")])),
    ("ending", good(**REPEAT, told=[told(0, CREATED), told(1, CREATED, event="e0", customer="0")])),
    ("denied", good(told=[told(0, "rejected"), told(1, CREATED)])),
    ("doubt", parked()),
    ("doubt", parked(strikes=[Strike("kill", 5, 6)])),
    ("doubt", parked(calls=[call(0, None), call(1)], look_up=True)),
    ("dead letter", parked(calls=[call(0, None), call(1)], dead_letters=[])),
    ("dead letter", parked(calls=[call(0, None), call(1)], dead_letters=[letter(1)])),
    ("dead letter", parked(calls=[call(0, None), call(1)], dead_letters=[letter(0, value=b"other")])),
    ("dead letter", good(dead_letters=[letter(0)])),
    ("taken back", back(executions=[executed(0), executed(1)])),
    ("taken back", back(calls=[call(0), call(1)])),
    ("taken back", back(told=[told(0, CREATED), told(1, CREATED)])),
    ("expired", good(told=[told(0, CREATED)], executions=[executed(0)], calls=[call(0)], **GONE)),
    ("lost", good(told=[told(0, CREATED)], expired={(0, 7)})),
    ("word", word(ending=UNKNOWN)),
    ("word", word(said="7")),
    ("customer", word(said="7", customer="7")),
    ("ending", refused()),
    ("ending", refused(refusals=[Strike("flood", 5, 6)])),
    ("ending", good(told=[told(0, CONFIRMED), told(1, CREATED)])),
    ("doubt", parked(calls=[call(0, None), call(1)], look_up=True, unsearchable={"e1"})),
    ("offsets", good(committed={0: 1})),
    ("process", good(problems=["worker-1-000.log ended with 3, which was not asked for"])),
]


@pytest.mark.parametrize(("kind", "facts"), WRONG)
def test_what_must_not_be(kind, facts):
    """It is found under its name."""
    assert kind in kinds(facts)


def test_an_overlap():
    """A record that is sent when the one before it was answered, and not told of yet, is counted."""
    verdict = judged(good(calls=[call(0), call(1, at=0.4)]))
    assert (verdict.overlaps, list(verdict.findings)) == (1, [])
    assert judged(good()).overlaps == 0


def test_every_check():
    """Each has a case above that it finds."""
    assert {kind for kind, _ in WRONG} == {kind for kind, _ in CHECKS}


def test_a_failed_event_without_a_dead_letter():
    """A failed event that names none is found as well as one that names a wrong one."""
    assert "dead letter" in kinds(parked(calls=[call(0, None), call(1)], told=[told(0, UNKNOWN), told(1, CREATED)]))
