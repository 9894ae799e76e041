"""What the console's pages are put together from."""

from types import SimpleNamespace
from typing import Any, cast

import htpy as h
import orjson
import pytest

from worker.console import words
from worker.console.letters import letter as of_letter
from worker.console.letters.letter import _facts
from worker.console.letters.payload import _header_table
from worker.console.now.replicas import replica
from worker.console.verify import _report
from worker.console.web import page, parts
from worker.console.web.answers import Page
from worker.console.web.asked import Asked
from worker.console.web.rights import Right, Who
from worker.console.work.inquiries import Inquiries, Inquiry
from worker.model.records import Record
from worker.settings.settings import Settings
from worker.tools.dead_letters.letters import letter
from worker.tools.dead_letters.shown import Shown
from worker.tools.verification.report import Finding, Part, Report

HOSTILE = "<script>alert(1)</script>\"'&\u202e{{x}}"


def test_a_text_of_somebody_else():
    """Comes out as text, wherever it stands."""
    shown = str(
        h.fragment[
            parts.table("t", ("a",), [(HOSTILE,)], none=""),
            parts.facts([("n", HOSTILE)]),
            parts.notice("bad", HOSTILE),
            parts.empty(HOSTILE),
            parts.number(HOSTILE, HOSTILE),
            h.a(href="/x", title=HOSTILE)["x"],
        ]
    )
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") == 7


def test_numbers():
    """Are found again by their keys, and the rest is the page's shape."""
    first, rest = parts.numbers(str(h.p[parts.number("a", 1), parts.number(HOSTILE, HOSTILE, "bad")]))
    assert first == {"a": ("1", "plain"), HOSTILE: (HOSTILE, "bad")}
    assert rest == parts.numbers(str(h.p[parts.number("a", 2), parts.number(HOSTILE, "y")]))[1]
    assert rest != parts.numbers(str(h.p[parts.number("b", 2), parts.number(HOSTILE, "y")]))[1]


def test_fresh_numbers():
    """Come with the shape that the page had, until something is added."""

    def told(*rows):
        return orjson.loads(page.fresh(Page("t", h.ul[(h.li[parts.number(f"n{each}", each)] for each in rows)])))

    assert told(1)["numbers"] == {"n1": ["1", "plain"]}
    assert told(1)["shape"] == told(1)["shape"] != told(1, 2)["shape"]


async def test_a_letter_of_another_tool(monkeypatch):
    """Nothing is read for its page that the page does not tell, and nobody asks again for what changes no more."""
    headers = (("kafka_dlt-original-topic", b"customer.create.requests"), ("kafka_dlt-exception-fqcn", b"a.B"))
    record = Record("dead", 0, 7, 1, None, b"", headers)

    async def read(_):
        return Shown(Settings(), cast("Any", None), letter(record)), record

    monkeypatch.setattr(of_letter, "read", read)
    inquiries = Inquiries()
    sources: Any = SimpleNamespace(desk=SimpleNamespace(inquiries=inquiries))
    shown = await of_letter.letter(Asked("/letters/0@7", Who("ada", frozenset(Right)), sources))
    assert isinstance(shown, Page)
    assert "Spring Kafka a.B" in str(h.fragment[shown.body])
    assert (shown.is_fresh, len(inquiries._known)) == (False, 0)


@pytest.mark.parametrize(
    ("told", "kind", "sentence"),
    [
        ({"valid": True}, "good", "It would be valid today."),
        ({"valid": True, "unchecked": "its levels"}, "good", "It would be valid today: its levels."),
        (
            {"valid": True, "passedOver": "no customer"},
            "plain",
            "It would be passed over today, by the mapping&#39;s rule: no customer.",
        ),
        ({"valid": False, "reason": "rejected", "why": "w"}, "plain", "It would not be valid today: rejected: w."),
        ({"valid": None, "why": "it is gone"}, "plain", "It cannot be told: it is gone."),
    ],
)
def test_what_would_become_of_a_letter_today(told, kind, sentence):
    """What the worker passes over makes no customer, and so is not called valid."""
    shown = str(h.fragment[of_letter._today(told)])
    assert f'data-kind="{kind}" role="status">{sentence}<' in shown


