"""Which event a record is, above all when it comes back."""

from dataclasses import replace

import pytest
from builders import binary, record, seed, structured
from hypothesis import given
from hypothesis import strategies as st

from worker.creation.creation import unknown
from worker.events.decode import Decoder
from worker.events.results import Results
from worker.model.commands import Unusable
from worker.model.outcomes import Failed, Reason, ReasonCode
from worker.model.records import Headers, Record
from worker.tools.dead_letters.letters import letter
from worker.tools.dead_letters.replay import Rules

BARE = seed("individual-required.json")
RESULTS = Results("crm", "ok", "failed", "dead", "group")
RULES = Rules("requests", {3: (0, 100)}, 3)
PLACE, IDENTITY = ("urn:kafka:requests", "3-7"), ("urn:crm", "e-1")
DECODER = Decoder()


def who(got: Record, decoder: Decoder = DECODER) -> tuple[str, str]:
    request = decoder(got).request
    return request.source, request.id


def failed(got: Record, outcome: Failed, decoder: Decoder = DECODER) -> Record:
    """Its dead letter, at a place of the dead-letter topic."""
    message = RESULTS.dead_letter(outcome, got, decoder(got).request, 0.0)
    return Record("dead", 3, 50, 1, message.key, message.value, message.headers)


def copied(dead: Record, headers: Headers | None = None) -> Record:
    """A generic tool's copy: key, value and headers at a new place of the request topic."""
    return Record("requests", 1, 900, 2, dead.key, dead.value, dead.headers if headers is None else headers)


def replayed(dead: Record) -> Record:
    """What `dead-letters replay` makes of it."""
    message = RULES.replayed(letter(dead), dead, accepted=False)
    return Record("requests", 3, 60, 2, message.key, message.value, message.headers)


UNKNOWN = unknown("504", 1)
REJECTED = Failed(Reason(ReasonCode.REJECTED, "400"))
UNDECODABLE = Failed(Reason(ReasonCode.UNDECODABLE, "not read"))
EVENTS = {"bare": record(BARE), "structured": structured({}), "binary": binary(BARE)}


@pytest.mark.parametrize("got", EVENTS.values(), ids=EVENTS)
@pytest.mark.parametrize("outcome", [UNKNOWN, REJECTED, UNDECODABLE], ids=lambda each: each.reason.code.value)
@pytest.mark.parametrize("back", [copied, replayed])
def test_a_dead_letter_that_comes_back(got, outcome, back):
    """By whatever tool: it is the event that failed, so that what is known of that one holds; and so again."""
    again = back(failed(got, outcome))
    assert who(again) == who(got)
    assert who(back(failed(again, outcome))) == who(got)


def shuffled(headers: Headers) -> st.SearchStrategy[list[tuple[str, bytes | None]]]:
    return st.permutations([(name.title(), value) for name, value in headers])


@given(shuffled(failed(record(BARE), UNKNOWN).headers))
def test_a_tool_that_keeps_neither_order_nor_case(headers):
    """A web page that shows headers as a table and sends them again."""
    assert who(copied(failed(record(BARE), UNKNOWN), tuple(headers))) == PLACE


def test_a_letter_whose_event_is_read_in_another_way_today():
    """What was sent was sent under the name that the letter tells, whatever the value would be called now."""
    before = failed(record(BARE, ("CE-Id", b"e-1")), UNKNOWN)
    was = tuple((name, value) for name, value in before.headers if not name.startswith("worker-event"))
    named = (*was, ("worker-event-source", PLACE[0].encode()), ("worker-event-id", PLACE[1].encode()))
    assert who(copied(replace(structured({}), headers=named))) == PLACE


@pytest.mark.parametrize("back", [copied, replayed])
def test_an_event_that_could_not_be_read_then(back):
    """Nothing was sent for it, and it has its own name now, by which its producer may repeat it."""
    got = structured({"pin": "1" * 3000}, data_more=[1, 2, 3])
    hidden = replace(got, value=b"\xff" + (got.value or b""))
    assert who(hidden) == PLACE
    assert who(replace(back(failed(hidden, UNDECODABLE)), value=got.value)) == IDENTITY


@pytest.mark.parametrize("back", [copied, replayed])
def test_a_bare_customer_that_could_not_be_read_then(back):
    """It has no name of its own, and stays the event that it was at its first place."""
    assert who(back(failed(record(b"[" * 40 + b"]" * 40), UNDECODABLE))) == PLACE


@pytest.mark.parametrize(
    "headers",
    [
        (("worker-event-source", b"urn:a"), ("worker-event-id", b"1")),
        (("worker-reason", b"rejected"), ("worker-event-id", b"1")),
        (("worker-reason", b"rejected"), ("worker-event-source", b"urn:a"), ("worker-event-id", b"")),
        (("worker-reason", b"rejected"), ("worker-event-source", b"urn:a"), ("worker-event-id", b"x" * 1025)),
        (("worker-replay-of", b"0@1"), ("worker-event-source", b"\xff"), ("worker-event-id", b"1")),
    ],
)
def test_headers_that_name_no_event(headers):
    """Its place is where it stands."""
    assert who(record(BARE, *headers)) == PLACE


def test_a_letter_whose_headers_could_not_be_read():
    """What it asked for is not known, so that no copy of it makes a customer, and no replay publishes it."""
    dead = failed(replace(record(BARE), unreadable="a header's name is not UTF-8"), UNDECODABLE)
    decoded = DECODER(copied(dead))
    assert isinstance(decoded, Unusable)
    assert decoded.reason.code is ReasonCode.UNDECODABLE
    assert "headers could not be read" in (RULES.obstacle(letter(dead), dead) or "")


@pytest.mark.parametrize(
    "decoder",
    [Decoder(max_bytes=100), Decoder(max_depth=1), Decoder(departmentalization=True)],
    ids=["bytes", "depth", "rule"],
)
@pytest.mark.parametrize("got", EVENTS.values(), ids=EVENTS)
def test_a_limit_or_a_rule_that_was_lowered(decoder, got):
    """The event keeps its name, and so the end that it had."""
    assert who(got, decoder) == who(got)
