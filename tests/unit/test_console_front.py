"""The first page, made of what is known at a moment."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from worker.console.now import front
from worker.console.now.fleet import Fleet
from worker.console.now.replicas import Blocking, Hold, Owned, Replica, Silent
from worker.console.now.watching import Now
from worker.console.web import page, parts
from worker.console.web.asked import Asked
from worker.console.web.rights import Right, Who
from worker.creation.holds import HoldReason
from worker.kafka.overview import Member, Overview, Waiting

AT = 10_000.0
HOSTILE = "<b>\"'&"
RUNBOOK = "https://docs.example.com/operations.html"


def shown(now: Now, runbook: str | None = None) -> str:
    async def of_now() -> Now:
        return now

    settings = SimpleNamespace(console=SimpleNamespace(runbook=runbook))
    sources: Any = SimpleNamespace(watching=SimpleNamespace(now=of_now), settings=settings)
    who = Who("ada", frozenset({Right.ENTER, Right.VIEW}))
    asked = Asked("/", who, sources, "/p")
    running = front.front(asked)
    try:
        running.send(None)
    except StopIteration as ended:
        return page.document(ended.value, asked)
    raise AssertionError("it waited for something")


def text(markup: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


@pytest.fixture
def now():
    hold = Hold(HoldReason.API_UNAVAILABLE, HOSTILE, AT - 60, None)
    blocking = Blocking(7, 90.0, "post")
    one = Replica("a:1", "a:7", "1.0", AT - 5, "g", "holding", (hold,), 1, 2, "hold", (Owned(0, 5, 3, blocking),))
    old = Replica("b:1", state="running")
    other = Replica("c:1", group="others", state="running")
    members = (Member("w", "10.0.0.1", (0,)), Member("w", "10.0.0.2", (1,)), Member("w", "10.0.0.3", ()))
    partitions = {0: Waiting(0, 9, 5), 1: Waiting(0, 4, None), 2: Waiting(0, 0, 0)}
    kafka = Overview(members, sharing=False, partitions=partitions)
    return Now(AT, "g", Fleet((one, old, other), (Silent("d:1", "no connection"),), 3), kafka, {0: 65.0})


def test_every_number_has_a_key_of_its_own(now):
    """Two of one key would be written over each other."""
    keys = re.findall(r'data-n="([^"]*)"', shown(now))
    assert len(keys) == len(set(keys)) > 20


def test_what_is_told(now):
    """Members against answers, what waits, who has which partition, and how long its first record has stood."""
    told = text(shown(now))
    for each in (
        "g: 3 members, 2 answer",
        "7 or fewer",
        "1 of 2 workers is held for 1 min: the API cannot be reached, or fails (api_unavailable)",
        "a:1 holding a:7 1.0 5 s 1 2 hold 0",
        "b:1 running not told not told not told not told not told not told none",
        "c:1 running (group others)",
        "d:1 no connection",
        "3 more addresses were not asked.",
        "7, 1 min 30 s old: waits for the API&#39;s answer (post) 1 min 5 s",
        "10.0.0.2, which does not answer nothing 4 4 or fewer",
        "2 nobody 0 0 0",
    ):
        assert str(each) in told, each


def test_texts_of_others(now):
    """Are texts."""
    assert HOSTILE not in shown(now)
    assert parts.numbers(shown(now))[0]["detail a:1 api_unavailable None"] == (HOSTILE, "plain")


def test_the_runbook(now):
    """A hold leads to its section where somebody says where that is."""
    assert f'href="{RUNBOOK}#api_unavailable"' in shown(now, RUNBOOK)
    assert "What to do about it" not in shown(now)


def test_nothing_is_known():
    """The page is there, and says so."""
    told = text(shown(Now(AT, "g", Fleet(), "no right to Describe topic x")))
    for each in ("members not told, 0 answer", "no right to Describe topic x", "Nothing is held.", "Nobody says which"):
        assert each in told


def test_below_a_prefix(now):
    """All that the page leads to."""
    for link in re.findall(r'(?:href|src)="([^"]+)"', shown(now)):
        assert link.startswith(("/p/", "#main")), link