def test_a_letter_of_an_event_with_very_many_records():
    """What the journal knows takes bounded room, and what is left out is told."""
    told: dict[str, Any] = {"openIntents": [], "outcome": None, "attempts": 1}
    journal: dict[str, Any] = {"event": "e", "topic": "requests", "partition": 0, "customer": "created", "seen": "now"}
    journal["records"] = [told | {"offset": offset} for offset in range(10_000)]
    shown = str(h.fragment[of_letter._known(Inquiry(answer={"journal": journal}))])
    assert (shown.count("requests/0 offset"), "and 9\u202f501 more lines" in shown) == (499, True)


def test_a_letter_with_very_many_headers():
    """Its pages take bounded room, and say how many more there are."""
    headers: Any = tuple((f"h{number}", b"v") for number in range(100_000))
    record = Record("dead", 0, 7, 1, None, b"", headers)
    shown = Shown(Settings(), cast("Any", None), letter(record))
    told = str(h.fragment[_facts(shown.letter, shown.headers(record))])
    assert ("and 99900 more" in told, told.count("<li>")) == (True, 101)
    of_payload = str(_header_table("t", shown.headers(record, payload=True)["headers"]))
    assert ("and 99000 more" in of_payload, of_payload.count("<tr>")) == (True, 1_001)


@pytest.mark.parametrize(
    ("part", "findings", "shown"),
    [
        (Part(0, 0, 0, 5), (), "Nothing was judged: nothing is committed."),
        (Part(0, 0, 3, 5, committed=3), (), "It holds: every committed request ended once."),
        (Part(0, 0, 3, 5), (Finding("no_terminal_event", 1, ("0@1",)),), "It does not hold."),
    ],
)
def test_a_verification(part, findings, shown):
    """Where nothing was judged it does not hold, and is no finding; what was passed over is counted."""
    told = str(_report(Report("requests", (part,), 0, 0, findings, (), passed_over=1_234), 1.0))
    assert shown in told
    assert ('data-kind="good"' in told) == shown.startswith("It holds")
    assert "passed over by the mapping</dt><dd>1\u202f234" in told


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "not told"), (0, "0"), (1234567, "1\u202f234\u202f567"), ("x", "x"), (True, "True"), (1.5, "1.5")],
)
def test_values(value, shown):
    """What nobody told is no zero."""
    assert parts.text(value) == shown


def test_a_moment():
    """Says that it is UTC, to whoever reads it as to whatever program does."""
    assert str(parts.moment(90_061_001)) == (
        '<time datetime="1970-01-02T01:01:01.001+00:00">1970-01-02 01:01:01 UTC</time>'
    )
    assert words.stamp(90_061_001) == "1970-01-02 01:01:01 UTC"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-1, "0 s"),
        (0.9, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (7260, "2 h 1 min"),
        (90061, "1 d 1 h"),
    ],
)
def test_ages(seconds, shown):
    """In two units at most."""
    assert parts.age(seconds) == shown


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"holds": 1, "partitions": "x", "instance": 5, "startedAt": "soon", "inFlight": True, "queued": -1},
        {"partitions": [1, {}, {"partition": "0"}], "holds": [None], "startedAt": 5, "boundBy": ""},
    ],
)
def test_a_status_that_says_nothing(told):
    """Whatever stands there is not told."""
    found = replica("a:1", told)
    assert (found.instance, found.started, found.in_flight, found.queued, found.bound_by) == (None,) * 5
    assert (found.holds, found.partitions) == ((), ())


def test_texts_of_a_status():
    """Nothing in them changes how others are shown: a hold names what somebody else wrote into the journal."""
    hold = {"reason": "journal_shared\u202e", "detail": "of group evil\u200b\n"}
    found = replica("a:1", {"instance": "a\u2066", "holds": [hold]})
    assert (found.instance, found.holds[0].reason, found.holds[0].detail) == (
        "a\ufffd",
        "journal_shared\ufffd",
        "of group evil\ufffd\ufffd",
    )


def test_a_status_of_a_version_before():
    """What it called otherwise is understood."""
    found = replica("a:1", {"state": "running", "bound_by": "api", "partitions": [{"partition": 0, "blocking": {}}]})
    assert (found.bound_by, found.partitions[0].blocking, found.partitions[0].lag) == ("api", None, None)
